// The handle UnixDatagram.
#include "../support/death.hpp"
#include "../support/tcp_pair.hpp"
#include "../support/thrown.hpp"
#include "../support/unix_names.hpp"

#include <vector>

using namespace rouse;
using namespace std::string_view_literals;
using test::bytes_from;
using test::Handles;
using test::stale;
using test::system_error;
using test::thrown_by;

namespace {

using Got = Received<UnixAddress>;

/// Two named sockets.
template <class On>
struct Two {
  using SocketHere = typename Handles<On>::UnixDatagram;

  On on;
  test::UnixNames<On> names;
  UnixAddress address_a = UnixPath{names.path("a")};
  UnixAddress address_b = UnixAbstract{names.path("b")};
  SocketHere a = SocketHere::bound_to(on.backend, address_a);
  SocketHere b = SocketHere::bound_to(on.backend, address_b);
};

/// Sends to a receiver who takes nothing until there is no room; returns how many went.
template <class Socket>
int fill(Socket& from, const UnixAddress& to) {
  int n = 0;
  while (from.try_send_to(to, "x"sv)) ++n;
  return n;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("UnixDatagram: messages come whole, and from somebody", "[unix_datagram]", test::AllBackends) {
  Two<TestType> s;
  char bytes[4];
  std::error_code ec = stale();
  CHECK(s.b.try_receive_from(bytes) == std::nullopt);
  CHECK(s.b.try_receive_from(bytes, ec) == std::nullopt);
  CHECK_FALSE(ec);
  CHECK(s.a.send_to(s.address_b, "abc"sv) == 3);
  CHECK(s.a.try_send_to(s.address_b, "abcde"sv) == 5);
  CHECK(s.b.receive_from(bytes) == Got{3, s.address_a, 3});
  const Got cut = s.b.receive_from(bytes);
  CHECK(cut == Got{4, s.address_a, 5});
  CHECK(cut.is_truncated());
  s.b.send_to(s.address_a, ""sv);
  ec = stale();
  CHECK(s.a.receive_from(bytes, ec) == Got{0, s.address_b, 0});
  CHECK_FALSE(ec);
  typename Two<TestType>::SocketHere nameless{s.on.backend};
  nameless.send_to(s.address_a, "x"sv);
  CHECK(s.a.try_receive_from(bytes) == Got{1, UnixAddress{}, 1});
  const ConstBuffer parts[] = {"ab"sv, "cd"sv};
  char few[1], more[2];
  const MutableBuffer into[] = {few, more};
  CHECK(s.a.send_to(s.address_b, parts) == 4);
  CHECK(s.b.receive_from(into) == Got{3, s.address_a, 4});
  CHECK(std::string(few, 1) + std::string(more, 2) == "abc");
  CHECK(nameless.try_send_to(s.address_b, parts, {}, ec) == 4);
  CHECK(s.b.try_receive_from(into, {}, ec) == Got{3, UnixAddress{}, 4});
}

TEMPLATE_LIST_TEST_CASE("UnixDatagram: a pair is connected", "[unix_datagram]", test::AllBackends) {
  TestType on;
  using SocketHere = typename Handles<TestType>::UnixDatagram;
  auto [a, b] = SocketHere::pair(on.backend);
  CHECK(a.send("abc"sv) == 3);
  CHECK(a.send(""sv) == 0);
  CHECK(a.get(option::type) == SocketType::datagram);
  CHECK(b.unread() == 3);
  CHECK(bytes_from(b) == "abc");
  CHECK(bytes_from(b) == "");
  char bytes[1];
  CHECK(b.try_receive(bytes) == std::nullopt);
  std::error_code ec = stale();
  auto [c, d] = SocketHere::pair(on.backend, SocketFlags{}, ec);
  CHECK_FALSE(ec);
  CHECK(on.backend.fcntl(c.fd(), F_GETFL) == SysResult<int>{O_RDWR});
  b.close();
  CHECK(thrown_by([&] { a.send("x"sv); }) == "send(fd " + std::to_string(a.fd()) + "): Connection refused");
}

TEMPLATE_LIST_TEST_CASE("UnixDatagram: it connects and disconnects", "[unix_datagram]", test::AllBackends) {
  Two<TestType> s;
  std::error_code ec;
  s.a.connect(s.address_b);
  CHECK(s.a.peer_address() == s.address_b);
  s.a.send("abc"sv);
  CHECK(bytes_from(s.b) == "abc");
  s.a.disconnect();
  static_cast<void>(s.a.peer_address(ec));
  CHECK(ec == system_error(ENOTCONN));
  CHECK(thrown_by([&] { s.a.send("x"sv); }) ==
        "send(fd " + std::to_string(s.a.fd()) + "): Transport endpoint is not connected");
  s.a.connect(UnixPath{s.names.path("nobody")}, ec);
  CHECK(ec == system_error(ENOENT));
  CHECK(thrown_by([&] { s.a.connect(UnixAbstract{s.names.path("nobody")}); }) ==
        "connect(fd " + std::to_string(s.a.fd()) + "): Connection refused");
  s.a.send_to(UnixPath{s.names.path("nobody")}, "x"sv, ec);
  CHECK(ec == system_error(ENOENT));
  s.a.disconnect(ec);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("UnixDatagram: what cannot be made", "[unix_datagram][errors]", test::AllBackends) {
  Two<TestType> s;
  using SocketHere = typename Two<TestType>::SocketHere;
  std::error_code ec;
  CHECK_FALSE(SocketHere::bound_to(s.on.backend, s.address_a, default_socket_flags, ec).is_open());
  CHECK(ec == system_error(EADDRINUSE));
  CHECK(thrown_by([&] { static_cast<void>(SocketHere::bound_to(s.on.backend, s.address_b)); }).find("bind(fd ") == 0);
  const std::string much(300000, 'x');
  CHECK(thrown_by([&] { s.a.send_to(s.address_b, much); }) ==
        "sendto(fd " + std::to_string(s.a.fd()) + "): Message too long");
  s.a.bind(s.address_b, ec);
  CHECK(ec == system_error(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("UnixDatagram: a full receiver is no room, and no endless asking", "[unix_datagram]",
                        test::AllBackends) {
  Two<TestType> s;
  std::error_code ec = stale();
  const int room = fill(s.a, s.address_b);
  CHECK(room > 0);
  CHECK(s.a.try_send_to(s.address_b, "x"sv, ec) == std::nullopt);
  CHECK_FALSE(ec);
  // The sender has room itself, so no event would tell when the receiver has.
  CHECK(thrown_by([&] { s.a.send_to(s.address_b, "x"sv); }) ==
        "sendto(fd " + std::to_string(s.a.fd()) + "): Resource temporarily unavailable");
  CHECK(s.a.send_to(s.address_b, "x"sv, ec) == 0);
  CHECK(ec == system_error(EAGAIN));
  char bytes[1];
  for (int i = 0; i < room; ++i) CHECK(s.b.try_receive(bytes) == 1);
  CHECK(s.a.send_to(s.address_b, "x"sv) == 1);
}

TEMPLATE_LIST_TEST_CASE("UnixDatagram: misuse says what is wrong", "[unix_datagram][death]", test::AllBackends) {
  if (!test::assertions_are_on) return;
  Two<TestType> s;
  const auto moved = std::move(s.a);
  const std::string closed = "UnixDatagram: used while closed or after being moved from";
  char bytes[1];
  CHECK(test::last_words([&] { s.a.send_to(s.address_b, "x"sv); }).find(closed) != std::string::npos);
  CHECK(test::last_words([&] { static_cast<void>(s.a.try_receive_from(bytes)); }).find(closed) != std::string::npos);
}
