// SocketOption: an option of a socket with the type of its value: `stream.set(option::no_delay, true)`. socket(7),
// tcp(7), ip(7), ipv6(7).
#pragma once

#include <concepts>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <type_traits>

namespace rouse::inline v0 {

/// How bytes travel.
enum class SocketType : int {
  stream = SOCK_STREAM,        ///< A stream without boundaries.
  datagram = SOCK_DGRAM,       ///< Messages, unconnected.
  seqpacket = SOCK_SEQPACKET,  ///< Messages over a connection.
};

/// Which addresses a socket has.
enum class SocketDomain : int { local = AF_UNIX, ipv4 = AF_INET, ipv6 = AF_INET6 };

/// What close(2) does with what was not sent yet. Off: the kernel sends it on. On: closing waits for it that long, and
/// with 0 seconds drops it and resets the connection.
struct Linger {
  bool is_on = false;
  int seconds = 0;

  friend constexpr bool operator==(const Linger&, const Linger&) = default;
};

/// Whose option it is: a handle of another kind refuses it at compile time. The untyped Socket takes all.
enum class OptionOf { any_socket, ip_socket, ipv6_socket, tcp_socket };

enum class OptionAccess { get_and_set, get_only };

/// `Value` is bool, int, an enumeration, or Linger.
template <class Value, OptionOf of = OptionOf::any_socket, OptionAccess access = OptionAccess::get_and_set>
struct SocketOption {
  int level;
  int name;
};

/// The options by name. What the kernel makes of a value may differ from it: it doubles the sizes of buffers.
namespace option {

inline constexpr SocketOption<Linger> linger{SOL_SOCKET, SO_LINGER};
inline constexpr SocketOption<bool> keep_alive{SOL_SOCKET, SO_KEEPALIVE};
/// In bytes: told with what the kernel adds for itself, twice what was set.
inline constexpr SocketOption<int> send_buffer{SOL_SOCKET, SO_SNDBUF};
inline constexpr SocketOption<int> receive_buffer{SOL_SOCKET, SO_RCVBUF};
/// How many bytes there have to be before the socket counts as readable.
inline constexpr SocketOption<int> receive_least{SOL_SOCKET, SO_RCVLOWAT};
inline constexpr SocketOption<bool> reuse_address{SOL_SOCKET, SO_REUSEADDR};
inline constexpr SocketOption<bool> reuse_port{SOL_SOCKET, SO_REUSEPORT};
/// Allows sending to broadcast addresses.
inline constexpr SocketOption<bool> broadcast{SOL_SOCKET, SO_BROADCAST};
/// The urgent byte stays in the stream.
inline constexpr SocketOption<bool> urgent_inline{SOL_SOCKET, SO_OOBINLINE};
/// Whether it is a listener.
inline constexpr SocketOption<bool, OptionOf::any_socket, OptionAccess::get_only> accepting{SOL_SOCKET, SO_ACCEPTCONN};
inline constexpr SocketOption<SocketType, OptionOf::any_socket, OptionAccess::get_only> type{SOL_SOCKET, SO_TYPE};
inline constexpr SocketOption<SocketDomain, OptionOf::any_socket, OptionAccess::get_only> domain{SOL_SOCKET, SO_DOMAIN};
inline constexpr SocketOption<int, OptionOf::any_socket, OptionAccess::get_only> protocol{SOL_SOCKET, SO_PROTOCOL};

/// Of an IPv6 socket that is to be bound: IPv4 peers are not for it.
inline constexpr SocketOption<bool, OptionOf::ipv6_socket> v6_only{IPPROTO_IPV6, IPV6_V6ONLY};

/// Sends small pieces at once, instead of waiting for more to go with them (Nagle's algorithm).
inline constexpr SocketOption<bool, OptionOf::tcp_socket> no_delay{IPPROTO_TCP, TCP_NODELAY};
/// Holds partial segments back until it is turned off, 200 ms at most.
inline constexpr SocketOption<bool, OptionOf::tcp_socket> cork{IPPROTO_TCP, TCP_CORK};
/// Acknowledges at once; the kernel turns it off by itself.
inline constexpr SocketOption<bool, OptionOf::tcp_socket> quick_ack{IPPROTO_TCP, TCP_QUICKACK};
/// How long a connection is idle before it is probed; how far apart the probes are; how many may go unanswered.
inline constexpr SocketOption<int, OptionOf::tcp_socket> keep_alive_idle_seconds{IPPROTO_TCP, TCP_KEEPIDLE};
inline constexpr SocketOption<int, OptionOf::tcp_socket> keep_alive_interval_seconds{IPPROTO_TCP, TCP_KEEPINTVL};
inline constexpr SocketOption<int, OptionOf::tcp_socket> keep_alive_probes{IPPROTO_TCP, TCP_KEEPCNT};
/// How long what was sent may stay unacknowledged before the connection is given up; 0 for the kernel's own rule.
inline constexpr SocketOption<int, OptionOf::tcp_socket> user_timeout_milliseconds{IPPROTO_TCP, TCP_USER_TIMEOUT};

}  // namespace option

namespace detail {

/// The value as the kernel has it.
template <class Value>
struct OptionValue {
  static_assert(std::same_as<Value, bool> || std::same_as<Value, int> || std::is_enum_v<Value>);
  using Raw = int;
  static constexpr Raw to_raw(Value value) { return static_cast<int>(value); }
  static constexpr Value from_raw(Raw raw) { return static_cast<Value>(raw); }
};

template <>
struct OptionValue<Linger> {
  using Raw = ::linger;
  static constexpr Raw to_raw(Linger value) { return {value.is_on ? 1 : 0, value.seconds}; }
  static constexpr Linger from_raw(Raw raw) { return {raw.l_onoff != 0, raw.l_linger}; }
};

}  // namespace detail

}  // namespace rouse::inline v0
