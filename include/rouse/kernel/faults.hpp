// What a fault does to a call of the emulated kernel: see Fault. FaultyBackend does the same from outside of a kernel.
#pragma once

#include "../fault_errors.hpp"
#include "blocking.hpp"

namespace rouse::inline v0::kernel {

inline std::optional<Fault> Kernel::next_fault(const Op& op, const CallArguments& arguments) {
  if (!faults_->concerns(op.call) || !takes_resources(op.call, operation_of(op, arguments))) return std::nullopt;
  if (host_.is_unwinding()) return std::nullopt;
  touch_everything();  // Calls are counted in the order they come in, of all tasks together.
  const File* const on = fds.file(op.fd);
  const std::string_view kind = on != nullptr ? on->kind().name : std::string_view{};
  const std::optional<Fault> fault =
      faults_->next(op.call, op.fd, kind, [this](std::uint64_t one_in) { return host_.strikes(one_in); });
  if (fault) host_.fault_struck(op, *fault);
  return fault;
}

inline void Kernel::delay(const Op& op, Time span) {
  const Time end = time_after(host_.now(), span);
  while (host_.now() < end) sleep(*this, op, nullptr, end);
}

template <class WatchedCall>
auto Kernel::with_faults(const WatchedCall& call) -> ResultOfCall<WatchedCall> {
  using Result = ResultOfCall<WatchedCall>;
  const Op op = call.op();
  const auto& body = call.body();
  const std::optional<Fault> fault = next_fault(op, call.arguments());
  if (!fault) return again(body, uncut);
  switch (fault->kind()) {
    case Fault::Kind::short_count: return again(body, fault->bytes_max());
    case Fault::Kind::delay: delay(op, fault->span().nanoseconds()); return again(body, uncut);
    case Fault::Kind::not_ready: {
      File* const on = fds.file(op.fd);
      if (on == nullptr || !on->is_nonblocking()) return again(body, uncut);
      // Whoever waits for edges is told again: what was there comes now.
      on->wait_queue().wake(any_key);
      return Result::failure(EAGAIN);
    }
    case Fault::Kind::error: break;
  }
  const Result failed = Result::failure(fault->error_number());
  File* const on = fds.file(op.fd);
  if (op.call == Call::close) {  // The number is free whatever it says.
    const Result closed = again(body, uncut);
    return closed.ok() ? failed : closed;
  }
  if (op.call == Call::connect && fault->error_number() == EINTR && on != nullptr && on->kind().is_inet) {
    // It goes on by itself.
    const int flags = on->status_flags();
    on->set_status_flags(flags | O_NONBLOCK);
    const Result begun = again(body, uncut);
    on->set_status_flags(flags);
    return begun.ok() || begun.error() == EINPROGRESS ? failed : begun;
  }
  return failed;
}

}  // namespace rouse::inline v0::kernel
