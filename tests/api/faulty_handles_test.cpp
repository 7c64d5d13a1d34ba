// FaultyBackend: what faults and old kernels do to the handles, on both kernels.
#include "../support/error_codes.hpp"
#include "../support/stopwatch.hpp"
#include "../support/tcp_pair.hpp"
#include "../support/unix_names.hpp"
#include "../support/with_faults.hpp"

#include <numeric>

using namespace rouse;
using namespace std::chrono_literals;
using test::Handles;
using test::system_error;

namespace {

using Done = SysResult<void>;
using Count = SysResult<int>;

constexpr EventFlags in = EventFlags::in;
constexpr Fault interrupted = Fault::error(EINTR);

/// The errno that a call throws; 0 if it does not.
template <class Made>
int code_of(Made make) {
  try {
    make();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

/// A little of everything that one thread can do.
template <class On>
void use_handles(On& on) {
  using H = Handles<On>;
  const auto& backend = on.backend;
  typename H::Epoll epoll{backend};
  typename H::EventFd event{backend, 1u};
  typename H::Pipe pipe{backend};
  const auto guard = epoll.add_scoped(event, in);
  epoll.add(pipe.reader, in | EventFlags::et);
  pipe.writer.write(std::string_view{"ab"});
  EventVec events(4);
  epoll.wait(events, 1ms);
  epoll.wait_restarting(events, 1us);
  char got[8];
  pipe.reader.read(got);
  event.read();
  auto second = event.duplicate();

  auto [ours, theirs] = H::UnixStream::pair(backend);
  ours.send_with(std::string_view{"abc"}, second);
  std::vector<typename H::OwnedFd> fds;
  theirs.receive_with(got, fds);

  auto listener = H::TcpListener::bind(backend, Ipv4::loopback(0));
  auto client = H::TcpStream::connect(backend, listener.local_address());
  auto served = listener.accept();
  client.set(option::no_delay, true);
  client.send(std::string_view{"abcdef"});
  served.stream.receive(got);
  client.shutdown(ShutdownHow::write);

  auto socket = H::UdpSocket::bound_to(backend, Ipv4::loopback(0));
  socket.send_to(socket.local_address(), std::string_view{"abc"});
  socket.receive_from(got);
  socket.close();
}

/// Uses handles with this fault at the nth such call; false if there were not so many.
template <class On>
bool survives(Call call, std::string_view kind, std::uint64_t nth, Fault fault) {
  INFO(to_string(call, fault) << ", " << nth << " of " << kind);
  On on;
  const int free = on.next_fd();
  if (kind.empty()) {
    on.plan.on(call).nth(nth, fault);
  } else {
    on.plan.on(call).of_kind(kind).nth(nth, fault);
  }
  code_of([&] { use_handles(on); });
  CHECK(on.next_fd() == free);
  return on.plan.struck() > 0;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a handle sends all of it, a byte at a time", "[faults]", test::FaultyBackends) {
  test::TcpPair<TestType> tcp;
  tcp.on.plan.on(CallSet::writes).of_kind("tcp socket").one_in(2, Fault::short_count(1));
  tcp.on.plan.on(CallSet::transfers).of_kind("tcp socket").one_in(3, Fault::not_ready());
  std::string text(500, ' ');
  std::iota(text.begin(), text.end(), 'a');
  const std::string_view all{text};
  const ConstBuffer parts[] = {all.substr(0, 100), all.substr(100)};
  tcp.client.send(parts);
  tcp.client.send(all);
  tcp.client.shutdown(ShutdownHow::write);
  std::string got;
  for (std::string part = test::bytes_from(tcp.accepted); !part.empty(); part = test::bytes_from(tcp.accepted)) {
    got += part;
  }
  CHECK(got == text + text);
  CHECK(tcp.on.plan.struck() > 0);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: readiness may be spurious", "[faults]", test::FaultyBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 3u};
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add(event, in);
  on.plan.on(Call::read).nth(1, Fault::not_ready());
  EventVec events(4);
  CHECK(epoll.wait(events, Timeout::now) == 1);
  CHECK(event.try_read() == std::nullopt);
  CHECK(event.try_read() == 3u);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: handles that cannot be made leave nothing open", "[faults]",
                        test::FaultyBackends) {
  using H = Handles<TestType>;
  TestType on;
  const int free = on.next_fd();
  on.plan.on(CallSet::creates).every(Fault::error(EMFILE));
  std::error_code ec;
  const auto refused = [&](auto&& handle) {
    CHECK(ec == system_error(EMFILE));
    CHECK_FALSE(handle.is_open());
    CHECK(on.next_fd() == free);
  };
  refused(H::Epoll::create(on.backend, CreateFlags::cloexec, ec));
  refused(H::UnixStream::pair(on.backend, {}, ec).first);
  refused(H::UdpSocket::bound_to(on.backend, Ipv4::loopback(0), {}, ec));
  CHECK(code_of([&] { typename H::EventFd{on.backend, 0u}; }) == EMFILE);
  CHECK(code_of([&] { typename H::Pipe{on.backend}; }) == EMFILE);
  CHECK(on.next_fd() == free);

  const Ip there = Ipv4::loopback(0);
  // What was made already is closed when a later step fails.
  on.plan = FaultPlan{};
  on.plan.on(Call::bind).nth(1, Fault::error(EADDRINUSE));
  on.plan.on(Call::listen).nth(1, Fault::error(EADDRINUSE));
  CHECK(code_of([&] { static_cast<void>(H::TcpListener::bind(on.backend, there)); }) == EADDRINUSE);
  CHECK(code_of([&] { static_cast<void>(H::TcpListener::bind(on.backend, there)); }) == EADDRINUSE);
  CHECK(on.next_fd() == free);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: an interrupted wait says so, whichever call it is", "[faults]",
                        test::FaultyBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  on.plan.on(CallSet::epoll_waits).every(interrupted);
  EventVec events(4);
  std::error_code ec;
  for (const Timeout timeout : {Timeout{1us}, Timeout{1ms}, Timeout::never}) {
    CHECK(epoll.wait(events, timeout, ec) == 0);
    CHECK(ec == system_error(EINTR));
  }
  CHECK(on.plan.struck() == 3);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a restarting wait keeps its deadline", "[faults]", test::FaultyBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  on.plan.on(CallSet::epoll_waits).nth(1, interrupted);
  on.plan.on(CallSet::epoll_waits).nth(2, interrupted);
  EventVec events(4);
  const test::Stopwatch watch{on};
  CHECK(epoll.wait_restarting(events, 1500us) == 0);
  CHECK(watch.up_to(1500us) == 1500us);
  CHECK(on.plan.struck() == 2);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a handle that connects waits on when its wait is interrupted", "[faults]",
                        test::FaultyBackends) {
  TestType on;
  auto listener = Handles<TestType>::TcpListener::bind(on.backend, Ipv4::loopback(0));
  on.plan.on(CallSet::waits).nth(1, interrupted);
  auto client = Handles<TestType>::TcpStream::connect(on.backend, listener.local_address());
  CHECK(client.peer_address() == listener.local_address());
  CHECK(on.plan.struck() == 1);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: an interrupted connect of TCP goes on in the background", "[faults]",
                        test::FaultyBackends) {
  TestType on;
  auto listener = Handles<TestType>::TcpListener::bind(on.backend, Ipv4::loopback(0));
  const SocketAddress there{listener.local_address()};
  const int fd = on.backend.socket(AF_INET, SOCK_STREAM, 0).value();
  const auto connect = [&] { return on.backend.connect(fd, there.data(), there.size()); };
  on.plan.on(Call::connect).nth(1, interrupted);
  CHECK(connect() == Done::failure(EINTR));
  CHECK((on.backend.fcntl(fd, F_GETFL).value() & O_NONBLOCK) == 0);
  CHECK(listener.accept().stream.is_open());
  CHECK(connect() == Done{});  // The outcome of the first.
  CHECK(connect() == Done::failure(EISCONN));
  CHECK(on.backend.close(fd).ok());

  // What begins with an error does not go on.
  const int other = on.backend.socket(AF_INET, SOCK_STREAM, 0).value();
  on.plan.on(Call::connect).every(interrupted);
  CHECK(on.backend.connect(other, there.data(), 1) == Done::failure(EINVAL));
  CHECK(on.backend.close(other).ok());
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: connecting by a unix socket that is interrupted has not begun", "[faults]",
                        test::FaultyBackends) {
  TestType on;
  const test::UnixNames<TestType> names;
  const UnixAddress there{UnixPath{names.path("server")}};
  auto listener = Handles<TestType>::UnixListener::bind(on.backend, there);
  on.plan.on(Call::connect).nth(1, interrupted);
  std::error_code ec;
  CHECK_FALSE(Handles<TestType>::UnixStream::connect(on.backend, there, {}, ec).is_open());
  CHECK(ec == system_error(EINTR));
  CHECK(listener.try_accept() == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: an old kernel has no epoll_pwait2, and Epoll rounds up", "[faults][epoll]",
                        test::FaultyBackends) {
  TestType on;
  on.plan.kernel(KernelAge::of_linux(5, 10));
  typename Handles<TestType>::Epoll epoll{on.backend};
  Event event;
  const ::timespec now{};
  CHECK(on.backend.epoll_pwait2(epoll.fd(), &event, 1, &now, nullptr) == Count::failure(ENOSYS));
  EventVec events(4);
  const test::Stopwatch watch{on};
  CHECK(epoll.wait(events, 1ns) == 0);
  CHECK(watch.up_to(1ms) == 1ms);
  CHECK(on.plan.struck() == 0);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: an old kernel ignores `exclusive`", "[faults][epoll]", test::FaultyBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 0u};
  constexpr EventFlags exclusive = EventFlags::in | EventFlags::exclusive;
  std::error_code ec;
  epoll.add(event, exclusive, 1, ec);
  CHECK_FALSE(ec);
  epoll.modify(event, EventFlags::in, 1, ec);
  CHECK(ec == system_error(EINVAL));
  epoll.remove(event);

  on.plan.kernel(KernelAge::of_linux(4, 4));
  epoll.add(event, exclusive | EventFlags::oneshot, 2, ec);
  CHECK_FALSE(ec);
  epoll.modify(event, exclusive, 3, ec);
  CHECK_FALSE(ec);
  event.write(1);
  EventVec events(4);
  CHECK(epoll.wait(events, Timeout::now) == 1);
  CHECK(events[0] == Event{EventFlags::in, 3});
  CHECK(on.backend.epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, event.fd(), nullptr) == Done::failure(EFAULT));
  epoll.remove(event);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: an old kernel does not know young requests", "[faults]", test::FaultyBackends) {
  TestType on;
  on.plan.kernel(KernelAge::of_linux(6, 8));
  typename Handles<TestType>::Epoll epoll{on.backend};
  BusyPoll parameters;
  CHECK(on.backend.ioctl(epoll.fd(), epiocgparams, &parameters) == Count::failure(ENOTTY));
  CHECK(on.backend.ioctl(-1, epiocgparams, &parameters) == Count::failure(EBADF));
  CHECK(on.backend.fcntl(epoll.fd(), 1027, epoll.fd()) == Count::failure(EINVAL));
  CHECK(on.backend.fcntl(-1, 1027, epoll.fd()) == Count::failure(EBADF));
  CHECK(code_of([&] { static_cast<void>(epoll.busy_poll()); }) == ENOTTY);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: whatever fails at whichever call, no handle stays open", "[faults]",
                        test::FaultyBackends) {
  int runs = 0;
  for (std::size_t i = 0; i < call_count; ++i) {
    const Call call = static_cast<Call>(i);
    for (const std::string_view kind :
         {"", "epoll", "eventfd", "pipe", "tcp socket", "udp socket", "unix stream socket"}) {
      for (const bool is_nonblocking : {false, true}) {
        for (const Fault fault : faults_of(call, kind, is_nonblocking)) {
          for (std::uint64_t nth = 1; survives<TestType>(call, kind, nth, fault); ++nth) ++runs;
        }
      }
    }
  }
  CHECK(runs > 300);
}
