#include "../support/unix_names.hpp"

#include "../support/bad_pointers.hpp"
#include "../support/file_limit.hpp"
#include "../support/guarded.hpp"
#include "../support/told_address.hpp"
#include "../support/unix_sockets.hpp"

#include <cstring>
#include <filesystem>

using namespace rouse;
using test::failed;
using test::local_name;
using test::name;
using test::no_name;
using test::path_address;
using test::peer_name;
using test::raw_address;
using test::text;
using test::ToldName;
using test::unnamed_address;

TEMPLATE_LIST_TEST_CASE("Unix names: a path belongs to the kernel's own file system", "[unix][names][paths]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string path = names.path("socket");
  const auto socket = calls.fresh();
  CHECK(calls.bind(socket, path_address(path)).ok());
  CHECK(local_name(socket) == name(path_address(path)));
  // The emulated one makes nothing on disk, and removes nothing there.
  CHECK(std::filesystem::exists(path) != TestType::is_emulated);
  CHECK(on.backend.unlink(path.c_str()).ok());
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(on.backend.unlink(path.c_str()) == failed(ENOENT));
  CHECK(on.backend.unlink(test::unmapped()) == failed(EFAULT));
  CHECK(local_name(socket) == name(path_address(path)));
}

TEMPLATE_LIST_TEST_CASE("open: a socket's path has nothing behind it", "[unix][names][paths][errors]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string path = names.path("socket");
  auto socket = calls.fresh();
  CHECK(calls.bind(socket, path_address(path)).ok());
  for (int i = 0; i < 2; ++i) {
    for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC}) {
      CAPTURE(flags);
      CHECK(on.backend.open(path.c_str(), flags).error() == ENXIO);
    }
    static_cast<void>(socket.close());  // The path stays.
  }
  const auto open = [&] { return on.backend.open(path.c_str(), O_RDONLY); };
  CHECK(test::under_file_limit(on.backend, 0, open).error() == EMFILE);
}

TEMPLATE_LIST_TEST_CASE("Unix names: a path is taken until it is unlinked", "[unix][names][paths]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string address = names.path_address("socket");
  auto first = calls.listener(address, 5);
  const auto second = calls.fresh();
  const auto client = calls.fresh();
  CHECK(calls.bind(second, address) == failed(EADDRINUSE));
  REQUIRE(first.close().ok());
  CHECK(calls.bind(second, address) == failed(EADDRINUSE));
  CHECK(calls.connect(client, address) == failed(ECONNREFUSED));
  REQUIRE(on.backend.unlink(names.path("socket").c_str()).ok());
  CHECK(calls.connect(client, address) == failed(ENOENT));
  CHECK(calls.bind(second, address).ok());
  CHECK(calls.connect(client, address) == failed(ECONNREFUSED));
}

TEMPLATE_LIST_TEST_CASE("Unix names: a path may be said in other words", "[unix][names][paths]", test::AllBackends) {
  TestType on;
  const test::UnixSockets calls{on};
  const test::UnixNames<TestType> names;
  const auto listener = calls.listener(names.path_address("socket"), 1);
  for (const char* other : {"./socket", "/socket", ".//./socket"}) {
    CAPTURE(other);
    CHECK(calls.bind(calls.fresh(), names.path_address(other)) == failed(EADDRINUSE));
  }
  const auto client = calls.fresh();
  CHECK(calls.connect(client, names.path_address(".//socket")).ok());
  CHECK(on.backend.unlink(names.path("./socket").c_str()).ok());
  CHECK(on.backend.unlink(names.path("socket").c_str()) == failed(ENOENT));
}

TEMPLATE_LIST_TEST_CASE("unlink: what is wrong with a path", "[unix][names][paths][errors]", test::AllBackends) {
  TestType on;
  const auto unlink = [&](const std::string& path) { return on.backend.unlink(path.c_str()); };
  const test::UnixSockets calls{on};
  const test::UnixNames<TestType> names;
  const auto socket = calls.fresh();
  REQUIRE(calls.bind(socket, names.path_address("socket")).ok());
  CHECK(unlink("") == failed(ENOENT));
  CHECK(unlink("/") == failed(EISDIR));
  CHECK(unlink(".") == failed(EISDIR));
  CHECK(unlink(names.path("..")) == failed(EISDIR));
  CHECK(unlink(names.path("socket/")) == failed(ENOTDIR));
  CHECK(unlink(names.path("nobody/")) == failed(ENOENT));
  CHECK(unlink(names.path(std::string(255, 'x'))) == failed(ENOENT));
  CHECK(unlink(names.path(std::string(256, 'x'))) == failed(ENAMETOOLONG));
  CHECK(unlink(names.path(std::string(255, 'x') + "/" + std::string(255, 'x'))) == failed(ENOENT));
  CHECK(unlink(names.path(std::string(256, 'x') + "/b")) == failed(ENAMETOOLONG));
  CHECK(unlink(std::string(4095, '/')) == failed(EISDIR));
  CHECK(unlink(std::string(4096, '/')) == failed(ENAMETOOLONG));
  // It is looked at as far as it goes.
  const test::Guarded memory;
  std::memcpy(memory.last(5), "////", 5);
  CHECK(on.backend.unlink(memory.last(5)) == failed(EISDIR));
  std::memcpy(memory.last(5), "/nobo", 5);
  if constexpr (!test::buffers_are_watched) {
    CHECK(on.backend.unlink(memory.last(5)) == failed(EFAULT));
    CHECK(on.backend.open(memory.last(5), O_RDONLY) == SysResult<int>::failure(EFAULT));
  }
  CHECK(unlink(names.path("socket")).ok());
}

TEMPLATE_LIST_TEST_CASE("Unix names: an unlinked path may be another's, and its first owner goes on",
                        "[unix][names][paths]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string address = names.path_address("socket");
  auto first = calls.listener(address, 5);
  const auto early = calls.connected(address);
  REQUIRE(on.backend.unlink(names.path("socket").c_str()).ok());
  const auto second = calls.listener(address, 5);
  const auto late = calls.connected(address);
  CHECK(calls.bits(second) == EventFlags::in);
  const auto accepted = calls.accepted(first);
  CHECK(on.backend.accept4(first.get(), nullptr, nullptr, 0) == SysResult<int>::failure(EAGAIN));
  CHECK(calls.send(early, "x").ok());
  CHECK(calls.receive(accepted) == text("x"));
  // Closing the first owner leaves the second one's path alone.
  REQUIRE(first.close().ok());
  const auto later = calls.connected(address);
  CHECK(local_name(accepted) == name(address));
}

TEMPLATE_LIST_TEST_CASE("Unix names: a path ends at its NUL, or with the address", "[unix][names][paths]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string path = names.path("p");
  const std::string with_rest = raw_address(AF_UNIX, path + '\0' + "rest");
  const std::string without_end = raw_address(AF_UNIX, path);
  const auto socket = calls.fresh();
  SECTION("bound with something after it") { REQUIRE(calls.bind(socket, with_rest).ok()); }
  SECTION("bound without an end") { REQUIRE(calls.bind(socket, without_end).ok()); }
  SECTION("bound with both") { REQUIRE(calls.bind(socket, path_address(path)).ok()); }
  CHECK(local_name(socket) == name(path_address(path)));
  REQUIRE(on.backend.listen(socket.get(), 5).ok());
  for (const std::string& address : {with_rest, without_end, path_address(path)}) {
    CHECK(peer_name(calls.connected(address)) == name(path_address(path)));
  }
  CHECK(calls.bind(calls.fresh(), without_end) == failed(EADDRINUSE));
}

TEMPLATE_LIST_TEST_CASE("Unix names: the longest path has no room for its end", "[unix][names][paths]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  std::string path = names.path("");
  path.resize(108, 'x');
  const auto listener = calls.listener(raw_address(AF_UNIX, path), 1);
  CHECK(local_name(listener) == name(path_address(path)));
  CHECK(local_name(listener).length == 111);
  const auto client = calls.connected(raw_address(AF_UNIX, path));
  CHECK(peer_name(client).length == 111);
}

TEMPLATE_LIST_TEST_CASE("Unix names: an abstract name is every byte of it", "[unix][names][abstract]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("name");
  const std::string with_nul = address + '\0';
  std::string full = names.abstract_address("");
  full.resize(110, '\0');
  const auto plain = calls.listener(address, 1);
  const auto longer = calls.listener(with_nul, 1);
  const auto longest = calls.listener(full, 1);
  CHECK(local_name(plain) == name(address));
  CHECK(local_name(longer) == name(with_nul));
  CHECK(local_name(longest) == name(full));
  CHECK(peer_name(calls.connected(with_nul)) == name(with_nul));
  CHECK(calls.bits(plain) == EventFlags{});
  CHECK(calls.bits(longer) == EventFlags::in);
  CHECK(calls.connect(calls.fresh(), names.abstract_address("nam")) == failed(ECONNREFUSED));
}

TEMPLATE_LIST_TEST_CASE("Unix names: an abstract name is free once its socket is closed", "[unix][names][abstract]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string address = names.abstract_address("");
  auto first = calls.listener(address, 5);
  const auto second = calls.fresh();
  CHECK(calls.bind(second, address) == failed(EADDRINUSE));
  SECTION("the last descriptor of it") {
    typename test::UnixSockets<TestType>::Fd copy{on.backend, on.backend.dup(first.get()).value()};
    REQUIRE(first.close().ok());
    CHECK(calls.bind(second, address) == failed(EADDRINUSE));
    REQUIRE(copy.close().ok());
    CHECK(calls.bind(second, address).ok());
  }
  SECTION("though a connection it accepted still has the name") {
    const auto client = calls.connected(address);
    const auto accepted = calls.accepted(first);
    REQUIRE(first.close().ok());
    CHECK(calls.bind(second, address).ok());
    CHECK(local_name(accepted) == name(address));
  }
  SECTION("also of a client that waits to be accepted") {
    auto client = calls.fresh();
    REQUIRE(calls.bind(client, names.abstract_address("client")).ok());
    REQUIRE(calls.connect(client, address).ok());
    REQUIRE(client.close().ok());
    CHECK(calls.bind(second, names.abstract_address("client")).ok());
    CHECK(peer_name(calls.accepted(first)) == name(names.abstract_address("client")));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix names: a socket is bound once", "[unix][names][errors]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const auto other = calls.fresh();
  REQUIRE(calls.bind(other, names.path_address("taken")).ok());
  const auto other_abstract = calls.fresh();
  REQUIRE(calls.bind(other_abstract, names.abstract_address("taken")).ok());

  const auto socket = calls.fresh();
  std::string bound;
  SECTION("to a path") { bound = names.path_address("mine"); }
  SECTION("to an abstract name") { bound = names.abstract_address("mine"); }
  REQUIRE(calls.bind(socket, bound).ok());
  CHECK(calls.bind(socket, names.path_address("new")) == failed(EINVAL));
  CHECK(calls.bind(socket, names.path_address("taken")) == failed(EADDRINUSE));  // The file system is asked first.
  CHECK(calls.bind(socket, names.abstract_address("new")) == failed(EINVAL));
  CHECK(calls.bind(socket, names.abstract_address("taken")) == failed(EINVAL));
  CHECK(calls.bind(socket, unnamed_address()).ok());  // It has a name already.
  CHECK(local_name(socket) == name(bound));
  CHECK(on.backend.unlink(names.path("new").c_str()) == failed(ENOENT));
}

TEMPLATE_LIST_TEST_CASE("Unix names: bound to nothing, a socket gets an abstract name of its own",
                        "[unix][names][abstract]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  const auto first = calls.fresh();
  const auto second = calls.fresh();
  REQUIRE(calls.bind(first, unnamed_address()).ok());
  REQUIRE(calls.bind(second, unnamed_address()).ok());
  const ToldName given = local_name(first);
  CHECK(given.length == 8);
  REQUIRE(given.written.size() == 8);
  CHECK(given.written.substr(0, 3) == raw_address(AF_UNIX, std::string_view{"\0", 1}));
  CHECK(given.written.find_first_not_of("0123456789abcdef", 3) == std::string::npos);
  CHECK(local_name(second) != given);
  CHECK(calls.bind(first, unnamed_address()).ok());
  CHECK(local_name(first) == given);
  REQUIRE(on.backend.listen(first.get(), 1).ok());
  CHECK(calls.connect(second, given.written).ok());
}

TEMPLATE_LIST_TEST_CASE("Unix names: who is called what", "[unix][names]", test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  const std::string server = names.path_address("server");
  const std::string client_name = names.abstract_address("client");
  auto listener = calls.listener(server, 5);
  CHECK(peer_name(listener) == no_name(ENOTCONN));
  auto client = calls.fresh();
  CHECK(local_name(client) == name(unnamed_address()));
  CHECK(peer_name(client) == no_name(ENOTCONN));
  REQUIRE(calls.connect(client, server).ok());
  CHECK(local_name(client) == name(unnamed_address()));
  CHECK(peer_name(client) == name(server));
  auto accepted = calls.accepted(listener);
  CHECK(local_name(accepted) == name(server));
  CHECK(peer_name(accepted) == name(unnamed_address()));

  // A late name shows at the other end at once.
  REQUIRE(calls.bind(client, client_name).ok());
  CHECK(peer_name(accepted) == name(client_name));
  CHECK(calls.bind(accepted, names.path_address("other")) == failed(EINVAL));
  CHECK(calls.bind(accepted, unnamed_address()).ok());
  CHECK(local_name(accepted) == name(server));

  REQUIRE(listener.close().ok());
  REQUIRE(on.backend.unlink(names.path("server").c_str()).ok());
  SECTION("the accepted end is closed") {
    REQUIRE(accepted.close().ok());
    CHECK(peer_name(client) == name(server));
  }
  SECTION("the client is closed") {
    REQUIRE(client.close().ok());
    CHECK(peer_name(accepted) == name(client_name));
  }
}

TEMPLATE_LIST_TEST_CASE("Unix names: the ends of a pair have none, and may take one", "[unix][names][pair]",
                        test::AllBackends) {
  TestType on;
  test::UnixSockets calls{on};
  test::UnixNames<TestType> names;
  auto pair = calls.pair();
  CHECK(local_name(pair[0]) == name(unnamed_address()));
  CHECK(peer_name(pair[0]) == name(unnamed_address()));
  REQUIRE(calls.bind(pair[1], names.path_address("end")).ok());
  CHECK(peer_name(pair[0]) == name(names.path_address("end")));
  CHECK(calls.connect(calls.fresh(), names.path_address("end")) == failed(ECONNREFUSED));
  REQUIRE(pair[1].close().ok());
  CHECK(peer_name(pair[0]) == name(names.path_address("end")));
}
