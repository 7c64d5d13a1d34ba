// The handle's waits: what becomes of the events, and which call is made for which time-out.
#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/stopwatch.hpp"
#include "../support/thrown.hpp"

#include <deque>
#include <ostream>

using namespace rouse;
using namespace std::chrono_literals;
using test::Events;
using test::Handles;
using test::last_words;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags et = EventFlags::et;

/// A wait that reached the kernel.
struct WaitCall {
  std::string name;
  std::int64_t nanoseconds;  // -1 for ever.
  const ::sigset_t* mask = nullptr;

  friend bool operator==(const WaitCall&, const WaitCall&) = default;
  friend std::ostream& operator<<(std::ostream& to, const WaitCall& call) {
    return to << call.name << ' ' << call.nanoseconds << (call.mask == nullptr ? "" : " masked");
  }
};
using WaitCalls = std::vector<WaitCall>;

/// What the waits of a scripted kernel do, one after the other; after the last, the time is up.
struct Script {
  struct Step {
    int error;                     // 0: the time is up.
    std::int64_t nanoseconds = 0;  // Passed before it.
  };
  std::deque<Step> steps;
  bool has_pwait2 = true;
  std::int64_t now = 5'000'000'000;
  WaitCalls calls;
};

/// Linux, but for its clock and its waits.
struct ScriptedBackend : LinuxBackend {
  constexpr explicit ScriptedBackend(Script& its_script) : script(&its_script) {}

  constexpr bool operator==(const ScriptedBackend& other) const { return script == other.script; }

  SysResult<void> clock_gettime(::clockid_t, ::timespec* time) const {
    *time = {script->now / 1'000'000'000, script->now % 1'000'000'000};
    return {};
  }
  SysResult<int> epoll_wait(int, Event*, int, int milliseconds) const {
    return wait({"epoll_wait", nanoseconds(milliseconds)});
  }
  SysResult<int> epoll_pwait(int, Event*, int, int milliseconds, const ::sigset_t* mask) const {
    return wait({"epoll_pwait", nanoseconds(milliseconds), mask});
  }
  SysResult<int> epoll_pwait2(int, Event*, int, const ::timespec* timeout, const ::sigset_t* mask) const {
    const std::int64_t span = timeout == nullptr ? -1 : timeout->tv_sec * 1'000'000'000 + timeout->tv_nsec;
    if (script->has_pwait2) return wait({"epoll_pwait2", span, mask});
    script->calls.push_back({"epoll_pwait2", span, mask});
    return SysResult<int>::failure(ENOSYS);
  }

  Script* script;

 private:
  static std::int64_t nanoseconds(int ms) { return ms < 0 ? -1 : std::int64_t{ms} * 1'000'000; }

  SysResult<int> wait(const WaitCall& call) const {
    script->calls.push_back(call);
    if (script->steps.empty()) return 0;
    const Script::Step step = script->steps.front();
    script->steps.pop_front();
    script->now += step.nanoseconds;
    return step.error == 0 ? SysResult<int>{0} : SysResult<int>::failure(step.error);
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Epoll: a wait fills the buffer up to its capacity", "[epoll][handle][wait]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  std::vector<typename Handles<TestType>::EventFd> ready;
  for (int i = 0; i < 3; ++i) {
    ready.emplace_back(on.backend, 1);
    epoll.add(ready.back(), in | et, i);
  }
  EventVec events{2};
  CHECK(epoll.wait(events, Timeout::now) == 2);
  CHECK(events.size() == 2);
  CHECK(Events(events.begin(), events.end()) == Events{{in, 0}, {in, 1}});
  // A wait replaces what the one before it left.
  CHECK(epoll.wait(events) == 1);
  CHECK(Events(events.begin(), events.end()) == Events{{in, 2}});
  for (int i = 0; i < 3; ++i) epoll.modify(ready[static_cast<std::size_t>(i)], in | et, i);
  EventArray<1> room_for_one;
  CHECK(epoll.wait(room_for_one, 1h) == 1);
  events.reserve(8);
  CHECK(events.size() == 1);
  CHECK(epoll.wait(events, Timeout::now) == 2);
  events.shrink(1);
  CHECK(events.capacity() == 2);
  CHECK(Events(events.begin(), events.end()) == Events{{in, 1}, {in, 2}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: no events are left after a wait without any", "[epoll][handle][wait]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::Epoll no_epoll{
      typename Handles<TestType>::OwnedFd{on.backend, event.duplicate().release().release()}};
  ::sigset_t mask{};
  EventVec events{4};
  std::error_code ec;
  epoll.add(event, in | et, 1);
  const auto fill = [&] {
    event.write(1);
    REQUIRE(epoll.wait(events, Timeout::now) == 1);
  };
  const auto is_empty = [&] { return events.size() == 0 && events.empty() && events.begin() == events.end(); };
  fill();
  epoll.wait(events, Timeout::now);
  CHECK(is_empty());
  fill();
  epoll.wait(events, 1ms);
  CHECK(is_empty());
  fill();
  epoll.wait(events, 1us, mask);
  CHECK(is_empty());
  fill();
  epoll.wait_restarting(events, 1ms);
  CHECK(is_empty());
  fill();
  CHECK(no_epoll.wait(events, Timeout::now, ec) == 0);
  CHECK(is_empty());
  fill();
  CHECK(no_epoll.wait(events, 1us, mask, ec) == 0);
  CHECK(is_empty());
  fill();
  CHECK_THROWS_AS(no_epoll.wait_restarting(events, Timeout::now), std::system_error);
  CHECK(is_empty());
}

// On Linux it would hang.
TEST_CASE("Epoll: no events are left when a deadlock ends a wait", "[epoll][handle][wait][emulated]") {
  test::OnEmulated on;
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  BasicEventFd<EmulatedBackend> event{on.backend, 1};
  EventVec events{1};
  epoll.add(event, in | et, 1);
  REQUIRE(epoll.wait(events) == 1);
  CHECK_THROWS_AS(epoll.wait(events), kernel::Deadlock);
  CHECK(events.empty());
}

TEMPLATE_LIST_TEST_CASE("Epoll: a time-out is kept in any unit", "[epoll][handle][wait][timeout]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  EventVec events{1};
  ::sigset_t mask{};
  for (const std::chrono::nanoseconds span : {0ns, 1ns, 1'500'001ns, 2'000'000ns}) {
    CAPTURE(span);
    const test::Stopwatch watch{on};
    std::size_t n = epoll.wait(events, span);
    CHECK(watch.up_to(span) == span);
    n += epoll.wait(events, span, mask);
    CHECK(watch.up_to(2 * span) == 2 * span);
    n += epoll.wait_restarting(events, span);
    CHECK(watch.up_to(3 * span) == 3 * span);
    CHECK(n == 0);
  }
  const test::Stopwatch watch{on};
  epoll.wait(events, -5s);
  CHECK(watch.up_to(0ns) == 0ns);
}

// These look at the calls, which the two kernels do not show.
TEST_CASE("Epoll: whole milliseconds are epoll_wait, and what is finer is epoll_pwait2",
          "[epoll][handle][wait][real]") {
  Script script;
  BasicEpoll<ScriptedBackend> epoll{ScriptedBackend{script}};
  EventVec events{1};
  const ::sigset_t mask{};
  struct Row {
    Timeout timeout;
    WaitCalls plain;
    WaitCalls masked;
  };
  for (const Row& row : {
           Row{Timeout::never, {{"epoll_wait", -1}}, {{"epoll_pwait", -1, &mask}}},
           Row{Timeout::now, {{"epoll_wait", 0}}, {{"epoll_pwait", 0, &mask}}},
           Row{7ms, {{"epoll_wait", 7'000'000}}, {{"epoll_pwait", 7'000'000, &mask}}},
           Row{2s, {{"epoll_wait", 2'000'000'000}}, {{"epoll_pwait", 2'000'000'000, &mask}}},
           Row{1ns, {{"epoll_pwait2", 1}}, {{"epoll_pwait2", 1, &mask}}},
           Row{1500us, {{"epoll_pwait2", 1'500'000}}, {{"epoll_pwait2", 1'500'000, &mask}}},
           Row{2'147'483'648ms,
               {{"epoll_pwait2", 2'147'483'648'000'000}},
               {{"epoll_pwait2", 2'147'483'648'000'000, &mask}}},
       }) {
    CAPTURE(row.plain);
    script.calls.clear();
    epoll.wait(events, row.timeout);
    CHECK(script.calls == row.plain);
    script.calls.clear();
    epoll.wait(events, row.timeout, mask);
    CHECK(script.calls == row.masked);
    script.calls.clear();
    epoll.wait_restarting(events, row.timeout);
    CHECK(script.calls == row.plain);
  }
}

TEST_CASE("Epoll: without epoll_pwait2 a time-out is rounded up to milliseconds", "[epoll][handle][wait][real]") {
  Script script;
  script.has_pwait2 = false;
  BasicEpoll<ScriptedBackend> epoll{ScriptedBackend{script}};
  EventVec events{1};
  const ::sigset_t mask{};
  struct Row {
    std::chrono::nanoseconds asked;
    std::int64_t waited;
  };
  for (const Row& row : {Row{1ns, 1'000'000},
                         {999'999ns, 1'000'000},
                         {1'000'001ns, 2'000'000},
                         {1500us, 2'000'000},
                         {2'147'483'647'000'001ns, 2'147'483'647'000'000}}) {
    CAPTURE(row.asked);
    for (const bool is_masked : {false, true}) {
      const ::sigset_t* const expected = is_masked ? &mask : nullptr;
      script.calls.clear();
      if (is_masked) {
        epoll.wait(events, row.asked, mask);
      } else {
        epoll.wait(events, row.asked);
      }
      CHECK(script.calls ==
            WaitCalls{{"epoll_pwait2", row.asked.count(), expected}, {"epoll_pwait", row.waited, expected}});
    }
  }
  // What the older call says is what counts.
  script.steps = {{EINTR}};
  std::error_code ec;
  epoll.wait(events, 1us, ec);
  CHECK(ec.value() == EINTR);
}

TEST_CASE("Epoll: an interrupted wait is taken up again with the time that is left", "[epoll][handle][wait][real]") {
  Script script;
  BasicEpoll<ScriptedBackend> epoll{ScriptedBackend{script}};
  EventVec events{1};
  std::error_code ec;
  SECTION("as long as there is time") {
    script.steps = {{EINTR, 3'000'000}, {EINTR, 2'500'000}, {EINTR, 4'499'999}, {0, 1}};
    CHECK(epoll.wait_restarting(events, 10ms) == 0);
    CHECK(script.calls ==
          WaitCalls{
              {"epoll_wait", 10'000'000}, {"epoll_wait", 7'000'000}, {"epoll_pwait2", 4'500'000}, {"epoll_pwait2", 1}});
  }
  SECTION("not for ever when the deadline has passed") {
    script.steps = {{EINTR, 30'000'000}, {EINTR, 1}};
    CHECK(epoll.wait_restarting(events, 10ms, ec) == 0);
    CHECK_FALSE(ec);
    CHECK(script.calls == WaitCalls{{"epoll_wait", 10'000'000}, {"epoll_wait", 0}, {"epoll_wait", 0}});
  }
  SECTION("for ever, if that was asked for") {
    script.steps = {{EINTR, 1}, {EINTR, 1}, {0}};
    CHECK(epoll.wait_restarting(events) == 0);
    CHECK(script.calls == WaitCalls(3, {"epoll_wait", -1}));
  }
  SECTION("not at all, if that was asked for") {
    script.steps = {{EINTR, 1}, {0}};
    CHECK(epoll.wait_restarting(events, Timeout::now) == 0);
    CHECK(script.calls == WaitCalls(2, {"epoll_wait", 0}));
  }
  SECTION("but not after another error") {
    script.steps = {{EINTR, 1}, {EBADF}};
    CHECK(epoll.wait_restarting(events, 1s, ec) == 0);
    CHECK(ec.value() == EBADF);
    CHECK(script.calls == WaitCalls{{"epoll_wait", 1'000'000'000}, {"epoll_pwait2", 999'999'999}});
  }
  SECTION("and not by the plain wait") {
    script.steps = {{EINTR, 1}};
    CHECK(test::thrown_by([&] { epoll.wait(events, 1s); }) ==
          "epoll_wait(fd " + std::to_string(epoll.fd()) + "): Interrupted system call");
    CHECK(script.calls == WaitCalls{{"epoll_wait", 1'000'000'000}});
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: waiting without room is misuse", "[epoll][handle][death]", test::AllBackends) {
  if (!test::assertions_are_on) return;
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  EventVec moved{4};
  EventVec taker{std::move(moved)};
  const std::string text = "Epoll::wait: the EventVec has no room (was it moved from?)";
  CHECK(last_words([&] { epoll.wait(moved, Timeout::now); }).find(text) != std::string::npos);
  CHECK(last_words([&] { epoll.wait_restarting(moved, Timeout::now); }).find(text) != std::string::npos);
  CHECK(epoll.wait(taker, Timeout::now) == 0);
  moved = EventVec{1};
  CHECK(epoll.wait(moved, Timeout::now) == 0);
}
