// ToldAddress: an address as a call tells it: what the call returned, what it wrote, and the length it told.
#pragma once

#include "backends.hpp"

#include <ostream>
#include <string>

namespace test {

template <class Result>
struct ToldAddress {
  Result result;
  std::string written;
  ::socklen_t length;

  friend bool operator==(const ToldAddress&, const ToldAddress&) = default;
  friend std::ostream& operator<<(std::ostream& out, const ToldAddress& told) {
    for (const char byte : told.written) out << static_cast<int>(byte) << ' ';
    return out << told.result << " length " << told.length;
  }
};

using ToldName = ToldAddress<rouse::SysResult<void>>;

/// Makes a call that tells an address, with `room` for it.
template <class Call>
auto told(::socklen_t room, Call call) -> ToldAddress<decltype(call(nullptr, nullptr))> {
  constexpr char untouched = '\xee';
  std::string bytes(200, untouched);
  ::socklen_t length = room;
  const auto result = call(reinterpret_cast<::sockaddr*>(bytes.data()), &length);
  bytes.resize(bytes.find_last_not_of(untouched) + 1);
  return {result, bytes, length};
}

template <class Fd>
ToldName local_name(const Fd& fd, ::socklen_t room = 150) {
  return told(room, [&](::sockaddr* to, ::socklen_t* n) { return fd.backend().getsockname(fd.get(), to, n); });
}
template <class Fd>
ToldName peer_name(const Fd& fd, ::socklen_t room = 150) {
  return told(room, [&](::sockaddr* to, ::socklen_t* n) { return fd.backend().getpeername(fd.get(), to, n); });
}

/// What they say of a socket with this address.
inline ToldName name(const std::string& address) { return {{}, address, static_cast<::socklen_t>(address.size())}; }
inline ToldName no_name(int error) { return {rouse::SysResult<void>::failure(error), "", 150}; }

}  // namespace test
