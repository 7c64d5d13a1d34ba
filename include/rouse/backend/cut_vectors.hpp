// CutVectors: the vectors of a call that is to move less than its caller asked for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <sys/uio.h>
#include <vector>

namespace rouse::inline v0 {

namespace detail {

/// How many bytes that is. Precondition: the kernel would take so many vectors.
inline std::size_t bytes_in(const ::iovec* vectors, std::size_t n) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < n; ++i) bytes += vectors[i].iov_len;
  return bytes;
}

/// Vectors of no more than so many bytes in all; those that were given if that is no less.
class CutVectors {
 public:
  CutVectors(const ::iovec* vectors, std::size_t n, std::size_t bytes_max) : vectors_(vectors), n_(n) {
    if (bytes_max == std::numeric_limits<std::size_t>::max()) return;
    for (std::size_t i = 0; i < n && bytes_max > 0; ++i) {
      const std::size_t part = std::min(vectors[i].iov_len, bytes_max);
      cut_.push_back({vectors[i].iov_base, part});
      bytes_max -= part;
    }
    vectors_ = cut_.data();
    n_ = cut_.size();
  }
  CutVectors(const CutVectors&) = delete;
  CutVectors& operator=(const CutVectors&) = delete;

  [[nodiscard]] const ::iovec* data() const { return vectors_; }
  [[nodiscard]] std::size_t size() const { return n_; }

 private:
  const ::iovec* vectors_;
  std::size_t n_;
  std::vector<::iovec> cut_;
};

}  // namespace detail

}  // namespace rouse::inline v0
