// epoll_wait(2) and its kin: the order of errors, bad buffers, and how long a wait takes.
#include "../support/bad_pointers.hpp"
#include "../support/events.hpp"
#include "../support/stopwatch.hpp"

#include <climits>
#include <sys/mman.h>

using namespace rouse;
using test::Events;
using test::Handles;
using test::reported;
using test::Stopwatch;
using namespace std::chrono_literals;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags et = EventFlags::et;
constexpr EventFlags oneshot = EventFlags::oneshot;

constexpr int events_limit = INT_MAX / static_cast<int>(sizeof(Event));

}  // namespace

TEMPLATE_LIST_TEST_CASE("epoll_wait: finds fault in a fixed order", "[epoll][wait]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::OwnedFd plain{on.backend, on.backend.open("/dev/null", O_RDWR).value()};
  const int closed = epoll.duplicate().fd();
  Event room[2];
  Event* const far = test::in_kernel_space<Event>();
  struct Row {
    int epfd;
    Event* events;
    int max;
    int error;  // 0: nothing to report.
  };
  const Row rows[] = {
      {-1, far, 0, EBADF},
      {closed, far, 0, EBADF},
      {closed, room, 2, EBADF},
      {event.fd(), far, 0, EINVAL},
      {epoll.fd(), far, 0, EINVAL},
      {epoll.fd(), far, -1, EINVAL},
      {epoll.fd(), room, 0, EINVAL},
      {epoll.fd(), room, INT_MIN, EINVAL},
      {epoll.fd(), room, events_limit + 1, EINVAL},
      {epoll.fd(), far, events_limit + 1, EINVAL},
      {epoll.fd(), room, INT_MAX, EINVAL},
      {event.fd(), far, 1, EFAULT},
      {plain.get(), far, 1, EFAULT},
      {epoll.fd(), far, 1, EFAULT},
      {event.fd(), room, 2, EINVAL},
      {event.fd(), nullptr, 1, EINVAL},
      {plain.get(), room, 2, EINVAL},
      {epoll.fd(), nullptr, 1, 0},
      {epoll.fd(), nullptr, events_limit, 0},
      {epoll.fd(), room, 2, 0},
  };
  constexpr ::timespec now{};
  ::sigset_t mask{};
  for (const Row& row : rows) {
    CAPTURE(&row - rows, row.max);
    const SysResult<int> expected = row.error == 0 ? SysResult<int>{0} : SysResult<int>::failure(row.error);
    CHECK(on.backend.epoll_wait(row.epfd, row.events, row.max, 0) == expected);
    CHECK(on.backend.epoll_pwait(row.epfd, row.events, row.max, 0, nullptr) == expected);
    CHECK(on.backend.epoll_pwait(row.epfd, row.events, row.max, 0, &mask) == expected);
    CHECK(on.backend.epoll_pwait2(row.epfd, row.events, row.max, &now, nullptr) == expected);
    CHECK(on.backend.epoll_pwait2(row.epfd, row.events, row.max, &now, &mask) == expected);
  }
}

TEMPLATE_LIST_TEST_CASE("epoll_wait: a range is checked to its end", "[epoll][wait]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  epoll.add(event, in, 1);
  // One event before the end of user space there is room for one event, and no memory.
  const auto end = std::uintptr_t{0x7fff'ffff'f000};
  auto* const last = reinterpret_cast<Event*>(end - sizeof(Event));
  CHECK(on.backend.epoll_wait(epoll.fd(), last, 2, 0) == SysResult<int>::failure(EFAULT));
  event.drain();
  CHECK(on.backend.epoll_wait(epoll.fd(), last, 2, 0) == SysResult<int>::failure(EFAULT));
  CHECK(on.backend.epoll_wait(epoll.fd(), last, 1, 0) == SysResult<int>{0});
}

TEMPLATE_LIST_TEST_CASE("epoll_pwait: the mask and the time are read before anything else", "[epoll][wait]",
                        test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  Event room[1];
  const auto fault = SysResult<int>::failure(EFAULT);
  const auto invalid = SysResult<int>::failure(EINVAL);
  auto* const bad_mask = test::in_kernel_space<::sigset_t>();
  auto* const bad_time = test::in_kernel_space<::timespec>();
  CHECK(on.backend.epoll_pwait(-1, room, 0, 0, bad_mask) == fault);
  CHECK(on.backend.epoll_pwait(epoll.fd(), room, 1, 0, bad_mask) == fault);
  CHECK(on.backend.epoll_pwait2(-1, room, 0, bad_time, bad_mask) == fault);
  CHECK(on.backend.epoll_pwait2(epoll.fd(), room, 1, bad_time, nullptr) == fault);
  for (const ::timespec bad : {::timespec{-1, 0}, {0, -1}, {0, 1'000'000'000}, {LONG_MAX, LONG_MAX}, {-1, -1}}) {
    CAPTURE(bad.tv_sec, bad.tv_nsec);
    CHECK(on.backend.epoll_pwait2(-1, room, 0, &bad, bad_mask) == invalid);
    CHECK(on.backend.epoll_pwait2(epoll.fd(), room, 1, &bad, nullptr) == invalid);
  }
  constexpr ::timespec now{};
  CHECK(on.backend.epoll_pwait2(-1, room, 0, &now, bad_mask) == fault);
}

TEMPLATE_LIST_TEST_CASE("epoll_wait: an event that has no good address stays due", "[epoll][wait]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd level{on.backend, 1};
  typename Handles<TestType>::EventFd edge{on.backend, 1};
  typename Handles<TestType>::EventFd once{on.backend, 1};
  const auto fault = SysResult<int>::failure(EFAULT);
  Event* volatile bad = nullptr;  // Volatile, or the compiler warns of it.
  epoll.add(edge, in | et, 1);
  epoll.add(once, in | oneshot, 2);
  epoll.add(level, in, 3);
  CHECK(on.backend.epoll_wait(epoll.fd(), bad, 3, 0) == fault);
  CHECK(on.backend.epoll_wait(epoll.fd(), bad, 3, -1) == fault);
  CHECK(reported(epoll) == Events{{in, 1}, {in, 2}, {in, 3}});
  CHECK(reported(epoll) == Events{{in, 3}});
  // Nothing to report: nothing is written.
  level.drain();
  for (const int ms : {0, 1}) {
    const SysResult<int> waited = on.backend.epoll_wait(epoll.fd(), bad, 3, ms);
    CHECK(waited == SysResult<int>{0});
  }
}

// The emulated kernel does not know which pages are mapped.
TEST_CASE("epoll_wait: what was copied before a fault is reported, and the rest stays due", "[epoll][wait][real]") {
  constexpr std::size_t page = 4096;
  void* const mapped = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(mapped != MAP_FAILED);
  REQUIRE(::munmap(static_cast<char*>(mapped) + page, page) == 0);
  auto* const room = reinterpret_cast<Event*>(static_cast<char*>(mapped) + page) - 2;
  Epoll epoll;
  EventFd events[4] = {EventFd{1}, EventFd{1}, EventFd{1}, EventFd{1}};
  epoll.add(events[0], in, 1);
  epoll.add(events[1], in | et, 2);
  epoll.add(events[2], in | oneshot, 3);
  epoll.add(events[3], in | et, 4);
  CHECK(LinuxBackend{}.epoll_wait(epoll.fd(), room, 4, 0) == SysResult<int>{2});
  CHECK(Events(room, room + 2) == Events{{in, 1}, {in, 2}});
  CHECK(reported(epoll) == Events{{in, 3}, {in, 4}, {in, 1}});
  CHECK(::munmap(mapped, page) == 0);
}

TEMPLATE_LIST_TEST_CASE("epoll_wait: what is not filled is not touched", "[epoll][wait]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  epoll.add(event, in, 1);
  const Event before{EventFlags{0xdeadbeef}, 0xfeedface};
  Event room[2] = {before, before};
  for (const int ms : {0, 1}) {
    const SysResult<int> waited = on.backend.epoll_wait(epoll.fd(), room, 2, ms);
    CHECK(waited == SysResult<int>{0});
    CHECK(room[0] == before);
  }
  event.write(1);
  CHECK(on.backend.epoll_wait(epoll.fd(), room, 2, -1) == SysResult<int>{1});
  CHECK(room[0] == Event{in, 1});
  CHECK(room[1] == before);
}

TEMPLATE_LIST_TEST_CASE("epoll_wait: a time-out is waited for in full", "[epoll][wait][timeout]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd idle{on.backend};
  typename Handles<TestType>::EventFd stale{on.backend, 1};
  epoll.add(idle, in);
  Event room[1];
  for (const int ms : {0, 1, 3}) {
    CAPTURE(ms);
    const Stopwatch watch{on};
    const SysResult<int> waited = on.backend.epoll_wait(epoll.fd(), room, 1, ms);
    CHECK(waited == SysResult<int>{0});
    CHECK(watch.up_to(ms * 1ms) == ms * 1ms);
    const SysResult<int> waited_again = on.backend.epoll_pwait(epoll.fd(), room, 1, ms, nullptr);
    CHECK(waited_again == SysResult<int>{0});
    CHECK(watch.up_to(ms * 2ms) == ms * 2ms);
  }
  // What is queued and turns out not to be ready does not end the wait.
  epoll.add(stale, in);
  stale.drain();
  const Stopwatch watch{on};
  const SysResult<int> waited = on.backend.epoll_wait(epoll.fd(), room, 1, 2);
  CHECK(waited == SysResult<int>{0});
  CHECK(watch.up_to(2ms) == 2ms);
}

TEMPLATE_LIST_TEST_CASE("epoll_pwait2: a time-out is waited for to the nanosecond", "[epoll][wait][timeout]",
                        test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  Event room[1];
  for (const ::timespec span : {::timespec{0, 0}, {0, 1}, {0, 999}, {0, 1'234'567}, {0, 3'000'001}}) {
    CAPTURE(span.tv_nsec);
    const Stopwatch watch{on};
    const SysResult<int> waited = on.backend.epoll_pwait2(epoll.fd(), room, 1, &span, nullptr);
    CHECK(waited == SysResult<int>{0});
    CHECK(watch.up_to(span.tv_nsec * 1ns) == span.tv_nsec * 1ns);
  }
}

TEMPLATE_LIST_TEST_CASE("epoll_wait: no time passes when something is due", "[epoll][wait][timeout]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  epoll.add(event, in, 1);
  Event room[1];
  constexpr ::timespec for_ages{LONG_MAX, 999'999'999};
  const Stopwatch watch{on};
  for (const int ms : {-1, -2, INT_MIN, INT_MAX, 0}) {
    CAPTURE(ms);
    CHECK(on.backend.epoll_wait(epoll.fd(), room, 1, ms) == SysResult<int>{1});
    CHECK(on.backend.epoll_pwait(epoll.fd(), room, 1, ms, nullptr) == SysResult<int>{1});
  }
  CHECK(on.backend.epoll_pwait2(epoll.fd(), room, 1, nullptr, nullptr) == SysResult<int>{1});
  CHECK(on.backend.epoll_pwait2(epoll.fd(), room, 1, &for_ages, nullptr) == SysResult<int>{1});
  CHECK(watch.up_to(0ns) == 0ns);
}

TEMPLATE_LIST_TEST_CASE("epoll_wait: zero is an fd like any other", "[epoll][wait]", test::AllWays) {
  // 0, 1 and 2 are open when a program starts, and are no epolls.
  TestType on;
  Event room[1];
  CHECK(on.backend.epoll_wait(0, room, 1, 0) == SysResult<int>::failure(EINVAL));
  CHECK(on.backend.epoll_wait(0, room, 0, 0) == SysResult<int>::failure(EINVAL));
}

// On Linux it would hang.
TEST_CASE("epoll_wait: a wait that nothing can end is a deadlock, which says who waits for what",
          "[epoll][wait][emulated]") {
  test::OnEmulated on;
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  BasicEventFd<EmulatedBackend> event{on.backend};
  epoll.add(event, in | et, 7);
  Event room[1];
  for (const int ms : {-1, INT_MIN}) {
    std::string text;
    try {
      static_cast<void>(on.backend.epoll_wait(epoll.fd(), room, 1, ms));
    } catch (const kernel::Deadlock& deadlock) {
      text = deadlock.what();
    }
    CAPTURE(text);
    CHECK(text.find("epoll_wait(fd 3)") != std::string::npos);
    CHECK(text.find("watches fd 4 (eventfd") != std::string::npos);
  }
  // It is caught like any exception, and the kernel goes on.
  event.write(1);
  CHECK(reported(epoll) == Events{{in, 7}});
}

// On real time it would take that long.
TEST_CASE("epoll_wait: the longest time-outs are virtual time like any other", "[epoll][wait][timeout][emulated]") {
  test::OnEmulated on;
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  Event room[1];
  const Stopwatch first{on};
  const SysResult<int> longest = on.backend.epoll_wait(epoll.fd(), room, 1, INT_MAX);
  CHECK(longest == SysResult<int>{0});
  CHECK(first.up_to(INT_MAX * 1ms) == INT_MAX * 1ms);
  constexpr ::timespec day{86400, 1};
  const Stopwatch second{on};
  const SysResult<int> waited = on.backend.epoll_pwait2(epoll.fd(), room, 1, &day, nullptr);
  CHECK(waited == SysResult<int>{0});
  CHECK(second.up_to(24h + 1ns) == 24h + 1ns);
  // Beyond the clock's end is for ever.
  constexpr ::timespec ages{LONG_MAX, 0};
  CHECK_THROWS_AS(on.backend.epoll_pwait2(epoll.fd(), room, 1, &ages, nullptr), kernel::Deadlock);
}
