// UnixSocketFile: what the sockets of unix(7) have in common, whatever they carry: names, listening and connecting,
// shutdown, the sender's buffer, options.
//
// Modelled: pairs, paths, abstract names, backlog, shutdown, buffers to the byte, passing fds. time limits. Left out,
// by name: credentials and the rarer options.
#pragma once

#include "limits.hpp"
#include "socket_file.hpp"
#include "unix_in_flight.hpp"
#include "unix_names.hpp"

#include <deque>
#include <linux/sockios.h>
#include <memory>
#include <sys/ioctl.h>

namespace rouse::inline v0::kernel {

/// What the unix sockets of one kernel share.
struct UnixDomain {
  FileIds& ids;
  UnixNames& names;
  UnixInFlight& in_flight;
  const Limits& limits;
};

/// What others hold of a socket, and still have when it is closed: a peer, the receiver of its messages.
struct UnixIdentity {
  UnixSocketFile* file;  // Null once it is closed.
  std::string name;      // A path, or a NUL and an abstract name; empty if unnamed.
};

class UnixSocketFile : public SocketFile {
 public:
  /// Makes the two ends of one connection, or two sockets that send to each other. Precondition: both are fresh.
  static void connect_pair(UnixSocketFile& a, UnixSocketFile& b) {
    a.state_ = b.state_ = State::connected;
    a.peer_ = b.identity_;
    b.peer_ = a.identity_;
  }

  [[nodiscard]] inline EventFlags readiness(EventFlags asked) override;
  inline SysResult<int> ioctl(unsigned long request, void* argument) override;
  [[nodiscard]] inline WaitStyle wait_style(Direction direction) const override;
  [[nodiscard]] inline std::string describe() const override;

  inline SysResult<void> bind(std::string_view address) override;
  inline SysResult<void> listen(int backlog) override;
  [[nodiscard]] bool listens() const override { return state_ == State::listening; }
  inline SysResult<void> accept(IfEmpty if_empty, FileRef& accepted) override;
  inline SysResult<void> connect(std::string_view address, WaitQueue*& full) override;
  inline SysResult<void> shutdown(int how) override;
  [[nodiscard]] AddressBytes local_address() const override { return address_of(identity_->name); }
  [[nodiscard]] AddressBytes peer_address() const override {
    return peer_ != nullptr ? address_of(peer_->name) : AddressBytes{};
  }
  inline SysResult<int> option(int level, int name) override;
  inline SysResult<void> set_option(int level, int name, int value) override;
  inline void add_files_held(std::vector<File*>& files) const override;
  inline void discard_messages() override;

  /// SOCK_STREAM and the like.
  [[nodiscard]] int type() const { return type_; }
  /// What was sent from here and not read by who got it, at cost. SIOCOUTQ.
  [[nodiscard]] std::size_t used() const { return used_; }
  /// Null if there is none, or if it is closed.
  [[nodiscard]] UnixSocketFile* peer() const { return peer_ != nullptr ? peer_->file : nullptr; }

  /// A message counts in its sender's buffer from the moment it is made.
  void charge(std::size_t cost) { used_ += cost; }
  /// A message is gone: its sender's waiters are told. Linux looks while the message's last byte is still counted, so
  /// that a socket may be writable, just, and nobody was told.
  void give_back(std::size_t cost) {
    used_ -= cost;
    if (is_writable_with(used_ + 1)) queue.wake(room_key);
  }

 protected:
  enum class State { unconnected, listening, connected };

  UnixSocketFile(const FileKind& kind, int type, int status_flags, const UnixDomain& domain)
      : SocketFile(kind, domain.ids.next(), O_RDWR | status_flags),
        domain_(domain),
        type_(type),
        identity_(std::make_shared<UnixIdentity>(UnixIdentity{this, {}})),
        send_buffer_(domain.limits.wmem_default),
        receive_buffer_(domain.limits.rmem_default) {}
  ~UnixSocketFile() override = default;
  inline void last_close() override;

  /// A socket of the same type, for the other end of a new connection. Precondition: the type has connections.
  [[nodiscard]] virtual FileRef fresh() const { refuse("accept4"); }
  [[nodiscard]] virtual bool has_messages() const = 0;
  /// True if closing now throws away what was sent here.
  [[nodiscard]] virtual bool has_unread() const = 0;
  /// FIONREAD.
  [[nodiscard]] virtual std::size_t readable_bytes() const = 0;
  /// SIOCATMARK, of a stream.
  [[nodiscard]] virtual bool is_at_mark() const { refuse("ioctl"); }
  virtual void add_files_in_messages(std::vector<File*>& files) const = 0;
  /// Throws away what waits to be read; its senders have their buffers back.
  virtual void discard_own_messages() = 0;
  /// The socket is closed: the one that it is connected to is told.
  inline virtual void leave_peer();

  static AddressBytes address_of(const std::string& name);
  /// For recvfrom: a sender without a name is not even named as such.
  static AddressBytes sender_address(const UnixIdentity& sender) {
    return sender.name.empty() ? AddressBytes{} : address_of(sender.name);
  }
  /// The name in an address; nothing (EINVAL) if it is none of a unix socket.
  static bool parse(std::string_view address, std::string& name);
  /// The socket of this type that an address means. Errors: EINVAL, ENOENT, EPROTOTYPE, ECONNREFUSED.
  SysResult<void> find(std::string_view address, UnixSocketFile*& found) const;

  /// Whether `used` bytes at cost leave enough room to be called writable.
  [[nodiscard]] bool is_writable_with(std::size_t used) const {
    return !listens() && (used + 1) * 4 <= static_cast<std::size_t>(send_buffer_);
  }
  [[nodiscard]] bool has_room() const { return used_ < static_cast<std::size_t>(send_buffer_); }
  [[nodiscard]] int take_error() { return std::exchange(error_, 0); }
  /// ETOOMANYREFS if more files are in messages than the process may have open. Linux counts per user.
  [[nodiscard]] bool may_send_files() const { return domain_.in_flight.count() <= domain_.limits.nofile_soft; }

  const UnixDomain domain_;
  const int type_;
  const std::shared_ptr<UnixIdentity> identity_;
  std::shared_ptr<UnixIdentity> peer_;  // Stays when the peer is closed.
  State state_ = State::unconnected;
  bool read_shut_ = false;
  bool write_shut_ = false;
  int error_ = 0;  // Pending, for the next call that asks.
  bool inline_urgent_ = false;
  int send_buffer_;
  std::size_t receive_least_ = 1;  // SO_RCVLOWAT: what a read of a stream waits for; nobody else minds.
  /// Tasks that wait for room here, first come first told: connects in a listener's, senders in a receiver's.
  WaitQueue senders_;

 private:
  [[nodiscard]] bool is_connection_oriented() const { return type_ != SOCK_DGRAM; }
  /// The peer is gone: nothing more can be sent or will come.
  void peer_closed(bool lost_messages);

  std::size_t used_ = 0;
  int receive_buffer_;
  bool is_pending_ = false;     // In a listener's queue still.
  std::uint32_t booleans_ = 0;  // Options that are kept and have no effect here.

  // Listening.
  std::deque<FileRef> pending_;
  unsigned backlog_ = 0;
};

/// The file as a unix socket; null if it is none.
[[nodiscard]] inline UnixSocketFile* unix_socket_cast(File* file) {
  const bool is_unix = file->kind().is_socket && !file->kind().is_inet;
  return is_unix ? static_cast<UnixSocketFile*>(file) : nullptr;
}

}  // namespace rouse::inline v0::kernel

#include "unix_socket_calls.hpp"
