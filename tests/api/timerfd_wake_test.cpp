// When a timerfd wakes whom: its edges, and the order of several.
#include "../support/bad_pointers.hpp"
#include "../support/events.hpp"
#include "../support/raw_timer.hpp"
#include "../support/wake_keys.hpp"

#include <sys/ioctl.h>

using namespace rouse;
using namespace std::chrono_literals;
using test::Handles;

namespace {

using Size = SysResult<std::size_t>;
using Int = SysResult<int>;
using std::chrono::nanoseconds;

constexpr Size would_block() { return Size::failure(EAGAIN); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("timerfd: its expiration is an edge, and calls are none", "[timerfd][wake]",
                        test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  test::RawTimer timer{on};
  test::WakeKeys<TestType> keys{on, timer.fd()};
  constexpr EventFlags none{};
  CHECK(keys.take() == none);
  REQUIRE(timer.set(1h, 1h).ok());
  CHECK(keys.take() == none);
  REQUIRE(timer.set_past(1ms).ok());
  CHECK(keys.take() == EventFlags::in);
  REQUIRE(timer.set_past(1ms).ok());  // Again, though nobody has read.
  CHECK(keys.take() == EventFlags::in);
  CHECK(timer.read() == 1);
  CHECK(timer.read() == would_block());
  static_cast<void>(timer.get());
  REQUIRE(timer.set(0s).ok());
  CHECK(keys.take() == none);
}

TEMPLATE_LIST_TEST_CASE("timerfd: an unread period gives one edge, until somebody reads or asks",
                        "[timerfd][wake][periodic]", test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  test::RawTimer timer{on};
  test::WakeKeys<TestType> keys{on, timer.fd()};
  const auto let_periods_pass = [&] {
    const ::timespec span{0, 3'000'000};
    REQUIRE(on.backend.clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr).ok());
  };
  constexpr EventFlags none{};
  REQUIRE(timer.set(1ms, 1ms).ok());
  let_periods_pass();
  CHECK(keys.take() == EventFlags::in);
  let_periods_pass();
  CHECK(keys.take() == none);
  static_cast<void>(timer.get());
  let_periods_pass();
  CHECK(keys.take() == EventFlags::in);
  let_periods_pass();
  CHECK(keys.take() == none);
  CHECK(timer.read().value() >= 12);
  let_periods_pass();
  CHECK(keys.take() == EventFlags::in);
}

TEMPLATE_LIST_TEST_CASE("timerfd: the count can be set", "[timerfd][ioctl]", test::AllBackends) {
  TestType on;
  test::let_an_hour_pass(on);
  test::RawTimer timer{on};
  constexpr unsigned long set_ticks = _IOW('T', 0, std::uint64_t);
  std::uint64_t ticks = 5;
  if (on.backend.ioctl(timer.fd(), set_ticks, &ticks) == Int::failure(ENOTTY)) return;  // Not in every kernel's build.
  CHECK(timer.read() == 5);
  test::WakeKeys<TestType> keys{on, timer.fd()};
  CHECK(on.backend.ioctl(timer.fd(), set_ticks, &ticks) == 0);
  CHECK(keys.take() == EventFlags::in);
  CHECK(on.backend.ioctl(timer.fd(), set_ticks, test::unmapped()) == Int::failure(EFAULT));
  ticks = 0;
  CHECK(on.backend.ioctl(timer.fd(), set_ticks, &ticks) == Int::failure(EINVAL));
  CHECK(timer.read() == 5);
  // Periods that nobody has counted yet come on top.
  REQUIRE(timer.set_past(90s, 60s).ok());
  ticks = 7;
  CHECK(on.backend.ioctl(timer.fd(), set_ticks, &ticks) == 0);
  CHECK(timer.read() == 8);
}

TEMPLATE_LIST_TEST_CASE("timerfd: several expire in the order of their moments", "[timerfd][order]",
                        test::AllBackends) {
  TestType on;
  test::RawTimer first{on};
  test::RawTimer second{on};
  test::RawTimer third{on};
  typename Handles<TestType>::Epoll epoll{on.backend};
  const nanoseconds start = first.now();
  for (const auto& [timer, data] : {std::pair{&third, 3}, {&first, 1}, {&second, 2}}) {
    epoll.add(BasicFdRef<typename TestType::Backend>{on.backend, timer->fd()}, EventFlags::in,
              static_cast<std::uint64_t>(data));
    REQUIRE(timer->set(start + 100ms + data * 1ms, 0s, TFD_TIMER_ABSTIME).ok());
  }
  CHECK(third.wait());
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 1}, {EventFlags::in, 2}, {EventFlags::in, 3}});
}
