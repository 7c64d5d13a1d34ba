// The whole unit is built with ROUSE_AMBIENT: Epoll, EventFd and Pipe mean whichever kernel is installed.
#include "line_counter.hpp"

#include "../tests/support/catch.hpp"
#include "rouse/kernel/dump.hpp"
#include "rouse/kernel/thread_host.hpp"

using namespace rouse;

TEST_CASE("LineCounter: counts on Linux", "[example][real]") {
  example::LineCounter counter;
  counter.write("a\nb\nc");
  CHECK(counter.finish() == 2);
}

TEST_CASE("LineCounter: counts on an emulated kernel, thread and all", "[example][emulated]") {
  kernel::ThreadHost host;
  kernel::Kernel kernel{host};
  const kernel::Installed installed{kernel};
  example::LineCounter counter;
  // Its thread sleeps in the emulated kernel, not in Linux's.
  host.wait_until_blocked(1);
  const std::string before = dump(kernel);
  INFO(before);
  CHECK(before.find("is blocked in epoll_wait(fd 6) on epoll") != std::string::npos);
  for (int i = 0; i < 1000; ++i) counter.write("a line that is long enough to fill the pipe now and then\n");
  CHECK(counter.finish() == 1000);
}

TEST_CASE("LineCounter: two kernels do not know of each other", "[example][emulated]") {
  kernel::ThreadHost host;
  kernel::Kernel kernel{host};
  kernel::ThreadHost other_host;
  kernel::Kernel other_kernel{other_host};
  const kernel::Installed installed{kernel};
  example::LineCounter counter;
  host.wait_until_blocked(1);
  const kernel::Installed other{other_kernel};
  example::LineCounter other_counter;
  counter.write("one\n");
  other_counter.write("one\ntwo\n");
  CHECK(counter.finish() == 1);
  CHECK(other_counter.finish() == 2);
}
