// CallWatch: sees every call of the emulated kernel, for --trace and --stats. There is none unless one of them was
// asked for. All with the kernel locked, on the thread that calls.
#pragma once

#include "call_stats.hpp"
#include "call_trace.hpp"
#include <rouse/kernel/kernel.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace rouse::interpose {

class CallWatch final : private kernel::Observer {
 public:
  /// Null if nobody asked.
  [[nodiscard]] static std::unique_ptr<CallWatch> wanted(const Options& options) {
    const bool is_wanted = !options.trace_file.empty() || options.stats;
    return is_wanted ? std::make_unique<CallWatch>(options) : nullptr;
  }
  explicit CallWatch(const Options& options);
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  void begins(kernel::Kernel& kernel, const kernel::Op& op, const kernel::CallArguments& given);
  void ended(kernel::Kernel& kernel, const kernel::Op& op, const kernel::CallArguments& given, kernel::CallEnd end);
  /// The present call goes to sleep: told each time that it does.
  void sleeps(kernel::Kernel& kernel, const kernel::Task& task);
  void wakes(kernel::Kernel& kernel, const kernel::Task& task);
  void fault(kernel::Kernel& kernel, const kernel::Op& op, Fault fault);

  /// The process is about to end, and these calls with it.
  void end_calls(kernel::Kernel& kernel);
  /// Without memory or the lock, as _exit is for signal handlers, too. Calls that come yet are in a text only.
  void finish(const FaultPlan& faults);

 private:
  struct Thread {
    std::vector<TracedCall> calls;  // The outer one first: handlers make calls inside of calls.
    std::vector<sim::ReportedEvent> reported;
  };

  // -- kernel::Observer: of all of it only what an epoll reports is of interest.
  void touched(kernel::Object, kernel::Access) override {}
  void released(const kernel::SyncPoint&) override {}
  void acquired(const kernel::SyncPoint&) override {}
  void forgotten(const kernel::SyncPoint&) override {}
  void reported(const kernel::Registration& registration) override;

  std::optional<CallTrace> trace_;
  std::optional<CallStats> stats_;
  sim::FdNames names_;
  std::unordered_map<std::int64_t, Thread> threads_;  // Those in a call, by number.
};

}  // namespace rouse::interpose
