// CallText: a call and what it is given, as text: `epoll_ctl(epoll 4, add, eventfd 3, in|et)`.
#pragma once

#include "../../kernel/call.hpp"
#include "../../kernel/syscalls.hpp"
#include "fd_names.hpp"
#include "value_text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/timerfd.h>

namespace rouse::inline v0::sim {

/// To be asked before the call is made: it may close what it names.
class CallText {
 public:
  CallText(const kernel::Kernel& kernel, const FdNames& names, const kernel::Op& op, const kernel::CallArguments& given)
      : kernel_(kernel), names_(names), op_(op), given_(given) {}

  [[nodiscard]] std::string text() {
    text_ = std::string{kernel::name_of(op_.call)} + '(';
    if (op_.fd >= 0 && op_.call != Call::poll) add(fd(op_.fd));
    add_rest();
    return std::move(text_) + ')';
  }

  /// The entries of poll, `{eventfd 3 in, pipe 4 out}`; with what was found instead if that is asked for.
  [[nodiscard]] static std::string poll_entries(const kernel::Kernel& kernel, const FdNames& names, const void* entries,
                                                std::size_t n, bool found) {
    std::string text = "{";
    for (std::size_t i = 0; i < std::min(n, entries_max); ++i) {
      const auto entry = value_text::peek<::pollfd>(entries, i);
      if (!entry) return value_text::bad_address;
      const auto bits = static_cast<std::uint16_t>(found ? entry->revents : entry->events);
      if (found && bits == 0) continue;
      text.append(text.size() > 1 ? ", " : "")
          .append(names.text(kernel, entry->fd))
          .append(" ")
          .append(poll_bits(bits));
    }
    return text + '}';
  }
  /// One set of select: `{eventfd 3, pipe 4}`; empty if there is none.
  [[nodiscard]] static std::string fd_set(const kernel::Kernel& kernel, const FdNames& names, const char* what,
                                          const void* set, int n) {
    if (set == nullptr) return {};
    std::string text = std::string{what} + " {";
    bool any = false;
    for (int number = 0; number < n; ++number) {
      constexpr int word_bits = 64;
      const auto word = value_text::peek<std::uint64_t>(set, static_cast<std::size_t>(number / word_bits));
      if (!word) return value_text::bad_address;
      if ((*word >> (number % word_bits) & 1) == 0) continue;
      text.append(any ? ", " : "").append(names.text(kernel, number));
      any = true;
    }
    return text + '}';
  }
  /// `in|et`, and the data if that is none's address and not the fd itself.
  [[nodiscard]] static std::string event(const void* user_event, int fd) {
    const auto event = value_text::peek<Event>(user_event);
    if (!event) return value_text::bad_address;
    std::string text = to_string(event->flags());
    const std::uint64_t data = event->data().u64();
    if (data < value_text::lowest_address && event->data().fd() != fd) text += " data " + std::to_string(data);
    return text;
  }

 private:
  static constexpr std::size_t entries_max = 64;

  [[nodiscard]] std::uint64_t word(std::size_t i) const { return given_.word(i); }
  [[nodiscard]] int number(std::size_t i) const { return given_.number(i); }
  [[nodiscard]] const void* at(std::size_t i) const { return given_.address(i); }
  [[nodiscard]] std::string fd(int number) const { return names_.text(kernel_, number); }
  [[nodiscard]] static std::string count(std::uint64_t n) { return std::to_string(n) + (n == 1 ? " byte" : " bytes"); }
  [[nodiscard]] static std::string plain(std::int64_t n) { return std::to_string(n); }

  void add(const std::string& argument) {
    if (argument.empty()) return;
    if (text_.back() != '(') text_ += ", ";
    text_ += argument;
  }
  void add_flags(std::uint64_t bits, std::initializer_list<value_text::Name> names) {
    if (bits != 0) add(value_text::flags(bits, names));
  }
  void add_fd_flags(std::uint64_t bits) { add_flags(bits, {{O_NONBLOCK, "nonblock"}, {O_CLOEXEC, "cloexec"}}); }
  void add_message_flags(std::uint64_t bits) {
    add_flags(bits, {{MSG_OOB, "oob"},
                     {MSG_PEEK, "peek"},
                     {MSG_TRUNC, "trunc"},
                     {MSG_DONTWAIT, "dontwait"},
                     {MSG_WAITALL, "waitall"},
                     {MSG_NOSIGNAL, "nosignal"},
                     {MSG_MORE, "more"},
                     {MSG_CMSG_CLOEXEC, "cmsg_cloexec"}});
  }
  /// Where what is written is a number, that.
  [[nodiscard]] std::string written(const void* data, std::size_t size) const {
    const kernel::File* const file = kernel_.fds.file(op_.fd);
    if (file != nullptr && &file->kind() == &kernel::EventFdFile::file_kind && size >= sizeof(std::uint64_t)) {
      const auto value = value_text::peek<std::uint64_t>(data);
      return value ? std::to_string(*value) : value_text::bad_address;
    }
    return value_text::bytes_at(data, size);
  }
  [[nodiscard]] std::string mask(std::size_t i) const {
    return at(i) == nullptr ? std::string{} : "mask " + value_text::signals_at(at(i));
  }
  [[nodiscard]] static std::string poll_bits(std::uint16_t bits) {
    return (bits & POLLNVAL) != 0 ? "nval" : to_string(EventFlags{bits});
  }

  void add_rest();
  void add_fcntl();
  void add_ioctl();
  void add_family_and_type();
  void add_option();
  void add_message(bool is_sent);

  const kernel::Kernel& kernel_;
  const FdNames& names_;
  const kernel::Op& op_;
  const kernel::CallArguments& given_;
  std::string text_;
};

inline void CallText::add_fcntl() {
  const int command = number(0);
  add(value_text::name_or_number(command, {{F_DUPFD, "dupfd"},
                                           {F_DUPFD_CLOEXEC, "dupfd_cloexec"},
                                           {F_GETFD, "getfd"},
                                           {F_SETFD, "setfd"},
                                           {F_GETFL, "getfl"},
                                           {F_SETFL, "setfl"},
                                           {F_GETPIPE_SZ, "getpipe_sz"},
                                           {F_SETPIPE_SZ, "setpipe_sz"}}));
  if (command == F_SETFL) {
    const auto settable = static_cast<std::uint64_t>(O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT);
    add(value_text::flags(word(1) & settable,
                          {{O_APPEND, "append"}, {O_NONBLOCK, "nonblock"}, {O_ASYNC, "async"}, {O_DIRECT, "direct"}}));
  }
  const bool has_number =
      command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_SETFD || command == F_SETPIPE_SZ;
  if (has_number) add(plain(number(1)));
}

inline void CallText::add_ioctl() {
  const auto request = static_cast<std::uint32_t>(word(0));
  add(value_text::name_or_number(request, {{FIONREAD, "fionread"},
                                           {FIONBIO, "fionbio"},
                                           {FIOASYNC, "fioasync"},
                                           {FIOCLEX, "fioclex"},
                                           {FIONCLEX, "fionclex"},
                                           {TIOCOUTQ, "tiocoutq"}}));
  if (request != FIONBIO && request != FIOASYNC) return;
  const auto on = value_text::peek<int>(at(1));
  add(on ? plain(*on) : value_text::bad_address);
}

inline void CallText::add_family_and_type() {
  constexpr int type_mask = 0xf;
  add(value_text::name_or_number(number(0), {{AF_UNIX, "unix"}, {AF_INET, "inet"}, {AF_INET6, "inet6"}}));
  add(value_text::name_or_number(
      number(1) & type_mask,
      {{SOCK_STREAM, "stream"}, {SOCK_DGRAM, "dgram"}, {SOCK_SEQPACKET, "seqpacket"}, {SOCK_RAW, "raw"}}));
  add_fd_flags(word(1) & ~static_cast<std::uint64_t>(type_mask));
  if (number(2) != 0) add(plain(number(2)));
}

inline void CallText::add_option() {
  const int level = number(0);
  add(value_text::name_or_number(
      level, {{SOL_SOCKET, "socket"}, {IPPROTO_TCP, "tcp"}, {IPPROTO_IP, "ip"}, {IPPROTO_IPV6, "ipv6"}}));
  if (level != SOL_SOCKET) return add(plain(number(1)));
  add(value_text::name_or_number(number(1), {{SO_REUSEADDR, "reuseaddr"},
                                             {SO_REUSEPORT, "reuseport"},
                                             {SO_ERROR, "error"},
                                             {SO_TYPE, "type"},
                                             {SO_SNDBUF, "sndbuf"},
                                             {SO_RCVBUF, "rcvbuf"},
                                             {SO_KEEPALIVE, "keepalive"},
                                             {SO_LINGER, "linger"},
                                             {SO_RCVTIMEO, "rcvtimeo"},
                                             {SO_SNDTIMEO, "sndtimeo"},
                                             {SO_ACCEPTCONN, "acceptconn"}}));
}

inline void CallText::add_message(bool is_sent) {
  const auto header = value_text::peek<::msghdr>(at(0));
  if (!header) return add(value_text::bad_address);
  const value_text::Vectors vectors{header->msg_iov, header->msg_iovlen};
  const std::size_t size = vectors.size();
  add(is_sent ? vectors.bytes(size) : count(size));
  add_message_flags(word(1));
  if (is_sent && header->msg_name != nullptr) add(value_text::address_at(header->msg_name, header->msg_namelen));
  if (is_sent && header->msg_controllen != 0) add("control " + count(header->msg_controllen));
}

inline void CallText::add_rest() {
  using namespace value_text;
  const auto poll = [this] { add(poll_entries(kernel_, names_, at(0), word(1), false)); };
  const auto select = [this] {
    add(fd_set(kernel_, names_, "read", at(1), number(0)));
    add(fd_set(kernel_, names_, "write", at(2), number(0)));
    add(fd_set(kernel_, names_, "except", at(3), number(0)));
  };
  switch (op_.call) {
    case Call::close:
    case Call::dup:
    case Call::getpid:
    case Call::gettid:
    case Call::rt_sigpending:
    case Call::timerfd_gettime:
    case Call::getsockname:
    case Call::getpeername: break;
    case Call::dup2: add(fd(number(0))); break;
    case Call::dup3:
      add(fd(number(0)));
      add_fd_flags(word(1));
      break;
    case Call::fcntl: add_fcntl(); break;
    case Call::ioctl: add_ioctl(); break;
    case Call::read: add(count(word(1))); break;
    case Call::write: add(written(at(0), word(1))); break;
    case Call::readv: add(count(Vectors{at(0), word(1)}.size())); break;
    case Call::writev: {
      const Vectors vectors{at(0), word(1)};
      add(vectors.bytes(vectors.size()));
      break;
    }
    case Call::pread:
      add(count(word(1)));
      add("at " + plain(static_cast<std::int64_t>(word(2))));
      break;
    case Call::pwrite:
      add(bytes_at(at(0), word(1)));
      add("at " + plain(static_cast<std::int64_t>(word(2))));
      break;
    case Call::lseek:
      add(plain(static_cast<std::int64_t>(word(0))));
      add(name_or_number(number(1), {{SEEK_SET, "set"}, {SEEK_CUR, "cur"}, {SEEK_END, "end"}}));
      break;
    case Call::open:
      add(path_at(at(0)));
      add(name_or_number(number(1) & O_ACCMODE, {{O_RDONLY, "rdonly"}, {O_WRONLY, "wronly"}, {O_RDWR, "rdwr"}}));
      add_fd_flags(word(1) & ~std::uint64_t{O_ACCMODE});
      break;
    case Call::unlink: add(path_at(at(0))); break;
    case Call::getrlimit: add(name_or_number(number(0), {{RLIMIT_NOFILE, "nofile"}})); break;
    case Call::setrlimit:
      add(name_or_number(number(0), {{RLIMIT_NOFILE, "nofile"}}));
      add(limit_at(at(1)));
      break;
    case Call::clock_gettime: add(clock(number(0))); break;
    case Call::clock_nanosleep:
      add(clock(number(0)));
      add((number(1) & TIMER_ABSTIME) != 0 ? "until " + span_at(at(2)) : span_at(at(2)));
      break;
    case Call::poll:
      poll();
      add(time_out(number(2)));
      break;
    case Call::ppoll:
      poll();
      add(time_out_at(at(2)));
      add(mask(3));
      break;
    case Call::select: {
      select();
      const auto limit = peek<::timeval>(at(4));
      add(at(4) == nullptr ? "for ever" : limit ? span_of({limit->tv_sec, limit->tv_usec * 1000}) : bad_address);
      break;
    }
    case Call::pselect6:
      select();
      add(time_out_at(at(4)));
      add(mask(5));
      break;
    case Call::rt_sigaction: {
      add(signal(number(0)));
      if (at(1) == nullptr) break;
      const auto action = peek<struct ::sigaction>(at(1));
      const auto* const handler = action ? reinterpret_cast<const void*>(action->sa_handler) : nullptr;
      const bool ignores = action && action->sa_handler == SIG_IGN;
      add(!action ? bad_address : handler == nullptr ? "default" : ignores ? "ignore" : "handler");
      break;
    }
    case Call::rt_sigprocmask:
      if (at(1) == nullptr) break;
      add(name_or_number(number(0), {{SIG_BLOCK, "block"}, {SIG_UNBLOCK, "unblock"}, {SIG_SETMASK, "setmask"}}));
      add(signals_at(at(1)));
      break;
    case Call::kill: add(number(1) == 0 ? "0" : signal(number(1))); break;
    case Call::tgkill:
      add("task " + plain(number(1) - kernel::process_id + 1));
      add(number(2) == 0 ? "0" : signal(number(2)));
      break;
    case Call::epoll_create:
    case Call::epoll_create1: add_fd_flags(word(0)); break;
    case Call::epoll_ctl:
      add(name_or_number(number(0), {{EPOLL_CTL_ADD, "add"}, {EPOLL_CTL_MOD, "mod"}, {EPOLL_CTL_DEL, "del"}}));
      add(fd(number(1)));
      if (number(0) != EPOLL_CTL_DEL) add(event(at(2), number(1)));
      break;
    case Call::epoll_wait:
    case Call::epoll_pwait:
      add(plain(number(1)));
      add(time_out(number(2)));
      if (op_.call == Call::epoll_pwait) add(mask(3));
      break;
    case Call::epoll_pwait2:
      add(plain(number(1)));
      add(time_out_at(at(2)));
      add(mask(3));
      break;
    case Call::eventfd:
      add(std::to_string(static_cast<std::uint32_t>(word(0))));
      add_flags(word(1), {{EFD_SEMAPHORE, "semaphore"}, {EFD_NONBLOCK, "nonblock"}, {EFD_CLOEXEC, "cloexec"}});
      break;
    case Call::pipe2:
      add_flags(word(1), {{O_NONBLOCK, "nonblock"}, {O_CLOEXEC, "cloexec"}, {O_DIRECT, "direct"}});
      break;
    case Call::timerfd_create:
      add(clock(number(0)));
      add_fd_flags(word(1));
      break;
    case Call::timerfd_settime:
      add_flags(word(0), {{TFD_TIMER_ABSTIME, "abstime"}, {TFD_TIMER_CANCEL_ON_SET, "cancel_on_set"}});
      add(timer_at(at(1)));
      break;
    case Call::signalfd4:
      add(signals_at(at(0)));
      add_fd_flags(word(1));
      break;
    case Call::socket:
    case Call::socketpair: add_family_and_type(); break;
    case Call::bind:
    case Call::connect: add(address_at(at(0), word(1))); break;
    case Call::listen: add(plain(number(0))); break;
    case Call::accept4: add_fd_flags(word(2)); break;
    case Call::shutdown: add(name_or_number(number(0), {{SHUT_RD, "rd"}, {SHUT_WR, "wr"}, {SHUT_RDWR, "rdwr"}})); break;
    case Call::getsockopt: add_option(); break;
    case Call::setsockopt: {
      add_option();
      const auto value = peek<int>(at(2));
      add(word(3) == sizeof(int) && value ? plain(*value) : count(word(3)));
      break;
    }
    case Call::sendto:
      add(bytes_at(at(0), word(1)));
      add_message_flags(word(2));
      if (at(3) != nullptr) add(address_at(at(3), word(4)));
      break;
    case Call::recvfrom:
      add(count(word(1)));
      add_message_flags(word(2));
      break;
    case Call::sendmsg: add_message(true); break;
    case Call::recvmsg: add_message(false); break;
  }
}

}  // namespace rouse::inline v0::sim
