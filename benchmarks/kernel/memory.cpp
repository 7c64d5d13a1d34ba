#include "hosts.hpp"
#include "parts.hpp"

#include <malloc.h>

namespace bench {

namespace {

/// Bytes of the heap for each of `n` things that `make` makes.
template <class Make>
double heap_bytes_each(std::size_t n, Make make) {
  const std::size_t before = ::mallinfo2().uordblks;
  for (std::size_t i = 0; i < n; ++i) make(i);
  return static_cast<double>(::mallinfo2().uordblks - before) / static_cast<double>(n);
}

}  // namespace

void weigh_registrations(Program& program) {
  if (Program::is_counting()) return;
  constexpr std::size_t n = 1 << 17;  // Tables that double are full then, and are all in use.
  constexpr double linux_bytes =
      160;  // Of an epitem and its place in the wait queue: what max_user_watches reckons with.
  kernel::Kernel kernel;
  kernel.limits.nofile_soft = n + 16;
  const EmulatedBackend backend{kernel};
  const int epfd = backend.epoll_create1(0).value();
  int first = -1;
  const double file = heap_bytes_each(n, [&](std::size_t i) {
    const int fd = backend.eventfd(0, 0).value();
    if (i == 0) first = fd;
  });
  const double registration = heap_bytes_each(n, [&](std::size_t i) {
    const int fd = first + static_cast<int>(i);
    const Event event{EventFlags::in, fd};
    expect(backend.epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event).ok());
  });
  program.add({"an eventfd and its number", "bytes", {{"emulated", {file}}}});
  program.add({"a registration", "bytes", {{"emulated", {registration}}}});
  program.at_most("memory of a registration", linux_bytes, registration, "bytes");
}

}  // namespace bench
