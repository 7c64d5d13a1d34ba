// CallCensus: the calls that a run made, as far as faults tell them apart.
#pragma once

#include "../fault_errors.hpp"
#include "../kernel/kernel.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::inline v0::sim {

class CallCensus {
 public:
  struct Entry {
    Call call;
    std::uint64_t nth;      ///< Of those calls in the run; the first is 1.
    std::string_view kind;  ///< Of the file it was made on; empty for none.
    bool is_nonblocking;
  };

  void note(const kernel::Op& op, const kernel::CallArguments& arguments, const kernel::File* on) {
    if (std::exchange(is_restart_, false) || !takes_resources(op.call, kernel::operation_of(op, arguments))) return;
    const std::uint64_t nth = ++seen_[static_cast<std::size_t>(op.call)];
    entries_.push_back(
        {op.call, nth, on != nullptr ? on->kind().name : std::string_view{}, on != nullptr && on->is_nonblocking()});
  }
  /// What begins next, is a call that was noted before.
  void expect_restart() { is_restart_ = true; }
  /// Those that a fault means something for, in order.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::array<std::uint64_t, 64> seen_{};
  bool is_restart_ = false;
  std::vector<Entry> entries_;
};

}  // namespace rouse::inline v0::sim
