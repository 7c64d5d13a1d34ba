// Passing: a pair of unix sockets to pass fds over, and a file to be passed that shows how long it stays open.
#pragma once

#include "messages.hpp"
#include "unix_sockets.hpp"

#include <vector>

namespace test {

/// Room for the control messages of a few fds.
inline constexpr std::size_t some_room = 100;

/// A pair of sockets, and a pipe whose writing end shows whether anybody can still read.
template <class On>
struct Passing {
  using Fd = typename UnixSockets<On>::Fd;

  explicit Passing(int type = SOCK_STREAM)
      : calls(on, type), pair(calls.pair()), reader(on.backend, -1), witness(on.backend, -1) {
    int fds[2];
    on.backend.pipe2(fds, O_NONBLOCK).value();
    reader = Fd{on.backend, fds[0]};
    witness = Fd{on.backend, fds[1]};
  }

  rouse::SysResult<std::size_t> send(std::string_view bytes, const std::vector<int>& fds) {
    return send_message(on.backend, pair[0].get(), bytes, rights(fds));
  }
  /// What was received; the fds that came are closed again unless they are to be kept.
  GotMessage receive(std::size_t n, std::size_t room = some_room, int flags = 0) {
    GotMessage got = receive_message(on.backend, pair[1].get(), n, room, flags);
    for (const int fd : got.fds) came.emplace_back(on.backend, fd);
    return got;
  }
  [[nodiscard]] bool is_readable_by_somebody() const { return !calls.bits(witness).has(rouse::EventFlags::err); }

  On on;
  UnixSockets<On> calls;
  std::array<Fd, 2> pair;
  Fd reader;
  Fd witness;
  std::vector<Fd> came;
};

}  // namespace test
