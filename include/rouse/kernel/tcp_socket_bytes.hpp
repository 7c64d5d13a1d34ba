// The bodies of TcpSocketFile that move bytes, and say whether they could. Included by its header.
#pragma once

#include "tcp_socket_file.hpp"

namespace rouse::inline v0::kernel {

inline EventFlags TcpSocketFile::readiness(EventFlags) {
  TcpEndpoint& end = *endpoint_;
  const TcpState state = end.state();
  if (state == TcpState::listening) return end.pending() > 0 ? EventFlags::in | EventFlags::rdnorm : EventFlags{};
  EventFlags bits;
  if (end.error != 0) bits |= EventFlags::err;
  if ((end.read_shut && end.write_shut) || state == TcpState::closed) bits |= EventFlags::hup;
  if (end.read_shut) bits |= EventFlags::in | EventFlags::rdnorm | EventFlags::rdhup;
  if (end.is_connecting()) return bits;
  if (end.has_enough()) bits |= EventFlags::in | EventFlags::rdnorm;
  if (end.write_shut || end.is_writable()) {
    bits |= EventFlags::out | EventFlags::wrnorm;
  } else {
    end.note_wants_room();
  }
  if (end.urgent() == Urgent::here) bits |= EventFlags::pri;
  return bits;
}

inline WaitStyle TcpSocketFile::wait_style(Direction direction) const {
  // Who accepts takes turns. Who reads, writes or connects looks again at every wakeup.
  if (listens()) return {EventFlags::in | EventFlags::err, true, false};
  const bool connects = direction == Direction::write && endpoint_->is_connecting();
  return {any_key, false, true, connects};
}

inline SysResult<std::size_t> TcpSocketFile::receive(UserOutput& to, Incoming& message) {
  using Size = SysResult<std::size_t>;
  TcpEndpoint& end = *endpoint_;
  const int flags = message.flags;
  if ((flags & MSG_ERRQUEUE) != 0) return message.nothing_to_wait_for();
  if (end.state() == TcpState::listening) return Size::failure(ENOTCONN);
  if ((flags & MSG_OOB) != 0) return receive_urgent(to, message);
  acquire_edge(end);
  const std::size_t most = to.moved() + to.left();
  const std::size_t wanted = (flags & MSG_WAITALL) != 0 ? most : std::min(most, end.options.receive_least);
  // A peek that finds that others have read since it slept begins again, with what is there now: each time from then
  // on, as by what it has moved it can no longer tell.
  const bool peeks = (flags & MSG_PEEK) != 0;
  if (to.moved() == 0) message.peek_base = end.read_at();
  if (to.moved() == 0 || message.peek_base != end.read_at()) message.peek_at = end.read_at();
  // To read makes room, and what comes then comes before this call could be told of it: so it looks again.
  bool is_good = true;
  for (bool goes_on = true; goes_on;) {
    const std::size_t before = to.moved();
    is_good = end.receive(to, (flags & MSG_TRUNC) != 0, peeks ? &message.peek_at : nullptr);
    net_.network().settle();
    goes_on = to.moved() > before && to.moved() < wanted;
  }
  if (!is_good) return moved_or(to, Size::failure(EFAULT));
  if (most == 0 && end.has_unread()) return 0;
  if (to.moved() >= std::max<std::size_t>(wanted, 1)) return to.moved();
  const bool is_at_mark = end.is_mark(peeks ? message.peek_at : end.read_at());
  if (to.moved() > 0) return end.read_shut || is_at_mark ? Size{to.moved()} : Size::failure(EAGAIN);
  if (end.is_done) return 0;
  if (end.error != 0) return Size::failure(end.take_error());
  if (end.read_shut) return 0;
  return Size::failure(end.state() == TcpState::closed ? ENOTCONN : EAGAIN);
}

inline SysResult<std::size_t> TcpSocketFile::receive_urgent(UserOutput& to, Incoming& message) {
  using Size = SysResult<std::size_t>;
  TcpEndpoint& end = *endpoint_;
  const int flags = message.flags;
  if (end.options.inline_urgent || end.urgent() == Urgent::none || end.urgent() == Urgent::taken) {
    return Size::failure(EINVAL);
  }
  if (end.state() == TcpState::closed && !end.is_done) return Size::failure(ENOTCONN);
  if (end.urgent() == Urgent::here) {
    acquire_edge(end);
    const char byte = end.take_urgent((flags & MSG_PEEK) != 0);
    message.message_flags |= to.left() > 0 ? MSG_OOB : MSG_OOB | MSG_TRUNC;
    if (to.left() == 0) return 0;
    if ((flags & MSG_TRUNC) != 0) return 1;
    return to.put(&byte, 1) == 1 ? Size{1} : Size::failure(EFAULT);
  }
  if (end.read_shut) return 0;
  return message.nothing_to_wait_for();
}

inline SysResult<std::size_t> TcpSocketFile::send(UserInput& from, Outgoing& message) {
  using Size = SysResult<std::size_t>;
  TcpEndpoint& end = *endpoint_;
  const auto broken = [&]() -> Size {
    if (from.moved() != 0) return from.moved();
    const int error = end.error != 0 ? end.take_error() : EPIPE;
    if (error == EPIPE) from.set_broken();
    return Size::failure(error);
  };
  const TcpState state = end.state();
  if ((message.flags & MSG_FASTOPEN) != 0 && state_ != State::connected) {
    throw NotModelled("MSG_FASTOPEN on a tcp socket");
  }
  if (end.is_connecting()) return Size::failure(EAGAIN);
  if (state != TcpState::established && state != TcpState::close_wait) return broken();
  if (end.write_shut) return broken();
  if ((message.flags & MSG_FASTOPEN) != 0) return Size::failure(EISCONN);
  const SysResult<void> checked = detail_inet::check_control(message.control, family_);
  if (!checked.ok()) return checked;
  release_edge(end);
  end.set_more((message.flags & MSG_MORE) != 0);
  const bool is_urgent = (message.flags & MSG_OOB) != 0;
  bool is_good = true;
  for (int pieces = 0; is_good && from.left() > 0; ++pieces) {
    // What comes meanwhile is looked at when there is no room, and now and then. It may be a reset.
    constexpr int at_once = 16;
    if (pieces % at_once == 0 || end.room() == 0) net_.network().settle();
    if (end.write_shut) break;
    if (end.room() == 0) {
      end.note_wants_room();
      return Size::failure(EAGAIN);
    }
    is_good = end.send(from, is_urgent);
  }
  net_.network().settle();
  return is_good ? Size{from.moved()} : moved_or(from, Size::failure(EFAULT));
}

/// <linux/sockios.h> of later kernels.
inline constexpr unsigned long siocoutqnsd = 0x894b;

inline SysResult<int> TcpSocketFile::ioctl(unsigned long request, void* argument) {
  const TcpEndpoint& end = *endpoint_;
  const bool listening = end.state() == TcpState::listening;
  std::size_t value = 0;
  switch (request) {
    case FIONREAD:
      if (listening) return SysResult<int>::failure(EINVAL);
      value = end.readable();
      break;
    case SIOCATMARK: value = end.is_at_mark() ? 1 : 0; break;
    case SIOCOUTQ:
      if (listening) return SysResult<int>::failure(EINVAL);
      value = end.in_flight();
      break;
    case siocoutqnsd:
      if (listening) return SysResult<int>::failure(EINVAL);
      value = end.unsent();
      break;
    default: return other_request(request, argument);
  }
  return put_user(argument, static_cast<int>(value)) ? SysResult<int>{0} : SysResult<int>::failure(EFAULT);
}

inline std::string TcpSocketFile::describe() const {
  const TcpEndpoint& end = *endpoint_;
  std::string text = name_of(end.state());
  if (end.is_linked()) text += " at " + to_string(end.local);
  if (end.state() == TcpState::listening) return text + ", " + std::to_string(end.pending()) + " pending";
  if (end.state() != TcpState::closed) text += ", peer " + to_string(end.remote);
  text +=
      ", " + std::to_string(end.readable()) + " bytes to read, " + std::to_string(end.unacknowledged()) + " on the way";
  if (end.read_shut) text += ", read shut";
  if (end.write_shut) text += ", write shut";
  return text;
}

}  // namespace rouse::inline v0::kernel
