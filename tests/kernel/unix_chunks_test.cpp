#include "../support/bad_pointers.hpp"
#include "../support/random.hpp"
#include "../support/step_by_step.hpp"
#include "../support/unix_sockets.hpp"
#include "../support/wake_keys.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

using namespace rouse;
using rouse::kernel::unix_stream_cost;

namespace {

/// One call on one of the two ends.
struct Step {
  enum Kind { send, receive, send_bad, receive_bad, set_inline, set_buffer, shutdown, close } kind;
  std::size_t end;
  std::size_t n;  // Bytes, or the argument.
  int flags;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* names[] = {"send",       "receive",    "send_bad", "receive_bad",
                                   "set_inline", "set_buffer", "shutdown", "close"};
  return out << names[step.kind] << "(end " << step.end << ", " << step.n << ", flags " << step.flags << ')';
}

/// Short messages with many urgent bytes, mostly one way; in every third script sizes that fill the buffer, at the
/// edges of what chunks cost; now and then something that ends a direction.
std::vector<Step> script(std::uint64_t seed, std::size_t length) {
  test::Random random{seed};
  const auto below = [&](std::size_t n) { return random.below(n); };
  const bool fills = seed % 3 == 0;
  constexpr std::size_t sizes[] = {1, 192, 193, 448, 449, 3776, 3777, 8000, 36544, 36545, 100000, 300000};
  const auto size = [&] {
    if (!fills || below(3) == 0) return below(5);
    return sizes[below(std::size(sizes))] + below(2);
  };
  struct Choice {
    std::size_t upto;  // Of 64.
    Step::Kind kind;
    int flags;
  };
  constexpr Choice choices[] = {
      {14, Step::send, 0},
      {26, Step::send, MSG_OOB},
      {38, Step::receive, 0},
      {42, Step::receive, MSG_PEEK},
      {44, Step::receive, MSG_WAITALL},
      {50, Step::receive, MSG_OOB},
      {52, Step::receive, MSG_OOB | MSG_PEEK},
      {54, Step::send_bad, 0},
      {55, Step::send_bad, MSG_OOB},
      {57, Step::receive_bad, 0},
      {58, Step::receive_bad, MSG_OOB},
      {61, Step::set_inline, 0},
      {63, Step::set_buffer, 0},
      {64, Step::close, 0},
  };
  std::vector<Step> steps;
  while (steps.size() < length) {
    const std::size_t number = below(64);
    const Choice& choice =
        *std::find_if(std::begin(choices), std::end(choices), [&](const Choice& c) { return number < c.upto; });
    Step step{choice.kind, below(6) == 0 ? 0u : 1u, size(), choice.flags};
    const bool receives = step.kind == Step::receive || step.kind == Step::receive_bad;
    if (receives || step.kind == Step::set_inline) step.end = 1 - step.end;
    if (receives) step.n *= 2;
    if (step.kind == Step::set_buffer) step.n = fills ? below(200000) : 100000;
    if (step.kind == Step::close && below(4) != 0) step = {Step::shutdown, step.end, below(3), 0};
    if (step.kind == Step::close && steps.size() < length / 2) continue;
    steps.push_back(step);
  }
  return steps;
}

std::string shortened(const std::string& bytes) {
  if (bytes.size() < 20) return bytes;
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return "hash " + std::to_string(hash);
}

/// Two ends of a connection, and what can be seen of them after each step.
template <class On>
class Run {
 public:
  std::string after(const Step& step) {
    if (!ends_[step.end].is_open()) return "closed";
    std::ostringstream out;
    make(out, step, ends_[step.end]);
    for (const std::size_t i : {0u, 1u}) {
      const auto& fd = ends_[i];
      if (!fd.is_open()) continue;
      out << "; end " << i << ": " << calls_.all_bits(fd) << " woken " << keys_[i].take() << ", in flight "
          << calls_.in_flight(fd) << ", readable " << calls_.readable(fd) << (calls_.is_at_mark(fd) ? ", at mark" : "");
    }
    return out.str();
  }

 private:
  using Fd = typename test::UnixSockets<On>::Fd;

  void make(std::ostream& out, const Step& step, Fd& end) {
    auto* const bad = test::unmapped();
    switch (step.kind) {
      case Step::send: {
        std::string bytes;
        for (std::size_t i = 0; i < step.n; ++i) bytes += static_cast<char>('a' + next_++ % 26);
        out << calls_.send(end, bytes, step.flags);
        break;
      }
      case Step::receive: {
        const test::Received got = calls_.receive(end, step.n, step.flags);
        out << got.result << ' ' << shortened(got.bytes);
        break;
      }
      case Step::send_bad:
        out << on_.backend.sendto(end.get(), bad, step.n, step.flags | MSG_NOSIGNAL, nullptr, 0);
        break;
      case Step::receive_bad: out << on_.backend.recvfrom(end.get(), bad, step.n, step.flags, nullptr, nullptr); break;
      case Step::set_inline: out << calls_.set_option(end, SO_OOBINLINE, static_cast<int>(step.n % 2)); break;
      case Step::set_buffer: out << calls_.set_option(end, SO_SNDBUF, static_cast<int>(step.n)); break;
      case Step::shutdown: out << calls_.shutdown(end, static_cast<int>(step.n)); break;
      case Step::close: out << end.close(); break;
    }
  }

  On on_;
  test::UnixSockets<On> calls_{on_};
  std::array<Fd, 2> ends_ = calls_.pair();
  std::array<test::WakeKeys<On>, 2> keys_{{{on_, ends_[0].get()}, {on_, ends_[1].get()}}};
  unsigned next_ = 0;
};

}  // namespace

TEST_CASE("UnixChunks: a chunk costs what Linux allocates for it", "[unix_chunks]") {
  struct Row {
    std::size_t bytes;
    std::size_t cost;
  };
  for (const auto& [bytes, cost] : {Row{1, 768}, {192, 768}, {193, 1280}, {200, 1280}, {1000, 2304}, {4000, 4864}}) {
    CAPTURE(bytes);
    CHECK(unix_stream_cost(bytes) == cost);
  }
}

// Not per kernel: it is the comparison of the two.
TEST_CASE("UnixChunks: random scripts go as on Linux, step by step", "[unix_chunks][differential]") {
  constexpr std::uint64_t seeds = 200;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Run<test::OnLinux> real;
    Run<test::OnEmulated> emulated;
    test::compare_step_by_step(seed, script(seed, 40), real, emulated);
  }
}
