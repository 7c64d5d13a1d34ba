// Random scripts that pass fds over pairs of each type, run on Linux and on the emulated kernel, compared step by step.
#include "../support/messages.hpp"
#include "../support/poll_bits.hpp"
#include "../support/random.hpp"
#include "../support/step_by_step.hpp"
#include "../support/unix_sockets.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <vector>

using namespace rouse;

namespace {

constexpr std::size_t pipes = 5;

struct Step {
  enum Kind { make, drop, send, send_wrong, receive, receive_plain, shutdown, close } kind;
  std::size_t end, n, m;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* kinds[] = {"make",    "drop",          "send",     "send_wrong",
                                   "receive", "receive_plain", "shutdown", "close"};
  return out << kinds[step.kind] << '(' << step.end << ", " << step.n << ", " << step.m << ')';
}

std::vector<Step> script(std::uint64_t seed, std::size_t length) {
  constexpr Step::Kind kinds[] = {Step::make,    Step::make,    Step::make,          Step::drop, Step::drop,
                                  Step::send,    Step::send,    Step::send,          Step::send, Step::send_wrong,
                                  Step::receive, Step::receive, Step::receive_plain, Step::make, Step::receive};
  test::Random random{seed};
  std::vector<Step> steps;
  while (steps.size() < length) {
    Step::Kind kind = kinds[random.below(std::size(kinds))];
    if (random.below(60) == 0) kind = random.below(2) == 0 ? Step::shutdown : Step::close;
    steps.push_back({kind, random.below(std::size_t{2}), random.below(std::size_t{64}), random.below(std::size_t{64})});
  }
  return steps;
}

template <class On>
class Run {
 public:
  explicit Run(int type) : ends_(pair(type)) {}

  /// What the call returned, and then what can be seen of the sockets and of the other ends of the pipes.
  std::string after(const Step& step) {
    std::ostringstream out;
    make(out, step);
    out << "\n ";
    for (auto& end : ends_) {
      if (end) out << " readable " << calls_.readable(*end) << " in flight " << calls_.in_flight(*end) << ';';
    }
    for (auto& pipe : pipes_) {
      out << ' ';
      if (pipe) out << test::poll_bits(on_.backend, pipe->witness.get()) << '/' << pipe->copies.size();
    }
    return out.str();
  }

 private:
  using Fd = typename test::UnixSockets<On>::Fd;
  struct Passed {
    Fd witness;              // The writing end, which shows when nobody can read any more.
    std::vector<Fd> copies;  // Of the reading end.
  };

  std::array<std::optional<Fd>, 2> pair(int type) {
    int fds[2];
    on_.backend.socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds).value();
    return {Fd{on_.backend, fds[0]}, Fd{on_.backend, fds[1]}};
  }

  void make(std::ostream& out, const Step& step) {
    const auto& backend = on_.backend;
    auto& pipe = pipes_[step.n % pipes];
    auto& end = ends_[step.end];
    switch (step.kind) {
      case Step::make: {
        if (pipe && !test::poll_bits(backend, pipe->witness.get()).has(EventFlags::err)) break;
        int fds[2];
        backend.pipe2(fds, O_NONBLOCK).value();
        pipe.emplace(Fd{backend, fds[1]});
        pipe->copies.emplace_back(backend, fds[0]);
        static_cast<void>(backend.write(fds[1], "12345", step.n % pipes + 1));
        break;
      }
      case Step::drop:
        if (pipe) pipe->copies.clear();
        break;
      case Step::send:
        if (end)
          out << test::send_message(backend, end->get(), bytes(step.m), control(step), step.m == 63 ? MSG_OOB : 0);
        break;
      case Step::send_wrong: {
        std::string wrong = control(step);
        if (wrong.empty() || !end) break;
        wrong[step.m % 16] = static_cast<char>(wrong[step.m % 16] + static_cast<char>(step.m % 3));
        if (wrong[12] == SCM_CREDENTIALS) break;
        out << test::send_message(backend, end->get(), bytes(step.m), wrong);
        break;
      }
      case Step::receive: {
        if (!end) break;
        constexpr int flags[] = {0, 0, 0, MSG_PEEK, MSG_CMSG_CLOEXEC, MSG_TRUNC, MSG_WAITALL, MSG_PEEK | MSG_TRUNC};
        constexpr std::size_t rooms[] = {0, 100, 15, 16, 19, 20, 23, 24, 28, 31, 32, 36, 40, 1000};
        take(out, test::receive_message(backend, end->get(), step.m % 9, rooms[step.n % std::size(rooms)],
                                        step.m == 62 ? MSG_OOB : flags[step.n % std::size(flags)]));
        break;
      }
      case Step::receive_plain:
        if (end) out << calls_.receive(*end, step.m % 9, step.n % 4 == 0 ? MSG_PEEK : 0);
        break;
      case Step::shutdown:
        if (end) out << calls_.shutdown(*end, static_cast<int>(step.n % 3));
        break;
      case Step::close: end.reset(); break;
    }
  }

  /// Mostly one or a few, at times none, seldom more than there is room for.
  std::string control(const Step& step) {
    std::vector<int> fds;
    for (std::size_t i = 0; i < step.m % 5; ++i) {
      const auto& pipe = pipes_[(step.n + i) % pipes];
      if (pipe && !pipe->copies.empty()) fds.push_back(pipe->copies.back().get());
    }
    if (step.m == 50) fds.push_back(-1);
    return fds.empty() && step.m % 7 != 0 ? "" : test::rights(fds);
  }
  static std::string bytes(std::size_t m) { return std::string(m % 6, static_cast<char>('a' + m % 26)); }

  /// Sorts what came to the pipe it belongs to; some of it is closed at once.
  void take(std::ostream& out, test::GotMessage got) {
    std::vector<int> fds;
    fds.swap(got.fds);
    out << got;
    for (const int fd : fds) {
      Fd owned{on_.backend, fd};
      out << " cloexec " << on_.backend.fcntl(fd, F_GETFD);
      // Each pipe holds another number of bytes.
      int held = 0;
      static_cast<void>(on_.backend.ioctl(fd, FIONREAD, &held));
      auto& pipe = pipes_[static_cast<std::size_t>(held - 1)];
      out << " of pipe " << held - 1;
      if (pipe && pipe->copies.size() < 3) pipe->copies.push_back(std::move(owned));
    }
  }

  On on_;
  test::UnixSockets<On> calls_{on_};
  std::array<std::optional<Fd>, 2> ends_;
  std::array<std::optional<Passed>, pipes> pipes_;
};

void compare(int type, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Run<test::OnLinux> real{type};
    Run<test::OnEmulated> emulated{type};
    test::compare_step_by_step(seed, script(seed, 100), real, emulated);
  }
}

}  // namespace

// Not per kernel: it is the comparison of the two.
TEST_CASE("Unix rights: random scripts go as on Linux, step by step", "[unix][rights][differential]") {
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
    CAPTURE(type);
    compare(type, 40);
  }
}
