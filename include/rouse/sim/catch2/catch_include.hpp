// Catch2 v2, from 2.13 on, or v3, whichever is there.
#pragma once

// Whoever has included Catch2 as one file has it all; the headers of v3 are guarded by the same names in that file.
#if defined(CATCH_VERSION_MAJOR) && CATCH_VERSION_MAJOR < 3
// All of v2 is here.
#elif __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_assertion_info.hpp>
#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#include <catch2/catch_version_macros.hpp>
#include <catch2/interfaces/catch_interfaces_capture.hpp>
#include <catch2/interfaces/catch_interfaces_generatortracker.hpp>
#include <catch2/internal/catch_assertion_handler.hpp>
#include <catch2/internal/catch_context.hpp>
#elif !defined(CATCH_VERSION_MAJOR)
#include <catch2/catch.hpp>
#endif

#if CATCH_VERSION_MAJOR < 2 || (CATCH_VERSION_MAJOR == 2 && CATCH_VERSION_MINOR < 13) || CATCH_VERSION_MAJOR > 3
#error "rouse/catch2.hpp works with Catch2 v2, from 2.13 on, and with v3"
#endif
