// Random calls on a pipe, the same on both kernels: every result, every byte, every wakeup and what poll says have to
// be equal.
#include "../support/poll_bits.hpp"
#include "../support/random.hpp"
#include "../support/raw_pipe.hpp"
#include "../support/wake_keys.hpp"

#include <cstdint>
#include <sstream>

using namespace rouse;
using test::Random;

namespace {

/// A number of bytes, often at the edge of a page.
std::size_t some_size(Random& random) {
  switch (random.below(6)) {
    case 0: return random.below(std::size_t{4});
    case 1: return random.below(std::size_t{100});
    case 2: return 4094 + random.below(std::size_t{5});
    case 3: return random.below(std::size_t{3 * 4096});
    case 4: return random.below(std::size_t{17}) * 4096;
    default: return random.below(std::size_t{80000});
  }
}

std::uint64_t hash(const std::string& bytes) {
  std::uint64_t sum = 14695981039346656037u;
  for (const char c : bytes) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return sum;
}

/// `bytes` as two or three vectors.
std::vector<::iovec> cut(std::string& bytes, Random& random) {
  std::vector<::iovec> vectors;
  std::size_t at = 0;
  for (int i = 0; i < 2; ++i) {
    const std::size_t part = random.below(bytes.size() - at + 1);
    vectors.push_back({bytes.data() + at, part});
    at += part;
  }
  vectors.push_back({bytes.data() + at, bytes.size() - at});
  return vectors;
}

/// One random call; what it said.
template <class On>
std::string step(const On& on, test::RawPipe<On>& pipe, Random& random, int& counter) {
  std::ostringstream line;
  switch (random.below(8)) {
    case 0:
    case 1: {
      const std::size_t n = some_size(random);
      line << "write " << n << ": " << pipe.write(n);
      break;
    }
    case 2: {
      std::string bytes(some_size(random), static_cast<char>('a' + counter++ % 26));
      const auto vectors = cut(bytes, random);
      line << "writev " << vectors[0].iov_len << '+' << vectors[1].iov_len << '+' << vectors[2].iov_len << ": "
           << on.backend.writev(pipe.writer(), vectors.data(), 3);
      break;
    }
    case 3:
    case 4: {
      const std::size_t n = some_size(random);
      const auto bytes = pipe.take(n);
      line << "read " << n << ": ";
      if (bytes) {
        line << bytes->size() << " bytes, hash " << hash(*bytes);
      } else {
        line << "nothing";
      }
      break;
    }
    case 5: {
      std::string bytes(some_size(random), '-');
      const auto vectors = cut(bytes, random);
      line << "readv " << vectors[0].iov_len << '+' << vectors[1].iov_len << '+' << vectors[2].iov_len << ": "
           << on.backend.readv(pipe.reader(), vectors.data(), 3) << ", hash " << hash(bytes);
      break;
    }
    case 6: {
      const long bytes = random.below(20L) * 4096 + random.below(3L);
      line << "resize " << bytes << ": " << pipe.resize(bytes);
      break;
    }
    default: {
      const int direct = random.below(2) == 0 ? O_DIRECT : 0;
      line << "direct " << (direct != 0) << ": " << on.backend.fcntl(pipe.writer(), F_SETFL, O_NONBLOCK | direct);
      break;
    }
  }
  return line.str();
}

template <class On>
std::vector<std::string> transcript(std::uint64_t seed, int steps) {
  On on;
  test::RawPipe<On> pipe{on};
  test::WakeKeys<On> reader_keys{on, pipe.reader()};
  test::WakeKeys<On> writer_keys{on, pipe.writer()};
  Random random{seed};
  std::vector<std::string> lines;
  int counter = 0;
  for (int i = 0; i < steps; ++i) {
    std::ostringstream line;
    line << step(on, pipe, random, counter);
    line << "; queued " << pipe.queued() << ", reader " << test::poll_bits(on.backend, pipe.reader()) << " woken by "
         << reader_keys.take() << ", writer " << test::poll_bits(on.backend, pipe.writer()) << " woken by "
         << writer_keys.take();
    lines.push_back(line.str());
  }
  return lines;
}

template <class On>
void compare_with_linux(std::uint64_t seed) {
  constexpr int steps = 120;
  const auto expected = transcript<test::OnLinux>(seed, steps);
  const auto got = transcript<On>(seed, steps);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (got[i] == expected[i]) continue;
    CAPTURE(seed, i);
    for (std::size_t before = i < 12 ? 0 : i - 12; before < i; ++before) UNSCOPED_INFO(expected[before]);
    REQUIRE(got[i] == expected[i]);
  }
}

}  // namespace

TEST_CASE("Pipe: both kernels do the same whatever the calls", "[pipe][random]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) compare_with_linux<test::OnEmulated>(seed);
  for (std::uint64_t seed = 61; seed <= 90; ++seed) compare_with_linux<test::OnUnwatched>(seed);
  SUCCEED();
}
