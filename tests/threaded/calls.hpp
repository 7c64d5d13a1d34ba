// Calls: the calls of a script, made on a backend. Each returns what came of it as text, equal on equal kernels.
//
//     epoll E | eventfd V COUNT [semaphore] | pipe R W | pair A B [TYPE] | listener L BACKLOG [TYPE] | socket C [TYPE]
//     bound D [TYPE] | dup D X | dup2 X TO | close X | add E X FLAGS | mod E X FLAGS | del E X | shutdown X HOW
//     resize P BYTES | sndbuf U BYTES | nonblock X 0|1 | bits X | mask SIGNALS | tkill THREAD SIGNAL
//     linger C | timer T | set T past|off | signalfd S SIGNALS
// and by threads other than the main one, as these may block:
//     wait E MAX MS | poll MS X FLAGS [X FLAGS]... | put V N | take V | write X BYTES | read X BYTES | readv X BYTES
//     recv U BYTES [peek] [waitall] [dontwait] | send U BYTES [dontwait] | accept L NEW | connect C L
//     recvmsg U BYTES [peek] [waitall] [dontwait] | sendmsg U BYTES [dontwait] | sendto U D BYTES [dontwait]
//     pwait E MAX MS SIGNALS | pwait2 E MAX MS SIGNALS | ppoll MS SIGNALS X FLAGS [X FLAGS]... | select MS X [X]...
//     pselect MS SIGNALS X [X]... | nap MS | catch S
// and by the main thread alone: kill SIGNAL
//
// FLAGS are written as they print: in|et. TYPE is stream, dgram, seqpacket, tcp or udp, and stream if left out. SIGNALS
// are named as in signals.hpp: ends|restarts, or none; those of a call may be `keep`. One line more is not a call:
// `expire` lets the short time-outs run out, see run.hpp.
#pragma once

#include "call_text.hpp"
#include "place.hpp"
#include "rouse/backend/linux.hpp"
#include "rouse/detail/tsan.hpp"
#include "rouse/event_vec.hpp"
#include "shared.hpp"
#include "signals.hpp"

#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

namespace threaded {

/// Makes the calls of a script on a kernel.
template <class Backend>
class Calls {
 public:
  Calls(Backend backend, Shared& shared) : backend_(backend), shared_(shared) {}

  /// Makes one call, of the script's line `line`. What is written is that line's letter.
  std::string make(const CallText& call, std::size_t line) const {
    for (const Entry& entry : table) {
      if (call.words[0] != entry.name) continue;
      if (call.words.size() < entry.words_min) return "too few words";
      [[maybe_unused]] const HiddenOnLinux hidden;
      return (this->*entry.function)(call.words, line);
    }
    return "no such call";
  }

  /// The calling thread begins its line, and lets in the signals that it does not block itself.
  void let_signals_in() const { set_mask(signals_of(shared_.masks[this_thread])); }
  /// It is over.
  void hold_signals_back() const { set_mask(all_script_signals()); }

  [[nodiscard]] static bool is_known(const CallText& call) { return find(call) != nullptr; }
  /// True if only a thread other than the main one may make it.
  [[nodiscard]] static bool may_block(const CallText& call) {
    const Entry* const entry = find(call);
    return entry != nullptr && entry->may_block;
  }

 private:
  void set_mask(const ::sigset_t& set) const { static_cast<void>(backend_.sigprocmask(SIG_SETMASK, &set, nullptr)); }

  // ThreadSanitizer takes closing what another thread waits for to be a mistake. Here that is what is tested.
  struct Shown {};
  using HiddenOnLinux = std::conditional_t<std::is_same_v<Backend, rouse::LinuxBackend>, rouse::detail::Hidden, Shown>;

  using W = const Words&;
  struct Entry {
    std::string_view name;
    std::size_t words_min;
    bool may_block;
    std::string (Calls::*function)(W, std::size_t) const;
  };
  static const std::array<Entry, 46> table;

  static const Entry* find(const CallText& call) {
    for (const Entry& entry : table) {
      if (call.words[0] == entry.name) return &entry;
    }
    return nullptr;
  }

  [[nodiscard]] int fd(const std::string& name) const { return shared_.names.number(name); }
  std::string named(const std::string& name, const rouse::SysResult<int>& made) const {
    if (made.ok()) shared_.names.set(name, made.value());
    return text(made);
  }
  std::string named(W w, const rouse::SysResult<void>& made, const int* two) const {
    if (!made.ok()) return text(made);
    shared_.names.set(w[1], two[0]);
    shared_.names.set(w[2], two[1]);
    return std::to_string(two[0]) + " " + std::to_string(two[1]);
  }
  [[nodiscard]] Place place(const std::string& name) const {
    const int port = shared_.ports.number(name);
    return port == Names::unknown ? Place{name} : Place{static_cast<std::uint16_t>(port)};
  }
  std::string bind(const std::string& name, const SocketType& type, int number) const {
    const Place at = type.family() == AF_INET ? Place{std::uint16_t{0}} : Place{name};
    const auto bound = backend_.bind(number, at.data(), at.size());
    if (type.family() == AF_INET) shared_.ports.set(name, port_of(backend_, number));
    return text(bound);
  }

  std::string epoll(W w, std::size_t) const { return named(w[1], backend_.epoll_create1(0)); }
  std::string eventfd(W w, std::size_t) const {
    const bool semaphore = w.size() > 3 && w[3] == "semaphore";
    return named(w[1], backend_.eventfd(static_cast<unsigned>(std::stoul(w[2])), semaphore ? EFD_SEMAPHORE : 0));
  }
  std::string pipe(W w, std::size_t) const {
    int two[2] = {};
    return named(w, backend_.pipe2(two, 0), two);
  }
  std::string pair(W w, std::size_t) const {
    const SocketType type{w, 3};
    int two[2] = {};
    if (type.family() == AF_INET) return named(w, inet_pair(backend_, type.type(), two), two);
    return named(w, backend_.socketpair(AF_UNIX, type.type(), 0, two), two);
  }
  std::string listener(W w, std::size_t) const {
    const SocketType type{w, 3};
    const rouse::SysResult<int> made = prompt_socket(backend_, type.family(), type.type());
    if (!made.ok()) return text(made);
    const std::string bound = bind(w[1], type, made.value());
    const auto listens = backend_.listen(made.value(), std::stoi(w[2]));
    return named(w[1], made) + " " + bound + " " + text(listens);
  }
  std::string bound(W w, std::size_t) const {
    const SocketType type{w, 2};
    const rouse::SysResult<int> made = prompt_socket(backend_, type.family(), type.type());
    return made.ok() ? named(w[1], made) + " " + bind(w[1], type, made.value()) : text(made);
  }
  std::string socket(W w, std::size_t) const {
    const SocketType type{w, 2};
    return named(w[1], prompt_socket(backend_, type.family(), type.type()));
  }
  std::string dup(W w, std::size_t) const { return named(w[1], backend_.dup(fd(w[2]))); }
  std::string dup2(W w, std::size_t) const { return text(backend_.dup2(fd(w[1]), fd(w[2]))); }
  std::string close(W w, std::size_t) const { return text(backend_.close(fd(w[1]))); }
  std::string control(W w, int operation, std::size_t line) const {
    const rouse::Event event{w.size() > 3 ? events(w[3]) : rouse::EventFlags{}, line + 1};
    return text(backend_.epoll_ctl(fd(w[1]), operation, fd(w[2]), &event));
  }
  std::string add(W w, std::size_t line) const { return control(w, EPOLL_CTL_ADD, line); }
  std::string mod(W w, std::size_t line) const { return control(w, EPOLL_CTL_MOD, line); }
  std::string del(W w, std::size_t line) const { return control(w, EPOLL_CTL_DEL, line); }
  std::string linger(W w, std::size_t) const {
    const ::linger at_once{1, 0};  // Closing resets.
    return text(backend_.setsockopt(fd(w[1]), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  }
  std::string shutdown(W w, std::size_t) const {
    const int how = w[2] == "rd" ? SHUT_RD : w[2] == "wr" ? SHUT_WR : SHUT_RDWR;
    return text(backend_.shutdown(fd(w[1]), how));
  }
  std::string resize(W w, std::size_t) const { return text(backend_.fcntl(fd(w[1]), F_SETPIPE_SZ, std::stol(w[2]))); }
  std::string sndbuf(W w, std::size_t) const {
    const int size = std::stoi(w[2]);
    return text(backend_.setsockopt(fd(w[1]), SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  }
  std::string nonblock(W w, std::size_t) const {
    return text(backend_.fcntl(fd(w[1]), F_SETFL, w[2] == "1" ? O_NONBLOCK : 0));
  }
  std::string bits(W w, std::size_t) const {
    ::pollfd entry{fd(w[1]), POLLIN | POLLPRI | POLLOUT | POLLRDHUP, 0};
    const rouse::SysResult<int> result = backend_.poll(&entry, 1, 0);
    return result.ok() ? bits_text(entry.revents) : text(result);
  }
  // -- signals

  std::string mask(W w, std::size_t) const {
    const ::sigset_t set = signals_of(w[1]);
    shared_.masks[this_thread] = w[1];
    return text(backend_.sigprocmask(SIG_SETMASK, &set, nullptr));
  }
  std::string kill(W w, std::size_t) const {
    if (this_thread != main_index) return "only by the main thread";
    return text(backend_.kill(backend_.getpid().value(), signal_of(w[1])));
  }
  std::string tkill(W w, std::size_t) const {
    const int tid = shared_.tids[static_cast<std::size_t>(w[1].back() - '0')];
    return tid == 0 ? "no such thread" : text(backend_.tgkill(backend_.getpid().value(), tid, signal_of(w[2])));
  }

  std::string signalfd(W w, std::size_t) const {
    const ::sigset_t set = signals_of(w[2]);
    return named(w[1], backend_.signalfd(-1, &set, 0));
  }
  std::string catch_signal(W w, std::size_t) const {
    ::signalfd_siginfo info{};
    const auto result = backend_.read(fd(w[1]), &info, sizeof info);
    for (const ScriptSignal& signal : script_signals) {
      if (result.ok() && static_cast<int>(info.ssi_signo) == signal.number) return text(result) + ": " + signal.name;
    }
    return text(result);
  }

  // -- timers

  std::string timer(W w, std::size_t) const { return named(w[1], backend_.timerfd_create(CLOCK_REALTIME, 0)); }
  std::string set(W w, std::size_t) const {
    ::itimerspec when{};
    when.it_value.tv_nsec = w[2] == "past" ? 1 : 0;
    const std::string result = text(backend_.timerfd_settime(fd(w[1]), TFD_TIMER_ABSTIME, &when, nullptr));
    let_timers_expire();
    return result;
  }
  // Linux's comes by an interrupt, a moment later; the emulated kernel's with the next call.
  void let_timers_expire() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
    do static_cast<void>(backend_.gettid());
    while (std::is_same_v<Backend, rouse::LinuxBackend> && std::chrono::steady_clock::now() < end);
  }

  // -- waiting

  static std::optional<::sigset_t> mask_of(const std::string& word) {
    return word == "keep" ? std::nullopt : std::optional{signals_of(word)};
  }
  static const ::sigset_t* address_of(const std::optional<::sigset_t>& mask) { return mask ? &*mask : nullptr; }
  template <class Make>
  std::string wait_by(W w, Make make) const {
    std::array<rouse::Event, 16> reports;
    const int max = std::min(std::stoi(w[2]), static_cast<int>(reports.size()));
    const ShortWait noted{shared_.short_waits, std::stoi(w[3])};
    const rouse::SysResult<int> result = make(reports.data(), max);
    std::string all = text(result);
    for (int i = 0; result.ok() && i < result.value(); ++i)
      all += ' ' + to_string(reports[static_cast<std::size_t>(i)]);
    return all;
  }
  std::string wait(W w, std::size_t) const {
    return wait_by(w,
                   [&](rouse::Event* to, int max) { return backend_.epoll_wait(fd(w[1]), to, max, std::stoi(w[3])); });
  }
  std::string pwait(W w, std::size_t) const {
    const auto mask = mask_of(w[4]);
    return wait_by(w, [&](rouse::Event* to, int max) {
      return backend_.epoll_pwait(fd(w[1]), to, max, std::stoi(w[3]), address_of(mask));
    });
  }
  std::string pwait2(W w, std::size_t) const {
    const auto mask = mask_of(w[4]);
    const Span span{w[3]};
    return wait_by(w, [&](rouse::Event* to, int max) {
      return backend_.epoll_pwait2(fd(w[1]), to, max, span.get(), address_of(mask));
    });
  }
  template <class Make>
  std::string poll_by(W w, std::size_t first, Make make) const {
    std::vector<::pollfd> entries;
    for (std::size_t i = first; i + 1 < w.size(); i += 2) {
      entries.push_back({fd(w[i]), static_cast<short>(events(w[i + 1]).bits), 0});
    }
    const ShortWait noted{shared_.short_waits, std::stoi(w[1])};
    const rouse::SysResult<int> result = make(entries);
    std::string all = text(result);
    for (const ::pollfd& entry : entries) all += ' ' + bits_text(entry.revents);
    return all;
  }
  std::string poll(W w, std::size_t) const {
    return poll_by(w, 2, [&](auto& entries) { return backend_.poll(entries.data(), entries.size(), std::stoi(w[1])); });
  }
  std::string ppoll(W w, std::size_t) const {
    const auto mask = mask_of(w[2]);
    const Span span{w[1]};
    return poll_by(w, 3, [&](auto& entries) {
      return backend_.ppoll(entries.data(), entries.size(), span.get(), address_of(mask));
    });
  }
  template <class Make>
  std::string select_by(W w, std::size_t first, Make make) const {
    ::fd_set set;
    FD_ZERO(&set);
    int n = 0;
    for (std::size_t i = first; i < w.size(); ++i) {
      const int number = fd(w[i]);
      if (number < 0) return "not open";
      FD_SET(number, &set);
      n = std::max(n, number + 1);
    }
    const ShortWait noted{shared_.short_waits, std::stoi(w[1])};
    const rouse::SysResult<int> result = make(n, &set);
    std::string all = text(result);
    for (int number = 0; result.ok() && number < n; ++number) {
      if (FD_ISSET(number, &set)) all += ' ' + std::to_string(number);
    }
    return all;
  }
  std::string select(W w, std::size_t) const {
    const Span span{w[1]};
    ::timeval time{};
    if (span.get() != nullptr) time = {span.get()->tv_sec, span.get()->tv_nsec / 1000};
    return select_by(w, 2, [&](int n, ::fd_set* set) {
      return backend_.select(n, set, nullptr, nullptr, span.get() != nullptr ? &time : nullptr);
    });
  }
  std::string pselect(W w, std::size_t) const {
    const auto mask = mask_of(w[2]);
    const Span span{w[1]};
    return select_by(w, 3, [&](int n, ::fd_set* set) {
      return backend_.pselect(n, set, nullptr, nullptr, span.get(), address_of(mask));
    });
  }
  std::string nap(W w, std::size_t) const {
    const Span span{w[1]};
    const ShortWait noted{shared_.short_waits, std::stoi(w[1])};
    return text(backend_.clock_nanosleep(CLOCK_MONOTONIC, 0, span.get(), nullptr));
  }

  // -- moving

  std::string put(W w, std::size_t) const {
    const std::uint64_t value = std::stoull(w[2]);
    return text(backend_.write(fd(w[1]), &value, sizeof value));
  }
  std::string take(W w, std::size_t) const {
    std::uint64_t value = 0;
    const rouse::SysResult<std::size_t> result = backend_.read(fd(w[1]), &value, sizeof value);
    return result.ok() ? text(result) + ": " + std::to_string(value) : text(result);
  }
  std::string write(W w, std::size_t line) const {
    const std::string from = letters(line, w[2]);
    return text(backend_.write(fd(w[1]), from.data(), from.size()));
  }
  std::string read(W w, std::size_t) const {
    std::string to(std::stoul(w[2]), '\0');
    return bytes(backend_.read(fd(w[1]), to.data(), to.size()), to);
  }
  std::string readv(W w, std::size_t) const {
    std::string to(std::stoul(w[2]), '\0');
    const std::size_t half = to.size() / 2;
    const std::array<::iovec, 2> parts{{{to.data(), half}, {to.data() + half, to.size() - half}}};
    return bytes(backend_.readv(fd(w[1]), parts.data(), 2), to);
  }
  std::string recv(W w, std::size_t) const {
    std::string to(std::stoul(w[2]), '\0');
    return bytes(backend_.recvfrom(fd(w[1]), to.data(), to.size(), flag(w, 3), nullptr, nullptr), to);
  }
  std::string send(W w, std::size_t line) const {
    const std::string from = letters(line, w[2]);
    const auto sent = backend_.sendto(fd(w[1]), from.data(), from.size(), MSG_NOSIGNAL | flag(w, 3), nullptr, 0);
    // How much TCP takes before it is full is left to Linux.
    if (from.size() > more_than_fits && sent.ok() && sent.value() < from.size()) return "a part";
    return text(sent);
  }
  static constexpr std::size_t more_than_fits = 7'000'000;
  std::string recvmsg(W w, std::size_t) const {
    std::string to(std::stoul(w[2]), '\0');
    ::iovec part{to.data(), to.size()};
    ::msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const std::string got = bytes(backend_.recvmsg(fd(w[1]), &message, flag(w, 3)), to);
    return (message.msg_flags & MSG_TRUNC) != 0 ? got + " cut short" : got;
  }
  std::string sendmsg(W w, std::size_t line) const {
    std::string from = letters(line, w[2]);
    ::iovec part{from.data(), from.size()};
    ::msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return text(backend_.sendmsg(fd(w[1]), &message, MSG_NOSIGNAL | flag(w, 3)));
  }
  std::string sendto(W w, std::size_t line) const {
    const std::string from = letters(line, w[3]);
    const Place to = place(w[2]);
    return text(backend_.sendto(fd(w[1]), from.data(), from.size(), MSG_NOSIGNAL | flag(w, 4), to.data(), to.size()));
  }
  std::string accept(W w, std::size_t) const { return named(w[2], backend_.accept4(fd(w[1]), nullptr, nullptr, 0)); }
  std::string connect(W w, std::size_t) const {
    const Place to = place(w[2]);
    return text(backend_.connect(fd(w[1]), to.data(), to.size()));
  }

  Backend backend_;
  Shared& shared_;
};

template <class Backend>
const std::array<typename Calls<Backend>::Entry, 46> Calls<Backend>::table{{
    {"epoll", 2, false, &Calls::epoll},
    {"eventfd", 3, false, &Calls::eventfd},
    {"pipe", 3, false, &Calls::pipe},
    {"pair", 3, false, &Calls::pair},
    {"listener", 3, false, &Calls::listener},
    {"socket", 2, false, &Calls::socket},
    {"dup", 3, false, &Calls::dup},
    {"dup2", 3, false, &Calls::dup2},
    {"close", 2, false, &Calls::close},
    {"add", 4, false, &Calls::add},
    {"mod", 4, false, &Calls::mod},
    {"del", 3, false, &Calls::del},
    {"shutdown", 3, false, &Calls::shutdown},
    {"resize", 3, false, &Calls::resize},
    {"sndbuf", 3, false, &Calls::sndbuf},
    {"nonblock", 3, false, &Calls::nonblock},
    {"bits", 2, false, &Calls::bits},
    {"wait", 4, true, &Calls::wait},
    {"poll", 4, true, &Calls::poll},
    {"put", 3, true, &Calls::put},
    {"take", 2, true, &Calls::take},
    {"write", 3, true, &Calls::write},
    {"read", 3, true, &Calls::read},
    {"readv", 3, true, &Calls::readv},
    {"recv", 3, true, &Calls::recv},
    {"send", 3, true, &Calls::send},
    {"accept", 3, true, &Calls::accept},
    {"connect", 3, true, &Calls::connect},
    {"bound", 2, false, &Calls::bound},
    {"mask", 2, false, &Calls::mask},
    {"kill", 2, false, &Calls::kill},
    {"tkill", 3, false, &Calls::tkill},
    {"recvmsg", 3, true, &Calls::recvmsg},
    {"sendmsg", 3, true, &Calls::sendmsg},
    {"sendto", 4, true, &Calls::sendto},
    {"pwait", 5, true, &Calls::pwait},
    {"pwait2", 5, true, &Calls::pwait2},
    {"ppoll", 5, true, &Calls::ppoll},
    {"select", 3, true, &Calls::select},
    {"pselect", 4, true, &Calls::pselect},
    {"nap", 2, true, &Calls::nap},
    {"linger", 2, false, &Calls::linger},
    {"timer", 2, false, &Calls::timer},
    {"set", 3, false, &Calls::set},
    {"signalfd", 3, false, &Calls::signalfd},
    {"catch", 2, true, &Calls::catch_signal},
}};

}  // namespace threaded
