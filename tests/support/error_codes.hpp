// The error_codes of cases.
#pragma once

#include <cerrno>
#include <system_error>

namespace test {

/// One that a call has to clear or to set.
inline std::error_code stale() { return {EIO, std::system_category()}; }
inline std::error_code system_error(int error) { return {error, std::system_category()}; }

}  // namespace test
