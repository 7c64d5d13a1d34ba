#include "../support/bad_pointers.hpp"
#include "../support/told_address.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"

using namespace rouse;
using test::failed;
using test::local_name;
using test::name;
using test::path_address;
using test::peer_name;
using test::raw_address;
using test::ToldName;
using test::unnamed_address;
using test::unsent;

namespace {

using From = test::ToldAddress<SysResult<std::size_t>>;

template <class Fd>
From receive_from(const Fd& fd, std::size_t n, int flags = 0) {
  char bytes[100];
  return test::told(150, [&](::sockaddr* to, ::socklen_t* length) {
    return fd.backend().recvfrom(fd.get(), bytes, n, flags, to, length);
  });
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix addresses: an address that is none is refused", "[unix][addresses][errors]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const auto socket = calls.fresh();
  const auto listener = calls.listener(names.abstract_address(""), 1);
  const std::string longest = raw_address(AF_UNIX, std::string(108, 'x'));
  const std::string too_long[] = {longest + "x", longest + std::string(18, 'x'), longest + std::string(19, 'x')};
  const std::string wrong[] = {"", "\1", raw_address(AF_UNSPEC, "/x"), raw_address(AF_UNSPEC, ""),
                               raw_address(AF_INET, std::string(14, '\0'))};
  for (const std::string& address : wrong) {
    CAPTURE(address.size());
    CHECK(calls.bind(socket, address) == failed(EINVAL));
    CHECK(calls.connect(socket, address) == failed(EINVAL));
  }
  for (const std::string& address : too_long) {
    CAPTURE(address.size());
    CHECK(calls.bind(socket, address) == failed(EINVAL));
    CHECK(calls.connect(socket, address) == failed(EINVAL));
  }
  CHECK(calls.connect(socket, unnamed_address()) == failed(EINVAL));
  CHECK(local_name(socket) == name(unnamed_address()));
}

TEMPLATE_LIST_TEST_CASE("Unix addresses: where an address is read from", "[unix][addresses][errors]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto socket = calls.fresh();
  const auto pipe_like = typename test::UnixSockets<TestType>::Fd{on.backend, on.backend.eventfd(0, 0).value()};
  const auto* const bad = test::unmapped<const ::sockaddr>();
  struct Row {
    int fd;
    ::socklen_t size;
    int bind, connect;
  };
  const Row rows[] = {
      {-1, 110, EBADF, EBADF},
      {pipe_like.get(), 110, ENOTSOCK, EFAULT},
      {pipe_like.get(), 129, ENOTSOCK, EINVAL},
      {socket.get(), 129, EINVAL, EINVAL},
      {socket.get(), static_cast<::socklen_t>(-1), EINVAL, EINVAL},
      {socket.get(), 128, EFAULT, EFAULT},
      {socket.get(), 110, EFAULT, EFAULT},
      {socket.get(), 1, EFAULT, EFAULT},
      {socket.get(), 0, EINVAL, EINVAL},
  };
  for (const Row& row : rows) {
    CAPTURE(row.fd, row.size);
    CHECK(on.backend.bind(row.fd, bad, row.size) == failed(row.bind));
    CHECK(on.backend.connect(row.fd, bad, row.size) == failed(row.connect));
  }
  const std::string address = path_address("/nowhere/at/all");
  CHECK(on.backend.connect(pipe_like.get(), calls.raw(address), calls.size(address)) == failed(ENOTSOCK));
}

TEMPLATE_LIST_TEST_CASE("Unix addresses: an address is cut to the room for it, and its length is told",
                        "[unix][addresses]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("");
  const auto listener = calls.listener(address, 1);
  const auto client = calls.connected(address);
  const auto length = static_cast<::socklen_t>(address.size());
  for (const ::socklen_t room : {0u, 1u, 2u, 4u, 150u}) {
    CAPTURE(room);
    CHECK(local_name(listener, room) == ToldName{{}, address.substr(0, room), length});
    CHECK(peer_name(client, room) == ToldName{{}, address.substr(0, room), length});
  }
  CHECK(local_name(listener, static_cast<::socklen_t>(-1)) ==
        ToldName{failed(EINVAL), "", static_cast<::socklen_t>(-1)});

  ::socklen_t n = 50;
  const auto bad = test::unmapped<::sockaddr>();
  CHECK(on.backend.getsockname(listener.get(), bad, &n) == failed(EFAULT));
  CHECK(n == length);  // Told before the address is touched.
  n = 0;
  CHECK(on.backend.getsockname(listener.get(), bad, &n).ok());
  CHECK(on.backend.getsockname(listener.get(), nullptr, nullptr) == failed(EFAULT));
  CHECK(on.backend.getpeername(listener.get(), nullptr, nullptr) == failed(ENOTCONN));
  CHECK(on.backend.getpeername(client.get(), nullptr, nullptr) == failed(EFAULT));
  CHECK(on.backend.getsockname(-1, nullptr, nullptr) == failed(EBADF));
  CHECK(on.backend.getpeername(-1, nullptr, nullptr) == failed(EBADF));
  const typename test::Handles<TestType>::EventFd event{on.backend};
  CHECK(on.backend.getsockname(event.fd(), nullptr, nullptr) == failed(ENOTSOCK));
  CHECK(on.backend.getpeername(event.fd(), nullptr, nullptr) == failed(ENOTSOCK));
}

TEMPLATE_LIST_TEST_CASE("Unix addresses: a receive tells who sent, if it has a name", "[unix][addresses][flags]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("");
  const auto length = static_cast<::socklen_t>(address.size());
  const auto listener = calls.listener(address, 1);
  const auto client = calls.connected(address);
  auto accepted = calls.accepted(listener);
  const auto took = [&](std::size_t n) { return From{n, address, length}; };
  const auto unnamed = [](std::size_t n) { return From{n, "", 0}; };

  CHECK(receive_from(client, 9) == From{unsent(EAGAIN), "", 150});
  CHECK(receive_from(client, 0) == From{unsent(EAGAIN), "", 150});
  REQUIRE(calls.send(accepted, "abc").ok());
  REQUIRE(calls.send(accepted, "X", MSG_OOB).ok());
  CHECK(receive_from(client, 0) == took(0));
  CHECK(receive_from(client, 1, MSG_PEEK) == took(1));
  CHECK(receive_from(client, 1, MSG_OOB) == unnamed(1));
  CHECK(receive_from(client, 1) == took(1));
  REQUIRE(accepted.close().ok());
  CHECK(receive_from(client, 9) == took(2));
  CHECK(receive_from(client, 9) == unnamed(0));

  const auto pair = calls.pair();
  REQUIRE(calls.send(pair[0], "abc").ok());
  CHECK(receive_from(pair[1], 9) == unnamed(3));
}

TEMPLATE_LIST_TEST_CASE("Unix addresses: a receive that cannot tell who sent has taken the data",
                        "[unix][addresses][fault]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto pair = calls.pair();
  char bytes[4];
  const auto receive = [&](::sockaddr* address, ::socklen_t* n) {
    return on.backend.recvfrom(pair[1].get(), bytes, 3, 0, address, n);
  };
  ::sockaddr address;
  ::socklen_t n = static_cast<::socklen_t>(-1);
  CHECK(receive(&address, nullptr) == unsent(EAGAIN));
  REQUIRE(calls.send(pair[0], "abcdef").ok());
  CHECK(receive(&address, &n) == unsent(EINVAL));
  CHECK(receive(&address, nullptr) == unsent(EFAULT));
  CHECK(receive(&address, nullptr) == unsent(EAGAIN));
  REQUIRE(calls.send(pair[0], "abcdef").ok());
  n = 16;
  CHECK(receive(test::unmapped<::sockaddr>(), &n) == std::size_t{3});  // There is no name to put there.
  CHECK(n == 0);
  CHECK(receive(nullptr, nullptr) == std::size_t{3});
}

TEMPLATE_LIST_TEST_CASE("Unix addresses: a send has nowhere else to go", "[unix][addresses][errors]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("");
  const auto listener = calls.listener(address, 5);
  auto pair = calls.pair();
  const auto fresh = calls.fresh();
  const auto send_to = [&](const auto& fd, const ::sockaddr* to, ::socklen_t size, int flags = 0) {
    return on.backend.sendto(fd.get(), "x", 1, flags | MSG_NOSIGNAL, to, size);
  };
  CHECK(send_to(pair[0], calls.raw(address), calls.size(address)) == unsent(EISCONN));
  CHECK(send_to(pair[0], calls.raw(address), calls.size(address), MSG_OOB) == unsent(EISCONN));
  CHECK(send_to(pair[0], calls.raw(address), 1) == unsent(EISCONN));
  CHECK(send_to(fresh, calls.raw(address), calls.size(address)) == unsent(EOPNOTSUPP));
  CHECK(send_to(listener, calls.raw(address), calls.size(address)) == unsent(EOPNOTSUPP));
  CHECK(send_to(fresh, nullptr, 0) == unsent(ENOTCONN));
  CHECK(send_to(pair[0], test::unmapped<::sockaddr>(), 10) == unsent(EFAULT));
  CHECK(send_to(pair[0], test::unmapped<::sockaddr>(), 129) == unsent(EINVAL));
  CHECK(send_to(pair[0], test::unmapped<::sockaddr>(), static_cast<::socklen_t>(-1)) == unsent(EINVAL));
  CHECK(calls.bits(pair[1]) == EventFlags::out);
  // No address, or one without length.
  CHECK(send_to(pair[0], nullptr, 129) == std::size_t{1});
  CHECK(send_to(pair[0], test::unmapped<::sockaddr>(), 0) == std::size_t{1});
  REQUIRE(calls.shutdown(pair[0], SHUT_WR).ok());
  CHECK(send_to(pair[0], calls.raw(address), calls.size(address)) == unsent(EISCONN));
}
