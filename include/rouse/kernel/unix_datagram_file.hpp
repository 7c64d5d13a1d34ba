// UnixDatagramFile: a datagram socket of unix(7), which sends to whom it likes, or to the one it is connected to.
//
// A receiver takes only so many messages from senders that are not its peer. Who is connected to one that is full is
// not writable, and Linux does not watch for that all the time: whoever asks for room, or is refused it, leaves a note
// at the receiver, and the next message read there wakes those who left one.
#pragma once

#include "unix_packet_file.hpp"

namespace rouse::inline v0::kernel {

class UnixDatagramFile final : public UnixPacketFile {
 public:
  static constexpr FileKind file_kind{
      .name = "unix datagram socket", .gathers_writes = true, .is_socket = true, .takes_async = true};

  UnixDatagramFile(int status_flags, const UnixDomain& domain)
      : UnixPacketFile(file_kind, SOCK_DGRAM, status_flags, domain), queue_max_(domain.limits.max_dgram_qlen) {}

  /// Leaves a note with a peer that is full, if room was asked for.
  [[nodiscard]] EventFlags readiness(EventFlags asked) override {
    const EventFlags bits = UnixSocketFile::readiness(asked);
    if (!bits.has(EventFlags::out) || !asked.has_any(room_key) || !must_wait_for_peer()) return bits;
    return bits - room_key;
  }
  inline SysResult<void> connect(std::string_view address, WaitQueue*& full) override;

 private:
  /// The note: it relays one wakeup to whoever waits for this socket.
  class Note final : public Waiter {
   public:
    explicit Note(UnixDatagramFile& owner) : owner_(owner) {}

   private:
    bool on_wake(EventFlags key) override {
      unlink();
      owner_.queue.wake(key);
      return false;
    }
    UnixDatagramFile& owner_;
  };

  ~UnixDatagramFile() override = default;

  [[nodiscard]] std::size_t readable_bytes() const override {
    return has_messages() ? packets().front()->bytes.size() : 0;
  }
  void leave_peer() override {}  // Who sends to a peer is none of its; the note at its queue goes with the socket.
  inline SysResult<void> check_target(const Outgoing& message) override;
  inline SysResult<void> deliver(Outgoing& message) override;

  /// True if `sender` may not put another message here.
  [[nodiscard]] bool is_full_for(const UnixDatagramFile& sender) const {
    return &sender != this && peer_ != sender.identity_ && packets().size() > queue_max_;
  }
  /// Whether the peer is full: then a note is left there, unless it was.
  bool must_wait_for_peer() {
    auto* const other = static_cast<UnixDatagramFile*>(peer());
    if (other == nullptr || !other->is_full_for(*this)) return false;
    if (!note_.is_linked()) other->senders_.add_head(note_);
    return true;
  }
  /// Connects to another one, or to none. What the last peer sent is thrown away.
  void change_peer(std::shared_ptr<UnixIdentity> peer);

  const std::size_t queue_max_;
  Note note_{*this};
};

inline SysResult<void> UnixDatagramFile::connect(std::string_view address, WaitQueue*&) {
  ::sa_family_t family = AF_UNSPEC;
  if (address.size() < sizeof family) return SysResult<void>::failure(EINVAL);
  std::memcpy(&family, address.data(), sizeof family);
  std::shared_ptr<UnixIdentity> target;
  if (family != AF_UNSPEC) {
    UnixSocketFile* found = nullptr;
    const SysResult<void> search = find(address, found);
    if (!search.ok()) return search;
    auto& other = static_cast<UnixDatagramFile&>(*found);
    if (other.peer_ != nullptr && other.peer_ != identity_) return SysResult<void>::failure(EPERM);
    target = other.identity_;
  }
  change_peer(std::move(target));
  return {};
}

inline void UnixDatagramFile::change_peer(std::shared_ptr<UnixIdentity> peer) {
  const std::shared_ptr<UnixIdentity> before = std::exchange(peer_, std::move(peer));
  if (before == nullptr) return;
  note_.unlink();
  queue.wake(room_key);
  if (before == peer_ || !has_messages()) return;
  discard_own_messages();
  senders_.wake_all();
  auto* const other = static_cast<UnixDatagramFile*>(before->file);
  if (other != nullptr && other->peer_ == identity_) {
    other->error_ = ECONNRESET;
    other->queue.wake(EventFlags::err);
  }
}

inline SysResult<void> UnixDatagramFile::check_target(const Outgoing& message) {
  if ((message.flags & MSG_OOB) != 0) return SysResult<void>::failure(EOPNOTSUPP);
  if (message.address.empty()) return {};
  std::string name;
  const bool is_address = parse(message.address, name) && message.address.size() > sizeof(::sa_family_t);
  return is_address ? SysResult<void>{} : SysResult<void>::failure(EINVAL);
}

inline SysResult<void> UnixDatagramFile::deliver(Outgoing& message) {
  auto& packet = static_cast<UnixPacket&>(*message.held);
  // One that waits for its target stays with it, whatever its name or the peer is by now, until that is closed.
  if (packet.target != nullptr && packet.target->file == nullptr && packet.target != peer_) {
    if (message.address.empty()) return SysResult<void>::failure(ECONNRESET);
    packet.target = nullptr;
  }
  if (packet.target == nullptr) {
    packet.target = peer_;
    if (!message.address.empty()) {
      UnixSocketFile* found = nullptr;
      const SysResult<void> search = find(message.address, found);
      if (!search.ok()) return search;
      packet.target = static_cast<UnixDatagramFile*>(found)->identity_;
    }
    if (packet.target == nullptr) return SysResult<void>::failure(ENOTCONN);
  }
  auto* const target = static_cast<UnixDatagramFile*>(packet.target->file);
  if (target == nullptr) {  // The peer has been closed: from here on there is none.
    change_peer(nullptr);
    return SysResult<void>::failure(ECONNREFUSED);
  }
  if (target->peer_ != nullptr && target->peer_ != identity_) return SysResult<void>::failure(EPERM);
  if (target->read_shut_) return SysResult<void>::failure(EPIPE);
  if (target->is_full_for(*this)) {
    if (message.if_full == IfEmpty::will_wait) {
      message.elsewhere = &target->senders_;
    } else if (packet.target == peer_) {
      static_cast<void>(must_wait_for_peer());
    }
    return SysResult<void>::failure(EAGAIN);
  }
  push(message, *target);
  return {};
}

}  // namespace rouse::inline v0::kernel
