// A program that ends in a deadlock. Tests show its lines.
#pragma once

#include "rouse/rouse.hpp"
#include "rouse/sim/mutex.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/world.hpp"

#include <chrono>

namespace test {

/// A worker holds a lock while it waits for who wants that lock.
inline void deadlock(rouse::sim::World& world) {
  rouse::BasicEventFd<rouse::EmulatedBackend> event{world.backend()};
  rouse::sim::mutex mutex;
  world.spawn("worker", [&] {
    mutex.lock();
    event.read();
    mutex.unlock();
  });
  rouse::sim::this_thread::sleep_for(std::chrono::milliseconds(2));
  mutex.lock();
  event.write(1);
  mutex.unlock();
  world.join_all();
}

}  // namespace test
