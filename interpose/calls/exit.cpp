// The ends of a process that run no destructors: a trace is closed, and statistics are printed, all the same.
#include "calls.hpp"

#include <cstdlib>
#include <unistd.h>

using namespace rouse::interpose;

namespace {

[[gnu::destructor]] void finish() { Core::finish(Core::End::in_order); }

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

void _exit(int status) {
  Core::finish(Core::End::at_once);
  next<"_exit">(as<void(int)>, status);
  __builtin_unreachable();
}
void _Exit(int status) noexcept { _exit(status); }
void quick_exit(int status) noexcept {
  Core::finish(Core::End::at_once);
  next<"quick_exit">(as<void(int)>, status);
  __builtin_unreachable();
}

}  // extern "C"
#pragma GCC visibility pop
