// The handle Epoll and its guard Registration: both forms of every call, what they throw, and what is misuse.
#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/thrown.hpp"

#include <climits>
#include <type_traits>

using namespace rouse;
using test::Events;
using test::Handles;
using test::last_words;
using test::reported;
using test::thrown_by;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags out = EventFlags::out;
constexpr EventFlags et = EventFlags::et;
constexpr EventFlags exclusive = EventFlags::exclusive;

/// An error_code that a call has to clear or to set.
std::error_code stale() { return {EIO, std::system_category()}; }
std::error_code system_error(int error) { return {error, std::system_category()}; }

std::string fd_text(int fd) { return "fd " + std::to_string(fd); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("Epoll: it is made close-on-exec unless told otherwise", "[epoll][handle]", test::AllBackends) {
  TestType on;
  using EpollHere = typename Handles<TestType>::Epoll;
  EpollHere epoll{on.backend};
  EpollHere plain{on.backend, CreateFlags{}};
  CHECK(epoll.is_open());
  CHECK(epoll.backend() == on.backend);
  CHECK(on.backend.fcntl(epoll.fd(), F_GETFD) == SysResult<int>{FD_CLOEXEC});
  CHECK(on.backend.fcntl(plain.fd(), F_GETFD) == SysResult<int>{0});
}

TEMPLATE_LIST_TEST_CASE("Epoll: making one fails with an exception, or with a code and a closed handle",
                        "[epoll][handle][errors]", test::AllBackends) {
  TestType on;
  using EpollHere = typename Handles<TestType>::Epoll;
  CHECK(thrown_by([&] { EpollHere{on.backend, CreateFlags{1}}; }) == "epoll_create1(): Invalid argument");
  std::error_code ec;
  CHECK_FALSE(EpollHere::create(on.backend, CreateFlags{1}, ec).is_open());
  CHECK(ec == system_error(EINVAL));
  const EpollHere epoll = EpollHere::create(on.backend, CreateFlags::cloexec, ec);
  CHECK_FALSE(ec);
  CHECK(epoll.is_open());
  std::string thrown;
  {
    const test::FileLimit limit{on.backend, 0};
    thrown = thrown_by([&] { EpollHere{on.backend}; });
  }
  CHECK(thrown == "epoll_create1(): Too many open files");
}

TEMPLATE_LIST_TEST_CASE("Epoll: the data of an event is the fd unless something else is given", "[epoll][handle]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  enum class Kind : std::uint8_t { timer = 200 };
  const auto data = [&] {
    const Events events = reported(epoll);
    epoll.remove(event);
    return events.at(0).data();
  };
  std::error_code ec;
  epoll.add(event, in);
  CHECK(data().fd() == event.fd());
  epoll.add(event, in, ec);
  CHECK(data().fd() == event.fd());
  epoll.template add<in | et>(event);
  CHECK(data().fd() == event.fd());
  epoll.add(event, in, 0xffff'ffff'ffff'ffff);
  CHECK(data().u64() == 0xffff'ffff'ffff'ffff);
  epoll.add(event, in, -5);
  CHECK(data().fd() == -5);
  epoll.template add<in>(event, Kind::timer);
  CHECK(data().template as<Kind>() == Kind::timer);
  epoll.add(event, in, &epoll, ec);
  CHECK(data().template ptr<typename Handles<TestType>::Epoll>() == &epoll);
  // `modify` sets it anew, along with the flags.
  epoll.add(event, in, 7);
  epoll.template modify<in>(event, 8);
  CHECK(data() == 8);
}

TEMPLATE_LIST_TEST_CASE("Epoll: an fd may be borrowed from any handle, or from a bare number", "[epoll][handle]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::Epoll outer{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  typename Handles<TestType>::Pipe pipe{on.backend};
  typename Handles<TestType>::OwnedFd owned{on.backend, event.duplicate().release().release()};
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  epoll.add(event, in, 1);
  epoll.add(pipe.writer, out, 2);
  epoll.add(ends.first, out, 3);
  epoll.add(owned.ref(), in, 4);
  epoll.add({on.backend, ends.second.fd()}, out, 5);
  outer.add(epoll, in, 6);
  CHECK(reported(epoll) == Events{{in, 1}, {out, 2}, {out, 3}, {in, 4}, {out, 5}});
  CHECK(reported(outer) == Events{{in, 6}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: a call with an error code clears it or sets it", "[epoll][handle][errors]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  std::error_code ec = stale();
  epoll.modify(event, in, 1, ec);
  CHECK(ec == system_error(ENOENT));
  epoll.remove(event, ec = stale());
  CHECK(ec == system_error(ENOENT));
  epoll.add(event, in, 1, ec = stale());
  CHECK_FALSE(ec);
  epoll.add(event, in, 1, ec = stale());
  CHECK(ec == system_error(EEXIST));
  epoll.modify(event, in, 2, ec = stale());
  CHECK_FALSE(ec);
  epoll.remove(event, ec = stale());
  CHECK_FALSE(ec);
  EventVec events{1};
  CHECK(epoll.wait(events, Timeout::now, ec = stale()) == 0);
  CHECK_FALSE(ec);
  CHECK(epoll.wait_restarting(events, Timeout::now, ec = stale()) == 0);
  CHECK_FALSE(ec);
  ::sigset_t mask{};
  CHECK(epoll.wait(events, Timeout::now, mask, ec = stale()) == 0);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("Epoll: an exception names the call, the fd and the reason", "[epoll][handle][errors]",
                        test::AllBackends) {
  TestType on;
  using EpollHere = typename Handles<TestType>::Epoll;
  EpollHere epoll{on.backend};
  EpollHere outer{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::OwnedFd plain{on.backend, on.backend.open("/dev/null", O_RDWR).value()};
  outer.add(epoll, in);
  CHECK(thrown_by([&] { epoll.add(plain.ref(), in); }) ==
        "epoll_ctl(add, " + fd_text(plain.get()) + "): Operation not permitted");
  CHECK(thrown_by([&] { epoll.add(outer, in, 1); }) ==
        "epoll_ctl(add, " + fd_text(outer.fd()) + "): Too many levels of symbolic links");
  CHECK(thrown_by([&] { epoll.template add<in>({on.backend, -1}); }) == "epoll_ctl(add): Bad file descriptor");
  CHECK(thrown_by([&] { epoll.modify(event, in, 1); }) ==
        "epoll_ctl(modify, " + fd_text(event.fd()) + "): No such file or directory");
  CHECK(thrown_by([&] { epoll.remove(event); }) ==
        "epoll_ctl(remove, " + fd_text(event.fd()) + "): No such file or directory");
  EpollHere no_epoll{typename Handles<TestType>::OwnedFd{on.backend, event.duplicate().release().release()}};
  EventVec events{1};
  const std::string reason = '(' + fd_text(no_epoll.fd()) + "): Invalid argument";
  CHECK(thrown_by([&] { no_epoll.wait(events, Timeout::now); }) == "epoll_wait" + reason);
  CHECK(thrown_by([&] { no_epoll.wait_restarting(events, Timeout::now); }) == "epoll_wait" + reason);
  ::sigset_t mask{};
  CHECK(thrown_by([&] { no_epoll.wait(events, Timeout::now, mask); }) == "epoll_pwait" + reason);
  CHECK(thrown_by([&] { static_cast<void>(no_epoll.busy_poll()); }) ==
        "ioctl(" + fd_text(no_epoll.fd()) + "): Inappropriate ioctl for device");
  CHECK(thrown_by([&] { epoll.set_busy_poll({.prefer = 2}); }) ==
        "ioctl(" + fd_text(epoll.fd()) + "): Invalid argument");
  // Each has the errno as its code.
  try {
    epoll.remove(event);
    FAIL("nothing was thrown");
  } catch (const std::system_error& error) {
    CHECK(error.code() == system_error(ENOENT));
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: busy-poll parameters are kept", "[epoll][handle]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  CHECK(epoll.busy_poll() == BusyPoll{});
  const BusyPoll wanted{.microseconds = INT_MAX, .budget = 64, .prefer = 1};
  epoll.set_busy_poll(wanted);
  CHECK(epoll.busy_poll() == wanted);
  CHECK_THROWS_AS(epoll.set_busy_poll({.microseconds = INT_MAX + 1u}), std::system_error);
  CHECK(epoll.busy_poll() == wanted);
}

TEMPLATE_LIST_TEST_CASE("Epoll: it is moved, not copied, and closes what it gives up", "[epoll][handle]",
                        test::AllBackends) {
  TestType on;
  using EpollHere = typename Handles<TestType>::Epoll;
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<EpollHere>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<EpollHere>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<EpollHere>);
  typename Handles<TestType>::EventFd event{on.backend, 1};
  EpollHere first{on.backend};
  first.add(event, in, 1);
  const int number = first.fd();
  EpollHere second{std::move(first)};
  CHECK_FALSE(first.is_open());
  CHECK(second.fd() == number);
  EpollHere third{on.backend};
  const int given_up = third.fd();
  third = std::move(second);
  CHECK(third.fd() == number);
  CHECK(reported(third) == Events{{in, 1}});
  CHECK(on.backend.fcntl(given_up, F_GETFD).error() == EBADF);
  third.close();
  CHECK_FALSE(third.is_open());
  CHECK(on.backend.fcntl(number, F_GETFD).error() == EBADF);
  // Closing it again does nothing, and so does its destructor.
  third.close();
  typename Handles<TestType>::OwnedFd owned = EpollHere{on.backend}.release();
  CHECK(on.backend.fcntl(owned.get(), F_GETFD).ok());
}

TEMPLATE_LIST_TEST_CASE("Registration: it removes what was added when it ends", "[epoll][handle][registration]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  {
    const auto registration = epoll.add_scoped(event, in | et, 1);
    CHECK(registration.is_armed());
    CHECK(registration.fd() == event.fd());
    CHECK(reported(epoll) == Events{{in, 1}});
  }
  std::error_code ec;
  epoll.remove(event, ec);
  CHECK(ec == system_error(ENOENT));
  {
    const auto registration = epoll.add_scoped(event, in);
    CHECK(reported(epoll) == Events{{in, event.fd()}});
  }
  CHECK(reported(epoll).empty());
  {
    const auto registration = epoll.add_scoped(event, in, 2, ec = stale());
    CHECK_FALSE(ec);
    CHECK(reported(epoll) == Events{{in, 2}});
  }
  CHECK(reported(epoll).empty());
  // One that could not be added is an exception, or a guard of nothing.
  epoll.add(event, in, 3);
  CHECK(thrown_by([&] { static_cast<void>(epoll.add_scoped(event, in, 1)); }) ==
        "epoll_ctl(add, " + fd_text(event.fd()) + "): File exists");
  CHECK_FALSE(epoll.add_scoped(event, in, 1, ec).is_armed());
  CHECK(ec == system_error(EEXIST));
  CHECK(reported(epoll) == Events{{in, 3}});
}

TEMPLATE_LIST_TEST_CASE("Registration: it is changed, removed early, or left in place", "[epoll][handle][registration]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  std::error_code ec = stale();
  auto registration = epoll.add_scoped(event, in, 1);
  registration.modify(out | et, 2);
  CHECK(reported(epoll) == Events{{out, 2}});
  registration.modify(in, 3, ec);
  CHECK_FALSE(ec);
  CHECK(reported(epoll) == Events{{in, 3}});
  registration.remove();
  CHECK_FALSE(registration.is_armed());
  CHECK(reported(epoll).empty());
  registration = epoll.add_scoped(event, in, 4);
  registration.remove(ec = stale());
  CHECK_FALSE(ec);
  CHECK_FALSE(registration.is_armed());
  CHECK(reported(epoll).empty());
  registration = epoll.add_scoped(event, in, 4);
  registration.release();
  CHECK_FALSE(registration.is_armed());
  { const auto dropped = std::move(registration); }
  CHECK(reported(epoll) == Events{{in, 4}});
}

TEMPLATE_LIST_TEST_CASE("Registration: it is moved, and the one it replaces ends", "[epoll][handle][registration]",
                        test::AllBackends) {
  TestType on;
  using RegistrationHere = BasicRegistration<typename TestType::Backend>;
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<RegistrationHere>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<RegistrationHere>);
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd one{on.backend, 1};
  typename Handles<TestType>::EventFd two{on.backend, 1};
  auto first = epoll.add_scoped(one, in, 1);
  RegistrationHere second{std::move(first)};
  CHECK_FALSE(first.is_armed());
  CHECK(second.is_armed());
  CHECK(reported(epoll) == Events{{in, 1}});
  second = epoll.add_scoped(two, in, 2);
  CHECK(reported(epoll) == Events{{in, 2}});
  CHECK(second.fd() == two.fd());
  first = std::move(second);
  CHECK(first.is_armed());
  CHECK_FALSE(second.is_armed());
  CHECK(reported(epoll) == Events{{in, 2}});
}

TEMPLATE_LIST_TEST_CASE("Registration: one whose file has gone ends silently, unless asked",
                        "[epoll][handle][registration]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  std::error_code ec;
  {
    typename Handles<TestType>::EventFd event{on.backend};
    const auto registration = epoll.add_scoped(event, in, 1);
    event.close();
  }
  {
    typename Handles<TestType>::EventFd event{on.backend};
    auto registration = epoll.add_scoped(event, in, 1);
    const int number = event.fd();
    event.close();
    registration.modify(in, 2, ec);
    CHECK(ec == system_error(EBADF));
    CHECK(thrown_by([&] { registration.modify(in, 2); }) ==
          "epoll_ctl(modify, " + fd_text(number) + "): Bad file descriptor");
    CHECK(thrown_by([&] { registration.remove(); }) ==
          "epoll_ctl(remove, " + fd_text(number) + "): Bad file descriptor");
    CHECK_FALSE(registration.is_armed());
  }
  {
    typename Handles<TestType>::EventFd event{on.backend};
    auto registration = epoll.add_scoped(event, in, 1);
    epoll.remove(event);
    registration.remove(ec);
    CHECK(ec == system_error(ENOENT));
    CHECK_FALSE(registration.is_armed());
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: using a closed one is named", "[epoll][handle][death]", test::AllBackends) {
  if (!test::assertions_are_on) return;
  TestType on;
  using EpollHere = typename Handles<TestType>::Epoll;
  typename Handles<TestType>::EventFd event{on.backend};
  EventVec events{1};
  std::error_code ec;
  EpollHere moved{on.backend};
  const EpollHere taker{std::move(moved)};
  EpollHere closed{on.backend};
  closed.close();
  const std::string text = "Epoll: used while closed or after being moved from";
  for (EpollHere* const epoll : {&moved, &closed}) {
    CHECK(last_words([&] { epoll->add(event, in); }).find(text) != std::string::npos);
    CHECK(last_words([&] { epoll->modify(event, in, 1, ec); }).find(text) != std::string::npos);
    CHECK(last_words([&] { epoll->remove(event, ec); }).find(text) != std::string::npos);
    CHECK(last_words([&] { epoll->wait(events, Timeout::now, ec); }).find(text) != std::string::npos);
    CHECK(last_words([&] { epoll->wait_restarting(events, Timeout::now); }).find(text) != std::string::npos);
    CHECK(last_words([&] { static_cast<void>(epoll->fd()); }).find(text) != std::string::npos);
    CHECK(last_words([&] { static_cast<void>(epoll->busy_poll()); }).find(text) != std::string::npos);
  }
  event.close();
  EpollHere open{on.backend};
  CHECK(last_words([&] { open.add(event, in); }).find("EventFd: used while closed") != std::string::npos);
}

TEMPLATE_LIST_TEST_CASE("Registration: using one that is disarmed is named", "[epoll][handle][registration][death]",
                        test::AllBackends) {
  if (!test::assertions_are_on) return;
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  auto registration = epoll.add_scoped(event, in);
  registration.release();
  const std::string text = "Registration: used after remove(), release() or being moved from";
  CHECK(last_words([&] { registration.remove(); }).find(text) != std::string::npos);
  CHECK(last_words([&] { registration.modify(in, 1); }).find(text) != std::string::npos);
  CHECK(last_words([&] { static_cast<void>(registration.fd()); }).find(text) != std::string::npos);
}

// There is only one Linux.
TEST_CASE("Epoll: another kernel's fd is misuse", "[epoll][handle][death][emulated]") {
  if (!test::assertions_are_on) return;
  test::OnEmulated here;
  test::OnEmulated there;
  BasicEpoll<EmulatedBackend> epoll{here.backend};
  BasicEventFd<EmulatedBackend> stranger{there.backend};
  std::error_code ec;
  const std::string text = "Epoll: the fd belongs to another kernel than the epoll";
  CHECK(last_words([&] { epoll.add(stranger, in); }).find(text) != std::string::npos);
  CHECK(last_words([&] { epoll.modify(stranger, in, 1, ec); }).find(text) != std::string::npos);
  CHECK(last_words([&] { epoll.remove(stranger, ec); }).find(text) != std::string::npos);
  CHECK(last_words([&] { static_cast<void>(epoll.add_scoped(stranger, in)); }).find(text) != std::string::npos);
}

// Only the real kernel is a backend without an object.
TEST_CASE("Epoll: over Linux it needs no backend and is no larger than its number", "[epoll][handle][real]") {
  Epoll epoll;
  Epoll inherited{CreateFlags{}};
  EventFd event{1};
  STATIC_REQUIRE(sizeof epoll == sizeof(int));
  STATIC_REQUIRE(sizeof(FdRef) == sizeof(int));
  epoll.add(event, in | exclusive);
  epoll.add(FdRef{inherited.fd()}, in);
  CHECK(reported(epoll) == Events{{in, event.fd()}});
}
