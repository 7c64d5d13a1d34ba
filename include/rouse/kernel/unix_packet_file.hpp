// UnixPacketFile: what datagram and seqpacket sockets of unix(7) share: messages that come whole or cut, never merged.
// UnixSeqpacketFile: those over connections.
#pragma once

#include "unix_packets.hpp"

namespace rouse::inline v0::kernel {

class UnixPacketFile : public UnixSocketFile {
 public:
  /// A task that may have to wait in another socket's queue is left to the caller.
  SysResult<std::size_t> write(UserInput& from) override {
    if (!is_nonblocking()) return SysResult<std::size_t>::failure(EAGAIN);
    return UnixSocketFile::write(from);
  }
  inline SysResult<std::size_t> receive(UserOutput& to, Incoming& message) override;
  inline SysResult<std::size_t> send(UserInput& from, Outgoing& message) override;

  /// The messages that wait to be read, oldest first.
  [[nodiscard]] const std::deque<std::unique_ptr<UnixPacket>>& packets() const { return packets_; }

 protected:
  using UnixSocketFile::UnixSocketFile;
  ~UnixPacketFile() override = default;

  /// What is asked of a message before it is made: whether it has somewhere to go.
  virtual SysResult<void> check_target(const Outgoing& message) = 0;
  /// Puts the message that is held into somebody's queue. EAGAIN if it is to wait, then in `elsewhere`.
  virtual SysResult<void> deliver(Outgoing& message) = 0;
  void push(Outgoing& message, UnixPacketFile& target);

  [[nodiscard]] bool has_messages() const override { return !packets_.empty(); }
  /// An empty message is overlooked if it is the first, as Linux takes it for what an urgent byte leaves in a stream.
  [[nodiscard]] bool has_unread() const override {
    return packets_.size() > (has_messages() && packets_.front()->bytes.empty() ? 1u : 0u);
  }
  void add_files_in_messages(std::vector<File*>& files) const override {
    for (const auto& packet : packets_) packet->rights.add_to(files);
  }
  void discard_own_messages() override {
    while (!packets_.empty()) {
      const std::unique_ptr<UnixPacket> gone = std::move(packets_.front());
      packets_.pop_front();
    }
  }

 private:
  [[nodiscard]] SysResult<void> make_packet(const UserInput& from, Outgoing& message);

  std::deque<std::unique_ptr<UnixPacket>> packets_;
};

inline SysResult<std::size_t> UnixPacketFile::receive(UserOutput& to, Incoming& message) {
  if ((message.flags & MSG_OOB) != 0) return SysResult<std::size_t>::failure(EOPNOTSUPP);
  // An error comes before the messages that were there first.
  if (error_ != 0) return SysResult<std::size_t>::failure(take_error());
  if (packets_.empty()) {
    const bool is_told = type_ == SOCK_SEQPACKET || message.if_empty == IfEmpty::will_wait;
    if (read_shut_ && is_told) return 0;
    return SysResult<std::size_t>::failure(EAGAIN);
  }
  acquire_edge(*this);
  const bool peeks = (message.flags & MSG_PEEK) != 0;
  UnixPacket& packet = *packets_.front();
  if (message.wants_sender) message.sender = sender_address(*packet.sender);
  message.files = peeks ? packet.rights.copy() : packet.rights.take();
  std::unique_ptr<UnixPacket> taken;  // A message that meets a bad address is lost.
  if (!peeks) {
    taken = std::move(packets_.front());
    packets_.pop_front();
  }
  senders_.wake(room_key);
  const std::size_t size = packet.bytes.size();
  const std::size_t n = std::min(to.left(), size);
  if (n < size) message.message_flags |= MSG_TRUNC;
  if (to.put(packet.bytes.data(), n) < n) return SysResult<std::size_t>::failure(EFAULT);
  return (message.flags & MSG_TRUNC) != 0 ? size : n;
}

inline SysResult<void> UnixPacketFile::make_packet(const UserInput& from, Outgoing& message) {
  const std::size_t n = from.left();
  if (n > static_cast<std::size_t>(send_buffer_) - 32) return SysResult<void>::failure(EMSGSIZE);
  if (error_ != 0) return SysResult<void>::failure(take_error());
  if (write_shut_) return SysResult<void>::failure(EPIPE);
  if (!has_room()) return SysResult<void>::failure(EAGAIN);
  if (!UnixPacketSize{n}.can_be_made()) return SysResult<void>::failure(ENOBUFS);
  auto packet = std::make_unique<UnixPacket>(identity_, n);
  if (!message.files.empty()) {
    if (!may_send_files()) return SysResult<void>::failure(ETOOMANYREFS);
    packet->rights = UnixRights{domain_.in_flight, std::move(message.files)};
  }
  packet->bytes.resize(n);
  if (!from.peek(packet->bytes.data(), n)) return SysResult<void>::failure(EFAULT);
  message.held = std::move(packet);
  return {};
}

inline SysResult<std::size_t> UnixPacketFile::send(UserInput& from, Outgoing& message) {
  if (message.held == nullptr) {
    const SysResult<void> checked = check_target(message);
    if (!checked.ok()) return checked;
    const SysResult<void> made = make_packet(from, message);
    if (!made.ok()) return made;
  }
  const SysResult<void> delivered = deliver(message);
  if (!delivered.ok()) return delivered;
  return from.left();
}

inline void UnixPacketFile::push(Outgoing& message, UnixPacketFile& target) {
  target.packets_.emplace_back();  // First, as it may run out of memory.
  release_edge(target);
  target.packets_.back().reset(static_cast<UnixPacket*>(message.held.release()));
  target.queue.wake(data_key);
}

class UnixSeqpacketFile final : public UnixPacketFile {
 public:
  static constexpr FileKind file_kind{
      .name = "unix seqpacket socket", .gathers_writes = true, .is_socket = true, .takes_async = true};

  UnixSeqpacketFile(int status_flags, const UnixDomain& domain)
      : UnixPacketFile(file_kind, SOCK_SEQPACKET, status_flags, domain) {}

  SysResult<std::size_t> receive(UserOutput& to, Incoming& message) override {
    if (state_ != State::connected) return SysResult<std::size_t>::failure(ENOTCONN);
    return UnixPacketFile::receive(to, message);
  }
  SysResult<void> may_send() override {
    if (error_ != 0) return SysResult<void>::failure(take_error());
    return state_ == State::connected ? SysResult<void>{} : SysResult<void>::failure(ENOTCONN);
  }

 private:
  ~UnixSeqpacketFile() override = default;

  [[nodiscard]] FileRef fresh() const override { return FileRef{new UnixSeqpacketFile{O_RDWR, domain_}}; }
  [[nodiscard]] std::size_t readable_bytes() const override {
    std::size_t sum = 0;
    for (const auto& packet : packets()) sum += packet->bytes.size();
    return sum;
  }

  /// An address is ignored.
  SysResult<void> check_target(const Outgoing& message) override {
    const SysResult<void> may = may_send();
    if (may.ok() && (message.flags & MSG_OOB) != 0) return SysResult<void>::failure(EOPNOTSUPP);
    return may;
  }
  SysResult<void> deliver(Outgoing& message) override {
    auto& other = static_cast<UnixSeqpacketFile&>(*peer());  // If it had gone, this end would be shut for writing.
    if (other.read_shut_) return SysResult<void>::failure(EPIPE);
    push(message, other);
    return {};
  }
};

}  // namespace rouse::inline v0::kernel
