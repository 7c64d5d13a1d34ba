// Interest: the rules of a registration, as tables.
#include "rouse/kernel/interest.hpp"

#include "../support/catch.hpp"
#include "rouse/kernel/wait_queue.hpp"

using rouse::EventFlags;
using rouse::kernel::AfterReport;
using rouse::kernel::any_key;
using rouse::kernel::Interest;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags out = EventFlags::out;
constexpr EventFlags pri = EventFlags::pri;
constexpr EventFlags err = EventFlags::err;
constexpr EventFlags hup = EventFlags::hup;
constexpr EventFlags et = EventFlags::et;
constexpr EventFlags oneshot = EventFlags::oneshot;
constexpr EventFlags exclusive = EventFlags::exclusive;
constexpr EventFlags unknown{0x00100000};
constexpr EventFlags none{};

}  // namespace

TEST_CASE("Interest: errors and hang-ups are asked for whatever is given", "[interest]") {
  for (const EventFlags flags : {none, in, et, oneshot, in | out | et | oneshot, exclusive | in, unknown}) {
    CAPTURE(flags);
    const Interest interest{flags, 5};
    CHECK(interest.mask() == (flags | err | hup));
    CHECK(interest.data() == 5);
    CHECK(interest.is_exclusive() == flags.has(exclusive));
  }
}

TEST_CASE("Interest: a key matches if it has a bit that was asked for", "[interest]") {
  struct Row {
    EventFlags flags;
    EventFlags key;
    bool matches;
  };
  for (const Row& row : {
           Row{in, in, true},
           {in, out, false},
           {in, in | pri, true},
           {in | out, out, true},
           {none, in, false},
           {none, hup, true},
           {none, err | in, true},
           {et, out, false},
           {in | et, pri, false},
           {unknown, in, false},
           {in, none, false},
           {none, any_key, true},
           {in | oneshot, any_key, true},
           // How it is asked for is not what is asked for.
           {in | et, et, false},
           {in | oneshot | exclusive, oneshot | exclusive | out, false},
       }) {
    CAPTURE(row.flags, row.key);
    CHECK(Interest{row.flags, 0}.bits().has_any(row.key) == row.matches);
  }
}

TEST_CASE("Interest: what is reported was asked for and holds", "[interest]") {
  struct Row {
    EventFlags flags;
    EventFlags readiness;
    EventFlags report;
  };
  for (const Row& row : {
           Row{in, in | out, in},
           {in | out | et, in | out | pri, in | out},
           {in, out, none},
           {in, hup, hup},
           {none, in | out | err | hup, err | hup},
           {out | oneshot, out | err, out | err},
           {unknown | in, in, in},
           {in | et | exclusive, in | et | exclusive, in},
       }) {
    CAPTURE(row.flags, row.readiness);
    CHECK(Interest{row.flags, 0}.report(row.readiness) == row.report);
  }
}

TEST_CASE("Interest: after a report a level stays, an edge leaves, and one-shot disarms", "[interest]") {
  struct Row {
    EventFlags flags;
    AfterReport after;
    EventFlags left;
  };
  for (const Row& row : {
           Row{in, AfterReport::requeue, in | err | hup},
           {in | et, AfterReport::leave, in | et | err | hup},
           {in | exclusive, AfterReport::requeue, in | exclusive | err | hup},
           {in | oneshot, AfterReport::disarm, oneshot},
           {in | out | et | oneshot, AfterReport::disarm, et | oneshot},
           {unknown | oneshot, AfterReport::disarm, oneshot},
       }) {
    CAPTURE(row.flags);
    Interest interest{row.flags, 0};
    CHECK(interest.reported() == row.after);
    CHECK(interest.mask() == row.left);
    const bool disarmed = row.after == AfterReport::disarm;
    CHECK(interest.bits().empty() == disarmed);
    CHECK(interest.report(~none).empty() == disarmed);
  }
}

TEST_CASE("Interest: it is worked out at compile time as well", "[interest]") {
  constexpr bool silent = [] {
    Interest interest{in | oneshot, 1};
    static_cast<void>(interest.reported());
    return interest.mask() == oneshot && interest.report(in | hup).empty();
  }();
  STATIC_REQUIRE(silent);
}
