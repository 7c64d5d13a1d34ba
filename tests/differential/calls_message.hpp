// The calls of scripts that move messages with vectors, and fds in them. What calls.hpp says of them all holds here.
#pragma once

#include "calls_socket.hpp"

namespace differential {

/// No fd to be passed.
inline constexpr std::int64_t no_fd = -2;

[[nodiscard]] inline Param passed_fd(const char* name) {
  return {.name = name, .kind = Kind::fd, .wants = Wants::any, .is_keyed = true, .absent = no_fd};
}

/// False for a socket: it is left at home. One that is nowhere but in messages is garbage, and Linux collects that in
/// its own time, on another thread: when it is gone cannot be compared.
template <class Run>
[[nodiscard]] bool may_be_passed(Run& run, std::int64_t fd) {
  int value = 0;
  ::socklen_t size = sizeof value;
  return fd != no_fd && !run.backend.getsockopt(static_cast<int>(fd), SOL_SOCKET, SO_DOMAIN, &value, &size).ok();
}

struct SendMsg {
  static Signature signature() {
    return {"sendmsg",
            Call::sendmsg,
            5,
            {fd("fd", Wants::stream), set("flags", message_names, values::send_flags, values::send_flags_rare),
             keyed_address("to"), passed_fd("pass"), passed_fd("also"),
             keyed("control", Kind::number, values::no_value, values::control_as_is, values::control_sizes),
             bad_pointer("message")},
            List::vectors};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    std::int64_t longest = 0;
    for (const Item& item : step.items) longest += static_cast<std::int64_t>(Run::present(item.second)) + 64;
    const char* const from = run.source(std::min<std::int64_t>(longest, Memory::size_max), values::no_value);
    Vectors<Run> vectors{run, step, from};
    const AddressArgument to{step.args[2]};
    alignas(::cmsghdr) char control[64] = {};
    ::msghdr message{};
    message.msg_name = const_cast<::sockaddr*>(to.get());
    message.msg_namelen = to.size();
    message.msg_iov = vectors.all.data();
    message.msg_iovlen = static_cast<std::size_t>(vectors.count());
    int fds[2] = {};
    std::size_t n = 0;
    for (const std::size_t i : {std::size_t{3}, std::size_t{4}}) {
      if (may_be_passed(run, step.args[i])) fds[n++] = int_of(step, i);
    }
    if (n > 0) {
      ::cmsghdr header{};
      header.cmsg_level = SOL_SOCKET;
      header.cmsg_type = SCM_RIGHTS;
      header.cmsg_len = CMSG_LEN(n * sizeof(int));
      std::memcpy(control, &header, sizeof header);
      std::memcpy(control + CMSG_LEN(0), fds, n * sizeof(int));
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(n * sizeof(int));
    }
    if (step.args[5] != values::no_value) {
      message.msg_control = control;
      message.msg_controllen = std::min<std::size_t>(static_cast<std::size_t>(step.args[5]), sizeof control);
    }
    run.result(run.backend.sendmsg(int_of(step, 0), Run::pointer(step.args[6], &message), int_of(step, 1)));
  }
};

struct RecvMsg {
  static Signature signature() {
    return {"recvmsg",
            Call::recvmsg,
            5,
            {fd("fd", Wants::stream), set("flags", message_names, values::receive_flags, values::receive_flags_rare),
             keyed("control", Kind::number, 64, values::control_rooms, values::control_sizes),
             keyed("room", Kind::number, 128, values::address_rooms, values::address_rooms_rare),
             bad_pointer("address"), bad_pointer("rights"), bad_pointer("message")},
            List::vectors};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    Vectors<Run> vectors{run, step};
    AddressResult sender{step.args[3]};
    alignas(::cmsghdr) char control[64] = {};
    ::msghdr message{};
    message.msg_name = Run::pointer(step.args[4], sender.get());
    message.msg_namelen = sender.size;
    message.msg_iov = vectors.all.data();
    message.msg_iovlen = static_cast<std::size_t>(vectors.count());
    message.msg_control = Run::pointer(step.args[5], control);
    message.msg_controllen = std::min<std::size_t>(static_cast<std::size_t>(step.args[2]), sizeof control);
    run.result(run.backend.recvmsg(int_of(step, 0), Run::pointer(step.args[6], &message), int_of(step, 1)));
    vectors.take(run, step);
    sender.size = message.msg_namelen;
    sender.take(run.transcript.text());
    if (run.last < 0) return;
    append_set(run.transcript.text() += " flags ", message.msg_flags, message_names);
    run.number("control ", static_cast<std::int64_t>(message.msg_controllen));
    if (step.args[5] == 0) take_fds(run, control, message.msg_controllen);
  }

 private:
  template <class Run>
  static void take_fds(Run& run, const char* control, std::size_t size) {
    ::cmsghdr header{};
    if (size < sizeof header) return;
    std::memcpy(&header, control, sizeof header);
    run.number("type ", header.cmsg_type);
    run.number("length ", static_cast<std::int64_t>(header.cmsg_len));
    for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= std::min<std::size_t>(header.cmsg_len, size);
         at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, control + at, sizeof fd);
      run.number("fd ", fd);
      run.note_fd(fd);
    }
  }
};

}  // namespace differential
