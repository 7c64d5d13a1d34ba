// PipeSlots against a deque: what goes in at the back comes out at the front, however the ring lies and grows.
#include "rouse/kernel/pipe_slots.hpp"

#include "../support/catch.hpp"
#include "../support/random.hpp"

#include <deque>

using namespace rouse;
using kernel::PipeSlots;

TEST_CASE("PipeSlots: in the order in which they came", "[pipe_slots][random]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    test::Random random{seed};
    PipeSlots slots;
    std::deque<std::size_t> expected;
    std::size_t next = 0;
    for (int step = 0; step < 300; ++step) {
      // Mostly more for a while, then mostly fewer.
      const bool grows = random.below(4) < (step / 60 % 2 == 0 ? 3 : 1);
      if (grows || expected.empty()) {
        kernel::PipeSlot& slot = slots.push_back(next % 3 == 0);
        REQUIRE(slot.page != nullptr);
        REQUIRE(slot.left() == 0);
        REQUIRE(slot.is_packet == (next % 3 == 0));
        slot.size = ++next;
        expected.push_back(next);
      } else if (random.below(4) > 0) {
        slots.pop_front();
        expected.pop_front();
      } else {
        slots.pop_back();
        expected.pop_back();
      }
      REQUIRE(slots.size() == expected.size());
      REQUIRE(slots.empty() == expected.empty());
      for (std::size_t i = 0; i < expected.size(); ++i) REQUIRE(slots[i].size == expected[i]);
      if (expected.empty()) continue;
      REQUIRE(slots.front().size == expected.front());
      REQUIRE(slots.back().size == expected.back());
    }
  }
}

TEST_CASE("PipeSlots: a pipe that is read as fast as it is written stays on one page", "[pipe_slots]") {
  PipeSlots slots;
  const char* const page = slots.push_back(false).page.get();
  for (int i = 0; i < 20; ++i) {
    slots.pop_front();
    CHECK(slots.push_back(false).page.get() == page);
  }
}
