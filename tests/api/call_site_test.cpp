// CallSite: the user's line, however deep below it the call is made.
#include "../support/call_sites.hpp"
#include "../support/catch.hpp"
#include "rouse/backend/faulty.hpp"
#include "rouse/posix.hpp"
#include "rouse/rouse.hpp"

#include <optional>

using namespace rouse;
using test::NotedCalls;

namespace {

std::string line(unsigned number) { return "call_site_test.cpp:" + std::to_string(number); }

/// A wrapper of a user's, which is not to be named itself.
template <class B>
void wake(BasicEventFd<B>& event, CallSiteFor<B> site = CallSite::current()) {
  event.write(1, site);
}

}  // namespace

TEST_CASE("CallSite: the text has no folders", "[call_site]") {
  const CallSite here = CallSite::current();
  CHECK(here.is_known());
  CHECK(here.text() == line(__LINE__ - 2));
  CHECK(CallSite::unknown().text().empty());
  CHECK_FALSE(CallSite::unknown().is_known());
  CHECK(CallSite::destructor().text() == "destructor");
  CHECK(CallSite::present().text().empty());
}

TEST_CASE("CallSite: a line of the system's headers or of the library's own is nobody's", "[call_site]") {
  std::optional<CallSite> in_system_header;
  in_system_header.emplace(CallSite::current());
  CHECK(in_system_header->is_known());  // An argument is the caller's,
  struct Made {
    Made(CallSite site = CallSite::current()) : where(site) {}
    CallSite where;
  };
  std::optional<Made> made;
  made.emplace();
  CHECK_FALSE(made->where.is_known());  // and a default argument std::optional's.
  CHECK(made->where.text().empty());
  NotedCalls calls;
  FaultPlan plan;
  const FaultyBackend faulty{calls.backend(), plan};
  CHECK(calls.of([&] { static_cast<void>(faulty.getpid()); }) == "nowhere");
}

TEST_CASE("CallSite: is told where somebody reads it", "[call_site]") {
  {
    const detail::CallScope unread{CallSite::current()};
    CHECK_FALSE(CallSite::present().is_known());
    const CallSiteReader reader;
    CHECK_FALSE(CallSite::present().is_known());
  }
  const CallSiteReader reader;
  const detail::CallScope scope{CallSite::current()};
  CHECK(CallSite::present().text() == line(__LINE__ - 1));
}

TEST_CASE("CallSite: the outermost of several is the call's", "[call_site]") {
  const CallSiteReader reader;
  CHECK_FALSE(CallSite::present().is_known());
  {
    const detail::CallScope outer{CallSite::current()};
    const std::string here = line(__LINE__ - 1);
    {
      const detail::CallScope inner{CallSite::current()};
      CHECK(CallSite::present().text() == here);
      {
        const detail::OutsideOfCall outside;
        CHECK_FALSE(CallSite::present().is_known());
        const detail::CallScope other{CallSite::current()};
        CHECK(CallSite::present().text() == line(__LINE__ - 1));
      }
      CHECK(CallSite::present().text() == here);
    }
    CHECK(CallSite::present().text() == here);
  }
  CHECK_FALSE(CallSite::present().is_known());
}

TEST_CASE("CallSite: an exception takes it back", "[call_site]") {
  NotedCalls calls;
  BasicEventFd<EmulatedBackend> event{calls.backend()};
  CHECK_THROWS_AS(event.write(~std::uint64_t{0}), std::system_error);
  CHECK_FALSE(CallSite::present().is_known());
}

TEST_CASE("CallSite: costs nothing where nobody asks", "[call_site]") {
  STATIC_REQUIRE(std::is_empty_v<CallSiteFor<LinuxBackend>>);
  STATIC_REQUIRE(std::is_trivially_copyable_v<CallSiteFor<LinuxBackend>>);
  STATIC_REQUIRE(std::is_trivially_destructible_v<detail::CallScopeFor<LinuxBackend>>);
  STATIC_REQUIRE_FALSE(NotesCallSites<LinuxBackend>);
  STATIC_REQUIRE_FALSE(NotesCallSites<FaultyBackend<LinuxBackend>>);
  STATIC_REQUIRE(NotesCallSites<EmulatedBackend>);
  STATIC_REQUIRE(NotesCallSites<AmbientBackend>);
  STATIC_REQUIRE(NotesCallSites<FaultyBackend<EmulatedBackend>>);
  STATIC_REQUIRE(sizeof(CallSite) == sizeof(std::source_location));
}

TEST_CASE("CallSite: a wrapper hands on its caller's", "[call_site]") {
  NotedCalls calls;
  BasicEventFd<EmulatedBackend> event{calls.backend()};
  CHECK(calls.of([&] { wake(event); }) == line(__LINE__));
}

TEST_CASE("CallSite: all calls that one function makes are made where it is called", "[call_site]") {
  NotedCalls calls;
  using Listener = BasicTcpListener<EmulatedBackend>;
  calls.of([] {});
  const auto make = [&] { static_cast<void>(Listener::bind(calls.backend(), Ipv4::loopback(0))); };
  CHECK(calls.of(make) == line(__LINE__ - 1));
  CHECK(calls.host.points == std::vector<std::string>{"socket", "setsockopt", "bind", "listen", "close"});
}

TEST_CASE("CallSite: what is closed at the end of a scope is closed by a destructor", "[call_site]") {
  NotedCalls calls;
  { const BasicEventFd<EmulatedBackend> event{calls.backend()}; }
  CHECK(calls.host.sites == std::vector{line(__LINE__ - 1), std::string{"destructor"}});
}

TEST_CASE("CallSite: a call that waits keeps its own while others make theirs", "[call_site]") {
  NotedCalls calls;
  BasicEventFd<EmulatedBackend> event{calls.backend()};
  unsigned written = 0;
  calls.host.then("writer", [&] { written = __LINE__, event.write(1); });
  calls.host.points.clear();
  calls.host.sites.clear();
  const unsigned read = __LINE__ + 1;
  CHECK(event.read() == 1);
  CHECK(calls.host.points == std::vector<std::string>{"read", "poll", "write", "read"});
  CHECK(calls.host.sites == std::vector{line(read), line(read), line(written), line(read)});
}

TEST_CASE("CallSite: faults in front of a backend hide nothing", "[call_site]") {
  NotedCalls calls;
  FaultPlan plan;
  plan.on(Call::write).every(Fault::delay(Timeout::of_nanoseconds(5)));
  BasicEventFd<FaultyBackend<EmulatedBackend>> event{FaultyBackend{calls.backend(), plan}};
  calls.host.points.clear();
  CHECK(calls.of([&] { event.write(1); }) == line(__LINE__));
  CHECK(calls.host.points == std::vector<std::string>{"clock_nanosleep", "write"});
}

TEST_CASE("CallSite: of a backend that is called directly", "[call_site]") {
  NotedCalls calls;
  const EmulatedBackend backend = calls.backend();
  CHECK(calls.of([&] { static_cast<void>(backend.getpid()); }) == line(__LINE__));
  CHECK(calls.of([&] { static_cast<void>(backend.epoll_create1(0)); }) == line(__LINE__));
  const kernel::Installed installed{calls.kernel};
  const AmbientBackend ambient;
  CHECK(calls.of([&] { static_cast<void>(ambient.getpid()); }) == line(__LINE__));
}

TEST_CASE("CallSite: of libc's names", "[call_site][posix]") {
  NotedCalls calls;
  const kernel::Installed installed{calls.kernel};
  int fd = -1;
  CHECK(calls.of([&] { fd = posix::eventfd(0, EFD_NONBLOCK); }) == line(__LINE__));
  CHECK(calls.of([&] { posix::eventfd_write(fd, 1); }) == line(__LINE__));
  CHECK(calls.of([&] { posix::fcntl(fd, F_GETFL); }) == line(__LINE__));
  CHECK(calls.of([&] { posix::fcntl(fd, F_SETFL, 0); }) == line(__LINE__));
  CHECK(calls.of([&] { posix::ioctl(fd, FIONREAD, &fd); }) == line(__LINE__));
  CHECK(calls.of([&] { posix::open("/dev/null", O_RDONLY, 0600); }) == line(__LINE__));
  CHECK(calls.of([&] { posix::raise(0); }) == line(__LINE__));
  CHECK(calls.of([&] { posix::close(fd); }) == line(__LINE__));
}
