// epoll_create(2) and what an epoll is as a file: its flags, and that it holds no bytes.
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/stopwatch.hpp"

#include <climits>
#include <sys/ioctl.h>

using namespace rouse;
using test::Handles;
using namespace std::chrono_literals;

namespace {

/// Makes an epoll and closes it; what remains to be said is the error, or 0.
template <class B>
int error_of(const B& backend, SysResult<int> made) {
  if (made.ok()) static_cast<void>(backend.close(made.value()));
  return made.error();
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("epoll_create: a size has to be positive and means nothing", "[epoll][create]",
                        test::AllBackends) {
  TestType on;
  struct Row {
    int size;
    int error;
  };
  for (const Row row : {Row{0, EINVAL}, {-1, EINVAL}, {INT_MIN, EINVAL}, {1, 0}, {2, 0}, {INT_MAX, 0}}) {
    CAPTURE(row.size);
    CHECK(error_of(on.backend, on.backend.epoll_create(row.size)) == row.error);
  }
}

TEMPLATE_LIST_TEST_CASE("epoll_create1: close-on-exec is the only flag", "[epoll][create]", test::AllBackends) {
  TestType on;
  CHECK(error_of(on.backend, on.backend.epoll_create1(0)) == 0);
  for (int bit = 0; bit < 32; ++bit) {
    const auto flag = static_cast<int>(1u << bit);
    CAPTURE(bit);
    CHECK(error_of(on.backend, on.backend.epoll_create1(flag)) == (flag == EPOLL_CLOEXEC ? 0 : EINVAL));
    CHECK(error_of(on.backend, on.backend.epoll_create1(flag | EPOLL_CLOEXEC)) == (flag == EPOLL_CLOEXEC ? 0 : EINVAL));
  }
}

TEMPLATE_LIST_TEST_CASE("epoll_create: arguments are checked before the limit on fds", "[epoll][create]",
                        test::AllBackends) {
  TestType on;
  int errors[4];
  {
    const test::FileLimit limit{on.backend, 0};
    errors[0] = on.backend.epoll_create(0).error();
    errors[1] = on.backend.epoll_create1(O_NONBLOCK).error();
    errors[2] = on.backend.epoll_create(1).error();
    errors[3] = on.backend.epoll_create1(EPOLL_CLOEXEC).error();
  }
  CHECK(errors[0] == EINVAL);
  CHECK(errors[1] == EINVAL);
  CHECK(errors[2] == EMFILE);
  CHECK(errors[3] == EMFILE);
}

TEMPLATE_LIST_TEST_CASE("epoll_create: takes the lowest free number", "[epoll][create]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll first{on.backend};
  typename Handles<TestType>::Epoll second{on.backend};
  const int lower = first.fd();
  CHECK(second.fd() > lower);
  first.close();
  typename Handles<TestType>::Epoll third{on.backend};
  CHECK(third.fd() == lower);
}

TEMPLATE_LIST_TEST_CASE("epoll_create: the fd is open for both directions, and close-on-exec if asked",
                        "[epoll][create]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::OwnedFd by_size{on.backend, on.backend.epoll_create(1).value()};
  typename Handles<TestType>::OwnedFd plain{on.backend, on.backend.epoll_create1(0).value()};
  typename Handles<TestType>::OwnedFd cloexec{on.backend, on.backend.epoll_create1(EPOLL_CLOEXEC).value()};
  for (const int fd : {by_size.get(), plain.get(), cloexec.get()}) {
    CHECK(on.backend.fcntl(fd, F_GETFL) == SysResult<int>{O_RDWR});
  }
  CHECK(on.backend.fcntl(by_size.get(), F_GETFD) == SysResult<int>{0});
  CHECK(on.backend.fcntl(plain.get(), F_GETFD) == SysResult<int>{0});
  CHECK(on.backend.fcntl(cloexec.get(), F_GETFD) == SysResult<int>{FD_CLOEXEC});
}

TEMPLATE_LIST_TEST_CASE("Epoll: holds no bytes to read or write", "[epoll][create]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  const int fd = epoll.fd();
  char bytes[16] = {};
  const SysResult<std::size_t> refused = SysResult<std::size_t>::failure(EINVAL);
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{8}, sizeof bytes}) {
    CAPTURE(n);
    CHECK(on.backend.read(fd, bytes, n) == refused);
    CHECK(on.backend.write(fd, bytes, n) == refused);
    CHECK(on.backend.read(fd, nullptr, n) == refused);
    CHECK(on.backend.write(fd, nullptr, n) == refused);
  }
  const ::iovec vector{bytes, sizeof bytes};
  for (const int n : {0, 1, -1, 2000}) {
    CAPTURE(n);
    CHECK(on.backend.readv(fd, n == 1 ? &vector : nullptr, n) == refused);
    CHECK(on.backend.writev(fd, n == 1 ? &vector : nullptr, n) == refused);
  }
  for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{100}, std::int64_t{-1}}) {
    CAPTURE(offset);
    CHECK(on.backend.lseek(fd, offset, SEEK_SET) == SysResult<std::int64_t>{0});
  }
  CHECK(on.backend.lseek(fd, 0, 9) == SysResult<std::int64_t>::failure(EINVAL));
  CHECK(on.backend.pread(fd, bytes, 1, 0) == SysResult<std::size_t>::failure(ESPIPE));
}

TEMPLATE_LIST_TEST_CASE("Epoll: status flags are kept without effect", "[epoll][create]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  const int fd = epoll.fd();
  struct Row {
    int asked;
    int error;
    int kept;
  };
  for (const Row row : {Row{O_NONBLOCK, 0, O_NONBLOCK},
                        {O_APPEND, 0, O_APPEND},
                        {O_NOATIME, 0, O_NOATIME},
                        {O_ASYNC, 0, 0},
                        {O_DIRECT, EINVAL, 0},
                        {O_WRONLY | O_CREAT | O_CLOEXEC, 0, 0}}) {
    CAPTURE(row.asked);
    CHECK(on.backend.fcntl(fd, F_SETFL, row.asked).error() == row.error);
    CHECK(on.backend.fcntl(fd, F_GETFL) == SysResult<int>{O_RDWR | row.kept});
  }
  int yes = 1;
  CHECK(on.backend.ioctl(fd, FIONBIO, &yes) == SysResult<int>{0});
  CHECK(on.backend.fcntl(fd, F_GETFL) == SysResult<int>{O_RDWR | O_NONBLOCK});
  // A wait on a non-blocking epoll takes its time all the same.
  Event room[1];
  const test::Stopwatch watch{on};
  const SysResult<int> waited = on.backend.epoll_wait(fd, room, 1, 2);
  CHECK(waited == SysResult<int>{0});
  CHECK(watch.up_to(2ms) == 2ms);
}

TEMPLATE_LIST_TEST_CASE("Epoll: an unknown ioctl is EINVAL", "[epoll][create]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  int number = 0;
  for (const unsigned long request : {static_cast<unsigned long>(FIONREAD), 0x1234ul, 0ul, 0x8a00ul}) {
    CAPTURE(request);
    CHECK(on.backend.ioctl(epoll.fd(), request, &number) == SysResult<int>::failure(EINVAL));
    CHECK(on.backend.ioctl(epoll.fd(), request, nullptr) == SysResult<int>::failure(EINVAL));
  }
  CHECK(on.backend.ioctl(event.fd(), 0x1234, &number) == SysResult<int>::failure(ENOTTY));
}

TEMPLATE_LIST_TEST_CASE("Epoll: busy-poll parameters are checked in order and kept per epoll", "[epoll][create]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::Epoll other{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  const auto set = [&](int fd, BusyPoll wanted) { return on.backend.ioctl(fd, epiocsparams, &wanted).error(); };
  const auto get = [&](int fd) {
    BusyPoll kept{1, 2, 1, 3};
    CHECK(on.backend.ioctl(fd, epiocgparams, &kept).ok());
    return kept;
  };
  CHECK(get(epoll.fd()) == BusyPoll{});

  constexpr BusyPoll good{INT_MAX, 64, 1, 0};
  CHECK(set(epoll.fd(), good) == 0);
  CHECK(get(epoll.fd()) == good);
  CHECK(get(other.fd()) == BusyPoll{});
  CHECK(get(epoll.duplicate().fd()) == good);

  CHECK(set(-1, good) == EBADF);
  CHECK(set(event.fd(), good) == ENOTTY);
  CHECK(on.backend.ioctl(event.fd(), epiocsparams, nullptr).error() == ENOTTY);
  CHECK(on.backend.ioctl(epoll.fd(), epiocsparams, nullptr).error() == EFAULT);
  CHECK(on.backend.ioctl(epoll.fd(), epiocgparams, nullptr).error() == EFAULT);
  for (const BusyPoll bad : {BusyPoll{1, 1, 0, 1}, {INT_MAX + 1u, 1, 0, 0}, {1, 1, 2, 0}, {1, 65, 0, 1}}) {
    CAPTURE(bad.microseconds, bad.budget, bad.prefer, bad.reserved);
    CHECK(set(epoll.fd(), bad) == EINVAL);
    CHECK(get(epoll.fd()) == good);
  }
  CHECK(set(epoll.fd(), BusyPoll{}) == 0);
  CHECK(get(epoll.fd()) == BusyPoll{});
}
