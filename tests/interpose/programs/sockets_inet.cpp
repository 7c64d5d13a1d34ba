// TCP and UDP over 127.0.0.1 and ::1: connecting without blocking, errors, shutting down, lingering, what is peeked at.
#include "show.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <tuple>

using namespace programs;

namespace {

struct Address {
  ::sockaddr_storage bytes{};
  ::socklen_t n = 0;

  [[nodiscard]] const ::sockaddr* get() const { return reinterpret_cast<const ::sockaddr*>(&bytes); }
  ::sockaddr* get() { return reinterpret_cast<::sockaddr*>(&bytes); }
  [[nodiscard]] std::uint16_t port() const {
    return ::ntohs(reinterpret_cast<const ::sockaddr_in*>(&bytes)->sin_port);  // At the same place in both.
  }
};

Address loopback(int family, std::uint16_t port = 0) {
  Address address;
  if (family == AF_INET) {
    auto& four = reinterpret_cast<::sockaddr_in&>(address.bytes);
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    four.sin_port = ::htons(port);
    address.n = sizeof four;
  } else {
    auto& six = reinterpret_cast<::sockaddr_in6&>(address.bytes);
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
    six.sin6_port = ::htons(port);
    address.n = sizeof six;
  }
  return address;
}

/// Its port stays out of the result: it is another each time.
void print_address(const char* what, const Address& address) {
  char text[64] = {};
  const auto* const four = reinterpret_cast<const ::sockaddr_in*>(&address.bytes);
  const auto* const six = reinterpret_cast<const ::sockaddr_in6*>(&address.bytes);
  const bool is_four = address.bytes.ss_family == AF_INET;
  ::inet_ntop(address.bytes.ss_family, is_four ? static_cast<const void*>(&four->sin_addr) : &six->sin6_addr, text,
              sizeof text);
  say("%s: %s, %u bytes, has a port: %d\n", what, text, address.n, address.port() != 0);
}

Address name_of(int fd, decltype(::getsockname)* ask = ::getsockname) {
  Address address;
  address.n = sizeof address.bytes;
  must("getsockname", ask(fd, address.get(), &address.n));
  return address;
}

int listener_on(int family) {
  const int fd = must("socket", ::socket(family, SOCK_STREAM, 0));
  const Address address = loopback(family);
  must("bind", ::bind(fd, address.get(), address.n));
  must("listen", ::listen(fd, 8));
  return fd;
}

struct Connection {
  int client = -1, server = -1;

  explicit Connection(int family) {
    const int listener = listener_on(family);
    const Address address = name_of(listener);
    client = must("socket", ::socket(family, SOCK_STREAM, 0));
    must("connect", ::connect(client, address.get(), address.n));
    server = must("accept", ::accept(listener, nullptr, nullptr));
    ::close(listener);
  }
};

int socket_error(int fd) {
  int error = 0;
  ::socklen_t n = sizeof error;
  must("SO_ERROR", ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n));
  return error;
}
int polled(int fd, short events, int milliseconds = -1) {
  ::pollfd entry{fd, events, 0};
  must("poll", ::poll(&entry, 1, milliseconds));
  return entry.revents;
}

void names(int family) {
  say("-- names\n");
  const int listener = listener_on(family);
  Address address = name_of(listener);
  print_address("listener", address);
  const int client = ::socket(family, SOCK_STREAM, 0);
  print_address("unbound", name_of(client));
  Address peer;
  peer.n = sizeof peer.bytes;
  show("getpeername", ::getpeername(client, peer.get(), &peer.n));
  show("connect", ::connect(client, address.get(), address.n));
  print_address("client", name_of(client));
  say("its peer is the listener's port: %d\n", name_of(client, ::getpeername).port() == address.port());
  peer.n = sizeof peer.bytes;
  const int server = must("accept", ::accept4(listener, peer.get(), &peer.n, SOCK_NONBLOCK | SOCK_CLOEXEC));
  print_address("accepted from", peer);
  say("the client's port: %d\n", peer.port() == name_of(client).port());
  say("flags: %d %d\n", (::fcntl(server, F_GETFL) & O_NONBLOCK) != 0, ::fcntl(server, F_GETFD));
  show("accept of no listener", ::accept(client, nullptr, nullptr));
  const int other = ::socket(family, SOCK_STREAM, 0);
  show("bind to a port in use", ::bind(other, address.get(), address.n));
  show("connect to itself", ::connect(client, address.get(), address.n));
}

void without_blocking(int family) {
  say("-- without blocking\n");
  const int listener = listener_on(family);
  ::fcntl(listener, F_SETFL, O_NONBLOCK);
  show("accept", ::accept(listener, nullptr, nullptr));
  const Address address = name_of(listener);
  const int client = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int result = ::connect(client, address.get(), address.n);
  say("connect: %s\n", result == 0 || errno == EINPROGRESS ? "under way" : strerrorname_np(errno));
  say("poll: %#x\n", static_cast<unsigned>(polled(client, POLLOUT)));
  say("SO_ERROR: %d\n", socket_error(client));
  show("connect", ::connect(client, address.get(), address.n));
  say("poll of the listener: %#x\n", static_cast<unsigned>(polled(listener, POLLIN)));
  show("accept", ::accept(listener, nullptr, nullptr) >= 0);
  char byte = 0;
  show("recv", ::recv(client, &byte, 1, 0));

  // Nobody listens.
  const Address nowhere = name_of(listener);
  ::close(listener);
  const int refused = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int refusal = ::connect(refused, nowhere.get(), nowhere.n);
  say("connect: %s\n", refusal < 0 && (errno == EINPROGRESS || errno == ECONNREFUSED) ? "under way" : "odd");
  const unsigned events = static_cast<unsigned>(polled(refused, POLLIN | POLLOUT));
  say("poll: %#x\n", events);
  say("SO_ERROR: %s\n", strerrorname_np(socket_error(refused)));
  say("SO_ERROR again: %d\n", socket_error(refused));
  const int blocking = ::socket(family, SOCK_STREAM, 0);
  show("connect, blocking", ::connect(blocking, nowhere.get(), nowhere.n));
}

void shutting_down(int family) {
  say("-- shutting down\n");
  Connection connection{family};
  char bytes[16];
  show("send", ::send(connection.client, "last", 4, 0));
  show("shutdown", ::shutdown(connection.client, SHUT_WR));
  show("send", ::send(connection.client, "more", 4, MSG_NOSIGNAL));
  say("poll: %#x\n", static_cast<unsigned>(polled(connection.server, POLLIN | POLLRDHUP)));
  show("recv", ::recv(connection.server, bytes, sizeof bytes, 0));
  show("recv", ::recv(connection.server, bytes, sizeof bytes, 0));
  show("send back", ::send(connection.server, "answer", 6, 0));
  show("recv", ::recv(connection.client, bytes, sizeof bytes, 0));
  show("shutdown both", ::shutdown(connection.server, SHUT_RDWR));
  say("poll: %#x\n", static_cast<unsigned>(polled(connection.client, POLLIN | POLLRDHUP)));
  show("recv", ::recv(connection.client, bytes, sizeof bytes, 0));
  show("shutdown of nothing", ::shutdown(::socket(family, SOCK_STREAM, 0), SHUT_RD));
  show("shutdown by no name", ::shutdown(connection.client, 7));

  // A blocked reader comes back.
  Connection other{family};
  const ::pid_t id = this_thread_id();
  std::thread thread([&] {
    until_asleep(id);
    ::shutdown(other.client, SHUT_RD);
  });
  show("recv", ::recv(other.client, bytes, sizeof bytes, 0));
  thread.join();
}

void resetting(int family) {
  say("-- resetting\n");
  char bytes[16];
  {
    Connection connection{family};
    const ::linger none{1, 0};
    show("SO_LINGER", ::setsockopt(connection.client, SOL_SOCKET, SO_LINGER, &none, sizeof none));
    show("send", ::send(connection.client, "lost", 4, 0));
    show("close", ::close(connection.client));
    say("poll: %#x\n", static_cast<unsigned>(polled(connection.server, POLLIN | POLLOUT | POLLRDHUP)));
    show("recv", ::recv(connection.server, bytes, sizeof bytes, 0));
    show("recv", ::recv(connection.server, bytes, sizeof bytes, 0));
    show("send", ::send(connection.server, "abc", 3, MSG_NOSIGNAL));
  }
  Connection connection{family};
  show("send", ::send(connection.client, "unread", 6, 0));
  say("poll: %#x\n", static_cast<unsigned>(polled(connection.server, POLLIN)));
  show("close with bytes unread", ::close(connection.server));
  polled(connection.client, POLLRDHUP);
  say("SO_ERROR: %s\n", strerrorname_np(socket_error(connection.client)));
  show("recv", ::recv(connection.client, bytes, sizeof bytes, 0));
}

void datagrams(int family) {
  say("-- datagrams\n");
  const int receiver = ::socket(family, SOCK_DGRAM, 0);
  const Address any = loopback(family);
  show("bind", ::bind(receiver, any.get(), any.n));
  const Address to = name_of(receiver);
  print_address("receiver", to);
  const int sender = ::socket(family, SOCK_DGRAM, 0);
  char bytes[8];
  show("recv", ::recv(receiver, bytes, sizeof bytes, MSG_DONTWAIT));
  show("send without a destination", ::send(sender, "abc", 3, 0));
  show("sendto", ::sendto(sender, "abc", 3, 0, to.get(), to.n));
  Address from;
  from.n = sizeof from.bytes;
  show("recvfrom", ::recvfrom(receiver, bytes, sizeof bytes, 0, from.get(), &from.n));
  print_address("from", from);
  show("connect", ::connect(sender, to.get(), to.n));
  show("send", ::send(sender, "more than there is room for", 27, 0));
  show("peek, all of it", ::recv(receiver, bytes, sizeof bytes, MSG_PEEK | MSG_TRUNC));
  int available = 0;
  show("FIONREAD", ::ioctl(receiver, FIONREAD, &available));
  say("available: %d\n", available);
  show("recv", ::recv(receiver, bytes, sizeof bytes, 0));
  show("an empty one", ::send(sender, "", 0, 0));
  show("recv", ::recv(receiver, bytes, sizeof bytes, 0));
  show("too long a one", ::send(sender, std::string(70'000, 'x').data(), 70'000, 0));
  const int other = ::socket(family, SOCK_DGRAM, 0);
  show("bind to a port in use", ::bind(other, to.get(), to.n));
  ::close(receiver);
  show("send to nobody", ::send(sender, "abc", 3, 0));
  say("poll: %#x\n", static_cast<unsigned>(polled(sender, POLLIN)));
  show("recv", ::recv(sender, bytes, sizeof bytes, MSG_DONTWAIT));
  show("recv again", ::recv(sender, bytes, sizeof bytes, MSG_DONTWAIT));
}

void options(int family) {
  say("-- options\n");
  const int fd = ::socket(family, SOCK_STREAM, 0);
  const auto get = [fd](const char* what, int level, int name) {
    int value = 0;
    ::socklen_t n = sizeof value;
    const int result = ::getsockopt(fd, level, name, &value, &n);
    say("%s: %s, %d, %u bytes\n", what, outcome(result).c_str(), value, n);
  };
  const auto set = [fd](const char* what, int level, int name, int value) {
    show(what, ::setsockopt(fd, level, name, &value, sizeof value));
  };
  get("SO_TYPE", SOL_SOCKET, SO_TYPE);
  get("SO_DOMAIN", SOL_SOCKET, SO_DOMAIN);
  get("SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL);
  get("SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN);
  for (const auto& [name, level, option] : {std::tuple{"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR},
                                            {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE},
                                            {"TCP_NODELAY", +IPPROTO_TCP, TCP_NODELAY},
                                            {"TCP_KEEPIDLE", +IPPROTO_TCP, TCP_KEEPIDLE}}) {
    get(name, level, option);
    set(name, level, option, 1);
    get(name, level, option);
  }
  get("no such option", SOL_SOCKET, 999);
  set("no such level", 999, 1, 1);
}

}  // namespace

int main() {
  print_by_lines();
  for (const int family : {AF_INET, AF_INET6}) {
    say("==== %s\n", family == AF_INET ? "127.0.0.1" : "::1");
    names(family);
    without_blocking(family);
    shutting_down(family);
    resetting(family);
    datagrams(family);
    options(family);
  }
}
