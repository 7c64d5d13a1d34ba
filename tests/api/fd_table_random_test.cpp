// Random calls that make, copy and close fds, the same on both kernels: every number and every error has to be equal.
#include "../support/backends.hpp"
#include "../support/file_limit.hpp"
#include "../support/random.hpp"

#include <sstream>

using namespace rouse;
using test::Random;

namespace {

constexpr int base = 100;   // Below, all numbers are taken, so that both kernels begin alike.
constexpr int width = 140;  // Of the numbers that the calls are about, open or not.

template <class On>
std::string step(const On& on, Random& random) {
  const int from = base + random.below(width);
  const int to = base + random.below(width);
  const int flags = random.below(2) == 0 ? O_CLOEXEC : 0;
  std::ostringstream line;
  switch (random.below(10)) {
    case 0: line << "eventfd: " << on.backend.eventfd(0, flags); break;
    case 1: {
      int fds[2] = {-1, -1};
      line << "pipe2: " << on.backend.pipe2(fds, flags) << ' ' << fds[0] << ' ' << fds[1];
      break;
    }
    case 2: line << "dup " << from << ": " << on.backend.dup(from); break;
    case 3: line << "dup2 " << from << ' ' << to << ": " << on.backend.dup2(from, to); break;
    case 4: line << "dup3 " << from << ' ' << to << ": " << on.backend.dup3(from, to, flags); break;
    case 5: line << "dupfd " << from << ' ' << to << ": " << on.backend.fcntl(from, F_DUPFD, to); break;
    case 6: line << "dupfd_cloexec " << from << ": " << on.backend.fcntl(from, F_DUPFD_CLOEXEC, to); break;
    case 7: {
      ::rlimit limit{};
      line << "limit " << to << ": " << on.backend.getrlimit(RLIMIT_NOFILE, &limit);
      limit.rlim_cur = static_cast<::rlim_t>(to + width / 2);
      line << ' ' << on.backend.setrlimit(RLIMIT_NOFILE, &limit);
      break;
    }
    default: line << "close " << from << ": " << on.backend.close(from); break;
  }
  line << "; " << from << " has " << on.backend.fcntl(from, F_GETFD) << ' ' << on.backend.fcntl(from, F_GETFL);
  return line.str();
}

template <class On>
std::vector<std::string> transcript(std::uint64_t seed, int steps) {
  On on;
  const test::FileLimit<typename On::Backend> limit{on.backend, base + 2 * width};
  std::vector<int> taken;
  for (int fd = on.backend.eventfd(0, 0).value(); fd < base; fd = on.backend.eventfd(0, 0).value()) taken.push_back(fd);
  Random random{seed};
  std::vector<std::string> lines;
  for (int i = 0; i < steps; ++i) lines.push_back(step(on, random));
  for (int fd = base; fd < base + 2 * width; ++fd) static_cast<void>(on.backend.close(fd));
  for (const int fd : taken) static_cast<void>(on.backend.close(fd));
  return lines;
}

}  // namespace

TEST_CASE("Fd table: both kernels give out the same numbers whatever the calls", "[fd_table][random]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto expected = transcript<test::OnLinux>(seed, 400);
    const auto got = transcript<test::OnEmulated>(seed, 400);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(seed, i);
      REQUIRE(got[i] == expected[i]);
    }
  }
}
