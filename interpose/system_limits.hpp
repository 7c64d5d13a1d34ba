// SystemLimits: the bounds that Linux has on this machine, for the emulated kernel to have, too.
#pragma once

#include <rouse/kernel/limits.hpp>

namespace rouse::interpose {

/// What /proc/sys says. Where it says nothing, the bound stays.
void read_system_limits(kernel::Limits& limits);
/// RLIMIT_NOFILE, which a program may change.
void read_open_files_limit(kernel::Limits& limits);

}  // namespace rouse::interpose
