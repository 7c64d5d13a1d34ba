// WithFaults: a kernel of a case with a plan in front of it.
#pragma once

#include "backends.hpp"
#include "rouse/backend/faulty.hpp"

#include <tuple>

namespace test {

template <class Inner>
struct WithFaults {
  using Backend = rouse::FaultyBackend<typename Inner::Backend>;
  static constexpr bool is_emulated = Inner::is_emulated;

  Inner inner;
  rouse::FaultPlan plan;
  Backend backend{inner.backend, plan};

  /// The lowest number that is free: the same again if all that was opened since is closed.
  int next_fd() {
    const int fd = inner.backend.dup(0).value();
    static_cast<void>(inner.backend.close(fd));
    return fd;
  }
};

using FaultyBackends = std::tuple<WithFaults<OnLinux>, WithFaults<OnEmulated>>;

}  // namespace test
