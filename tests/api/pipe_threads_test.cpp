// Threads that block in the raw reads and writes of a pipe: who is let through by what, in which order, and what a
// write that is longer than the pipe tells whom.
#include "../support/raw_pipe.hpp"
#include "../support/threads.hpp"
#include "../support/wake_keys.hpp"

using namespace rouse;
using test::Handles;
using test::RawPipe;

namespace {

using Size = SysResult<std::size_t>;
using test::WakeKeys;

constexpr int blocking = 0;
constexpr EventFlags readable = EventFlags::in | EventFlags::rdnorm;
constexpr EventFlags writable = EventFlags::out | EventFlags::wrnorm;

/// A thread that reads up to `n` bytes, and is known to wait for them.
template <class On>
auto blocked_reader(On& on, const RawPipe<On>& pipe, std::size_t n) {
  auto worker = on.spawn([&pipe, n] { return pipe.take(n).value_or("failed"); });
  on.wait_until_blocked(worker);
  return worker;
}

/// A thread that writes `n` bytes, and is known to wait for room.
template <class On>
auto blocked_writer(On& on, const RawPipe<On>& pipe, std::size_t n) {
  auto worker = on.spawn([backend = on.backend, fd = pipe.writer(), n] {
    const std::string bytes(n, 'w');
    return backend.write(fd, bytes.data(), n);
  });
  on.wait_until_blocked(worker);
  return worker;
}

/// True if the thread is still, or again, asleep in its call.
template <class On, class Worker>
bool sleeps(On& on, const Worker& worker) {
  on.wait_until_blocked(worker);
  return !worker.is_done();
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Pipe: a blocked read takes what comes, and does not wait for more", "[pipe][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const RawPipe<TestType> pipe{on, blocking};
  auto reader = blocked_reader(on, pipe, 100);
  CHECK(pipe.write("abc") == 3);
  CHECK(reader.result() == "abc");
}

TEMPLATE_LIST_TEST_CASE("Pipe: blocked reads are let through one at a time, first come first served", "[pipe][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const RawPipe<TestType> pipe{on, blocking};
  auto first = blocked_reader(on, pipe, 100);
  auto second = blocked_reader(on, pipe, 100);
  auto third = blocked_reader(on, pipe, 100);
  CHECK(pipe.write("a") == 1);
  CHECK(first.result() == "a");
  CHECK(sleeps(on, second));
  CHECK(sleeps(on, third));
  CHECK(pipe.write("bb") == 2);
  CHECK(second.result() == "bb");
  CHECK(sleeps(on, third));
  CHECK(pipe.write("ccc") == 3);
  CHECK(third.result() == "ccc");
}

TEMPLATE_LIST_TEST_CASE("Pipe: a reader that leaves bytes behind hands on to the next", "[pipe][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const RawPipe<TestType> pipe{on, blocking};
  auto first = blocked_reader(on, pipe, 1);
  auto second = blocked_reader(on, pipe, 2);
  auto third = blocked_reader(on, pipe, 2);
  auto fourth = blocked_reader(on, pipe, 1);
  CHECK(pipe.write("abcd") == 4);
  CHECK(first.result() == "a");
  CHECK(second.result() == "bc");
  CHECK(third.result() == "d");
  CHECK(sleeps(on, fourth));
  CHECK(pipe.write("e") == 1);
  CHECK(fourth.result() == "e");
}

TEMPLATE_LIST_TEST_CASE("Pipe: a freed slot lets one blocked write in, first come first served", "[pipe][threads]",
                        test::AllThreadBackends) {
  TestType on;
  RawPipe<TestType> pipe{on, blocking};
  pipe.fill();
  auto first = blocked_writer(on, pipe, 100);
  auto second = blocked_writer(on, pipe, 100);
  auto third = blocked_writer(on, pipe, 100);
  CHECK(pipe.read(4096) == 4096);
  CHECK(first.result() == 100);
  // The last slot has room for all of them, and a new write gets in. Those who sleep wait for a slot.
  CHECK(sleeps(on, second));
  CHECK(sleeps(on, third));
  CHECK(pipe.write("x") == 1);
  CHECK(pipe.queued() == 15 * 4096 + 101);
  CHECK(sleeps(on, second));
  CHECK(pipe.read(4096) == 4096);
  CHECK(second.result() == 100);
  CHECK(sleeps(on, third));
  CHECK(pipe.read(4096) == 4096);
  CHECK(third.result() == 100);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a writer that leaves slots free hands on to the next", "[pipe][threads]",
                        test::AllThreadBackends) {
  TestType on;
  RawPipe<TestType> pipe{on, blocking};
  pipe.fill();
  auto first = blocked_writer(on, pipe, 4096);
  auto second = blocked_writer(on, pipe, 100);
  auto third = blocked_writer(on, pipe, 4096);
  auto fourth = blocked_writer(on, pipe, 1);
  CHECK(pipe.read(3 * 4096) == 3 * 4096);
  CHECK(first.result() == 4096);
  CHECK(second.result() == 100);
  CHECK(third.result() == 4096);
  CHECK(sleeps(on, fourth));
  CHECK(pipe.read(4096) == 4096);
  CHECK(fourth.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a write that topped up one byte, and sleeps for the rest, has written it",
                        "[pipe][threads][slots]", test::AllThreadBackends) {
  TestType on;
  RawPipe<TestType> pipe{on, blocking};
  for (int i = 0; i < 15; ++i) REQUIRE(pipe.write(4096) == 4096);
  REQUIRE(pipe.write(4095) == 4095);
  auto writer = blocked_writer(on, pipe, 4097);
  CHECK(pipe.queued() == 65536);
  SECTION("and the reader goes") {
    pipe.close_reader();
    CHECK(writer.result() == 1);
  }
  SECTION("and it is let in") {
    CHECK(pipe.read(4096) == 4096);
    CHECK(writer.result() == 4097);
  }
}

TEMPLATE_LIST_TEST_CASE("Pipe: a read that had to sleep for its bytes is no edge for the writer",
                        "[pipe][threads][edge]", test::AllThreadBackends) {
  TestType on;
  const RawPipe<TestType> pipe{on, blocking};
  WakeKeys<TestType> writer_keys{on, pipe.writer()};
  auto reader = blocked_reader(on, pipe, 10);
  CHECK(pipe.write("abc") == 3);
  CHECK(reader.result() == "abc");
  CHECK(writer_keys.take().empty());
}

TEMPLATE_LIST_TEST_CASE("Pipe: a write longer than the pipe tells the reader when it finds it empty, and at its end",
                        "[pipe][threads][wake]", test::AllThreadBackends) {
  TestType on;
  const RawPipe<TestType> pipe{on, blocking};
  WakeKeys<TestType> reader_keys{on, pipe.reader()};
  WakeKeys<TestType> writer_keys{on, pipe.writer()};
  auto writer = blocked_writer(on, pipe, 200000);
  CHECK(pipe.queued() == 65536);
  CHECK(reader_keys.take() == readable);
  CHECK(writer_keys.take() == EventFlags{});
  struct Row {
    std::size_t read;
    int queued;  // Once the writer has filled up again.
    EventFlags at_writer;
  };
  for (const Row row : {Row{100, 65436, EventFlags{}},
                        {3995, 61441, EventFlags{}},
                        {1, 65536, writable},
                        {4096, 65536, writable},
                        {10000, 63728, writable}}) {
    CAPTURE(row.read);
    CHECK(pipe.read(row.read) == row.read);
    CHECK(sleeps(on, writer));
    CHECK(pipe.queued() == row.queued);
    CHECK(reader_keys.take() == EventFlags{});
    CHECK(writer_keys.take() == row.at_writer);
  }
  CHECK(pipe.read(65536) == 63728);
  CHECK(sleeps(on, writer));
  CHECK(pipe.queued() == 65536);
  CHECK(reader_keys.take() == readable);
  CHECK(writer_keys.take() == writable);
  CHECK(pipe.read(65536) == 65536);
  CHECK(writer.result() == 200000);
  CHECK(pipe.queued() == 200000 - 18192 - 63728 - 65536);
  CHECK(reader_keys.take() == readable);
  CHECK(writer_keys.take() == writable);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a write that slept and fills the pipe to the brim tells no other writer",
                        "[pipe][threads][wake]", test::AllThreadBackends) {
  TestType on;
  RawPipe<TestType> pipe{on, blocking};
  pipe.fill();
  WakeKeys<TestType> reader_keys{on, pipe.reader()};
  auto writer = blocked_writer(on, pipe, 4096);
  CHECK(reader_keys.take() == EventFlags{});
  CHECK(pipe.read(4096) == 4096);
  CHECK(writer.result() == 4096);
  CHECK(pipe.is_full());
  CHECK(reader_keys.take() == readable);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a long write arrives whole and in order", "[pipe][threads]", test::AllThreadBackends) {
  TestType on;
  const RawPipe<TestType> pipe{on, blocking};
  std::string text(300000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 251);
  auto writer = on.spawn([&] { return pipe.write(text); });
  std::string got;
  for (std::size_t n = 1; got.size() < text.size(); n = n % 9973 + 1231) got += pipe.take(n).value_or("failed");
  CHECK(writer.result() == text.size());
  CHECK(got == text);
}

TEMPLATE_LIST_TEST_CASE("Pipe: when the last reader goes, a blocked write says what it has written, or EPIPE",
                        "[pipe][threads][close]", test::AllThreadBackends) {
  TestType on;
  RawPipe<TestType> pipe{on, blocking};
  auto writer = blocked_writer(on, pipe, 100000);
  pipe.close_reader();
  CHECK(writer.result() == 65536);
  RawPipe<TestType> full{on, blocking};
  full.fill();
  auto first = blocked_writer(on, full, 100);
  auto second = blocked_writer(on, full, 100);
  full.close_reader();
  CHECK(first.result() == Size::failure(EPIPE));
  CHECK(second.result() == Size::failure(EPIPE));
}

TEMPLATE_LIST_TEST_CASE("Pipe: when the last writer goes, all blocked reads end", "[pipe][threads][close]",
                        test::AllThreadBackends) {
  TestType on;
  RawPipe<TestType> pipe{on, blocking};
  auto first = blocked_reader(on, pipe, 1);
  auto second = blocked_reader(on, pipe, 1);
  pipe.close_writer();
  CHECK(first.result().empty());
  CHECK(second.result().empty());
}

TEMPLATE_LIST_TEST_CASE("Pipe: an end that a thread is blocked in stays open until the thread is done",
                        "[pipe][threads][close]", test::AllThreadBackends) {
  TestType on;
  RawPipe<TestType> pipe{on, blocking};
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add({on.backend, pipe.reader()}, EventFlags::in | EventFlags::et, 1);
  auto reader = on.spawn([backend = on.backend, fd = pipe.reader()] {
    char byte = 0;
    return backend.read(fd, &byte, 1);
  });
  on.wait_until_blocked(reader);
  pipe.close_reader();
  CHECK(sleeps(on, reader));
  CHECK(pipe.write("a") == 1);
  CHECK(reader.result() == 1);
  CHECK(pipe.write("a") == Size::failure(EPIPE));
  EventArray<4> events;
  CHECK(epoll.wait(events, Timeout::now) == 0);
}

TEMPLATE_LIST_TEST_CASE("Pipe: more slots let blocked writes in", "[pipe][threads][resize]", test::AllThreadBackends) {
  TestType on;
  RawPipe<TestType> pipe{on, blocking};
  REQUIRE(pipe.resize(4096) == 4096);
  pipe.fill();
  auto first = blocked_writer(on, pipe, 4096);
  auto second = blocked_writer(on, pipe, 4096);
  auto third = blocked_writer(on, pipe, 4096);
  CHECK(pipe.resize(8192) == 8192);
  CHECK(first.result() == 4096);
  CHECK(sleeps(on, second));
  CHECK(sleeps(on, third));
  CHECK(pipe.resize(65536) == 65536);
  CHECK(second.result() == 4096);
  CHECK(third.result() == 4096);
  RawPipe<TestType> long_write{on, blocking};
  long_write.fill();
  auto writer = blocked_writer(on, long_write, 20000);
  CHECK(long_write.resize(131072) == 131072);
  CHECK(writer.result() == 20000);
}

TEMPLATE_LIST_TEST_CASE("Pipe: O_NONBLOCK ends a blocked write when next it gets on", "[pipe][threads]",
                        test::AllThreadBackends) {
  TestType on;
  RawPipe<TestType> pipe{on, blocking};
  auto writer = blocked_writer(on, pipe, 100000);
  CHECK(on.backend.fcntl(pipe.writer(), F_SETFL, O_NONBLOCK) == 0);
  CHECK(pipe.read(100) == 100);
  CHECK(sleeps(on, writer));
  CHECK(pipe.resize(65536) == 65536);  // Wakes it for nothing.
  CHECK(sleeps(on, writer));
  CHECK(pipe.read(3996) == 3996);
  CHECK(writer.result() == 69632);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a packet reader takes a long write packet by packet", "[pipe][threads][packets]",
                        test::AllThreadBackends) {
  TestType on;
  const RawPipe<TestType> pipe{on, O_DIRECT};
  auto writer = blocked_writer(on, pipe, 100000);
  for (int i = 0; i < 24; ++i) CHECK(pipe.read(100000) == 4096);
  CHECK(writer.result() == 100000);
  CHECK(pipe.read(100000) == 100000 - 24 * 4096);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a blocked read and an epoll are both told, and both served if there is enough",
                        "[pipe][threads]", test::AllThreadBackends) {
  TestType on;
  const RawPipe<TestType> pipe{on, blocking};
  auto reader = blocked_reader(on, pipe, 1);
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add({on.backend, pipe.reader()}, EventFlags::in, 1);
  auto waiter = on.spawn([&] {
    EventArray<4> events;
    return epoll.wait(events);
  });
  on.wait_until_blocked(waiter);
  CHECK(pipe.write("ab") == 2);
  CHECK(reader.result() == "a");
  CHECK(waiter.result() == 1);
}

// Both wait at the tail and are exclusive: the first in the queue that takes the wakeup ends the walk.
TEMPLATE_LIST_TEST_CASE("Pipe: a blocked read and an exclusive epoll are served in the order they came",
                        "[pipe][threads][exclusive]", test::AllThreadBackends) {
  TestType on;
  const RawPipe<TestType> pipe{on, blocking};
  typename Handles<TestType>::Epoll epoll{on.backend};
  const auto wait = [&] {
    EventArray<4> events;
    return epoll.wait(events);
  };
  SECTION("the epoll first") {
    epoll.add({on.backend, pipe.reader()}, EventFlags::in | EventFlags::exclusive, 1);
    auto waiter = on.spawn(wait);
    on.wait_until_blocked(waiter);
    auto reader = blocked_reader(on, pipe, 2);
    CHECK(pipe.write("a") == 1);
    CHECK(waiter.result() == 1);
    CHECK(sleeps(on, reader));  // Although there is something to read.
    CHECK(pipe.write("b") == 1);
    CHECK(reader.result() == "ab");
  }
  SECTION("the read first") {
    auto reader = blocked_reader(on, pipe, 2);
    epoll.add({on.backend, pipe.reader()}, EventFlags::in | EventFlags::exclusive, 1);
    auto waiter = on.spawn(wait);
    on.wait_until_blocked(waiter);
    CHECK(pipe.write("a") == 1);
    CHECK(reader.result() == "a");
    CHECK(sleeps(on, waiter));
    CHECK(pipe.write("b") == 1);
    CHECK(waiter.result() == 1);
  }
  SECTION("the read first, and it hands on") {
    auto reader = blocked_reader(on, pipe, 1);
    epoll.add({on.backend, pipe.reader()}, EventFlags::in | EventFlags::exclusive, 1);
    auto waiter = on.spawn(wait);
    on.wait_until_blocked(waiter);
    CHECK(pipe.write("ab") == 2);
    CHECK(reader.result() == "a");
    CHECK(waiter.result() == 1);
  }
}
