// The calls where Linux cannot be asked: limits that a test must not change there, the low numbers a program holds
// already, calls that need no privilege here, and what is not modelled.
#include "rouse/kernel/syscalls.hpp"

#include "../support/backends.hpp"
#include "../support/bad_pointers.hpp"
#include "../support/fake_file.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/time.h>

using namespace rouse;
using kernel::NotModelled;
using test::OnEmulated;

namespace {

using Int = SysResult<int>;
using Void = SysResult<void>;
using Size = SysResult<std::size_t>;

int pipe_writer(const OnEmulated& on) {
  int fds[2];
  REQUIRE(on.backend.pipe2(fds, 0).ok());
  return fds[1];
}

}  // namespace

TEST_CASE("Syscalls: 0 is a number like any other", "[syscalls][fd_table]") {
  const OnEmulated on;
  REQUIRE(on.backend.close(0).ok());
  ::pollfd entry{0, POLLIN, 0};
  CHECK(on.backend.poll(&entry, 1, 0) == 1);
  CHECK(entry.revents == POLLNVAL);
  CHECK(on.backend.dup(1) == 0);
  REQUIRE(on.backend.close(0).ok());
  CHECK(on.backend.eventfd(0, 0) == 0);
  CHECK(on.backend.dup2(1, 0) == 0);
  CHECK(on.backend.fcntl(0, F_DUPFD, 0) == 3);
}

TEST_CASE("Syscalls: numbers end at the soft limit", "[syscalls][fd_table]") {
  const OnEmulated on;
  CHECK(on.backend.dup2(0, 1023) == 1023);
  CHECK(on.backend.dup2(0, 1024) == Int::failure(EBADF));
  CHECK(on.backend.dup2(0, -1) == Int::failure(EBADF));
  CHECK(on.backend.fcntl(0, F_DUPFD, 1022) == 1022);
  CHECK(on.backend.fcntl(0, F_DUPFD, 1022) == Int::failure(EMFILE));
  CHECK(on.backend.fcntl(0, F_DUPFD, 1024) == Int::failure(EINVAL));
}

TEST_CASE("Syscalls: a limit may be set to what it is, and its hard part only be lowered", "[syscalls][limits]") {
  const OnEmulated on;
  const auto set = [&](::rlim_t soft, ::rlim_t hard) {
    const ::rlimit limit{soft, hard};
    return on.backend.setrlimit(RLIMIT_NOFILE, &limit);
  };
  CHECK(set(1048576, 1048576).ok());
  CHECK(set(100, 200).ok());
  ::rlimit now{};
  CHECK(on.backend.getrlimit(RLIMIT_NOFILE, &now).ok());
  CHECK(now.rlim_cur == 100);
  CHECK(now.rlim_max == 200);
  CHECK(set(100, 201) == Void::failure(EPERM));
  CHECK(set(201, 200) == Void::failure(EINVAL));
  CHECK(set(200, 200).ok());
  CHECK(on.backend.getrlimit(-1, &now) == Void::failure(EINVAL));
  CHECK(on.backend.getrlimit(RLIM_NLIMITS, &now) == Void::failure(EINVAL));
  CHECK_THROWS_AS(on.backend.getrlimit(0, &now), NotModelled);
  CHECK_THROWS_AS(on.backend.getrlimit(RLIM_NLIMITS - 1, &now), NotModelled);
}

TEST_CASE("Syscalls: a pipe may be as large as it is, and beyond pipe-max-size only smaller", "[syscalls][pipe]") {
  OnEmulated on;
  const int fd = pipe_writer(on);
  CHECK(on.backend.fcntl(fd, F_SETPIPE_SZ, 1 << 20) == 1 << 20);
  CHECK(on.backend.fcntl(fd, F_SETPIPE_SZ, (1 << 20) + 1) == Int::failure(EPERM));
  CHECK(on.backend.fcntl(fd, F_SETPIPE_SZ, 1L << 31) == Int::failure(EPERM));
  CHECK(on.backend.fcntl(fd, F_SETPIPE_SZ, (1L << 31) + 1) == Int::failure(EINVAL));
  on.kernel.limits.pipe_max_size = 4096;
  CHECK(on.backend.fcntl(fd, F_SETPIPE_SZ, 1 << 20) == 1 << 20);
  CHECK(on.backend.fcntl(fd, F_SETPIPE_SZ, 1 << 13) == 1 << 13);
  CHECK(on.backend.fcntl(fd, F_SETPIPE_SZ, 1 << 14) == Int::failure(EPERM));
  on.kernel.limits.pipe_max_size = 1 << 26;
  CHECK(on.backend.fcntl(fd, F_SETPIPE_SZ, 1 << 26) == 1 << 26);
  CHECK(on.backend.fcntl(fd, F_GETPIPE_SZ) == 1 << 26);
}

TEST_CASE("Syscalls: a file that takes less than it is given ends a writev", "[syscalls][writev]") {
  OnEmulated on;
  test::FakeFile* file = nullptr;
  const int fd = test::open_fake(on.kernel, file);
  std::string text = "abcdefgh";
  const auto write = [&](std::size_t room, std::size_t first, std::size_t second) {
    file->room = room;
    file->taken.clear();
    // The third is none of the call's.
    const std::array<::iovec, 3> vectors{{{text.data(), first}, {text.data() + first, second}, {text.data(), 8}}};
    const Size wrote = on.backend.writev(fd, vectors.data(), 2);
    CHECK(wrote == file->taken.size());
    return file->taken;
  };
  CHECK(write(8, 3, 2) == "abcde");
  CHECK(write(3, 3, 2) == "abcde");
  CHECK(write(2, 3, 2) == "ab");
  CHECK(write(1, 1, 3) == "ab");
  CHECK(write(8, 0, 2) == "ab");
}

TEST_CASE("Syscalls: which flags, families, options and clocks are refused by name", "[syscalls][not_modelled]") {
  const OnEmulated on;
  for (const int flag : {O_PATH, O_DIRECTORY, O_DIRECT, O_EXCL, O_TMPFILE}) {
    CAPTURE(flag);
    CHECK_THROWS_AS(on.backend.open("/dev/null", O_RDWR | flag), NotModelled);
  }
  const SocketAddress path = *SocketAddress::unix_path("/socket");
  REQUIRE(on.backend.bind(on.backend.socket(AF_UNIX, SOCK_STREAM, 0).value(), path.data(), path.size()).ok());
  CHECK_THROWS_AS(on.backend.open("/socket", O_PATH), NotModelled);
  int fds[2];
  CHECK_THROWS_AS(on.backend.socket(45, SOCK_STREAM, 0), NotModelled);
  CHECK(on.backend.socket(46, SOCK_STREAM, 0) == Int::failure(EAFNOSUPPORT));
  CHECK_THROWS_AS(on.backend.socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), NotModelled);
  CHECK_THROWS_AS(on.backend.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), NotModelled);
  for (const int family : {AF_INET, AF_INET6}) {
    CAPTURE(family);
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      CHECK(on.backend.socketpair(family, type, 0, fds) == Void::failure(EOPNOTSUPP));
      CHECK(on.backend.socketpair(family, type, 255, fds) == Void::failure(EPROTONOSUPPORT));
    }
    CHECK(on.backend.socketpair(family, SOCK_SEQPACKET, 0, fds) == Void::failure(ESOCKTNOSUPPORT));
  }
  const int fd = on.backend.socket(AF_UNIX, SOCK_STREAM, 0).value();
  int value = 0;
  ::socklen_t n = sizeof value;
  for (const int name : {-1, 256}) {
    CAPTURE(name);
    CHECK(on.backend.getsockopt(fd, SOL_SOCKET, name, &value, &n) == Void::failure(ENOPROTOOPT));
    CHECK(on.backend.setsockopt(fd, SOL_SOCKET, name, &value, n) == Void::failure(ENOPROTOOPT));
  }
  for (const int name : {0, 255}) {
    CAPTURE(name);
    CHECK_THROWS_AS(on.backend.getsockopt(fd, SOL_SOCKET, name, &value, &n), NotModelled);
    CHECK_THROWS_AS(on.backend.setsockopt(fd, SOL_SOCKET, name, &value, n), NotModelled);
  }
  ::timespec time{};
  CHECK(on.backend.clock_gettime(CLOCK_BOOTTIME, &time).ok());
  for (const ::clockid_t clock : {CLOCK_MONOTONIC_RAW, CLOCK_TAI}) {
    CHECK_THROWS_AS(on.backend.clock_gettime(clock, &time), NotModelled);
  }
  CHECK(kernel::socket_cast(nullptr) == nullptr);
}

TEST_CASE("Syscalls: short control messages need no memory that is counted", "[syscalls][limits]") {
  OnEmulated on;
  on.kernel.limits.optmem_max = 10;
  int fds[2];
  REQUIRE(on.backend.socketpair(AF_UNIX, SOCK_STREAM, 0, fds).ok());
  ::msghdr message{};
  message.msg_control = test::unmapped();
  message.msg_controllen = 36;
  CHECK(on.backend.sendmsg(fds[0], &message, 0) == Size::failure(EFAULT));
  message.msg_controllen = 37;
  CHECK(on.backend.sendmsg(fds[0], &message, 0) == Size::failure(ENOBUFS));
}

TEST_CASE("Syscalls: the process is its own group", "[syscalls][signal]") {
  const OnEmulated on;
  const int pid = on.backend.getpid().value();
  for (const int to : {pid, 0, -pid}) {
    CAPTURE(to);
    CHECK(on.backend.kill(to, 0).ok());
  }
  for (const int to : {pid + 1, -pid - 1, 1}) {
    CAPTURE(to);
    CHECK(on.backend.kill(to, 0) == Void::failure(ESRCH));
  }
}

TEST_CASE("Syscalls: requests of other files, and of sockets, are refused by name", "[syscalls][not_modelled]") {
  const OnEmulated on;
  const int epoll = on.backend.epoll_create1(0).value();
  int value = 0;
  for (const unsigned long request : std::initializer_list<unsigned long>{FIGETBSZ, FIOQSIZE, FIFREEZE, FITHAW}) {
    CAPTURE(request);
    CHECK_THROWS_AS(on.backend.ioctl(epoll, request, &value), NotModelled);
  }
  const int socket = on.backend.socket(AF_UNIX, SOCK_DGRAM, 0).value();
  for (const unsigned long request : std::initializer_list<unsigned long>{FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP,
                                                                          SIOCGIFNAME, SIOCGIFCONF, 0x89e0}) {
    CAPTURE(request);
    CHECK_THROWS_AS(on.backend.ioctl(socket, request, &value), NotModelled);
    CHECK(!on.backend.ioctl(epoll, request, &value).ok());
  }
  constexpr int f_getowner_uids = 17;
  constexpr int f_created_query = 1028;
  CHECK_THROWS_AS(on.backend.fcntl(epoll, f_getowner_uids, 0), NotModelled);
  CHECK(on.backend.fcntl(epoll, f_created_query, 0) == 0);
}

TEST_CASE("Syscalls: credentials are not passed, and refused by name", "[syscalls][not_modelled]") {
  const OnEmulated on;
  int fds[2];
  REQUIRE(on.backend.socketpair(AF_UNIX, SOCK_STREAM, 0, fds).ok());
  alignas(::cmsghdr) char control[CMSG_SPACE(sizeof(::ucred))] = {};
  ::cmsghdr part{};
  part.cmsg_level = SOL_SOCKET;
  part.cmsg_type = SCM_CREDENTIALS;
  part.cmsg_len = CMSG_LEN(sizeof(::ucred));
  std::memcpy(control, &part, sizeof part);
  ::msghdr message{};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  CHECK_THROWS_AS(on.backend.sendmsg(fds[0], &message, 0), NotModelled);
  // Of another length they are wrong on Linux, too.
  part.cmsg_len = CMSG_LEN(sizeof(::ucred)) - 1;
  std::memcpy(control, &part, sizeof part);
  CHECK(on.backend.sendmsg(fds[0], &message, 0) == Size::failure(EINVAL));
}

// The C library reads and writes these itself, so that Linux is not asked.
TEST_CASE("Syscalls: calls on signals refuse bad addresses and change nothing", "[syscalls][signal][errors]") {
  OnEmulated on;
  const Void fault = Void::failure(EFAULT);
  struct ::sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  struct ::sigaction now {};
  CHECK(on.backend.sigaction(SIGUSR1, test::unmapped<struct ::sigaction>(), nullptr) == fault);
  REQUIRE(on.backend.sigaction(SIGUSR1, nullptr, &now).ok());
  CHECK(now.sa_handler == SIG_DFL);
  // What was there before is told last, when the new one holds.
  CHECK(on.backend.sigaction(SIGUSR1, &ignore, test::unmapped<struct ::sigaction>()) == fault);
  REQUIRE(on.backend.sigaction(SIGUSR1, nullptr, &now).ok());
  CHECK(now.sa_handler == SIG_IGN);

  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  CHECK(on.backend.sigprocmask(SIG_BLOCK, test::unmapped<::sigset_t>(), nullptr) == fault);
  CHECK(on.backend.sigprocmask(SIG_BLOCK, &set, test::unmapped<::sigset_t>()) == fault);
  ::sigset_t blocked;
  REQUIRE(on.backend.sigprocmask(SIG_BLOCK, nullptr, &blocked).ok());
  CHECK(::sigismember(&blocked, SIGUSR1) == 1);
  CHECK(::sigismember(&blocked, SIGUSR2) == 0);
}
