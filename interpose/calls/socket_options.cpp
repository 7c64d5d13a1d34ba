// Socket options. Those that the emulated kernel does not model and that change nothing a program could see of its
// peers are asked of a socket of Linux that is made for the question: what is wrong with them, Linux says.
#include "calls.hpp"

#include <algorithm>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

using namespace rouse::interpose;
namespace posix = rouse::posix;

namespace {

/// About speed, routes and processors. Not among them: what brings control messages, or changes when a call blocks.
constexpr std::pair<int, int> hints[] = {
    {SOL_SOCKET, SO_BUSY_POLL},
    {SOL_SOCKET, SO_COOKIE},
    {SOL_SOCKET, SO_DEBUG},
    {SOL_SOCKET, SO_INCOMING_CPU},
    {SOL_SOCKET, SO_INCOMING_NAPI_ID},
    {SOL_SOCKET, SO_MARK},
    {SOL_SOCKET, SO_MAX_PACING_RATE},
    {SOL_SOCKET, SO_PRIORITY},
    {SOL_SOCKET, SO_REUSEPORT},
    {IPPROTO_TCP, TCP_CONGESTION},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {IPPROTO_TCP, TCP_FASTOPEN},
    {IPPROTO_TCP, TCP_LINGER2},
    {IPPROTO_TCP, TCP_MAXSEG},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
    {IPPROTO_TCP, TCP_QUICKACK},
    {IPPROTO_TCP, TCP_ULP},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT},
    {IPPROTO_IP, IP_MTU_DISCOVER},
    {IPPROTO_IP, IP_MULTICAST_LOOP},
    {IPPROTO_IP, IP_MULTICAST_TTL},
    {IPPROTO_IP, IP_TOS},
    {IPPROTO_IP, IP_TTL},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP},
    {IPPROTO_IPV6, IPV6_TCLASS},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
};

/// About the connection, of which a socket that was just made has none.
constexpr std::pair<int, int> of_connections[] = {
    {SOL_SOCKET, SO_PEERGROUPS}, {SOL_SOCKET, SO_PEERSEC}, {IPPROTO_TCP, TCP_INFO},
    {IPPROTO_TCP, TCP_CC_INFO},  {IPPROTO_IP, IP_MTU},     {IPPROTO_IPV6, IPV6_MTU},
};

bool is_among(const auto& options, int level, int name) {
  return std::find(std::begin(options), std::end(options), std::pair{level, name}) != std::end(options);
}

/// To do what is done anyway.
bool is_off(const void* value, ::socklen_t n) {
  int number = -1;
  if (value != nullptr && n == sizeof number) std::memcpy(&number, value, n);
  return number == 0;
}

int number_of(int fd, int option) {
  int value = 0;
  ::socklen_t n = sizeof value;
  return posix::getsockopt(fd, SOL_SOCKET, option, &value, &n) == 0 ? value : -1;
}

/// One of Linux like that behind `fd`.
template <class Ask>
int ask_linux(int fd, Ask ask) {
  return ask_socket_of_linux(number_of(fd, SO_DOMAIN), number_of(fd, SO_TYPE), ask);
}

/// Whoever is at the other end of a unix socket is this process.
int put_peer(int fd, void* value, ::socklen_t* n) {
  ::sockaddr_storage peer{};
  ::socklen_t peer_n = sizeof peer;
  const bool is_connected =
      number_of(fd, SO_DOMAIN) == AF_UNIX && posix::getpeername(fd, reinterpret_cast<::sockaddr*>(&peer), &peer_n) == 0;
  const auto nobody = static_cast<::uid_t>(-1);
  const ::ucred credentials = is_connected ? ::ucred{::getpid(), ::geteuid(), ::getegid()} : ::ucred{0, nobody, nobody};
  *n = std::min<::socklen_t>(*n, sizeof credentials);
  std::memcpy(value, &credentials, *n);
  return 0;
}

int get_of_emulated(int fd, int level, int name, void* value, ::socklen_t* n) {
  if (level == SOL_SOCKET && name == SO_PEERCRED) {
    if (number_of(fd, SO_TYPE) < 0) return -1;
    return put_peer(fd, value, n);
  }
  try {
    return posix::getsockopt(fd, level, name, value, n);
  } catch (const rouse::kernel::NotModelled&) {
    if (is_among(of_connections, level, name)) throw;
  }
  return ask_linux(fd, [=](long made) { return raw::call(SYS_getsockopt, made, level, name, value, n); });
}

int set_of_emulated(int fd, int level, int name, const void* value, ::socklen_t n) {
  try {
    return posix::setsockopt(fd, level, name, value, n);
  } catch (const rouse::kernel::NotModelled&) {
    if (!is_among(hints, level, name) && !is_off(value, n)) throw;
  }
  return ask_linux(fd, [=](long made) { return raw::call(SYS_setsockopt, made, level, name, value, n); });
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int getsockopt(int fd, int level, int name, void* value, ::socklen_t* n) noexcept {
  return dispatch(
      "getsockopt", fd, [=] { return get_of_emulated(fd, level, name, value, n); },
      [=] { return next<"getsockopt">(::getsockopt, fd, level, name, value, n); }, ENOPROTOOPT);
}
int setsockopt(int fd, int level, int name, const void* value, ::socklen_t n) noexcept {
  return dispatch(
      "setsockopt", fd, [=] { return set_of_emulated(fd, level, name, value, n); },
      [=] { return next<"setsockopt">(::setsockopt, fd, level, name, value, n); }, ENOPROTOOPT);
}

}  // extern "C"
#pragma GCC visibility pop
