// Who hears what, who is sent away, and the file that is passed: on Linux and on the emulated kernel.
#include "chat_server.hpp"

#include "../tests/support/backends.hpp"

#include <filesystem>
#include <stdlib.h>
#include <sys/resource.h>

using namespace rouse;
using namespace std::string_view_literals;
using example::ChatLimits;
using example::ChatServer;

namespace {

/// A directory that goes with what is in it.
class Directory {
 public:
  Directory() {
    path_ = std::filesystem::temp_directory_path() / "rouse-chat-XXXXXX";
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }

  [[nodiscard]] UnixPath file() const { return UnixPath{path_ + "/chat"}; }

 private:
  std::string path_;
};

template <class On>
struct Fixture {
  using Backend = typename On::Backend;
  using Stream = BasicUnixStream<Backend>;
  using OwnedFd = BasicOwnedFd<Backend>;

  explicit Fixture(const ChatLimits& limits = {}) : server(on.backend, directory.file(), limits) {}

  Stream connect() { return Stream::connect(on.backend, directory.file()); }
  Stream join(std::string_view name) {
    Stream stream = connect();
    say(stream, name);
    CHECK(heard(stream) == "* " + std::string(name) + " joined\n");
    return stream;
  }
  void say(Stream& stream, std::string_view line) {
    stream.send(std::string(line) + '\n');
    settle();
  }
  /// Lets the server do all that it can do now.
  void settle() {
    for (int i = 0; i < 100; ++i) server.step(Timeout::now);
  }
  /// All that has come so far, and `<end>` if nothing more will; fds are put away.
  std::string heard(Stream& stream) {
    std::string all;
    char buffer[4096];
    std::error_code ec;
    for (;;) {
      const auto got = stream.try_receive_with(buffer, fds, passed_fds_max, {}, ec);
      if (ec) return all + "<" + ec.message() + ">";
      if (!got) return all;
      if (got->size == 0) return all + "<end>";
      all.append(buffer, got->size);
    }
  }
  std::string contents(OwnedFd fd) {
    BasicPipeReader<Backend> reader{std::move(fd)};
    std::string all;
    char buffer[4096];
    while (const std::size_t n = reader.read(buffer)) all.append(buffer, n);
    return all;
  }

  On on;
  Directory directory;
  ChatServer<Backend> server;
  std::vector<OwnedFd> fds;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("ChatServer: what one says, the others hear", "[example][chat]", test::AllBackends) {
  Fixture<TestType> f;
  auto ann = f.join("ann");
  auto bob = f.join("bob");
  auto silent = f.connect();
  f.say(ann, "hello\nbob");
  CHECK(f.heard(ann) == "* bob joined\n");
  CHECK(f.heard(bob) == "ann: hello\nann: bob\n");
  // In pieces, and with what might upset a terminal.
  bob.send("\x1b[2J an"sv);
  f.settle();
  CHECK(f.heard(ann).empty());
  f.say(bob, "swer");
  CHECK(f.heard(ann) == "bob: ?[2J answer\n");
  CHECK(f.heard(bob).empty());
  CHECK(f.heard(silent).empty());
  CHECK(f.server.clients() == 3);
  bob.close();
  f.settle();
  CHECK(f.heard(ann) == "* bob left\n");
  CHECK(f.server.clients() == 2);
}

TEMPLATE_LIST_TEST_CASE("ChatServer: who is sent away, and why", "[example][chat]", test::AllBackends) {
  Fixture<TestType> f{{.name = 5, .line = 10}};
  auto ann = f.join("ann");
  for (const std::string_view name : {""sv, "a b"sv, "sixsix"sv, "/log"sv, "a\tb"sv}) {
    auto other = f.connect();
    f.say(other, name);
    CHECK(f.heard(other) == "! that is no name\n<end>");
  }
  auto second = f.connect();
  f.say(second, "ann\nmore that nobody hears");
  CHECK(f.heard(second).starts_with("! that name is taken\n<"));
  auto bob = f.join("bob");
  f.say(bob, "0123456789");
  bob.send("0123456789a"sv);
  f.settle();
  CHECK(f.heard(bob) == "! that line is too long\n<end>");
  f.say(ann, "/quit");
  CHECK(f.heard(ann) == "* bob joined\nbob: 0123456789\n* bob left\n! there is only /log\n");
}

TEMPLATE_LIST_TEST_CASE("ChatServer: passes what was said as a file", "[example][chat]", test::AllBackends) {
  Fixture<TestType> f{{.log = 60}};
  auto ann = f.join("ann");
  auto bob = f.join("bob");
  f.say(ann, "one");
  f.say(bob, "/log");
  CHECK(f.heard(bob) == "ann: one\n* log\n");
  REQUIRE(f.fds.size() == 1);
  CHECK(f.contents(std::move(f.fds[0])) == "* ann joined\n* bob joined\nann: one\n");
  // The file is his who asked; and no more than the last lines.
  f.say(ann, std::string(40, 'x'));
  f.say(ann, "/log");
  CHECK(f.heard(ann) == "* bob joined\n* log\n");
  REQUIRE(f.fds.size() == 2);
  CHECK(f.contents(std::move(f.fds[1])) == "ann: one\nann: " + std::string(40, 'x') + "\n");
}

TEMPLATE_LIST_TEST_CASE("ChatServer: a file waits for its turn", "[example][chat]", test::AllBackends) {
  Fixture<TestType> f{{.unsent = 1'000'000}};
  auto ann = f.join("ann");
  auto bob = f.join("bob");
  const std::string line(1000, 'x');
  for (int i = 0; i < 500; ++i) f.say(ann, line);
  f.say(bob, "/log\n/log");
  f.say(ann, "last");
  std::string heard;
  for (std::string more; !(more = f.heard(bob)).empty(); f.settle()) {
    heard += more;
    // Only with the line that says so.
    CHECK(f.fds.size() == (heard.find("* log\n") == heard.npos ? 0 : 1));
  }
  std::string expected;
  for (int i = 0; i < 500; ++i) expected += "ann: " + line + '\n';
  CHECK(heard == expected + "* log\n! it is on its way\nann: last\n");
  REQUIRE(f.fds.size() == 1);
  CHECK(f.contents(std::move(f.fds[0])).ends_with("ann: " + line + '\n'));
}

TEMPLATE_LIST_TEST_CASE("ChatServer: who does not read is cut off, and nobody waits", "[example][chat]",
                        test::AllBackends) {
  Fixture<TestType> f{{.unsent = 10'000}};
  auto ann = f.join("ann");
  auto bob = f.join("bob");
  auto slow = f.join("slow");
  const std::string line(1000, 'x');
  std::string expected = "* slow joined\n";
  std::string heard;
  int lines = 0;
  for (; f.server.clients() == 3 && lines < 1000; ++lines) {
    f.say(ann, line);
    expected += "ann: " + line + '\n';
    heard += f.heard(bob);
  }
  CHECK(lines < 1000);
  CHECK(heard + f.heard(bob) == expected + "* slow left\n");
  CHECK(f.heard(ann) == "* bob joined\n* slow joined\n* slow left\n");
  // It still has what its socket holds, in whole lines or not.
  CHECK(f.heard(slow).starts_with("ann: " + line + '\n'));
}

TEMPLATE_LIST_TEST_CASE("ChatServer: out of fds, clients are turned away, and others served", "[example][chat]",
                        test::AllBackends) {
  Fixture<TestType> f;
  auto ann = f.join("ann");
  auto turned_away = f.connect();
  auto as_well = f.connect();
  ::rlimit before{};
  REQUIRE(f.on.backend.getrlimit(RLIMIT_NOFILE, &before).ok());
  const int lowest_free = f.on.backend.eventfd(0, 0).value();
  REQUIRE(f.on.backend.close(lowest_free).ok());
  const ::rlimit none{static_cast<::rlim_t>(lowest_free), before.rlim_max};
  REQUIRE(f.on.backend.setrlimit(RLIMIT_NOFILE, &none).ok());
  f.settle();
  f.say(ann, "/log");
  REQUIRE(f.on.backend.setrlimit(RLIMIT_NOFILE, &before).ok());
  CHECK(f.heard(turned_away) == "<end>");
  CHECK(f.heard(as_well) == "<end>");
  CHECK(f.server.clients() == 1);
  CHECK(f.heard(ann) == "! not now: Too many open files\n");
  auto bob = f.join("bob");
  CHECK(f.heard(ann) == "* bob joined\n");
}

TEMPLATE_LIST_TEST_CASE("ChatServer: tells all that it stops, and takes its path with it", "[example][chat][signal]",
                        test::AllBackends) {
  TestType on;
  const Directory directory;
  std::optional<ChatServer<typename TestType::Backend>> server;
  using Stream = BasicUnixStream<typename TestType::Backend>;
  server.emplace(on.backend, directory.file());
  auto stream = Stream::connect(on.backend, directory.file());
  stream.send("ann\n"sv);
  server->step();
  server->step();
  REQUIRE(on.backend.kill(on.backend.getpid().value(), SIGTERM).ok());
  server->run();
  server.reset();
  char buffer[100];
  CHECK(std::string(buffer, stream.receive(buffer)) == "* ann joined\n* the server stops\n");
  std::error_code ec;
  static_cast<void>(Stream::connect(on.backend, directory.file(), default_socket_flags, ec));
  CHECK(ec == std::errc::no_such_file_or_directory);
}
