// IoVectors: the vectors of readv, writev, sendmsg and recvmsg, copied in once: what becomes of the caller's array
// while the call runs changes nothing.
#pragma once

#include "user_memory.hpp"

#include <array>
#include <climits>
#include <span>
#include <vector>

namespace rouse::inline v0::kernel {

class IoVectors {
 public:
  IoVectors() = default;
  IoVectors(const IoVectors&) = delete;
  IoVectors& operator=(const IoVectors&) = delete;

  /// Copies them in and returns how many bytes they have, cut to what a call moves. Errors: EINVAL, EFAULT.
  SysResult<std::size_t> get(const ::iovec* user, int n) {
    using Size = SysResult<std::size_t>;
    if (n < 0 || n > iov_max) return Size::failure(EINVAL);
    const auto count = static_cast<std::size_t>(n);
    if (count > few_.size()) {
      many_.resize(count);
      all_ = many_;
    } else {
      all_ = std::span{few_}.first(count);
    }
    for (std::size_t i = 0; i < count; ++i) {
      ::iovec& vector = all_[i];
      if (!get_user(vector, user_at(user, i * sizeof vector))) return Size::failure(EFAULT);
      if (vector.iov_len > SSIZE_MAX) return Size::failure(EINVAL);
    }
    std::size_t sum = 0;
    for (const ::iovec& vector : all_) {
      // One vector alone is cut to what a call moves before it is asked where it ends.
      const std::size_t size = count == 1 ? std::min(vector.iov_len, rw_count_max) : vector.iov_len;
      if (!is_user_range(vector.iov_base, size)) return Size::failure(EFAULT);
      sum = std::min(sum + size, rw_count_max);
    }
    return sum;
  }

  [[nodiscard]] std::span<const ::iovec> all() const { return all_; }
  [[nodiscard]] const ::iovec& operator[](std::size_t i) const { return all_[i]; }

 private:
  std::span<::iovec> all_;
  std::array<::iovec, 8> few_;  // As Linux, which allocates for more.
  std::vector<::iovec> many_;
};

}  // namespace rouse::inline v0::kernel
