// NotModelled: the answer to a call that the emulated kernel knows nothing of. It is never faked.
#pragma once

#include <stdexcept>
#include <string>

namespace rouse::inline v0::kernel {

/// Thrown by a call that is not modelled; names the call and the kind of file. A test that sees it needs the Linux
/// backend, or another call.
class NotModelled : public std::logic_error {
 public:
  explicit NotModelled(const std::string& what)
      : std::logic_error("rouse: the emulated kernel does not model " + what) {}
};

}  // namespace rouse::inline v0::kernel
