// FileLimit: another soft limit on fd numbers (RLIMIT_NOFILE), put back at the end of the scope.
#pragma once

#include "backends.hpp"

#include <sys/resource.h>

namespace test {

template <class B>
class FileLimit {
 public:
  /// Numbers from `soft` on are refused: with 0, every call that makes an fd.
  FileLimit(B backend, ::rlim_t soft) : backend_(backend), before_(current(backend)) { set(soft); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() { set(before_.rlim_cur); }

  /// Room for `n` fds and what the test program has open itself, as far as the hard limit goes.
  static FileLimit room_for(B backend, ::rlim_t n) {
    const ::rlimit before = current(backend);
    return {backend, std::min(before.rlim_max, std::max(before.rlim_cur, n + 64))};
  }

 private:
  static ::rlimit current(B backend) {
    ::rlimit limit{};
    REQUIRE(backend.getrlimit(RLIMIT_NOFILE, &limit).ok());
    return limit;
  }
  void set(::rlim_t soft) {
    const ::rlimit limit{soft, before_.rlim_max};
    static_cast<void>(backend_.setrlimit(RLIMIT_NOFILE, &limit));
  }

  B backend_;
  const ::rlimit before_;
};

/// What `call` returns under another soft limit. Nothing should be asserted meanwhile: a sanitizer needs fds, too.
template <class B, class Call>
auto under_file_limit(B backend, ::rlim_t soft, Call call) {
  const FileLimit limit{backend, soft};
  return call();
}

}  // namespace test
