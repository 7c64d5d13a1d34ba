// How the tasks of a run that has failed are unwound, where destructors have something to wait for.
#include "../support/catch.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/atomic.hpp"
#include "rouse/sim/explore.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/thread.hpp"

#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>

using namespace rouse;

TEST_CASE("Destructors that join or lock end with a run that has failed, and the failure is shown") {
  struct Pool {
    explicit Pool(EmulatedBackend backend)
        : event(backend), thread([this] {
            while (!stop) event.read();
          }) {}
    ~Pool() {
      event.notify();
      stop = true;
      thread.join();
    }
    BasicEventFd<EmulatedBackend> event;
    sim::atomic<bool> stop{false};
    sim::thread thread;
  };
  sim::RandomPolicy random{1};
  const auto pool = sim::explore(random, {}, [](sim::World& world) { const Pool made{world.backend()}; });
  REQUIRE(pool.failure);
  CHECK(pool.failure->ending == sim::Ending::deadlock);

  const auto locks = sim::explore(random, {}, [](sim::World&) {
    struct Client {
      ~Client() { const std::lock_guard lock{mutex}; }
      sim::mutex& mutex;
    };
    sim::mutex mutex;
    sim::thread thread{[&] {
      const std::lock_guard lock{mutex};
      sim::this_thread::sleep_for(std::chrono::milliseconds(1));
      throw std::runtime_error("the real failure");
    }};
    { const Client client{mutex}; }
    thread.join();
  });
  REQUIRE(locks.failure);
  CHECK(locks.failure->text.find("the real failure") != std::string::npos);
}
