// What becomes of a refusal: the texts of exceptions, and error codes.
#include "../support/backends.hpp"
#include "../support/thrown.hpp"

using namespace rouse;
using test::thrown_by;

TEST_CASE("Error: a failed call is named with what it was to do, and on which fd", "[error]") {
  CHECK(to_string(FailedCall{"epoll_create1"}) == "epoll_create1()");
  CHECK(to_string(FailedCall{"read", 0}) == "read(fd 0)");
  CHECK(to_string(FailedCall{"epoll_ctl", 7, "add"}) == "epoll_ctl(add, fd 7)");
  CHECK(to_string(FailedCall{"fcntl", -1, "dupfd"}) == "fcntl(dupfd)");
}

TEST_CASE("Error: a value is passed on, a failure thrown", "[error]") {
  CHECK(detail::value_or_throw(SysResult<int>{7}, {"dup", 3}) == 7);
  detail::value_or_throw(SysResult<void>{}, {"close", 3});
  try {
    detail::value_or_throw(SysResult<int>::failure(EMFILE), {"dup", 3});
    FAIL("nothing was thrown");
  } catch (const std::system_error& error) {
    CHECK(std::string(error.what()) == "dup(fd 3): Too many open files");
    CHECK(error.code() == std::error_code(EMFILE, std::system_category()));
    CHECK(error.code() == std::errc::too_many_files_open);
  }
}

TEST_CASE("Error: a report sets the code or clears it, and hands the result on", "[error]") {
  std::error_code ec{EIO, std::system_category()};
  CHECK(detail::report(SysResult<int>{7}, ec) == 7);
  CHECK_FALSE(ec);
  CHECK(detail::report(SysResult<int>::failure(EBADF), ec) == SysResult<int>::failure(EBADF));
  CHECK(ec == std::error_code(EBADF, std::system_category()));
  CHECK(detail::report(SysResult<void>{}, ec).ok());
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("Error: the handles' exceptions read the same on both kernels", "[error]", test::AllBackends) {
  TestType on;
  typename test::Handles<TestType>::Epoll epoll{on.backend};
  typename test::Handles<TestType>::EventFd event{on.backend};
  const std::string fd = std::to_string(event.fd());
  CHECK(thrown_by([&] { epoll.remove(event); }) == "epoll_ctl(remove, fd " + fd + "): No such file or directory");
  CHECK(thrown_by([&] { epoll.modify(event, EventFlags::in, 1); }) ==
        "epoll_ctl(modify, fd " + fd + "): No such file or directory");
  epoll.add(event, EventFlags::in);
  CHECK(thrown_by([&] { epoll.add(event, EventFlags::in); }) == "epoll_ctl(add, fd " + fd + "): File exists");
  typename test::Handles<TestType>::Epoll no_epoll{event.duplicate().release()};
  EventArray<1> events;
  CHECK(thrown_by([&] { no_epoll.wait(events); }) ==
        "epoll_wait(fd " + std::to_string(no_epoll.fd()) + "): Invalid argument");
}
