// UserInput and UserOutput: the caller's memory that a call takes bytes from or puts them into, one span or many.
//
// An address is bad (EFAULT) if it is in the first page or beyond user space. What else may be unmapped is not asked:
// that would take a syscall per call, and a wrong pointer faults in the test as it would in the program.
#pragma once

#include "../detail/tsan.hpp"
#include "limits.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sys/uio.h>

namespace rouse::inline v0::kernel {

/// The end of user space on x86-64 and, with 48-bit addresses, on aarch64.
inline constexpr std::uintptr_t user_space_end = 0x7ffffffff000;

/// True if all of the span could be user memory: what Linux checks by arithmetic, before it touches anything.
inline bool is_user_range(const void* address, std::size_t n) {
  const auto start = reinterpret_cast<std::uintptr_t>(address);
  return n <= user_space_end && start <= user_space_end - n;
}

/// True if touching the memory would not fault, as far as can be told.
inline bool is_user_memory(const void* address, std::size_t n) {
  return n == 0 || (reinterpret_cast<std::uintptr_t>(address) >= page_size && is_user_range(address, n));
}

/// A fixed-size object from the caller's memory; false means EFAULT.
template <class T>
bool get_user(T& to, const void* from) {
  if (!is_user_memory(from, sizeof to)) return false;
  detail::copy_user(&to, from, sizeof to);
  return true;
}
template <class T>
bool put_user(void* to, const T& from) {
  if (!is_user_memory(to, sizeof from)) return false;
  detail::copy_user(to, &from, sizeof from);
  return true;
}

/// Where in the caller's memory a transfer stands. Borrowed for the length of a call.
class UserSpans {
 public:
  UserSpans(const ::iovec* spans, int count, std::size_t size) : span_(spans), count_(count), left_(size) {}

  /// Bytes still to be moved.
  [[nodiscard]] std::size_t left() const { return left_; }
  /// Bytes moved so far.
  [[nodiscard]] std::size_t moved() const { return moved_; }

  /// True once the task has slept within this call: what applied to its first moment does not any more.
  [[nodiscard]] bool has_slept() const { return slept_; }
  void set_slept() { slept_ = true; }

 protected:
  /// Moves up to `n` bytes by `copy(user, done, part)`; returns how many were moved before the end or a bad address.
  template <class Copy>
  std::size_t move(std::size_t n, Copy copy) {
    std::size_t done = 0;
    n = std::min(n, left_);
    while (done < n) {
      const std::size_t part = std::min(n - done, span_->iov_len - offset_);
      if (part != 0) {
        char* const user = static_cast<char*>(span_->iov_base) + offset_;
        if (!is_user_memory(user, part)) break;
        copy(user, done, part);
        done += part;
        offset_ += part;
      }
      if (offset_ == span_->iov_len && count_ > 1) {
        ++span_;
        --count_;
        offset_ = 0;
      }
    }
    left_ -= done;
    moved_ += done;
    return done;
  }

 private:
  const ::iovec* span_;
  int count_;
  std::size_t offset_ = 0;
  std::size_t left_;
  std::size_t moved_ = 0;
  bool slept_ = false;
};

/// What a read fills.
class UserOutput : public UserSpans {
 public:
  using UserSpans::UserSpans;
  /// Puts `n` bytes, or as many as fit and are not at a bad address; returns how many.
  std::size_t put(const void* from, std::size_t n) {
    return move(n, [from](char* user, std::size_t done, std::size_t part) {
      detail::copy_user(user, static_cast<const char*>(from) + done, part);
    });
  }
};

/// What a write takes.
class UserInput : public UserSpans {
 public:
  using UserSpans::UserSpans;
  /// Takes `n` bytes, or as many as are left and not at a bad address; returns how many.
  std::size_t get(void* to, std::size_t n) {
    return move(n, [to](const char* user, std::size_t done, std::size_t part) {
      detail::copy_user(static_cast<char*>(to) + done, user, part);
    });
  }
};

}  // namespace rouse::inline v0::kernel
