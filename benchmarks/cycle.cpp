// The cycle write, epoll_wait, read on the emulated kernel and on Linux, in turn, in one run. Times drift on a shared
// machine; the ratio of each round does not.
#include "rouse/backend/emulated.hpp"
#include "rouse/backend/linux.hpp"
#include "rouse/kernel/thread_host.hpp"
#include "rouse/rouse.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace rouse;

namespace {

/// Nanoseconds a cycle.
template <class Backend>
double cycle(Backend backend, int cycles) {
  BasicEpoll<Backend> epoll{backend};
  BasicEventFd<Backend> event{backend};
  EventVec events(8);
  epoll.add(event, EventFlags::in | EventFlags::et);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < cycles; ++i) {
    event.write(1);
    if (epoll.wait(events, Timeout::now) != 1) std::abort();
    if (event.try_read() != 1) std::abort();
  }
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / cycles;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

/// Exits with 1 if the emulated kernel is not at least as many times faster as the argument says.
int main(int argc, char** argv) {
  constexpr int rounds = 9;
  constexpr int cycles = 200'000;
  const double wanted = argc > 1 ? std::atof(argv[1]) : 0;

  kernel::Kernel solo;
  kernel::ThreadHost threads;
  kernel::Kernel threaded{threads};
  std::vector<double> on_linux;
  std::vector<double> on_solo;
  std::vector<double> on_threads;
  std::vector<double> solo_ratio;
  std::vector<double> thread_ratio;
  for (int round = 0; round < rounds; ++round) {
    on_linux.push_back(cycle(LinuxBackend{}, cycles));
    on_solo.push_back(cycle(EmulatedBackend{solo}, cycles));
    on_threads.push_back(cycle(EmulatedBackend{threaded}, cycles));
    solo_ratio.push_back(on_linux.back() / on_solo.back());
    thread_ratio.push_back(on_linux.back() / on_threads.back());
  }
  std::printf("write, epoll_wait, read; medians of %d rounds of %d cycles\n", rounds, cycles);
  std::printf("  Linux                  %8.1f ns\n", median(on_linux));
  std::printf("  emulated, SoloHost     %8.1f ns   %5.1f times faster\n", median(on_solo), median(solo_ratio));
  std::printf("  emulated, ThreadHost   %8.1f ns   %5.1f times faster\n", median(on_threads), median(thread_ratio));
  if (median(solo_ratio) < wanted) {
    std::printf("too slow: %.0f times was wanted\n", wanted);
    return 1;
  }
}
