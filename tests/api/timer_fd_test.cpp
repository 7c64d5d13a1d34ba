// The handle TimerFd: std::chrono in and out, its two forms of every call, and what becomes of a clock that is set.
#include "rouse/timer_fd.hpp"

#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/stopwatch.hpp"
#include "../support/thrown.hpp"

#include <optional>
#include <type_traits>

using namespace rouse;
using namespace std::chrono_literals;
using std::chrono::system_clock;
using test::Handles;
using test::thrown_by;

namespace {

template <class On>
using Timer = BasicTimerFd<typename On::Backend>;
template <class On>
using Clock = BasicMonotonicClock<typename On::Backend>;

/// An error_code that a call has to clear or to set.
std::error_code stale() { return {EIO, std::system_category()}; }
std::error_code system_error(int error) { return {error, std::system_category()}; }

/// The time of day on the kernel of a case.
template <class On>
auto time_of_day(const On& on) {
  return BasicSystemClock<typename On::Backend>{on.backend}.now();
}

static_assert(std::is_nothrow_move_constructible_v<TimerFd> && !std::is_copy_constructible_v<TimerFd>);

}  // namespace

TEMPLATE_LIST_TEST_CASE("TimerFd: it is made disarmed, non-blocking and close-on-exec", "[timer_fd]",
                        test::AllBackends) {
  TestType on;
  for (const TimerClock clock : {TimerClock::monotonic, TimerClock::boottime, TimerClock::realtime}) {
    Timer<TestType> timer{on.backend, clock};
    CHECK(timer.is_open());
    CHECK(on.backend.fcntl(timer.fd(), F_GETFL) == (O_RDWR | O_NONBLOCK));
    CHECK(on.backend.fcntl(timer.fd(), F_GETFD) == FD_CLOEXEC);
    CHECK(timer.try_read() == std::nullopt);
    CHECK(timer.setting() == typename Timer<TestType>::Setting{});
  }
  const Timer<TestType> plain{on.backend, TimerClock::monotonic, TimerFlags{}};
  CHECK(on.backend.fcntl(plain.fd(), F_GETFL) == O_RDWR);
  CHECK(on.backend.fcntl(plain.fd(), F_GETFD) == 0);
}

TEMPLATE_LIST_TEST_CASE("TimerFd: what cannot be made says why", "[timer_fd][errors]", test::AllBackends) {
  TestType on;
  CHECK(thrown_by([&] { Timer<TestType>{on.backend, TimerClock{99}}; }) == "timerfd_create(): Invalid argument");
  std::error_code ec;
  CHECK_FALSE(Timer<TestType>::create(on.backend, TimerClock::monotonic, TimerFlags{1}, ec).is_open());
  CHECK(ec == system_error(EINVAL));
  CHECK_FALSE(test::under_file_limit(on.backend, 0, [&] {
                return Timer<TestType>::create(on.backend, TimerClock::monotonic, TimerFlags{}, ec);
              }).is_open());
  CHECK(ec == system_error(EMFILE));
  ec = stale();
  CHECK(Timer<TestType>::create(on.backend, TimerClock::monotonic, Timer<TestType>::default_flags, ec).is_open());
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("TimerFd: it expires once after a span", "[timer_fd]", test::AllBackends) {
  TestType on;
  Timer<TestType> timer{on.backend};
  {
    const test::Stopwatch watch{on};
    timer.set_after(2ms);
    CHECK(timer.read() == 1);
    CHECK(watch.up_to(2ms) == 2ms);
  }
  CHECK(timer.try_read() == std::nullopt);
  CHECK(timer.remaining() == 0s);
  const test::Stopwatch watch{on};
  std::error_code ec = stale();
  timer.set_after(1500us, ec);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(timer.read(ec) == 1);
  CHECK_FALSE(ec);
  CHECK(watch.up_to(1500us) == 1500us);
}

TEMPLATE_LIST_TEST_CASE("TimerFd: a span of 0, or one that is negative, is over at once", "[timer_fd]",
                        test::AllBackends) {
  TestType on;
  Timer<TestType> timer{on.backend};
  for (const auto span : {0ns, -5ns}) {
    timer.set_after(span);
    CHECK(timer.read() == 1);
  }
  timer.set_after(Timeout::now);
  CHECK(timer.read() == 1);
}

TEMPLATE_LIST_TEST_CASE("TimerFd: periods", "[timer_fd][periodic]", test::AllBackends) {
  TestType on;
  Timer<TestType> timer{on.backend};
  const test::Stopwatch watch{on};
  timer.set_every(2ms);
  CHECK(timer.interval() == 2ms);
  CHECK(timer.read() >= 1);
  CHECK(timer.read() >= 1);
  CHECK(watch.up_to(4ms) == 4ms);

  timer.set_after(1ms, 1h);
  CHECK(timer.read() == 1);
  CHECK(timer.try_read() == std::nullopt);
  CHECK(timer.interval() == 1h);
  CHECK(timer.remaining() > 30min);
  timer.set_after(1h, 0s);
  CHECK(timer.interval() == 0s);
  std::error_code ec = stale();
  timer.set_every(2h, ec);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(timer.interval(ec) == 2h);
  CHECK(timer.remaining(ec) > 1h);
  CHECK_FALSE(ec);
  timer.set_after(1h, 3h, ec);
  CHECK(timer.setting(ec).interval == 3h);
}

TEMPLATE_LIST_TEST_CASE("TimerFd: a deadline of the monotonic clock", "[timer_fd]", test::AllBackends) {
  TestType on;
  const Clock<TestType> clock{on.backend};
  Timer<TestType> timer{on.backend};
  {
    const test::Stopwatch watch{on};
    timer.set_at(clock.now() + 2ms);
    CHECK(timer.read() == 1);
    CHECK(watch.up_to(2ms) == 2ms);
  }
  timer.set_at(clock.now());
  CHECK(timer.try_read() == 1);
  timer.set_at(typename Clock<TestType>::time_point{});  // 0 would disarm it.
  CHECK(timer.read() == 1);
  std::error_code ec = stale();
  timer.set_at(clock.now() + 1h, 1min, ec);
  CHECK_FALSE(ec);
  CHECK(timer.remaining() > 30min);
  CHECK(timer.interval() == 1min);
  timer.set_at(Clock<TestType>::time_point::max());
  CHECK(timer.remaining() == 0s);
  timer.set_at(clock.now() + 2h, ec);
  CHECK_FALSE(ec);
  CHECK(timer.remaining() > 1h);
  CHECK(timer.interval() == 0s);
}

TEMPLATE_LIST_TEST_CASE("TimerFd: a time of day, with the periods since", "[timer_fd][periodic]", test::AllBackends) {
  TestType on;
  Timer<TestType> timer{on.backend, TimerClock::realtime};
  timer.set_at(time_of_day(on) - 90min, 1h);
  CHECK(timer.try_read() == 2);
  CHECK(timer.try_read() == std::nullopt);
  CHECK(timer.remaining() <= 30min);
  std::error_code ec = stale();
  timer.set_at(time_of_day(on) + 1h, Timeout::never, ec);
  CHECK_FALSE(ec);
  CHECK(timer.remaining() > 30min);
  timer.set_at_or_cancel(time_of_day(on) + 1h);
  CHECK(timer.remaining() > 30min);
  timer.set_at_or_cancel(time_of_day(on), 1h, ec);
  CHECK_FALSE(ec);
  CHECK(timer.try_read() == 1);
  timer.set_at(system_clock::time_point{-1h});  // Before 1970.
  CHECK(timer.try_read() == 1);
  timer.set_at(time_of_day(on) + 1h, ec);
  CHECK_FALSE(ec);
  timer.set_at_or_cancel(time_of_day(on) + 1h, ec);
  CHECK_FALSE(ec);
  CHECK(timer.remaining() > 30min);
  timer.set_at(system_clock::time_point::max());
  CHECK(timer.remaining() == 0s);
}

TEMPLATE_LIST_TEST_CASE("TimerFd: a deadline of another clock is misuse", "[timer_fd][misuse]", test::AllBackends) {
  TestType on;
  Timer<TestType> monotonic{on.backend};
  Timer<TestType> realtime{on.backend, TimerClock::realtime};
  Timer<TestType> adopted{BasicOwnedFd<typename TestType::Backend>{realtime.release()}};
  std::error_code ec;
  auto boottime = Timer<TestType>::create(on.backend, TimerClock::boottime, Timer<TestType>::default_flags, ec);
  adopted.set_at(time_of_day(on) + 1h);  // Whose clock nobody knows.
  adopted.set_at(Clock<TestType>{on.backend}.now());
  if (!test::assertions_are_on) return;
  CHECK(test::last_words([&] { monotonic.set_at(time_of_day(on)); }).find("a time of day") != std::string::npos);
  CHECK(test::last_words([&] { monotonic.set_at_or_cancel(time_of_day(on)); }).find("a time of day") !=
        std::string::npos);
  CHECK(test::last_words([&] { boottime.set_at(Clock<TestType>{on.backend}.now()); }).find("of another one") !=
        std::string::npos);
}

TEMPLATE_LIST_TEST_CASE("TimerFd: disarmed, it has forgotten", "[timer_fd]", test::AllBackends) {
  TestType on;
  const Clock<TestType> clock{on.backend};
  Timer<TestType> timer{on.backend};
  timer.set_at(clock.now());
  timer.disarm();
  CHECK(timer.try_read() == std::nullopt);
  timer.set_after(1h, 1h);
  std::error_code ec = stale();
  timer.disarm(ec);
  CHECK_FALSE(ec);
  CHECK(timer.setting() == typename Timer<TestType>::Setting{});
}

TEMPLATE_LIST_TEST_CASE("TimerFd: an epoll waits for it, to the nanosecond", "[timer_fd][epoll]", test::AllBackends) {
  TestType on;
  Timer<TestType> timer{on.backend};
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add(timer, EventFlags::in | EventFlags::et, 7);
  EventArray<4> events;
  for (const Timeout timeout : {Timeout::never, Timeout{1h}}) {
    const test::Stopwatch watch{on};
    timer.set_after(1'000'001ns);
    epoll.wait(events, timeout);
    CHECK(watch.up_to(1'000'001ns) == 1'000'001ns);
    CHECK(test::Events(events.begin(), events.end()) == test::Events{{EventFlags::in, 7}});
  }
  CHECK(timer.try_read() == 1);
  timer.set_after(1h);
  epoll.wait(events, 1ms);
  CHECK(events.empty());
}

TEMPLATE_LIST_TEST_CASE("TimerFd: a blocking one waits in its read, and has no try_read", "[timer_fd]",
                        test::AllBackends) {
  TestType on;
  Timer<TestType> timer{on.backend, TimerClock::monotonic, TimerFlags::cloexec};
  timer.set_after(1ms);
  CHECK(timer.read() == 1);
  if (test::assertions_are_on)
    CHECK(test::last_words([&] { static_cast<void>(timer.try_read()); }).find("never waits") != std::string::npos);
}

TEMPLATE_LIST_TEST_CASE("TimerFd: errors name the call and the fd", "[timer_fd][errors]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd other{on.backend};
  Timer<TestType> timer{other.release()};
  const std::string fd = std::to_string(timer.fd());
  CHECK(thrown_by([&] { timer.set_after(1s); }) == "timerfd_settime(fd " + fd + "): Invalid argument");
  CHECK(thrown_by([&] { static_cast<void>(timer.setting()); }) == "timerfd_gettime(fd " + fd + "): Invalid argument");
  std::error_code ec;
  timer.set_after(1s, ec);
  CHECK(ec == system_error(EINVAL));
  ec.clear();
  CHECK(timer.setting(ec) == typename Timer<TestType>::Setting{});
  CHECK(ec == system_error(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("TimerFd: a duplicate is the same timer", "[timer_fd]", test::AllBackends) {
  TestType on;
  Timer<TestType> timer{on.backend};
  Timer<TestType> other = timer.duplicate();
  timer.set_after(1h);
  CHECK(other.remaining() > 30min);
  other.set_after(0s);
  CHECK(timer.read() == 1);
}

TEST_CASE("TimerFd: a time of day comes earlier or later if the clock is set, a span does not",
          "[timer_fd][emulated]") {
  test::OnEmulated on;
  const BasicMonotonicClock<EmulatedBackend> clock{on.backend};
  Timer<test::OnEmulated> moment{on.backend, TimerClock::realtime};
  Timer<test::OnEmulated> span{on.backend, TimerClock::realtime};
  const system_clock::time_point start = time_of_day(on);
  moment.set_at(start + 10h);
  span.set_after(10h);
  on.kernel.set_realtime(start.time_since_epoch() + 4h);
  CHECK(time_of_day(on) == start + 4h);
  CHECK(moment.remaining() == 6h);
  CHECK(span.remaining() == 10h);
  on.kernel.set_realtime(start.time_since_epoch() - 1h);
  CHECK(moment.remaining() == 11h);
  CHECK(moment.try_read() == std::nullopt);
  on.kernel.set_realtime(start.time_since_epoch() + 10h);
  CHECK(moment.try_read() == 1);
  CHECK(span.try_read() == std::nullopt);
  CHECK(clock.now().time_since_epoch() == 0s);
}

TEST_CASE("TimerFd: setting the clock cancels the timers that ask for it, once", "[timer_fd][emulated]") {
  test::OnEmulated on;
  Timer<test::OnEmulated> timer{on.backend, TimerClock::realtime};
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  epoll.add(timer, EventFlags::in | EventFlags::et, 1);
  const auto start = time_of_day(on).time_since_epoch();
  const auto set_clock = [&] { on.kernel.set_realtime(start + 1s); };
  std::error_code ec;

  timer.set_at_or_cancel(time_of_day(on) + 1h);
  set_clock();
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 1}});
  CHECK(timer.try_read(ec) == std::nullopt);
  CHECK(ec == system_error(ECANCELED));
  CHECK(timer.try_read(ec) == std::nullopt);
  CHECK_FALSE(ec);
  CHECK(timer.remaining() > 30min);  // It still comes.

  // Not read, it is the next setting that says so, and holds all the same.
  set_clock();
  timer.set_at_or_cancel(time_of_day(on) + 1h, Timeout::never, ec);
  CHECK(ec == system_error(ECANCELED));
  CHECK(timer.remaining() > 30min);
  CHECK(timer.try_read() == std::nullopt);
  CHECK(thrown_by([&] {
          set_clock();
          static_cast<void>(timer.read());
        }) == "read(fd " + std::to_string(timer.fd()) + "): Operation canceled");

  // Others are not.
  timer.set_at(time_of_day(on) + 1h);
  set_clock();
  CHECK(timer.try_read() == std::nullopt);
  timer.set_after(1h);
  set_clock();
  CHECK(timer.try_read() == std::nullopt);
  // Nor is one that was, and is set to a span since: that is none of the clock, whatever the flags.
  timer.set_at_or_cancel(time_of_day(on) + 1h);
  set_clock();
  const ::itimerspec span{{0, 0}, {3600, 0}};
  CHECK(on.backend.timerfd_settime(timer.fd(), TFD_TIMER_CANCEL_ON_SET, &span, nullptr).ok());
  CHECK(timer.try_read() == std::nullopt);
}
