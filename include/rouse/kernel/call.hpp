// Op: one call about to be made.
#pragma once

#include "../call.hpp"

namespace rouse::inline v0::kernel {

using rouse::Call;
using rouse::name_of;

/// A call about to be made, and the fd it is about; -1 for none.
struct Op {
  Call call;
  int fd = -1;
  int operation = 0;  ///< Of epoll_ctl and fcntl.
};

/// What takes_resources() is to be told.
[[nodiscard]] constexpr int operation_of(const Op& op) { return op.call == Call::signalfd4 ? op.fd : op.operation; }

}  // namespace rouse::inline v0::kernel
