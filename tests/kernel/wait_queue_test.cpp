#include "rouse/kernel/wait_queue.hpp"

#include "../support/catch.hpp"

#include <functional>
#include <vector>

using namespace rouse;
using kernel::WaitQueue;

namespace {

/// Notes that it was told, and takes the wakeup if its mask has a bit of the key. Wants to be told of `keys`.
class Recorder final : public kernel::Waiter {
 public:
  Recorder(std::vector<int>& log, int id, EventFlags mask, bool exclusive = false, EventFlags keys = kernel::any_key)
      : Waiter(keys), log_(log), id_(id), mask_(mask) {
    set_exclusive(exclusive);
  }

  std::function<void()> when_told = [] {};

 private:
  bool on_wake(EventFlags key) override {
    log_.push_back(id_);
    when_told();
    return mask_.has_any(key);
  }

  std::vector<int>& log_;
  const int id_;
  const EventFlags mask_;
};

constexpr bool exclusive = true;
constexpr EventFlags in = EventFlags::in;
constexpr EventFlags out = EventFlags::out;

using Log = std::vector<int>;

}  // namespace

TEST_CASE("WaitQueue: all plain waiters are told, from head to tail", "[wait_queue]") {
  Log log;
  Recorder a{log, 1, in}, b{log, 2, out}, c{log, 3, in};
  WaitQueue queue;
  CHECK(queue.empty());
  queue.wake(in);
  CHECK(log.empty());
  queue.add_tail(a);
  queue.add_head(b);
  queue.add_tail(c);
  CHECK_FALSE(queue.empty());
  queue.wake(in);
  CHECK(log == Log{2, 1, 3});
  queue.wake_all();
  CHECK(log == Log{2, 1, 3, 2, 1, 3});
}

TEST_CASE("WaitQueue: who does not want a key is not told of it, alone in the queue or not", "[wait_queue]") {
  Log log;
  Recorder reader{log, 1, in, exclusive, in};
  Recorder writer{log, 2, out, exclusive, out};
  WaitQueue queue;
  queue.add_tail(reader);
  queue.wake(out);
  CHECK(log.empty());
  queue.wake(in);
  CHECK(log == Log{1});
  queue.add_tail(writer);
  queue.wake(out);
  CHECK(log == Log{1, 2});
  queue.wake_all();
  CHECK(log == Log{1, 2, 1, 2});
}

TEST_CASE("WaitQueue: an exclusive waiter that takes a wakeup ends the walk", "[wait_queue]") {
  Log log;
  Recorder plain{log, 1, in}, first{log, 2, in, exclusive}, second{log, 3, in, exclusive}, last{log, 4, in};
  WaitQueue queue;
  for (Recorder* const waiter : {&plain, &first, &second, &last}) queue.add_tail(*waiter);
  queue.wake(in);
  CHECK(log == Log{1, 2});
  log.clear();
  queue.wake_all(in);
  CHECK(log == Log{1, 2, 3, 4});
}

TEST_CASE("WaitQueue: an exclusive waiter that does not want a wakeup is passed", "[wait_queue]") {
  Log log;
  Recorder writer{log, 1, out, exclusive}, reader{log, 2, in, exclusive}, last{log, 3, in, exclusive};
  WaitQueue queue;
  for (Recorder* const waiter : {&writer, &reader, &last}) queue.add_tail(*waiter);
  queue.wake(in);
  CHECK(log == Log{1, 2});
}

TEST_CASE("WaitQueue: a plain waiter ends no walk, be it the only taker", "[wait_queue]") {
  Log log;
  Recorder plain{log, 1, in}, first{log, 2, out, exclusive}, second{log, 3, in, exclusive};
  WaitQueue queue;
  for (Recorder* const waiter : {&plain, &first, &second}) queue.add_tail(*waiter);
  queue.wake(out);
  CHECK(log == Log{1, 2});
  log.clear();
  queue.wake(kernel::any_key);
  CHECK(log == Log{1, 2});
}

TEST_CASE("WaitQueue: a waiter may leave when it is told", "[wait_queue]") {
  Log log;
  Recorder a{log, 1, in}, b{log, 2, in}, c{log, 3, in};
  WaitQueue queue;
  for (Recorder* const waiter : {&a, &b, &c}) {
    waiter->when_told = [waiter] { waiter->unlink(); };
    queue.add_tail(*waiter);
  }
  queue.wake(in);
  CHECK(log == Log{1, 2, 3});
  CHECK(queue.empty());
  queue.wake(in);
  CHECK(log == Log{1, 2, 3});
}

TEST_CASE("WaitQueue: one that leaves and comes back is told by the next wakeup", "[wait_queue]") {
  Log log;
  Recorder a{log, 1, in, exclusive}, b{log, 2, in, exclusive};
  WaitQueue queue;
  queue.add_tail(a);
  queue.add_tail(b);
  a.when_told = [&] { a.unlink(); };
  queue.wake(in);
  CHECK(log == Log{1});
  queue.add_tail(a);
  queue.wake(in);
  CHECK(log == Log{1, 2});
}

TEST_CASE("WaitQueue: a waiter that is destroyed is not told any more", "[wait_queue]") {
  Log log;
  Recorder a{log, 1, in};
  WaitQueue queue;
  queue.add_tail(a);
  {
    Recorder b{log, 2, in};
    queue.add_head(b);
  }
  queue.wake(in);
  CHECK(log == Log{1});
}
