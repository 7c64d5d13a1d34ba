// clock_nanosleep(2): spans and points in time, and what a signal leaves of them.
#include "../support/bad_pointers.hpp"
#include "../support/signals.hpp"
#include "../support/stopwatch.hpp"
#include "../support/threads.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using test::Handlers;
using test::Stopwatch;

namespace {

using Done = SysResult<void>;

constexpr ::timespec two_ms{0, 2'000'000};
constexpr ::timespec hour{3600, 0};

}  // namespace

TEMPLATE_LIST_TEST_CASE("nanosleep: sleeps for a span or until a point in time", "[nanosleep]", test::AllBackends) {
  TestType on;
  const ::clockid_t clock = GENERATE(CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME);
  CAPTURE(clock);
  const Stopwatch watch{on};
  ::timespec left{5, 5};
  CHECK(on.backend.clock_nanosleep(clock, 0, &two_ms, &left).ok());
  CHECK(watch.up_to(2ms) == 2ms);
  CHECK(left.tv_sec == 5);
  ::timespec point{};
  REQUIRE(on.backend.clock_gettime(clock, &point).ok());
  CHECK(on.backend.clock_nanosleep(clock, TIMER_ABSTIME, &point, nullptr).ok());
  point.tv_sec += point.tv_nsec >= 998'000'000 ? 1 : 0;
  point.tv_nsec = (point.tv_nsec + 2'000'000) % 1'000'000'000;
  CHECK(on.backend.clock_nanosleep(clock, TIMER_ABSTIME, &point, nullptr).ok());
  CHECK(watch.up_to(4ms) == 4ms);
  const ::timespec long_ago{1, 0};
  CHECK(on.backend.clock_nanosleep(clock, TIMER_ABSTIME, &long_ago, nullptr).ok());
}

TEMPLATE_LIST_TEST_CASE("nanosleep: refuses what is no time and no clock", "[nanosleep][errors]", test::AllBackends) {
  TestType on;
  for (const ::timespec& bad : {::timespec{-1, 0}, ::timespec{0, -1}, ::timespec{0, 1'000'000'000}}) {
    CHECK(on.backend.clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, nullptr) == Done::failure(EINVAL));
    CHECK(on.backend.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &bad, nullptr) == Done::failure(EINVAL));
  }
  CHECK(on.backend.clock_nanosleep(77, 0, &two_ms, nullptr) == Done::failure(EINVAL));
  ::timespec now{};
  CHECK(on.backend.clock_gettime(77, &now) == Done::failure(EINVAL));
  CHECK(on.backend.clock_gettime(16, &now) == Done::failure(EINVAL));
  CHECK(on.backend.clock_gettime(CLOCK_TAI + 1, &now) == Done::failure(EINVAL));  // The first that there is not.
  CHECK(on.backend.clock_nanosleep(CLOCK_MONOTONIC, 0, &two_ms, nullptr).ok());
  // Flags that there are not mean nothing.
  CHECK(on.backend.clock_gettime(CLOCK_MONOTONIC, &now).ok());
  CHECK(on.backend.clock_nanosleep(CLOCK_MONOTONIC, ~TIMER_ABSTIME, &two_ms, nullptr).ok());
  ::timespec later{};
  CHECK(on.backend.clock_gettime(CLOCK_MONOTONIC, &later).ok());
  CHECK((later.tv_sec - now.tv_sec) * 1'000'000'000 + later.tv_nsec - now.tv_nsec >= 2'000'000);
}

TEMPLATE_LIST_TEST_CASE("nanosleep: a handler ends it and says what is left", "[nanosleep][signal][threads]",
                        test::AllThreadBackends) {
  const bool absolute = GENERATE(false, true);
  CAPTURE(absolute);
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1, SA_RESTART);
  handlers.set(SIGUSR2, SIG_IGN);
  std::atomic<int> thread = 0;
  ::timespec left{-1, -1};
  auto sleeper = on.spawn([&] {
    thread = on.backend.gettid().value();
    ::timespec until{};
    static_cast<void>(on.backend.clock_gettime(CLOCK_MONOTONIC, &until));
    until.tv_sec += 3600;
    return on.backend.clock_nanosleep(CLOCK_MONOTONIC, absolute ? TIMER_ABSTIME : 0, absolute ? &until : &hour, &left);
  });
  on.wait_until_blocked(sleeper);
  const int pid = on.backend.getpid().value();
  REQUIRE(on.backend.tgkill(pid, thread, SIGUSR2).ok());
  REQUIRE(on.backend.tgkill(pid, thread, SIGUSR1).ok());
  CHECK(sleeper.result() == Done::failure(EINTR));
  CHECK(handlers.count() == 1);
  if (absolute) {
    CHECK(left.tv_sec == -1);
  } else {
    CHECK(left.tv_sec <= 3600);
    CHECK(left.tv_sec > 3500);
  }
}

TEMPLATE_LIST_TEST_CASE("nanosleep: what is left has nowhere to go", "[nanosleep][signal][threads][fault]",
                        test::AllThreadBackends) {
  const bool is_wanted = GENERATE(true, false);
  CAPTURE(is_wanted);
  if constexpr (test::buffers_are_watched && !TestType::is_emulated) return;  // A sanitizer would look there.
  TestType on;
  Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  std::atomic<int> thread = 0;
  auto sleeper = on.spawn([&] {
    thread = on.backend.gettid().value();
    return on.backend.clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, is_wanted ? test::unmapped<::timespec>() : nullptr);
  });
  on.wait_until_blocked(sleeper);
  REQUIRE(on.backend.tgkill(on.backend.getpid().value(), thread, SIGUSR1).ok());
  CHECK(sleeper.result() == Done::failure(is_wanted ? EFAULT : EINTR));
}
