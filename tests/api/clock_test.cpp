#include "rouse/clock.hpp"

#include "../support/backends.hpp"

#include <chrono>

using namespace rouse;
using namespace std::chrono_literals;

TEMPLATE_LIST_TEST_CASE("MonotonicClock: a wait until a deadline is over when the clock says so", "[clock]",
                        test::AllBackends) {
  TestType on;
  const BasicMonotonicClock<typename TestType::Backend> clock{on.backend};
  typename test::Handles<TestType>::Epoll epoll{on.backend};
  EventVec events{1};
  const auto start = clock.now();
  const auto deadline = start + 2ms;
  CHECK(epoll.wait(events, clock.until(deadline)) == 0);
  CHECK(clock.now() >= deadline);
  CHECK(clock.until(deadline) == Timeout::now);
  CHECK(clock.until(start) == Timeout::now);
  CHECK(clock.until(decltype(start)::max()) == Timeout::never);
}

TEST_CASE("SystemClock: is the time of day", "[clock]") {
  const auto before = std::chrono::system_clock::now();
  const auto now = SystemClock{}.now();
  CHECK(now >= before);
  CHECK(now <= std::chrono::system_clock::now());
}

TEST_CASE("SystemClock: is the emulated kernel's, which can be set", "[clock][emulated]") {
  kernel::SoloHost host;
  kernel::Kernel kernel{host};
  const BasicSystemClock<EmulatedBackend> clock{EmulatedBackend{kernel}};
  kernel.set_realtime(24h * 365);
  CHECK(clock.now().time_since_epoch() == 24h * 365);
  host.advance(1s);
  CHECK(clock.now().time_since_epoch() == 24h * 365 + 1s);
}

TEST_CASE("MonotonicClock: is the emulated kernel's, which jumps", "[clock][emulated]") {
  kernel::SoloHost host;
  kernel::Kernel kernel{host};
  const BasicMonotonicClock<EmulatedBackend> clock{EmulatedBackend{kernel}};
  BasicEpoll<EmulatedBackend> epoll{clock.backend()};
  EventVec events{1};
  CHECK(clock.now().time_since_epoch() == 0ns);
  epoll.wait(events, 1h);
  CHECK(clock.now().time_since_epoch() == 1h);
  host.advance(1ns);
  CHECK(clock.now().time_since_epoch() == 1h + 1ns);
  CHECK(clock.until(clock.now() + 5us) == Timeout{5us});
}
