// The handles without exceptions and RTTI: built with -fno-exceptions -fno-rtti, and run. A throwing form that fails
// ends the program with the message that the exception would have had: a child shows it.
#include <rouse/rouse.hpp>
#include <rouse/timer_fd.hpp>

#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace rouse;

namespace {

bool works() {
  std::error_code ec;
  Epoll epoll = Epoll::create({}, CreateFlags::cloexec, ec);
  EventFd event = EventFd::create({}, 0, EventFd::default_flags, ec);
  Pipe pipe;
  auto [a, b] = Socket::pair();
  epoll.add(event, EventFlags::in, 1, ec);
  epoll.add(pipe.reader, EventFlags::in, 2, ec);
  epoll.add(a, EventFlags::in, 3, ec);
  event.notify();
  pipe.writer.write("x");
  b.send("x");
  const SignalBlock block{SignalSet::of(SIGUSR1)};
  SignalFd signals{SignalSet::of(SIGUSR1)};
  epoll.add(signals, EventFlags::in, 4, ec);
  ::raise(SIGUSR1);
  TimerFd timer;
  timer.set_at(MonotonicClock{}.now());
  epoll.add(timer, EventFlags::in, 5, ec);
  EventArray<8> events;
  std::uint64_t sum = 0;
  epoll.wait(events, Timeout::now, ec);
  for (auto [flags, data] : events) sum += data.u64();
  return !ec && sum == 15 && signals.read().signal() == SIGUSR1 && timer.read() == 1;
}

bool sockets_work() {
  std::error_code ec;
  TcpListener listener = TcpListener::bind({}, Ipv4::loopback(0), {}, ec);
  TcpStream client = TcpStream::connect({}, listener.local_address(ec), default_socket_flags, ec);
  auto [accepted, peer] = listener.accept(ec);
  const ConstBuffer parts[] = {"a", "b"};
  client.send(parts, ec);
  char bytes[4];
  if (ec || accepted.receive(bytes, ec) != 4 || peer != client.local_address(ec)) return false;
  UdpSocket udp = UdpSocket::bound_to({}, Ipv4::loopback(0), {}, ec);
  udp.send_to(udp.local_address(ec), "x", ec);
  if (ec || udp.receive_from(bytes, ec).from != udp.local_address(ec)) return false;
  auto [a, b] = UnixStream::pair({}, default_socket_flags, ec);
  std::vector<OwnedFd> fds;
  a.send_with("x", b, {}, ec);
  if (ec || b.receive_with(bytes, fds, ec).fds != 1) return false;
  UnixDatagram named = UnixDatagram::bound_to({}, UnixAddress{}, default_socket_flags, ec);
  UnixListener unix_listener = UnixListener::bind({}, UnixAddress{}, {}, ec);
  const std::optional<UnixPath> too_long = UnixPath::parse(std::string(200, 'x'));
  return !ec && !too_long && named.local_address(ec).abstract() && unix_listener.get(option::accepting, ec) && !ec;
}

bool dies_with_a_message() {
  Pipe report;
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(report.writer.fd(), STDERR_FILENO);
    Epoll epoll;
    epoll.add(epoll, EventFlags::in);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  report.writer.close();
  char text[256] = {};
  report.reader.read(MutableBuffer{text, sizeof text - 1});
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && std::strstr(text, "epoll_ctl(add, fd ") != nullptr &&
         std::strstr(text, "Invalid argument") != nullptr;
}

}  // namespace

int main() {
  if (!works()) return std::puts("the handles do not work"), 1;
  if (!sockets_work()) return std::puts("the sockets do not work"), 1;
  if (!dies_with_a_message()) return std::puts("a refusal does not end the program with its message"), 1;
}
