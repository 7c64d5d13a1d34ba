// The bodies of UnixStreamFile: naming and connecting, then moving bytes, then options. Included by its header.
#pragma once

#include "unix_stream_file.hpp"

#include <cstddef>
#include <sys/un.h>

namespace rouse::inline v0::kernel {

inline AddressBytes UnixStreamFile::address_of(const std::string& name) {
  const ::sa_family_t family = AF_UNIX;
  AddressBytes address(reinterpret_cast<const char*>(&family), sizeof family);
  address += name;
  if (!name.empty() && name[0] != '\0') address += '\0';  // A path is counted with its end.
  return address;
}

inline bool UnixStreamFile::parse(std::string_view address, std::string& name) {
  ::sa_family_t family = AF_UNSPEC;
  if (address.size() < sizeof family || address.size() > sizeof(::sockaddr_un)) return false;
  std::memcpy(&family, address.data(), sizeof family);
  if (family != AF_UNIX) return false;
  name = address.substr(sizeof family);
  if (!name.empty() && name[0] != '\0') name.resize(std::min(name.size(), name.find('\0')));
  return true;
}

inline SysResult<void> UnixStreamFile::bind(std::string_view address) {
  std::string name;
  if (!parse(address, name)) return SysResult<void>::failure(EINVAL);
  const bool autobind = name.empty();
  if (autobind && !name_.empty()) return {};
  const bool is_path = !autobind && name[0] != '\0';
  if (is_path && names_.is_taken(UnixNames::key(SOCK_STREAM, name))) return SysResult<void>::failure(EADDRINUSE);
  if (!name_.empty()) return SysResult<void>::failure(EINVAL);
  if (autobind) name = names_.unused_abstract(SOCK_STREAM);
  const UnixNames::Key key = UnixNames::key(SOCK_STREAM, name);
  if (names_.is_taken(key)) return SysResult<void>::failure(EADDRINUSE);
  names_.take(key, *this);
  name_ = std::move(name);
  owns_name_ = true;
  return {};
}

inline SysResult<void> UnixStreamFile::listen(int backlog) {
  if (name_.empty() || state_ == State::connected) return SysResult<void>::failure(EINVAL);
  const unsigned before = backlog_;
  backlog_ = std::min(static_cast<unsigned>(backlog), static_cast<unsigned>(limits_.somaxconn));
  state_ = State::listening;
  if (backlog_ > before) connectors_.wake_all();
  return {};
}

inline SysResult<void> UnixStreamFile::may_accept() const {
  return state_ == State::listening ? SysResult<void>{} : SysResult<void>::failure(EINVAL);
}

inline SysResult<void> UnixStreamFile::accept(IfEmpty if_empty, FileRef& accepted) {
  if (pending_.empty()) {
    // Only one who is about to sleep is told that nobody will come.
    const bool hopeless = read_shut_ && if_empty == IfEmpty::will_wait;
    return SysResult<void>::failure(hopeless ? EINVAL : EAGAIN);
  }
  detail::tsan_acquire(this);
  accepted = std::move(pending_.front());
  pending_.pop_front();
  static_cast<UnixStreamFile&>(*accepted).is_pending_ = false;
  connectors_.wake(any_key);
  return {};
}

inline SysResult<void> UnixStreamFile::connect(std::string_view address, WaitQueue*& full) {
  std::string name;
  if (!parse(address, name) || address.size() == sizeof(::sa_family_t)) return SysResult<void>::failure(EINVAL);
  const UnixNames::Key key = UnixNames::key(SOCK_STREAM, name);
  if (key.type == 0 && !names_.is_taken(key)) return SysResult<void>::failure(ENOENT);
  SocketFile* const owner = names_.owner(key);
  auto* const listener = file_cast<UnixStreamFile>(owner);
  if (owner != nullptr && listener == nullptr) return SysResult<void>::failure(EPROTOTYPE);
  if (listener == nullptr || listener->state_ != State::listening || listener->read_shut_) {
    return SysResult<void>::failure(ECONNREFUSED);
  }
  if (listener->pending_.size() > listener->backlog_) {
    full = &listener->connectors_;
    return SysResult<void>::failure(EAGAIN);
  }
  if (state_ != State::unconnected) return SysResult<void>::failure(state_ == State::connected ? EISCONN : EINVAL);

  FileRef other{new UnixStreamFile{ids_, 0, names_, limits_}};
  auto& accepted = static_cast<UnixStreamFile&>(*other);
  accepted.name_ = listener->name_;
  accepted.is_pending_ = true;
  listener->pending_.push_back(other);  // First, as it may run out of memory.
  connect_pair(*this, accepted);
  detail::tsan_release(listener);
  listener->queue.wake(data_key);
  return {};
}

inline SysResult<void> UnixStreamFile::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return SysResult<void>::failure(EINVAL);
  const bool read = how != SHUT_WR;
  const bool write = how != SHUT_RD;
  read_shut_ = read_shut_ || read;
  write_shut_ = write_shut_ || write;
  detail::tsan_release(this);
  UnixStreamFile* const peer = state_ == State::connected ? peer_ : nullptr;
  queue.wake_all();
  if (peer != nullptr) {
    detail::tsan_release(peer);
    peer->read_shut_ = peer->read_shut_ || write;
    peer->write_shut_ = peer->write_shut_ || read;
    peer->queue.wake_all();
  }
  return {};
}

inline void UnixStreamFile::last_close() {
  if (owns_name_) names_.leave(key(), *this);
  connectors_.wake_all();
  pending_.clear();
  if (peer_ == nullptr) return;
  UnixStreamFile& peer = *peer_;
  // A connection that nobody accepted is lost, whether or not anything was sent.
  peer.peer_closed(name_, is_pending_ || chunks_.has_unread());
  chunks_.clear([&peer](std::size_t cost) { peer.give_back(cost); });
  peer_ = nullptr;
}

inline void UnixStreamFile::peer_closed(const std::string& its_name, bool lost_bytes) {
  detail::tsan_release(this);
  peer_ = nullptr;
  peer_name_ = its_name;
  read_shut_ = write_shut_ = true;
  if (lost_bytes) error_ = ECONNRESET;
  queue.wake_all();
}

inline EventFlags UnixStreamFile::readiness() {
  EventFlags bits;
  if (error_ != 0) bits |= EventFlags::err;
  if (read_shut_ && write_shut_) bits |= EventFlags::hup;
  if (read_shut_) bits |= EventFlags::rdhup | EventFlags::in | EventFlags::rdnorm;
  if (!chunks_.empty() || !pending_.empty()) bits |= EventFlags::in | EventFlags::rdnorm;
  if (chunks_.has_urgent()) bits |= EventFlags::pri;
  if (state_ == State::unconnected) bits |= EventFlags::hup;
  if (is_writable_with(used_)) bits |= EventFlags::out | EventFlags::wrnorm | EventFlags::wrband;
  return bits;
}

inline WaitStyle UnixStreamFile::wait_style(Direction) const {
  // Only accept takes turns, and is woken only for connections. Readers and writers race, and every wakeup will do:
  // data from the peer lets a writer look for room, and it takes less than `out` asks for.
  if (state_ == State::listening) return {EventFlags::in | EventFlags::err, true, false};
  return {any_key, false, true};
}

inline SysResult<std::size_t> UnixStreamFile::receive_urgent(UserOutput& to, int flags) {
  char byte = 0;
  if (inline_urgent_ || !chunks_.take_urgent(byte, (flags & MSG_PEEK) != 0)) {
    return SysResult<std::size_t>::failure(EINVAL);
  }
  if ((flags & MSG_PEEK) == 0) {
    const std::size_t cost = chunks_.drop_empty_before_mark();
    if (cost != 0 && peer_ != nullptr) peer_->give_back(cost);
  }
  if (to.left() > 0 && to.put(&byte, 1) == 0) return SysResult<std::size_t>::failure(EFAULT);
  return 1;
}

inline SysResult<std::size_t> UnixStreamFile::receive(UserOutput& to, int flags, IfEmpty, AddressBytes* sender) {
  if (state_ != State::connected) return SysResult<std::size_t>::failure(EINVAL);
  if ((flags & MSG_OOB) != 0) return receive_urgent(to, flags);
  detail::tsan_acquire(this);
  using Found = UnixChunks::Found;
  const Found found = (flags & MSG_PEEK) != 0 ? chunks_.peek(to, inline_urgent_)
                                              : chunks_.read(to, inline_urgent_, [this](std::size_t cost) {
                                                  if (peer_ != nullptr) peer_->give_back(cost);
                                                });
  if (found == Found::bad_address && to.moved() == 0) return SysResult<std::size_t>::failure(EFAULT);
  if (sender != nullptr && (found == Found::bytes || to.moved() > 0)) *sender = sender_address();
  const bool wants_more = to.moved() == 0 || (flags & MSG_WAITALL) != 0;
  if (found != Found::nothing || !wants_more) return to.moved();
  // An error that ends a longer read is swallowed.
  const int error = take_error();
  if (error != 0 && to.moved() == 0) return SysResult<std::size_t>::failure(error);
  if (error != 0 || read_shut_) return to.moved();
  return SysResult<std::size_t>::failure(EAGAIN);
}

// True if the chunk went, false if there is no room for it now.
inline SysResult<bool> UnixStreamFile::send_chunk(UserInput& from, std::size_t n, bool urgent) {
  if (error_ != 0) return SysResult<bool>::failure(take_error());
  if (write_shut_) return SysResult<bool>::failure(EPIPE);
  if (used_ >= static_cast<std::size_t>(send_buffer_)) return false;
  std::string bytes(n, '\0');
  UserInput unread = from;
  const bool good = unread.get(bytes.data(), n) == n;
  if (!good || peer_ == nullptr || peer_->read_shut_) {
    give_back(0);  // The chunk was there before its bytes: that it goes again wakes as if it had been read.
    return SysResult<bool>::failure(good ? EPIPE : EFAULT);
  }
  const std::size_t cost = unix_stream_cost(n);
  detail::tsan_release(peer_);
  peer_->chunks_.push(std::move(bytes), cost, urgent);
  used_ += cost;
  from = unread;
  peer_->queue.wake(data_key);
  return true;
}

inline SysResult<std::size_t> UnixStreamFile::send(UserInput& from, int flags, bool has_address) try {
  const bool urgent = (flags & MSG_OOB) != 0;
  if (urgent && from.left() == 0) return SysResult<std::size_t>::failure(EOPNOTSUPP);
  if (has_address) return SysResult<std::size_t>::failure(state_ == State::connected ? EISCONN : EOPNOTSUPP);
  if (state_ != State::connected) return SysResult<std::size_t>::failure(ENOTCONN);
  if (write_shut_ && !from.has_slept()) return SysResult<std::size_t>::failure(EPIPE);
  while (from.left() > 0) {
    constexpr std::size_t chunk_max = 36544;
    const std::size_t plain = urgent && from.left() > 1 ? from.left() - 1 : from.left();
    const std::size_t n = std::min({plain, static_cast<std::size_t>(send_buffer_) / 2 - 64, chunk_max});
    const SysResult<bool> went = send_chunk(from, n, urgent && from.left() == 1);
    if (!went.ok()) {
      if (from.moved() > 0) return from.moved();
      return went;
    }
    if (!went.value()) return SysResult<std::size_t>::failure(EAGAIN);
  }
  return from.moved();
} catch (const std::bad_alloc&) {
  if (from.moved() == 0) throw;
  return from.moved();
}

inline SysResult<int> UnixStreamFile::ioctl(unsigned long request, void* argument) {
  int value = 0;
  switch (request) {
    case FIONREAD:
      if (state_ == State::listening) return SysResult<int>::failure(EINVAL);
      value = static_cast<int>(chunks_.readable_bytes());
      break;
    case SIOCOUTQ: value = static_cast<int>(used_); break;
    case SIOCATMARK:
      // Linux queues a connection as an empty chunk, and asks no more of a mark that was passed.
      value = chunks_.is_at_mark() || !pending_.empty() ? 1 : 0;
      break;
    default: return SysResult<int>::failure(ENOTTY);
  }
  if (!put_user(argument, value)) return SysResult<int>::failure(EFAULT);
  return 0;
}

inline SysResult<int> UnixStreamFile::option(int level, int name) {
  switch (name) {
    case SO_TYPE: return int{SOCK_STREAM};
    case SO_DOMAIN: return AF_UNIX;
    case SO_PROTOCOL: return 0;
    case SO_ACCEPTCONN: return state_ == State::listening ? 1 : 0;
    case SO_ERROR: return take_error();
    case SO_SNDLOWAT: return 1;
    case SO_SNDBUF: return send_buffer_;
    case SO_RCVBUF: return receive_buffer_;
    case SO_OOBINLINE: return inline_urgent_ ? 1 : 0;
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_DONTROUTE: return (booleans_ >> name & 1) != 0 ? 1 : 0;
    default: return no_option("getsockopt", level, name);
  }
}

inline SysResult<void> UnixStreamFile::set_option(int level, int name, int value) {
  // Linux compares unsigned, so a negative size is a very large one.
  const auto doubled = [value](int least, int most) {
    return std::max(least, 2 * static_cast<int>(std::min(static_cast<unsigned>(value), static_cast<unsigned>(most))));
  };
  switch (name) {
    case SO_SNDBUF:
      send_buffer_ = doubled(4608, limits_.wmem_max);
      if (is_writable_with(used_)) queue.wake(room_key);
      return {};
    case SO_RCVBUF: receive_buffer_ = doubled(2304, limits_.rmem_max); return {};
    case SO_OOBINLINE: inline_urgent_ = value != 0; return {};
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_DONTROUTE: booleans_ = (booleans_ & ~(1u << name)) | (value != 0 ? 1u << name : 0u); return {};
    case SO_TYPE:
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_ACCEPTCONN:
    case SO_ERROR:
    case SO_SNDLOWAT: return SysResult<void>::failure(ENOPROTOOPT);
    default: return no_option("setsockopt", level, name);
  }
}

inline std::string UnixStreamFile::describe() const {
  switch (state_) {
    case State::listening: return "listening, " + std::to_string(pending_.size()) + " pending";
    case State::unconnected: return "unconnected";
    case State::connected: break;
  }
  std::string text = peer_ != nullptr ? "connected to file " + std::to_string(peer_->id()) : "peer closed";
  text += ", " + std::to_string(chunks_.readable_bytes()) + " bytes to read";
  if (read_shut_) text += ", read shut";
  if (write_shut_) text += ", write shut";
  return text;
}

}  // namespace rouse::inline v0::kernel
