// The version, for the preprocessor and for the program. CHANGELOG.md says what each one brought.
#pragma once

/// Major * 10000 + minor * 100 + patch.
#define ROUSE_VERSION 100

namespace rouse::inline v0 {

inline constexpr int version = ROUSE_VERSION;
inline constexpr const char* version_text = "0.1.0";

}  // namespace rouse::inline v0
