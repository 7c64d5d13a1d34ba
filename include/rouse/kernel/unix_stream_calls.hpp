// The bodies of UnixStreamFile: moving bytes. Included by its header.
#pragma once

#include "unix_stream_file.hpp"

namespace rouse::inline v0::kernel {

inline SysResult<std::size_t> UnixStreamFile::receive_urgent(UserOutput& to, int flags) {
  char byte = 0;
  if (inline_urgent_ || !chunks_.take_urgent(byte, (flags & MSG_PEEK) != 0)) {
    return SysResult<std::size_t>::failure(EINVAL);
  }
  if ((flags & MSG_PEEK) == 0) {
    const std::size_t cost = chunks_.drop_empty_before_mark();
    if (cost != 0 && peer() != nullptr) peer()->give_back(cost);
  }
  if (to.left() > 0 && to.put(&byte, 1) == 0) return SysResult<std::size_t>::failure(EFAULT);
  return 1;
}

inline SysResult<std::size_t> UnixStreamFile::receive(UserOutput& to, Incoming& message) {
  if (state_ != State::connected) return SysResult<std::size_t>::failure(EINVAL);
  const int flags = message.flags;
  if ((flags & MSG_OOB) != 0) {
    message.message_flags |= MSG_OOB;
    return receive_urgent(to, flags);
  }
  acquire_edge(*this);
  const auto freed = [this](std::size_t cost) {
    if (peer() != nullptr) peer()->give_back(cost);
  };
  const SysResult<void> found = (flags & MSG_PEEK) != 0 ? chunks_.peek(to, inline_urgent_, message.files)
                                                        : chunks_.read(to, inline_urgent_, message.files, freed);
  if (found.error() == EFAULT && to.moved() == 0) return SysResult<std::size_t>::failure(EFAULT);
  if (message.wants_sender && (found.ok() || to.moved() > 0)) message.sender = sender_address(*peer_);
  const std::size_t most = to.moved() + to.left();
  const std::size_t wanted = (flags & MSG_WAITALL) != 0 ? most : std::min(most, receive_least_);
  const bool wants_more = to.moved() == 0 || to.moved() < wanted;
  if (!found.would_block() || !wants_more) return to.moved();
  // An error that ends a longer read is swallowed.
  const int error = take_error();
  if (error != 0 && to.moved() == 0) return SysResult<std::size_t>::failure(error);
  if (read_shut_) return to.moved();
  return SysResult<std::size_t>::failure(EAGAIN);
}

// True if the chunk went, false if there is no room for it now.
inline SysResult<bool> UnixStreamFile::send_chunk(UserInput& from, std::size_t n, bool urgent, Outgoing& message) {
  if (error_ != 0) return SysResult<bool>::failure(take_error());
  if (write_shut_) return SysResult<bool>::failure(EPIPE);
  if (!has_room()) return false;
  // From here there is a chunk, even before there are bytes in it: that it goes again wakes as if it had been read.
  const auto drop = [this](int error) {
    give_back(0);
    return SysResult<bool>::failure(error);
  };
  if (!message.files.empty() && !may_send_files()) return drop(ETOOMANYREFS);
  std::string bytes(n, '\0');
  UserInput unread = from;
  if (unread.get(bytes.data(), n) < n) return drop(EFAULT);
  auto* const other = static_cast<UnixStreamFile*>(peer());
  ROUSE_ASSERT(other != nullptr, "UnixStreamFile: a peer that was closed has shut this end, too");
  if (other->read_shut_) {
    if (!urgent) from.set_broken();
    return drop(EPIPE);
  }
  const std::size_t cost = unix_stream_cost(n);
  release_edge(*other);
  other->chunks_.push(std::move(bytes), cost, urgent, UnixRights{domain_.in_flight, std::exchange(message.files, {})});
  charge(cost);
  from = unread;
  other->queue.wake(data_key);
  return true;
}

inline SysResult<std::size_t> UnixStreamFile::send(UserInput& from, Outgoing& message) try {
  const bool urgent = (message.flags & MSG_OOB) != 0;
  if (urgent && from.left() == 0) return SysResult<std::size_t>::failure(EOPNOTSUPP);
  if (!message.address.empty()) {
    return SysResult<std::size_t>::failure(state_ == State::connected ? EISCONN : EOPNOTSUPP);
  }
  if (state_ != State::connected) return SysResult<std::size_t>::failure(ENOTCONN);
  if (write_shut_ && !from.has_slept()) {
    from.set_broken();
    return SysResult<std::size_t>::failure(EPIPE);
  }
  while (from.left() > 0) {
    constexpr std::size_t chunk_max = 36544;
    const std::size_t plain = urgent && from.left() > 1 ? from.left() - 1 : from.left();
    const std::size_t most = std::min({plain, static_cast<std::size_t>(send_buffer_) / 2 - 64, chunk_max});
    // Decided before its sender waits for room. Test: "Unix stream: how long a chunk is, is decided before the wait".
    const std::size_t n = from.decided() != 0 ? from.decided() : most;
    const SysResult<bool> went = send_chunk(from, n, urgent && from.left() == 1, message);
    if (!went.ok()) {
      if (from.moved() > 0) return from.moved();
      return went;
    }
    from.decide(went.value() ? 0 : n);
    if (!went.value()) return SysResult<std::size_t>::failure(EAGAIN);
  }
  return from.moved();
} catch (const std::bad_alloc&) {
  if (from.moved() == 0) throw;
  return from.moved();
}

}  // namespace rouse::inline v0::kernel
