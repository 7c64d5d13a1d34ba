// The handle EventFd: its two forms of every call, over both modes of the descriptor.
#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/threads.hpp"
#include "../support/thrown.hpp"

#include <optional>
#include <type_traits>

using namespace rouse;
using test::Handles;
using test::thrown_by;

namespace {

using std::uint64_t;

/// An error_code that a call has to clear or to set.
std::error_code stale() { return {EIO, std::system_category()}; }

std::error_code system_error(int error) { return {error, std::system_category()}; }

}  // namespace

TEMPLATE_LIST_TEST_CASE("EventFd: it is made non-blocking and close-on-exec, with 0", "[event_fd]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  CHECK(event.is_open());
  CHECK(event.backend() == on.backend);
  CHECK(on.backend.fcntl(event.fd(), F_GETFL) == (O_RDWR | O_NONBLOCK));
  CHECK(on.backend.fcntl(event.fd(), F_GETFD) == FD_CLOEXEC);
  CHECK(event.try_read() == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("EventFd: initial value and flags can be given", "[event_fd]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 3, EventFdFlags::semaphore | EventFdFlags::nonblock};
  CHECK(on.backend.fcntl(event.fd(), F_GETFD) == 0);
  CHECK(event.try_read() == 1);
  CHECK(event.try_read() == 1);
  CHECK(event.try_read() == 1);
  CHECK(event.try_read() == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("EventFd: what was written is read, all at once", "[event_fd]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  event.write(2);
  event.write(3);
  CHECK(event.read() == 5);
  std::error_code ec = stale();
  event.write(4, ec);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(event.read(ec) == 4);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("EventFd: try_read finds nothing without an error", "[event_fd]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  std::error_code ec = stale();
  CHECK(event.try_read(ec) == std::nullopt);
  CHECK_FALSE(ec);
  event.write(9);
  ec = stale();
  CHECK(event.try_read(ec) == 9);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("EventFd: try_write says whether it fitted, and adds nothing if not", "[event_fd]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  CHECK(event.try_write(event_fd_max - 1));
  CHECK_FALSE(event.try_write(2));
  std::error_code ec = stale();
  CHECK_FALSE(event.try_write(2, ec));
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(event.try_write(1, ec));
  CHECK_FALSE(ec);
  CHECK(event.try_write(0));
  CHECK(event.read() == event_fd_max);
}

TEMPLATE_LIST_TEST_CASE("EventFd: a value beyond the largest is refused, not waited for", "[event_fd][errors]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  std::error_code ec;
  event.write(event_fd_max + 1, ec);
  CHECK(ec == system_error(EINVAL));
  ec.clear();
  CHECK_FALSE(event.try_write(event_fd_max + 1, ec));
  CHECK(ec == system_error(EINVAL));
  const std::string text = "write(fd " + std::to_string(event.fd()) + "): Invalid argument";
  CHECK(thrown_by([&] { event.write(event_fd_max + 1); }) == text);
  CHECK(thrown_by([&] { event.try_write(event_fd_max + 1); }) == text);
}

TEMPLATE_LIST_TEST_CASE("EventFd: what the kernel refuses is an exception that names the call, or an error code",
                        "[event_fd][errors]", test::AllBackends) {
  TestType on;
  using Handle = typename Handles<TestType>::EventFd;
  typename Handles<TestType>::Pipe pipe{on.backend};
  // A pipe's ends stand in for an eventfd: each lacks one direction.
  Handle no_reads{typename Handles<TestType>::OwnedFd{on.backend, on.backend.dup(pipe.writer.fd()).value()}};
  Handle no_writes{typename Handles<TestType>::OwnedFd{on.backend, on.backend.dup(pipe.reader.fd()).value()}};
  const std::string fd_r = std::to_string(no_reads.fd());
  const std::string fd_w = std::to_string(no_writes.fd());
  CHECK(thrown_by([&] { no_reads.read(); }) == "read(fd " + fd_r + "): Bad file descriptor");
  CHECK(thrown_by([&] { static_cast<void>(no_reads.try_read()); }) == "read(fd " + fd_r + "): Bad file descriptor");
  CHECK(thrown_by([&] { no_writes.notify(); }) == "write(fd " + fd_w + "): Bad file descriptor");
  std::error_code ec;
  CHECK(no_reads.read(ec) == 0);
  CHECK(ec == system_error(EBADF));
  ec.clear();
  CHECK(no_reads.try_read(ec) == std::nullopt);
  CHECK(ec == system_error(EBADF));
  ec.clear();
  CHECK(no_reads.drain(ec) == 0);
  CHECK(ec == system_error(EBADF));
  ec.clear();
  no_writes.notify(ec);
  CHECK(ec == system_error(EBADF));
}

TEMPLATE_LIST_TEST_CASE("EventFd: making one fails with an exception, or with a code and a closed handle",
                        "[event_fd][errors]", test::AllBackends) {
  TestType on;
  using Handle = typename Handles<TestType>::EventFd;
  CHECK(thrown_by([&] { Handle(on.backend, 0, EventFdFlags{1u << 20}); }) == "eventfd(): Invalid argument");
  std::error_code ec;
  CHECK_FALSE(Handle::create(on.backend, 0, EventFdFlags{1u << 20}, ec).is_open());
  CHECK(ec == system_error(EINVAL));
  {
    const test::FileLimit limit{on.backend, 0};
    CHECK_FALSE(Handle::create(on.backend, 0, Handle::default_flags, ec).is_open());
  }
  CHECK(ec == system_error(EMFILE));
  Handle event = Handle::create(on.backend, 6, Handle::default_flags, ec);
  CHECK_FALSE(ec);
  CHECK(event.read() == 6);
}

TEMPLATE_LIST_TEST_CASE("EventFd: notify makes it readable, also if it is full", "[event_fd]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  std::error_code ec = stale();
  event.notify();
  event.notify(ec);
  CHECK_FALSE(ec);
  CHECK(event.drain() == 2);
  event.write(event_fd_max);
  event.notify();
  ec = stale();
  event.notify(ec);
  CHECK_FALSE(ec);
  CHECK(event.drain() == event_fd_max);
}

TEMPLATE_LIST_TEST_CASE("EventFd: drain takes what is there, or 0", "[event_fd]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 4};
  CHECK(event.drain() == 4);
  CHECK(event.drain() == 0);
  event.notify();
  std::error_code ec = stale();
  CHECK(event.drain(ec) == 1);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(event.drain(ec) == 0);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("EventFd: an epoll watches the handle itself", "[event_fd]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  epoll.add(event, EventFlags::in | EventFlags::et, 5);
  CHECK(test::reported(epoll).empty());
  event.notify();
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 5}});
  CHECK(test::reported(epoll).empty());
  event.write(0);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 5}});
}

TEMPLATE_LIST_TEST_CASE("EventFd: a duplicate shares the counter and outlives the first", "[event_fd]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::EventFd second = event.duplicate();
  CHECK(second.fd() != event.fd());
  CHECK(on.backend.fcntl(second.fd(), F_GETFD) == FD_CLOEXEC);
  event.write(3);
  event.close();
  CHECK_FALSE(event.is_open());
  CHECK(second.try_read() == 3);
  std::error_code ec = stale();
  typename Handles<TestType>::EventFd third = second.duplicate(ec);
  CHECK_FALSE(ec);
  third.write(8);
  CHECK(second.try_read() == 8);
  {
    const test::FileLimit limit{on.backend, 1};
    CHECK_FALSE(second.duplicate(ec).is_open());
  }
  CHECK(ec == system_error(EMFILE));
}

TEMPLATE_LIST_TEST_CASE("EventFd: it takes over an fd and asks for its mode", "[event_fd]", test::AllBackends) {
  TestType on;
  using Fd = typename Handles<TestType>::OwnedFd;
  using Handle = typename Handles<TestType>::EventFd;
  Handle adopted{Fd{on.backend, on.backend.eventfd(4, EFD_NONBLOCK).value()}};
  CHECK(adopted.try_read() == 4);
  CHECK(adopted.try_read() == std::nullopt);
  Handle blocking{Fd{on.backend, on.backend.eventfd(4, 0).value()}};
  CHECK(blocking.read() == 4);
  if (test::assertions_are_on) {
    CHECK(test::last_words([&] {
            static_cast<void>(blocking.try_read());
          }).find("on a handle that was made blocking") != std::string::npos);
  }
  const Fd released = adopted.release();
  CHECK_FALSE(adopted.is_open());
  CHECK(released.is_open());
}

TEMPLATE_LIST_TEST_CASE("EventFd: on a blocking one only the forms that wait are allowed", "[event_fd][death]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 0, EventFdFlags::cloexec};
  CHECK(on.backend.fcntl(event.fd(), F_GETFL) == O_RDWR);
  event.write(2);
  CHECK(event.read() == 2);
  if (!test::assertions_are_on) return;
  std::error_code ec;
  const std::string text = "on a handle that was made blocking";
  CHECK(test::last_words([&] { static_cast<void>(event.try_read()); }).find(text) != std::string::npos);
  CHECK(test::last_words([&] { static_cast<void>(event.try_read(ec)); }).find(text) != std::string::npos);
  CHECK(test::last_words([&] { event.try_write(1); }).find(text) != std::string::npos);
  CHECK(test::last_words([&] { event.try_write(1, ec); }).find(text) != std::string::npos);
  CHECK(test::last_words([&] { event.notify(); }).find(text) != std::string::npos);
  CHECK(test::last_words([&] { event.drain(); }).find(text) != std::string::npos);
}

TEMPLATE_LIST_TEST_CASE("EventFd: using a closed one is named", "[event_fd][death]", test::AllBackends) {
  if (!test::assertions_are_on) return;
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::EventFd taken = std::move(event);
  const std::string text = "rouse: EventFd: used while closed or after being moved from";
  std::error_code ec;
  CHECK(test::last_words([&] { static_cast<void>(event.fd()); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { static_cast<void>(event.ref()); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { event.write(1); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { event.write(1, ec); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { event.try_write(1); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { event.read(); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { event.drain(); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { static_cast<void>(event.duplicate()); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { static_cast<void>(event.duplicate(ec)); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { event.close(); }) == "alive");
  CHECK(test::last_words([&] { taken.notify(); }) == "alive");
}

TEMPLATE_LIST_TEST_CASE("EventFd: read and write wait, on a descriptor of either mode", "[event_fd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  for (const EventFdFlags flags : {EventFdFlags::nonblock, EventFdFlags{}}) {
    CAPTURE(flags);
    typename Handles<TestType>::EventFd event{on.backend, 0, flags};
    auto reader = on.spawn([&] { return event.read(); });
    on.wait_until_blocked(reader);
    event.write(event_fd_max);
    CHECK(reader.result() == event_fd_max);
    event.write(event_fd_max);
    auto writer = on.spawn([&] {
      std::error_code ec = stale();
      event.write(2, ec);
      return ec;
    });
    on.wait_until_blocked(writer);
    CHECK(event.read() == event_fd_max);
    CHECK(writer.result() == std::error_code{});
    CHECK(event.read() == 2);
  }
}

TEMPLATE_LIST_TEST_CASE("EventFd: a write that needs more room than 1 sleeps from read to read", "[event_fd][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 0, EventFdFlags::semaphore | EventFdFlags::nonblock};
  event.write(event_fd_max - 1);  // Poll says that writing is possible.
  auto writer = on.spawn([&] {
    event.write(3);
    return true;
  });
  on.wait_until_blocked(writer);
  CHECK(event.read() == 1);
  on.wait_until_blocked(writer);
  CHECK_FALSE(writer.is_done());
  CHECK(event.read() == 1);
  CHECK(writer.result());
  CHECK_FALSE(event.try_write(1));
}

TEST_CASE("EventFd: over Linux it needs no backend and is no larger than its number and mode", "[event_fd][real]") {
  EventFd event;
  event.notify();
  CHECK(event.drain() == 1);
  STATIC_REQUIRE(sizeof(EventFd) == 2 * sizeof(int));
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<EventFd>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<EventFd>);
  STATIC_REQUIRE(EventFd::default_flags == (EventFdFlags::nonblock | EventFdFlags::cloexec));
}
