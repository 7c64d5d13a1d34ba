// What becomes of a refusal: std::system_error whose text names the call, the fd and the operation, or an error_code.
#pragma once

#include "sys_result.hpp"

#include <optional>
#include <string>
#include <system_error>

namespace rouse::inline v0 {

/// The call that failed, for the text of the exception.
struct FailedCall {
  const char* name;                 ///< The syscall.
  int fd = -1;                      ///< The fd it was about; -1 for none.
  const char* operation = nullptr;  ///< What it was to do, such as `add`.
};

/// `epoll_ctl(add, fd 7)`.
[[nodiscard]] inline std::string to_string(const FailedCall& call) {
  std::string text = call.name;
  text += '(';
  if (call.operation != nullptr) text += call.operation;
  if (call.operation != nullptr && call.fd >= 0) text += ", ";
  if (call.fd >= 0) text.append("fd ").append(std::to_string(call.fd));
  text += ')';
  return text;
}

namespace detail {

/// Piece by piece, as a FailedCall would be put into memory in front of every call, in case that it fails.
[[noreturn, gnu::cold, gnu::noinline]] inline void throw_errno(int error, const char* name, int fd,
                                                               const char* operation) {
  const FailedCall call{name, fd, operation};
#ifdef __cpp_exceptions
  throw std::system_error(error, std::system_category(), to_string(call));
#else
  const std::string text = to_string(call) + ": " + std::system_category().message(error);
  std::fprintf(stderr, "rouse: %s\n", text.c_str());
  std::abort();
#endif
}

/// The value, or the exception.
template <class T>
T value_or_throw(SysResult<T> result, FailedCall call) {
  if (!result.ok()) [[unlikely]]
    throw_errno(result.error(), call.name, call.fd, call.operation);
  return result.value();
}

/// Sets `ec` to what `result` says, clearing it on success.
template <class T>
SysResult<T> report(SysResult<T> result, std::error_code& ec) {
  ec.assign(result.error(), std::system_category());
  return result;
}

/// Nothing if the call would block, which is no error, or if it failed; else the value.
template <class T>
std::optional<T> report_if_ready(SysResult<T> result, std::error_code& ec) {
  if (result.would_block()) return ec.clear(), std::nullopt;
  if (!report(result, ec).ok()) return std::nullopt;
  return result.value();
}

}  // namespace detail

}  // namespace rouse::inline v0
