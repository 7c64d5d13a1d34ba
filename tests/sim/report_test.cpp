// What a person is shown of a failure: the timeline, the report, and the trace for Perfetto.
#include "rouse/sim/trace/report.hpp"

#include "../support/catch.hpp"
#include "../support/deadlock.hpp"
#include "../support/traced.hpp"
#include "rouse/sim/trace/trace_json.hpp"

#include <string>

using namespace rouse;
using test::Traced;

TEST_CASE("Timeline: a lane for each task, and a line for each step", "[report]") {
  const Traced traced{test::deadlock};
  CHECK('\n' + timeline(traced.trace) == R"(
*    main    eventfd(0, nonblock|cloexec) = eventfd 3  deadlock.hpp:15
*    main    spawns worker
* |  main    sleep blocks until 2.000 ms  deadlock.hpp:22
: *  worker  mutex 1: lock  deadlock.hpp:18
: *  worker  read(eventfd 3, 8 bytes) = EAGAIN  deadlock.hpp:19
: *  worker  poll({eventfd 3 in}, for ever) blocks  deadlock.hpp:19
-- 2.000 ms: time moves on, wakes main
* :  main    sleep goes on
* :  main    mutex 1: lock blocks, worker has it  deadlock.hpp:23
: :          failure: deadlock
)");
}

TEST_CASE("Timeline: long lines are broken between words, and what is too much is left out of the middle", "[report]") {
  const Traced traced{test::deadlock};
  CHECK('\n' + timeline(traced.trace, {.lines_max = 4, .width = 40}) == R"(
*    main    eventfd(0,
... 16 lines left out
: :            worker has it
: :            deadlock.hpp:23
: :          failure: deadlock
)");
}

TEST_CASE("Timeline: of nothing, nothing", "[report]") { CHECK(timeline(sim::Trace{}).empty()); }

TEST_CASE("Report: what failed, how, who waits on whom, and how to see it again", "[report]") {
  const Traced traced{test::deadlock};
  CHECK('\n' + report(traced.outcome, traced.trace, {.runs = 12, .seed = 3}) == R"(
deadlock in mutex 1: lock by main at deadlock.hpp:23
timeline:
*    main    eventfd(0, nonblock|cloexec) = eventfd 3  deadlock.hpp:15
*    main    spawns worker
* |  main    sleep blocks until 2.000 ms  deadlock.hpp:22
: *  worker  mutex 1: lock  deadlock.hpp:18
: *  worker  read(eventfd 3, 8 bytes) = EAGAIN  deadlock.hpp:19
: *  worker  poll({eventfd 3 in}, for ever) blocks  deadlock.hpp:19
-- 2.000 ms: time moves on, wakes main
* :  main    sleep goes on
* :  main    mutex 1: lock blocks, worker has it  deadlock.hpp:23
: :          failure: deadlock
who waits on whom:
  main waits in mutex 1: lock at deadlock.hpp:23
    worker has it
  worker waits in poll({eventfd 3 in}, for ever) at deadlock.hpp:19
tasks at 2.000 ms:
  main is blocked in mutex::lock since 2.000 ms for ever
  worker is blocked in poll(fd 3) since 0.000 ms for ever
fds:
  0: plain file (file 1): stdin
  1: plain file (file 2): stdout
  2: plain file (file 3): stderr
  3: eventfd (file 4): count 0, non-blocking
8 steps, 0 preemptions
found in run 12 of ROUSE_SEED=3
replay it by ROUSE_REPLAY=0
)");
}

TEST_CASE("Report: in one line", "[report]") {
  sim::Outcome outcome;
  outcome.ending = sim::Ending::deadlock;
  outcome.text = "tasks at 0.000 ms:\n";
  CHECK(summary(outcome) == "deadlock");
  outcome.call = "read(eventfd 3, 8 bytes) by main";
  CHECK(summary(outcome) == "deadlock in read(eventfd 3, 8 bytes) by main");
  outcome.ending = sim::Ending::exception;
  outcome.text = "task \"main\" threw: no more\nand more";
  CHECK(summary(outcome) == "uncaught exception: task \"main\" threw: no more, after read(eventfd 3, 8 bytes) by main");
  outcome.ending = sim::Ending::leaked_fd;
  outcome.text = "still open at the end of the run: 3 (eventfd)";
  outcome.call = "eventfd(0) by main";
  CHECK(summary(outcome) == "leaked fd: still open at the end of the run: 3 (eventfd), made by eventfd(0) by main");
}

TEST_CASE("Trace for Perfetto: slices, flows and the failure", "[report]") {
  const Traced traced{test::deadlock};
  CHECK('\n' + trace_json(traced.trace) == R"json(
{"displayTimeUnit":"ns","traceEvents":[
{"ph":"M","name":"thread_name","pid":1,"tid":0,"args":{"name":"time"}},
{"ph":"M","name":"thread_sort_index","pid":1,"tid":0,"args":{"sort_index":0}},
{"ph":"M","name":"thread_name","pid":1,"tid":1,"args":{"name":"main"}},
{"ph":"M","name":"thread_sort_index","pid":1,"tid":1,"args":{"sort_index":1}},
{"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"worker"}},
{"ph":"M","name":"thread_sort_index","pid":1,"tid":2,"args":{"sort_index":2}},
{"ph":"X","pid":1,"tid":1,"ts":0.000,"dur":0.001,"name":"eventfd(0, nonblock|cloexec) = eventfd 3","args":{"step":0,"place":"deadlock.hpp:15"}},
{"ph":"i","pid":1,"tid":1,"ts":0.001,"s":"t","name":"spawns worker"},
{"ph":"X","pid":1,"tid":1,"ts":0.002,"dur":2000.009,"name":"sleep goes on","args":{"step":2,"place":"deadlock.hpp:22"}},
{"ph":"X","pid":1,"tid":2,"ts":0.004,"dur":0.001,"name":"mutex 1: lock","args":{"step":4,"place":"deadlock.hpp:18"}},
{"ph":"X","pid":1,"tid":2,"ts":0.005,"dur":0.001,"name":"read(eventfd 3, 8 bytes) = EAGAIN","args":{"step":5,"place":"deadlock.hpp:19"}},
{"ph":"X","pid":1,"tid":2,"ts":0.006,"dur":2000.008,"name":"poll({eventfd 3 in}, for ever)","args":{"step":6,"place":"deadlock.hpp:19"}},
{"ph":"X","pid":1,"tid":0,"ts":2000.008,"dur":0.002,"name":"moves on","args":{"step":8}},
{"ph":"s","pid":1,"tid":0,"ts":2000.009,"cat":"wake","name":"wakes","id":9},
{"ph":"f","pid":1,"tid":1,"ts":2000.010,"bp":"e","cat":"wake","name":"wakes","id":9},
{"ph":"X","pid":1,"tid":1,"ts":2000.011,"dur":0.003,"name":"mutex 1: lock","args":{"step":11,"place":"deadlock.hpp:23"}},
{"ph":"i","pid":1,"tid":0,"ts":2000.013,"s":"g","name":"failure: deadlock"}
]}
)json");
}

TEST_CASE("Trace for Perfetto: names are quoted", "[report]") {
  const Traced traced{[](sim::World& world) {
    world.spawn("a \"b\" \\ \n \xc3\xa9", [] {});
    world.join_all();
  }};
  CHECK(trace_json(traced.trace).find(R"("name":"a \"b\" \\ ? ??")") != std::string::npos);
  CHECK_FALSE(write_trace_json(traced.trace, "/no/such/directory/trace.json"));
}
