// RawSockets: raw calls on sockets of one family and type, in the words of the cases: bytes are text, and what fails
// is an errno.
#pragma once

#include "backends.hpp"
#include "poll_bits.hpp"
#include "sigpipe.hpp"

#include <cstring>
#include <linux/sockios.h>
#include <ostream>
#include <string>
#include <string_view>
#include <sys/ioctl.h>

namespace test {

/// What a receive returned, and the bytes it put there.
struct Received {
  rouse::SysResult<std::size_t> result;
  std::string bytes;

  friend bool operator==(const Received&, const Received&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Received& r) {
    return out << r.result << " \"" << r.bytes << '"';
  }
};

[[nodiscard]] inline Received text(std::string bytes) {
  const std::size_t n = bytes.size();
  return {n, std::move(bytes)};
}
[[nodiscard]] inline Received nothing(int error) { return {rouse::SysResult<std::size_t>::failure(error), ""}; }
[[nodiscard]] inline Received end_of_stream() { return text(""); }

/// What calls return that move no bytes, and what those return that do.
[[nodiscard]] inline rouse::SysResult<void> failed(int error) { return rouse::SysResult<void>::failure(error); }
[[nodiscard]] inline rouse::SysResult<std::size_t> unsent(int error) { return nothing(error).result; }

/// The key of a wakeup that says "there is data", and of one that says "there is room".
inline constexpr rouse::EventFlags data_key =
    rouse::EventFlags::in | rouse::EventFlags::pri | rouse::EventFlags::rdnorm | rouse::EventFlags::rdband;
inline constexpr rouse::EventFlags room_key =
    rouse::EventFlags::out | rouse::EventFlags::wrnorm | rouse::EventFlags::wrband;

template <class On>
class RawSockets {
  using EventFlags = rouse::EventFlags;

 public:
  using Fd = typename Handles<On>::OwnedFd;

  RawSockets(const On& on, int family, int type) : backend_(on.backend), family_(family), type_(type) {}

  /// A socket; non-blocking unless told otherwise.
  [[nodiscard]] Fd fresh(int flags = SOCK_NONBLOCK) const {
    return Fd{backend_, backend_.socket(family_, type_ | flags, 0).value()};
  }
  [[nodiscard]] Fd listener(const std::string& address, int backlog, int flags = SOCK_NONBLOCK) const {
    Fd socket = fresh(flags);
    bind(socket, address).value();
    backend_.listen(socket.get(), backlog).value();
    return socket;
  }
  [[nodiscard]] Fd connected(const std::string& address, int flags = SOCK_NONBLOCK) const {
    Fd socket = fresh(flags);
    connect(socket, address).value();
    return socket;
  }
  [[nodiscard]] Fd accepted(const Fd& listener, int flags = SOCK_NONBLOCK) const {
    return Fd{backend_, backend_.accept4(listener.get(), nullptr, nullptr, flags).value()};
  }

  rouse::SysResult<void> bind(const Fd& fd, const std::string& address) const {
    return backend_.bind(fd.get(), raw(address), size(address));
  }
  rouse::SysResult<void> connect(const Fd& fd, const std::string& address) const {
    return backend_.connect(fd.get(), raw(address), size(address));
  }
  rouse::SysResult<void> shutdown(const Fd& fd, int how) const { return backend_.shutdown(fd.get(), how); }

  /// Never raises SIGPIPE.
  rouse::SysResult<std::size_t> send(const Fd& fd, std::string_view bytes, int flags = 0) const {
    return backend_.sendto(fd.get(), bytes.data(), bytes.size(), flags | MSG_NOSIGNAL, nullptr, 0);
  }
  /// To an address.
  rouse::SysResult<std::size_t> send_to(const Fd& fd, std::string_view bytes, const std::string& to,
                                        int flags = 0) const {
    return backend_.sendto(fd.get(), bytes.data(), bytes.size(), flags | MSG_NOSIGNAL, raw(to), size(to));
  }
  [[nodiscard]] Received receive(const Fd& fd, std::size_t n = 100, int flags = 0) const {
    return receive(fd.get(), n, flags);
  }
  [[nodiscard]] Received receive(int fd, std::size_t n, int flags) const {
    std::string bytes(n + 1, '\0');  // One more, so that there is an address for 0 bytes too.
    const auto result = backend_.recvfrom(fd, bytes.data(), n, flags, nullptr, nullptr);
    bytes.resize(result.ok() ? std::min(result.value(), n) : 0);
    return {result, bytes};
  }

  /// What poll(2) shows of `asked`.
  [[nodiscard]] EventFlags bits(const Fd& fd, EventFlags asked = EventFlags::in | EventFlags::out | EventFlags::pri |
                                                                 EventFlags::rdhup) const {
    ::pollfd entry{fd.get(), static_cast<short>(asked.bits), 0};
    static_cast<void>(backend_.poll(&entry, 1, 0));
    return EventFlags{static_cast<unsigned short>(entry.revents)};
  }
  /// Of all there is to ask for.
  [[nodiscard]] EventFlags all_bits(const Fd& fd) const { return poll_bits(backend_, fd.get()); }

  /// What was sent and not read by the peer yet, at cost.
  [[nodiscard]] int in_flight(const Fd& fd) const { return asked(fd, SIOCOUTQ); }
  /// Of TCP: what of that has not been sent at all.
  [[nodiscard]] int to_be_sent(const Fd& fd) const { return asked(fd, rouse::kernel::siocoutqnsd); }
  [[nodiscard]] int readable(const Fd& fd) const { return asked(fd, FIONREAD); }
  [[nodiscard]] bool is_at_mark(const Fd& fd) const { return asked(fd, SIOCATMARK) != 0; }

  [[nodiscard]] int option(const Fd& fd, int name) const {
    int value = -1;
    ::socklen_t n = sizeof value;
    backend_.getsockopt(fd.get(), SOL_SOCKET, name, &value, &n).value();
    return value;
  }
  rouse::SysResult<void> set_option(const Fd& fd, int name, int value) const {
    return backend_.setsockopt(fd.get(), SOL_SOCKET, name, &value, sizeof value);
  }
  /// The pending error, which asking takes away.
  [[nodiscard]] int take_error(const Fd& fd) const { return option(fd, SO_ERROR); }

  static const ::sockaddr* raw(const std::string& address) {
    return reinterpret_cast<const ::sockaddr*>(address.data());
  }
  static ::socklen_t size(const std::string& address) { return static_cast<::socklen_t>(address.size()); }

  /// What an ioctl tells as a number; -1 if it fails.
  [[nodiscard]] int asked(const Fd& fd, unsigned long request) const {
    int value = -1;
    static_cast<void>(backend_.ioctl(fd.get(), request, &value));
    return value;
  }

 protected:
  typename On::Backend backend_;
  int family_;
  int type_;
};

}  // namespace test
