// rouse::posix: libc's names on the installed kernel, else on Linux.
#include "rouse/posix.hpp"

#include "../support/catch.hpp"
#include "rouse/kernel/invariants.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <sys/ioctl.h>
#include <sys/un.h>

namespace posix = rouse::posix;
using rouse::kernel::Installed;
using rouse::kernel::Kernel;

namespace {

/// A kernel installed for the length of a case, or Linux.
class AnyKernel {
 public:
  explicit AnyKernel(bool emulated) {
    if (!emulated) return;
    kernel_ = std::make_unique<Kernel>();
    kernel_->check_every_call(rouse::kernel::check_invariants);
    installed_ = std::make_unique<Installed>(*kernel_);
  }

 private:
  std::unique_ptr<Kernel> kernel_;
  std::unique_ptr<Installed> installed_;
};

/// What a call came to: its value, or its errno negated.
template <class Value>
long outcome(Value value) {
  return value == -1 ? -errno : static_cast<long>(value);
}

int signals_seen = 0;

}  // namespace

TEST_CASE("posix: without a kernel installed, the calls are Linux's", "[posix]") {
  const int fd = posix::eventfd(3, EFD_NONBLOCK);
  REQUIRE(fd >= 0);
  ::eventfd_t value = 0;
  CHECK(::eventfd_read(fd, &value) == 0);
  CHECK(value == 3);
  CHECK(posix::close(fd) == 0);
  CHECK(::fcntl(fd, F_GETFD) == -1);
  CHECK(posix::getpid() == ::getpid());
}

TEST_CASE("posix: with a kernel installed, Linux is not asked", "[posix][emulated]") {
  const AnyKernel any{true};
  const int fd = posix::eventfd(3, 0);
  CHECK(fd == 3);
  CHECK(posix::getpid() == rouse::kernel::process_id);
  CHECK(posix::gettid() == rouse::kernel::process_id);
  CHECK(posix::close(fd) == 0);
}

TEST_CASE("posix: an error is -1 and errno, and success leaves errno alone", "[posix][errors]") {
  const AnyKernel any{GENERATE(false, true)};
  errno = 0;
  CHECK(posix::close(-1) == -1);
  CHECK(errno == EBADF);
  errno = ENOTTY;
  const int fd = posix::epoll_create1(0);
  CHECK(fd >= 0);
  CHECK(errno == ENOTTY);
  char byte = 0;
  CHECK(posix::read(fd, &byte, 1) == -1);
  CHECK(errno == EINVAL);
  CHECK(posix::lseek(fd, 0, 99) == -1);
  CHECK(errno == EINVAL);
  ::sigset_t empty;
  ::sigemptyset(&empty);
  CHECK(posix::pthread_sigmask(99, &empty, nullptr) == EINVAL);
  CHECK(posix::close(fd) == 0);
}

TEST_CASE("posix: epoll over an eventfd and a pipe", "[posix][epoll]") {
  const AnyKernel any{GENERATE(false, true)};
  const int epoll = posix::epoll_create(1);
  const int event = posix::eventfd(0, 0);
  int pipe[2] = {};
  REQUIRE(posix::pipe(pipe) == 0);
  ::epoll_event wanted{EPOLLIN, {.u64 = 7}};
  REQUIRE(posix::epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) == 0);
  wanted.data.u64 = 8;
  REQUIRE(posix::epoll_ctl(epoll, EPOLL_CTL_ADD, pipe[0], &wanted) == 0);
  ::epoll_event got[4] = {};
  CHECK(posix::epoll_wait(epoll, got, 4, 0) == 0);
  CHECK(posix::eventfd_write(event, 5) == 0);
  CHECK(posix::epoll_pwait(epoll, got, 4, -1, nullptr) == 1);
  CHECK(std::uint64_t{got[0].data.u64} == 7);  // It is packed: no reference to it.
  CHECK(posix::write(pipe[1], "abc", 3) == 3);
  CHECK(posix::epoll_pwait2(epoll, got, 4, nullptr, nullptr) == 2);
  CHECK(std::uint64_t{got[1].data.u64} == 8);
  ::eventfd_t value = 0;
  CHECK(posix::eventfd_read(event, &value) == 0);
  CHECK(value == 5);
  int available = 0;
  CHECK(posix::ioctl(pipe[0], FIONREAD, &available) == 0);
  CHECK(available == 3);
  char text[8] = {};
  const ::iovec parts[2] = {{text, 1}, {text + 4, 4}};
  CHECK(posix::readv(pipe[0], parts, 2) == 3);
  CHECK(std::string(text, 6) == std::string("a\0\0\0bc", 6));
  CHECK(posix::writev(pipe[1], parts, 2) == 5);
  CHECK(outcome(posix::pread(pipe[0], text, 1, 0)) == -ESPIPE);
  CHECK(outcome(posix::pwrite(pipe[1], text, 1, 0)) == -ESPIPE);
  for (const int fd : {epoll, event, pipe[0], pipe[1]}) CHECK(posix::close(fd) == 0);
}

TEST_CASE("posix: duplicates and flags", "[posix][fd]") {
  const AnyKernel any{GENERATE(false, true)};
  int pipe[2] = {};
  REQUIRE(posix::pipe2(pipe, O_CLOEXEC) == 0);
  CHECK(posix::fcntl(pipe[0], F_GETFD) == FD_CLOEXEC);
  CHECK(posix::fcntl(pipe[0], F_SETFL, O_NONBLOCK) == 0);
  CHECK(posix::fcntl(pipe[0], F_GETFL) == (O_RDONLY | O_NONBLOCK));
  const int copy = posix::dup(pipe[0]);
  CHECK(posix::fcntl(copy, F_GETFD) == 0);
  CHECK(posix::dup2(pipe[1], copy) == copy);
  CHECK(posix::dup3(pipe[1], copy, O_CLOEXEC) == copy);
  CHECK(posix::fcntl(copy, F_DUPFD, 50) >= 50);
  CHECK(posix::close(50) == 0);
  const int null = posix::open("/dev/null", O_RDWR);
  CHECK(posix::write(null, "x", 1) == 1);
  ::rlimit limit{};
  CHECK(posix::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(posix::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  ::timespec now{};
  CHECK(posix::clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  constexpr auto* rest = posix::nanosleep;
  constexpr auto* rest_by = posix::clock_nanosleep;
  const auto here = rouse::CallSite::current();  // By a pointer, there is no default.
  now = {};
  CHECK(rest(&now, nullptr, here) == 0);
  CHECK(rest_by(CLOCK_MONOTONIC, 0, &now, nullptr, here) == 0);
  now.tv_nsec = -1;
  CHECK(outcome(rest(&now, nullptr, here)) == -EINVAL);
  CHECK(rest_by(CLOCK_MONOTONIC, 0, &now, nullptr, here) == EINVAL);
  for (const int fd : {pipe[0], pipe[1], copy, null}) CHECK(posix::close(fd) == 0);
}

TEST_CASE("posix: a unix server and its client", "[posix][unix]") {
  const AnyKernel any{GENERATE(false, true)};
  const int listener = posix::socket(AF_UNIX, SOCK_STREAM, 0);
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto* const raw = reinterpret_cast<::sockaddr*>(&address);
  REQUIRE(posix::bind(listener, raw, sizeof address.sun_family) == 0);
  ::socklen_t n = sizeof address;
  REQUIRE(posix::getsockname(listener, raw, &n) == 0);
  REQUIRE(posix::listen(listener, 4) == 0);
  const int client = posix::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(posix::connect(client, raw, n) == 0);
  const int server = posix::accept(listener, nullptr, nullptr);
  REQUIRE(server >= 0);
  CHECK(outcome(posix::accept4(listener, nullptr, nullptr, 1)) == -EINVAL);
  CHECK(posix::getpeername(client, raw, &n) == 0);
  CHECK(posix::send(client, "hello", 5, 0) == 5);
  CHECK(posix::sendto(client, "!", 1, MSG_NOSIGNAL, nullptr, 0) == 1);
  char text[8] = {};
  CHECK(posix::recv(server, text, 2, MSG_PEEK) == 2);
  CHECK(posix::recvfrom(server, text, sizeof text, 0, nullptr, nullptr) == 6);
  CHECK(std::string(text) == "hello!");
  int type = 0;
  ::socklen_t size = sizeof type;
  CHECK(posix::getsockopt(server, SOL_SOCKET, SO_TYPE, &type, &size) == 0);
  CHECK(type == SOCK_STREAM);
  CHECK(posix::setsockopt(server, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
  CHECK(posix::shutdown(server, SHUT_RDWR) == 0);
  int pair[2] = {};
  CHECK(posix::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  ::iovec part{text, 2};
  ::msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  CHECK(posix::sendmsg(pair[0], &message, 0) == 2);
  CHECK(posix::recvmsg(pair[1], &message, 0) == 2);
  for (const int fd : {listener, client, server, pair[0], pair[1]}) CHECK(posix::close(fd) == 0);
  CHECK(outcome(posix::unlink("/nonexistent/socket")) == -ENOENT);
}

TEST_CASE("posix: poll, ppoll, select and pselect", "[posix][poll]") {
  const AnyKernel any{GENERATE(false, true)};
  const int event = posix::eventfd(1, 0);
  ::pollfd entry{event, POLLIN, 0};
  CHECK(posix::poll(&entry, 1, -1) == 1);
  CHECK(posix::ppoll(&entry, 1, nullptr, nullptr) == 1);
  ::fd_set set;
  FD_ZERO(&set);
  FD_SET(event, &set);
  ::timeval second{1, 0};
  CHECK(posix::select(event + 1, &set, nullptr, nullptr, &second) == 1);
  CHECK(posix::pselect(event + 1, &set, nullptr, nullptr, nullptr, nullptr) == 1);
  CHECK(posix::close(event) == 0);
}

TEST_CASE("posix: signals", "[posix][signal]") {
  const AnyKernel any{GENERATE(false, true)};
  struct ::sigaction action {};
  struct ::sigaction before {};
  action.sa_handler = [](int) { ++signals_seen; };
  REQUIRE(posix::sigaction(SIGUSR1, &action, &before) == 0);
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  signals_seen = 0;
  CHECK(posix::raise(SIGUSR1) == 0);
  CHECK(posix::sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  CHECK(posix::kill(posix::getpid(), SIGUSR1) == 0);
  CHECK(signals_seen == 1);
  ::sigset_t pending;
  CHECK(posix::sigpending(&pending) == 0);
  CHECK(::sigismember(&pending, SIGUSR1) == 1);
  CHECK(posix::pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
  CHECK(signals_seen == 2);
  CHECK(posix::sigaction(SIGUSR1, &before, nullptr) == 0);
}

TEST_CASE("posix: timerfd and signalfd", "[posix][timerfd][signalfd]") {
  const AnyKernel any{GENERATE(false, true)};
  const int timer = posix::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  ::itimerspec setting{{0, 0}, {0, 1}};
  CHECK(posix::timerfd_settime(timer, 0, &setting, nullptr) == 0);
  ::pollfd entry{timer, POLLIN, 0};
  CHECK(posix::poll(&entry, 1, -1) == 1);
  std::uint64_t count = 0;
  CHECK(posix::read(timer, &count, sizeof count) == sizeof count);
  CHECK(count == 1);
  CHECK(posix::timerfd_gettime(timer, &setting) == 0);
  CHECK(setting.it_value.tv_nsec == 0);
  CHECK(outcome(posix::timerfd_create(99, 0)) == -EINVAL);
  CHECK(outcome(posix::timerfd_settime(timer, 99, &setting, nullptr)) == -EINVAL);
  CHECK(outcome(posix::timerfd_gettime(-1, &setting)) == -EBADF);

  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  CHECK(posix::sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  const int signals = posix::signalfd(-1, &set, SFD_NONBLOCK);
  CHECK(posix::raise(SIGUSR1) == 0);
  ::signalfd_siginfo info{};
  CHECK(posix::read(signals, &info, sizeof info) == sizeof info);
  CHECK(info.ssi_signo == SIGUSR1);
  CHECK(posix::signalfd(signals, &set, 0) == signals);
  CHECK(outcome(posix::signalfd(timer, &set, 0)) == -EINVAL);
  CHECK(posix::sigprocmask(SIG_UNBLOCK, &set, nullptr) == 0);
  for (const int fd : {timer, signals}) CHECK(posix::close(fd) == 0);
}
