// InTurn: the run that a person would expect. Each task goes on until it has to wait; then the next one does.
#pragma once

#include "policy.hpp"

namespace rouse::inline v0::sim {

class InTurn final : public Policy {
 public:
  /// Every run is the same; how many to make, is for others to say.
  [[nodiscard]] bool begin() override { return true; }
  [[nodiscard]] std::size_t who(const Candidates&) override { return 0; }
  [[nodiscard]] std::uint64_t number(std::uint64_t) override { return 0; }
  [[nodiscard]] bool fault(std::uint64_t) override { return false; }
};

}  // namespace rouse::inline v0::sim
