// A fault as it is written in an option: `accept@tcp-socket:3:EMFILE`.
#pragma once

#include <rouse/fault_plan.hpp>

#include <string>
#include <string_view>

namespace rouse::interpose {

/// `CALLS[@KIND][#FD]:WHEN:WHAT` as one more rule of the plan. Returns what is wrong with it; empty if it was added.
[[nodiscard]] std::string add_fault(FaultPlan& plan, std::string_view spec);

}  // namespace rouse::interpose
