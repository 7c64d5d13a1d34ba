// AllBlocked: while all signals are blocked on this thread, and on those that it starts meanwhile for good.
#pragma once

#include "raw.hpp"

#include <csignal>
#include <cstdint>
#include <sys/syscall.h>

namespace rouse::interpose {

class AllBlocked {
 public:
  AllBlocked() { raw::call(SYS_rt_sigprocmask, SIG_SETMASK, &all_, &before_, sizeof all_); }
  AllBlocked(const AllBlocked&) = delete;
  AllBlocked& operator=(const AllBlocked&) = delete;
  ~AllBlocked() { raw::call(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof all_); }

 private:
  std::uint64_t all_ = ~std::uint64_t{0};
  std::uint64_t before_ = 0;
};

}  // namespace rouse::interpose
