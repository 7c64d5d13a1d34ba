// Sending and receiving on a socket, which may have to wait: in its own queue, or in that of whom it sends to; and no
// longer than the socket allows.
#pragma once

#include "blocking.hpp"
#include "socket_file.hpp"

namespace rouse::inline v0::kernel {

/// In the socket's own queue.
[[nodiscard]] inline WaitPlace in_own_queue(Kernel& kernel, SocketFile& socket, Direction direction) {
  const Time deadline = socket.wait_limit(direction).deadline(kernel.host().now());
  return {&socket.queue, socket.wait_style(direction), deadline};
}
/// For writing, in another socket's queue: one at a time, first come first told.
[[nodiscard]] inline WaitPlace in_turn(Kernel& kernel, const SocketFile& socket, WaitQueue& queue) {
  const Time deadline = socket.wait_limit(Direction::write).deadline(kernel.host().now());
  return {&queue, {any_key, true, false, true}, deadline};
}

/// What a signal makes of a wait: it does not start again if it was not to last for ever.
[[nodiscard]] inline int interrupted_by(const WaitPlace& place) {
  return place.deadline == time_never ? int{restarts_if_handler_says} : EINTR;
}

/// Sends, waiting unless the socket or the message says otherwise. How long it may wait, counts anew for each piece of
/// a stream, and once more for a message that was made and finds its target full.
inline SysResult<std::size_t> send(Kernel& kernel, SocketFile& socket, const Op& op, UserInput& from,
                                   Outgoing& message) {
  const bool waits = socket.may_wait(Direction::write) && (message.flags & MSG_DONTWAIT) == 0;
  message.if_full = waits ? IfEmpty::will_wait : IfEmpty::say_would_block;
  const SysResult<std::size_t> result = socket.send(from, message);
  if (!result.would_block()) return result;
  if (!waits) return moved_or(from, result);
  from.set_slept();
  const auto place_of = [&]() -> WaitPlace {
    if (message.elsewhere != nullptr) return in_turn(kernel, socket, *message.elsewhere);
    return in_own_queue(kernel, socket, Direction::write);
  };
  const WaitPlace first = place_of();
  const auto attempt = [&](WaitPlace& place) {
    const std::size_t moved = from.moved();
    const bool was_made = message.held != nullptr;
    const SysResult<std::size_t> again = socket.send(from, message);
    if (!again.would_block()) return again;
    const bool waits_anew = from.moved() > moved || (message.held != nullptr && !was_made);
    const Time deadline = place.deadline;
    place = place_of();
    if (!waits_anew) place.deadline = deadline;
    return again;
  };
  return moved_or(from, wait_in(kernel, first, op, socket, interrupted_by(first), attempt));
}

/// Receives, waiting unless the socket or the message says otherwise.
inline SysResult<std::size_t> receive(Kernel& kernel, SocketFile& socket, const Op& op, UserOutput& to,
                                      Incoming& message) {
  const bool waits = socket.may_wait(Direction::read) && (message.flags & MSG_DONTWAIT) == 0;
  message.if_empty = waits ? IfEmpty::will_wait : IfEmpty::say_would_block;
  const auto once = [&] { return socket.receive(to, message); };
  const SysResult<std::size_t> result = once();
  if (!result.would_block()) return result;
  if (message.if_empty == IfEmpty::say_would_block) return moved_or(to, result);
  const WaitPlace place = in_own_queue(kernel, socket, Direction::read);
  const int interrupted = interrupted_by(place);
  const std::uint32_t times_disconnected = socket.times_disconnected();
  const bool waits_once = to.left() == 0 && socket.waits_once_for_nothing();
  const auto attempt = [&](WaitPlace&) -> SysResult<std::size_t> {
    if (socket.times_disconnected() != times_disconnected) return SysResult<std::size_t>::failure(EPIPE);
    return waits_once ? to.moved() : once();
  };
  const SysResult<std::size_t> slept = wait_in(kernel, place, op, socket, interrupted, attempt);
  if (waits_once && slept.error() != EPIPE) return 0;
  return moved_or(to, slept);
}

}  // namespace rouse::inline v0::kernel
