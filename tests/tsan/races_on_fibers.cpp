// The races on the fibers of a World, under some schedules: a switch orders nothing.
#include "rouse/backend/emulated.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/explore.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/thread.hpp"

#include <chrono>
#include <cstdio>
#include <utility>

namespace {

struct Fixture {
  explicit Fixture(rouse::sim::World& world) : backend(world.backend()) {}

  rouse::EmulatedBackend backend;
  rouse::BasicEventFd<rouse::EmulatedBackend> event{backend};
  rouse::BasicPipe<rouse::EmulatedBackend> pipe{backend};
  volatile int shared = 0;

  void wait_until_the_other_sleeps() { rouse::sim::this_thread::sleep_for(std::chrono::milliseconds(1)); }
};

/// Joined when it goes, as a std::jthread.
class Thread {
 public:
  template <class F>
  explicit Thread(F f) : thread_(std::move(f)) {}
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread() { thread_.join(); }

 private:
  rouse::sim::thread thread_;
};

}  // namespace

#include "races.hpp"

int main(int, char** argv) {
  const Case* const one = find_case(argv[1]);
  if (one == nullptr) return std::puts("no such case"), 2;
  rouse::sim::RandomPolicy policy{1};
  const auto exploration = rouse::sim::explore(policy, {.runs_max = 20}, [one](rouse::sim::World& world) {
    Fixture fixture{world};
    one->run(fixture);
  });
  if (exploration.failure) return std::puts(exploration.failure->text.c_str()), 1;
}
