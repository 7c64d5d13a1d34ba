#include "call_trace.hpp"

#include "raw.hpp"
#include <rouse/sim/trace/trace_json.hpp>

#include <array>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <sys/syscall.h>

namespace rouse::interpose {
namespace {

using sim::detail_json::microseconds;
using sim::detail_json::quoted;

/// Seconds with their microseconds: `0.000123`.
std::string seconds(kernel::Time nanoseconds) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%lld.%06lld", static_cast<long long>(nanoseconds / 1'000'000'000),
                static_cast<long long>(nanoseconds / 1000 % 1'000'000));
  return text.data();
}

kernel::Time now() {
  ::timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

/// As the program, or Linux, calls it.
std::string name_of_thread(std::int64_t thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/comm";
  std::array<char, 64> name{};
  const long fd = raw::call(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC);
  const long n = raw::call(SYS_read, fd, name.data(), name.size());
  raw::call(SYS_close, fd);
  return n > 1 ? std::string(name.data(), static_cast<std::size_t>(n - 1)) : "thread";
}

}  // namespace

CallTrace::CallTrace(const Options& options)
    : file_(options),
      is_json_(options.is_json()),
      began_(options.began != 0 ? options.began : now()),
      process_(raw::call(SYS_getpid)),
      is_first_(file_.is_empty()) {}

// -- what happens

void CallTrace::sleeps(const TracedCall& call) {
  if (!is_json_) line(call.thread, call.sleeps, call.text + " sleeps");
}

void CallTrace::ended(const TracedCall& call, const std::string& result, kernel::Time now) {
  const bool has_slept = call.sleeps != TracedCall::awake;
  if (!is_json_) {
    return line(call.thread, now,
                call.text + result + (has_slept ? ", after " + seconds(now - call.sleeps) + " s" : ""));
  }
  slice(call.thread, call.begun, now, call.text + result);
  if (!has_slept) return;
  slice(call.thread, call.sleeps, now, "sleeps");
  if (call.woken_by == 0) return;
  ++flows_;
  slice(call.woken_by, call.woken, call.woken + 1, "wakes");  // Not every thread that wakes one is in a call.
  flow("s", call.woken_by, call.woken);
  flow("f", call.thread, now);
}

void CallTrace::never_ended(const TracedCall& call, kernel::Time now) {
  if (!is_json_) return;
  slice(call.thread, call.begun, now, call.text);
  if (call.sleeps != TracedCall::awake) slice(call.thread, call.sleeps, now, "sleeps");
}

void CallTrace::fault(std::int64_t thread, const std::string& what, kernel::Time now) {
  if (!is_json_) return line(thread, now, "fault: " + what);
  name_thread(thread);
  json(head("i", thread, now) + ",\"s\":\"t\",\"name\":" + quoted("fault: " + what));
}

void CallTrace::finish() {
  if (is_json_ && !is_over_.exchange(true)) file_.write(is_first_ ? "[]\n" : "\n]\n");
}

// -- as text

void CallTrace::line(std::int64_t thread, kernel::Time time, const std::string& what) {
  file_.write(seconds(time - began_) + " [" + std::to_string(thread) + "] " + what + '\n');
}

// -- for Perfetto, in the Trace Event Format's form that may end anywhere: an array

void CallTrace::json(const std::string& event) {
  if (is_over_) return;
  file_.write((is_first_ ? "[\n{" : ",\n{") + event + '}');
  is_first_ = false;
}

std::string CallTrace::head(const char* phase, std::int64_t thread, kernel::Time time) const {
  return std::string{"\"ph\":\""} + phase + "\",\"pid\":" + std::to_string(process_) +
         ",\"tid\":" + std::to_string(thread) + ",\"ts\":" + microseconds(time - began_);
}

void CallTrace::slice(std::int64_t thread, kernel::Time from, kernel::Time to, const std::string& name) {
  name_thread(thread);
  json(head("X", thread, from) + ",\"dur\":" + microseconds(to - from) + ",\"name\":" + quoted(name));
}

void CallTrace::flow(const char* phase, std::int64_t thread, kernel::Time time) {
  json(head(phase, thread, time) + ",\"cat\":\"wake\",\"name\":\"wakes\",\"bp\":\"e\",\"id\":\"" +
       std::to_string(process_) + '.' + std::to_string(flows_) + '"');
}

void CallTrace::name_thread(std::int64_t thread) {
  if (!named_.emplace(thread, true).second) return;
  json(head("M", thread, began_) + ",\"name\":\"thread_name\",\"args\":{\"name\":" + quoted(name_of_thread(thread)) +
       '}');
}

}  // namespace rouse::interpose
