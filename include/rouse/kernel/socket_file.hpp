// SocketFile: what the socket calls need of a file. A kind of socket derives from it; what a kind does not override
// fails by name.
#pragma once

#include "file.hpp"
#include "not_modelled.hpp"

#include <string>
#include <string_view>
#include <sys/socket.h>

namespace rouse::inline v0::kernel {

/// An address as the calls carry it: family first. Its length is what the kernel counts.
using AddressBytes = std::string;

/// Whether a call that finds nothing will sleep for it: some sockets answer differently then.
enum class IfEmpty { say_would_block, will_wait };

class SocketFile : public File {
 public:
  using File::File;

  virtual SysResult<void> bind(std::string_view) { refuse("bind"); }
  virtual SysResult<void> listen(int) { refuse("listen"); }
  /// The next connection. EAGAIN if there is none. Precondition: may_accept() said yes.
  virtual SysResult<void> may_accept() const { refuse("accept4"); }
  virtual SysResult<void> accept(IfEmpty, FileRef&) { refuse("accept4"); }
  /// EAGAIN if it would wait: then in `*full`.
  virtual SysResult<void> connect(std::string_view, WaitQueue*&) { refuse("connect"); }
  virtual SysResult<void> shutdown(int) { refuse("shutdown"); }
  [[nodiscard]] virtual AddressBytes local_address() const { refuse("getsockname"); }
  /// Empty if there is no peer.
  [[nodiscard]] virtual AddressBytes peer_address() const { refuse("getpeername"); }
  /// As read and write: EAGAIN means that the call would wait; what was moved so far stands in the span. Who sent it
  /// goes into `*sender`, unless that is null, and stays empty where recvfrom does not say.
  virtual SysResult<std::size_t> receive(UserOutput&, int, IfEmpty, AddressBytes*) { refuse("recvfrom"); }
  virtual SysResult<std::size_t> send(UserInput&, int, bool) { refuse("sendto"); }

  /// Whether getsockopt and setsockopt know this level here; EOPNOTSUPP if not.
  [[nodiscard]] virtual bool has_level(int level) const { return level == SOL_SOCKET; }
  /// An option of one int.
  virtual SysResult<int> option(int level, int name) { return no_option("getsockopt", level, name); }
  virtual SysResult<void> set_option(int level, int name, int) { return no_option("setsockopt", level, name); }

 protected:
  [[noreturn]] void refuse(const char* call) const { throw NotModelled(std::string(call) + " on a " + kind().name); }
  /// ENOPROTOOPT for a number that stands for nothing on Linux either; NotModelled for those that may.
  [[nodiscard]] SysResult<void> no_option(const char* call, int level, int name) const {
    constexpr int numbers_used = 256;
    if (name < 0 || name >= numbers_used) return SysResult<void>::failure(ENOPROTOOPT);
    throw NotModelled(std::string(call) + "(level " + std::to_string(level) + ", option " + std::to_string(name) +
                      ") on a " + kind().name);
  }
};

/// The file as a socket, or null.
[[nodiscard]] inline SocketFile* socket_cast(File* file) {
  return file != nullptr && file->kind().is_socket ? static_cast<SocketFile*>(file) : nullptr;
}

}  // namespace rouse::inline v0::kernel
