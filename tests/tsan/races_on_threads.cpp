// The races on real threads, whose kernel has one lock around every call.
#include "rouse/backend/emulated.hpp"
#include "rouse/kernel/thread_host.hpp"
#include "rouse/rouse.hpp"

#include <cstdio>
#include <thread>

namespace {

struct Fixture {
  rouse::kernel::ThreadHost host;
  rouse::kernel::Kernel kernel{host};
  rouse::EmulatedBackend backend{kernel};
  rouse::BasicEventFd<rouse::EmulatedBackend> event{backend};
  rouse::BasicPipe<rouse::EmulatedBackend> pipe{backend};
  volatile int shared = 0;

  void wait_until_the_other_sleeps() { host.wait_until_blocked(1); }
};

using Thread = std::jthread;

}  // namespace

#include "races.hpp"

int main(int, char** argv) {
  const Case* const one = find_case(argv[1]);
  if (one == nullptr) return std::puts("no such case"), 2;
  Fixture fixture;
  one->run(fixture);
}
