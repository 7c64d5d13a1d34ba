#include "call_watch.hpp"

#include "raw.hpp"
#include <rouse/kernel/registration.hpp>

#include <sys/syscall.h>
#include <utility>

namespace rouse::interpose {
namespace {

std::int64_t this_tid() { return raw::call(SYS_gettid); }

}  // namespace

CallWatch::CallWatch(const Options& options) {
  if (!options.trace_file.empty()) trace_.emplace(options);
  if (options.stats) stats_.emplace();
}

void CallWatch::begins(kernel::Kernel& kernel, const kernel::Op& op, const kernel::CallArguments& given) {
  TracedCall call{.op = &op, .thread = this_tid()};
  if (trace_) {
    call.text = sim::CallText{kernel, names_, op, given}.text();
    call.begun = kernel.host().now();
    kernel::observer = this;
  }
  threads_[call.thread].calls.push_back(std::move(call));
}

void CallWatch::ended(kernel::Kernel& kernel, const kernel::Op& op, const kernel::CallArguments& given,
                      kernel::CallEnd end) {
  const auto found = threads_.find(this_tid());
  if (found == threads_.end()) return;
  Thread& thread = found->second;
  // A handler may have left calls by siglongjmp, inside of this one.
  while (!thread.calls.empty() && thread.calls.back().op != &op) thread.calls.pop_back();
  if (thread.calls.empty()) return;
  const TracedCall call = std::move(thread.calls.back());
  thread.calls.pop_back();
  if (stats_) stats_->ended(op, end, call.sleeps != TracedCall::awake);
  if (trace_) {
    const bool returned = end.kind == kernel::CallEnd::Kind::returned;
    const std::string result = sim::ResultText{kernel, names_, op, given, thread.reported}.text(end);
    trace_->ended(call, (returned ? " = " : " ") + result, kernel.host().now());
    thread.reported.clear();
  }
  if (!thread.calls.empty()) return;
  kernel::observer = nullptr;
  threads_.erase(found);
}

void CallWatch::sleeps(kernel::Kernel& kernel, const kernel::Task& task) {
  const auto found = threads_.find(this_tid());
  if (found == threads_.end()) return;
  TracedCall& call = found->second.calls.back();
  if (call.sleeps != TracedCall::awake) return;
  call.sleeps = kernel.host().now();
  call.task = task.id();
  if (trace_) trace_->sleeps(call);
}

void CallWatch::wakes(kernel::Kernel& kernel, const kernel::Task& task) {
  if (!trace_) return;
  const std::int64_t waker = this_tid();
  for (auto& [number, thread] : threads_) {
    TracedCall& call = thread.calls.back();
    if (call.sleeps == TracedCall::awake || call.task != task.id() || call.woken_by != 0 || number == waker) continue;
    call.woken_by = waker;
    call.woken = kernel.host().now();
  }
}

void CallWatch::fault(kernel::Kernel& kernel, const kernel::Op& op, Fault fault) {
  if (trace_) trace_->fault(this_tid(), to_string(op.call, fault), kernel.host().now());
}

void CallWatch::reported(const kernel::Registration& registration) {
  const auto found = threads_.find(this_tid());
  if (found == threads_.end()) return;
  const int fd = registration.fd();
  found->second.reported.push_back({names_.text(registration.file(), fd), fd});
}

void CallWatch::end_calls(kernel::Kernel& kernel) {
  if (!trace_) return;
  for (const auto& [number, thread] : threads_) {
    for (const TracedCall& call : thread.calls) trace_->never_ended(call, kernel.host().now());
  }
}

void CallWatch::finish(const FaultPlan& faults) {
  if (trace_) trace_->finish();
  if (stats_) stats_->print(faults.struck());
}

}  // namespace rouse::interpose
