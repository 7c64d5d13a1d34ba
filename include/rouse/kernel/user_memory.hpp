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
constexpr bool is_user_memory(std::uintptr_t address, std::size_t n) {
  constexpr std::size_t room = user_space_end - page_size;
  return n == 0 || (n <= room && address - page_size <= room - n);  // One comparison where n is known.
}
inline bool is_user_memory(const void* address, std::size_t n) {
  return is_user_memory(reinterpret_cast<std::uintptr_t>(address), n);
}

/// A fixed-size object from the caller's memory; false means EFAULT.
template <class T>
bool get_user(T& to, const void* from) {
  if (!is_user_memory(from, sizeof to)) return false;
  detail::copy_from_user(&to, from, sizeof to);
  return true;
}
template <class T>
bool put_user(void* to, const T& from) {
  if (!is_user_memory(to, sizeof from)) return false;
  detail::copy_to_user(to, &from, sizeof from);
  return true;
}

/// Where in the caller's memory a transfer stands. Borrowed for the length of a call.
class UserSpans {
 public:
  /// One span.
  UserSpans(void* data, std::size_t size) : at_(static_cast<char*>(data)), here_(size), left_(size) {}
  /// `count` spans, of which `size` bytes in all are to be moved. Precondition: count > 0.
  UserSpans(const ::iovec* spans, int count, std::size_t size)
      : at_(static_cast<char*>(spans->iov_base)),
        here_(spans->iov_len),
        left_(size),
        next_(spans + 1),
        more_(count - 1) {}

  /// Bytes still to be moved.
  [[nodiscard]] std::size_t left() const { return left_; }
  /// Bytes moved so far.
  [[nodiscard]] std::size_t moved() const { return moved_; }

  /// True once the task has slept within this call: what applied to its first moment does not any more.
  [[nodiscard]] bool has_slept() const { return slept_; }
  void set_slept() { slept_ = true; }

 protected:
  /// The next `n` bytes, if they lie in one span and not at a bad address; else null.
  [[nodiscard]] char* span_of(std::size_t n) const { return n <= here_ && is_user_memory(at_, n) ? at_ : nullptr; }

  /// Moves up to `n` bytes by `copy(user, done, part)`; returns how many were moved before the end or a bad address.
  template <class Copy>
  std::size_t move(std::size_t n, Copy copy) {
    if (n > left_) n = left_;
    if (n > here_) [[unlikely]]
      return move_on(n, copy);
    return move_here(n, 0, copy) ? n : 0;
  }

 private:
  template <class Copy>
  bool move_here(std::size_t n, std::size_t done, Copy copy) {
    if (!is_user_memory(at_, n)) [[unlikely]]
      return false;
    copy(at_, done, n);
    at_ += n;
    here_ -= n;
    left_ -= n;
    moved_ += n;
    return true;
  }

  template <class Copy>
  [[gnu::noinline, gnu::cold]] std::size_t move_on(std::size_t n, Copy copy) {
    std::size_t done = 0;
    while (done < n) {
      while (here_ == 0 && more_ > 0) {
        at_ = static_cast<char*>(next_->iov_base);
        here_ = next_->iov_len;
        ++next_;
        --more_;
      }
      const std::size_t part = std::min(n - done, here_);
      if (part == 0 || !move_here(part, done, copy)) break;
      done += part;
    }
    return done;
  }

  char* at_;
  std::size_t here_;  // Bytes from at_ to the end of its span.
  std::size_t left_;
  std::size_t moved_ = 0;
  const ::iovec* next_ = nullptr;
  int more_ = 0;
  bool slept_ = false;
};

/// What a read fills.
class UserOutput : public UserSpans {
 public:
  using UserSpans::UserSpans;

  /// Puts the next `n` bytes without moving on: for what is all or nothing. False at a bad address, or if there is not
  /// so much room.
  [[nodiscard]] bool poke(const void* from, std::size_t n) const {
    char* const user = span_of(n);
    if (user == nullptr) [[unlikely]]
      return poke_across(from, n);
    detail::copy_to_user(user, from, n);
    return true;
  }

  /// Puts `n` bytes, or as many as fit and are not at a bad address; returns how many.
  std::size_t put(const void* from, std::size_t n) {
    return move(n, [from](char* user, std::size_t done, std::size_t part) {
      detail::copy_to_user(user, static_cast<const char*>(from) + done, part);
    });
  }

 private:
  [[gnu::noinline, gnu::cold]] bool poke_across(const void* from, std::size_t n) const {
    UserOutput copy = *this;
    return copy.put(from, n) == n;
  }
};

/// What a write takes.
class UserInput : public UserSpans {
 public:
  UserInput(const void* data, std::size_t size) : UserSpans(const_cast<void*>(data), size) {}
  UserInput(const ::iovec* spans, int count, std::size_t size) : UserSpans(spans, count, size) {}

  /// Copies the next `n` bytes without moving on: for what is all or nothing. False at a bad address, or if there are
  /// not so many.
  [[nodiscard]] bool peek(void* to, std::size_t n) const {
    const char* const user = span_of(n);
    if (user == nullptr) [[unlikely]]
      return peek_across(to, n);
    detail::copy_from_user(to, user, n);
    return true;
  }

  /// Takes `n` bytes, or as many as are left and not at a bad address; returns how many.
  std::size_t get(void* to, std::size_t n) {
    return move(n, [to](const char* user, std::size_t done, std::size_t part) {
      detail::copy_from_user(static_cast<char*>(to) + done, user, part);
    });
  }

 private:
  [[gnu::noinline, gnu::cold]] bool peek_across(void* to, std::size_t n) const {
    UserInput copy = *this;
    return copy.get(to, n) == n;
  }
};

}  // namespace rouse::inline v0::kernel
