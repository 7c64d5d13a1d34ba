// SoloHost: virtual time that moves by sleeping, and the report when nothing can end a sleep.
#include "rouse/kernel/solo_host.hpp"

#include "../support/backends.hpp"
#include "../support/death.hpp"
#include "../support/raw_pipe.hpp"

#include <chrono>
#include <climits>
#include <limits>
#include <thread>

using namespace rouse;
using kernel::Deadlock;
using kernel::Time;

namespace {

using Size = SysResult<std::size_t>;
using On = test::OnEmulated;

constexpr Time millisecond = 1'000'000;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// What the Deadlock of `call` says; nothing if there is none.
template <class Call>
std::string deadlock_of(Call call) {
  try {
    static_cast<void>(call());
  } catch (const Deadlock& deadlock) {
    return deadlock.what();
  }
  return "";
}

Time now(const On& on) { return on.kernel.host().now(); }

}  // namespace

TEST_CASE("SoloHost: time stands until somebody sleeps, then jumps to the deadline", "[solo_host]") {
  const On on;
  CHECK(now(on) == 0);
  const int epfd = on.backend.epoll_create1(0).value();
  const int fd = on.backend.eventfd(0, 0).value();
  Event event{EventFlags::in, 1};
  REQUIRE(on.backend.epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event).ok());
  CHECK(now(on) == 0);
  CHECK(on.backend.epoll_wait(epfd, &event, 1, 0) == 0);
  CHECK(now(on) == 0);
  CHECK(on.backend.epoll_wait(epfd, &event, 1, 5) == 0);
  CHECK(now(on) == 5 * millisecond);
  const ::timespec odd{1, 1};
  CHECK(on.backend.epoll_pwait2(epfd, &event, 1, &odd, nullptr) == 0);
  CHECK(now(on) == 1005 * millisecond + 1);
  ::pollfd entry{fd, POLLIN, 0};
  CHECK(on.backend.poll(&entry, 1, 7) == 0);
  CHECK(now(on) == 1012 * millisecond + 1);
  CHECK(on.backend.epoll_wait(epfd, &event, 1, INT_MAX) == 0);
  CHECK(now(on) == (1012 + Time{INT_MAX}) * millisecond + 1);
}

TEST_CASE("SoloHost: a wait that finds something takes no time", "[solo_host]") {
  const On on;
  const int epfd = on.backend.epoll_create1(0).value();
  const int fd = on.backend.eventfd(1, 0).value();
  Event event{EventFlags::in, 1};
  REQUIRE(on.backend.epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event).ok());
  CHECK(on.backend.epoll_wait(epfd, &event, 1, 5) == 1);
  CHECK(on.backend.epoll_wait(epfd, &event, 1, -1) == 1);
  CHECK(now(on) == 0);
}

TEST_CASE("SoloHost: the clock shows in clock_gettime, and may be moved on", "[solo_host]") {
  kernel::SoloHost host;
  kernel::Kernel kernel{host};
  const EmulatedBackend backend{kernel};
  ::timespec monotonic{};
  ::timespec realtime{};
  host.advance(Timeout::of_nanoseconds(1500 * millisecond));
  REQUIRE(backend.clock_gettime(CLOCK_MONOTONIC, &monotonic).ok());
  REQUIRE(backend.clock_gettime(CLOCK_REALTIME, &realtime).ok());
  CHECK(monotonic.tv_sec == 1);
  CHECK(monotonic.tv_nsec == 500 * millisecond);
  CHECK(realtime.tv_sec == kernel.realtime.offset() / 1'000'000'000 + 1);
  CHECK(realtime.tv_nsec == 500 * millisecond);
  CHECK(backend.clock_gettime(CLOCK_MONOTONIC, nullptr) == SysResult<void>::failure(EFAULT));
}

TEST_CASE("SoloHost: a time-out beyond the clock's end is for ever", "[solo_host]") {
  const On on;
  const int epfd = on.backend.epoll_create1(0).value();
  Event event;
  const ::timespec huge{LONG_MAX, 0};
  CHECK(contains(deadlock_of([&] { return on.backend.epoll_pwait2(epfd, &event, 1, &huge, nullptr); }), "for ever"));
  CHECK(now(on) == 0);
}

TEST_CASE("SoloHost: a wait that nothing can end says who waits for what", "[solo_host][deadlock]") {
  const On on;
  const int event = on.backend.eventfd(0, 0).value();
  const int epfd = on.backend.epoll_create1(0).value();
  test::RawPipe<On> pipe{on, 0};
  std::uint64_t value = 0;
  char byte = 0;
  Event report;
  ::pollfd entry{event, POLLIN, 0};
  struct Row {
    std::string waits;
    std::string text;
  };
  const Row rows[] = {{"main is blocked in read(fd 3) on eventfd since 0.000 ms for ever\n",
                       deadlock_of([&] { return on.backend.read(event, &value, 8); })},
                      {"main is blocked in readv(fd 3) on eventfd since 0.000 ms for ever\n", deadlock_of([&] {
                         const ::iovec vector{&value, 8};
                         return on.backend.readv(event, &vector, 1);
                       })},
                      {"main is blocked in epoll_wait(fd 4) on epoll since 0.000 ms for ever\n",
                       deadlock_of([&] { return on.backend.epoll_wait(epfd, &report, 1, -1); })},
                      {"main is blocked in poll(fd 3) since 0.000 ms for ever\n",
                       deadlock_of([&] { return on.backend.poll(&entry, 1, -1); })},
                      {"main is blocked in ppoll(fd 3) since 0.000 ms for ever\n",
                       deadlock_of([&] { return on.backend.ppoll(&entry, 1, nullptr, nullptr); })},
                      {"main is blocked in read(fd 5) on pipe since 0.000 ms for ever\n",
                       deadlock_of([&] { return on.backend.read(pipe.reader(), &byte, 1); })}};
  REQUIRE(event == 3);
  REQUIRE(epfd == 4);
  REQUIRE(pipe.reader() == 5);
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(row.text.rfind("rouse: deadlock: nothing can end this wait\ntasks at 0.000 ms:\n", 0) == 0);
    CHECK(contains(row.text, row.waits));
    CHECK(contains(row.text, "  3: eventfd (file "));
    CHECK(contains(row.text, "): count 0\n"));
  }
}

TEST_CASE("SoloHost: after a deadlock the kernel is as usable as before", "[solo_host][deadlock]") {
  On on;
  const int event = on.backend.eventfd(0, 0).value();
  const int epfd = on.backend.epoll_create1(0).value();
  std::uint64_t value = 0;
  Event report{EventFlags::in, 7};
  REQUIRE(on.backend.epoll_ctl(epfd, EPOLL_CTL_ADD, event, &report).ok());
  for (int i = 0; i < 3; ++i) {
    CHECK_THROWS_AS(on.backend.read(event, &value, 8), Deadlock);
    CHECK_THROWS_AS(on.backend.epoll_wait(epfd, &report, 1, -1), Deadlock);
  }
  // Nobody waits any more.
  CHECK(on.kernel.host().tasks().front()->blocked_on() == nullptr);
  std::size_t waiters = 0;
  on.kernel.file(event)->queue.for_each([&](const kernel::Waiter&) { ++waiters; });
  CHECK(waiters == 1);  // The epoll's registration.
  value = 5;
  CHECK(on.backend.write(event, &value, 8) == 8);
  CHECK(on.backend.epoll_wait(epfd, &report, 1, -1) == 1);
  CHECK(report == Event{EventFlags::in, 7});
  CHECK(on.backend.read(event, &value, 8) == 8);
  CHECK(value == 5);
  CHECK(on.backend.epoll_wait(epfd, &report, 1, 3) == 0);
  CHECK(now(on) == 3 * millisecond);
}

TEST_CASE("SoloHost: a deadlock leaves what was moved, and keeps no file open", "[solo_host][deadlock]") {
  const On on;
  test::RawPipe<On> pipe{on, 0};
  const std::string bytes(70000, 'x');
  CHECK_THROWS_AS(on.backend.write(pipe.writer(), bytes.data(), bytes.size()), Deadlock);
  CHECK(pipe.queued() == 65536);
  CHECK(pipe.read(70000) == 65536);
  CHECK_THROWS_AS(pipe.read(1), Deadlock);
  pipe.close_writer();
  CHECK(pipe.read(1) == 0);
  test::RawPipe<On> other{on, 0};
  CHECK_THROWS_AS(other.read(1), Deadlock);
  other.close_reader();
  CHECK(other.write("a") == Size::failure(EPIPE));
}

TEST_CASE("SoloHost: it serves one thread, the first that calls", "[solo_host][death]") {
  if (!test::assertions_are_on) return;
  const std::string words = test::last_words([] {
    On on;
    static_cast<void>(on.backend.eventfd(0, 0));
    std::thread([&] { static_cast<void>(on.backend.eventfd(0, 0)); }).join();
  });
  CHECK(contains(words, "thread"));
  CHECK(words.rfind("rouse: ", 0) == 0);
}

TEST_CASE("SoloHost: it needs nothing, has one task, and its clock does not run backwards", "[solo_host]") {
  kernel::SoloHost host;
  CHECK(host.needs() == kernel::needs_nothing);
  CHECK(host.current().id() == 1);
  host.advance(Timeout::of_nanoseconds(10));
  CHECK(host.block(host.current(), 5));
  CHECK(host.now() == 10);
}

TEST_CASE("SoloHost: a time-out of more seconds than the clock has is for ever", "[solo_host]") {
  const On on;
  const int epfd = on.backend.epoll_create1(0).value();
  Event event;
  const auto wait = [&](std::int64_t seconds) {
    const ::timespec limit{seconds, 0};
    return on.backend.epoll_pwait2(epfd, &event, 1, &limit, nullptr);
  };
  CHECK(contains(deadlock_of([&] { return wait(9'223'372'036); }), "epoll_pwait2"));
  CHECK(contains(deadlock_of([&] { return wait(std::numeric_limits<std::int64_t>::max()); }), "epoll_pwait2"));
  CHECK(contains(deadlock_of([&] { return on.backend.epoll_pwait2(epfd, &event, 1, nullptr, nullptr); }), "for ever"));
  CHECK(now(on) == 0);
  CHECK(wait(9'223'372'035) == 0);
  CHECK(now(on) == 9'223'372'035'000'000'000);
}

TEST_CASE("SoloHost: a timer for a time of day that the clock has not never expires", "[solo_host]") {
  const On on;
  const int timer = on.backend.timerfd_create(CLOCK_REALTIME, 0).value();
  const ::itimerspec never{{0, 0}, {std::numeric_limits<std::int64_t>::max(), 0}};
  REQUIRE(on.backend.timerfd_settime(timer, TFD_TIMER_ABSTIME, &never, nullptr).ok());
  std::uint64_t count = 0;
  CHECK(contains(deadlock_of([&] { return on.backend.read(timer, &count, sizeof count); }), "timerfd"));
}

TEST_CASE("SoloHost: a sleep ends when a timer wakes the task, or at its deadline, or cannot end", "[solo_host]") {
  class Waker final : public kernel::Timer {
   public:
    Waker(kernel::Timers& timers, kernel::Host& host) : Timer(timers), host_(host) {}

   private:
    void on_due(Time) override { host_.wake(host_.current()); }
    kernel::Host& host_;
  };
  kernel::SoloHost host;
  kernel::Kernel kernel{host};
  Waker waker{kernel.timers, host};
  kernel.timers.schedule(waker, 10);
  CHECK(host.block(host.current(), 9));
  CHECK(host.now() == 9);
  CHECK(host.block(host.current(), 20));
  CHECK(host.now() == 10);
  CHECK_FALSE(host.block(host.current(), kernel::time_never));
}

TEST_CASE("SoloHost: chance begins with the seed 1", "[solo_host]") {
  const auto choices = [](kernel::SoloHost& host) {
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i < 4; ++i) numbers.push_back(host.choose(1000));
    return numbers;
  };
  kernel::SoloHost fresh;
  kernel::SoloHost seeded;
  seeded.seed(1);
  kernel::SoloHost other;
  other.seed(2);
  const std::vector<std::uint64_t> first = choices(fresh);
  CHECK(choices(seeded) == first);
  CHECK(choices(other) != first);
}
