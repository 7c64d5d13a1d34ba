// Schedule: choices as a line of text, and back.
#include "rouse/sim/schedule.hpp"

#include "../support/catch.hpp"

#include <cstdint>
#include <string>
#include <vector>

using rouse::sim::Schedule;

TEST_CASE("Schedule: prints what is repeated with how often, and leaves out the zeros at the end", "[schedule]") {
  struct Row {
    std::vector<std::uint64_t> choices;
    const char* text;
  };
  const Row rows[] = {
      {{}, "0"},
      {{0, 0, 0}, "0"},
      {{1}, "1"},
      {{0, 0, 2}, "0x2.2"},
      {{1, 1, 1, 0, 0, 3, 0}, "1x3.0x2.3"},
      {{UINT64_MAX, 10, 10}, "18446744073709551615.10x2"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Schedule schedule{row.choices};
    CHECK(schedule.text() == row.text);
    const auto parsed = Schedule::parse(row.text);
    REQUIRE(parsed);
    CHECK(parsed->text() == row.text);
  }
}

TEST_CASE("Schedule: text that is none is refused", "[schedule]") {
  for (const char* text : {"", ".", "1.", ".1", "1..2", "x3", "1x", "1x0", "1x2x3", "-1", "+1", " 1", "1 ", "a", "1,2",
                           "18446744073709551616", "1x18446744073709551615", "0x10000001", "1x6000000.1x6000000"}) {
    CAPTURE(text);
    CHECK_FALSE(Schedule::parse(text));
  }
}
