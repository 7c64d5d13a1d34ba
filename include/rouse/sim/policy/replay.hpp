// Replay: the one run that a schedule tells, again.
#pragma once

#include "../schedule.hpp"
#include "policy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rouse::inline v0::sim {

class Replay final : public Policy {
 public:
  /// Beyond the end of the schedule every choice is 0, and so is one that the schedule gives a value it cannot have.
  explicit Replay(Schedule schedule) : schedule_(std::move(schedule)) {}

  [[nodiscard]] bool begin() override {
    at_ = 0;
    fits_ = true;
    return true;
  }
  [[nodiscard]] std::size_t who(const Candidates& candidates) override {
    return static_cast<std::size_t>(number(candidates.size()));
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t n) override {
    const std::uint64_t choice = at_ < schedule_.size() ? schedule_[at_++] : 0;
    if (choice < n) return choice;
    fits_ = false;
    return 0;
  }
  [[nodiscard]] bool fault(std::uint64_t) override { return number(2) != 0; }

  /// False if the last run was not the schedule's: a choice had too large a value, or none was asked for it. Then the
  /// program has changed, or something that is not under our control decides in it.
  [[nodiscard]] bool fitted() const {
    const auto& choices = schedule_.choices();
    const auto left = choices.begin() + static_cast<std::ptrdiff_t>(at_);
    return fits_ && std::all_of(left, choices.end(), [](std::uint64_t choice) { return choice == 0; });
  }

 private:
  const Schedule schedule_;
  std::size_t at_ = 0;
  bool fits_ = true;
};

}  // namespace rouse::inline v0::sim
