// Random scripts over several unix sockets and names, run on Linux and on the emulated kernel, compared step by step.
#include "../support/random.hpp"
#include "../support/step_by_step.hpp"
#include "../support/told_address.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"
#include "../support/wake_keys.hpp"

#include <optional>
#include <sstream>
#include <vector>

using namespace rouse;

namespace {

constexpr std::size_t sockets = 7;

/// A call on one of the sockets, made first if there is none.
struct Step {
  enum Kind { pair, bind, listen, connect, accept, send, receive, shutdown, close, unlink, error, duplicate } kind;
  std::size_t socket;
  std::size_t n;  // A name, a length, another socket: what the call takes.
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* kinds[] = {"pair",    "bind",     "listen", "connect", "accept", "send",
                                   "receive", "shutdown", "close",  "unlink",  "error",  "duplicate"};
  return out << kinds[step.kind] << '(' << step.socket << ", " << step.n << ')';
}

std::vector<Step> script(std::uint64_t seed, std::size_t length) {
  // What is needed to get anywhere comes up more often.
  constexpr Step::Kind kinds[] = {
      Step::pair,    Step::bind,    Step::bind,     Step::bind,    Step::listen,   Step::listen,  Step::listen,
      Step::connect, Step::connect, Step::connect,  Step::connect, Step::connect,  Step::accept,  Step::accept,
      Step::accept,  Step::accept,  Step::send,     Step::send,    Step::send,     Step::receive, Step::receive,
      Step::close,   Step::unlink,  Step::shutdown, Step::error,   Step::duplicate};
  test::Random random{seed};
  const auto below = [&](std::size_t n) { return random.below(n); };
  std::vector<Step> steps;
  while (steps.size() < length) {
    steps.push_back({kinds[below(std::size(kinds))], below(sockets), below(24)});
  }
  return steps;
}

template <class On>
class Run {
 public:
  /// What the call returned, and then all that can be seen of every socket.
  std::string after(const Step& step) {
    Slot& slot = slots_[step.socket];
    if (!slot.fd) open(slot, calls_.fresh());
    std::ostringstream out;
    make(out, step, slot);
    // Looking takes hundreds of calls: the kernel is checked before and after, not within.
    check_every_call(false);
    for (std::size_t i = 0; i < sockets; ++i) {
      Slot& seen = slots_[i];
      if (!seen.fd) continue;
      out << "\n  " << i << ": " << calls_.all_bits(*seen.fd) << " woken " << seen.keys->take() << ", in flight "
          << calls_.in_flight(*seen.fd) << ", called " << names_.shown(test::local_name(*seen.fd)) << ", peer "
          << names_.shown(test::peer_name(*seen.fd));
    }
    check_every_call(true);
    return out.str();
  }

 private:
  using Fd = typename test::UnixSockets<On>::Fd;
  struct Slot {
    std::optional<test::WakeKeys<On>> keys;
    std::optional<Fd> fd;
  };

  void check_every_call(bool on) {
    if constexpr (On::is_emulated) on_.kernel.check_every_call(on ? kernel::check_invariants : nullptr);
  }

  void open(Slot& slot, Fd fd) {
    slot.fd.emplace(std::move(fd));
    slot.keys.emplace(on_, slot.fd->get());
  }

  void make(std::ostream& out, const Step& step, Slot& slot) {
    const Fd& fd = *slot.fd;
    const auto& backend = on_.backend;
    Slot& other = slots_[step.n % sockets];
    switch (step.kind) {
      case Step::pair: {
        if (&other == &slot) return;
        auto pair = calls_.pair();
        open(slot, std::move(pair[0]));
        open(other, std::move(pair[1]));
        break;
      }
      case Step::bind: out << calls_.bind(fd, names_.address(step.n)); break;
      case Step::listen: out << backend.listen(fd.get(), static_cast<int>(step.n % 3)); break;
      case Step::connect: out << calls_.connect(fd, names_.address(step.n)); break;
      case Step::accept: {
        const SysResult<int> accepted = backend.accept4(fd.get(), nullptr, nullptr, SOCK_NONBLOCK);
        out << (accepted.ok() ? "accepted" : "not accepted") << ' ' << accepted.error();
        if (accepted.ok()) open(other, Fd{backend, accepted.value()});
        break;
      }
      case Step::send: out << calls_.send(fd, std::string(step.n % 4, 'x')); break;
      case Step::receive: out << calls_.receive(fd, step.n % 4, step.n > 18 ? MSG_PEEK : 0); break;
      case Step::shutdown: out << calls_.shutdown(fd, static_cast<int>(step.n % 3)); break;
      case Step::close: slot = {}; break;
      case Step::unlink: out << backend.unlink(names_.path(step.n % 2 == 0 ? "a" : "b").c_str()); break;
      case Step::error: out << calls_.take_error(fd); break;
      case Step::duplicate:
        if (&other != &slot) open(other, Fd{backend, backend.dup(fd.get()).value()});
        break;
    }
  }

  On on_;
  test::UnixSockets<On> calls_{on_};
  test::UnixNames<On> names_;
  std::array<Slot, sockets> slots_;
};

}  // namespace

// Not per kernel: it is the comparison of the two.
TEST_CASE("Unix sockets: random scripts go as on Linux, step by step", "[unix][differential]") {
  constexpr std::uint64_t seeds = 100;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Run<test::OnLinux> real;
    Run<test::OnEmulated> emulated;
    test::compare_step_by_step(seed, script(seed, 80), real, emulated);
  }
}
