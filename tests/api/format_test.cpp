// What prints, formats. {fmt} is used header-only, so nothing has to be linked.
#if __has_include(<fmt/format.h>)
#define FMT_HEADER_ONLY
#endif
#include "rouse/format.hpp"

#include "../support/catch.hpp"

using namespace rouse;

#if __has_include(<fmt/format.h>)
TEST_CASE("format: {fmt} prints flags and addresses as operator<< does", "[format]") {
  CHECK(fmt::format("{}", EventFlags::in | EventFlags::et) == "in|et");
  CHECK(fmt::format("[{:>6}]", EventFdFlags::semaphore & EventFdFlags{}) == "[     0]");
  CHECK(fmt::format("{}", SignalSet::of(2, 15)) == "{2, 15}");
  CHECK(fmt::format("{}", Event{EventFlags::in, 7}) == "{in, 7}");
  CHECK(fmt::format("{}", Fault::error(EINTR)) == "fails with EINTR");
  CHECK(fmt::format("{}", SocketAddress::ipv4_loopback(80)) == "127.0.0.1:80");
  CHECK(fmt::format("{:>13}", Ip{Ipv6::loopback(80)}) == "     [::1]:80");
  CHECK(fmt::format("{}", UnixAddress{UnixAbstract{"name"}}) == "@name");
}
#endif

#ifdef __cpp_lib_format
TEST_CASE("format: std::format prints flags and addresses as operator<< does", "[format]") {
  CHECK(std::format("{}", EventFlags::in | EventFlags::et) == "in|et");
  CHECK(std::format("{}", SocketAddress::ipv4_loopback(80)) == "127.0.0.1:80");
}
#endif

TEST_CASE("format: a formatter is there for what prints by to_string", "[format]") {
  CHECK(detail::PrintsByToString<EventFlags>);
  CHECK(detail::PrintsByToString<Event>);
  CHECK(detail::PrintsByToString<Fault>);
  CHECK(detail::PrintsByToString<CallSet>);
  CHECK(detail::PrintsByToString<SocketAddress>);
  CHECK(detail::PrintsByToString<Ip>);
  CHECK(detail::PrintsByToString<Ipv4>);
  CHECK(detail::PrintsByToString<Ipv4Address>);
  CHECK(detail::PrintsByToString<Ipv6>);
  CHECK(detail::PrintsByToString<Ipv6Address>);
  CHECK(detail::PrintsByToString<UnixAddress>);
  CHECK(detail::PrintsByToString<UnixPath>);
  CHECK(detail::PrintsByToString<UnixAbstract>);
  CHECK_FALSE(detail::PrintsByToString<int>);
}
