// AmbientBackend, in a unit built with ROUSE_AMBIENT: the plain names mean whichever kernel is installed.
#include "rouse/backend/ambient.hpp"

#include "../support/catch.hpp"
#include "../support/death.hpp"
#include "rouse/kernel/thread_host.hpp"
#include "rouse/rouse.hpp"

#include <thread>
#include <type_traits>
#include <vector>

using namespace rouse;

TEST_CASE("AmbientBackend: is the default backend of this unit", "[ambient]") {
  STATIC_REQUIRE(std::is_same_v<DefaultBackend, AmbientBackend>);
  STATIC_REQUIRE(std::is_same_v<Epoll, BasicEpoll<AmbientBackend>>);
}

TEST_CASE("AmbientBackend: is Linux while no kernel is installed", "[ambient]") {
  const EventFd event{3};
  CHECK(event.backend().kernel() == nullptr);
  std::uint64_t value = 0;
  CHECK(LinuxBackend{}.read(event.fd(), &value, sizeof value) == SysResult<std::size_t>{8u});
  CHECK(value == 3);
}

TEST_CASE("AmbientBackend: is the installed kernel, and Linux again afterwards", "[ambient]") {
  kernel::Kernel kernel;
  {
    const kernel::Installed installed{kernel};
    const EventFd event;
    CHECK(event.backend().kernel() == &kernel);
    CHECK(event.fd() == 3);
  }
  CHECK(EventFd{}.backend().kernel() == nullptr);
}

TEST_CASE("AmbientBackend: a handle keeps the kernel it was made with", "[ambient]") {
  kernel::Kernel kernel;
  auto made = [&] {
    const kernel::Installed installed{kernel};
    return EventFd{5};
  };
  EventFd event = made();
  CHECK(event.read() == 5);
  const EventFd copy = event.duplicate();
  CHECK(copy.backend().kernel() == &kernel);
  event.close();
  CHECK(kernel.file(copy.fd()) != nullptr);
}

TEST_CASE("AmbientBackend: Installed is for every thread, InstalledForThisThread for one and before it", "[ambient]") {
  kernel::ThreadHost host;
  kernel::Kernel everyones{host};
  kernel::ThreadHost own_host;
  kernel::Kernel own{own_host};
  const auto kernel_here = [] { return AmbientBackend{}.kernel(); };
  const auto kernel_elsewhere = [&] {
    kernel::Kernel* seen = nullptr;
    std::thread{[&] { seen = kernel_here(); }}.join();
    return seen;
  };
  const kernel::Installed installed{everyones};
  CHECK(kernel_here() == &everyones);
  CHECK(kernel_elsewhere() == &everyones);
  {
    const kernel::InstalledForThisThread for_this_thread{own};
    CHECK(kernel_here() == &own);
    CHECK(kernel_elsewhere() == &everyones);
    const kernel::Installed inner{own};
    CHECK(kernel_elsewhere() == &own);
  }
  CHECK(kernel_here() == &everyones);
}

TEST_CASE("AmbientBackend: every handle works on the installed kernel", "[ambient]") {
  kernel::Kernel kernel;
  const kernel::Installed installed{kernel};
  Epoll epoll;
  Pipe pipe;
  auto [a, b] = Socket::pair();
  epoll.add(pipe.reader, EventFlags::in, 1);
  epoll.add(b, EventFlags::in, 2);
  pipe.writer.write(std::string_view("x"));
  a.send(std::string_view("y"));
  EventVec events(4);
  epoll.wait(events);
  CHECK(std::vector<Event>(events.begin(), events.end()) ==
        std::vector<Event>{{EventFlags::in, 1}, {EventFlags::in, 2}});
  // Virtual time: an hour passes at once, to the nanosecond.
  pipe.reader.close();
  b.close();
  epoll.wait(events, Timeout::of_nanoseconds(3'600'000'000'001));
  CHECK(kernel.host().now() == 3'600'000'000'001);
}

TEST_CASE("AmbientBackend: an fd of one kernel does not go into another's epoll", "[ambient][death]") {
  kernel::Kernel kernel;
  Epoll on_linux;
  const kernel::Installed installed{kernel};
  const EventFd emulated;
  if (!test::assertions_are_on) return;
  const std::string words = test::last_words([&] { on_linux.add(emulated, EventFlags::in); });
  CHECK(words.find("Epoll: the fd belongs to another kernel than the epoll") != std::string::npos);
}
