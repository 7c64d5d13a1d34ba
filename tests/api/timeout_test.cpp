// Timeout: never, now, or a span, that is never shorter than what was asked for.
#include "../support/backends.hpp"

#include <chrono>
#include <climits>
#include <limits>
#include <ratio>
#include <type_traits>

using namespace rouse;
using namespace std::chrono_literals;
namespace chrono = std::chrono;

namespace {

constexpr std::int64_t most = INT64_MAX;

template <class Rep, class Period = std::ratio<1>>
constexpr std::int64_t nanoseconds_of(Rep count) {
  return Timeout{chrono::duration<Rep, Period>{count}}.nanoseconds();
}

/// A clock that stands still.
struct StoppedClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = chrono::duration<rep, period>;
  using time_point = chrono::time_point<StoppedClock>;
  static constexpr time_point now() { return time_point{1000ns}; }
};

constexpr Timeout until(std::int64_t nanoseconds) {
  return StoppedClock::time_point{StoppedClock::duration{nanoseconds}};
}

constexpr std::int64_t as_nanoseconds(::timespec time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

}  // namespace

TEST_CASE("Timeout: never and now are what the calls take for them", "[timeout]") {
  STATIC_REQUIRE(Timeout::never.is_never());
  STATIC_REQUIRE_FALSE(Timeout::never.is_now());
  STATIC_REQUIRE(Timeout::never.milliseconds() == -1);
  STATIC_REQUIRE(Timeout::never.is_milliseconds());
  STATIC_REQUIRE(Timeout::now.is_now());
  STATIC_REQUIRE_FALSE(Timeout::now.is_never());
  STATIC_REQUIRE(Timeout::now.milliseconds() == 0);
  STATIC_REQUIRE(Timeout::now.nanoseconds() == 0);
  STATIC_REQUIRE(Timeout::now.is_milliseconds());
  STATIC_REQUIRE(as_nanoseconds(Timeout::now.timespec()) == 0);
  STATIC_REQUIRE_FALSE(Timeout::never == Timeout::now);
  STATIC_REQUIRE(Timeout{0ms} == Timeout::now);
  STATIC_REQUIRE(Timeout{1s} == Timeout{1000ms});
}

TEST_CASE("Timeout: any duration fits", "[timeout]") {
  STATIC_REQUIRE(Timeout{1ns}.nanoseconds() == 1);
  STATIC_REQUIRE(Timeout{5us}.nanoseconds() == 5'000);
  STATIC_REQUIRE(Timeout{5ms}.nanoseconds() == 5'000'000);
  STATIC_REQUIRE(Timeout{5s}.nanoseconds() == 5'000'000'000);
  STATIC_REQUIRE(Timeout{2h}.nanoseconds() == 7'200'000'000'000);
  STATIC_REQUIRE(nanoseconds_of<unsigned char>(255) == 255'000'000'000);
  STATIC_REQUIRE(nanoseconds_of<int, std::ratio<60>>(2) == 120'000'000'000);
  STATIC_REQUIRE(nanoseconds_of<short, std::ratio<1, 25>>(3) == 120'000'000);
  STATIC_REQUIRE(nanoseconds_of<int, std::ratio<604800>>(1) == 604'800'000'000'000);
}

TEST_CASE("Timeout: a unit below the nanosecond, or crooked, is rounded up", "[timeout]") {
  STATIC_REQUIRE(nanoseconds_of<int, std::pico>(1) == 1);
  STATIC_REQUIRE(nanoseconds_of<int, std::pico>(1000) == 1);
  STATIC_REQUIRE(nanoseconds_of<int, std::pico>(1001) == 2);
  STATIC_REQUIRE(nanoseconds_of<int, std::ratio<1, 3>>(1) == 333'333'334);
  STATIC_REQUIRE(nanoseconds_of<int, std::ratio<1, 3>>(3) == 1'000'000'000);
  STATIC_REQUIRE(nanoseconds_of<int, std::ratio<1001, 30000>>(1) == 33'366'667);
}

TEST_CASE("Timeout: a negative span is now, not for ever", "[timeout]") {
  STATIC_REQUIRE(Timeout{-1ns}.is_now());
  STATIC_REQUIRE(Timeout{-1ms}.is_now());
  STATIC_REQUIRE(Timeout{-24h}.is_now());
  STATIC_REQUIRE(Timeout{chrono::nanoseconds::min()}.is_now());
  STATIC_REQUIRE(Timeout{chrono::hours::min()}.is_now());
  STATIC_REQUIRE(nanoseconds_of<double>(-1e300) == 0);
  STATIC_REQUIRE(Timeout::of_nanoseconds(-1).is_now());
  STATIC_REQUIRE(Timeout::of_nanoseconds(0).is_now());
  STATIC_REQUIRE(Timeout::of_nanoseconds(7).nanoseconds() == 7);
}

TEST_CASE("Timeout: what is too long is the longest there is", "[timeout]") {
  STATIC_REQUIRE(Timeout{chrono::nanoseconds::max()}.nanoseconds() == most);
  STATIC_REQUIRE(Timeout{chrono::seconds::max()}.nanoseconds() == most);
  STATIC_REQUIRE(Timeout{chrono::hours::max()}.nanoseconds() == most);
  STATIC_REQUIRE(nanoseconds_of<std::int64_t>(9'223'372'036) == 9'223'372'036'000'000'000);
  STATIC_REQUIRE(nanoseconds_of<std::int64_t>(9'223'372'037) == most);
  STATIC_REQUIRE(nanoseconds_of<std::uint64_t>(UINT64_MAX) == most);
  STATIC_REQUIRE(nanoseconds_of<std::int64_t, std::ratio<INT64_MAX, 1>>(INT64_MAX) == most);
  STATIC_REQUIRE_FALSE(Timeout{chrono::seconds::max()}.is_never());
}

TEST_CASE("Timeout: fractions are taken in their own precision, and rounded up", "[timeout]") {
  STATIC_REQUIRE(nanoseconds_of<double>(0.1) == 100'000'000);
  STATIC_REQUIRE(nanoseconds_of<float>(0.1f) == 100'000'000);
  STATIC_REQUIRE(nanoseconds_of<double, std::milli>(1.5) == 1'500'000);
  STATIC_REQUIRE(nanoseconds_of<double, std::nano>(0.25) == 1);
  STATIC_REQUIRE(nanoseconds_of<double, std::nano>(1.25) == 2);
  STATIC_REQUIRE(nanoseconds_of<double>(1e-300) == 1);
  STATIC_REQUIRE(nanoseconds_of<long double, std::milli>(2.5L) == 2'500'000);
  STATIC_REQUIRE(nanoseconds_of<double>(1e300) == most);
  STATIC_REQUIRE(nanoseconds_of<float>(1e30f) == most);
  STATIC_REQUIRE(nanoseconds_of<double>(std::numeric_limits<double>::infinity()) == most);
  STATIC_REQUIRE(nanoseconds_of<double>(-std::numeric_limits<double>::infinity()) == 0);
  STATIC_REQUIRE(nanoseconds_of<double>(std::numeric_limits<double>::quiet_NaN()) == 0);
}

TEST_CASE("Timeout: milliseconds are rounded up, and end with the type", "[timeout]") {
  struct Row {
    std::int64_t nanoseconds;
    int milliseconds;
    bool exact;
  };
  constexpr std::int64_t million = 1'000'000;
  for (const Row row : {Row{0, 0, true},
                        {1, 1, false},
                        {million - 1, 1, false},
                        {million, 1, true},
                        {million + 1, 2, false},
                        {1500 * million, 1500, true},
                        {INT_MAX * million, INT_MAX, true},
                        {INT_MAX * million + 1, INT_MAX, false},
                        {(INT_MAX + std::int64_t{1}) * million, INT_MAX, false},
                        {most, INT_MAX, false}}) {
    CAPTURE(row.nanoseconds);
    const Timeout timeout = Timeout::of_nanoseconds(row.nanoseconds);
    CHECK(timeout.milliseconds() == row.milliseconds);
    CHECK(timeout.is_milliseconds() == row.exact);
    CHECK(as_nanoseconds(timeout.timespec()) == row.nanoseconds);
    CHECK(timeout.timespec().tv_nsec >= 0);
    CHECK(timeout.timespec().tv_nsec < 1'000'000'000);
  }
}

TEST_CASE("Timeout: a deadline is the time left until then", "[timeout]") {
  STATIC_REQUIRE(until(1000).is_now());
  STATIC_REQUIRE(until(1001).nanoseconds() == 1);
  STATIC_REQUIRE(until(51000).nanoseconds() == 50'000);
  STATIC_REQUIRE(until(most).nanoseconds() == most - 1000);
  STATIC_REQUIRE(until(999).is_now());
  STATIC_REQUIRE(until(-5).is_now());
  STATIC_REQUIRE(until(INT64_MIN).is_now());  // Further back than can be subtracted.
  STATIC_REQUIRE(Timeout{chrono::time_point<StoppedClock, chrono::seconds>{1s}}.nanoseconds() == 999'999'000);
  const Timeout past = chrono::steady_clock::now() - 1h;
  CHECK(past.is_now());
  const Timeout ahead = chrono::system_clock::now() + 1h;
  CHECK(ahead.nanoseconds() > 0);
  CHECK(ahead.nanoseconds() <= Timeout{1h}.nanoseconds());
  CHECK(Timeout{chrono::system_clock::time_point::min()}.is_now());
  CHECK(Timeout{chrono::system_clock::time_point::max()}.nanoseconds() > 0);
}

TEST_CASE("Timeout: it is a value the size of a count", "[timeout]") {
  STATIC_REQUIRE(sizeof(Timeout) == sizeof(std::int64_t));
  STATIC_REQUIRE(std::is_trivially_copyable_v<Timeout>);
  STATIC_REQUIRE(std::is_convertible_v<chrono::milliseconds, Timeout>);
  STATIC_REQUIRE(std::is_convertible_v<chrono::steady_clock::time_point, Timeout>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Timeout, const char*>);
}

TEST_CASE("Timeout: virtual time moves by exactly what a wait was given", "[timeout][emulated]") {
  test::OnEmulated on;
  rouse::BasicEpoll<EmulatedBackend> epoll{on.backend};
  EventArray<1> events;
  const auto elapsed = [&](Timeout timeout) {
    const kernel::Time before = on.kernel.host().now();
    epoll.wait(events, timeout);
    return on.kernel.host().now() - before;
  };
  CHECK(elapsed(Timeout::now) == 0);
  CHECK(elapsed(5ms) == 5'000'000);
  CHECK(elapsed(1ns) == 1);
  CHECK(elapsed(1500us) == 1'500'000);
  CHECK(elapsed(chrono::duration<double>{0.1}) == 100'000'000);
  CHECK(elapsed(-5ms) == 0);
  CHECK(elapsed(std::chrono::hours{24 * 365}) == Timeout{std::chrono::hours{24 * 365}}.nanoseconds());
}

TEST_CASE("Timeout: Linux waits no shorter", "[timeout][real]") {
  Epoll epoll;
  EventArray<1> events;
  for (const Timeout timeout : {Timeout{3ms}, Timeout{1ns}, Timeout{1500us}}) {
    const auto start = chrono::steady_clock::now();
    CHECK(epoll.wait(events, timeout) == 0);
    CHECK((chrono::steady_clock::now() - start).count() >= timeout.nanoseconds());
  }
}
