// The handle UnixListener, and what becomes of its path.
#include "../support/file_limit.hpp"
#include "../support/tcp_pair.hpp"
#include "../support/thrown.hpp"
#include "../support/unix_names.hpp"

#include <fstream>

using namespace rouse;
using namespace std::string_view_literals;
using test::bytes_from;
using test::Handles;
using test::stale;
using test::system_error;
using test::thrown_by;

namespace {

template <class On>
struct Names : Handles<On> {
  using Listener = typename Handles<On>::UnixListener;
  using Stream = typename Handles<On>::UnixStream;
  using Guard = typename Handles<On>::UnixPathGuard;

  On on;
  test::UnixNames<On> names;
  UnixPath path{names.path("server")};
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("UnixListener: it hands out connections", "[unix_listener]", test::AllBackends) {
  Names<TestType> s;
  using Stream = typename Names<TestType>::Stream;
  for (const UnixAddress& address : {UnixAddress{s.path}, UnixAddress{UnixAbstract{s.names.path("abstract")}}}) {
    CAPTURE(address);
    auto listener = Names<TestType>::Listener::bind(s.on.backend, address);
    CHECK(listener.local_address() == address);
    CHECK(listener.get(option::accepting));
    CHECK_FALSE(listener.try_accept());
    Stream client = Stream::connect(s.on.backend, address);
    auto [stream, peer] = listener.accept();
    CHECK(peer.is_unnamed());
    client.send("abc"sv);
    CHECK(bytes_from(stream) == "abc");
    CHECK(stream.local_address() == address);
    const Stream second = Stream::connect(s.on.backend, address);
    std::error_code ec = stale();
    CHECK(listener.try_accept(SocketFlags{}, ec));
    CHECK_FALSE(ec);
    CHECK_FALSE(listener.try_accept(ec));
    CHECK_FALSE(ec);
  }
}

TEMPLATE_LIST_TEST_CASE("UnixListener: what cannot be made names the call", "[unix_listener][errors]",
                        test::AllBackends) {
  Names<TestType> s;
  using Listener = typename Names<TestType>::Listener;
  const Listener first = Listener::bind(s.on.backend, s.path);
  std::error_code ec;
  CHECK_FALSE(Listener::bind(s.on.backend, s.path, {}, ec).is_open());
  CHECK(ec == system_error(EADDRINUSE));
  CHECK(thrown_by([&] { static_cast<void>(Listener::bind(s.on.backend, s.path)); }).find("bind(fd ") == 0);
  const auto when_full = [&](auto call) { return test::under_file_limit(s.on.backend, 0, call); };
  const auto bind = [&] { static_cast<void>(Listener::bind(s.on.backend, s.path)); };
  CHECK(when_full([&] { return thrown_by(bind); }) == "socket(): Too many open files");
  const auto replace = [&] { static_cast<void>(Listener::bind_replacing(s.on.backend, s.path)); };
  CHECK(when_full([&] { return thrown_by(replace); }) == "socket(): Too many open files");
  CHECK_FALSE(when_full([&] { return Listener::bind_replacing(s.on.backend, s.path, {}, ec); }).is_open());
  CHECK(ec == system_error(EMFILE));
}

TEMPLATE_LIST_TEST_CASE("UnixListener: its path stays, unless somebody removes it", "[unix_listener][path]",
                        test::AllBackends) {
  Names<TestType> s;
  using Listener = typename Names<TestType>::Listener;
  using Guard = typename Names<TestType>::Guard;
  std::error_code ec;
  const auto is_taken = [&] {
    const SysResult<int> opened = s.on.backend.open(s.path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return opened.error() == ENXIO;
  };
  Listener::bind(s.on.backend, s.path).close();
  CHECK(is_taken());
  {
    Guard guard{s.on.backend, s.path};
    Guard moved = std::move(guard);
    CHECK_FALSE(guard.path());
    CHECK(moved.path() == s.path);
    guard.remove();
    CHECK(is_taken());
  }
  Listener::bind(s.on.backend, s.path).close();  // It was free again.
  {
    Guard guard{s.on.backend, s.path};
    guard.release();
  }
  CHECK(is_taken());
  Guard guard{s.on.backend, s.path};
  guard.remove();
  CHECK_FALSE(guard.path());
  Guard late{s.on.backend, s.path};
  CHECK(thrown_by([&] { late.remove(); }) == "unlink(): No such file or directory");
  Guard later{s.on.backend, s.path};
  later.remove(ec);
  CHECK(ec == system_error(ENOENT));
  Guard other{s.on.backend, UnixPath{s.names.path("other")}};
  other = std::move(later);
  CHECK_FALSE(other.path());
}

TEMPLATE_LIST_TEST_CASE("UnixListener: it replaces a socket that nobody listens on, if asked to",
                        "[unix_listener][path]", test::AllBackends) {
  Names<TestType> s;
  using Listener = typename Names<TestType>::Listener;
  std::error_code ec = stale();
  Listener listener = Listener::bind_replacing(s.on.backend, s.path);
  SECTION("nobody listens") {
    listener.close();
    Listener next = Listener::bind_replacing(s.on.backend, s.path, {}, ec);
    CHECK_FALSE(ec);
    const auto client = Names<TestType>::Stream::connect(s.on.backend, s.path);
    CHECK(next.try_accept());
  }
  SECTION("somebody listens, and is not disturbed") {
    CHECK_FALSE(Listener::bind_replacing(s.on.backend, s.path, {}, ec).is_open());
    CHECK(ec == system_error(EADDRINUSE));
    CHECK(thrown_by([&] { static_cast<void>(Listener::bind_replacing(s.on.backend, s.path)); }).find("bind(fd ") == 0);
    const auto client = Names<TestType>::Stream::connect(s.on.backend, s.path);
    CHECK(listener.try_accept());
  }
  SECTION("somebody listens whose backlog is full") {
    listener = Listener::bind(s.on.backend, UnixPath{s.names.path("full")}, {.backlog = 0});
    const auto client = Names<TestType>::Stream::connect(s.on.backend, listener.local_address());
    CHECK_FALSE(Listener::bind_replacing(s.on.backend, UnixPath{s.names.path("full")}, {}, ec).is_open());
    CHECK(ec == system_error(EADDRINUSE));
  }
  SECTION("somebody has a socket of datagrams there") {
    const UnixPath path{s.names.path("datagrams")};
    using Datagram = typename Handles<TestType>::UnixDatagram;
    const Datagram datagrams = Datagram::bound_to(s.on.backend, path);
    CHECK_FALSE(Listener::bind_replacing(s.on.backend, path, {}, ec).is_open());
    CHECK(ec == system_error(EADDRINUSE));
    CHECK(Datagram(s.on.backend).send_to(path, "x"sv) == 1);
  }
}

TEST_CASE("UnixListener: what is no socket is not replaced", "[unix_listener][path][real]") {
  Names<test::OnLinux> s;
  std::error_code ec;
  SECTION("a file") { std::ofstream(std::string(s.path.view())) << "precious"; }
  SECTION("a directory") { std::filesystem::create_directory(s.path.view()); }
  SECTION("a link to a socket that nobody listens on") {
    const UnixPath behind{s.names.path("behind")};
    UnixListener::bind(behind).close();
    std::filesystem::create_symlink(behind.view(), s.path.view());
  }
  CHECK_FALSE(UnixListener::bind_replacing({}, s.path, {}, ec).is_open());
  CHECK(ec == system_error(EADDRINUSE));
  CHECK(std::filesystem::exists(std::filesystem::symlink_status(s.path.view())));
}

TEST_CASE("UnixListener: Linux needs no backend to be named for its path", "[unix_listener][path][real]") {
  Names<test::OnLinux> s;
  UnixListener listener = UnixListener::bind_replacing(s.path);
  const UnixPathGuard guard{s.path};
  CHECK(UnixStream::connect(s.path).is_open());
}
