// Names: the symbolic constants of scripts. A set is written `in|et`, with what has no name as a number: `in|0x20`.
#pragma once

#include "rouse/kernel/pipe_file.hpp"
#include "rouse/kernel/plain_file.hpp"
#include "rouse/kernel/timerfd_file.hpp"

#include <charconv>
#include <csignal>
#include <cstdint>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace differential {

struct Name {
  const char* name;
  std::int64_t value;
};

using Names = std::span<const Name>;

// -- what a script says

inline constexpr Name event_names[] = {
    {"in", EPOLLIN},         {"pri", EPOLLPRI},       {"out", EPOLLOUT},         {"err", EPOLLERR},
    {"hup", EPOLLHUP},       {"nval", 0x20},          {"rdnorm", EPOLLRDNORM},   {"rdband", EPOLLRDBAND},
    {"wrnorm", EPOLLWRNORM}, {"wrband", EPOLLWRBAND}, {"msg", EPOLLMSG},         {"rdhup", EPOLLRDHUP},
    {"exclusive", 1u << 28}, {"wakeup", 1u << 29},    {"oneshot", EPOLLONESHOT}, {"et", std::int64_t{1} << 31},
};
inline constexpr Name operation_names[] = {{"ADD", EPOLL_CTL_ADD}, {"DEL", EPOLL_CTL_DEL}, {"MOD", EPOLL_CTL_MOD}};
inline constexpr Name status_names[] = {
    {"WRONLY", O_WRONLY},     {"RDWR", O_RDWR},
    {"CREAT", O_CREAT},       {"EXCL", O_EXCL},
    {"TRUNC", O_TRUNC},       {"APPEND", O_APPEND},
    {"NONBLOCK", O_NONBLOCK}, {"ASYNC", O_ASYNC},
    {"DIRECT", O_DIRECT},     {"LARGEFILE", rouse::kernel::shown_large_file},
    {"NOATIME", O_NOATIME},   {"CLOEXEC", O_CLOEXEC},
};
inline constexpr Name eventfd_names[] = {
    {"SEMAPHORE", EFD_SEMAPHORE}, {"NONBLOCK", EFD_NONBLOCK}, {"CLOEXEC", EFD_CLOEXEC}};
// Those of several bits first.
inline constexpr Name socket_type_names[] = {{"SEQPACKET", SOCK_SEQPACKET}, {"RAW", SOCK_RAW},
                                             {"STREAM", SOCK_STREAM},       {"DGRAM", SOCK_DGRAM},
                                             {"NONBLOCK", SOCK_NONBLOCK},   {"CLOEXEC", SOCK_CLOEXEC}};
inline constexpr Name family_names[] = {
    {"UNSPEC", AF_UNSPEC}, {"UNIX", AF_UNIX}, {"INET", AF_INET}, {"INET6", AF_INET6}};
inline constexpr Name message_names[] = {
    {"OOB", MSG_OOB},         {"PEEK", MSG_PEEK},         {"TRUNC", MSG_TRUNC},   {"DONTWAIT", MSG_DONTWAIT},
    {"WAITALL", MSG_WAITALL}, {"NOSIGNAL", MSG_NOSIGNAL}, {"CTRUNC", MSG_CTRUNC}, {"CMSG_CLOEXEC", MSG_CMSG_CLOEXEC}};
inline constexpr Name signal_names[] = {{"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"RT", 35}, {"KILL", SIGKILL}};
inline constexpr Name action_names[] = {{"RESTART", SA_RESTART}, {"NODEFER", SA_NODEFER}};
inline constexpr Name how_names[] = {{"BLOCK", SIG_BLOCK}, {"UNBLOCK", SIG_UNBLOCK}, {"SETMASK", SIG_SETMASK}};
inline constexpr Name shutdown_names[] = {{"RD", SHUT_RD}, {"WR", SHUT_WR}, {"RDWR", SHUT_RDWR}};
inline constexpr Name level_names[] = {
    {"SOCKET", SOL_SOCKET}, {"IP", IPPROTO_IP}, {"IPV6", IPPROTO_IPV6}, {"TCP", IPPROTO_TCP}, {"UDP", IPPROTO_UDP}};
inline constexpr Name option_names[] = {
    {"REUSEADDR", SO_REUSEADDR},   {"TYPE", SO_TYPE},           {"ERROR", SO_ERROR},
    {"DONTROUTE", SO_DONTROUTE},   {"BROADCAST", SO_BROADCAST}, {"SNDBUF", SO_SNDBUF},
    {"RCVBUF", SO_RCVBUF},         {"KEEPALIVE", SO_KEEPALIVE}, {"OOBINLINE", SO_OOBINLINE},
    {"ACCEPTCONN", SO_ACCEPTCONN}, {"PROTOCOL", SO_PROTOCOL},   {"DOMAIN", SO_DOMAIN},
    {"SNDLOWAT", SO_SNDLOWAT},     {"REUSEPORT", SO_REUSEPORT}, {"LINGER", SO_LINGER},
    {"RCVLOWAT", SO_RCVLOWAT},
};
inline constexpr Name ioctl_names[] = {{"FIONREAD", FIONREAD},     {"FIONBIO", FIONBIO},
                                       {"FIOASYNC", FIOASYNC},     {"FIOCLEX", FIOCLEX},
                                       {"FIONCLEX", FIONCLEX},     {"SIOCOUTQ", SIOCOUTQ},
                                       {"SIOCATMARK", SIOCATMARK}, {"SET_TICKS", rouse::kernel::tfd_ioc_set_ticks}};
inline constexpr Name whence_names[] = {{"SET", SEEK_SET}, {"CUR", SEEK_CUR}, {"END", SEEK_END}};

/// Where a pointer points: to good memory, to nothing, into the first page, into the kernel's half. One to a buffer may
/// also be written `short:100`: memory that ends after so many bytes.
enum class Pointer : std::int64_t { good, null, bad, far };
inline constexpr std::int64_t short_pointer = 1 << 20;  ///< And the number of bytes.
inline constexpr Name pointer_names[] = {{"good", 0}, {"null", 1}, {"bad", 2}, {"far", 3}};

/// The addresses that sockets are given: two paths, two abstract names, and what is none of a unix socket.
enum class Address : std::int64_t { none, unnamed, path_a, path_b, abstract_a, abstract_b, inet, tiny, huge };
/// And those of IPv4 and IPv6, as their addresses and ports: inet_names. From this one on.
inline constexpr std::int64_t first_inet_address = 16;
inline constexpr Name address_names[] = {
    {"none", 0},
    {"unnamed", 1},
    {"a", 2},
    {"b", 3},
    {"@a", 4},
    {"@b", 5},
    {"inet", 6},
    {"tiny", 7},
    {"huge", 8},
    {"127.0.0.1:5001", 16},
    {"127.0.0.1:5002", 17},
    {"0.0.0.0:5001", 18},
    {"127.0.0.1:0", 19},
    {"0.0.0.0:0", 20},
    {"127.0.0.2:5001", 21},
    {"[::1]:5001", 22},
    {"[::]:5001", 23},
    {"[::]:0", 24},
    {"[::ffff:127.0.0.1]:5001", 25},
    {"[::ffff:0.0.0.0]:5001", 26},
    {"9.9.9.9:5001", 27},
    {"[2001::9]:5001", 28},
    {"127.0.0.1:80", 29},
    {"255.255.255.255:5001", 30},
    {"[::1]:5002", 31},
    {"unspec4", 32},
    {"short4", 33},
    {"short6", 34},
    {"unspec_tiny", 35},
    {"224.0.0.1:5001", 36},
};

inline constexpr Name errno_names[] = {
    {"EPERM", EPERM},
    {"ENOENT", ENOENT},
    {"EINTR", EINTR},
    {"EBADF", EBADF},
    {"EAGAIN", EAGAIN},
    {"ENOMEM", ENOMEM},
    {"EFAULT", EFAULT},
    {"EBUSY", EBUSY},
    {"EEXIST", EEXIST},
    {"EINVAL", EINVAL},
    {"ENFILE", ENFILE},
    {"EMFILE", EMFILE},
    {"ENOTTY", ENOTTY},
    {"ENOSPC", ENOSPC},
    {"ESPIPE", ESPIPE},
    {"EPIPE", EPIPE},
    {"ELOOP", ELOOP},
    {"ENOPKG", ENOPKG},
    {"ENOTSOCK", ENOTSOCK},
    {"EDESTADDRREQ", EDESTADDRREQ},
    {"EMSGSIZE", EMSGSIZE},
    {"EPROTOTYPE", EPROTOTYPE},
    {"ENOPROTOOPT", ENOPROTOOPT},
    {"EPROTONOSUPPORT", EPROTONOSUPPORT},
    {"ESOCKTNOSUPPORT", ESOCKTNOSUPPORT},
    {"EOPNOTSUPP", EOPNOTSUPP},
    {"EAFNOSUPPORT", EAFNOSUPPORT},
    {"EADDRINUSE", EADDRINUSE},
    {"ECONNRESET", ECONNRESET},
    {"EISCONN", EISCONN},
    {"ENOTCONN", ENOTCONN},
    {"ECONNREFUSED", ECONNREFUSED},
    {"ETOOMANYREFS", ETOOMANYREFS},
    {"ESRCH", ESRCH},
    {"ENOSYS", ENOSYS},
    {"EACCES", EACCES},
    {"EINPROGRESS", EINPROGRESS},
    {"EALREADY", EALREADY},
    {"ENETUNREACH", ENETUNREACH},
    {"EADDRNOTAVAIL", EADDRNOTAVAIL},
    {"ECONNABORTED", ECONNABORTED},
    {"ENODEV", ENODEV},
    {"EDOM", EDOM},
};

// -- to and from text

inline void append_number(std::string& to, std::int64_t value, int base = 10) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, base);
  to.append(digits, end.ptr);
}

inline void append_hex(std::string& to, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16);
  to.append("0x").append(digits, end.ptr);
}

inline void append_choice(std::string& to, std::int64_t value, Names names) {
  for (const Name& name : names) {
    if (name.value == value) {
      to += name.name;
      return;
    }
  }
  append_number(to, value);
}

inline void append_pointer(std::string& to, std::int64_t value) {
  if (value < short_pointer) return append_choice(to, value, pointer_names);
  append_number(to += "short:", value - short_pointer);
}

/// `in|et`; what has no name comes last, as a number; nothing at all is `0`.
inline void append_set(std::string& to, std::int64_t value, Names names) {
  auto rest = static_cast<std::uint64_t>(value);
  bool first = true;
  const auto separate = [&] {
    if (!first) to += '|';
    first = false;
  };
  for (const Name& name : names) {
    const auto bits = static_cast<std::uint64_t>(name.value);
    if (rest == 0) break;
    if ((rest & bits) != bits) continue;
    separate();
    to += name.name;
    rest &= ~bits;
  }
  if (rest == 0 && !first) return;
  separate();
  if (rest == 0) {
    to += '0';
  } else {
    append_hex(to, rest);
  }
}

[[nodiscard]] inline std::optional<std::int64_t> parse_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (text.empty() || end.ec != std::errc{} || end.ptr != text.data() + text.size()) return {};
  return static_cast<std::int64_t>(negative ? std::uint64_t{0} - value : value);
}

[[nodiscard]] inline std::optional<std::int64_t> parse_choice(std::string_view text, Names names) {
  for (const Name& name : names) {
    if (text == name.name) return name.value;
  }
  return parse_number(text);
}

[[nodiscard]] inline std::optional<std::int64_t> parse_pointer(std::string_view text) {
  constexpr std::string_view prefix = "short:";
  if (!text.starts_with(prefix)) return parse_choice(text, pointer_names);
  const auto size = parse_number(text.substr(prefix.size()));
  if (!size || *size < 0) return {};
  return short_pointer + *size;
}

[[nodiscard]] inline std::optional<std::int64_t> parse_set(std::string_view text, Names names) {
  std::int64_t value = 0;
  for (;;) {
    const std::size_t bar = text.find('|');
    const auto part = parse_choice(text.substr(0, bar), names);
    if (!part) return {};
    value |= *part;
    if (bar == std::string_view::npos) return value;
    text.remove_prefix(bar + 1);
  }
}

}  // namespace differential
