// The calls that move messages over sockets: sendto, recvfrom, sendmsg, recvmsg.
#pragma once

#include "socket_waiting.hpp"
#include "syscalls_io.hpp"

#include <cstddef>
#include <cstring>
#include <sys/socket.h>

namespace rouse::inline v0::kernel::sys {

namespace detail_socket {

inline constexpr int rights_max = 253;  // SCM_MAX_FD.

/// An address from the caller's memory, as bytes. Errors: EINVAL, EFAULT.
inline SysResult<void> get_address(AddressBytes& to, const ::sockaddr* from, ::socklen_t n) {
  if (n > sizeof(::sockaddr_storage)) return SysResult<void>::failure(EINVAL);
  if (!can_read_user(from, n)) return SysResult<void>::failure(EFAULT);
  to.resize(n);
  detail::copy_from_user(to.data(), from, n);
  return {};
}

/// An address into the caller's memory, cut to the room there; its full length goes where `n` points.
inline SysResult<void> put_address(void* to, void* n, const AddressBytes& address) {
  ::socklen_t room = 0;
  if (!get_user(room, n)) return SysResult<void>::failure(EFAULT);
  if (static_cast<int>(room) < 0) return SysResult<void>::failure(EINVAL);
  const std::size_t copied = std::min<std::size_t>(room, address.size());
  if (!put_user(n, static_cast<::socklen_t>(address.size()))) return SysResult<void>::failure(EFAULT);
  return put_bytes(to, address.data(), copied) ? SysResult<void>{} : SysResult<void>::failure(EFAULT);
}

/// The socket behind an fd. Errors: EBADF, ENOTSOCK.
inline SysResult<void> get_socket(const Kernel& kernel, int fd, SocketFile*& socket) {
  File* const file = kernel.file(fd);
  if (file == nullptr) return SysResult<void>::failure(EBADF);
  socket = socket_cast(file);
  return socket != nullptr ? SysResult<void>{} : SysResult<void>::failure(ENOTSOCK);
}

/// Sends; a stream that nobody can read raises SIGPIPE, unless the message says otherwise.
inline SysResult<std::size_t> send_or_signal(Kernel& kernel, SocketFile& socket, const Op& op, UserInput& from,
                                             Outgoing& message) {
  const SysResult<std::size_t> sent = send(kernel, socket, op, from, message);
  if (from.is_broken() && (message.flags & MSG_NOSIGNAL) == 0) kernel.signals.send_sigpipe();
  return sent;
}

/// The header of sendmsg and recvmsg and its vectors; returns how many bytes those have. Errors: EFAULT, EINVAL,
/// EMSGSIZE.
inline SysResult<std::size_t> get_message(::msghdr& header, IoVectors& vectors, const ::msghdr* user,
                                          AddressBytes* address) {
  using Size = SysResult<std::size_t>;
  if (!get_user(header, user)) return Size::failure(EFAULT);
  if (header.msg_name == nullptr) header.msg_namelen = 0;
  if (static_cast<int>(header.msg_namelen) < 0) return Size::failure(EINVAL);
  if (address != nullptr) {
    // Too long an address is cut here, and refused later.
    const auto n = std::min<::socklen_t>(header.msg_namelen, sizeof(::sockaddr_storage));
    const SysResult<void> got = get_address(*address, static_cast<const ::sockaddr*>(header.msg_name), n);
    if (!got.ok()) return got;
  }
  if (header.msg_iovlen > static_cast<std::size_t>(iov_max)) return Size::failure(EMSGSIZE);
  return vectors.get(header.msg_iov, static_cast<int>(header.msg_iovlen));
}

template <class Spans>
Spans spans_of(const IoVectors& vectors, std::size_t size) {
  if (vectors.all().empty()) return Spans{nullptr, 0};
  return Spans{vectors.all(), size};
}

/// The fds of one SCM_RIGHTS, as files. Errors: EINVAL, EBADF.
inline SysResult<void> get_files(const Kernel& kernel, const char* data, std::size_t size,
                                 std::vector<FileRef>& files) {
  const std::size_t n = size / sizeof(int);
  if (files.size() + n > rights_max) return SysResult<void>::failure(EINVAL);
  for (std::size_t i = 0; i < n; ++i) {
    int fd = 0;
    std::memcpy(&fd, data + i * sizeof fd, sizeof fd);
    File* const file = kernel.other_file(fd);
    if (file == nullptr) return SysResult<void>::failure(EBADF);
    files.emplace_back(file);
  }
  return {};
}

/// The control messages of sendmsg, as bytes. Errors: ENOBUFS, EFAULT.
inline SysResult<void> get_control(const Kernel& kernel, const ::msghdr& header, std::string& control) {
  constexpr std::size_t linux_stack_buffer = 36;  // Up to that, nothing has to be allocated.
  const std::size_t n = header.msg_controllen;
  if (n > linux_stack_buffer && n >= kernel.limits.optmem_max) return SysResult<void>::failure(ENOBUFS);
  if (!can_read_user(header.msg_control, n)) return SysResult<void>::failure(EFAULT);
  control.resize(n);
  detail::copy_from_user(control.data(), header.msg_control, n);
  return {};
}

/// What they ask for. Errors: EINVAL, EBADF.
inline SysResult<void> take_control(const Kernel& kernel, const std::string& control, Outgoing& message) {
  for (std::size_t at = 0; at + sizeof(::cmsghdr) <= control.size();) {
    ::cmsghdr part{};
    std::memcpy(&part, control.data() + at, sizeof part);
    if (part.cmsg_len < sizeof part || part.cmsg_len > control.size() - at) return SysResult<void>::failure(EINVAL);
    if (part.cmsg_level == SOL_SOCKET) {
      if (part.cmsg_type == SCM_CREDENTIALS && part.cmsg_len == CMSG_LEN(sizeof(::ucred))) {
        throw NotModelled("SCM_CREDENTIALS");
      }
      if (part.cmsg_type != SCM_RIGHTS) return SysResult<void>::failure(EINVAL);
      const SysResult<void> got =
          get_files(kernel, control.data() + at + sizeof part, part.cmsg_len - sizeof part, message.files);
      if (!got.ok()) return got;
    }
    at += CMSG_ALIGN(part.cmsg_len);
  }
  return {};
}

/// Opens the files that came, as many as there are room and numbers for; the others are let go. Returns how many bytes
/// of the caller's control buffer are used.
inline std::size_t put_files(Kernel& kernel, const ::msghdr& header, Incoming& message) {
  const std::size_t room = header.msg_controllen;  // Where null points, there is none: nothing can be put there.
  // An int on Linux, of which negative ones are none.
  const int whole = static_cast<int>((std::max(room, sizeof(::cmsghdr)) - sizeof(::cmsghdr)) / sizeof(int));
  const auto fits = static_cast<std::size_t>(std::max(whole, 0));
  const auto control = [&](std::size_t at) { return user_at(header.msg_control, at); };
  const bool close_on_exec = (message.flags & MSG_CMSG_CLOEXEC) != 0;
  std::size_t n = 0;
  try {
    while (n < fits && n < message.files.size()) {
      NewFd fd = kernel.new_fd();
      if (!fd || !put_user(control(sizeof(::cmsghdr) + n * sizeof(int)), fd.number())) break;
      fd.install(std::move(message.files[n]), close_on_exec);
      ++n;
    }
  } catch (const std::bad_alloc&) {
    // The message was taken already: what there is no number for is cut.
  }
  if (n < message.files.size()) message.message_flags |= MSG_CTRUNC;
  if (n == 0) return 0;
  // In this order, up to a bad address: then none of it counts.
  const bool is_put = put_user(control(offsetof(::cmsghdr, cmsg_level)), int{SOL_SOCKET}) &&
                      put_user(control(offsetof(::cmsghdr, cmsg_type)), int{SCM_RIGHTS}) &&
                      put_user(control(offsetof(::cmsghdr, cmsg_len)), std::size_t{CMSG_LEN(n * sizeof(int))});
  if (!is_put) return 0;
  return std::min(room, static_cast<std::size_t>(CMSG_SPACE(n * sizeof(int))));
}

/// What sendto and recvfrom look at first: the buffer, then the socket. Errors: EFAULT, EBADF, ENOTSOCK.
inline SysResult<std::size_t> get_socket_and_size(const Kernel& kernel, int fd, const void* data, std::size_t size,
                                                  SocketFile*& socket) {
  const std::size_t n = std::min(size, rw_count_max);  // Cut before it is asked where it ends; read(2) does not.
  if (!is_user_range(data, n)) return SysResult<std::size_t>::failure(EFAULT);
  const SysResult<void> found = get_socket(kernel, fd, socket);
  if (!found.ok()) return found;
  return n;
}
/// What sendmsg and recvmsg look at first. Errors: EINVAL, EBADF, ENOTSOCK.
inline SysResult<void> get_socket_for(int flags, const Kernel& kernel, int fd, SocketFile*& socket) {
  constexpr unsigned compat_flag = 0x80000000;  // MSG_CMSG_COMPAT: for 32-bit programs, refused from others.
  if ((static_cast<unsigned>(flags) & compat_flag) != 0) return SysResult<void>::failure(EINVAL);
  return get_socket(kernel, fd, socket);
}

}  // namespace detail_socket

inline SysResult<std::size_t> sendto(Kernel& kernel, int fd, const void* data, std::size_t size, int flags,
                                     const ::sockaddr* to, ::socklen_t to_size) {
  const Op op{Call::sendto, fd};
  return kernel.enter(op, {data, size, flags, to, to_size}, [=, &kernel](std::size_t most) -> SysResult<std::size_t> {
    SocketFile* socket = nullptr;
    const SysResult<std::size_t> n = detail_socket::get_socket_and_size(kernel, fd, data, size, socket);
    if (!n.ok()) return n;
    Outgoing message;
    message.flags = flags;
    if (to != nullptr) {
      const SysResult<void> got = detail_socket::get_address(message.address, to, to_size);
      if (!got.ok()) return got;
      message.has_empty_address = to_size == 0;
    }
    UserInput from{data, detail_io::cut(*socket, Call::sendto, n.value(), most)};
    return detail_socket::send_or_signal(kernel, *socket, op, from, message);
  });
}

inline SysResult<std::size_t> recvfrom(Kernel& kernel, int fd, void* data, std::size_t size, int flags,
                                       ::sockaddr* user_address, ::socklen_t* user_n) {
  const Op op{Call::recvfrom, fd};
  return kernel.enter(
      op, {data, size, flags, user_address, user_n}, [=, &kernel](std::size_t most) -> SysResult<std::size_t> {
        SocketFile* socket = nullptr;
        const SysResult<std::size_t> n = detail_socket::get_socket_and_size(kernel, fd, data, size, socket);
        if (!n.ok()) return n;
        UserOutput to{data, detail_io::cut(*socket, Call::recvfrom, n.value(), most)};
        Incoming message;
        message.flags = flags;
        message.wants_sender = user_address != nullptr;
        const SysResult<std::size_t> got = receive(kernel, *socket, op, to, message);
        if (got.ok() && user_address != nullptr) {
          const SysResult<void> put = detail_socket::put_address(user_address, user_n, message.sender);
          if (!put.ok()) return put;
        }
        return got;
      });
}

inline SysResult<std::size_t> sendmsg(Kernel& kernel, int fd, const ::msghdr* user_header, int flags) {
  const Op op{Call::sendmsg, fd};
  return kernel.enter(op, {user_header, flags}, [=, &kernel](std::size_t most) -> SysResult<std::size_t> {
    using namespace detail_socket;
    SocketFile* socket = nullptr;
    const SysResult<void> found = get_socket_for(flags, kernel, fd, socket);
    if (!found.ok()) return found;
    Outgoing message;
    message.flags = flags;
    ::msghdr header{};
    IoVectors vectors;
    const SysResult<std::size_t> size = get_message(header, vectors, user_header, &message.address);
    if (!size.ok()) return size;
    std::string control;
    const SysResult<void> got = get_control(kernel, header, control);
    if (!got.ok()) return got;
    const SysResult<void> may = socket->may_send();
    if (!may.ok()) return may;
    if (socket->kind().is_inet) {
      message.control = control;
    } else {
      const SysResult<void> taken = take_control(kernel, control, message);
      if (!taken.ok()) return taken;
    }
    auto from = spans_of<UserInput>(vectors, detail_io::cut(*socket, Call::sendmsg, size.value(), most));
    return send_or_signal(kernel, *socket, op, from, message);
  });
}

inline SysResult<std::size_t> recvmsg(Kernel& kernel, int fd, ::msghdr* user_header, int flags) {
  const Op op{Call::recvmsg, fd};
  return kernel.enter(op, {user_header, flags}, [=, &kernel](std::size_t most) -> SysResult<std::size_t> {
    using namespace detail_socket;
    SocketFile* socket = nullptr;
    const SysResult<void> found = get_socket_for(flags, kernel, fd, socket);
    if (!found.ok()) return found;
    ::msghdr header{};
    IoVectors vectors;
    const SysResult<std::size_t> size = get_message(header, vectors, user_header, nullptr);
    if (!size.ok()) return size;
    Incoming message;
    message.flags = flags;
    message.wants_sender = header.msg_name != nullptr;
    auto to = spans_of<UserOutput>(vectors, detail_io::cut(*socket, Call::recvmsg, size.value(), most));
    const SysResult<std::size_t> got = receive(kernel, *socket, op, to, message);
    if (!got.ok()) return got;
    const std::size_t used = put_files(kernel, header, message);
    if (header.msg_name != nullptr) {
      const SysResult<void> put =
          put_address(header.msg_name, user_at(user_header, offsetof(::msghdr, msg_namelen)), message.sender);
      if (!put.ok()) return put;
    }
    const int told = message.message_flags | (flags & MSG_CMSG_CLOEXEC);
    const bool is_told = put_user(user_at(user_header, offsetof(::msghdr, msg_flags)), told) &&
                         put_user(user_at(user_header, offsetof(::msghdr, msg_controllen)), used);
    return is_told ? got : SysResult<std::size_t>::failure(EFAULT);
  });
}

}  // namespace rouse::inline v0::kernel::sys
