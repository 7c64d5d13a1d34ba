// EventFlags and the other flag words: the algebra, the names, and text there and back.
#include "rouse/event_flags.hpp"

#include "../support/catch.hpp"
#include "rouse/open_flags.hpp"

#include <sstream>
#include <type_traits>

using namespace rouse;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags out = EventFlags::out;
constexpr EventFlags et = EventFlags::et;

std::string printed(EventFlags flags) {
  std::ostringstream text;
  text << flags;
  return text.str();
}

template <class Flags>
concept HasOr = requires(Flags flags) {
  flags | EventFlags::in;
};

}  // namespace

TEST_CASE("EventFlags: the bits are the kernel's", "[event_flags]") {
  struct Row {
    EventFlags flags;
    std::uint32_t bits;
    const char* name;
  };
  const Row rows[] = {{EventFlags::in, EPOLLIN, "in"},
                      {EventFlags::pri, EPOLLPRI, "pri"},
                      {EventFlags::out, EPOLLOUT, "out"},
                      {EventFlags::err, EPOLLERR, "err"},
                      {EventFlags::hup, EPOLLHUP, "hup"},
                      {EventFlags::rdnorm, EPOLLRDNORM, "rdnorm"},
                      {EventFlags::rdband, EPOLLRDBAND, "rdband"},
                      {EventFlags::wrnorm, EPOLLWRNORM, "wrnorm"},
                      {EventFlags::wrband, EPOLLWRBAND, "wrband"},
                      {EventFlags::msg, EPOLLMSG, "msg"},
                      {EventFlags::rdhup, EPOLLRDHUP, "rdhup"},
                      {EventFlags::exclusive, EPOLLEXCLUSIVE, "exclusive"},
                      {EventFlags::wakeup, EPOLLWAKEUP, "wakeup"},
                      {EventFlags::oneshot, EPOLLONESHOT, "oneshot"},
                      {EventFlags::et, EPOLLET, "et"}};
  CHECK(std::size(rows) == EventFlags::names().size());
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(row.flags.bits == row.bits);
    CHECK(to_string(row.flags) == row.name);
    CHECK(EventFlags::parse(row.name) == row.flags);
  }
}

TEST_CASE("EventFlags: they form a set", "[event_flags]") {
  constexpr EventFlags both = in | out;
  STATIC_REQUIRE(both.bits == (EPOLLIN | EPOLLOUT));
  STATIC_REQUIRE((both & in) == in);
  STATIC_REQUIRE((both - in) == out);
  STATIC_REQUIRE((both - et) == both);
  STATIC_REQUIRE((both ^ (in | et)) == (out | et));
  STATIC_REQUIRE(~EventFlags{} == EventFlags{0xffffffff});
  STATIC_REQUIRE((~in).bits == ~static_cast<std::uint32_t>(EPOLLIN));
  STATIC_REQUIRE(both != in);
  STATIC_REQUIRE(EventFlags{}.empty());
  STATIC_REQUIRE_FALSE(in.empty());
  STATIC_REQUIRE(static_cast<bool>(in));
  STATIC_REQUIRE_FALSE(static_cast<bool>(EventFlags{}));
}

TEST_CASE("EventFlags: has wants all bits, has_any one", "[event_flags]") {
  STATIC_REQUIRE((in | out).has(in));
  STATIC_REQUIRE((in | out).has(in | out));
  STATIC_REQUIRE_FALSE(in.has(in | out));
  STATIC_REQUIRE(in.has_any(in | out));
  STATIC_REQUIRE_FALSE(in.has_any(out | et));
  STATIC_REQUIRE(in.has(EventFlags{}));
  STATIC_REQUIRE_FALSE(in.has_any(EventFlags{}));
}

TEST_CASE("EventFlags: assigning operators work in place", "[event_flags]") {
  EventFlags flags;
  CHECK(&(flags |= in | out) == &flags);
  CHECK(flags == (in | out));
  flags &= out | et;
  CHECK(flags == out);
  flags ^= out | et;
  CHECK(flags == et);
  flags -= et;
  CHECK(flags.empty());
}

TEST_CASE("EventFlags: they print as names joined by bars", "[event_flags][text]") {
  CHECK(to_string(EventFlags{}) == "0");
  CHECK(to_string(in | et) == "in|et");
  CHECK(to_string(et | in | EventFlags::oneshot | EventFlags::hup) == "in|hup|oneshot|et");
  CHECK(printed(in | out) == "in|out");
  CHECK(printed(EventFlags{}) == "0");
  std::wostringstream wide;
  wide << (in | et);
  CHECK(wide.str() == L"in|et");
}

TEST_CASE("EventFlags: bits without a name are kept and print in hexadecimal", "[event_flags][text]") {
  const EventFlags unknown{0x00100020};
  CHECK((unknown | in).bits == 0x00100021);
  CHECK(to_string(unknown) == "0x100020");
  CHECK(to_string(unknown | in | et) == "in|et|0x100020");
  CHECK(to_string(EventFlags{0x0fffffff} & ~EventFlags{0x0fffffff}) == "0");
}

TEST_CASE("EventFlags: what they print as is parsed back", "[event_flags][text]") {
  for (const std::uint32_t bits :
       {0u, 1u, 0x20u, 0x80000000u, 0xffffffffu, 0x12345678u, static_cast<unsigned>(EPOLLIN | EPOLLONESHOT)}) {
    CAPTURE(bits);
    CHECK(EventFlags::parse(to_string(EventFlags{bits})) == EventFlags{bits});
  }
  for (int i = 0; i < 32; ++i) {
    const EventFlags one{1u << i};
    CHECK(EventFlags::parse(to_string(one)) == one);
    CHECK(EventFlags::parse(to_string(~one)) == ~one);
  }
}

TEST_CASE("EventFlags: parsing takes names in any order, and hexadecimal", "[event_flags][text]") {
  CHECK(EventFlags::parse("et|in") == (in | et));
  CHECK(EventFlags::parse("in|in") == in);
  CHECK(EventFlags::parse("0x5") == (in | out));
  CHECK(EventFlags::parse("in|0x4") == (in | out));
  CHECK(EventFlags::parse("0xFFFFFFFF") == ~EventFlags{});
  CHECK(EventFlags::parse("0x0") == EventFlags{});
}

TEST_CASE("EventFlags: what is neither a name nor a number is not parsed", "[event_flags][text]") {
  for (const char* const text :
       {"",     " ",  "|",           "in|", "|in",  "in||out", "IN",  "in ", " in", "in,out", "5",      "0|in",
        "in|0", "0x", "0x100000000", "0xg", "0x1g", "0x-1",    "0X1", "x1",  "inn", "i",      "epollin"}) {
    CAPTURE(text);
    CHECK(EventFlags::parse(text) == std::nullopt);
  }
}

TEST_CASE("EventFlags: they can be template arguments and constants", "[event_flags]") {
  STATIC_REQUIRE(std::integral_constant<std::uint32_t, (in | et).bits>::value == (EPOLLIN | EPOLLET));
  constexpr auto doubled = []<EventFlags flags>() { return flags | EventFlags::et; };
  STATIC_REQUIRE(doubled.operator()<EventFlags::in>() == (in | et));
  STATIC_REQUIRE(sizeof(EventFlags) == 4);
  STATIC_REQUIRE(std::is_trivially_copyable_v<EventFlags>);
}

TEST_CASE("EventFlags: nothing turns into them unasked, and they into nothing", "[event_flags]") {
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::uint32_t, EventFlags>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<EventFlags, std::uint32_t>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<EventFlags, bool>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<CreateFlags, EventFlags>);
  STATIC_REQUIRE(HasOr<EventFlags>);
  STATIC_REQUIRE_FALSE(HasOr<CreateFlags>);
  STATIC_REQUIRE_FALSE(HasOr<int>);
}

TEST_CASE("EventFlags: exclusive goes with a few others, and only when adding", "[event_flags]") {
  constexpr EventFlags exclusive = EventFlags::exclusive;
  STATIC_REQUIRE(is_addable(EventFlags{}));
  STATIC_REQUIRE(is_addable(EventFlags::oneshot | EventFlags::rdhup | EventFlags{0x00100000}));
  STATIC_REQUIRE(is_addable(exclusive));
  STATIC_REQUIRE(is_addable(exclusive | in | out | et | EventFlags::err | EventFlags::hup | EventFlags::wakeup));
  for (const EventFlags other :
       {EventFlags::oneshot, EventFlags::rdhup, EventFlags::pri, EventFlags::rdnorm, EventFlags::wrnorm,
        EventFlags::rdband, EventFlags::wrband, EventFlags::msg, EventFlags{0x00100000}}) {
    CAPTURE(other);
    CHECK_FALSE(is_addable(exclusive | in | other));
    CHECK(is_addable(in | other));
  }
  STATIC_REQUIRE(is_modifiable(in | EventFlags::oneshot));
  STATIC_REQUIRE_FALSE(is_modifiable(in | exclusive));
}

TEST_CASE("Open flags: each call has its own, with the kernel's bits", "[open_flags]") {
  STATIC_REQUIRE(CreateFlags::cloexec.bits == EPOLL_CLOEXEC);
  STATIC_REQUIRE(EventFdFlags::semaphore.bits == EFD_SEMAPHORE);
  STATIC_REQUIRE(EventFdFlags::nonblock.bits == EFD_NONBLOCK);
  STATIC_REQUIRE(EventFdFlags::cloexec.bits == EFD_CLOEXEC);
  STATIC_REQUIRE(TimerFlags::nonblock.bits == TFD_NONBLOCK);
  STATIC_REQUIRE(TimerFlags::cloexec.bits == TFD_CLOEXEC);
  STATIC_REQUIRE(SignalFdFlags::nonblock.bits == SFD_NONBLOCK);
  STATIC_REQUIRE(SignalFdFlags::cloexec.bits == SFD_CLOEXEC);
  STATIC_REQUIRE(PipeFlags::nonblock.bits == O_NONBLOCK);
  STATIC_REQUIRE(PipeFlags::cloexec.bits == O_CLOEXEC);
  STATIC_REQUIRE(PipeFlags::direct.bits == O_DIRECT);
  STATIC_REQUIRE(SocketFlags::nonblock.bits == SOCK_NONBLOCK);
  STATIC_REQUIRE(SocketFlags::cloexec.bits == SOCK_CLOEXEC);
  STATIC_REQUIRE(MessageFlags::oob.bits == MSG_OOB);
  STATIC_REQUIRE(MessageFlags::peek.bits == MSG_PEEK);
  STATIC_REQUIRE(MessageFlags::trunc.bits == MSG_TRUNC);
  STATIC_REQUIRE(MessageFlags::dontwait.bits == MSG_DONTWAIT);
  STATIC_REQUIRE(MessageFlags::waitall.bits == MSG_WAITALL);
  STATIC_REQUIRE(MessageFlags::nosignal.bits == MSG_NOSIGNAL);
}

TEST_CASE("Open flags: they print and parse as event flags do", "[open_flags][text]") {
  CHECK(to_string(EventFdFlags::semaphore | EventFdFlags::cloexec) == "semaphore|cloexec");
  CHECK(to_string(TimerFlags::cloexec | TimerFlags::nonblock) == "nonblock|cloexec");
  CHECK(to_string(SignalFdFlags::cloexec | SignalFdFlags::nonblock) == "nonblock|cloexec");
  CHECK(to_string(PipeFlags::direct | PipeFlags::nonblock) == "nonblock|direct");
  CHECK(to_string(SocketFlags{}) == "0");
  CHECK(to_string(CreateFlags{1}) == "0x1");
  CHECK(MessageFlags::parse("peek|dontwait") == (MessageFlags::peek | MessageFlags::dontwait));
  CHECK(CreateFlags::parse("nonblock") == std::nullopt);
  std::ostringstream text;
  text << PipeFlags::direct << ' ' << MessageFlags::oob;
  CHECK(text.str() == "direct oob");
}
