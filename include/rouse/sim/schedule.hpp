// Schedule: the choices that make a run what it is, in order, and as a line of text that a person can copy.
#pragma once

#include "number_text.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::inline v0::sim {

/// One value for every choice that had more than one answer. 0 is what is least remarkable: the task that runs goes on.
class Schedule {
 public:
  Schedule() = default;
  explicit Schedule(std::vector<std::uint64_t> choices) : choices_(std::move(choices)) {}

  void push_back(std::uint64_t choice) { choices_.push_back(choice); }
  void reserve(std::size_t choices) { choices_.reserve(choices); }
  [[nodiscard]] std::size_t size() const { return choices_.size(); }
  [[nodiscard]] std::uint64_t operator[](std::size_t i) const { return choices_[i]; }
  [[nodiscard]] const std::vector<std::uint64_t>& choices() const { return choices_; }

  /// "0x17.2.1x3": values with a dot between, repeated ones with how often. What is left out at the end is 0; "0" for
  /// none.
  [[nodiscard]] std::string text() const {
    std::size_t end = choices_.size();
    while (end > 0 && choices_[end - 1] == 0) --end;
    std::string out;
    for (std::size_t i = 0, next = 0; i < end; i = next) {
      next = i + 1;
      while (next < end && choices_[next] == choices_[i]) ++next;
      if (!out.empty()) out += '.';
      out += std::to_string(choices_[i]);
      if (next - i > 1) out += 'x' + std::to_string(next - i);
    }
    return out.empty() ? "0" : out;
  }

  /// The schedule that text() printed; none if it is no such text, or longer than any run.
  [[nodiscard]] static std::optional<Schedule> parse(std::string_view text) {
    Schedule schedule;
    for (;;) {
      const std::optional<std::uint64_t> choice = take_number(text);
      if (!choice) return std::nullopt;
      std::uint64_t times = 1;
      if (!text.empty() && text.front() == 'x') {
        text.remove_prefix(1);
        const std::optional<std::uint64_t> repeated = take_number(text);
        if (!repeated || *repeated == 0) return std::nullopt;
        times = *repeated;
      }
      if (times > length_max - schedule.size()) return std::nullopt;
      schedule.choices_.insert(schedule.choices_.end(), times, *choice);
      if (text.empty()) return schedule;
      if (text.front() != '.') return std::nullopt;
      text.remove_prefix(1);
    }
  }

  friend bool operator==(const Schedule&, const Schedule&) = default;

 private:
  static constexpr std::size_t length_max = 10'000'000;

  std::vector<std::uint64_t> choices_;
};

}  // namespace rouse::inline v0::sim
