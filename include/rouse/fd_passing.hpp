// FdPassing: pairs of unix sockets, and fds that go along with their bytes. unix(7), SCM_RIGHTS.
#pragma once

#include "detail/dependent_type.hpp"
#include "socket_transfer.hpp"

#include <concepts>
#include <cstring>

namespace rouse::inline v0 {

/// How many fds one message can carry; more are EINVAL.
inline constexpr std::size_t passed_fds_max = 253;

/// Where received fds go: a std::vector<OwnedFd>, or what is used as it is.
template <class Fds, class B>
concept FdCollection = requires(Fds& fds, const B& backend) {
  { fds.size() } -> std::convertible_to<std::size_t>;
  fds.reserve(fds.size());
  fds.emplace_back(backend, 0);
};

/// What came of a message beside its fds.
struct ReceivedWithFds {
  std::size_t size = 0;     ///< How many bytes were stored; 0 when the peer sends no more, or for an empty datagram.
  std::size_t fds = 0;      ///< How many fds were added.
  bool lost_bytes = false;  ///< Some of a datagram did not fit. MSG_TRUNC.
  bool lost_fds = false;    ///< More fds came than were asked for or than this process may have. MSG_CTRUNC.

  friend bool operator==(const ReceivedWithFds&, const ReceivedWithFds&) = default;
};

/// Over `Base`, what unix sockets of that type have beyond others: pairs, and passing fds. Passed fds are new numbers
/// for the same open file descriptions, close-on-exec.
template <class Base, SocketType type>
class FdPassing : public Base {
  using B = typename Base::BackendType;
  using Derived = typename Base::HandleType;
  using WithFds = detail::DependentType<ReceivedWithFds, B>;

 public:
  /// Two that are connected to each other. socketpair(2). Errors: EMFILE.
  [[nodiscard]] static std::pair<Derived, Derived> pair(B backend, SocketFlags flags = default_socket_flags,
                                                        CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return Base::template pair_of<Derived>(backend, type, flags);
  }
  [[nodiscard]] static std::pair<Derived, Derived> pair(
      SocketFlags flags = default_socket_flags,
      CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B> {
    return pair(B{}, flags, site);
  }
  /// As above; two closed handles if `ec` is set.
  [[nodiscard]] static std::pair<Derived, Derived> pair(B backend, SocketFlags flags, std::error_code& ec,
                                                        CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return Base::template pair_of<Derived>(backend, type, flags, ec);
  }

  using Fds = std::span<const BasicFdRef<B>>;

  /// Sends all of `from`, as send() does, and the fds along with its first byte. They stay open here, and may be closed
  /// at once: the message has its own. sendmsg(2). Errors: as send; EINVAL for more than passed_fds_max, ETOOMANYREFS
  /// for more in flight than this user may have open. Precondition: on a stream, there are bytes.
  std::size_t send_with(ConstBuffer from, Fds fds, MessageFlags flags = {},
                        CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    std::size_t done = 0;
    return this->value_or_throw(send_all_with(from, fds, flags, done), "sendmsg");
  }
  /// As above; if `ec` is set, returns how much was sent until then: the fds went if it is not 0.
  std::size_t send_with(ConstBuffer from, Fds fds, MessageFlags flags, std::error_code& ec,
                        CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    std::size_t done = 0;
    static_cast<void>(detail::report(send_all_with(from, fds, flags, done), ec));
    return done;
  }
  std::size_t send_with(ConstBuffer from, Fds fds, std::error_code& ec,
                        CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    return send_with(from, fds, {}, ec, site);
  }
  /// One fd.
  std::size_t send_with(ConstBuffer from, BasicFdRef<B> fd, MessageFlags flags = {},
                        CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    return send_with(from, Fds{&fd, 1}, flags, site);
  }
  std::size_t send_with(ConstBuffer from, BasicFdRef<B> fd, MessageFlags flags, std::error_code& ec,
                        CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    return send_with(from, Fds{&fd, 1}, flags, ec, site);
  }
  /// Sends what fits now, with all of the fds, and says how many bytes; nothing if nothing does, and then no fd went.
  /// Never waits, whatever the socket's mode.
  [[nodiscard]] std::optional<std::size_t> try_send_with(ConstBuffer from, Fds fds, MessageFlags flags = {},
                                                         CallSiteFor<B> site = CallSite::current()) requires
      MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return this->value_if_ready(send_with_once(from, fds, flags | MessageFlags::dontwait), "sendmsg");
  }
  [[nodiscard]] std::optional<std::size_t> try_send_with(
      ConstBuffer from, Fds fds, MessageFlags flags, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    return detail::report_if_ready(send_with_once(from, fds, flags | MessageFlags::dontwait), ec);
  }

  /// Takes up to `into.size()` bytes, waiting for the first one, and adds the fds that came along to `fds`, at most
  /// `fds_max` of them: the rest is closed, and `lost_fds` says so. Of a stream, bytes before and after those that fds
  /// were sent with come with separate calls. recvmsg(2), with MSG_CMSG_CLOEXEC. Errors: as receive.
  template <FdCollection<B> OwnedFds>
  ReceivedWithFds receive_with(MutableBuffer into, OwnedFds& fds, std::size_t fds_max = passed_fds_max,
                               MessageFlags flags = {},
                               CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    ReceivedWithFds got;
    this->value_or_throw(receive_with_waiting(got, into, fds, fds_max, flags), "recvmsg");
    return got;
  }
  /// Nothing was added to `fds` if `ec` is set.
  template <FdCollection<B> OwnedFds>
  ReceivedWithFds receive_with(MutableBuffer into, OwnedFds& fds, std::size_t fds_max, MessageFlags flags,
                               std::error_code& ec,
                               CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    ReceivedWithFds got;
    static_cast<void>(detail::report(receive_with_waiting(got, into, fds, fds_max, flags), ec));
    return got;
  }
  template <FdCollection<B> OwnedFds>
  ReceivedWithFds receive_with(MutableBuffer into, OwnedFds& fds, std::error_code& ec,
                               CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    return receive_with(into, fds, passed_fds_max, {}, ec, site);
  }
  /// As receive_with, of what is there; nothing if there is nothing yet. Never waits, whatever the socket's mode.
  template <FdCollection<B> OwnedFds>
  [[nodiscard]] std::optional<WithFds> try_receive_with(
      MutableBuffer into, OwnedFds& fds, std::size_t fds_max = passed_fds_max, MessageFlags flags = {},
      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    ReceivedWithFds got;
    const auto received = receive_with_once(got, into, fds, fds_max, flags | MessageFlags::dontwait);
    if (!this->value_if_ready(received, "recvmsg")) return std::nullopt;
    return got;
  }
  template <FdCollection<B> OwnedFds>
  [[nodiscard]] std::optional<WithFds> try_receive_with(
      MutableBuffer into, OwnedFds& fds, std::size_t fds_max, MessageFlags flags, std::error_code& ec,
      CallSiteFor<B> site = CallSite::current()) requires MessageBackend<B> {
    const detail::CallScopeFor<B> scope{site};
    ReceivedWithFds got;
    const auto received = receive_with_once(got, into, fds, fds_max, flags | MessageFlags::dontwait);
    if (!detail::report_if_ready(received, ec)) return std::nullopt;
    return got;
  }

 protected:
  using Base::Base;

 private:
  // Room for one control message of the most fds. Not initialised: only what is used of it is.
  struct Control {
    alignas(::cmsghdr) char bytes[CMSG_SPACE(passed_fds_max * sizeof(int))];
  };

  SysResult<std::size_t> send_with_once(ConstBuffer from, Fds fds, MessageFlags flags) const {
    ROUSE_ASSERT(from.size() != 0 || fds.empty() || type != SocketType::stream,
                 "send_with: fds without a byte to go along with");
    if (fds.size() > passed_fds_max) return SysResult<std::size_t>::failure(EINVAL);
    ::msghdr message = detail::message_of(std::span<const ConstBuffer>{&from, 1});
    Control control;
    if (!fds.empty()) put(control, message, fds);
    return this->send_message(message, flags);
  }
  SysResult<std::size_t> send_all_with(ConstBuffer from, Fds fds, MessageFlags flags, std::size_t& done) const {
    return this->waiting_for_all(POLLOUT, from.size(), done, [&] {
      return done == 0 ? send_with_once(from, fds, flags) : this->send_once(from.from(done), flags);
    });
  }
  void put(Control& control, ::msghdr& message, Fds fds) const {
    ::cmsghdr header{};
    header.cmsg_level = SOL_SOCKET;
    header.cmsg_type = SCM_RIGHTS;
    header.cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(control.bytes, &header, sizeof header);
    char* at = control.bytes + CMSG_LEN(0);
    for (const BasicFdRef<B>& fd : fds) {
      ROUSE_ASSERT(fd.backend() == this->backend(), "send_with: an fd of another kernel");
      const int number = fd.get();
      std::memcpy(at, &number, sizeof number);
      at += sizeof number;
    }
    message.msg_control = control.bytes;
    message.msg_controllen = header.cmsg_len;
  }

  template <class OwnedFds>
  SysResult<std::size_t> receive_with_once(ReceivedWithFds& got, MutableBuffer into, OwnedFds& fds, std::size_t fds_max,
                                           MessageFlags flags) const {
    const std::size_t room = fds_max < passed_fds_max ? fds_max : passed_fds_max;
    fds.reserve(fds.size() + room);  // Before there is anything to lose.
    ::msghdr message = detail::message_of(std::span<const MutableBuffer>{&into, 1});
    Control control;
    if (room != 0) {
      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_LEN(room * sizeof(int));  // Not CMSG_SPACE, whose padding has room for one more.
    }
    const SysResult<std::size_t> received = this->receive_message(message, flags | MessageFlags{MSG_CMSG_CLOEXEC});
    if (!received.ok()) return received;
    got.size = received.value() < into.size() ? received.value() : into.size();
    got.fds = take(message, fds);
    got.lost_bytes = (message.msg_flags & MSG_TRUNC) != 0;
    got.lost_fds = (message.msg_flags & MSG_CTRUNC) != 0;
    return received;
  }
  template <class OwnedFds>
  SysResult<std::size_t> receive_with_waiting(ReceivedWithFds& got, MutableBuffer into, OwnedFds& fds,
                                              std::size_t fds_max, MessageFlags flags) const {
    return this->waiting(POLLIN, [&] { return receive_with_once(got, into, fds, fds_max, flags); });
  }
  /// Of all control messages: somebody may have asked the socket for others, and an fd that nobody takes stays open.
  template <class OwnedFds>
  std::size_t take(const ::msghdr& message, OwnedFds& fds) const {
    const std::size_t before = fds.size();
    const char* const control = static_cast<const char*>(message.msg_control);
    ::cmsghdr header;
    for (std::size_t at = 0; at + sizeof header <= message.msg_controllen;) {
      std::memcpy(&header, control + at, sizeof header);
      const std::size_t bytes = header.cmsg_len - CMSG_LEN(0);
      if (header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS) {
        for (std::size_t i = 0; i < bytes; i += sizeof(int)) {
          int number;
          std::memcpy(&number, control + at + CMSG_LEN(i), sizeof number);
          fds.emplace_back(this->backend(), number);
        }
      }
      at += CMSG_SPACE(bytes);
    }
    return fds.size() - before;
  }
};

}  // namespace rouse::inline v0
