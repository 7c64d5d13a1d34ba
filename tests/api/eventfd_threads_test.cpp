// Threads that block in the raw reads and writes of an eventfd: who is let through by what.
#include "../support/bare.hpp"
#include "../support/threads.hpp"

#include <algorithm>
#include <poll.h>
#include <sys/ioctl.h>

using namespace rouse;
using test::Handles;

namespace {

using Size = SysResult<std::size_t>;
using std::uint64_t;

constexpr uint64_t most = 0xfffffffffffffffe;

/// A blocking eventfd by its number, with what reads and writes it from any thread.
template <class On>
class Counter {
 public:
  explicit Counter(const On& on, int flags = 0)
      : backend_(on.backend), fd_(backend_, backend_.eventfd(0, flags).value()) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  Size write(uint64_t amount) const { return backend_.write(fd(), &amount, sizeof amount); }
  /// The value, or all ones if it failed.
  uint64_t read() const {
    uint64_t value = 0;
    return backend_.read(fd(), &value, sizeof value).ok() ? value : ~uint64_t{0};
  }

  auto reading() const {
    return [this] { return read(); };
  }
  auto writing(uint64_t amount) const {
    return [this, amount] { return write(amount); };
  }
  /// Waits in poll for one of `events`, for ever.
  auto polling(short events) const {
    return [backend = backend_, fd = fd(), events] {
      ::pollfd entry{fd, events, 0};
      const SysResult<int> ready = backend.poll(&entry, 1, -1);
      return ready == 1 ? entry.revents : short{-1};
    };
  }

 private:
  typename On::Backend backend_;
  typename Handles<On>::OwnedFd fd_;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("eventfd: a blocked read is let through by a write", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  auto reader = on.spawn(counter.reading());
  on.wait_until_blocked(reader);
  CHECK(counter.write(5) == 8);
  CHECK(reader.result() == 5);
}

TEMPLATE_LIST_TEST_CASE("eventfd: adding nothing lets no blocked read through", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  auto reader = on.spawn(counter.reading());
  on.wait_until_blocked(reader);
  CHECK(counter.write(0) == 8);
  on.wait_until_blocked(reader);
  CHECK(counter.write(3) == 8);
  CHECK(reader.result() == 3);
}

TEMPLATE_LIST_TEST_CASE("eventfd: one write satisfies one of two readers", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  auto first = on.spawn(counter.reading());
  on.wait_until_blocked(first);
  auto second = on.spawn(counter.reading());
  on.wait_until_blocked(second);
  CHECK(counter.write(5) == 8);
  while (!first.is_done() && !second.is_done()) std::this_thread::yield();
  auto& other = first.is_done() ? second : first;
  on.wait_until_blocked(other);
  CHECK_FALSE(other.is_done());
  CHECK(counter.write(7) == 8);
  std::vector<uint64_t> values{first.result(), second.result()};
  std::sort(values.begin(), values.end());
  CHECK(values == std::vector<uint64_t>{5, 7});
}

TEMPLATE_LIST_TEST_CASE("eventfd: one write of 3 satisfies three readers of a semaphore", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on, EFD_SEMAPHORE};
  std::vector<test::Worker<uint64_t>> readers;
  readers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    readers.push_back(on.spawn(counter.reading()));
    on.wait_until_blocked(readers.back());
  }
  const auto done = [&] { return std::count_if(readers.begin(), readers.end(), [](auto& r) { return r.is_done(); }); };
  CHECK(counter.write(3) == 8);
  while (done() < 3) std::this_thread::yield();
  const auto last = std::find_if(readers.begin(), readers.end(), [](auto& reader) { return !reader.is_done(); });
  REQUIRE(last != readers.end());
  on.wait_until_blocked(*last);
  CHECK(done() == 3);
  CHECK(counter.write(1) == 8);
  for (auto& reader : readers) CHECK(reader.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("eventfd: a blocked write is let through by a read and adds afterwards", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  REQUIRE(counter.write(most) == 8);
  auto writer = on.spawn(counter.writing(7));
  on.wait_until_blocked(writer);
  CHECK(counter.read() == most);
  CHECK(writer.result() == 8);
  CHECK(counter.read() == 7);
}

TEMPLATE_LIST_TEST_CASE("eventfd: one read lets every blocked write through whose amount fits", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on, EFD_SEMAPHORE};
  REQUIRE(counter.write(most) == 8);
  auto two = on.spawn(counter.writing(2));
  on.wait_until_blocked(two);
  auto one = on.spawn(counter.writing(1));
  on.wait_until_blocked(one);
  // Room for 1: the write of 2 sleeps on, although it came first.
  CHECK(counter.read() == 1);
  CHECK(one.result() == 8);
  on.wait_until_blocked(two);
  CHECK_FALSE(two.is_done());
  CHECK(counter.read() == 1);
  on.wait_until_blocked(two);
  CHECK_FALSE(two.is_done());
  CHECK(counter.read() == 1);
  CHECK(two.result() == 8);

  const Counter<TestType> plain{on};
  REQUIRE(plain.write(most) == 8);
  auto first = on.spawn(plain.writing(1));
  on.wait_until_blocked(first);
  auto second = on.spawn(plain.writing(2));
  on.wait_until_blocked(second);
  CHECK(plain.read() == most);
  CHECK(first.result() == 8);
  CHECK(second.result() == 8);
  CHECK(plain.read() == 3);
}

TEMPLATE_LIST_TEST_CASE("eventfd: writev blocks in the vector that does not fit", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  auto writer = on.spawn([&] {
    uint64_t full = most;
    uint64_t seven = 7;
    const ::iovec vectors[] = {{&full, 8}, {&seven, 8}};
    return on.backend.writev(counter.fd(), vectors, 2);
  });
  on.wait_until_blocked(writer);
  CHECK(counter.read() == most);
  CHECK(writer.result() == 16);
  CHECK(counter.read() == 7);
}

TEMPLATE_LIST_TEST_CASE("eventfd: a blocked read and an epoll are both woken", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on, EFD_SEMAPHORE};
  typename Handles<TestType>::Epoll epoll{on.backend};
  const typename Handles<TestType>::FdRef fd{on.backend, counter.fd()};
  epoll.add(fd, EventFlags::in | EventFlags::et, 7);
  auto waiter = on.spawn([&] {
    EventArray<4> events;
    epoll.wait(events);
    return std::vector<Event>(events.begin(), events.end());
  });
  on.wait_until_blocked(waiter);
  auto reader = on.spawn(counter.reading());
  on.wait_until_blocked(reader);
  CHECK(counter.write(2) == 8);  // Enough for both to find something.
  CHECK(reader.result() == 1);
  CHECK(waiter.result() == std::vector<Event>{{EventFlags::in, 7}});
}

// The read waits at the tail of the queue, behind what was added before. An exclusive epoll that has a waiter ends the
// walk there.
TEMPLATE_LIST_TEST_CASE("eventfd: an exclusive epoll that came first takes the wakeup from a blocked read",
                        "[eventfd][threads][exclusive]", test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add({on.backend, counter.fd()}, EventFlags::in | EventFlags::exclusive, 7);
  const auto wait = [&] {
    EventArray<4> events;
    return epoll.wait(events);
  };
  auto waiter = on.spawn(wait);
  on.wait_until_blocked(waiter);
  auto reader = on.spawn(counter.reading());
  on.wait_until_blocked(reader);
  CHECK(counter.write(1) == 8);
  CHECK(waiter.result() == 1);
  on.wait_until_blocked(reader);
  CHECK_FALSE(reader.is_done());
  CHECK(counter.write(1) == 8);  // Nobody waits in the epoll any more.
  CHECK(reader.result() == 2);
}

TEMPLATE_LIST_TEST_CASE("eventfd: a blocked read that came first is told before an exclusive epoll",
                        "[eventfd][threads][exclusive]", test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on, EFD_SEMAPHORE};
  auto reader = on.spawn(counter.reading());
  on.wait_until_blocked(reader);
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add({on.backend, counter.fd()}, EventFlags::in | EventFlags::exclusive, 7);
  auto waiter = on.spawn([&] {
    EventArray<4> events;
    return epoll.wait(events);
  });
  on.wait_until_blocked(waiter);
  CHECK(counter.write(2) == 8);
  CHECK(reader.result() == 1);
  CHECK(waiter.result() == 1);
}

TEMPLATE_LIST_TEST_CASE("eventfd: a wakeup in vain sends a blocked read behind an exclusive epoll",
                        "[eventfd][threads][exclusive]", test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  auto reader = on.spawn(counter.reading());
  on.wait_until_blocked(reader);
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add({on.backend, counter.fd()}, EventFlags::in | EventFlags::exclusive, 7);
  // Nobody waits in the epoll yet, so this reaches the reader alone, which finds nothing.
  CHECK(counter.write(0) == 8);
  on.wait_until_blocked(reader);
  auto waiter = on.spawn([&] {
    EventArray<4> events;
    return epoll.wait(events);
  });
  on.wait_until_blocked(waiter);
  CHECK(counter.write(1) == 8);
  CHECK(waiter.result() == 1);
  CHECK(counter.write(1) == 8);
  CHECK(reader.result() == 2);
}

// A blocked call takes any wakeup for its own, one that means the other direction too.
TEMPLATE_LIST_TEST_CASE("eventfd: a wakeup for readers sends a blocked write behind an exclusive epoll",
                        "[eventfd][threads][exclusive]", test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on, EFD_SEMAPHORE};
  REQUIRE(counter.write(most - 1) == 8);
  auto writer = on.spawn(counter.writing(2));
  on.wait_until_blocked(writer);
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add({on.backend, counter.fd()}, EventFlags::out | EventFlags::et | EventFlags::exclusive, 7);
  EventArray<4> events;
  CHECK(epoll.wait(events, Timeout::now) == 1);
  CHECK(counter.write(0) == 8);
  on.wait_until_blocked(writer);
  auto waiter = on.spawn([&] {
    EventArray<4> reported;
    return epoll.wait(reported);
  });
  on.wait_until_blocked(waiter);
  CHECK(counter.read() == 1);  // Room for 2, but the epoll was told first.
  CHECK(waiter.result() == 1);
  on.wait_until_blocked(writer);
  CHECK_FALSE(writer.is_done());
  CHECK(counter.read() == 1);
  CHECK(writer.result() == 8);
}

TEMPLATE_LIST_TEST_CASE("eventfd: threads in poll are all let through, but not by a write of nothing",
                        "[eventfd][threads][poll]", test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  auto first = on.spawn(counter.polling(POLLIN));
  on.wait_until_blocked(first);
  auto second = on.spawn(counter.polling(POLLIN));
  on.wait_until_blocked(second);
  CHECK(counter.write(0) == 8);
  on.wait_until_blocked(first);
  on.wait_until_blocked(second);
  CHECK_FALSE(first.is_done());
  CHECK_FALSE(second.is_done());
  CHECK(counter.write(1) == 8);
  CHECK(first.result() == POLLIN);
  CHECK(second.result() == POLLIN);
}

TEMPLATE_LIST_TEST_CASE("eventfd: closing the number does not end a read that is blocked in it", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  const int lent = on.backend.dup(counter.fd()).value();
  auto reader = on.spawn([&] {
    uint64_t value = 0;
    return on.backend.read(lent, &value, 8).ok() ? value : 0;
  });
  on.wait_until_blocked(reader);
  CHECK(test::bare(on.backend).close(lent).ok());
  on.wait_until_blocked(reader);
  CHECK_FALSE(reader.is_done());
  CHECK(counter.write(4) == 8);
  CHECK(reader.result() == 4);
}

TEMPLATE_LIST_TEST_CASE("eventfd: a blocked read stays with its file when dup2 puts another one there",
                        "[eventfd][threads]", test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  const Counter<TestType> other{on};
  const typename Handles<TestType>::OwnedFd lent{on.backend, on.backend.dup(counter.fd()).value()};
  auto reader = on.spawn([&] {
    uint64_t value = 0;
    return on.backend.read(lent.get(), &value, 8).ok() ? value : 0;
  });
  on.wait_until_blocked(reader);
  CHECK(on.backend.dup2(other.fd(), lent.get()) == lent.get());
  CHECK(other.write(9) == 8);
  on.wait_until_blocked(reader);
  CHECK_FALSE(reader.is_done());
  CHECK(counter.write(4) == 8);
  CHECK(reader.result() == 4);
  CHECK(other.read() == 9);
}

TEMPLATE_LIST_TEST_CASE("eventfd: O_NONBLOCK comes too late for a read that is blocked", "[eventfd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const Counter<TestType> counter{on};
  auto reader = on.spawn(counter.reading());
  on.wait_until_blocked(reader);
  CHECK(on.backend.fcntl(counter.fd(), F_SETFL, O_NONBLOCK) == 0);
  CHECK(counter.write(0) == 8);
  on.wait_until_blocked(reader);
  CHECK_FALSE(reader.is_done());
  CHECK(counter.write(6) == 8);
  CHECK(reader.result() == 6);
}
