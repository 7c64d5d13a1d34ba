// Event, EventVec and EventArray: what a wait fills and a loop walks.
#include "../support/death.hpp"
#include "../support/events.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <ranges>
#include <sstream>
#include <type_traits>

using namespace rouse;

namespace {

/// Fills `events` as a wait would, with the data 1, 2, 3 …
void fill(EventBuffer& events, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) events.data()[i] = Event{EventFlags::in, i + 1};
  events.set_filled(n);
}

std::vector<std::uint64_t> walked(const EventBuffer& events) {
  std::vector<std::uint64_t> data;
  for (const Event& event : events) data.push_back(event.data().u64());
  return data;
}

using Data = std::vector<std::uint64_t>;

enum class Colour : short { red = -2, green = 7 };

}  // namespace

TEST_CASE("Event: it has the layout that the kernel writes", "[event]") {
  STATIC_REQUIRE(sizeof(Event) == sizeof(::epoll_event));
  STATIC_REQUIRE(alignof(Event) == alignof(::epoll_event));
#ifdef __x86_64__
  STATIC_REQUIRE(sizeof(Event) == 12);
  STATIC_REQUIRE(alignof(Event) == 1);
#endif
  STATIC_REQUIRE(std::is_trivially_copyable_v<Event>);
  ::epoll_event raw{};
  raw.events = EPOLLIN | EPOLLET;
  raw.data.u64 = 0x1122334455667788;
  Event event;
  std::memcpy(static_cast<void*>(&event), &raw, sizeof raw);
  CHECK(event.flags() == (EventFlags::in | EventFlags::et));
  CHECK(event.data().u64() == 0x1122334455667788);
}

TEST_CASE("Event: its data is a number, an fd, an enumerator or a pointer", "[event]") {
  int object = 0;
  const int constant = 0;
  CHECK(EventData{}.u64() == 0);
  CHECK(EventData{7}.fd() == 7);
  CHECK(EventData{-1}.fd() == -1);
  CHECK(EventData{-1}.u64() == 0xffffffffffffffff);
  CHECK(EventData{0xffffffffu}.u64() == 0xffffffff);
  CHECK(EventData{std::uint64_t{0xfedcba9876543210}}.u64() == 0xfedcba9876543210);
  CHECK(EventData{Colour::red}.as<Colour>() == Colour::red);
  CHECK(EventData{Colour::green}.u64() == 7);
  CHECK(EventData{&object}.ptr<int>() == &object);
  CHECK(EventData{&constant}.ptr<const int>() == &constant);
  CHECK(EventData{static_cast<void*>(&object)}.ptr<int>() == &object);
  CHECK(EventData{5} == EventData{5u});
  CHECK_FALSE(EventData{5} == EventData{6});
  STATIC_REQUIRE(EventData{7}.u64() == 7);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<EventData, bool>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<EventData, double>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<EventData, void (*)()>);
}

TEST_CASE("Event: it compares and prints", "[event]") {
  const Event event{EventFlags::in | EventFlags::hup, 5};
  CHECK(event == Event{EventFlags::in | EventFlags::hup, 5});
  CHECK_FALSE(event == Event{EventFlags::in, 5});
  CHECK_FALSE(event == Event{EventFlags::in | EventFlags::hup, 6});
  std::ostringstream text;
  text << event;
  CHECK(text.str() == "{in|hup, 5}");
}

TEST_CASE("Event: it binds as flags and data, by value, in lambdas too", "[event]") {
  EventArray<4> events;
  fill(events, 2);
  std::uint64_t sum = 0;
  for (auto [flags, data] : events) {
    const auto add = [&, flags = flags] { sum += flags.bits * 100 + data.u64(); };
    add();
  }
  CHECK(sum == EPOLLIN * 200 + 3);
  for (const auto& [flags, data] : std::as_const(events)) {
    STATIC_REQUIRE(std::is_same_v<decltype(flags), const EventFlags>);
    STATIC_REQUIRE(std::is_same_v<decltype(data), const EventData>);
    CHECK(flags == EventFlags::in);
  }
  auto [flags, data] = events[1];
  data = 9;
  flags = EventFlags::out;
  CHECK(events[1] == Event{EventFlags::in, 2});
}

TEST_CASE("EventVec: it starts empty, with the capacity it was given", "[event_vec]") {
  const EventVec events{8};
  CHECK(events.capacity() == 8);
  CHECK(events.size() == 0);
  CHECK(events.empty());
  CHECK(events.span().empty());
  CHECK(events.begin() == events.end());
  CHECK(walked(events).empty());
}

TEST_CASE("EventVec: size and walk are what the last wait filled", "[event_vec]") {
  EventVec events{4};
  for (const std::size_t n : std::initializer_list<std::size_t>{4, 2, 3, 0, 1}) {
    CAPTURE(n);
    fill(events, n);
    CHECK(events.size() == n);
    CHECK(events.empty() == (n == 0));
    CHECK(events.span().size() == n);
    CHECK(walked(events).size() == n);
    CHECK(static_cast<std::size_t>(std::distance(events.begin(), events.end())) == n);
  }
  fill(events, 4);
  CHECK(walked(events) == Data{1, 2, 3, 4});
  CHECK(events[3] == Event{EventFlags::in, 4});
  events.clear();
  CHECK(events.empty());
  CHECK(events.capacity() == 4);
  CHECK(walked(events).empty());
}

TEST_CASE("EventVec: more room keeps the events, less room keeps them too", "[event_vec]") {
  EventVec events{2};
  fill(events, 2);
  events.reserve(1);
  CHECK(events.capacity() == 2);
  events.reserve(10);
  CHECK(events.capacity() == 10);
  CHECK(walked(events) == Data{1, 2});
  fill(events, 10);
  CHECK(events.size() == 10);
  fill(events, 3);
  events.shrink(20);
  CHECK(events.capacity() == 10);
  events.shrink(5);
  CHECK(events.capacity() == 5);
  CHECK(walked(events) == Data{1, 2, 3});
  events.shrink(1);
  CHECK(events.capacity() == 3);
  CHECK(walked(events) == Data{1, 2, 3});
  events.clear();
  events.shrink(1);
  CHECK(events.capacity() == 1);
  CHECK(events.empty());
}

TEST_CASE("EventVec: it is moved, never copied, and a moved-from one is empty", "[event_vec]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<EventVec>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<EventVec>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<EventVec>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<EventVec>);
  EventVec first{4};
  fill(first, 3);
  EventVec second{std::move(first)};
  CHECK(walked(second) == Data{1, 2, 3});
  CHECK(first.capacity() == 0);
  CHECK(first.empty());
  CHECK(walked(first).empty());
  EventVec third{1};
  third = std::move(second);
  CHECK(third.capacity() == 4);
  CHECK(walked(third) == Data{1, 2, 3});
  EventVec& same = third;
  third = std::move(same);
  CHECK(walked(third) == Data{1, 2, 3});
  first.clear();
  CHECK(walked(first).empty());
  first.forget(1);
  CHECK(first.empty());
  CHECK(walked(first).empty());
  first.reserve(2);
  CHECK(walked(first).empty());
  fill(first, 2);
  CHECK(walked(first) == Data{1, 2});
}

TEST_CASE("EventVec: what was forgotten stays so when the room changes", "[event_vec][forget]") {
  EventVec events{4};
  fill(events, 4);
  events.forget(1);
  events.forget(3);
  events.reserve(10);
  CHECK(walked(events) == Data{2, 4});
  events.shrink(4);
  CHECK(walked(events) == Data{2, 4});
  EventVec moved = std::move(events);
  CHECK(walked(moved) == Data{2, 4});
  CHECK(walked(events).empty());
  moved.forget(2);
  CHECK(walked(moved) == Data{4});
  events = std::move(moved);
  CHECK(walked(events) == Data{4});
  CHECK(events.size() == 4);
}

TEST_CASE("EventVec: a constant one gives constant events", "[event_vec]") {
  EventVec events{2};
  fill(events, 2);
  const EventVec& constant = events;
  STATIC_REQUIRE(std::is_same_v<decltype(*events.begin()), Event&>);
  STATIC_REQUIRE(std::is_same_v<decltype(*constant.begin()), const Event&>);
  STATIC_REQUIRE(std::is_same_v<decltype(events.span()), std::span<Event>>);
  STATIC_REQUIRE(std::is_same_v<decltype(constant.span()), std::span<const Event>>);
  STATIC_REQUIRE(std::is_same_v<decltype(events.data()), Event*>);
  STATIC_REQUIRE(std::is_same_v<decltype(constant.data()), const Event*>);
  STATIC_REQUIRE(std::is_convertible_v<EventVec::iterator, EventVec::const_iterator>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<EventVec::const_iterator, EventVec::iterator>);
  CHECK(EventVec::const_iterator{events.begin()} == constant.begin());
  CHECK(EventVec::const_iterator{events.end()} == constant.end());
  *events.begin() = Event{EventFlags::out, 9};
  CHECK(constant[0] == Event{EventFlags::out, 9});
}

TEST_CASE("EventVec: an iterator that was made constant goes on where it was", "[event_vec][forget]") {
  EventVec events{4};
  fill(events, 4);
  auto at = events.begin();
  EventVec::const_iterator constant = ++at;
  CHECK(constant->data() == 2);
  events.forget(3);
  CHECK((++constant)->data() == 4);
  CHECK((++at)->data() == 4);
  CHECK(EventVec::const_iterator{at} == constant);
  CHECK(++constant == events.end());
}

TEST_CASE("EventVec: it is a range, and its iterator a forward one", "[event_vec]") {
  STATIC_REQUIRE(std::forward_iterator<EventVec::iterator>);
  STATIC_REQUIRE(std::forward_iterator<EventVec::const_iterator>);
  STATIC_REQUIRE(std::ranges::forward_range<EventVec>);
  STATIC_REQUIRE(std::ranges::forward_range<const EventVec>);
  STATIC_REQUIRE(std::ranges::sized_range<EventVec>);
  EventVec events{3};
  fill(events, 3);
  CHECK(std::vector<Event>(events.begin(), events.end()).size() == 3);
  auto at = events.begin();
  CHECK((at++)->data() == 1);
  CHECK(at->data() == 2);
  CHECK((++at)->data() == 3);
  const auto copy = at;
  CHECK(++at == events.end());
  CHECK(copy->data() == 3);
  const auto is_second = [](const Event& event) { return event.data() == 2; };
  CHECK(std::find_if(events.begin(), events.end(), is_second) != events.end());
}

TEST_CASE("EventVec: forgetting skips what is left of the batch for an object", "[event_vec][forget]") {
  EventVec events{5};
  SECTION("before the walk") {
    fill(events, 5);
    events.forget(1);
    events.forget(3);
    events.forget(4);
    CHECK(walked(events) == Data{2, 5});
    CHECK(events.size() == 5);
    CHECK(events.span()[0].flags().empty());
    CHECK(events.span()[1].flags() == EventFlags::in);
  }
  SECTION("all of them") {
    fill(events, 3);
    for (const int data : {1, 2, 3}) events.forget(data);
    CHECK(events.begin() == events.end());
    CHECK(walked(events).empty());
    CHECK_FALSE(events.empty());
  }
  SECTION("while walking, of later ones") {
    fill(events, 5);
    Data seen;
    for (const auto [flags, data] : events) {
      seen.push_back(data.u64());
      if (data == 2) {
        events.forget(3);
        events.forget(5);
      }
    }
    CHECK(seen == Data{1, 2, 4});
  }
  SECTION("while walking, of the present and earlier ones") {
    fill(events, 4);
    Data seen;
    for (const auto [flags, data] : events) {
      seen.push_back(data.u64());
      events.forget(data);
      events.forget(1);
    }
    CHECK(seen == Data{1, 2, 3, 4});
    CHECK(walked(events).empty());
  }
  SECTION("of what is reported twice, and of what is not there") {
    for (std::size_t i = 0; i < 4; ++i) events.data()[i] = Event{EventFlags::in, i % 2 + 1};
    events.set_filled(4);
    events.forget(7);
    events.forget(0);
    events.forget(1);
    CHECK(walked(events) == Data{2, 2});
  }
  SECTION("data of any value") {
    const std::uint64_t values[] = {0, 1, 0xffffffffffffffff, 0, 1};
    for (std::size_t i = 0; i < 5; ++i) events.data()[i] = Event{EventFlags::in, values[i]};
    events.set_filled(5);
    events.forget(0);
    CHECK(walked(events) == Data{1, 0xffffffffffffffff, 1});
    events.forget(1);
    CHECK(walked(events) == Data{0xffffffffffffffff});
  }
  SECTION("the next wait fills afresh") {
    fill(events, 3);
    events.forget(2);
    fill(events, 3);
    CHECK(walked(events) == Data{1, 2, 3});
    events.forget(2);
    fill(events, 0);
    CHECK(walked(events).empty());
  }
  SECTION("where there is nothing") {
    events.forget(0);
    CHECK(events.empty());
    CHECK(walked(events).empty());
    fill(events, 2);
    CHECK(walked(events) == Data{1, 2});
  }
  SECTION("while two walks are on") {
    fill(events, 4);
    auto first = events.begin();
    auto second = ++events.begin();
    events.forget(2);
    CHECK((++first)->data() == 3);
    events.forget(4);
    CHECK((++second)->data() == 3);
    CHECK(++first == events.end());
    CHECK(++second == events.end());
  }
}

TEST_CASE("EventVec: clearing ends a running walk with its present step", "[event_vec]") {
  EventVec events{4};
  fill(events, 4);
  Data seen;
  for (const auto [flags, data] : events) {
    seen.push_back(data.u64());
    if (data == 2) events.clear();
  }
  CHECK(seen == Data{1, 2});
  CHECK(events.empty());
  CHECK(walked(events).empty());
}

TEST_CASE("EventVec: clearing ends a walk before and after forgetting, too", "[event_vec][forget]") {
  for (const bool forgets_first : {false, true}) {
    CAPTURE(forgets_first);
    EventVec events{4};
    fill(events, 4);
    Data seen;
    for (const auto [flags, data] : events) {
      seen.push_back(data.u64());
      if (forgets_first) events.forget(3);
      events.clear();
      if (!forgets_first) events.forget(3);
    }
    CHECK(seen == Data{1});
    CHECK(events.empty());
    CHECK(walked(events).empty());
  }
}

TEST_CASE("EventArray: its room is within, and fixed", "[event_vec]") {
  EventArray<3> events;
  CHECK(events.capacity() == 3);
  CHECK(events.empty());
  STATIC_REQUIRE(sizeof(EventArray<3>) <= 4 * sizeof(Event) + 3 * sizeof(void*) + alignof(void*));
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<EventArray<3>>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<EventArray<3>>);
  STATIC_REQUIRE_FALSE(std::is_move_assignable_v<EventArray<3>>);
  fill(events, 3);
  CHECK(walked(events) == Data{1, 2, 3});
  events.forget(2);
  CHECK(walked(events) == Data{1, 3});
  CHECK(reinterpret_cast<const char*>(events.data()) >= reinterpret_cast<const char*>(&events));
  CHECK(reinterpret_cast<const char*>(events.data() + 3) < reinterpret_cast<const char*>(&events + 1));
}

TEST_CASE("EventVec: misuse is named", "[event_vec][death]") {
  if (!test::assertions_are_on) return;
  EventVec events{2};
  fill(events, 1);
  const auto says = [](auto misuse, const char* text) {
    return test::last_words(misuse).find(text) != std::string::npos;
  };
  CHECK(says([] { EventVec{0}; }, "EventVec: a capacity of 0"));
  CHECK(says([] { EventVec{events_max + 1}; }, "EventVec: epoll_wait takes at most"));
  CHECK(says([&] { events.shrink(0); }, "EventVec: a capacity of 0"));
  CHECK(says([&] { static_cast<void>(events[1]); }, "EventBuffer: index beyond the filled part"));
  CHECK(says([&] { events.set_filled(3); }, "EventBuffer: more events filled than there is room for"));
  STATIC_REQUIRE(events_max == 178956970);
}

TEMPLATE_LIST_TEST_CASE("EventVec: a wait fills no more than its capacity, and a failed one leaves it empty",
                        "[event_vec]", test::AllBackends) {
  TestType on;
  typename test::Handles<TestType>::Epoll epoll{on.backend};
  typename test::Handles<TestType>::EventFd first{on.backend, 1};
  typename test::Handles<TestType>::EventFd second{on.backend, 1};
  epoll.add(first, EventFlags::in, 1);
  epoll.add(second, EventFlags::in, 2);
  EventVec events{1};
  CHECK(epoll.wait(events, Timeout::now) == 1);
  CHECK(walked(events) == Data{1});
  events.reserve(8);
  CHECK(epoll.wait(events, Timeout::now) == 2);
  CHECK(walked(events) == Data{2, 1});
  CHECK(events.capacity() == 8);
  first.drain();
  second.drain();
  CHECK(epoll.wait(events, Timeout::now) == 0);
  CHECK(events.empty());
  CHECK(walked(events).empty());
  fill(events, 4);
  events.forget(2);
  typename test::Handles<TestType>::Epoll no_epoll{first.duplicate().release()};
  std::error_code ec;
  CHECK(no_epoll.wait(events, Timeout::now, ec) == 0);
  CHECK(ec == std::errc::invalid_argument);
  CHECK(events.empty());
  CHECK(walked(events).empty());
  fill(events, 4);
  CHECK_THROWS_AS(no_epoll.wait(events, Timeout::now), std::system_error);
  CHECK(events.empty());
  CHECK(walked(events).empty());
}
