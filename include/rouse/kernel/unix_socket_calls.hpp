// The bodies of UnixSocketFile: naming and connecting, then readiness, then options. Included by its header.
#pragma once

#include "unix_socket_file.hpp"

#include <cstddef>
#include <cstring>
#include <sys/un.h>

namespace rouse::inline v0::kernel {

inline constexpr unsigned long siocunixfile = 0x89e0;  // <linux/un.h>, which does not go together with <sys/un.h>.

inline AddressBytes UnixSocketFile::address_of(const std::string& name) {
  const ::sa_family_t family = AF_UNIX;
  AddressBytes address(reinterpret_cast<const char*>(&family), sizeof family);
  address += name;
  if (name[0] != '\0') address += '\0';  // A path is counted with its end.
  return address;
}

inline bool UnixSocketFile::parse(std::string_view address, std::string& name) {
  ::sa_family_t family = AF_UNSPEC;
  if (address.size() < sizeof family || address.size() > sizeof(::sockaddr_un)) return false;
  std::memcpy(&family, address.data(), sizeof family);
  if (family != AF_UNIX) return false;
  name = address.substr(sizeof family);
  if (name[0] != '\0') name.resize(std::min(name.size(), name.find('\0')));
  return true;
}

inline SysResult<void> UnixSocketFile::find(std::string_view address, UnixSocketFile*& found) const {
  std::string name;
  if (!parse(address, name) || address.size() == sizeof(::sa_family_t)) return SysResult<void>::failure(EINVAL);
  const UnixNames::Key key = UnixNames::key(type_, name);
  if (const SysResult<void> reached = domain_.names.reach(key); !reached.ok()) return reached;
  found = domain_.names.owner(key);
  if (found == nullptr) return SysResult<void>::failure(ECONNREFUSED);
  if (found->type_ != type_) return SysResult<void>::failure(EPROTOTYPE);
  return {};
}

inline SysResult<void> UnixSocketFile::bind(std::string_view address) {
  std::string name;
  if (!parse(address, name)) return SysResult<void>::failure(EINVAL);
  const bool autobind = name.empty();
  const bool has_name = !identity_->name.empty();
  if (autobind && has_name) return {};
  const bool is_path = name[0] != '\0';
  if (is_path && domain_.names.is_taken(UnixNames::key(type_, name))) return SysResult<void>::failure(EADDRINUSE);
  if (has_name) return SysResult<void>::failure(EINVAL);
  if (autobind) name = domain_.names.unused_abstract(type_);
  const UnixNames::Key key = UnixNames::key(type_, name);
  if (domain_.names.is_taken(key)) return SysResult<void>::failure(EADDRINUSE);
  const SysResult<void> taken = domain_.names.take(key, *this);
  if (!taken.ok()) return taken;
  identity_->name = std::move(name);
  return {};
}

inline SysResult<void> UnixSocketFile::listen(int backlog) {
  if (!is_connection_oriented()) return SysResult<void>::failure(EOPNOTSUPP);
  if (identity_->name.empty() || state_ == State::connected) return SysResult<void>::failure(EINVAL);
  const unsigned before = backlog_;
  backlog_ = std::min(static_cast<unsigned>(backlog), static_cast<unsigned>(domain_.limits.somaxconn));
  state_ = State::listening;
  if (backlog_ > before) senders_.wake_all();
  return {};
}

inline SysResult<void> UnixSocketFile::accept(IfEmpty if_empty, FileRef& accepted) {
  if (!is_connection_oriented()) return SysResult<void>::failure(EOPNOTSUPP);
  if (!listens()) return SysResult<void>::failure(EINVAL);
  if (pending_.empty()) {
    // Only one who is about to sleep is told that nobody will come.
    const bool hopeless = read_shut_ && if_empty == IfEmpty::will_wait;
    return SysResult<void>::failure(hopeless ? EINVAL : EAGAIN);
  }
  acquire_edge(*this);
  accepted = std::move(pending_.front());
  pending_.pop_front();
  static_cast<UnixSocketFile&>(*accepted).is_pending_ = false;
  senders_.wake(any_key);
  return {};
}

inline SysResult<void> UnixSocketFile::connect(std::string_view address, WaitQueue*& full) {
  UnixSocketFile* listener = nullptr;
  const SysResult<void> found = find(address, listener);
  if (!found.ok()) return found;
  if (!listener->listens() || listener->read_shut_) return SysResult<void>::failure(ECONNREFUSED);
  if (listener->pending_.size() > listener->backlog_) {
    full = &listener->senders_;
    return SysResult<void>::failure(EAGAIN);
  }
  if (state_ != State::unconnected) return SysResult<void>::failure(state_ == State::connected ? EISCONN : EINVAL);

  const FileRef other = fresh();
  auto& accepted = static_cast<UnixSocketFile&>(*other);
  accepted.identity_->name = listener->identity_->name;
  accepted.is_pending_ = true;
  listener->pending_.push_back(other);  // First, as it may run out of memory.
  connect_pair(*this, accepted);
  release_edge(*listener);
  listener->queue.wake(data_key);
  return {};
}

inline SysResult<void> UnixSocketFile::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return SysResult<void>::failure(EINVAL);
  const bool read = how != SHUT_WR;
  const bool write = how != SHUT_RD;
  read_shut_ = read_shut_ || read;
  write_shut_ = write_shut_ || write;
  release_edge(*this);
  UnixSocketFile* const other = is_connection_oriented() ? peer() : nullptr;
  queue.wake_all();
  if (other != nullptr) {
    release_edge(*other);
    other->read_shut_ = other->read_shut_ || write;
    other->write_shut_ = other->write_shut_ || read;
    other->queue.wake_all();
  }
  return {};
}

inline void UnixSocketFile::last_close() {
  if (!identity_->name.empty())
    domain_.names.leave(UnixNames::key(type_, identity_->name), *this);  // If it is its own.
  identity_->file = nullptr;
  senders_.wake_all();
  pending_.clear();
  leave_peer();
  discard_own_messages();
  domain_.in_flight.collect();
}

inline void UnixSocketFile::leave_peer() {
  UnixSocketFile* const other = peer();
  // A connection that nobody accepted is lost, whether or not anything was sent.
  if (other != nullptr) other->peer_closed(is_pending_ || has_unread());
}

inline void UnixSocketFile::peer_closed(bool lost_messages) {
  release_edge(*this);
  read_shut_ = write_shut_ = true;
  if (lost_messages) error_ = ECONNRESET;
  queue.wake_all();
}

inline void UnixSocketFile::add_files_held(std::vector<File*>& files) const {
  add_files_in_messages(files);
  // Nobody else holds a connection that was not accepted yet.
  for (const FileRef& connection : pending_) {
    static_cast<const UnixSocketFile&>(*connection).add_files_in_messages(files);
  }
}

inline void UnixSocketFile::discard_messages() {
  discard_own_messages();
  for (const FileRef& connection : pending_) static_cast<UnixSocketFile&>(*connection).discard_own_messages();
}

inline EventFlags UnixSocketFile::readiness(EventFlags) {
  EventFlags bits;
  if (error_ != 0) bits |= EventFlags::err;
  if (read_shut_ && write_shut_) bits |= EventFlags::hup;
  if (read_shut_) bits |= EventFlags::rdhup | EventFlags::in | EventFlags::rdnorm;
  if (has_messages() || !pending_.empty()) bits |= EventFlags::in | EventFlags::rdnorm;
  if (is_connection_oriented() && state_ == State::unconnected) bits |= EventFlags::hup;
  if (is_writable_with(used_)) bits |= room_key;
  return bits;
}

inline WaitStyle UnixSocketFile::wait_style(Direction direction) const {
  // Who accepts or takes a whole message takes turns, and is woken only for what there is to take. Readers of a stream
  // and writers race, and every wakeup will do: data from the peer lets a writer look for room, and it takes less than
  // `out` asks for. A reader of a stream that a signal has woken does not look for data any more.
  const bool takes_turns = listens() || (direction == Direction::read && type_ != SOCK_STREAM);
  if (takes_turns) return {EventFlags::in | EventFlags::err, true, false};
  return {any_key, false, true, direction == Direction::read};
}

inline SysResult<int> UnixSocketFile::ioctl(unsigned long request, void* argument) {
  int value = 0;
  switch (request) {
    case FIONREAD:
      if (listens()) return SysResult<int>::failure(EINVAL);
      value = static_cast<int>(readable_bytes());
      break;
    case SIOCOUTQ: value = static_cast<int>(used_); break;
    case SIOCATMARK:
      if (type_ != SOCK_STREAM) return SysResult<int>::failure(EOPNOTSUPP);
      // Linux queues a connection as an empty chunk, and asks no more of a mark that was passed.
      value = is_at_mark() || !pending_.empty() ? 1 : 0;
      break;
    case siocunixfile: throw NotModelled("ioctl request " + std::to_string(request) + " on a " + kind().name);
    default: return other_request(request, argument);
  }
  if (!put_user(argument, value)) return SysResult<int>::failure(EFAULT);
  return 0;
}

inline SysResult<int> UnixSocketFile::option(int level, int name) {
  switch (name) {
    case SO_TYPE: return int{type_};
    case SO_DOMAIN: return AF_UNIX;
    case SO_PROTOCOL: return 0;
    case SO_ACCEPTCONN: return listens() ? 1 : 0;
    case SO_ERROR: return take_error();
    case SO_SNDLOWAT: return 1;
    case SO_RCVLOWAT: return static_cast<int>(receive_least_);
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

inline SysResult<void> UnixSocketFile::set_option(int level, int name, int value) {
  switch (name) {
    case SO_SNDBUF:
      send_buffer_ = buffer_size(value, 4608, domain_.limits.wmem_max);
      if (is_writable_with(used_)) queue.wake(room_key);
      return {};
    case SO_RCVBUF: receive_buffer_ = buffer_size(value, 2304, domain_.limits.rmem_max); return {};
    case SO_OOBINLINE: inline_urgent_ = value != 0; return {};
    case SO_RCVLOWAT: receive_least_ = static_cast<std::size_t>(value < 0 ? INT32_MAX : std::max(value, 1)); return {};
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_DONTROUTE:
      booleans_ &= ~(1u << name);
      if (value != 0) booleans_ |= 1u << name;
      return {};
    case SO_TYPE:
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_ACCEPTCONN:
    case SO_ERROR:
    case SO_SNDLOWAT: return SysResult<void>::failure(ENOPROTOOPT);
    default: return no_option("setsockopt", level, name);
  }
}

inline std::string UnixSocketFile::describe() const {
  std::string text;
  if (listens()) return "listening, " + std::to_string(pending_.size()) + " pending";
  if (peer_ == nullptr) {
    text = "unconnected";
    if (is_connection_oriented()) return text;
  } else {
    text = peer_->file != nullptr ? "connected to file " + std::to_string(peer_->file->id()) : "peer closed";
  }
  text += ", " + std::to_string(readable_bytes()) + " bytes to read";
  std::vector<File*> files;
  add_files_in_messages(files);
  if (!files.empty()) text += ", with " + std::to_string(files.size()) + " files";
  if (read_shut_) text += ", read shut";
  if (write_shut_) text += ", write shut";
  return text;
}

}  // namespace rouse::inline v0::kernel
