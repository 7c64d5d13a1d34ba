#include "worker_pool.hpp"

#include "../tests/support/threads.hpp"

#include <atomic>

TEMPLATE_LIST_TEST_CASE("WorkerPool: runs every job once, and finishes them before it goes", "[example][workers]",
                        test::AllThreadBackends) {
  TestType on;
  std::vector<std::atomic<int>> runs(200);
  {
    example::WorkerPool pool{on.backend, 3};
    for (std::atomic<int>& run : runs) {
      pool.submit([&run] { ++run; });
    }
  }
  for (const std::atomic<int>& run : runs) CHECK(run == 1);
}

TEST_CASE("WorkerPool: idle workers are asleep", "[example][workers][emulated]") {
  rouse::kernel::ThreadHost host;
  rouse::kernel::Kernel kernel{host};
  example::WorkerPool pool{rouse::EmulatedBackend{kernel}, 3};
  host.wait_until_blocked(3);
  std::atomic<bool> ran = false;
  pool.submit([&ran] { ran = true; });
  // Back to sleep when there is nothing left to do.
  while (!ran) std::this_thread::yield();
  host.wait_until_blocked(3);
  CHECK(ran);
}
