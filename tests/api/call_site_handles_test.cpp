// CallSite: of each function of each handle.
#include "../support/call_sites.hpp"
#include "../support/catch.hpp"
#include "rouse/clock.hpp"
#include "rouse/rouse.hpp"
#include "rouse/timer_fd.hpp"

#include <array>
#include <string>
#include <vector>

using namespace rouse;
using test::NotedCalls;
using B = EmulatedBackend;

namespace {

/// The line it stands on.
std::string here(CallSite site = CallSite::current()) { return site.text(); }

}  // namespace

TEST_CASE("CallSite: of an epoll's calls", "[call_site]") {
  NotedCalls calls;
  BasicEpoll<B> epoll{calls.backend()};
  BasicEventFd<B> event{calls.backend(), 1};
  EventVec events(4);
  std::error_code ec;
  ::sigset_t none{};
  CHECK(calls.of([&] { return BasicEpoll<B>{calls.backend()}; }) == here());
  CHECK(calls.of([&] { return BasicEpoll<B>::create(calls.backend(), {}, ec); }) == here());
  CHECK(calls.of([&] { epoll.add(event, EventFlags::in); }) == here());
  CHECK(calls.of([&] { epoll.add(event, EventFlags::in, ec); }) == here());
  CHECK(calls.of([&] { epoll.add(event, EventFlags::in, 7); }) == here());
  CHECK(calls.of([&] { epoll.add(event, EventFlags::in, 7, ec); }) == here());
  CHECK(calls.of([&] { epoll.add<EventFlags::in>(event); }) == here());
  CHECK(calls.of([&] { epoll.add<EventFlags::in>(event, 7); }) == here());
  CHECK(calls.of([&] { return epoll.add_scoped(event, EventFlags::in); }) == here());
  CHECK(calls.of([&] { return epoll.add_scoped(event, EventFlags::in, 7, ec); }) == here());
  CHECK(calls.of([&] { epoll.modify(event, EventFlags::in, 7); }) == here());
  CHECK(calls.of([&] { epoll.modify(event, EventFlags::in, 7, ec); }) == here());
  CHECK(calls.of([&] { epoll.modify<EventFlags::in>(event, 7); }) == here());
  CHECK(calls.of([&] { epoll.wait(events); }) == here());
  CHECK(calls.of([&] { epoll.wait(events, Timeout::now, ec); }) == here());
  CHECK(calls.of([&] { epoll.wait(events, Timeout::now, none); }) == here());
  CHECK(calls.of([&] { epoll.wait(events, Timeout::now, none, ec); }) == here());
  CHECK(calls.of([&] { epoll.wait_restarting(events); }) == here());
  CHECK(calls.of([&] { epoll.wait_restarting(events, Timeout::of_nanoseconds(1), ec); }) == here());
  CHECK(calls.of([&] { return epoll.busy_poll(); }) == here());
  CHECK(calls.of([&] { epoll.set_busy_poll({}); }) == here());
  CHECK(calls.of([&] { epoll.remove(event); }) == here());
  CHECK(calls.of([&] { epoll.remove(event, ec); }) == here());
  BasicRegistration<B> registration = epoll.add_scoped(event, EventFlags::in);
  CHECK(calls.of([&] { registration.modify(EventFlags::in, 8); }) == here());
  CHECK(calls.of([&] { registration.modify(EventFlags::in, 8, ec); }) == here());
  CHECK(calls.of([&] { registration.remove(); }) == here());
  CHECK(calls.of([&] { return epoll.duplicate(); }) == here());
  CHECK(calls.of([&] { return epoll.duplicate(ec); }) == here());
  CHECK(calls.of([&] { epoll.close(); }) == here());
}

TEST_CASE("CallSite: of the calls of an eventfd, a timer, a signalfd and clocks", "[call_site]") {
  NotedCalls calls;
  BasicEventFd<B> event{calls.backend(), 1};
  std::error_code ec;
  CHECK(calls.of([&] { return BasicEventFd<B>{calls.backend()}; }) == here());
  CHECK(calls.of([&] { return BasicEventFd<B>::create(calls.backend(), 0, {}, ec); }) == here());
  CHECK(calls.of([&] { return BasicEventFd<B>{event.duplicate().release()}; }) == here());
  CHECK(calls.of([&] { event.write(1); }) == here());
  CHECK(calls.of([&] { event.write(1, ec); }) == here());
  CHECK(calls.of([&] { event.try_write(1); }) == here());
  CHECK(calls.of([&] { event.try_write(1, ec); }) == here());
  CHECK(calls.of([&] { event.read(); }) == here());
  CHECK(calls.of([&] { event.notify(); }) == here());
  CHECK(calls.of([&] { event.read(ec); }) == here());
  CHECK(calls.of([&] { event.notify(ec); }) == here());
  CHECK(calls.of([&] { return event.try_read(); }) == here());
  CHECK(calls.of([&] { return event.try_read(ec); }) == here());
  CHECK(calls.of([&] { event.drain(); }) == here());
  CHECK(calls.of([&] { event.drain(ec); }) == here());
  CHECK(calls.of([&] { event.close(ec); }) == here());

  BasicTimerFd<B> timer{calls.backend()};
  BasicTimerFd<B> alarm{calls.backend(), TimerClock::realtime};
  const BasicMonotonicClock<B> clock{calls.backend()};
  CHECK(calls.of([&] { return BasicTimerFd<B>{calls.backend()}; }) == here());
  CHECK(calls.of([&] { return BasicTimerFd<B>::create(calls.backend(), TimerClock::monotonic, {}, ec); }) == here());
  CHECK(calls.of([&] { return clock.now(); }) == here());
  CHECK(calls.of([&] { return clock.until(clock.now()); }) == here());
  CHECK(calls.of([&] { timer.set_after(Timeout::now); }) == here());
  CHECK(calls.of([&] { timer.set_after(Timeout::now, ec); }) == here());
  CHECK(calls.of([&] { timer.set_every(Timeout::now); }) == here());
  CHECK(calls.of([&] { timer.set_at(clock.now()); }) == here());
  CHECK(calls.of([&] { alarm.set_at_or_cancel(BasicSystemClock<B>{calls.backend()}.now()); }) == here());
  CHECK(calls.of([&] { return timer.try_read(); }) == here());
  CHECK(calls.of([&] { return timer.setting(); }) == here());
  CHECK(calls.of([&] { return timer.remaining(ec); }) == here());
  CHECK(calls.of([&] { timer.disarm(); }) == here());

  BasicSignalFd<B> signals{calls.backend(), SignalSet::of(SIGUSR1)};
  std::array<SignalInfo, 2> infos;
  CHECK(calls.of([&] { return BasicSignalFd<B>{calls.backend(), SignalSet::of(SIGUSR1)}; }) == here());
  CHECK(calls.of([&] { return BasicSignalBlock<B>{calls.backend(), SignalSet::of(SIGUSR1)}; }) == here());
  CHECK(calls.of([&] { signals.set_signals(SignalSet::of(SIGUSR2)); }) == here());
  CHECK(calls.of([&] { return signals.try_read(); }) == here());
  CHECK(calls.of([&] { return signals.try_read(infos); }) == here());
  CHECK(calls.of([&] { return signals.try_read(ec); }) == here());
}

TEST_CASE("CallSite: of the calls of pipes and sockets of unix", "[call_site]") {
  NotedCalls calls;
  char bytes[8] = {};
  const MutableBuffer into{bytes, sizeof bytes};
  const ConstBuffer from{bytes, 4};
  const std::array<ConstBuffer, 2> from_two{from, from};
  const std::array<MutableBuffer, 1> into_one{into};
  std::error_code ec;
  BasicPipe<B> pipe{calls.backend()};
  CHECK(calls.of([&] { return BasicPipe<B>{calls.backend()}; }) == here());
  CHECK(calls.of([&] { return BasicPipe<B>::create(calls.backend(), {}, ec); }) == here());
  CHECK(calls.of([&] { pipe.writer.write(from); }) == here());
  CHECK(calls.of([&] { pipe.reader.read(into); }) == here());
  CHECK(calls.of([&] { return pipe.writer.try_write(from); }) == here());
  CHECK(calls.of([&] { return pipe.reader.try_read(into, ec); }) == here());

  using Stream = BasicUnixStream<B>;
  using Listener = BasicUnixListener<B>;
  auto [a, b] = Stream::pair(calls.backend());
  std::vector<BasicOwnedFd<B>> fds;
  CHECK(calls.of([&] { return Stream::pair(calls.backend()); }) == here());
  CHECK(calls.of([&] { a.send(from); }) == here());
  CHECK(calls.of([&] { b.receive(into); }) == here());
  CHECK(calls.of([&] { a.send(from_two); }) == here());
  CHECK(calls.of([&] { b.receive(into_one); }) == here());
  CHECK(calls.of([&] { return a.try_send(from); }) == here());
  CHECK(calls.of([&] { return b.try_receive(into, ec); }) == here());
  CHECK(calls.of([&] { a.send_with(from, pipe.reader); }) == here());
  CHECK(calls.of([&] { b.receive_with(into, fds); }) == here());
  CHECK(calls.of([&] { return b.try_receive_with(into, fds); }) == here());
  CHECK(calls.of([&] { return a.get(option::send_buffer); }) == here());
  CHECK(calls.of([&] { a.set(option::reuse_address, true); }) == here());
  CHECK(calls.of([&] { return a.option(SOL_SOCKET, SO_TYPE); }) == here());
  CHECK(calls.of([&] { return a.take_error(); }) == here());
  CHECK(calls.of([&] { return a.unread(); }) == here());
  CHECK(calls.of([&] { return a.local_address(); }) == here());
  CHECK(calls.of([&] { return a.peer_address(ec); }) == here());
  CHECK(calls.of([&] { a.shutdown(ShutdownHow::both); }) == here());

  const UnixAddress name = UnixAbstract{"x"};
  Listener listener = Listener::bind(calls.backend(), name);
  CHECK(calls.of([&] { return Listener::bind(calls.backend(), name); }) == here());
  CHECK(calls.of([&] { return Stream::connect(calls.backend(), name); }) == here());
  CHECK(calls.of([&] { return Stream::connect(calls.backend(), name, {}, ec); }) == here());
  CHECK(calls.of([&] { return listener.accept(); }) == here());
  CHECK(calls.of([&] { return listener.try_accept(ec); }) == here());
  CHECK(calls.of([&] { Stream{calls.backend()}.bind({}); }) == here());
  CHECK(calls.of([&] { return BasicSocket<B>::pair(calls.backend()); }) == here());
  CHECK(calls.of([&] { return BasicSocket<B>{calls.backend(), AF_UNIX, SocketType::stream}; }) == here());
  CHECK(calls.of([&] { return BasicUnixDatagram<B>{calls.backend()}.try_send_to(name, from); }) == here());
}

TEST_CASE("CallSite: of the calls of TCP and UDP", "[call_site]") {
  NotedCalls calls;
  char bytes[8] = {};
  const MutableBuffer into{bytes, sizeof bytes};
  const ConstBuffer from{bytes, 4};
  std::error_code ec;
  auto listener = BasicTcpListener<B>::bind(calls.backend(), Ipv4::loopback(0));
  const Ip there = listener.local_address();
  BasicTcpStream<B> stream{calls.backend(), IpVersion::v4};
  CHECK(calls.of([&] { return BasicTcpListener<B>::bind(calls.backend(), there); }) == here());
  CHECK(calls.of([&] { return BasicTcpListener<B>::bind(calls.backend(), there, {}, ec); }) == here());
  CHECK(calls.of([&] { return BasicTcpStream<B>{calls.backend(), IpVersion::v4}; }) == here());
  CHECK(calls.of([&] { return stream.try_connect(there); }) == here());
  CHECK(calls.of([&] { stream.finish_connect(); }) == here());
  CHECK(calls.of([&] { return stream.try_finish_connect(ec); }) == here());
  CHECK(calls.of([&] { return listener.accept(); }) == here());
  CHECK(calls.of([&] { return BasicTcpStream<B>::connect(calls.backend(), there); }) == here());
  CHECK(calls.of([&] { return BasicTcpStream<B>::start_connect(calls.backend(), there); }) == here());

  auto socket = BasicUdpSocket<B>::bound_to(calls.backend(), Ipv4::loopback(0));
  const Ip address = socket.local_address();
  CHECK(calls.of([&] { return BasicUdpSocket<B>::bound_to(calls.backend(), address); }) == here());
  CHECK(calls.of([&] { return BasicUdpSocket<B>{calls.backend(), IpVersion::v4}; }) == here());
  CHECK(calls.of([&] { socket.send_to(address, from); }) == here());
  CHECK(calls.of([&] { return socket.receive_from(into); }) == here());
  CHECK(calls.of([&] { return socket.try_send_to(address, from, ec); }) == here());
  CHECK(calls.of([&] { return socket.try_receive_from(into); }) == here());
  CHECK(calls.of([&] { socket.connect(address); }) == here());
  CHECK(calls.of([&] { socket.disconnect(); }) == here());
}
