// fd numbers: which one a call gives out, what dup shares, what closing ends, and the limit on them.
#include "../support/bad_pointers.hpp"
#include "../support/file_limit.hpp"
#include "../support/poll_bits.hpp"
#include "../support/raw_pipe.hpp"

#include <climits>
#include <sys/un.h>

using namespace rouse;
using test::Handles;

namespace {

using Int = SysResult<int>;
using Void = SysResult<void>;

template <class On>
using Fd = typename Handles<On>::OwnedFd;

template <class On>
Fd<On> make_eventfd(const On& on, int flags = 0) {
  return Fd<On>{on.backend, on.backend.eventfd(0, flags).value()};
}

/// A number that is not open.
template <class On>
int free_number(const On& on) {
  const int fd = on.backend.eventfd(0, 0).value();
  static_cast<void>(on.backend.close(fd));
  return fd;
}

template <class On>
bool is_close_on_exec(const On& on, int fd) {
  return on.backend.fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Fd table: the lowest free number is given out", "[fd_table]", test::AllBackends) {
  TestType on;
  std::vector<Fd<TestType>> fds;
  for (int i = 0; i < 5; ++i) fds.push_back(make_eventfd(on));
  for (int i = 1; i < 5; ++i)
    CHECK(fds[static_cast<std::size_t>(i - 1)].get() < fds[static_cast<std::size_t>(i)].get());
  const int low = fds[1].get();
  const int high = fds[3].get();
  REQUIRE(fds[3].close().ok());
  REQUIRE(fds[1].close().ok());
  const Fd<TestType> first{on.backend, on.backend.dup(fds[0].get()).value()};
  const Fd<TestType> second{on.backend, on.backend.epoll_create1(0).value()};
  const Fd<TestType> third = make_eventfd(on);
  CHECK(first.get() == low);
  CHECK(second.get() == high);
  CHECK(third.get() > fds[4].get());
}

TEMPLATE_LIST_TEST_CASE("Fd table: a pair takes the two lowest free numbers, in order", "[fd_table]",
                        test::AllBackends) {
  TestType on;
  std::vector<Fd<TestType>> fds;
  for (int i = 0; i < 5; ++i) fds.push_back(make_eventfd(on));
  const int low = fds[1].get();
  const int high = fds[3].get();
  for (const bool socket : {false, true}) {
    CAPTURE(socket);
    if (fds[3].is_open()) REQUIRE((fds[3].close().ok() && fds[1].close().ok()));
    int pair[2] = {-1, -1};
    CHECK((socket ? on.backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair) : on.backend.pipe2(pair, 0)).ok());
    CHECK(pair[0] == low);
    CHECK(pair[1] == high);
    for (const int fd : pair) CHECK(on.backend.close(fd).ok());
  }
}

TEMPLATE_LIST_TEST_CASE("Fd table: no number reaches the soft limit", "[fd_table][limit]", test::AllBackends) {
  TestType on;
  const Fd<TestType> fd = make_eventfd(on);
  const int next = free_number(on);
  struct Row {
    const char* call;
    int error;
  };
  std::vector<Row> rows;
  {
    const test::FileLimit limit{on.backend, static_cast<::rlim_t>(next)};
    int pair[2];
    rows.push_back({"eventfd", on.backend.eventfd(0, 0).error()});
    rows.push_back({"epoll_create", on.backend.epoll_create(1).error()});
    rows.push_back({"epoll_create1", on.backend.epoll_create1(0).error()});
    rows.push_back({"dup", on.backend.dup(fd.get()).error()});
    rows.push_back({"F_DUPFD", on.backend.fcntl(fd.get(), F_DUPFD, 0).error()});
    rows.push_back({"F_DUPFD_CLOEXEC", on.backend.fcntl(fd.get(), F_DUPFD_CLOEXEC, 0).error()});
    rows.push_back({"pipe2", on.backend.pipe2(pair, 0).error()});
    rows.push_back({"socket", on.backend.socket(AF_UNIX, SOCK_STREAM, 0).error()});
    rows.push_back({"socketpair", on.backend.socketpair(AF_UNIX, SOCK_STREAM, 0, pair).error()});
    rows.push_back({"accept4", on.backend.accept4(fd.get(), nullptr, nullptr, 0).error()});  // No socket, even.
    rows.push_back({"open", on.backend.open("/dev/null", O_RDONLY).error()});
  }
  for (const Row& row : rows) {
    CAPTURE(row.call);
    CHECK(row.error == EMFILE);
  }
  CHECK(free_number(on) == next);
}

TEMPLATE_LIST_TEST_CASE("Fd table: fds beyond a lowered limit can be used, but not replaced", "[fd_table][limit]",
                        test::AllBackends) {
  TestType on;
  const Fd<TestType> fd = make_eventfd(on, EFD_NONBLOCK);
  const Fd<TestType> other = make_eventfd(on);
  const std::uint64_t one = 1;
  std::vector<Int> results;
  std::size_t wrote = 0;
  {
    const test::FileLimit limit{on.backend, 1};
    wrote = on.backend.write(fd.get(), &one, 8).value();
    results.push_back(on.backend.fcntl(fd.get(), F_GETFL));
    results.push_back(on.backend.fcntl(fd.get(), F_SETFD, FD_CLOEXEC));
    results.push_back(on.backend.dup2(fd.get(), fd.get()));
    results.push_back(on.backend.dup2(fd.get(), other.get()));
    results.push_back(on.backend.dup3(fd.get(), other.get(), 0));
    results.push_back(on.backend.fcntl(fd.get(), F_DUPFD, 1));
    results.push_back(on.backend.fcntl(fd.get(), F_DUPFD, 0));
    results.push_back(on.backend.fcntl(-1, F_DUPFD, 1));
  }
  CHECK(wrote == 8);
  CHECK(results == std::vector<Int>{O_RDWR | O_NONBLOCK, 0, fd.get(), Int::failure(EBADF), Int::failure(EBADF),
                                    Int::failure(EINVAL), Int::failure(EMFILE), Int::failure(EBADF)});
  CHECK(on.backend.fcntl(other.get(), F_GETFL) == O_RDWR);
}

TEMPLATE_LIST_TEST_CASE("Fd table: the limit is checked before it is taken", "[fd_table][limit]", test::AllBackends) {
  TestType on;
  ::rlimit before{};
  REQUIRE(on.backend.getrlimit(RLIMIT_NOFILE, &before).ok());
  CHECK(on.backend.setrlimit(RLIMIT_NOFILE, test::unmapped<::rlimit>()) == Void::failure(EFAULT));
  CHECK(on.backend.setrlimit(RLIM_NLIMITS, test::unmapped<::rlimit>()) == Void::failure(EFAULT));
  CHECK(on.backend.setrlimit(RLIM_NLIMITS, &before) == Void::failure(EINVAL));
  CHECK(on.backend.setrlimit(-1, &before) == Void::failure(EINVAL));
  CHECK(on.backend.getrlimit(RLIM_NLIMITS, test::unmapped<::rlimit>()) == Void::failure(EINVAL));
  CHECK(on.backend.getrlimit(RLIMIT_NOFILE, test::unmapped<::rlimit>()) == Void::failure(EFAULT));
  // The C library asks prlimit(2), which takes a null pointer for "nothing"; its header says that there is none.
  if constexpr (!test::buffers_are_watched) {
    CHECK(on.backend.getrlimit(RLIMIT_NOFILE, test::null<::rlimit>()).ok());
    CHECK(on.backend.setrlimit(RLIMIT_NOFILE, test::null<::rlimit>()).ok());
    CHECK(on.backend.setrlimit(RLIM_NLIMITS, test::null<::rlimit>()) == Void::failure(EINVAL));
  }
  const ::rlimit soft_above_hard{RLIM_INFINITY, RLIM_INFINITY - 1};
  CHECK(on.backend.setrlimit(RLIMIT_NOFILE, &soft_above_hard) == Void::failure(EINVAL));
  const ::rlimit too_much{before.rlim_cur, RLIM_INFINITY};
  CHECK(on.backend.setrlimit(RLIMIT_NOFILE, &too_much) == Void::failure(EPERM));
  ::rlimit after{};
  REQUIRE(on.backend.getrlimit(RLIMIT_NOFILE, &after).ok());
  CHECK(after.rlim_cur == before.rlim_cur);
  CHECK(after.rlim_max == before.rlim_max);
}

TEMPLATE_LIST_TEST_CASE("Fd table: closing what is not open is EBADF", "[fd_table][close]", test::AllBackends) {
  TestType on;
  const int fd = on.backend.eventfd(0, 0).value();
  CHECK(on.backend.close(fd).ok());
  CHECK(on.backend.close(fd) == Void::failure(EBADF));
  CHECK(on.backend.close(-1) == Void::failure(EBADF));
  CHECK(on.backend.close(INT_MAX) == Void::failure(EBADF));
  CHECK(on.backend.close(INT_MIN) == Void::failure(EBADF));
  CHECK(on.backend.dup(fd) == Int::failure(EBADF));
  CHECK(on.backend.dup(-1) == Int::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("Fd table: a file lives as long as one number is left", "[fd_table][close]",
                        test::AllBackends) {
  TestType on;
  test::RawPipe<TestType> pipe{on};
  Fd<TestType> second{on.backend, on.backend.dup(pipe.writer()).value()};
  pipe.close_writer();
  CHECK(test::poll_bits(on.backend, pipe.reader()) == EventFlags{});
  // Being replaced by dup2 is as good as being closed.
  const Fd<TestType> event = make_eventfd(on);
  CHECK(on.backend.dup2(event.get(), second.get()) == second.get());
  CHECK(test::poll_bits(on.backend, pipe.reader()) == EventFlags::hup);
  CHECK(test::poll_bits(on.backend, second.get()) == EventFlags::out);
}

TEMPLATE_LIST_TEST_CASE("Fd table: dup2 onto itself changes nothing", "[fd_table][dup]", test::AllBackends) {
  TestType on;
  const Fd<TestType> fd = make_eventfd(on, EFD_CLOEXEC);
  const int closed = free_number(on);
  CHECK(on.backend.dup2(fd.get(), fd.get()) == fd.get());
  CHECK(is_close_on_exec(on, fd.get()));
  CHECK(on.backend.dup2(closed, closed) == Int::failure(EBADF));
  CHECK(on.backend.dup2(-1, -1) == Int::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("Fd table: dup2 and dup3 refuse in order", "[fd_table][dup]", test::AllBackends) {
  TestType on;
  const Fd<TestType> fd = make_eventfd(on);
  const Fd<TestType> other = make_eventfd(on);
  const int a = fd.get();
  const int closed = free_number(on);
  for (const int to : {-1, INT_MIN, INT_MAX}) CHECK(on.backend.dup2(a, to) == Int::failure(EBADF));
  CHECK(on.backend.dup2(closed, other.get()) == Int::failure(EBADF));
  CHECK(on.backend.fcntl(other.get(), F_GETFD) == 0);  // Still there.
  CHECK(on.backend.dup3(a, a, O_APPEND) == Int::failure(EINVAL));
  CHECK(on.backend.dup3(-1, INT_MAX, O_NONBLOCK) == Int::failure(EINVAL));
  CHECK(on.backend.dup3(a, a, 0) == Int::failure(EINVAL));
  CHECK(on.backend.dup3(a, a, O_CLOEXEC) == Int::failure(EINVAL));
  CHECK(on.backend.dup3(closed, closed, 0) == Int::failure(EINVAL));
  CHECK(on.backend.dup3(-1, -1, 0) == Int::failure(EINVAL));
  CHECK(on.backend.dup3(a, -1, 0) == Int::failure(EBADF));
  CHECK(on.backend.dup3(closed, -1, 0) == Int::failure(EBADF));
  CHECK(on.backend.dup3(closed, other.get(), 0) == Int::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("Fd table: close-on-exec belongs to the number, and only two calls set it on a duplicate",
                        "[fd_table][dup]", test::AllBackends) {
  TestType on;
  const Fd<TestType> fd = make_eventfd(on, EFD_CLOEXEC);
  struct Row {
    const char* call;
    Int made;
    bool expected;
  };
  const int number = free_number(on);
  const Row rows[] = {{"dup", on.backend.dup(fd.get()), false},
                      {"dup2", on.backend.dup2(fd.get(), number + 5), false},
                      {"dup3", on.backend.dup3(fd.get(), number + 6, 0), false},
                      {"dup3 O_CLOEXEC", on.backend.dup3(fd.get(), number + 7, O_CLOEXEC), true},
                      {"F_DUPFD", on.backend.fcntl(fd.get(), F_DUPFD, 0), false},
                      {"F_DUPFD_CLOEXEC", on.backend.fcntl(fd.get(), F_DUPFD_CLOEXEC, 0), true}};
  for (const Row& row : rows) {
    CAPTURE(row.call);
    REQUIRE(row.made.ok());
    CHECK(is_close_on_exec(on, row.made.value()) == row.expected);
    CHECK(on.backend.close(row.made.value()).ok());
  }
  CHECK(is_close_on_exec(on, fd.get()));
}

TEMPLATE_LIST_TEST_CASE("Fd table: dup3 replaces close-on-exec along with the file", "[fd_table][dup]",
                        test::AllBackends) {
  TestType on;
  const Fd<TestType> fd = make_eventfd(on);
  const Fd<TestType> target = make_eventfd(on, EFD_CLOEXEC);
  CHECK(on.backend.dup2(fd.get(), target.get()) == target.get());
  CHECK_FALSE(is_close_on_exec(on, target.get()));
  CHECK(on.backend.dup3(fd.get(), target.get(), O_CLOEXEC) == target.get());
  CHECK(is_close_on_exec(on, target.get()));
  // A number that is given out again starts without.
  const int number = target.get();
  CHECK(on.backend.close(number).ok());
  CHECK(on.backend.dup2(fd.get(), number) == number);
  CHECK_FALSE(is_close_on_exec(on, number));
}

TEMPLATE_LIST_TEST_CASE("Fd table: F_DUPFD gives the lowest free number from a minimum on", "[fd_table][dup]",
                        test::AllBackends) {
  TestType on;
  const Fd<TestType> fd = make_eventfd(on);
  const auto duplicate = [&](long minimum) { return on.backend.fcntl(fd.get(), F_DUPFD, minimum); };
  const Fd<TestType> hundred{on.backend, duplicate(100).value()};
  const Fd<TestType> next{on.backend, duplicate(100).value()};
  CHECK(hundred.get() >= 100);
  CHECK(next.get() > hundred.get());
  const Fd<TestType> low{on.backend, duplicate(0).value()};
  CHECK(low.get() < 100);
  // Of the argument, the kernel takes the lower 32 bits.
  const Fd<TestType> truncated{on.backend, duplicate((long{1} << 32) + 100).value()};
  CHECK(truncated.get() > next.get());
  ::rlimit limit{};
  REQUIRE(on.backend.getrlimit(RLIMIT_NOFILE, &limit).ok());
  CHECK(duplicate(-1) == Int::failure(EINVAL));
  CHECK(duplicate(INT_MIN) == Int::failure(EINVAL));
  CHECK(duplicate(INT_MAX) == Int::failure(EINVAL));
  CHECK(on.backend.fcntl(free_number(on), F_DUPFD, -1) == Int::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("Fd table: numbers far apart do not disturb each other", "[fd_table]", test::AllBackends) {
  TestType on;
  const auto room = test::FileLimit<typename TestType::Backend>::room_for(on.backend, 1000);
  const Fd<TestType> fd = make_eventfd(on);
  std::vector<Fd<TestType>> far;
  for (const int number : {63, 64, 65, 127, 128, 500, 900}) {
    far.emplace_back(on.backend, on.backend.fcntl(fd.get(), F_DUPFD, number).value());
    CHECK(far.back().get() >= number);
  }
  const int second = far[1].get();
  const int sixth = far[5].get();
  REQUIRE(far[5].close().ok());
  REQUIRE(far[1].close().ok());
  CHECK(on.backend.fcntl(fd.get(), F_DUPFD, 64) == second);
  CHECK(on.backend.fcntl(fd.get(), F_DUPFD, 500) == sixth);
  CHECK(on.backend.close(second).ok());
  CHECK(on.backend.close(sixth).ok());
}
