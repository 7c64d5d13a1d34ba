// Threads that wait: who is woken, how many of them, and in which order.
#include "../support/bad_pointers.hpp"
#include "../support/sleepers.hpp"

#include <algorithm>

using namespace rouse;
using namespace std::chrono_literals;
using test::are_asleep;
using test::asleep_in;
using test::Events;
using test::Handles;
using test::reported;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags et = EventFlags::et;
constexpr EventFlags oneshot = EventFlags::oneshot;

}  // namespace

TEMPLATE_LIST_TEST_CASE("Epoll: an edge wakes one of the threads that wait, the last that came",
                        "[epoll][threads][edge]", test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  epoll.add(event, in | et, 7);
  auto workers = asleep_in(on, epoll, 4, 4);
  while (!workers.empty()) {
    event.write(1);
    CHECK(workers.back().result() == Events{{in, 7}});
    workers.pop_back();
    CHECK(are_asleep(on, workers));
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: a one-shot event wakes one thread until it is armed again", "[epoll][threads][oneshot]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  epoll.add(event, in | oneshot, 1);
  auto workers = asleep_in(on, epoll, 3, 4);
  event.write(1);
  CHECK(workers.back().result() == Events{{in, 1}});
  workers.pop_back();
  event.write(1);
  CHECK(are_asleep(on, workers));
  epoll.modify(event, in | oneshot, 2);
  CHECK(workers.back().result() == Events{{in, 2}});
  workers.pop_back();
  CHECK(are_asleep(on, workers));
  epoll.modify(event, in, 3);
  CHECK(workers.back().result() == Events{{in, 3}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: a level that nobody takes away wakes all threads, one after the other",
                        "[epoll][threads]", test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::EventFd ready{on.backend, 1};
  enum class By { write, add, modify };
  for (const By by : {By::write, By::add, By::modify}) {
    CAPTURE(static_cast<int>(by));
    epoll.add(event, by == By::modify ? oneshot : in, 7);
    if (by == By::modify) event.write(1);
    if (by == By::add) epoll.remove(event);
    auto workers = asleep_in(on, epoll, 4, 4);
    switch (by) {
      case By::write: event.write(1); break;
      case By::add: event.write(1), epoll.add(event, in, 7); break;
      case By::modify: epoll.modify(event, in, 7); break;
    }
    for (auto& worker : workers) CHECK(worker.result() == Events{{in, 7}});
    epoll.remove(event);
    event.drain();
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: who cannot be told of an event leaves it to the next", "[epoll][threads][fault]",
                        test::AllThreadBackends) {
  if constexpr (test::buffers_are_watched && !TestType::is_emulated) return;  // A sanitizer would look there.
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  epoll.add(event, in | et, 7);
  auto next = asleep_in(on, epoll, 1, 4);
  auto first = on.spawn([&] { return on.backend.epoll_wait(epoll.fd(), test::unmapped<Event>(), 1, -1); });
  on.wait_until_blocked(first);
  event.write(1);
  CHECK(first.result() == SysResult<int>::failure(EFAULT));
  CHECK(next.front().result() == Events{{in, 7}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: an edge that an ADD or a MOD finds wakes one thread", "[epoll][threads][edge]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  auto workers = asleep_in(on, epoll, 3, 4);
  epoll.add(event, in | et, 1);
  CHECK(workers.back().result() == Events{{in, 1}});
  workers.pop_back();
  CHECK(are_asleep(on, workers));
  epoll.modify(event, in | et, 2);
  CHECK(workers.back().result() == Events{{in, 2}});
  workers.pop_back();
  epoll.modify(event, EventFlags::pri | et, 3);
  epoll.remove(event);
  CHECK(are_asleep(on, workers));
  epoll.add(event, in, 4);
  CHECK(workers.back().result() == Events{{in, 4}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: two events with room for one each wake two threads", "[epoll][threads][edge]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd one{on.backend};
  typename Handles<TestType>::EventFd two{on.backend};
  epoll.add(one, in | et, 1);
  epoll.add(two, in | et, 2);
  auto workers = asleep_in(on, epoll, 3, 1);
  one.write(1);
  two.write(1);
  // Which two is the scheduler's choice: the first to run wakes the third as well, for what it leaves behind.
  const auto is_done = [](const auto& worker) { return worker.is_done(); };
  while (std::count_if(workers.begin(), workers.end(), is_done) < 2) std::this_thread::yield();
  const auto third = std::find_if_not(workers.begin(), workers.end(), is_done);
  REQUIRE(third != workers.end());
  on.wait_until_blocked(*third);
  one.write(1);
  std::vector<std::uint64_t> data;
  for (auto& worker : workers) {
    const Events events = worker.result();
    CHECK(events.size() == 1);
    for (const Event& event : events) data.push_back(event.data().u64());
  }
  std::sort(data.begin(), data.end());
  CHECK(data == std::vector<std::uint64_t>{1, 1, 2});
}

TEMPLATE_LIST_TEST_CASE("Epoll: a thread that goes back to waiting takes everything", "[epoll][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd work{on.backend};
  typename Handles<TestType>::EventFd stop{on.backend};
  epoll.add(work, in | et, 1);
  epoll.add(stop, in, 2);
  const auto serve = [&] {
    EventVec events{1};
    for (int served = 0;; ++served) {
      epoll.wait(events);
      if (events[0].data() == 2) return served;
      work.drain();
    }
  };
  std::vector<test::Worker<int>> workers;
  for (int i = 0; i < 3; ++i) {
    workers.push_back(on.spawn(serve));
    on.wait_until_blocked(workers.back());
  }
  for (int i = 0; i < 9; ++i) {
    work.write(1);
    on.wait_until_blocked(workers.back());
  }
  stop.write(1);
  CHECK(workers[0].result() == 0);
  CHECK(workers[1].result() == 0);
  CHECK(workers[2].result() == 9);
}

TEMPLATE_LIST_TEST_CASE("Epoll: a wakeup in vain sends the thread back to sleep", "[epoll][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  epoll.add(event, in | et, 1);
  auto worker = asleep_in(on, epoll);
  for (int i = 0; i < 3; ++i) {
    // An edge that says `in`, with nothing to read.
    event.write(0);
    on.wait_until_blocked(worker);
  }
  event.write(5);
  CHECK(worker.result() == Events{{in, 1}});
}

// The real clock has no hands to move.
TEST_CASE("Epoll: a wakeup in vain does not give the thread more time", "[epoll][threads][timeout][emulated]") {
  kernel::ThreadHost host{kernel::ThreadHost::Clock::by_hand};
  kernel::Kernel kernel{host};
  const EmulatedBackend backend{kernel};
  BasicEpoll<EmulatedBackend> epoll{backend};
  BasicEventFd<EmulatedBackend> event{backend};
  epoll.add(event, in | et, 1);
  test::Worker<SysResult<int>> worker{[&] {
    Event events[1];
    return backend.epoll_wait(epoll.fd(), events, 1, 10);
  }};
  host.wait_until_blocked(worker.id());
  for (int i = 0; i < 9; ++i) {
    host.advance(1ms);
    event.write(0);
    host.wait_until_blocked(worker.id());
  }
  CHECK_FALSE(worker.is_done());
  host.advance(1ms);
  CHECK(worker.result() == SysResult<int>{0});
}

TEMPLATE_LIST_TEST_CASE("Epoll: all epolls that watch a file wake", "[epoll][threads]", test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  std::vector<typename Handles<TestType>::Epoll> epolls;
  for (int i = 0; i < 3; ++i) {
    epolls.emplace_back(on.backend);
    epolls.back().add(event, in | et, i);
  }
  std::vector<test::Worker<Events>> workers;
  for (auto& epoll : epolls) workers.push_back(asleep_in(on, epoll));
  event.write(1);
  for (int i = 0; i < 3; ++i) CHECK(workers[static_cast<std::size_t>(i)].result() == Events{{in, i}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: threads in an outer epoll wake as its own flags say", "[epoll][threads][nesting]",
                        test::AllThreadBackends) {
  TestType on;
  struct Row {
    EventFlags inner;
    EventFlags outer;
    bool all;
  };
  for (const Row& row : {Row{in, in, true}, {in | et, in, true}, {in, in | et, false}, {in | et, in | et, false}}) {
    CAPTURE(row.inner, row.outer);
    typename Handles<TestType>::Epoll inner{on.backend};
    typename Handles<TestType>::Epoll outer{on.backend};
    typename Handles<TestType>::EventFd event{on.backend};
    inner.add(event, row.inner, 1);
    outer.add(inner, row.outer, 2);
    auto workers = asleep_in(on, outer, 3, 4);
    while (!workers.empty()) {
      event.write(1);
      do {
        CHECK(workers.back().result() == Events{{in, 2}});
        workers.pop_back();
      } while (row.all && !workers.empty());
      CHECK(are_asleep(on, workers));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: threads in an inner epoll and in several outer ones all wake",
                        "[epoll][threads][nesting]", test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll inner{on.backend};
  typename Handles<TestType>::Epoll outer{on.backend};
  typename Handles<TestType>::Epoll another{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  inner.add(event, in, 1);
  outer.add(inner, in | et, 2);
  another.add(inner, in, 3);
  auto in_inner = asleep_in(on, inner);
  auto in_outer = asleep_in(on, outer);
  auto in_another = asleep_in(on, another);
  event.write(1);
  CHECK(in_inner.result() == Events{{in, 1}});
  CHECK(in_outer.result() == Events{{in, 2}});
  CHECK(in_another.result() == Events{{in, 3}});
}
