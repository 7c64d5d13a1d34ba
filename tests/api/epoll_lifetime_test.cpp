// How long a registration lives: as long as the open file description, which is neither the number nor the handle.
#include "../support/bare.hpp"
#include "../support/events.hpp"
#include "../support/threads.hpp"

#include <string>

using namespace rouse;
using test::Events;
using test::Handles;
using test::reported;
using namespace std::chrono_literals;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags et = EventFlags::et;

/// Another descriptor of `fd`'s description, at exactly this number.
template <class B>
BasicOwnedFd<B> duplicate_at(const B& backend, int fd, int number) {
  return {backend, backend.dup2(fd, number).value()};
}

/// The error of changing or removing the registration of a bare number, or 0.
template <class Epoll>
int error_of_modify(Epoll& epoll, int number, std::uint64_t data) {
  std::error_code ec;
  epoll.modify({epoll.backend(), number}, in, data, ec);
  return ec.value();
}
template <class Epoll>
int error_of_remove(Epoll& epoll, int number) {
  std::error_code ec;
  epoll.remove({epoll.backend(), number}, ec);
  return ec.value();
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Epoll: a registration survives its number while a duplicate is open", "[epoll][lifetime]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  auto dup = event.duplicate();
  const int number = event.fd();
  epoll.add(event, in, 1);
  event.close();
  dup.write(1);
  CHECK(reported(epoll) == Events{{in, 1}});
  // It can no longer be named: neither by the number that is closed nor by the one that was never added.
  CHECK(error_of_modify(epoll, number, 2) == EBADF);
  CHECK(error_of_remove(epoll, number) == EBADF);
  CHECK(error_of_modify(epoll, dup.fd(), 2) == ENOENT);
  CHECK(error_of_remove(epoll, dup.fd()) == ENOENT);
  CHECK(reported(epoll) == Events{{in, 1}});
  dup.close();
  CHECK(reported(epoll).empty());
}

TEMPLATE_LIST_TEST_CASE("Epoll: a stranger under the number does not inherit the registration", "[epoll][lifetime]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::EventFd stranger{on.backend};
  auto dup = event.duplicate();
  const int number = event.fd();
  epoll.add(event, in, 1);
  event.close();
  const auto reused = duplicate_at(on.backend, stranger.fd(), number);
  CHECK(error_of_modify(epoll, number, 2) == ENOENT);
  CHECK(error_of_remove(epoll, number) == ENOENT);
  epoll.add(reused.ref(), in, 2);
  stranger.write(1);
  dup.write(1);
  CHECK(reported(epoll) == Events{{in, 2}, {in, 1}});
  CHECK(error_of_remove(epoll, number) == 0);
  CHECK(reported(epoll) == Events{{in, 1}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: a duplicate that lands on the number finds the registration again", "[epoll][lifetime]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  auto dup = event.duplicate();
  const int number = event.fd();
  epoll.add(event, in, 1);
  event.close();
  const auto back = duplicate_at(on.backend, dup.fd(), number);
  std::error_code ec;
  epoll.add(back.ref(), in, 2, ec);
  CHECK(ec.value() == EEXIST);
  CHECK(error_of_modify(epoll, number, 3) == 0);
  dup.write(1);
  CHECK(reported(epoll) == Events{{in, 3}});
  CHECK(error_of_remove(epoll, number) == 0);
  CHECK(reported(epoll).empty());
}

TEMPLATE_LIST_TEST_CASE("Epoll: an event that is due goes with the last descriptor", "[epoll][lifetime]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::Epoll other{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::EventFd staying{on.backend, 1};
  auto dup = event.duplicate();
  epoll.add(event, in | et, 1);
  epoll.add(dup, in, 2);
  epoll.add(staying, in, 3);
  other.add(event, in, 4);
  event.write(1);
  event.close();
  CHECK(reported(other) == Events{{in, 4}});
  CHECK(reported(epoll) == Events{{in, 3}, {in, 2}, {in, 1}});
  dup.write(1);
  dup.close();
  CHECK(reported(epoll) == Events{{in, 3}});
  CHECK(reported(other).empty());
}

TEMPLATE_LIST_TEST_CASE("Epoll: a number closed by dup2 is closed like any other", "[epoll][lifetime]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  typename Handles<TestType>::EventFd stranger{on.backend, 1};
  epoll.add(event, in, 1);
  CHECK(on.backend.dup2(stranger.fd(), event.fd()) == SysResult<int>{event.fd()});
  CHECK(reported(epoll).empty());
  CHECK(error_of_remove(epoll, event.fd()) == ENOENT);
  // Onto itself it changes nothing.
  epoll.add(event, in, 2);
  CHECK(on.backend.dup2(event.fd(), event.fd()) == SysResult<int>{event.fd()});
  CHECK(reported(epoll) == Events{{in, 2}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: a file in several epolls is reported by each", "[epoll][lifetime]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll one{on.backend};
  typename Handles<TestType>::Epoll two{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  one.add(event, in, 1);
  two.add(event, in | et, 2);
  event.write(1);
  CHECK(reported(one) == Events{{in, 1}});
  event.drain();
  // What is gone when a wait looks is not reported, though it was due.
  CHECK(reported(two).empty());
  event.write(1);
  one.close();
  CHECK(reported(two) == Events{{in, 2}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: duplicates of an epoll are one epoll", "[epoll][lifetime]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  auto dup = epoll.duplicate();
  epoll.add(event, in | et, 1);
  std::error_code ec;
  dup.add(event, in, 2, ec);
  CHECK(ec.value() == EEXIST);
  event.write(1);
  CHECK(reported(dup) == Events{{in, 1}});
  CHECK(reported(epoll).empty());
  epoll.close();
  event.write(1);
  CHECK(reported(dup) == Events{{in, 1}});
  dup.remove(event);
}

TEMPLATE_LIST_TEST_CASE("Epoll: what is left when an epoll closes belongs to nobody", "[epoll][lifetime]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 1};
  for (int round = 0; round < 3; ++round) {
    typename Handles<TestType>::Epoll epoll{on.backend};
    epoll.add(event, in, round);
    CHECK(reported(epoll) == Events{{in, round}});
  }
  event.write(1);
  event.close();
}

TEMPLATE_LIST_TEST_CASE("Epoll: an inner epoll vanishes from the outer one when it is closed", "[epoll][lifetime]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll outer{on.backend};
  typename Handles<TestType>::Epoll inner{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  inner.add(event, in, 1);
  outer.add(inner, in, 2);
  const int number = inner.fd();
  auto dup = inner.duplicate();
  inner.close();
  CHECK(reported(outer) == Events{{in, 2}});
  outer.add(dup, in, 3);
  CHECK(reported(outer) == Events{{in, 2}, {in, 3}});
  dup.close();
  CHECK(reported(outer).empty());
  event.write(1);
  CHECK(reported(outer).empty());
  typename Handles<TestType>::Epoll stranger{on.backend};
  const auto reused = duplicate_at(on.backend, stranger.fd(), number);
  CHECK(error_of_remove(outer, number) == ENOENT);
  outer.add(reused.ref(), in, 4);
  stranger.add(event, in, 5);
  CHECK(reported(outer) == Events{{in, 4}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: an outer epoll leaves the inner one as it is", "[epoll][lifetime]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll inner{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  inner.add(event, in | et, 1);
  {
    typename Handles<TestType>::Epoll outer{on.backend};
    outer.add(inner, in, 2);
    CHECK(reported(outer) == Events{{in, 2}});
  }
  CHECK(reported(inner) == Events{{in, 1}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: closing it does not disturb who waits in it", "[epoll][lifetime][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::Epoll stranger{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  epoll.add(event, in, 1);
  const int number = epoll.fd();
  const auto wait = [&, number](Timeout timeout) {
    EventVec events{4};
    const SysResult<int> waited = on.backend.epoll_wait(number, events.data(), 4, timeout.milliseconds());
    events.set_filled(static_cast<std::size_t>(waited.value()));
    return Events(events.begin(), events.end());
  };
  auto for_ever = on.spawn([&] { return wait(Timeout::never); });
  on.wait_until_blocked(for_ever);
  auto for_a_while = on.spawn([&] { return wait(10ms); });
  on.wait_until_blocked(for_a_while);
  const auto bare = test::bare(on.backend);
  CHECK(bare.close(epoll.release().release()).ok());
  const typename Handles<TestType>::OwnedFd reused{on.backend, bare.dup2(stranger.fd(), number).value()};
  CHECK(for_a_while.result().empty());
  event.write(1);
  CHECK(for_ever.result() == Events{{in, 1}});
  // With the last wait the epoll has gone: only the stranger is left under the number.
  CHECK(error_of_remove(stranger, event.fd()) == ENOENT);
}

TEMPLATE_LIST_TEST_CASE("Epoll: a file that is closed or removed wakes nobody", "[epoll][lifetime][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::Pipe pipe{on.backend};
  typename Handles<TestType>::EventFd removed{on.backend};
  typename Handles<TestType>::EventFd kept{on.backend};
  epoll.add(pipe.reader, in, 1);
  epoll.add(removed, in, 2);
  epoll.add(kept, in, 3);
  auto waiter = on.spawn([&] {
    EventVec events{4};
    epoll.wait(events);
    return Events(events.begin(), events.end());
  });
  on.wait_until_blocked(waiter);
  pipe.reader.close();
  on.wait_until_blocked(waiter);
  epoll.remove(removed);
  removed.write(1);
  on.wait_until_blocked(waiter);
  kept.write(1);
  CHECK(waiter.result() == Events{{in, 3}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: a duplicate reaches who waits for the closed number", "[epoll][lifetime][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  auto dup = event.duplicate();
  epoll.add(event, in, 1);
  auto waiter = on.spawn([&] {
    EventVec events{4};
    epoll.wait(events);
    return Events(events.begin(), events.end());
  });
  on.wait_until_blocked(waiter);
  event.close();
  dup.write(1);
  CHECK(waiter.result() == Events{{in, 1}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: a call in progress keeps what it waits for in other epolls",
                        "[epoll][lifetime][threads]", test::AllThreadBackends) {
  TestType on;
  const auto bare = test::bare(on.backend);
  SECTION("a wait in an inner epoll") {
    typename Handles<TestType>::Epoll outer{on.backend};
    typename Handles<TestType>::Epoll inner{on.backend};
    typename Handles<TestType>::EventFd event{on.backend};
    inner.add(event, in | et, 1);
    outer.add(inner, in, 2);
    const int number = inner.fd();
    auto waiter = on.spawn([&, number] {
      Event events[2];
      return on.backend.epoll_wait(number, events, 2, -1);
    });
    on.wait_until_blocked(waiter);
    CHECK(bare.close(inner.release().release()).ok());
    // A second waiter would be needed to see the event in the outer one: what counts is that it is still there.
    event.write(1);
    CHECK(waiter.result() == SysResult<int>{1});
    event.write(1);
    CHECK(reported(outer).empty());
  }
  SECTION("a poll of an inner epoll") {
    typename Handles<TestType>::Epoll outer{on.backend};
    typename Handles<TestType>::Epoll inner{on.backend};
    typename Handles<TestType>::EventFd event{on.backend};
    typename Handles<TestType>::EventFd other{on.backend};
    inner.add(event, in, 1);
    outer.add(inner, in, 2);
    // Asked for an event that does not come, so that it goes on sleeping.
    ::pollfd entries[2] = {{inner.fd(), POLLPRI, 0}, {other.fd(), POLLIN, 0}};
    auto poller = on.spawn([&] { return on.backend.poll(entries, 2, -1); });
    on.wait_until_blocked(poller);
    CHECK(bare.close(inner.release().release()).ok());
    event.write(1);
    CHECK(reported(outer) == Events{{in, 2}});
    other.write(1);
    // The number that is closed counts as well.
    CHECK(poller.result() == SysResult<int>{2});
    CHECK(entries[0].revents == POLLNVAL);
    CHECK(entries[1].revents == POLLIN);
    CHECK(reported(outer).empty());
  }
  SECTION("a read from a pipe") {
    typename Handles<TestType>::Epoll epoll{on.backend};
    typename Handles<TestType>::Pipe pipe{on.backend, PipeFlags::cloexec};
    epoll.add(pipe.reader, in | et, 1);
    const int number = pipe.reader.fd();
    auto reader = on.spawn([&, number] {
      char byte = 0;
      return on.backend.read(number, &byte, 1);
    });
    on.wait_until_blocked(reader);
    CHECK(bare.close(pipe.reader.release().release()).ok());
    // Two bytes: one for the reader, and one so that there is something left to report.
    CHECK(on.backend.write(pipe.writer.fd(), "xy", 2) == SysResult<std::size_t>{2});
    CHECK(reader.result() == SysResult<std::size_t>{1});
    // Now the end is closed.
    CHECK(reported(epoll).empty());
    ::pollfd entry{pipe.writer.fd(), POLLOUT, 0};
    CHECK(on.backend.poll(&entry, 1, 0) == SysResult<int>{1});
    CHECK(entry.revents == (POLLOUT | POLLERR));
  }
}

TEMPLATE_LIST_TEST_CASE("Fd: a blocked read goes on with what was open when it began", "[fd][lifetime][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend, PipeFlags::cloexec};
  typename Handles<TestType>::EventFd stranger{on.backend, 5};
  const bool by_dup2 = GENERATE(false, true);
  CAPTURE(by_dup2);
  const int number = pipe.reader.fd();
  auto reader = on.spawn([&, number] {
    char bytes[8] = {};
    const SysResult<std::size_t> got = on.backend.read(number, bytes, sizeof bytes);
    return got.ok() ? std::string(bytes, got.value()) : std::string("failed");
  });
  on.wait_until_blocked(reader);
  if (by_dup2) {
    CHECK(test::bare(on.backend).dup2(stranger.fd(), number) == SysResult<int>{number});
  } else {
    CHECK(test::bare(on.backend).close(pipe.reader.release().release()).ok());
  }
  const SysResult<std::size_t> wrote = on.backend.write(pipe.writer.fd(), "data", 4);
  CHECK(wrote == SysResult<std::size_t>{4});
  CHECK(reader.result() == "data");
}
