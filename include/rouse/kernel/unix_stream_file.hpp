// UnixStreamFile: a stream socket of unix(7): one end of a connection, or a listener, whose queue holds the other ends
// until they are accepted.
//
// Modelled: pairs, paths, abstract names, backlog, shutdown, the sender's buffer to the byte, the urgent byte. Left
// out, by name: passing fds and credentials, time-outs and the rarer options.
#pragma once

#include "socket_file.hpp"
#include "unix_chunks.hpp"
#include "unix_names.hpp"

#include <deque>
#include <linux/sockios.h>
#include <sys/ioctl.h>

namespace rouse::inline v0::kernel {

class UnixStreamFile final : public SocketFile {
 public:
  static constexpr FileKind file_kind{
      .name = "unix stream socket", .gathers_writes = true, .is_socket = true, .takes_async = true};

  UnixStreamFile(FileIds& ids, int status_flags, UnixNames& names, const Limits& limits)
      : SocketFile(file_kind, ids.next(), O_RDWR | status_flags),
        ids_(ids),
        names_(names),
        limits_(limits),
        send_buffer_(limits.wmem_default),
        receive_buffer_(limits.rmem_default) {}

  /// Makes the two ends of one connection. Precondition: both are fresh.
  static void connect_pair(UnixStreamFile& a, UnixStreamFile& b) {
    a.state_ = b.state_ = State::connected;
    a.peer_ = &b;
    b.peer_ = &a;
  }

  [[nodiscard]] EventFlags readiness() override;
  SysResult<std::size_t> read(UserOutput& to) override { return receive(to, 0, IfEmpty::say_would_block, nullptr); }
  SysResult<std::size_t> write(UserInput& from) override { return send(from, 0, false); }
  SysResult<int> ioctl(unsigned long request, void* argument) override;
  [[nodiscard]] WaitStyle wait_style(Direction direction) const override;
  [[nodiscard]] std::string describe() const override;

  SysResult<void> bind(std::string_view address) override;
  SysResult<void> listen(int backlog) override;
  SysResult<void> may_accept() const override;
  SysResult<void> accept(IfEmpty if_empty, FileRef& accepted) override;
  SysResult<void> connect(std::string_view address, WaitQueue*& full) override;
  SysResult<void> shutdown(int how) override;
  [[nodiscard]] AddressBytes local_address() const override { return address_of(name_); }
  [[nodiscard]] AddressBytes peer_address() const override {
    if (state_ != State::connected) return {};
    return address_of(peer_ != nullptr ? peer_->name_ : peer_name_);
  }
  SysResult<std::size_t> receive(UserOutput& to, int flags, IfEmpty if_empty, AddressBytes* sender) override;
  SysResult<std::size_t> send(UserInput& from, int flags, bool has_address) override;
  SysResult<int> option(int level, int name) override;
  SysResult<void> set_option(int level, int name, int value) override;

  /// What was sent from here and not read by the peer, at cost. SIOCOUTQ.
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] const UnixStreamFile* peer() const { return peer_; }
  [[nodiscard]] const UnixChunks& chunks() const { return chunks_; }

 private:
  enum class State { unconnected, listening, connected };

  ~UnixStreamFile() override = default;
  void last_close() override;

  static AddressBytes address_of(const std::string& name);
  /// The name in an address; nothing (EINVAL) if it is none of a unix socket.
  static bool parse(std::string_view address, std::string& name);

  [[nodiscard]] UnixNames::Key key() const { return UnixNames::key(SOCK_STREAM, name_); }
  /// Whether `used` bytes at cost leave enough room to be called writable.
  [[nodiscard]] bool is_writable_with(std::size_t used) const {
    return state_ != State::listening && (used + 1) * 4 <= static_cast<std::size_t>(send_buffer_);
  }
  [[nodiscard]] int take_error() { return std::exchange(error_, 0); }
  /// A chunk is gone: its sender's waiters are told. Linux looks while the chunk's last byte is still counted, so that
  /// a socket may be writable, just, and nobody was told.
  void give_back(std::size_t cost) {
    used_ -= cost;
    if (is_writable_with(used_ + 1)) queue.wake(room_key);
  }
  /// For recvfrom: a peer without a name is not even named as such.
  [[nodiscard]] AddressBytes sender_address() const {
    const std::string& name = peer_ != nullptr ? peer_->name_ : peer_name_;
    return name.empty() ? AddressBytes{} : address_of(name);
  }
  /// The peer is gone: nothing more can be sent or will come.
  void peer_closed(const std::string& its_name, bool lost_bytes);
  SysResult<std::size_t> receive_urgent(UserOutput& to, int flags);
  SysResult<bool> send_chunk(UserInput& from, std::size_t n, bool urgent);

  static constexpr EventFlags data_key{EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND};
  static constexpr EventFlags room_key{EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND};

  FileIds& ids_;
  UnixNames& names_;
  const Limits& limits_;

  State state_ = State::unconnected;
  bool read_shut_ = false;
  bool write_shut_ = false;
  bool owns_name_ = false;  // A socket that was accepted carries its listener's name and does not own it.
  std::string name_;        // A path, or a NUL and an abstract name; empty if unnamed.
  int error_ = 0;           // Pending, for the next call that asks.
  bool inline_urgent_ = false;
  std::uint32_t booleans_ = 0;  // Options that are kept and have no effect here.

  // Connected.
  UnixStreamFile* peer_ = nullptr;  // Null once it is closed.
  std::string peer_name_;           // Its name, after it is closed.
  bool is_pending_ = false;         // In a listener's queue still.
  UnixChunks chunks_;               // What came from the peer.
  std::size_t used_ = 0;
  int send_buffer_;
  int receive_buffer_;

  // Listening.
  std::deque<FileRef> pending_;
  unsigned backlog_ = 0;
  WaitQueue connectors_;  // Tasks whose connect waits for room, first come first told.
};

}  // namespace rouse::inline v0::kernel

#include "unix_stream_calls.hpp"
