// SocketFile: what the socket calls need of a file. A kind of socket derives from it; what a kind does not override
// fails by name.
#pragma once

#include "file.hpp"
#include "not_modelled.hpp"
#include "user_memory.hpp"
#include "wait_limit.hpp"

#include <algorithm>
#include <linux/sockios.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <vector>

namespace rouse::inline v0::kernel {

/// An address as the calls carry it: family first. Its length is what the kernel counts.
using AddressBytes = std::string;

/// Whether a call that finds nothing will sleep for it: some sockets answer differently then.
enum class IfEmpty { say_would_block, will_wait };

/// A message that was made and waits to be sent: it counts in its sender's buffer until it goes.
struct HeldMessage {
  HeldMessage() = default;
  HeldMessage(const HeldMessage&) = delete;
  HeldMessage& operator=(const HeldMessage&) = delete;
  virtual ~HeldMessage() = default;
};

/// What a send carries beside its bytes, and what it keeps while it waits.
struct Outgoing {
  int flags = 0;
  IfEmpty if_full = IfEmpty::say_would_block;
  AddressBytes address;               // Empty for none,
  bool has_empty_address = false;     // or for one without bytes, which only sendto can have.
  std::string_view control;           // For those who take no files.
  std::vector<FileRef> files;         // SCM_RIGHTS; the first part that goes takes them along.
  std::unique_ptr<HeldMessage> held;  // Waits for room in another socket's queue,
  WaitQueue* elsewhere = nullptr;     // which is this one; null if it is its own that it waits in.

  [[nodiscard]] bool has_address() const { return !address.empty() || has_empty_address; }
};

/// What a receive asks for, and what it is told beside the bytes.
struct Incoming {
  int flags = 0;
  IfEmpty if_empty = IfEmpty::say_would_block;
  bool wants_sender = false;
  std::uint64_t peek_base = 0;  // Where a peek of a byte stream began that has slept since: others may have read on,
  std::uint64_t peek_at = 0;    // and where it goes on.
  AddressBytes sender;          // Stays empty where Linux does not say.
  int message_flags = 0;        // MSG_TRUNC.
  std::vector<FileRef> files;   // SCM_RIGHTS.

  /// EAGAIN to who may wait, too.
  [[nodiscard]] SysResult<std::size_t> nothing_to_wait_for() {
    if_empty = IfEmpty::say_would_block;
    return SysResult<std::size_t>::failure(EAGAIN);
  }
};

class UnixInFlight;
struct InFlight;

class SocketFile : public File, public detail::ListLink<SocketFile, InFlight> {
 public:
  using File::File;

  // What a socket does reaches others, by names, ports, connections and packets: they are taken for one.
  [[nodiscard]] Object object() const override { return Object::file(0); }
  [[nodiscard]] Access asking() const override { return Access::write; }

  virtual SysResult<void> bind(std::string_view) { refuse("bind"); }
  virtual SysResult<void> listen(int) { refuse("listen"); }
  /// True after listen(2).
  [[nodiscard]] virtual bool listens() const { return false; }
  /// The next connection. EAGAIN if there is none, EINVAL if it does not listen, EOPNOTSUPP if none of its kind does.
  virtual SysResult<void> accept(IfEmpty, FileRef&) { refuse("accept4"); }
  /// EAGAIN if it would wait: then in `*full`, or in its own queue if that is null. EINPROGRESS if it does not wait and
  /// goes on by itself.
  virtual SysResult<void> connect(std::string_view, WaitQueue*&) { refuse("connect"); }
  /// The same, for a call that has slept in it.
  virtual SysResult<void> connect_again(std::string_view address, WaitQueue*& full) { return connect(address, full); }
  /// How often it was disconnected. Whoever receives or connects, and finds when it wakes that it was, says EPIPE.
  [[nodiscard]] std::uint32_t times_disconnected() const { return times_disconnected_; }
  /// What it comes to if it would still wait when its time is up.
  [[nodiscard]] virtual int connect_unfinished() const { return EAGAIN; }
  virtual SysResult<void> shutdown(int) { refuse("shutdown"); }
  [[nodiscard]] virtual AddressBytes local_address() const { refuse("getsockname"); }
  /// Empty if there is no peer.
  [[nodiscard]] virtual AddressBytes peer_address() const { refuse("getpeername"); }
  /// What accept tells of a connection, which may be over already.
  [[nodiscard]] virtual AddressBytes accepted_address() const { return peer_address(); }
  /// As read and write: EAGAIN means that the call would wait; what was moved so far stands in the span.
  virtual SysResult<std::size_t> receive(UserOutput&, Incoming&) { refuse("recvfrom"); }
  virtual SysResult<std::size_t> send(UserInput&, Outgoing&) { refuse("sendto"); }
  SysResult<std::size_t> read(UserOutput& to) override {
    Incoming message;
    return receive(to, message);
  }
  SysResult<std::size_t> write(UserInput& from) override {
    Outgoing message;
    return send(from, message);
  }
  /// True if a receive of no bytes that slept comes to 0 whatever woke it, be it a signal; but for a disconnect.
  [[nodiscard]] virtual bool waits_once_for_nothing() const { return false; }
  /// What a send is refused for before anybody looks at its control messages.
  virtual SysResult<void> may_send() { return {}; }

  /// The files inside messages that wait here, each as often as it is there; and a way to be rid of those messages.
  virtual void add_files_held(std::vector<File*>&) const {}
  virtual void discard_messages() {}

  /// How long a call may wait for this direction: what accept waits for is read, and what connect does, is written.
  [[nodiscard]] const WaitLimit& wait_limit(Direction direction) const {
    return direction == Direction::read ? receive_limit_ : send_limit_;
  }
  void set_wait_limit(Direction direction, const WaitLimit& limit) {
    (direction == Direction::read ? receive_limit_ : send_limit_) = limit;
  }
  [[nodiscard]] bool may_wait(Direction direction) const {
    return !is_nonblocking() && wait_limit(direction).may_wait();
  }

  /// SO_LINGER.
  [[nodiscard]] virtual ::linger linger() const { return linger_; }
  virtual void set_linger(::linger to) { linger_ = to; }

  /// Its last fd is gone, and SO_LINGER is on: true if there is something to wait for, until has_left().
  virtual bool begins_to_leave() { return false; }
  [[nodiscard]] virtual bool has_left() const { refuse("close"); }

  /// Whether getsockopt (read) and setsockopt (write) know this level here: 0, or what they say if not.
  [[nodiscard]] virtual int check_level(Direction, int level) const { return level == SOL_SOCKET ? 0 : EOPNOTSUPP; }
  /// An option of one int.
  virtual SysResult<int> option(int level, int name) { return no_option("getsockopt", level, name); }
  virtual SysResult<void> set_option(int level, int name, int) { return no_option("setsockopt", level, name); }

 protected:
  /// What SO_SNDBUF and SO_RCVBUF make of a size. Linux compares unsigned, so a negative one is a very large one.
  [[nodiscard]] static int buffer_size(int asked, int least, int most) {
    return std::max(least, 2 * static_cast<int>(std::min(static_cast<unsigned>(asked), static_cast<unsigned>(most))));
  }
  void note_disconnected() { ++times_disconnected_; }
  [[noreturn]] void refuse(const char* call) const { throw NotModelled(std::string(call) + " on a " + kind().name); }
  /// What ioctl says of requests that no kind of socket has an answer to: of those for sockets, Linux looks whether
  /// they might be for a device.
  [[nodiscard]] SysResult<int> other_request(unsigned long request, const void* argument) const {
    switch (request) {
      case FIOSETOWN:
      case SIOCSPGRP:
      case FIOGETOWN:
      case SIOCGPGRP:
      case SIOCGIFNAME:
      case SIOCGIFCONF: throw NotModelled("ioctl request " + std::to_string(request) + " on a " + kind().name);
    }
    constexpr std::size_t device_request = 40;  // struct ifreq.
    const bool is_for_sockets = (request >> 8 & 0xff) == 0x89;
    constexpr unsigned long devices_begin = 0x8906;  // SIOCGSTAMP, and routes, devices and neighbours.
    constexpr unsigned long devices_end = 0x8990;
    if (request >= devices_begin && request < devices_end) {
      throw NotModelled("ioctl request " + std::to_string(request) + " on a " + kind().name);
    }
    const bool is_bad = is_for_sockets && !can_read_user(argument, device_request);
    return SysResult<int>::failure(is_bad ? EFAULT : ENOTTY);
  }
  /// ENOPROTOOPT for a number that stands for nothing on Linux either; NotModelled for those that may.
  [[nodiscard]] SysResult<void> no_option(const char* call, int level, int name) const {
    constexpr int numbers_used = 256;
    if (name < 0 || name >= numbers_used) return SysResult<void>::failure(ENOPROTOOPT);
    throw NotModelled(std::string(call) + "(level " + std::to_string(level) + ", option " + std::to_string(name) +
                      ") on a " + kind().name);
  }

 private:
  friend class UnixInFlight;
  WaitLimit receive_limit_;
  WaitLimit send_limit_;
  ::linger linger_{0, 0};
  std::uint32_t times_disconnected_ = 0;
  std::uint32_t times_in_flight_ = 0;  // How many of its references are inside messages.
};

/// The file as a socket, or null.
[[nodiscard]] inline SocketFile* socket_cast(File* file) {
  return file != nullptr && file->kind().is_socket ? static_cast<SocketFile*>(file) : nullptr;
}

}  // namespace rouse::inline v0::kernel
