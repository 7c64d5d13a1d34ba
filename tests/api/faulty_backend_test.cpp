// FaultyBackend: what each fault does to calls, on both kernels. What it does to handles: faulty_handles_test.cpp.
#include "../support/error_codes.hpp"
#include "../support/stopwatch.hpp"
#include "../support/with_faults.hpp"
#include "rouse/backend/ambient.hpp"

#include <array>
#include <span>

using namespace rouse;
using namespace std::chrono_literals;
using test::Handles;
using test::system_error;

namespace {

using Done = SysResult<void>;
using Size = SysResult<std::size_t>;
using Count = SysResult<int>;

constexpr EventFlags in = EventFlags::in;
constexpr Fault interrupted = Fault::error(EINTR);
constexpr Fault full = Fault::error(EMFILE);
constexpr Fault one_byte = Fault::short_count(1);

/// A backend of the user's that has little, and does not say of what kind a file is.
struct Mine {
  SysResult<void> close(int) const { return {}; }
  Size read(int, void*, std::size_t n) const { return n; }

  bool operator==(const Mine&) const = default;
};
using FaultyMine = FaultyBackend<Mine>;

static_assert(CompleteBackend<FaultyBackend<LinuxBackend>>);
static_assert(CompleteBackend<FaultyBackend<EmulatedBackend>>);
static_assert(CompleteBackend<FaultyBackend<FaultyBackend<AmbientBackend>>>);
static_assert(backend_has::close<FaultyMine> && backend_has::read<FaultyMine>);
static_assert(!backend_has::write<FaultyMine> && !backend_has::fcntl<FaultyMine> && !FdBackend<FaultyMine>);

template <class B>
Count any_fd(const B& b) {
  return b.eventfd(0, EFD_NONBLOCK);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("FaultyBackend: every call is asked about", "[faults]", test::FaultyBackends) {
  TestType on;
  const auto& b = on.backend;
  char bytes[8] = {};
  ::iovec vector{bytes, sizeof bytes};
  ::msghdr message{};
  ::pollfd entry{};
  ::timespec time{};
  ::itimerspec setting{};
  ::sigset_t set{};
  ::rlimit limit{};
  ::socklen_t length = 0;
  Event event;
  int fds[2];
  const int fd = any_fd(b).value();

  const auto refused = [&](Call call, auto make) {
    INFO(name_of(call));
    on.plan = FaultPlan{};
    on.plan.on(call).every(Fault::error(EDOM));
    CHECK(make().error() == EDOM);
    CHECK(on.plan.struck() == 1);
  };
  refused(Call::dup, [&] { return b.dup(fd); });
  refused(Call::dup2, [&] { return b.dup2(fd, 50); });
  refused(Call::dup3, [&] { return b.dup3(fd, 50, 0); });
  refused(Call::fcntl, [&] { return b.fcntl(fd, F_DUPFD, 0); });
  refused(Call::ioctl, [&] { return b.ioctl(fd, 0, nullptr); });
  refused(Call::read, [&] { return b.read(fd, bytes, 8); });
  refused(Call::write, [&] { return b.write(fd, bytes, 8); });
  refused(Call::readv, [&] { return b.readv(fd, &vector, 1); });
  refused(Call::writev, [&] { return b.writev(fd, &vector, 1); });
  refused(Call::pread, [&] { return b.pread(fd, bytes, 8, 0); });
  refused(Call::pwrite, [&] { return b.pwrite(fd, bytes, 8, 0); });
  refused(Call::lseek, [&] { return b.lseek(fd, 0, 0); });
  refused(Call::open, [&] { return b.open("/dev/null", O_RDWR); });
  refused(Call::unlink, [&] { return b.unlink("/nobody has this"); });
  refused(Call::getrlimit, [&] { return b.getrlimit(0, &limit); });
  refused(Call::setrlimit, [&] { return b.setrlimit(0, &limit); });
  refused(Call::clock_gettime, [&] { return b.clock_gettime(CLOCK_MONOTONIC, &time); });
  refused(Call::clock_nanosleep, [&] { return b.clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time); });
  refused(Call::poll, [&] { return b.poll(&entry, 0, 0); });
  refused(Call::ppoll, [&] { return b.ppoll(&entry, 0, &time, nullptr); });
  refused(Call::select, [&] { return b.select(0, nullptr, nullptr, nullptr, nullptr); });
  refused(Call::pselect6, [&] { return b.pselect(0, nullptr, nullptr, nullptr, &time, nullptr); });
  refused(Call::rt_sigaction, [&] { return b.sigaction(SIGUSR1, nullptr, nullptr); });
  refused(Call::rt_sigprocmask, [&] { return b.sigprocmask(SIG_BLOCK, nullptr, &set); });
  refused(Call::rt_sigpending, [&] { return b.sigpending(&set); });
  refused(Call::kill, [&] { return b.kill(0, 0); });
  refused(Call::tgkill, [&] { return b.tgkill(1, 1, 0); });
  refused(Call::getpid, [&] { return b.getpid(); });
  refused(Call::gettid, [&] { return b.gettid(); });
  refused(Call::epoll_create, [&] { return b.epoll_create(1); });
  refused(Call::epoll_create1, [&] { return b.epoll_create1(0); });
  refused(Call::epoll_ctl, [&] { return b.epoll_ctl(fd, EPOLL_CTL_ADD, fd, &event); });
  refused(Call::epoll_wait, [&] { return b.epoll_wait(fd, &event, 1, 0); });
  refused(Call::epoll_pwait, [&] { return b.epoll_pwait(fd, &event, 1, 0, nullptr); });
  refused(Call::epoll_pwait2, [&] { return b.epoll_pwait2(fd, &event, 1, &time, nullptr); });
  refused(Call::eventfd, [&] { return b.eventfd(0, 0); });
  refused(Call::pipe2, [&] { return b.pipe2(fds, 0); });
  refused(Call::timerfd_create, [&] { return b.timerfd_create(CLOCK_MONOTONIC, 0); });
  refused(Call::timerfd_settime, [&] { return b.timerfd_settime(fd, 0, &setting, nullptr); });
  refused(Call::timerfd_gettime, [&] { return b.timerfd_gettime(fd, &setting); });
  refused(Call::signalfd4, [&] { return b.signalfd(-1, &set, 0); });
  refused(Call::socket, [&] { return b.socket(AF_INET, SOCK_STREAM, 0); });
  refused(Call::socketpair, [&] { return b.socketpair(AF_UNIX, SOCK_STREAM, 0, fds); });
  refused(Call::bind, [&] { return b.bind(fd, nullptr, 0); });
  refused(Call::listen, [&] { return b.listen(fd, 0); });
  refused(Call::accept4, [&] { return b.accept4(fd, nullptr, nullptr, 0); });
  refused(Call::connect, [&] { return b.connect(fd, nullptr, 0); });
  refused(Call::shutdown, [&] { return b.shutdown(fd, 0); });
  refused(Call::getsockname, [&] { return b.getsockname(fd, nullptr, &length); });
  refused(Call::getpeername, [&] { return b.getpeername(fd, nullptr, &length); });
  refused(Call::getsockopt, [&] { return b.getsockopt(fd, 0, 0, nullptr, &length); });
  refused(Call::setsockopt, [&] { return b.setsockopt(fd, 0, 0, nullptr, 0); });
  refused(Call::sendto, [&] { return b.sendto(fd, bytes, 8, 0, nullptr, 0); });
  refused(Call::recvfrom, [&] { return b.recvfrom(fd, bytes, 8, 0, nullptr, nullptr); });
  refused(Call::sendmsg, [&] { return b.sendmsg(fd, &message, 0); });
  refused(Call::recvmsg, [&] { return b.recvmsg(fd, &message, 0); });
  refused(Call::close, [&] { return b.close(fd); });
  CHECK(on.inner.backend.close(fd) == Done::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a call that fails is not made", "[faults]", test::FaultyBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 3u};
  on.plan.on(Call::read).nth(2, interrupted);
  CHECK(event.try_read() == 3u);
  event.write(4);
  std::error_code ec;
  CHECK(event.try_read(ec) == std::nullopt);
  CHECK(ec == system_error(EINTR));
  CHECK(event.try_read() == 4u);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a close that fails has closed", "[faults]", test::FaultyBackends) {
  TestType on;
  const int free = on.next_fd();
  typename Handles<TestType>::EventFd event{on.backend, 0u};
  on.plan.on(Call::close).nth(1, Fault::error(EIO));
  std::error_code ec;
  event.close(ec);
  CHECK(ec == system_error(EIO));
  CHECK_FALSE(event.is_open());
  CHECK(on.next_fd() == free);
  CHECK(on.backend.close(free) == Done::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a close without an fd says so, whatever the plan wants", "[faults]",
                        test::FaultyBackends) {
  TestType on;
  on.plan.on(Call::close).every(Fault::error(EIO));
  CHECK(on.backend.close(-1) == Done::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a short count moves less, and the rest stays", "[faults]",
                        test::FaultyBackends) {
  TestType on;
  auto [ours, theirs] = Handles<TestType>::UnixStream::pair(on.backend);
  const auto& b = on.backend;
  const int from = ours.fd();
  const int to = theirs.fd();
  char bytes[] = "abcdef";
  char got[8] = {};
  ::iovec out[] = {{bytes, 1}, {bytes + 1, 0}, {bytes + 1, 5}};
  ::iovec back[] = {{got, 1}, {got + 1, 7}};
  ::msghdr sent{};
  sent.msg_iov = out;
  sent.msg_iovlen = 3;
  ::msghdr received{};
  received.msg_iov = back;
  received.msg_iovlen = 2;
  on.plan.on(CallSet::writes).every(Fault::short_count(3));
  on.plan.on(CallSet::reads).every(Fault::short_count(2));

  SECTION("in one piece") {
    CHECK(b.write(from, bytes, 6) == Size{3});
    CHECK(b.read(to, got, 8) == Size{2});
    CHECK(b.sendto(from, bytes + 3, 2, 0, nullptr, 0) == Size{2});
    CHECK(b.recvfrom(to, got + 2, 6, 0, nullptr, nullptr) == Size{2});
    CHECK(std::string_view{got} == "abcd");
  }
  SECTION("in several") {
    CHECK(b.writev(from, out, 3) == Size{3});
    CHECK(b.readv(to, back, 2) == Size{2});
    CHECK(std::string_view{got} == "ab");
  }
  SECTION("as a message") {
    CHECK(b.sendmsg(from, &sent, 0) == Size{3});
    CHECK(b.recvmsg(to, &received, 0) == Size{2});
    CHECK(std::string_view{got} == "ab");
    CHECK(received.msg_iov == back);
    CHECK(received.msg_iovlen == 2);
  }
  SECTION("more than there is") {
    on.plan = FaultPlan{};
    on.plan.on(CallSet::transfers).every(Fault::short_count(100));
    CHECK(b.writev(from, out, 3) == Size{6});
    CHECK(b.recvmsg(to, &received, 0) == Size{6});
    CHECK(std::string_view{got} == "abcdef");
  }
  SECTION("of vectors that the kernel refuses") {
    CHECK(b.writev(from, out, -1) == Size::failure(EINVAL));
    CHECK(b.writev(from, out, 0) == Size{0});
  }
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: what goes whole is not cut", "[faults]", test::FaultyBackends) {
  TestType on;
  on.plan.on(CallSet::transfers).every(one_byte);
  std::array<char, PIPE_BUF + 1> bytes{};
  SECTION("a number") {
    typename Handles<TestType>::EventFd event{on.backend, 0u};
    event.write(7);
    CHECK(event.read() == 7);
  }
  SECTION("datagrams and packets") {
    const int type = GENERATE(SOCK_DGRAM, SOCK_SEQPACKET);
    int fds[2];
    REQUIRE(on.backend.socketpair(AF_UNIX, type, 0, fds).ok());
    CHECK(on.backend.write(fds[0], "abc", 3) == Size{3});
    CHECK(on.backend.read(fds[1], bytes.data(), 8) == Size{3});
    for (const int fd : fds) CHECK(on.backend.close(fd).ok());
  }
  SECTION("UDP") {
    auto socket = Handles<TestType>::UdpSocket::bound_to(on.backend, Ipv4::loopback(0));
    socket.send_to(socket.local_address(), std::string_view{"abc"});
    CHECK(socket.receive_from(bytes).size == 3);
  }
  SECTION("a small write to a pipe, but not a large one, nor a read") {
    typename Handles<TestType>::Pipe pipe{on.backend};
    CHECK(pipe.writer.try_write(std::span{bytes}.first(PIPE_BUF)) == PIPE_BUF);
    CHECK(pipe.writer.try_write(bytes) == 1u);
    CHECK(pipe.reader.try_read(bytes) == 1u);
  }
  SECTION("packets of a pipe") {
    int fds[2];
    REQUIRE(on.backend.pipe2(fds, O_DIRECT).ok());
    CHECK(on.backend.write(fds[1], bytes.data(), bytes.size()) == Size{bytes.size()});
    CHECK(on.backend.write(fds[1], "abc", 3) == Size{3});
    for (const int fd : fds) CHECK(on.backend.close(fd).ok());
  }
  CHECK(on.plan.struck() >= 2);  // They are counted all the same.
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a call that may wait is never told that it would", "[faults]",
                        test::FaultyBackends) {
  TestType on;
  auto [ours, theirs] = Handles<TestType>::UnixStream::pair(on.backend, SocketFlags{});
  const auto& b = on.backend;
  char got[8];
  ours.send(std::string_view{"abc"});
  on.plan.on(Call::recvfrom).every(Fault::not_ready());
  CHECK(b.recvfrom(theirs.fd(), got, 1, MSG_DONTWAIT, nullptr, nullptr) == Size::failure(EAGAIN));
  CHECK(b.recvfrom(theirs.fd(), got, 1, 0, nullptr, nullptr) == Size{1});
  REQUIRE(b.fcntl(theirs.fd(), F_SETFL, O_NONBLOCK).ok());
  CHECK(b.recvfrom(theirs.fd(), got, 1, 0, nullptr, nullptr) == Size::failure(EAGAIN));
  CHECK(b.recvfrom(-1, got, 1, 0, nullptr, nullptr) == Size::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a delayed call is made later, on the kernel's clock", "[faults]",
                        test::FaultyBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 3u};
  on.plan.on(Call::read | Call::close).every(Fault::delay(1ms));
  const test::Stopwatch watch{on};
  CHECK(event.try_read() == 3u);
  CHECK(watch.up_to(1ms) == 1ms);
  event.close();
  CHECK(watch.up_to(2ms) == 2ms);
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: a rule for an fd or a kind lets others pass", "[faults]",
                        test::FaultyBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 3u};
  typename Handles<TestType>::EventFd other{on.backend, 3u};
  typename Handles<TestType>::Pipe pipe{on.backend};
  pipe.writer.write(std::string_view{"a"});
  char got[8];
  std::error_code ec;
  SECTION("an fd") {
    on.plan.on(Call::read).on_fd(event.fd()).every(interrupted);
    CHECK(other.try_read() == 3u);
  }
  SECTION("a kind") { on.plan.on(Call::read).of_kind("eventfd").every(interrupted); }
  CHECK(pipe.reader.try_read(got) == 1u);
  CHECK(event.try_read(ec) == std::nullopt);
  CHECK(ec == system_error(EINTR));
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: what takes no resources is passed by", "[faults]", test::FaultyBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 0u};
  ::sigset_t set{};
  ::sigemptyset(&set);
  const int signals = on.backend.signalfd(-1, &set, 0).value();
  epoll.add(event, in);
  on.plan.on({Call::epoll_ctl, Call::fcntl, Call::signalfd4}).every(Fault::error(ENOMEM));
  epoll.modify(event, in, 7);
  epoll.remove(event);
  CHECK(on.backend.fcntl(event.fd(), F_GETFL).ok());
  CHECK(on.backend.signalfd(signals, &set, 0) == Count{signals});
  CHECK(on.plan.struck() == 0);
  std::error_code ec;
  epoll.add(event, in, 7, ec);
  CHECK(ec == system_error(ENOMEM));
  CHECK_FALSE(event.duplicate(ec).is_open());
  CHECK(ec == system_error(ENOMEM));
  CHECK(on.backend.signalfd(-1, &set, 0) == Count::failure(ENOMEM));
  CHECK(on.backend.close(signals).ok());
}

TEMPLATE_LIST_TEST_CASE("FaultyBackend: kinds have the same names on both kernels", "[faults]", test::FaultyBackends) {
  TestType on;
  const auto& b = on.backend;
  const auto kind_of_new = [&](Count made) {
    const std::string_view kind = kind_of(b, made.value());
    CHECK(b.close(made.value()).ok());
    return kind;
  };
  ::sigset_t set{};
  ::sigemptyset(&set);
  CHECK(kind_of_new(b.epoll_create1(0)) == "epoll");
  CHECK(kind_of_new(b.eventfd(0, 0)) == "eventfd");
  CHECK(kind_of_new(b.timerfd_create(CLOCK_MONOTONIC, 0)) == "timerfd");
  CHECK(kind_of_new(b.signalfd(-1, &set, 0)) == "signalfd");
  CHECK(kind_of_new(b.open("/dev/null", O_RDWR)) == "plain file");
  CHECK(kind_of_new(b.socket(AF_INET, SOCK_STREAM, 0)) == "tcp socket");
  CHECK(kind_of_new(b.socket(AF_INET6, SOCK_DGRAM, 0)) == "udp socket");
  CHECK(kind_of_new(b.socket(AF_UNIX, SOCK_STREAM, 0)) == "unix stream socket");
  CHECK(kind_of_new(b.socket(AF_UNIX, SOCK_DGRAM, 0)) == "unix datagram socket");
  CHECK(kind_of_new(b.socket(AF_UNIX, SOCK_SEQPACKET, 0)) == "unix seqpacket socket");
  int fds[2];
  REQUIRE(b.pipe2(fds, 0).ok());
  for (const int fd : fds) {
    CHECK(kind_of(b, fd) == "pipe");
    CHECK(b.close(fd).ok());
  }
  CHECK(kind_of(b, -1).empty());
  CHECK(kind_of(b, 1'000'000).empty());
}

TEST_CASE("FaultyBackend: stands in front of the ambient kernel, and of itself", "[faults]") {
  FaultPlan plan;
  FaultPlan more;
  plan.on(Call::read).of_kind("eventfd").nth(1, interrupted);
  more.on(Call::read).of_kind("eventfd").nth(1, full);
  const auto check = [&] {
    plan = FaultPlan{plan};
    const FaultyBackend inner{AmbientBackend{}, plan};
    const FaultyBackend backend{inner, more};
    CHECK(backend.inner() == inner);
    CHECK(&backend.plan() == &more);
    CHECK(inner != FaultyBackend{AmbientBackend{}, more});
    const int fd = any_fd(backend).value();
    std::uint64_t count = 0;
    const Size results[] = {backend.read(fd, &count, 8), backend.read(fd, &count, 8), backend.read(fd, &count, 8)};
    CHECK(results[0] == Size::failure(EMFILE));
    CHECK(results[1] == Size::failure(EINTR));
    CHECK(results[2] == Size::failure(EAGAIN));
    CHECK(backend.close(fd).ok());
  };
  SECTION("Linux") { check(); }
  SECTION("emulated") {
    kernel::Kernel kernel;
    const kernel::InstalledForThisThread installed{kernel};
    check();
  }
}

TEST_CASE("FaultyBackend: a backend that knows no kinds is met by rules without", "[faults]") {
  FaultPlan plan;
  const FaultyMine backend{Mine{}, plan};
  plan.on(Call::read).of_kind("pipe").every(interrupted);
  plan.on(Call::read).nth(2, Fault::short_count(3));
  char bytes[8];
  CHECK(backend.read(5, bytes, 8) == Size{8});
  CHECK(backend.read(5, bytes, 8) == Size{3});  // It is taken for a stream.
}
