// Adds up squares on four workers.
#include "worker_pool.hpp"

#include <atomic>
#include <cstdio>

int main() {
  std::atomic<long> sum = 0;
  {
    example::WorkerPool pool{rouse::LinuxBackend{}, 4};
    for (long i = 1; i <= 100; ++i) {
      pool.submit([&sum, i] { sum += i * i; });
    }
  }
  std::printf("the sum of the squares up to 100 is %ld\n", sum.load());
}
