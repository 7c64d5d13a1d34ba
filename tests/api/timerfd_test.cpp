// timerfd_create(2) by its raw calls: what they accept, in which order they refuse, what is counted, what poll says and
// when it wakes.
#include "../support/bad_pointers.hpp"
#include "../support/file_limit.hpp"
#include "../support/poll_bits.hpp"
#include "../support/raw_timer.hpp"
#include "../support/stopwatch.hpp"

#include <array>
#include <sys/ioctl.h>

using namespace rouse;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using test::Handles;
using test::setting_of;
using test::time_of;

namespace {

using Size = SysResult<std::size_t>;
using Int = SysResult<int>;
using Void = SysResult<void>;
using std::uint64_t;

constexpr Size would_block() { return Size::failure(EAGAIN); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("timerfd: which clocks and flags are known", "[timerfd][errors]", test::AllBackends) {
  TestType on;
  for (int clock = -3; clock < 20; ++clock) {
    CAPTURE(clock);
    const bool wakes_machine = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
    const bool is_known = clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME;
    const Int made = on.backend.timerfd_create(clock, 0);
    if (wakes_machine) {
      // On Linux, whoever has CAP_WAKE_ALARM may.
      CHECK((made == Int::failure(EPERM) || (made.ok() && !TestType::is_emulated)));
    } else {
      CHECK(made.error() == (is_known ? 0 : EINVAL));
    }
    if (made.ok()) CHECK(on.backend.close(made.value()).ok());
  }
  for (int bit = 0; bit < 32; ++bit) {
    const int flag = static_cast<int>(1u << bit);
    CAPTURE(bit);
    const Int made = on.backend.timerfd_create(CLOCK_MONOTONIC, flag);
    CHECK(made.error() == ((flag & (TFD_NONBLOCK | TFD_CLOEXEC)) != 0 ? 0 : EINVAL));
    if (!made.ok()) continue;
    CHECK(on.backend.fcntl(made.value(), F_GETFL) == (O_RDWR | (flag & TFD_NONBLOCK)));
    CHECK(on.backend.fcntl(made.value(), F_GETFD) == (flag == TFD_CLOEXEC ? FD_CLOEXEC : 0));
    CHECK(on.backend.close(made.value()).ok());
  }
  CHECK(on.backend.timerfd_create(CLOCK_REALTIME_ALARM, 4) == Int::failure(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("timerfd: clock and flags are checked before the limit on fds", "[timerfd][errors]",
                        test::AllBackends) {
  TestType on;
  Int bad_clock = 0;
  Int bad_flags = 0;
  Int no_room = 0;
  {
    const test::FileLimit limit{on.backend, 0};
    bad_clock = on.backend.timerfd_create(99, 0);
    bad_flags = on.backend.timerfd_create(CLOCK_MONOTONIC, 1);
    no_room = on.backend.timerfd_create(CLOCK_MONOTONIC, 0);
  }
  CHECK(bad_clock == Int::failure(EINVAL));
  CHECK(bad_flags == Int::failure(EINVAL));
  CHECK(no_room == Int::failure(EMFILE));
}

TEMPLATE_LIST_TEST_CASE("timerfd: a setting is refused for its address, its value, its fd, the other address",
                        "[timerfd][errors]", test::AllBackends) {
  TestType on;
  test::RawTimer timer{on};
  const typename Handles<TestType>::EventFd other{on.backend};
  const auto* const nowhere = test::unmapped<::itimerspec>();
  auto* const nowhere_to = test::unmapped<::itimerspec>();
  ::itimerspec good = setting_of(1h, 0s);
  const auto set = [&](int fd, int flags, const ::itimerspec* to, ::itimerspec* before) {
    return on.backend.timerfd_settime(fd, flags, to, before).error();
  };
  CHECK(set(-1, 99, nowhere, nullptr) == EFAULT);
  CHECK(set(timer.fd(), 0, test::null<::itimerspec>(), nullptr) == EFAULT);
  for (const ::timespec bad : {::timespec{-1, 0}, {0, -1}, {0, 1'000'000'000}, {INT64_MIN, 0}}) {
    CAPTURE(bad.tv_sec, bad.tv_nsec);
    const ::itimerspec bad_value{{0, 0}, bad};
    const ::itimerspec bad_interval{bad, {0, 0}};
    CHECK(set(-1, 0, &bad_value, nowhere_to) == EINVAL);
    CHECK(set(-1, TFD_TIMER_ABSTIME, &bad_interval, nowhere_to) == EINVAL);
  }
  for (const int flags : {4, 8, -1}) CHECK(set(-1, flags, &good, nowhere_to) == EINVAL);
  for (const int flags : {0, 1, 2, 3}) {
    CHECK(set(-1, flags, &good, nowhere_to) == EBADF);
    CHECK(set(other.fd(), flags, &good, nowhere_to) == EINVAL);
  }
  CHECK(timer.left() == 0s);
  CHECK(set(timer.fd(), 0, &good, nowhere_to) == EFAULT);
  CHECK(timer.left() > 0s);  // It was set all the same.

  CHECK(on.backend.timerfd_gettime(-1, nowhere_to) == Void::failure(EBADF));
  CHECK(on.backend.timerfd_gettime(other.fd(), nowhere_to) == Void::failure(EINVAL));
  CHECK(on.backend.timerfd_gettime(timer.fd(), nowhere_to) == Void::failure(EFAULT));
  CHECK(on.backend.timerfd_gettime(timer.fd(), test::null<::itimerspec>()) == Void::failure(EFAULT));
}

TEMPLATE_LIST_TEST_CASE("timerfd: a read wants room for eight bytes, then expirations, then a good address",
                        "[timerfd][read][errors]", test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  test::RawTimer timer{on};
  struct Row {
    void* buffer;
    std::size_t size;
    bool expired;
    int error;
    bool taken;
  };
  for (const Row row : {Row{test::unmapped(), 7, false, EINVAL, false},
                        {test::unmapped(), 7, true, EINVAL, false},
                        {test::null(), 0, true, EINVAL, false},
                        {test::unmapped(), 8, false, EAGAIN, false},
                        {test::unmapped(), 8, true, EFAULT, true},
                        {test::null(), 8, true, EFAULT, true},
                        {test::in_kernel_space(), 8, false, EFAULT, false},
                        {test::in_kernel_space(), 8, true, EFAULT, false},
                        {test::in_kernel_space(), 7, true, EFAULT, false}}) {
    CAPTURE(row.buffer, row.size, row.expired);
    REQUIRE((row.expired ? timer.set_past(1ms) : timer.set(0s)).ok());
    CHECK(on.backend.read(timer.fd(), row.buffer, row.size) == Size::failure(row.error));
    CHECK(timer.read() == (row.expired && !row.taken ? Size{1} : would_block()));
  }
  std::array<unsigned char, 32> bytes;
  bytes.fill(0xcc);
  REQUIRE(timer.set_past(1ms).ok());
  CHECK(on.backend.read(timer.fd(), bytes.data(), bytes.size()) == 8);
  CHECK(bytes[0] == 1);
  CHECK(bytes[8] == 0xcc);
}

TEMPLATE_LIST_TEST_CASE("timerfd: readv is one read, and may end in the middle of the count", "[timerfd][vectors]",
                        test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  test::RawTimer timer{on};
  uint64_t value = 0;
  char* const bytes = reinterpret_cast<char*>(&value);
  struct Row {
    std::vector<::iovec> vectors;
    Size result;
    bool taken;
  };
  const std::vector<Row> rows{{{{bytes, 4}, {bytes + 4, 4}}, 8, true},
                              {{{bytes, 3}, {bytes + 3, 4}}, Size::failure(EINVAL), false},
                              {{{bytes, 4}, {test::unmapped(), 4}}, 4, true},
                              {{{bytes, 1}, {test::unmapped(), 7}}, 1, true},
                              {{{test::unmapped(), 4}, {bytes, 4}}, Size::failure(EFAULT), true},
                              {{{bytes, 0}, {bytes, 0}}, 0, false}};
  for (const Row& row : rows) {
    CAPTURE(row.vectors[0].iov_len, row.vectors[1].iov_len);
    REQUIRE(timer.set_past(1ms).ok());
    value = 0;
    CHECK(on.backend.readv(timer.fd(), row.vectors.data(), static_cast<int>(row.vectors.size())) == row.result);
    CHECK(value == (row.result.ok() && row.taken ? 1 : 0));
    CHECK(timer.read() == (row.taken ? would_block() : Size{1}));
  }
}

TEMPLATE_LIST_TEST_CASE("timerfd: it has no write, no position and no unread bytes to ask for", "[timerfd][errors]",
                        test::AllBackends) {
  TestType on;
  const test::RawTimer timer{on};
  uint64_t value = 1;
  CHECK(on.backend.write(timer.fd(), &value, 8) == Size::failure(EINVAL));
  CHECK(on.backend.write(timer.fd(), test::in_kernel_space(), 8) == Size::failure(EINVAL));
  CHECK(on.backend.pread(timer.fd(), &value, 8, 0) == Size::failure(ESPIPE));
  CHECK(on.backend.pwrite(timer.fd(), &value, 8, 0) == Size::failure(ESPIPE));
  CHECK(on.backend.lseek(timer.fd(), 100, SEEK_SET) == 0);
  CHECK(on.backend.ioctl(timer.fd(), FIONREAD, &value) == Int::failure(ENOTTY));
  CHECK(on.backend.ioctl(timer.fd(), TCGETS, &value) == Int::failure(ENOTTY));
}

TEMPLATE_LIST_TEST_CASE("timerfd: it expires once, not earlier than it was set to", "[timerfd]", test::AllBackends) {
  TestType on;
  for (const ::clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
    CAPTURE(clock);
    test::RawTimer timer{on, clock};
    CHECK(timer.read() == would_block());
    {
      const test::Stopwatch watch{on};
      REQUIRE(timer.set(2ms).ok());
      CHECK(timer.wait());
      CHECK(watch.up_to(2ms) == 2ms);
      CHECK(timer.read() == 1);
      CHECK(timer.read() == would_block());
    }
    const test::Stopwatch watch{on};
    REQUIRE(timer.set(timer.now() + 3ms, 0s, TFD_TIMER_ABSTIME).ok());
    CHECK(timer.wait());
    CHECK(watch.up_to(3ms) == 3ms);
    CHECK(timer.read() == 1);
  }
}

TEMPLATE_LIST_TEST_CASE("timerfd: a blocking read sleeps until it expires", "[timerfd][read]", test::AllBackends) {
  TestType on;
  test::RawTimer timer{on, CLOCK_MONOTONIC, 0};
  const test::Stopwatch watch{on};
  REQUIRE(timer.set(2ms, 1h).ok());
  CHECK(timer.read() == 1);
  CHECK(watch.up_to(2ms) == 2ms);
}

TEMPLATE_LIST_TEST_CASE("timerfd: periods that have passed are counted when it is read", "[timerfd][periodic]",
                        test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  test::RawTimer timer{on};
  REQUIRE(timer.set_past(90s, 60s).ok());
  CHECK(timer.read() == 2);
  CHECK(timer.read() == would_block());
  // The next comes in its turn, half a period from now.
  CHECK(timer.left() <= 30s);
  CHECK(timer.left() > 10s);
  REQUIRE(timer.set_past(1s, 1h).ok());
  CHECK(timer.read() == 1);
  CHECK(timer.read() == would_block());
  CHECK(timer.left() > 30min);
}

TEMPLATE_LIST_TEST_CASE("timerfd: asking how long it has to go counts what has passed, and it stays readable",
                        "[timerfd][periodic]", test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  test::RawTimer timer{on};
  REQUIRE(timer.set_past(150s, 60s).ok());
  const ::itimerspec setting = timer.get();
  CHECK(time_of(setting.it_interval) == 60s);
  CHECK(time_of(setting.it_value) <= 30s);
  CHECK(time_of(setting.it_value) > 10s);
  CHECK(test::poll_bits(on.backend, timer.fd()) == EventFlags::in);
  CHECK(timer.read() == 3);
  CHECK(timer.read() == would_block());
}

TEMPLATE_LIST_TEST_CASE("timerfd: what is left is a span also of a moment, and nothing once it has expired",
                        "[timerfd]", test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  for (const ::clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
    CAPTURE(clock);
    test::RawTimer timer{on, clock};
    REQUIRE(timer.set(timer.now() + 1h, 0s, TFD_TIMER_ABSTIME).ok());
    CHECK(timer.left() <= 1h);
    CHECK(timer.left() > 30min);
    REQUIRE(timer.set(1h).ok());
    CHECK(time_of(timer.before.it_value) > 30min);
    CHECK(time_of(timer.before.it_interval) == 0s);
    REQUIRE(timer.set_past(1ms).ok());
    CHECK(timer.left() == 0s);
    CHECK(timer.read() == 1);
    CHECK(timer.left() == 0s);
  }
}

TEMPLATE_LIST_TEST_CASE("timerfd: a setting forgets what was, and tells what it was", "[timerfd]", test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  test::RawTimer timer{on};
  for (const int flags : {0, TFD_TIMER_ABSTIME + 0}) {
    CAPTURE(flags);
    REQUIRE(timer.set_past(90s, 60s).ok());
    REQUIRE(timer.set(0s, 3s, flags).ok());
    CHECK(time_of(timer.before.it_interval) == 60s);
    CHECK(time_of(timer.before.it_value) <= 30s);
    CHECK(time_of(timer.before.it_value) > 10s);
    CHECK(test::poll_bits(on.backend, timer.fd()) == EventFlags{});
    CHECK(timer.read() == would_block());
    // Disarmed, it keeps its interval.
    CHECK(timer.left() == 0s);
    CHECK(time_of(timer.get().it_interval) == 3s);
  }
}

TEMPLATE_LIST_TEST_CASE("timerfd: what is beyond the clock is its end", "[timerfd]", test::AllBackends) {
  TestType on;
  const ::itimerspec to{{INT64_MAX, 5}, {INT64_MAX, 999'999'999}};
  const nanoseconds end{INT64_MAX};
  for (const int flags : {0, TFD_TIMER_ABSTIME + 0}) {
    test::RawTimer timer{on};
    const nanoseconds before = timer.now();
    REQUIRE(on.backend.timerfd_settime(timer.fd(), flags, &to, nullptr).ok());
    const ::itimerspec setting = timer.get();
    CHECK(time_of(setting.it_interval) == end);
    CHECK(time_of(setting.it_value) <= end - before);
    CHECK(time_of(setting.it_value) > end - before - 1h);
    CHECK_FALSE(timer.wait(0));
  }
}

TEMPLATE_LIST_TEST_CASE("timerfd: it may be set to be cancelled with any clock", "[timerfd]", test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  for (const ::clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
    for (const int flags : {TFD_TIMER_CANCEL_ON_SET + 0, TFD_TIMER_CANCEL_ON_SET | TFD_TIMER_ABSTIME}) {
      CAPTURE(clock, flags);
      test::RawTimer timer{on, clock};
      REQUIRE(timer.set(timer.now() + 1h, 0s, flags).ok());
      CHECK(timer.read() == would_block());
      REQUIRE(timer.set(1ns, 0s, flags).ok());
      CHECK(timer.wait());
      CHECK(timer.read() == 1);
    }
  }
}
