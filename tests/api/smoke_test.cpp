#include "../support/threads.hpp"

using namespace rouse;
using test::Handles;

TEMPLATE_LIST_TEST_CASE("Epoll: an edge is reported once", "[epoll][edge]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  EventVec events{4};
  epoll.add(event, EventFlags::in | EventFlags::et, 7);
  event.write(1);
  CHECK(epoll.wait(events, Timeout::now) == 1);
  CHECK(std::vector<Event>(events.begin(), events.end()) == std::vector<Event>{{EventFlags::in, 7}});
  CHECK(epoll.wait(events, Timeout::now) == 0);
}

TEMPLATE_LIST_TEST_CASE("Epoll: the thread that blocked last is woken first", "[epoll][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  epoll.add(event, EventFlags::in | EventFlags::et, 7);
  const auto wait = [&] {
    EventVec events{4};
    return epoll.wait(events);
  };
  auto first = on.spawn(wait);
  on.wait_until_blocked(first);
  auto last = on.spawn(wait);
  on.wait_until_blocked(last);
  event.write(1);
  CHECK(last.result() == 1);
  event.write(1);
  CHECK(first.result() == 1);
}
