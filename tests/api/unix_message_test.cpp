#include "../support/bad_pointers.hpp"
#include "../support/messages.hpp"
#include "../support/sysctl.hpp"
#include "../support/unix_names.hpp"
#include "../support/unix_sockets.hpp"

using namespace rouse;
using F = EventFlags;
using test::nothing;
using test::text;
using test::unsent;

namespace {

constexpr int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

/// A header for one vector.
struct Header {
  char bytes[8] = "abcdefg";
  ::iovec vector{bytes, 3};
  ::msghdr raw{};

  Header() {
    raw.msg_iov = &vector;
    raw.msg_iovlen = 1;
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix message: vectors are gathered and filled", "[unix][message]", test::AllBackends) {
  TestType on;
  for (const int type : types) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair();
    char bytes[] = "abcdefgh";
    ::iovec parts[] = {{bytes, 3}, {bytes, 0}, {bytes + 3, 5}};
    ::msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 3;
    CHECK(on.backend.sendmsg(pair[0].get(), &message, 0) == std::size_t{8});
    char first[2];
    char second[4];
    ::iovec room[] = {{first, 2}, {second, 4}};
    message.msg_iov = room;
    message.msg_iovlen = 2;
    message.msg_flags = 0x55;
    message.msg_controllen = 0;
    CHECK(on.backend.recvmsg(pair[1].get(), &message, 0) == std::size_t{6});
    CHECK(std::string(first, 2) + std::string(second, 4) == "abcdef");
    CHECK(message.msg_flags == (type == SOCK_STREAM ? 0 : MSG_TRUNC));
    if (type == SOCK_STREAM) CHECK(calls.receive(pair[1]) == text("gh"));
    CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix message: no vectors are a message of nothing", "[unix][message][zero]",
                        test::AllBackends) {
  TestType on;
  for (const int type : types) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair();
    ::msghdr message{};
    CHECK(on.backend.recvmsg(pair[1].get(), &message, 0) == unsent(EAGAIN));
    CHECK(on.backend.sendmsg(pair[0].get(), &message, 0) == std::size_t{0});
    CHECK(calls.bits(pair[1]) == (type == SOCK_STREAM ? F::out : F::in | F::out));
    REQUIRE(calls.send(pair[0], "x").ok());
    CHECK(on.backend.recvmsg(pair[1].get(), &message, 0) == std::size_t{0});
    CHECK(message.msg_flags == 0);
    CHECK(calls.receive(pair[1]) == text("x"));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix message: what is wrong with a message to send is found in order",
                        "[unix][message][errors]", test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on, SOCK_DGRAM};
  const auto pair = calls.pair();
  const int fd = pair[0].get();
  const auto send = [&](int to, const ::msghdr* message, int flags = 0) {
    return on.backend.sendmsg(to, message, flags);
  };
  Header header;
  ::msghdr& message = header.raw;
  CHECK(send(-1, nullptr, static_cast<int>(0x80000000)) == unsent(EINVAL));
  CHECK(send(-1, test::unmapped<::msghdr>()) == unsent(EBADF));
  const typename test::Handles<TestType>::EventFd no_socket{on.backend};
  CHECK(send(no_socket.fd(), test::unmapped<::msghdr>()) == unsent(ENOTSOCK));
  CHECK(send(fd, test::unmapped<::msghdr>()) == unsent(EFAULT));
  message.msg_controllen = 200000;
  message.msg_iovlen = 1025;
  message.msg_name = test::unmapped();
  message.msg_namelen = static_cast<::socklen_t>(-1);
  CHECK(send(fd, &message) == unsent(EINVAL));
  message.msg_namelen = 3;
  CHECK(send(fd, &message) == unsent(EFAULT));
  message.msg_namelen = 0;
  CHECK(send(fd, &message) == unsent(EMSGSIZE));
  message.msg_name = nullptr;
  message.msg_namelen = static_cast<::socklen_t>(-1);  // Without a name it means nothing.
  CHECK(send(fd, &message) == unsent(EMSGSIZE));
  message.msg_iovlen = 1;
  message.msg_iov = test::unmapped<::iovec>();
  CHECK(send(fd, &message) == unsent(EFAULT));
  message.msg_iov = &header.vector;
  header.vector.iov_len = std::size_t{1} << 63;
  CHECK(send(fd, &message) == unsent(EINVAL));
  header.vector = {test::in_kernel_space(), 3};
  CHECK(send(fd, &message) == unsent(EFAULT));
  header.vector = {test::unmapped(), 300000};
  CHECK(send(fd, &message) == unsent(ENOBUFS));
  message.msg_control = test::unmapped();
  const auto control_max = static_cast<std::size_t>(test::sysctl("net/core/optmem_max"));
  message.msg_controllen = control_max;
  CHECK(send(fd, &message) == unsent(ENOBUFS));
  message.msg_controllen = control_max - 1;
  CHECK(send(fd, &message) == unsent(EFAULT));
  message.msg_controllen = 20;
  CHECK(send(fd, &message) == unsent(EFAULT));
  char control[24] = {};
  message.msg_control = control;
  CHECK(send(fd, &message, MSG_OOB) == unsent(EINVAL));
  message.msg_controllen = 15;  // Too short to be looked at.
  CHECK(send(fd, &message, MSG_OOB) == unsent(EOPNOTSUPP));
  message.msg_name = header.bytes;
  message.msg_namelen = 7;
  CHECK(send(fd, &message) == unsent(EINVAL));
  message.msg_namelen = 0;
  CHECK(send(fd, &message) == unsent(EMSGSIZE));
  header.vector.iov_len = 3;
  CHECK(send(fd, &message) == unsent(EFAULT));
  CHECK(calls.receive(pair[1]) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Unix message: what is wrong with a message to receive is found in order",
                        "[unix][message][errors]", test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on, SOCK_DGRAM};
  const auto pair = calls.pair();
  const int fd = pair[0].get();
  const auto receive = [&](int from, ::msghdr* message, int flags = 0) {
    return on.backend.recvmsg(from, message, flags);
  };
  Header header;
  ::msghdr& message = header.raw;
  CHECK(receive(-1, nullptr, static_cast<int>(0x80000000)) == unsent(EINVAL));
  CHECK(receive(-1, test::unmapped<::msghdr>()) == unsent(EBADF));
  CHECK(receive(fd, test::unmapped<::msghdr>()) == unsent(EFAULT));
  message.msg_iovlen = 1025;
  message.msg_name = test::unmapped();
  message.msg_namelen = static_cast<::socklen_t>(-1);
  CHECK(receive(fd, &message) == unsent(EINVAL));
  message.msg_namelen = 3;
  CHECK(receive(fd, &message) == unsent(EMSGSIZE));
  message.msg_iovlen = 1;
  message.msg_iov = test::unmapped<::iovec>();
  CHECK(receive(fd, &message) == unsent(EFAULT));
  message.msg_iov = &header.vector;
  CHECK(receive(fd, &message) == unsent(EAGAIN));

  // A bad place for the name is found last: the message is gone, and nothing is told of it.
  const test::UnixNames<TestType> names;
  REQUIRE(calls.bind(pair[1], names.abstract_address("a")).ok());
  REQUIRE(calls.send(pair[1], "x").ok());
  message.msg_flags = 0x55;
  CHECK(receive(fd, &message) == unsent(EFAULT));
  CHECK(message.msg_flags == 0x55);
  CHECK(header.bytes[0] == 'x');
  CHECK(calls.receive(pair[0]) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Unix message: the sender is told, cut to the room, with the full length",
                        "[unix][message][names]", test::AllBackends) {
  TestType on;
  const test::UnixNames<TestType> names;
  for (const int type : types) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair();
    const std::string address = names.abstract_address("sender");
    char name[200] = {};
    Header header;
    const auto receive = [&](::socklen_t room, char* to) {
      header.raw.msg_name = to;
      header.raw.msg_namelen = room;
      CHECK(calls.send(pair[1], "x").ok());
      CHECK(on.backend.recvmsg(pair[0].get(), &header.raw, 0) == std::size_t{1});
      return header.raw.msg_namelen;
    };
    CHECK(receive(200, name) == 0);
    CHECK(receive(77, nullptr) == 77);
    REQUIRE(calls.bind(pair[1], address).ok());
    CHECK(receive(5, name) == address.size());
    CHECK(std::string(name, 6) == address.substr(0, 5) + '\0');
    CHECK(receive(0, test::unmapped()) == address.size());
    CHECK(receive(200, name) == address.size());
    CHECK(std::string(name, address.size()) == address);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix message: an address is sent to, ignored or refused", "[unix][message][names]",
                        test::AllBackends) {
  TestType on;
  const test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("receiver");
  const auto send_to = [&](const auto& fd) { return test::send_message(on.backend, fd.get(), "abc", "", 0, address); };
  const test::UnixSockets datagrams{on, SOCK_DGRAM};
  const auto receiver = datagrams.fresh();
  REQUIRE(datagrams.bind(receiver, address).ok());
  CHECK(send_to(datagrams.fresh()) == std::size_t{3});
  CHECK(datagrams.receive(receiver) == text("abc"));
  const test::UnixSockets packets{on, SOCK_SEQPACKET};
  const auto packet_pair = packets.pair();
  CHECK(send_to(packet_pair[0]) == std::size_t{3});
  CHECK(packets.receive(packet_pair[1]) == text("abc"));
  CHECK(send_to(packets.fresh()) == unsent(ENOTCONN));
  const test::UnixSockets streams{on};
  CHECK(send_to(streams.pair()[0]) == unsent(EISCONN));
  CHECK(send_to(streams.fresh()) == unsent(EOPNOTSUPP));
  CHECK(datagrams.receive(receiver) == nothing(EAGAIN));
}

TEMPLATE_LIST_TEST_CASE("Unix message: the flags that come back", "[unix][message][flags]", test::AllBackends) {
  TestType on;
  for (const int type : types) {
    CAPTURE(type);
    const test::UnixSockets calls{on, type};
    const auto pair = calls.pair();
    const auto flags_of = [&](std::size_t n, int flags) {
      return test::receive_message(on.backend, pair[1].get(), n, 0, flags).flags;
    };
    REQUIRE(calls.send(pair[0], "abc", MSG_EOR).ok());
    CHECK(flags_of(9, MSG_PEEK) == 0);
    CHECK(flags_of(9, MSG_PEEK | MSG_CMSG_CLOEXEC) == MSG_CMSG_CLOEXEC);
    CHECK(flags_of(9, MSG_PEEK | MSG_WAITALL | MSG_EOR | MSG_ERRQUEUE) == 0);
    CHECK(flags_of(2, MSG_PEEK | MSG_TRUNC) == (type == SOCK_STREAM ? 0 : MSG_TRUNC));
    CHECK(flags_of(0, 0) == (type == SOCK_STREAM ? 0 : MSG_TRUNC));
  }
  const test::UnixSockets streams{on};
  const auto pair = streams.pair();
  REQUIRE(streams.send(pair[0], "x", MSG_OOB).ok());
  CHECK(test::receive_message(on.backend, pair[1].get(), 1, 0, MSG_OOB).flags == MSG_OOB);
}
