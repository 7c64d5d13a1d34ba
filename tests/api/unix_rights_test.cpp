#include "../support/bad_pointers.hpp"
#include "../support/file_limit.hpp"
#include "../support/passing.hpp"
#include "../support/unix_names.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>

using namespace rouse;
using test::GotMessage;
using test::Passing;
using test::rights;
using test::some_room;
using test::text;
using test::unsent;

namespace {

constexpr int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
/// Takes the capabilities away that lift the limits of others, until the end of the scope: the emulated process has
/// none.
class WithoutCapabilities {
 public:
  WithoutCapabilities() {
    ::syscall(SYS_capget, &header_, before_);
    ::__user_cap_data_struct now[2] = {before_[0], before_[1]};
    for (auto& word : now) word.effective = 0;
    ::syscall(SYS_capset, &header_, now);
  }
  WithoutCapabilities(const WithoutCapabilities&) = delete;
  WithoutCapabilities& operator=(const WithoutCapabilities&) = delete;
  ~WithoutCapabilities() { ::syscall(SYS_capset, &header_, before_); }

 private:
  ::__user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  ::__user_cap_data_struct before_[2] = {};
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Unix rights: a file arrives under the lowest free number, and is the same file",
                        "[unix][rights]", test::AllBackends) {
  for (const int type : types) {
    CAPTURE(type);
    Passing<TestType> p{type};
    REQUIRE(p.send("abc", {p.reader.get(), p.witness.get()}).ok());
    const int next = p.calls.fresh().get();
    const GotMessage got = p.receive(9);
    CHECK(got == GotMessage{std::size_t{3}, "abc", 0, CMSG_SPACE(8), {next, next + 1}});
    CHECK(p.on.backend.fcntl(next, F_GETFD) == SysResult<int>{0});
    CHECK(p.on.backend.fcntl(next, F_GETFL) == SysResult<int>{O_RDONLY | O_NONBLOCK});
    CHECK(p.on.backend.fcntl(next, F_SETFL, 0).ok());
    CHECK(p.on.backend.fcntl(p.reader.get(), F_GETFL) == SysResult<int>{O_RDONLY});
    REQUIRE(p.reader.close().ok());
    CHECK(p.is_readable_by_somebody());
    p.came.clear();
    CHECK(!p.is_readable_by_somebody());
  }
}

TEMPLATE_LIST_TEST_CASE("Unix rights: MSG_CMSG_CLOEXEC closes on exec what arrives", "[unix][rights]",
                        test::AllBackends) {
  Passing<TestType> p;
  REQUIRE(p.send("x", {p.reader.get()}).ok());
  const GotMessage got = p.receive(1, some_room, MSG_CMSG_CLOEXEC);
  REQUIRE(got.fds.size() == 1);
  CHECK(got.flags == MSG_CMSG_CLOEXEC);
  CHECK(p.on.backend.fcntl(got.fds[0], F_GETFD) == SysResult<int>{FD_CLOEXEC});
}

TEMPLATE_LIST_TEST_CASE("Unix rights: what does not fit is let go, and said to be cut", "[unix][rights][truncation]",
                        test::AllBackends) {
  struct Row {
    std::size_t room, fds, used;
  };
  constexpr Row rows[] = {{0, 0, 0},   {15, 0, 0},  {16, 0, 0},  {19, 0, 0},  {20, 1, 20}, {23, 1, 23},
                          {24, 2, 24}, {27, 2, 24}, {28, 3, 28}, {32, 3, 32}, {100, 3, 32}};
  for (const int type : types) {
    for (const Row& row : rows) {
      CAPTURE(type, row.room);
      Passing<TestType> p{type};
      REQUIRE(p.send("x", {p.witness.get(), p.witness.get(), p.reader.get()}).ok());
      REQUIRE(p.reader.close().ok());
      const GotMessage got = p.receive(1, row.room);
      CHECK(got.fds.size() == row.fds);
      CHECK(got.control_used == row.used);
      CHECK(got.flags == (row.fds == 3 ? 0 : MSG_CTRUNC));
      CHECK(p.is_readable_by_somebody() == (row.fds == 3));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Unix rights: at the limit of fds what still fits arrives", "[unix][rights][limits]",
                        test::AllBackends) {
  for (const int type : types) {
    CAPTURE(type);
    Passing<TestType> p{type};
    const int fd = p.witness.get();
    for (int room = 0; room < 3; ++room) {
      REQUIRE(p.send("x", {fd, fd, fd}).ok());
      const int next = p.calls.fresh().get();
      const GotMessage got = test::under_file_limit(p.on.backend, static_cast<::rlim_t>(next + room), [&] {
        return test::receive_message(p.on.backend, p.pair[1].get(), 1, some_room);
      });
      CHECK(got.result == std::size_t{1});
      CHECK(got.flags == MSG_CTRUNC);
      CHECK(got.fds.size() == static_cast<std::size_t>(room));
      CHECK(got.control_used == (room == 0 ? 0 : CMSG_SPACE(static_cast<std::size_t>(room) * sizeof(int))));
      for (const int came : got.fds) CHECK(p.on.backend.close(came).ok());
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Unix rights: at the limit of fds no number is told that is none", "[unix][rights][limits]",
                        test::AllBackends) {
  Passing<TestType> p;
  REQUIRE(p.send("x", {p.witness.get()}).ok());
  alignas(::cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control;
  control.fill('-');
  const auto before = control;
  char byte = 0;
  ::iovec vector{&byte, 1};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const int next = p.calls.fresh().get();
  const auto result = test::under_file_limit(p.on.backend, static_cast<::rlim_t>(next),
                                             [&] { return p.on.backend.recvmsg(p.pair[1].get(), &message, 0); });
  CHECK(result == std::size_t{1});
  CHECK(message.msg_flags == MSG_CTRUNC);
  CHECK(control == before);
}

TEMPLATE_LIST_TEST_CASE("Unix rights: a bad place for them is as no place", "[unix][rights][fault]",
                        test::AllBackends) {
  Passing<TestType> p;
  REQUIRE(p.send("x", {p.reader.get()}).ok());
  REQUIRE(p.reader.close().ok());
  char byte = 0;
  ::iovec vector{&byte, 1};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = test::unmapped();
  message.msg_controllen = 64;
  CHECK(p.on.backend.recvmsg(p.pair[1].get(), &message, 0) == std::size_t{1});
  CHECK(message.msg_flags == MSG_CTRUNC);
  CHECK(message.msg_controllen == 0);
  CHECK(!p.is_readable_by_somebody());
  // And much room is none, as the number of fds that fit is an int.
  char control[100];
  REQUIRE(p.send("x", {p.witness.get()}).ok());
  message.msg_control = control;
  message.msg_controllen = 0x4'0000'0010;
  CHECK(p.on.backend.recvmsg(p.pair[1].get(), &message, 0) == std::size_t{1});
  CHECK(message.msg_flags == MSG_CTRUNC);
  CHECK(message.msg_controllen == 0);
  // So is none, whatever room it is said to have.
  REQUIRE(p.send("x", {p.witness.get()}).ok());
  message.msg_control = nullptr;
  message.msg_controllen = 64;
  CHECK(p.on.backend.recvmsg(p.pair[1].get(), &message, 0) == std::size_t{1});
  CHECK(message.msg_flags == MSG_CTRUNC);
  CHECK(message.msg_controllen == 0);
}

TEMPLATE_LIST_TEST_CASE("Unix rights: a peek opens them, and leaves them there", "[unix][rights][peek]",
                        test::AllBackends) {
  for (const int type : types) {
    CAPTURE(type);
    Passing<TestType> p{type};
    REQUIRE(p.send("abc", {p.reader.get()}).ok());
    CHECK(p.receive(9, some_room, MSG_PEEK).fds.size() == 1);
    CHECK(p.receive(9, some_room, MSG_PEEK).fds.size() == 1);
    CHECK(p.receive(9, 0, MSG_PEEK) == GotMessage{std::size_t{3}, "abc", MSG_CTRUNC, 0, {}});
    CHECK(p.receive(9).fds.size() == 1);
    CHECK(p.came.size() == 3);
    REQUIRE(p.reader.close().ok());
    p.came.pop_back();
    CHECK(p.is_readable_by_somebody());
    p.came.clear();
    CHECK(!p.is_readable_by_somebody());
  }
}

TEMPLATE_LIST_TEST_CASE("Unix rights: in a stream they come with the first byte of what they were sent with",
                        "[unix][rights][stream]", test::AllBackends) {
  Passing<TestType> p;
  const int fd = p.witness.get();
  REQUIRE(p.calls.send(p.pair[0], "ab").ok());
  REQUIRE(p.send("cd", {fd}).ok());
  REQUIRE(p.calls.send(p.pair[0], "ef").ok());
  REQUIRE(p.send("gh", {fd, fd}).ok());
  SECTION("a read goes on into them, and no further") {
    GotMessage got = p.receive(100);
    CHECK(got.bytes == "abcd");
    CHECK(got.fds.size() == 1);
    got = p.receive(100, some_room, MSG_WAITALL);
    CHECK(got.bytes == "efgh");
    CHECK(got.fds.size() == 2);
  }
  SECTION("a part of it is enough") {
    CHECK(p.receive(2).fds.empty());
    CHECK(p.receive(1).fds.size() == 1);
    const GotMessage got = p.receive(100);
    CHECK(got.bytes == "defgh");
    CHECK(got.fds.size() == 2);
  }
  SECTION("no byte is enough, too") {
    CHECK(p.receive(2).fds.empty());
    CHECK(p.receive(0).fds.size() == 1);
    CHECK(p.receive(2).bytes == "cd");
  }
  SECTION("a peek sees the next ones, even where it has no room for bytes") {
    CHECK(p.receive(2, some_room, MSG_PEEK).fds.size() == 1);
    CHECK(p.receive(4).fds.size() == 1);
    CHECK(p.receive(1, some_room, MSG_PEEK).fds.size() == 2);
    CHECK(p.receive(1).fds.empty());
  }
}

TEMPLATE_LIST_TEST_CASE("Unix rights: they go with the first part of a long send", "[unix][rights][stream]",
                        test::AllBackends) {
  Passing<TestType> p;
  REQUIRE(p.send(std::string(50000, 'x'), {p.witness.get()}) == std::size_t{50000});
  GotMessage got = p.receive(50000);
  CHECK(got.result == std::size_t{36544});
  CHECK(got.fds.size() == 1);
  got = p.receive(50000);
  CHECK(got.result == std::size_t{50000 - 36544});
  CHECK(got.fds.empty());
}

TEMPLATE_LIST_TEST_CASE("Unix rights: what cannot be passed is refused, and nothing is sent", "[unix][rights][errors]",
                        test::AllBackends) {
  for (const int type : types) {
    CAPTURE(type);
    Passing<TestType> p{type};
    const int fd = p.reader.get();
    const auto send = [&](const std::string& control) {
      return test::send_message(p.on.backend, p.pair[0].get(), "x", control);
    };
    const auto with = [&](std::size_t n, int level, int kind) {
      std::string control = rights({fd});
      ::cmsghdr header{};
      header.cmsg_len = n;
      header.cmsg_level = level;
      header.cmsg_type = kind;
      std::memcpy(control.data(), &header, sizeof header);
      return send(control);
    };
    const std::vector<int> most(253, fd);
    std::vector<int> too_many(254, fd);
    CHECK(send(rights({fd, -1})) == unsent(EBADF));
    CHECK(send(rights({fd, 100000})) == unsent(EBADF));
    CHECK(send(rights(too_many)) == unsent(EINVAL));
    too_many[0] = -1;
    CHECK(send(rights(too_many)) == unsent(EINVAL));
    CHECK(send(rights(most) + rights({fd})) == unsent(EINVAL));
    CHECK(with(0, SOL_SOCKET, SCM_RIGHTS) == unsent(EINVAL));
    CHECK(with(15, SOL_SOCKET, SCM_RIGHTS) == unsent(EINVAL));
    CHECK(with(25, SOL_SOCKET, SCM_RIGHTS) == unsent(EINVAL));
    CHECK(with(25, 0, SCM_RIGHTS) == unsent(EINVAL));
    CHECK(with(20, SOL_SOCKET, 0) == unsent(EINVAL));
    CHECK(with(20, SOL_SOCKET, 3) == unsent(EINVAL));
    CHECK(with(20, SOL_SOCKET, SCM_CREDENTIALS) == unsent(EINVAL));
    std::string second_too_long = rights({fd}) + rights({fd});
    second_too_long[CMSG_SPACE(sizeof fd)] = static_cast<char>(CMSG_SPACE(sizeof fd) + 1);
    CHECK(send(second_too_long) == unsent(EINVAL));
    CHECK(p.receive(1).result == unsent(EAGAIN));
    CHECK(with(20, 0, SCM_RIGHTS) == std::size_t{1});  // Another level's business.
    CHECK(p.receive(1).fds.empty());
    CHECK(with(19, SOL_SOCKET, SCM_RIGHTS) == std::size_t{1});
    CHECK(with(16, SOL_SOCKET, SCM_RIGHTS) == std::size_t{1});
    for (int i = 0; i < 2; ++i) CHECK(p.receive(1).control_used == 0);
    CHECK(send(rights(most)) == std::size_t{1});
    CHECK(p.receive(1, 2000).fds.size() == 253);
    p.came.clear();
    CHECK(send(rights({fd}) + rights({fd, fd})) == std::size_t{1});
    CHECK(p.receive(1).fds.size() == 3);
  }
}

TEMPLATE_LIST_TEST_CASE("Unix rights: a message that was not sent lets them go", "[unix][rights][errors]",
                        test::AllBackends) {
  Passing<TestType> p{SOCK_DGRAM};
  const test::UnixNames<TestType> names;
  CHECK(test::send_message(p.on.backend, p.pair[0].get(), "x", rights({p.reader.get()}), 0,
                           names.abstract_address("nobody")) == unsent(ECONNREFUSED));
  REQUIRE(p.reader.close().ok());
  CHECK(!p.is_readable_by_somebody());
}

TEMPLATE_LIST_TEST_CASE("Unix rights: no more may be on the way than may be open", "[unix][rights][limits]",
                        test::AllBackends) {
  Passing<TestType> p{SOCK_DGRAM};
  const int fd = p.reader.get();
  const int next = p.calls.fresh().get();
  int sent = 0;
  SysResult<std::size_t> last = 0;
  {
    const WithoutCapabilities without;
    test::under_file_limit(p.on.backend, static_cast<::rlim_t>(next), [&] {
      while ((last = p.send("x", {fd})).ok()) ++sent;
      return 0;
    });
  }
  CHECK(sent == next + 1);
  CHECK(last == unsent(ETOOMANYREFS));
  CHECK(p.receive(1).fds.size() == 1);
}
