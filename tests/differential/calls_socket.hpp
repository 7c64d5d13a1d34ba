// The socket calls of scripts. What calls.hpp says of them all holds here.
#pragma once

#include "calls_bytes.hpp"

#include <netinet/tcp.h>

namespace differential {

[[nodiscard]] inline Param address() {
  return choice("address", address_names, values::addresses, values::addresses_rare);
}

[[nodiscard]] inline Param keyed_address(const char* name) {
  return {.name = name,
          .kind = Kind::choice,
          .names = address_names,
          .usual = values::send_targets,
          .rare = values::addresses_rare,
          .is_keyed = true};
}

/// An address as an argument; "none" is a null pointer.
struct AddressArgument {
  explicit AddressArgument(std::int64_t which) : bytes(SocketAddresses::bytes(static_cast<Address>(which))) {}
  [[nodiscard]] const ::sockaddr* get() const {
    return bytes.empty() ? nullptr : reinterpret_cast<const ::sockaddr*>(bytes.data());
  }
  [[nodiscard]] ::socklen_t size() const { return static_cast<::socklen_t>(bytes.size()); }
  std::string bytes;
};

/// A place for an address that a call gives back, with `room` said to be there.
struct AddressResult {
  explicit AddressResult(std::int64_t room) : size(static_cast<::socklen_t>(room)) {
    std::memset(storage, untouched, sizeof storage);
  }
  [[nodiscard]] ::sockaddr* get() { return reinterpret_cast<::sockaddr*>(storage); }

  /// What the call said, and wrote.
  void take(std::string& to) const {
    append_number(to += " length ", static_cast<int>(size));
    std::size_t written = sizeof storage;
    while (written > 0 && storage[written - 1] == untouched) --written;
    if (written == 0) return;
    SocketAddresses::append(to += ' ', std::string_view{storage, written}, size);
  }

  static constexpr char untouched = '\x5a';
  alignas(8) char storage[136];
  ::socklen_t size;
};

struct Socket {
  static Signature signature() {
    return {"socket",
            Call::socket,
            4,
            {choice("family", family_names, values::families, values::families_bad),
             set("type", socket_type_names, values::socket_types, values::socket_types_bad),
             number("protocol", values::protocols, values::protocols_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const SysResult<int> made = run.backend.socket(int_of(step, 0), int_of(step, 1), int_of(step, 2));
    run.new_fd(made);
    // Else what is sent may wait for an answer to what was sent before: when that comes, is Linux's own business.
    constexpr int on = 1;
    const bool may_be_tcp = made.ok() && (int_of(step, 0) == AF_INET || int_of(step, 0) == AF_INET6);
    if (may_be_tcp) static_cast<void>(run.backend.setsockopt(made.value(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  }
};

struct SocketPair {
  static Signature signature() {
    return {"socketpair",
            Call::socketpair,
            6,
            {choice("family", family_names, values::families, values::pair_families_bad),
             set("type", socket_type_names, values::socket_types, values::socket_types_bad),
             number("protocol", values::protocols, values::protocols_bad), bad_pointer("fds")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    int fds[2] = {-5, -6};
    run.new_fds(
        run.backend.socketpair(int_of(step, 0), int_of(step, 1), int_of(step, 2), Run::pointer(step.args[3], fds)),
        fds);
  }
};

struct Bind {
  static Signature signature() {
    return {"bind", Call::bind, 4, {fd("fd", Wants::unbound), address(), bad_pointer("pointer")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const AddressArgument name{step.args[1]};
    run.result(run.backend.bind(int_of(step, 0), Run::pointer(step.args[2], name.get()), name.size()));
  }
};

struct Listen {
  static Signature signature() {
    return {"listen",
            Call::listen,
            3,
            {fd("fd", Wants::unbound), number("backlog", values::backlogs, values::backlogs_rare)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.result(run.backend.listen(int_of(step, 0), int_of(step, 1)));
  }
};

struct Accept4 {
  static Signature signature() {
    return {"accept4",
            Call::accept4,
            5,
            {fd("fd", Wants::listener), set("flags", socket_type_names, values::accept_flags, values::flags_bad),
             keyed("room", Kind::number, 128, values::address_rooms, values::address_rooms_rare),
             bad_pointer("address"), bad_pointer("length")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    AddressResult peer{step.args[2]};
    run.new_fd(run.backend.accept4(int_of(step, 0), Run::pointer(step.args[3], peer.get()),
                                   Run::pointer(step.args[4], &peer.size), int_of(step, 1)));
    peer.take(run.transcript.text());
  }
};

struct Connect {
  static Signature signature() {
    return {"connect", Call::connect, 5, {fd("fd", Wants::unbound), address(), bad_pointer("pointer")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const AddressArgument name{step.args[1]};
    run.result(run.backend.connect(int_of(step, 0), Run::pointer(step.args[2], name.get()), name.size()));
  }
};

struct Shutdown {
  static Signature signature() {
    return {"shutdown",
            Call::shutdown,
            4,
            {fd("fd", Wants::stream), choice("how", shutdown_names, values::hows, values::hows_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.result(run.backend.shutdown(int_of(step, 0), int_of(step, 1)));
  }
};

struct GetSockName {
  static Signature signature() {
    return {
        "getsockname",
        Call::getsockname,
        4,
        {fd("fd", Wants::socket), keyed("room", Kind::number, 128, values::address_rooms, values::address_rooms_rare),
         bad_pointer("address"), bad_pointer("length")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    AddressResult name{step.args[1]};
    run.result(run.backend.getsockname(int_of(step, 0), Run::pointer(step.args[2], name.get()),
                                       Run::pointer(step.args[3], &name.size)));
    name.take(run.transcript.text());
  }
};

struct GetPeerName {
  static Signature signature() {
    return {
        "getpeername",
        Call::getpeername,
        4,
        {fd("fd", Wants::socket), keyed("room", Kind::number, 128, values::address_rooms, values::address_rooms_rare),
         bad_pointer("address"), bad_pointer("length")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    AddressResult name{step.args[1]};
    run.result(run.backend.getpeername(int_of(step, 0), Run::pointer(step.args[2], name.get()),
                                       Run::pointer(step.args[3], &name.size)));
    name.take(run.transcript.text());
  }
};

struct GetSockOpt {
  static Signature signature() {
    return {"getsockopt",
            Call::getsockopt,
            4,
            {fd("fd", Wants::socket), choice("level", level_names, values::levels, values::levels_bad),
             choice("name", option_names, values::options_read, values::options_bad),
             keyed("size", Kind::number, 4, values::option_sizes, values::option_sizes_rare), bad_pointer("value"),
             bad_pointer("length")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    char value[8] = {};
    auto size = static_cast<::socklen_t>(step.args[3]);
    run.result(run.backend.getsockopt(int_of(step, 0), int_of(step, 1), int_of(step, 2),
                                      Run::pointer(step.args[4], value), Run::pointer(step.args[5], &size)));
    std::int64_t number = 0;
    std::memcpy(&number, value, sizeof number);
    run.number("", number);
    run.number("length ", static_cast<int>(size));
  }
};

struct SetSockOpt {
  static Signature signature() {
    return {"setsockopt",
            Call::setsockopt,
            4,
            {fd("fd", Wants::socket), choice("level", level_names, values::levels, values::levels_bad),
             choice("name", option_names, values::options_written, values::options_bad),
             number("value", values::option_values, values::option_values_rare),
             keyed("size", Kind::number, 4, values::option_sizes, values::option_sizes_rare), bad_pointer("pointer")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const std::int64_t value = static_cast<std::uint32_t>(step.args[3]);
    run.result(run.backend.setsockopt(int_of(step, 0), int_of(step, 1), int_of(step, 2),
                                      Run::pointer(step.args[5], &value), static_cast<::socklen_t>(step.args[4])));
  }
};

struct SendTo {
  static Signature signature() {
    return {"sendto",
            Call::sendto,
            6,
            {fd("fd", Wants::stream), number("size", values::lengths, values::lengths_rare),
             set("flags", message_names, values::send_flags, values::send_flags_rare), keyed_address("to"),
             bad_buffer("buffer")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const AddressArgument to{step.args[3]};
    const char* const from = run.input(step.args[4], run.source(step.args[1], -1), Run::present(step.args[1]));
    run.result(
        run.backend.sendto(int_of(step, 0), from, Run::size(step.args[1]), int_of(step, 2), to.get(), to.size()));
  }
};

struct RecvFrom {
  static Signature signature() {
    return {"recvfrom",
            Call::recvfrom,
            6,
            {fd("fd", Wants::stream), number("size", values::rooms, values::rooms_rare),
             set("flags", message_names, values::receive_flags, values::receive_flags_rare),
             keyed("room", Kind::number, 128, values::address_rooms, values::address_rooms_rare), bad_buffer("buffer"),
             bad_pointer("address"), bad_pointer("length")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    AddressResult sender{step.args[3]};
    char* const to = run.output(step.args[4], run.memory.target());
    run.result(run.backend.recvfrom(int_of(step, 0), to, Run::size(step.args[1]), int_of(step, 2),
                                    Run::pointer(step.args[5], sender.get()),
                                    Run::pointer(step.args[6], &sender.size)));
    run.fetch(step.args[4], run.memory.target(), run.moved());
    run.bytes(0, Run::present(step.args[1]));
    sender.take(run.transcript.text());
  }
};

}  // namespace differential
