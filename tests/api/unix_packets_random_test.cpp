// Random scripts over several sockets that send messages, and their names, run on Linux and on the emulated kernel,
// compared step by step.
#include "../support/bad_pointers.hpp"
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

constexpr std::size_t sockets = 6;

/// A call on one of the sockets, made first if there is none.
struct Step {
  enum Kind {
    pair,
    bind,
    listen,
    accept,
    connect,
    disconnect,
    send,
    send_to,
    send_bad,
    receive,
    receive_bad,
    shutdown,
    close,
    unlink,
    error,
    buffer,
    duplicate
  } kind;
  std::size_t socket;
  std::size_t n;  // A name, a length, another socket: what the call takes.
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* kinds[] = {"pair",  "bind",    "listen",   "accept",  "connect",     "disconnect",
                                   "send",  "send_to", "send_bad", "receive", "receive_bad", "shutdown",
                                   "close", "unlink",  "error",    "buffer",  "duplicate"};
  return out << kinds[step.kind] << '(' << step.socket << ", " << step.n << ')';
}

/// What is needed to get anywhere comes up more often; every third script fills buffers and queues.
std::vector<Step> script(std::uint64_t seed, std::size_t length, int type) {
  struct Share {
    Step::Kind kind;
    std::size_t datagram, seqpacket, filling;
  };
  constexpr Share shares[] = {
      {Step::pair, 1, 2, 1},      {Step::bind, 4, 3, 1},       {Step::listen, 1, 4, 0},      {Step::accept, 1, 5, 0},
      {Step::connect, 6, 6, 2},   {Step::disconnect, 1, 1, 0}, {Step::send, 8, 8, 24},       {Step::send_to, 8, 1, 16},
      {Step::send_bad, 1, 1, 1},  {Step::receive, 6, 6, 8},    {Step::receive_bad, 1, 1, 0}, {Step::shutdown, 1, 1, 0},
      {Step::close, 1, 1, 0},     {Step::unlink, 1, 1, 0},     {Step::error, 1, 1, 0},       {Step::buffer, 1, 1, 1},
      {Step::duplicate, 1, 1, 0},
  };
  test::Random random{seed};
  const bool fills = seed % 3 == 0;
  std::vector<Step::Kind> kinds;
  for (const Share& share : shares) {
    kinds.insert(kinds.end(),
                 fills                ? share.filling
                 : type == SOCK_DGRAM ? share.datagram
                                      : share.seqpacket,
                 share.kind);
  }
  std::vector<Step> steps;
  while (steps.size() < length) {
    // Few sockets while they are to be filled: deeper, rather than wider.
    const std::size_t at = random.below(fills && steps.size() > 20 ? 3 : sockets);
    steps.push_back({kinds[random.below(kinds.size())], at, random.below(std::size_t{48})});
  }
  return steps;
}

/// How much of the sockets is looked at after each step. Looking is not without effect.
enum class Looks { all, input, none };

template <class On>
class Run {
 public:
  Run(int type, Looks looks) : type_(type), looks_(looks) {}

  /// What the call returned, and then what can be seen of every socket.
  std::string after(const Step& step) {
    Slot& slot = slots_[step.socket];
    if (!slot.fd) open(slot, fresh());
    std::ostringstream out;
    make(out, step, slot);
    // Looking takes hundreds of calls: the kernel is checked before and after, not within.
    check_every_call(false);
    for (std::size_t i = 0; i < sockets; ++i) {
      Slot& seen = slots_[i];
      if (!seen.fd) continue;
      out << "\n  " << i << ':';
      if (looks_ == Looks::all) out << " bits " << calls_.all_bits(*seen.fd);
      if (looks_ == Looks::input) out << " bits " << calls_.bits(*seen.fd, EventFlags::in | EventFlags::rdhup);
      out << " woken " << seen.keys->take() << ", in flight " << calls_.in_flight(*seen.fd) << ", readable "
          << calls_.readable(*seen.fd) << ", mark " << mark(*seen.fd) << ", called "
          << names_.shown(test::local_name(*seen.fd)) << ", peer " << names_.shown(test::peer_name(*seen.fd));
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

  Fd fresh() { return Fd{on_.backend, on_.backend.socket(AF_UNIX, type_ | SOCK_NONBLOCK, 0).value()}; }
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
        int fds[2];
        backend.socketpair(AF_UNIX, type_ | SOCK_NONBLOCK, 0, fds).value();
        open(slot, Fd{backend, fds[0]});
        open(other, Fd{backend, fds[1]});
        break;
      }
      case Step::bind:
        out << calls_.bind(fd, step.n == 47 ? test::unnamed_address() : names_.address(step.n)).ok();
        break;
      case Step::listen: out << backend.listen(fd.get(), static_cast<int>(step.n % 3)); break;
      case Step::accept: {
        const SysResult<int> accepted = backend.accept4(fd.get(), nullptr, nullptr, SOCK_NONBLOCK);
        out << (accepted.ok() ? "accepted" : "not accepted") << ' ' << accepted.error();
        if (accepted.ok()) open(other, Fd{backend, accepted.value()});
        break;
      }
      case Step::connect: out << calls_.connect(fd, names_.address(step.n)); break;
      case Step::disconnect:
        out << calls_.connect(fd, test::raw_address(AF_UNSPEC, "abc").substr(0, step.n % 6));
        break;
      case Step::send: out << calls_.send(fd, message(step.n), step.n == 40 ? MSG_OOB : 0); break;
      case Step::send_to:
        out << send(fd, message(step.n).data(), message(step.n).size(), names_.address(step.n / 2));
        break;
      case Step::send_bad:
        out << send(fd, test::unmapped(), 5, step.n % 2 == 0 ? "" : names_.address(step.n / 2));
        break;
      case Step::receive: {
        constexpr int flags[] = {0, 0, 0, 0, MSG_PEEK, MSG_TRUNC, MSG_PEEK | MSG_TRUNC, MSG_WAITALL};
        receive(out, fd, step.n == 41 ? MSG_OOB : flags[step.n % std::size(flags)], step.n < 40 ? 300000 : step.n % 4);
        break;
      }
      case Step::receive_bad:
        out << backend.recvfrom(fd.get(), test::unmapped(), 5, step.n % 2 == 0 ? 0 : MSG_PEEK, nullptr, nullptr);
        break;
      case Step::shutdown: out << calls_.shutdown(fd, static_cast<int>(step.n % 3)); break;
      case Step::close: slot = {}; break;
      case Step::unlink: out << backend.unlink(names_.path(step.n % 2 == 0 ? "a" : "b").c_str()); break;
      case Step::error: out << calls_.take_error(fd); break;
      case Step::buffer: out << calls_.set_option(fd, SO_SNDBUF, step.n % 2 == 0 ? 1000 : 200000); break;
      case Step::duplicate:
        if (&other != &slot) open(other, Fd{backend, backend.dup(fd.get()).value()});
        break;
    }
  }

  SysResult<int> mark(const Fd& fd) {
    int value = -1;
    return on_.backend.ioctl(fd.get(), SIOCATMARK, &value);
  }
  SysResult<std::size_t> send(const Fd& fd, const char* data, std::size_t n, const std::string& to) {
    return on_.backend.sendto(fd.get(), data, n, MSG_NOSIGNAL, to.empty() ? nullptr : calls_.raw(to), calls_.size(to));
  }
  void receive(std::ostream& out, const Fd& fd, int flags, std::size_t n) {
    std::string bytes(n + 1, '\0');
    const auto told = test::told(150, [&](::sockaddr* from, ::socklen_t* size) {
      return on_.backend.recvfrom(fd.get(), bytes.data(), n, flags, from, size);
    });
    out << "from " << names_.shown(told) << " begins " << bytes.substr(0, 2).c_str();
  }

  /// Mostly short ones; now and then one at the edge of what costs more or cannot be sent.
  static std::string message(std::size_t n) {
    constexpr std::size_t sizes[] = {192,   193,   704,   705,   1728,  1729,   3776,   3777,
                                     16064, 16065, 80000, 85696, 85697, 100000, 212960, 212961};
    const char first = static_cast<char>('a' + n % 26);
    return std::string(n < 30 ? n % 4 : sizes[n % std::size(sizes)], first);
  }

  const int type_;
  const Looks looks_;
  On on_;
  test::UnixSockets<On> calls_{on_};
  test::UnixNames<On> names_;
  std::array<Slot, sockets> slots_;
};

void compare(int type, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto looks = static_cast<Looks>(seed / 3 % 3);
    Run<test::OnLinux> real{type, looks};
    Run<test::OnEmulated> emulated{type, looks};
    test::compare_step_by_step(seed, script(seed, 100, type), real, emulated);
  }
}

}  // namespace

// Not per kernel: it is the comparison of the two.
TEST_CASE("Unix datagrams: random scripts go as on Linux, step by step", "[unix][datagram][differential]") {
  compare(SOCK_DGRAM, 36);
}

TEST_CASE("Unix seqpacket: random scripts go as on Linux, step by step", "[unix][seqpacket][differential]") {
  compare(SOCK_SEQPACKET, 27);
}
