// sysctl: what a setting of this machine's Linux is; the emulated kernel has its Limits.
#pragma once

#include "catch.hpp"

#include <fstream>
#include <string>

namespace test {

/// Such as `net/core/somaxconn`.
[[nodiscard]] inline int sysctl(const std::string& name) {
  std::ifstream file{"/proc/sys/" + name};
  int value = 0;
  file >> value;
  INFO(name);
  REQUIRE(file.good());
  return value;
}

}  // namespace test
