// Where the emulated kernel and Linux are known to differ. Each entry has its reason and a script that shows it; one
// that differs no more has to go: the differential test fails until it does.
//
// Only what depends on the kernel's version or build belongs here. All else is a bug, to be mended.
#pragma once

#include <span>
#include <string_view>

namespace test {

struct KnownDifference {
  const char* reason;
  const char* script;    ///< As tests/differential/script.hpp says. Differs in its last call, or at the end.
  const char* call;      ///< How a difference is recognised: by the name of the call in scripts, and by the beginnings
  const char* on_linux;  ///< of what came back on the one kernel
  const char* emulated;  ///< and on the other.

  [[nodiscard]] bool is(std::string_view its_call, std::string_view its_linux, std::string_view its_emulated) const {
    return its_call == call && its_linux.starts_with(on_linux) && its_emulated.starts_with(emulated);
  }
};

/// There are none.
inline constexpr std::span<const KnownDifference> known_differences{};

}  // namespace test
