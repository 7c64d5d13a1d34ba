// CallSite: in a World, of each task's calls, whoever goes on in the midst of them.
#include "../support/catch.hpp"
#include "rouse/event_fd.hpp"
#include "rouse/sim/atomic.hpp"
#include "rouse/sim/condition_variable.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/policy/random.hpp"
#include "rouse/sim/semaphore.hpp"
#include "rouse/sim/shared.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/thread.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

using namespace rouse;

namespace {

using Lines = std::map<std::string, std::set<std::string>>;

std::string line(unsigned number) { return "call_site_test.cpp:" + std::to_string(number); }

/// Notes where the task that runs is, whenever it could be another's turn.
class NotingPolicy final : public sim::Policy {
 public:
  explicit NotingPolicy(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] bool begin() override { return random_.begin(); }
  [[nodiscard]] std::size_t who(const sim::Candidates& candidates) override {
    lines[sim::World::here().current_task().name()].insert(CallSite::present().text());
    return random_.who(candidates);
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t n) override { return random_.number(n); }
  [[nodiscard]] bool fault(std::uint64_t one_in) override { return random_.fault(one_in); }
  [[nodiscard]] bool wants_steps() const override { return true; }  // To be asked when there is one task, too.

  Lines lines;

 private:
  sim::RandomPolicy random_;
};

/// By task, the lines that it was seen on in many runs.
template <class Test>
Lines lines_of(Test test) {
  Lines lines;
  sim::FiberPool fibers;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    NotingPolicy policy{seed};
    REQUIRE(policy.begin());
    sim::World world{policy, fibers};
    const sim::Outcome outcome = world.run([&] { test(world); });
    CHECK(outcome.text == "");
    for (const auto& [task, its] : policy.lines) lines[task].insert(its.begin(), its.end());
  }
  CHECK_FALSE(CallSite::present().is_known());
  return lines;
}

/// Of the first task, alone.
template <class Test>
std::set<std::string> lines_of_main(Test test) {
  std::set<std::string> lines = lines_of(test)["main"];
  lines.erase("");
  return lines;
}

}  // namespace

TEST_CASE("CallSite: tasks that go on in the midst of each other's calls keep their own", "[call_site]") {
  unsigned read = 0, write = 0, add = 0;
  const Lines lines = lines_of([&](sim::World& world) {
    BasicEventFd<EmulatedBackend> event{world.backend(), 0, EventFdFlags::semaphore | EventFdFlags::nonblock};
    world.spawn("reader", [&] {
      for (int i = 0; i < 4; ++i) read = __LINE__, event.read();
    });
    world.spawn("writer", [&] {
      for (int i = 0; i < 2; ++i) write = __LINE__, event.write(1);
    });
    world.spawn("adder", [&] { add = __LINE__, event.write(2); });
    world.join_all();
  });
  // Of no line: its end.
  CHECK(lines.at("reader") == std::set<std::string>{"", line(read)});
  CHECK(lines.at("writer") == std::set<std::string>{"", line(write)});
  CHECK(lines.at("adder") == std::set<std::string>{"", line(add)});
}

TEST_CASE("CallSite: of what tasks share", "[call_site]") {
  unsigned first = 0;
  const auto lines = lines_of_main([&](sim::World&) {
    sim::mutex mutex;
    sim::shared_mutex shared_mutex;
    sim::condition_variable changed;
    sim::binary_semaphore semaphore{1};
    sim::atomic<int> number{0};
    int expected = 0;
    first = __LINE__;
    mutex.lock();
    mutex.unlock();
    shared_mutex.lock_shared();
    shared_mutex.unlock_shared();
    semaphore.acquire();
    semaphore.release();
    number.store(1);
    number.compare_exchange_strong(expected, 2);
    number.fetch_add(1);
    changed.notify_all();
    sim::this_thread::yield();
    sim::thread thread{[] {}};
    thread.join();
    std::unique_lock lock{mutex};  // The line of std's header.
    changed.wait_for(lock, std::chrono::seconds(1));
    changed.wait_for(lock, std::chrono::seconds(1), [&] { return false; });
  });
  std::set<std::string> all;
  for (unsigned i = 1; i <= 16; ++i) {
    if (i != 14) all.insert(line(first + i));
  }
  CHECK(lines == all);
}

TEST_CASE("CallSite: a predicate's calls are its own", "[call_site]") {
  unsigned wait = 0, load = 0;
  const auto lines = lines_of_main([&](sim::World&) {
    sim::mutex mutex;
    sim::condition_variable changed;
    sim::atomic<bool> is_done{false};
    sim::thread thread{[&] {
                         is_done.store(true);
                         changed.notify_all();
                       },
                       CallSite::unknown()};
    std::unique_lock lock{mutex};
    const auto predicate = [&] { return load = __LINE__, is_done.load(); };
    wait = __LINE__, changed.wait_for(lock, std::chrono::seconds(1), predicate);
    lock.unlock();
    thread.join(CallSite::unknown());
  });
  CHECK(lines == std::set{line(wait), line(load)});
}

TEST_CASE("CallSite: a race is told with both places", "[call_site]") {
  sim::RandomPolicy policy{1};
  REQUIRE(policy.begin());
  sim::FiberPool fibers;
  sim::World world{policy, fibers};
  unsigned there = 0, here = 0;
  const sim::Outcome outcome = world.run([&] {
    sim::Shared<int> number{0, "number"};
    sim::thread thread{[&] { there = __LINE__, number.write(1); }};
    here = __LINE__, number.write(2);
    thread.join();
  });
  CHECK(outcome.text.find(line(there)) != std::string::npos);
  CHECK(outcome.text.find(line(here)) != std::string::npos);
}
