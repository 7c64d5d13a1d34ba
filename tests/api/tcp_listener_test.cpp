// The handle TcpListener, over the loopback device; and what any listener makes of what accept4 says.
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/tcp_pair.hpp"
#include "../support/thrown.hpp"
#include "../support/unix_names.hpp"

#include <vector>

using namespace rouse;
using namespace std::string_view_literals;
using test::bytes_from;
using test::Events;
using test::Handles;
using test::reported;
using test::stale;
using test::system_error;
using test::TcpPair;
using test::thrown_by;

namespace {

/// Linux, with a script of what accept4 says before it is asked.
struct Scripted : LinuxBackend {
  std::vector<int>* errors = nullptr;

  SysResult<int> accept4(int fd, ::sockaddr* address, ::socklen_t* n, int flags) const {
    if (errors->empty()) return LinuxBackend::accept4(fd, address, n, flags);
    const int error = errors->front();
    errors->erase(errors->begin());
    return SysResult<int>::failure(error);
  }
};

}  // namespace

TEST_CASE("Sockets: on the default kernel, an error_code is enough", "[socket][errors]") {
  const test::UnixNames<test::OnLinux> names;
  std::error_code ec = stale();
  const TcpListener listener = TcpListener::bind(Ipv4::loopback(0), ec);
  CHECK_FALSE(ec);
  ec = stale();
  const TcpStream stream = TcpStream::connect(listener.local_address(), ec);
  CHECK_FALSE(ec);
  ec = stale();
  TcpStream starting = TcpStream::start_connect(listener.local_address(), ec);
  CHECK_FALSE(ec);
  starting.finish_connect();
  CHECK_FALSE(TcpListener::bind(listener.local_address(), ec).is_open());
  CHECK(ec == system_error(EADDRINUSE));
  const UdpSocket udp = UdpSocket::bound_to(Ipv4::loopback(0), ec);
  CHECK_FALSE(ec);
  const UnixPath path{names.path("listener")};
  const UnixListener unix_listener = UnixListener::bind(path, ec);
  CHECK_FALSE(ec);
  const UnixStream unix_stream = UnixStream::connect(path, ec);
  CHECK_FALSE(ec);
  const UnixDatagram datagrams = UnixDatagram::bound_to(UnixPath{names.path("datagrams")}, ec);
  CHECK_FALSE(ec);
  CHECK_FALSE(UnixStream::connect(UnixPath{names.path("nobody")}, ec).is_open());
  CHECK(ec == system_error(ENOENT));
}

TEMPLATE_LIST_TEST_CASE("TcpListener: it hands out connections and says whose they are", "[tcp][listener]",
                        test::AllBackends) {
  TestType on;
  using Listener = typename Handles<TestType>::TcpListener;
  using Stream = typename Handles<TestType>::TcpStream;
  Listener listener = Listener::bind(on.backend, Ipv4::loopback(0));
  std::error_code ec = stale();
  CHECK_FALSE(listener.try_accept());
  CHECK_FALSE(listener.try_accept(ec));
  CHECK_FALSE(ec);
  Stream first = Stream::connect(on.backend, listener.local_address());
  auto [stream, peer] = listener.accept();
  CHECK(peer == first.local_address());
  first.send("abc"sv);
  CHECK(bytes_from(stream) == "abc");
  CHECK(on.backend.fcntl(stream.fd(), F_GETFL) == SysResult<int>{O_RDWR | O_NONBLOCK});
  CHECK(on.backend.fcntl(stream.fd(), F_GETFD) == SysResult<int>{FD_CLOEXEC});
  const Stream second = Stream::connect(on.backend, listener.local_address());
  const auto accepted = listener.try_accept(SocketFlags{});
  REQUIRE(accepted);
  CHECK(accepted->peer == second.local_address());
  CHECK(on.backend.fcntl(accepted->stream.fd(), F_GETFL) == SysResult<int>{O_RDWR});
  const Stream third = Stream::connect(on.backend, listener.local_address());
  ec = stale();
  CHECK(listener.accept(ec).peer == third.local_address());
  CHECK_FALSE(ec);
  const Stream fourth = Stream::connect(on.backend, listener.local_address());
  ec = stale();
  CHECK(listener.try_accept(ec)->peer == fourth.local_address());
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("TcpListener: a port may be listened on again at once", "[tcp][listener]", test::AllBackends) {
  TcpPair<TestType> s;
  using Listener = typename TcpPair<TestType>::Listener;
  const Ip address = s.listener.local_address();
  s.accepted.close();  // First, so that it is this side that lingers.
  CHECK(bytes_from(s.client) == "");
  s.client.close();
  s.listener.close();
  std::error_code ec;
  CHECK_FALSE(Listener::bind(s.on.backend, address, {.reuse_address = false}, ec).is_open());
  CHECK(ec == system_error(EADDRINUSE));
  CHECK(Listener::bind(s.on.backend, address, {}, ec).local_address() == address);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("TcpListener: several share a port if all ask for it", "[tcp][listener]", test::AllBackends) {
  TestType on;
  using Listener = typename Handles<TestType>::TcpListener;
  const Listener first = Listener::bind(on.backend, Ipv4::loopback(0), {.reuse_port = true});
  CHECK(first.get(option::reuse_port));
  const Listener second = Listener::bind(on.backend, first.local_address(), {.reuse_port = true});
  CHECK(second.local_address() == first.local_address());
  std::error_code ec;
  CHECK_FALSE(Listener::bind(on.backend, first.local_address(), {}, ec).is_open());
  CHECK(ec == system_error(EADDRINUSE));
  CHECK(thrown_by([&] { static_cast<void>(Listener::bind(on.backend, first.local_address())); }).find("bind(fd ") == 0);
}

TEMPLATE_LIST_TEST_CASE("TcpListener: an IPv6 one takes IPv4 peers, or not", "[tcp][listener]", test::AllBackends) {
  TestType on;
  using Listener = typename Handles<TestType>::TcpListener;
  using Stream = typename Handles<TestType>::TcpStream;
  if (!test::has_ipv6(on)) return;
  Listener both = Listener::bind(on.backend, Ipv6::any(0), {.v6_only = false});
  const Stream client = Stream::connect(on.backend, Ipv4::loopback(both.local_address().port()));
  const Ip peer = both.accept().peer;
  REQUIRE(peer.v6());
  CHECK(peer.v6()->address().unmapped() == Ipv4Address::loopback());
  CHECK(peer.port() == client.local_address().port());
  const Listener only = Listener::bind(on.backend, Ipv6::any(0), {.v6_only = true});
  CHECK(only.get(option::v6_only));
  std::error_code ec;
  static_cast<void>(Stream::connect(on.backend, Ipv4::loopback(only.local_address().port()), default_socket_flags, ec));
  CHECK(ec == system_error(ECONNREFUSED));
}

TEMPLATE_LIST_TEST_CASE("TcpListener: what cannot be made names the call", "[tcp][listener][errors]",
                        test::AllBackends) {
  TestType on;
  using Listener = typename Handles<TestType>::TcpListener;
  const Ip not_ours = Ipv4{Ipv4Address{192, 0, 2, 1}, 0};
  CHECK(thrown_by([&] {
          static_cast<void>(Listener::bind(on.backend, not_ours));
        }).find("): Cannot assign requested address") != std::string::npos);
  CHECK(thrown_by([&] {
          static_cast<void>(Listener::bind(on.backend, Ipv4::loopback(0), {.v6_only = true}));
        }).find("setsockopt(fd ") == 0);
  const auto when_full = [&](auto call) { return test::under_file_limit(on.backend, 0, call); };
  CHECK(when_full([&] {
          return thrown_by([&] { static_cast<void>(Listener::bind(on.backend, Ipv4::loopback(0))); });
        }) == "socket(): Too many open files");
  std::error_code ec;
  CHECK_FALSE(when_full([&] { return Listener::bind(on.backend, Ipv4::loopback(0), {}, ec); }).is_open());
  CHECK(ec == system_error(EMFILE));
}

TEMPLATE_LIST_TEST_CASE("TcpListener: without a free fd a connection stays queued", "[tcp][listener][errors]",
                        test::AllBackends) {
  TcpPair<TestType> s;
  const auto second = TcpPair<TestType>::Stream::connect(s.on.backend, s.listener.local_address());
  const auto when_full = [&](auto call) { return test::under_file_limit(s.on.backend, 0, call); };
  const std::string full = "accept4(fd " + std::to_string(s.listener.fd()) + "): Too many open files";
  CHECK(when_full([&] { return thrown_by([&] { static_cast<void>(s.listener.accept()); }); }) == full);
  CHECK(when_full([&] { return thrown_by([&] { static_cast<void>(s.listener.try_accept()); }); }) == full);
  std::error_code ec;
  CHECK_FALSE(when_full([&] { return s.listener.accept(ec); }).stream.is_open());
  CHECK(ec == system_error(EMFILE));
  ec.clear();
  CHECK_FALSE(when_full([&] { return s.listener.try_accept(ec); }));
  CHECK(ec == system_error(EMFILE));
  CHECK(s.listener.accept().peer == second.local_address());
}

TEST_CASE("TcpListener: what the network took away is passed over", "[tcp][listener][errors][real]") {
  const std::vector<int> lost = {ECONNABORTED, ENETDOWN, EPROTO,       ENOPROTOOPT,
                                 EHOSTDOWN,    ENONET,   EHOSTUNREACH, ENETUNREACH};
  std::vector<int> errors = lost;
  const Scripted backend{{}, &errors};
  auto listener = BasicTcpListener<Scripted>::bind(backend, Ipv4::loopback(0));
  CHECK_FALSE(listener.try_accept());
  CHECK(errors.empty());
  const TcpStream client = TcpStream::connect(listener.local_address());
  errors = lost;
  CHECK(listener.accept().peer == client.local_address());
  CHECK(errors.empty());
  for (const int error : {EOPNOTSUPP, EPERM, ENOBUFS, EINTR}) {
    CAPTURE(error);
    errors = {ECONNABORTED, error};
    std::error_code ec;
    CHECK_FALSE(listener.try_accept(ec));
    CHECK(ec == system_error(error));
    errors = {ECONNABORTED, error};
    CHECK_FALSE(listener.accept(ec).stream.is_open());
    CHECK(ec == system_error(error));
  }
}

TEMPLATE_LIST_TEST_CASE("TcpListener: an epoll watches it", "[tcp][listener][epoll]", test::AllBackends) {
  TcpPair<TestType> s;
  using Stream = typename TcpPair<TestType>::Stream;
  typename Handles<TestType>::Epoll epoll{s.on.backend};
  epoll.add(s.listener, EventFlags::in | EventFlags::et, 1);
  CHECK(reported(epoll).empty());
  const Stream first = Stream::connect(s.on.backend, s.listener.local_address());
  CHECK(reported(epoll) == Events{{EventFlags::in, 1}});
  const Stream second = Stream::connect(s.on.backend, s.listener.local_address());
  CHECK(reported(epoll) == Events{{EventFlags::in, 1}});
  CHECK(s.listener.try_accept());
  CHECK(s.listener.try_accept());
  CHECK_FALSE(s.listener.try_accept());
}

TEMPLATE_LIST_TEST_CASE("TcpListener: an fd from elsewhere", "[tcp][listener]", test::AllBackends) {
  TcpPair<TestType> s;
  using Listener = typename TcpPair<TestType>::Listener;
  Listener taken{s.listener.release()};
  CHECK_FALSE(s.listener.is_open());
  const auto client = TcpPair<TestType>::Stream::connect(s.on.backend, taken.local_address());
  CHECK(taken.duplicate().accept().peer == client.local_address());
}
