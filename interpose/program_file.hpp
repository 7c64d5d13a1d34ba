// ProgramFile: what can be known of a program before it is started: whether the dynamic linker will load a library into
// it, and which sanitizer it was built with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rouse::interpose {

struct ProgramFile {
  std::string path;       ///< Of the program, or of a script's interpreter.
  std::string refusal;    ///< Why rouse-run cannot serve it, as the rest of a sentence; empty if it can.
  std::string linker;     ///< The dynamic linker it asks for; empty if it is none of Linux's own programs.
  std::string sanitizer;  ///< The shared run-time library of one that wants to be loaded first, or empty.

  /// Looks at the file that is to be executed; at that of its interpreter, if it is a script.
  [[nodiscard]] static ProgramFile at(const std::string& path);
};

/// Where a shell would find a program: as it is if there is a slash in it, else in PATH. Empty if it is nowhere; one
/// that is there and may not be executed, is found if there is no other.
[[nodiscard]] std::string find_program(std::string_view name);

}  // namespace rouse::interpose
