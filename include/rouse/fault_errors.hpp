// What Linux may do to a call whose caller did nothing wrong: the errors of the manual pages that come from limits,
// memory, signals, peers and networks, and short counts. Left out is what only a mistake gives (EBADF, EINVAL, EFAULT,
// ENOTCONN), and what takes a flag that few set (ECANCELED of a timerfd, ETOOMANYREFS).
#pragma once

#include "fault.hpp"

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <string_view>
#include <sys/epoll.h>

namespace rouse::inline v0 {

/// A few faults, by value.
class FaultList {
 public:
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr const Fault* begin() const { return faults_; }
  [[nodiscard]] constexpr const Fault* end() const { return faults_ + size_; }
  /// Precondition: i < size().
  [[nodiscard]] constexpr Fault operator[](std::size_t i) const {
    ROUSE_ASSERT(i < size_, "FaultList: there is no such fault");
    return faults_[i];
  }
  [[nodiscard]] constexpr bool has(Fault wanted) const {
    for (const Fault fault : *this) {
      if (fault == wanted) return true;
    }
    return false;
  }
  /// Precondition: size() < capacity.
  constexpr void add(Fault fault) {
    ROUSE_ASSERT(size_ < capacity, "FaultList: full");
    faults_[size_++] = fault;
  }

  static constexpr std::size_t capacity = 16;

 private:
  static constexpr Fault none = Fault::not_ready();
  Fault faults_[capacity] = {none, none, none, none, none, none, none, none,
                             none, none, none, none, none, none, none, none};
  std::size_t size_ = 0;
};

/// True if a file of this kind, by the emulated kernel's names, gives and takes whole messages or numbers: there are no
/// short counts then. An unknown kind is taken for a stream.
[[nodiscard]] constexpr bool moves_whole_messages(std::string_view kind) {
  return kind == "eventfd" || kind == "timerfd" || kind == "signalfd" || kind == "udp socket" ||
         kind == "unix datagram socket" || kind == "unix seqpacket socket";
}

/// True if a short count may cut a call that moves so many bytes. Whole messages are not cut; nor is what goes into a
/// pipe at once, as pipe(7) promises, or as a packet. `status_flags` are those of F_GETFL.
[[nodiscard]] constexpr bool may_be_cut(Call call, std::string_view kind, int status_flags, std::size_t bytes) {
  if (kind != "pipe") return !moves_whole_messages(kind);
  return (status_flags & O_DIRECT) == 0 && !(CallSet::writes.has(call) && bytes <= PIPE_BUF);
}

/// True if a call with this operation may fail for want of something. epoll_ctl takes memory only to add, fcntl a
/// number only to duplicate; to signalfd4 the operation is its fd, and it takes a number only if that is -1. All else
/// that these three do cannot fail but by mistake, and faults pass it by.
[[nodiscard]] constexpr bool takes_resources(Call call, int operation) {
  switch (call) {
    case Call::epoll_ctl: return operation == EPOLL_CTL_ADD;
    case Call::fcntl: return operation == F_DUPFD || operation == F_DUPFD_CLOEXEC;
    case Call::signalfd4: return operation < 0;
    default: return true;
  }
}

namespace detail {

enum FaultyKinds : std::uint32_t {
  on_eventfd = 1,
  on_timerfd = 2,
  on_signalfd = 4,
  on_pipe = 8,
  on_tcp = 16,
  on_udp = 32,
  on_unix_stream = 64,
  on_unix_seqpacket = 128,
  on_unix_datagram = 256,
  on_plain = 512,
  on_epoll = 1024,
  on_unknown = 2048,
  on_unix = on_unix_stream | on_unix_seqpacket | on_unix_datagram,
  on_stream = on_pipe | on_tcp | on_unix_stream | on_plain | on_unknown,
  on_waiting =
      on_eventfd | on_timerfd | on_signalfd | on_pipe | on_tcp | on_udp | on_unix,  // Reading or writing waits.
  on_any = 4095,
};

constexpr FaultyKinds faulty_kind(std::string_view kind) {
  struct Name {
    std::string_view text;
    FaultyKinds kind;
  };
  constexpr Name names[] = {
      {"eventfd", on_eventfd},
      {"timerfd", on_timerfd},
      {"signalfd", on_signalfd},
      {"pipe", on_pipe},
      {"tcp socket", on_tcp},
      {"udp socket", on_udp},
      {"unix stream socket", on_unix_stream},
      {"unix seqpacket socket", on_unix_seqpacket},
      {"unix datagram socket", on_unix_datagram},
      {"plain file", on_plain},
      {"epoll", on_epoll},
  };
  for (const Name& name : names) {
    if (name.text == kind) return name.kind;
  }
  return on_unknown;
}

/// The kinds for which the call means something.
constexpr std::uint32_t kinds_taking(Call call) {
  if (call == Call::read || call == Call::readv) return on_any & ~on_epoll;
  if (call == Call::write || call == Call::writev) return on_any & ~(on_epoll | on_timerfd | on_signalfd);
  if (call == Call::pread || call == Call::pwrite) return on_plain | on_unknown;
  if (CallSet::transfers.has(call) || call == Call::connect) return on_tcp | on_udp | on_unix | on_unknown;
  if (call == Call::accept4) return on_tcp | on_unix_stream | on_unix_seqpacket | on_unknown;
  return on_any;
}

struct FaultRow {
  enum Mode : std::uint8_t { nonblocking = 1, blocking = 2, either = 3 };

  CallSet calls;
  std::uint32_t kinds;
  Mode mode;
  int errors[7];  // Zeros at the end.
};

inline constexpr FaultRow fault_rows[] = {
    // What makes an fd. A pipe says ENFILE for want of memory, too.
    {{Call::epoll_create, Call::epoll_create1, Call::eventfd, Call::timerfd_create, Call::signalfd4, Call::socketpair},
     on_any,
     FaultRow::either,
     {EMFILE, ENFILE, ENOMEM}},
    {Call::pipe2, on_any, FaultRow::either, {EMFILE, ENFILE}},
    {Call::socket, on_any, FaultRow::either, {EMFILE, ENFILE, ENOBUFS, ENOMEM}},
    {Call::open, on_any, FaultRow::either, {EMFILE, ENFILE, ENOMEM, ENOENT, EACCES}},
    {Call::dup | Call::fcntl, on_any, FaultRow::either, {EMFILE, ENOMEM}},
    {Call::dup2 | Call::dup3, on_any, FaultRow::either, {EBUSY, ENOMEM}},  // EBUSY: a race with what opens a file.

    // Only files with something to write back have anything to say.
    {Call::close, on_plain | on_unknown, FaultRow::either, {EINTR, EIO, ENOSPC, EDQUOT}},
    {Call::unlink, on_any, FaultRow::either, {ENOENT, EACCES, EIO, ENOMEM}},

    // What waits.
    {CallSet::epoll_waits | Call::clock_nanosleep, on_any, FaultRow::blocking, {EINTR}},
    {{Call::poll, Call::ppoll, Call::select, Call::pselect6}, on_any, FaultRow::either, {EINTR, ENOMEM}},
    {Call::epoll_ctl, on_any, FaultRow::either, {ENOMEM, ENOSPC}},

    // Bytes. A signal interrupts only what may wait.
    {Call::read | Call::readv, on_eventfd | on_timerfd | on_signalfd | on_pipe, FaultRow::blocking, {EINTR}},
    {Call::write | Call::writev, on_eventfd | on_pipe, FaultRow::blocking, {EINTR}},
    {{Call::read, Call::readv, Call::recvfrom, Call::recvmsg}, on_tcp | on_udp | on_unix, FaultRow::blocking, {EINTR}},
    {{Call::write, Call::writev, Call::sendto, Call::sendmsg}, on_tcp | on_udp | on_unix, FaultRow::blocking, {EINTR}},
    {CallSet::reads, on_tcp, FaultRow::either, {ECONNRESET, ETIMEDOUT, EHOSTUNREACH}},
    {CallSet::reads, on_unix_stream | on_unix_seqpacket, FaultRow::either, {ECONNRESET}},
    {CallSet::reads, on_udp, FaultRow::either, {ECONNREFUSED}},
    {CallSet::reads, on_plain, FaultRow::either, {EIO}},
    {Call::recvmsg, on_tcp | on_udp | on_unix, FaultRow::either, {ENOMEM}},
    {CallSet::writes, on_pipe, FaultRow::either, {EPIPE}},
    {CallSet::writes, on_tcp, FaultRow::either, {EPIPE, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOBUFS}},
    {CallSet::writes, on_unix_stream | on_unix_seqpacket, FaultRow::either, {EPIPE, ECONNRESET, ENOBUFS}},
    {CallSet::writes, on_unix_datagram, FaultRow::either, {ECONNREFUSED, ENOBUFS}},
    {CallSet::writes, on_udp, FaultRow::either, {ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, EPERM, ENOBUFS}},
    {CallSet::writes, on_plain, FaultRow::either, {ENOSPC, EDQUOT, EIO}},
    {Call::sendto | Call::sendmsg, on_tcp | on_udp | on_unix, FaultRow::either, {ENOMEM}},

    // Connections. An accept passes on what became of the connection it would have given.
    {Call::accept4, on_any, FaultRow::either, {EMFILE, ENFILE, ENOBUFS, ENOMEM}},
    {Call::accept4, on_tcp, FaultRow::either, {ECONNABORTED, EPROTO, EPERM, EHOSTUNREACH}},
    {Call::accept4, on_any, FaultRow::blocking, {EINTR}},
    {Call::connect, on_tcp, FaultRow::either, {ENETUNREACH, EADDRNOTAVAIL, EPERM}},
    // Without waiting it has begun (EINPROGRESS), and the outcome is SO_ERROR's to tell.
    {Call::connect, on_tcp, FaultRow::blocking, {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, EINTR}},
    {Call::connect, on_udp, FaultRow::either, {ENETUNREACH, EADDRNOTAVAIL}},
    {Call::connect, on_unix, FaultRow::either, {ECONNREFUSED, ENOENT, EACCES}},
    {Call::connect, on_unix_stream | on_unix_seqpacket, FaultRow::blocking, {EINTR}},
    {Call::connect, on_unix_stream | on_unix_seqpacket, FaultRow::nonblocking, {EAGAIN}},  // The backlog is full.
    {Call::bind, on_any, FaultRow::either, {EADDRINUSE, EACCES}},
    {Call::bind, on_tcp | on_udp, FaultRow::either, {EADDRNOTAVAIL}},
    {Call::bind, on_unix, FaultRow::either, {ENOMEM, ENOSPC, EROFS}},
    {Call::listen, on_tcp, FaultRow::either, {EADDRINUSE}},
    {Call::shutdown | Call::getpeername, on_tcp, FaultRow::either, {ENOTCONN}},  // The peer has reset it.
    {Call::getsockname | Call::getpeername, on_any, FaultRow::either, {ENOBUFS}},
    {Call::getsockopt | Call::setsockopt, on_any, FaultRow::either, {ENOMEM, ENOBUFS}},
};

}  // namespace detail

/// The faults that this call may meet with on a file of this kind (`tcp socket`; empty if the call has no fd, or it is
/// unknown), in a fixed order: errors first. `is_nonblocking` says that the call will not wait, by O_NONBLOCK,
/// MSG_DONTWAIT or a time-out of 0. Delays, which any call may meet with, are not among them.
[[nodiscard]] constexpr FaultList faults_of(Call call, std::string_view kind, bool is_nonblocking) {
  const std::uint32_t kind_bit = detail::faulty_kind(kind) & detail::kinds_taking(call);
  const auto mode = is_nonblocking ? detail::FaultRow::nonblocking : detail::FaultRow::blocking;
  FaultList faults;
  for (const detail::FaultRow& row : detail::fault_rows) {
    if (!row.calls.has(call) || (row.kinds & kind_bit) == 0 || (row.mode & mode) == 0) continue;
    for (const int number : row.errors) {
      if (number != 0) faults.add(Fault::error(number));
    }
  }
  constexpr Fault spurious = Fault::not_ready();
  if (is_nonblocking && (detail::on_waiting & kind_bit) != 0 && spurious.possible_calls().has(call)) {
    faults.add(spurious);
  }
  if (CallSet::transfers.has(call) && (detail::on_stream & kind_bit) != 0) faults.add(Fault::short_count(1));
  return faults;
}

}  // namespace rouse::inline v0
