// Messages: sendmsg(2) and recvmsg(2) in the words of the cases: bytes are text, files are fds, and what was told is
// compared whole.
#pragma once

#include "backends.hpp"

#include <cstring>
#include <ostream>
#include <string>
#include <sys/socket.h>
#include <sys/uio.h>
#include <vector>

namespace test {

/// A control message that passes fds.
[[nodiscard]] inline std::string rights(const std::vector<int>& fds) {
  ::cmsghdr header{};
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_RIGHTS;
  header.cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::string control(CMSG_SPACE(fds.size() * sizeof(int)), '\0');
  std::memcpy(control.data(), &header, sizeof header);
  if (!fds.empty()) std::memcpy(control.data() + CMSG_LEN(0), fds.data(), fds.size() * sizeof(int));
  return control;
}

/// What a recvmsg returned and told.
struct GotMessage {
  rouse::SysResult<std::size_t> result;
  std::string bytes;
  int flags;
  std::size_t control_used;
  std::vector<int> fds;

  friend bool operator==(const GotMessage&, const GotMessage&) = default;
  friend std::ostream& operator<<(std::ostream& out, const GotMessage& got) {
    out << got.result << " \"" << got.bytes << "\" flags " << got.flags << " control " << got.control_used << " fds";
    for (const int fd : got.fds) out << ' ' << fd;
    return out;
  }
};

template <class B>
rouse::SysResult<std::size_t> send_message(const B& backend, int fd, std::string_view bytes, const std::string& control,
                                           int flags = 0, const std::string& to = {}) {
  ::iovec vector{const_cast<char*>(bytes.data()), bytes.size()};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (!to.empty()) {
    message.msg_name = const_cast<char*>(to.data());
    message.msg_namelen = static_cast<::socklen_t>(to.size());
  }
  if (!control.empty()) {
    message.msg_control = const_cast<char*>(control.data());
    message.msg_controllen = control.size();
  }
  return backend.sendmsg(fd, &message, flags | MSG_NOSIGNAL);
}

/// Receives up to `n` bytes, with `room` bytes for control messages.
template <class B>
GotMessage receive_message(const B& backend, int fd, std::size_t n, std::size_t room, int flags = 0) {
  GotMessage got{0, std::string(n, '\0'), 0, 0, {}};
  std::vector<::cmsghdr> control(room / sizeof(::cmsghdr) + 2);  // Aligned, and never none.
  ::iovec vector{got.bytes.data(), n};
  ::msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = room;
  got.result = backend.recvmsg(fd, &message, flags);
  got.bytes.resize(got.result.ok() ? std::min(got.result.value(), n) : 0);
  if (!got.result.ok()) return got;
  got.flags = message.msg_flags;
  got.control_used = message.msg_controllen;
  if (message.msg_controllen >= CMSG_LEN(0) && control[0].cmsg_type == SCM_RIGHTS) {
    got.fds.resize((control[0].cmsg_len - CMSG_LEN(0)) / sizeof(int));
    if (!got.fds.empty()) std::memcpy(got.fds.data(), control.data() + 1, got.fds.size() * sizeof(int));
  }
  return got;
}

}  // namespace test
