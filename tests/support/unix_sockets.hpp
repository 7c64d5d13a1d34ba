// UnixSockets: raw calls on unix sockets of one type.
#pragma once

#include "raw_sockets.hpp"

#include <array>
#include <sys/un.h>

namespace test {

template <class On>
class UnixSockets : public RawSockets<On> {
 public:
  using Fd = typename RawSockets<On>::Fd;

  explicit UnixSockets(const On& on, int type = SOCK_STREAM) : RawSockets<On>(on, AF_UNIX, type) {}

  [[nodiscard]] std::array<Fd, 2> pair(int flags = SOCK_NONBLOCK) const {
    int fds[2];
    this->backend_.socketpair(AF_UNIX, this->type_ | flags, 0, fds).value();
    return {Fd{this->backend_, fds[0]}, Fd{this->backend_, fds[1]}};
  }
};

}  // namespace test
