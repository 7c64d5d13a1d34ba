// What nearly every test includes: Catch2, the handles, and the emulated kernel, of which g++ is told to compile
// nothing here. Precompiled: see tests/prelude.
#ifndef ROUSE_TESTS_PRELUDE  // g++ warns of a #pragma once in what it precompiles.
#define ROUSE_TESTS_PRELUDE

#if __has_include("interfaces.hpp")
#include "interfaces.hpp"
#endif

#include "backends.hpp"
#include "rouse/kernel/dump.hpp"
#include "rouse/kernel/thread_host.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <sstream>
#include <thread>

#endif
