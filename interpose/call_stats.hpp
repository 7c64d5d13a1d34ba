// CallStats: how often each call was made on emulated files, failed and slept: the table that --stats prints.
#pragma once

#include <rouse/kernel/call.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rouse::interpose {

class CallStats {
 public:
  CallStats();
  CallStats(const CallStats&) = delete;
  CallStats& operator=(const CallStats&) = delete;

  void ended(const kernel::Op& op, kernel::CallEnd end, bool has_slept);
  /// Once. Needs no memory.
  void print(std::uint64_t faults);
  /// Of a process that has made none.
  static void print_none();

 private:
  using Number = std::atomic<std::uint64_t>;  // Written with the kernel locked, and printed without.
  static constexpr std::size_t errors_max = 134;
  struct Count {
    Number made = 0;
    Number slept = 0;
    Number failed = 0;
    Number errors[errors_max]{};  // By errno; the last is for all that have no name.
  };

  const int to_;  // The program may close its stderr, and open something else in its place.
  std::array<Count, call_count> counts_{};
  std::atomic<bool> is_printed_ = false;
};

}  // namespace rouse::interpose
