// Deadlock: what a wait that nothing can end turns into, where all tasks are in the kernel's hands.
#pragma once

#include <stdexcept>
#include <string>

namespace rouse::inline v0::kernel {

/// Thrown out of the blocking call. The text says who waits on what, and what every file holds.
class Deadlock : public std::runtime_error {
 public:
  explicit Deadlock(const std::string& dump)
      : std::runtime_error("rouse: deadlock: nothing can end this wait\n" + dump) {}
};

}  // namespace rouse::inline v0::kernel
