// UserInput and UserOutput: the caller's memory that a call takes bytes from or puts them into, one span or many.
// What cannot be touched is EFAULT.
#pragma once

#include "../detail/tsan.hpp"
#include "../sys_result.hpp"
#include "limits.hpp"
#include "time.hpp"
#include "user_pages.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>
#include <sys/uio.h>

namespace rouse::inline v0::kernel {

inline bool is_user_range(const void* address, std::size_t n) {
  return is_user_range(reinterpret_cast<std::uintptr_t>(address), n);
}

/// `n` bytes on in the caller's memory. By numbers: what may be no object at all has no place in pointer arithmetic.
inline void* user_at(const void* address, std::size_t n) {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(address) + n);
}

/// True if it is known at once that the caller's memory can be read, or written, without a fault.
inline bool is_readable_for_sure(const void* address, std::size_t n) {
  return UserPages::is_readable_for_sure(reinterpret_cast<std::uintptr_t>(address), n);
}
inline bool is_writable_for_sure(void* address, std::size_t n) {
  return UserPages::is_writable_for_sure(reinterpret_cast<std::uintptr_t>(address), n);
}
inline bool are_pages_writable_for_sure(void* address, std::size_t n) {
  return UserPages::are_pages_writable_for_sure(reinterpret_cast<std::uintptr_t>(address), n);
}
/// True if the caller's memory can be read, or written, without a fault.
inline bool can_read_user(const void* address, std::size_t n) {
  return UserPages::can_read(reinterpret_cast<std::uintptr_t>(address), n);
}
inline bool can_write_user(void* address, std::size_t n) {
  return UserPages::can_write(reinterpret_cast<std::uintptr_t>(address), n);
}

/// Those of `n` bytes that come before the first bad page. Precondition: there is one.
[[gnu::noinline, gnu::cold]] inline void put_bytes_up_to_fault(void* to, const void* from, std::size_t n) {
  if (!is_user_range(to, n)) return;
  const auto start = reinterpret_cast<std::uintptr_t>(to);
  std::size_t good = 0;
  while (can_write_user(user_at(to, good), 1)) good += page_size - (start + good) % page_size;
  detail::copy_to_user(to, from, good);
}
/// Bytes into the caller's memory; false means EFAULT, and that those before the first bad page were put.
inline bool put_bytes(void* to, const void* from, std::size_t n) {
  if (!can_write_user(to, n)) [[unlikely]] {
    put_bytes_up_to_fault(to, from, n);
    return false;
  }
  detail::copy_to_user(to, from, n);
  return true;
}

/// Bytes from the caller's memory; false means EFAULT, and that none were taken.
inline bool get_bytes(void* to, const void* from, std::size_t n) {
  if (!can_read_user(from, n)) [[unlikely]]
    return false;
  detail::copy_from_user(to, from, n);
  return true;
}

/// A fixed-size object from the caller's memory; false means EFAULT.
template <class T>
bool get_user(T& to, const void* from) {
  return get_bytes(&to, from, sizeof to);
}
template <class T>
bool put_user(void* to, const T& from) {
  return put_bytes(to, &from, sizeof from);
}

/// A span of time, in nanoseconds. Errors: EINVAL if it is negative or not normalized.
inline SysResult<Time> span_of(const ::timespec& span) {
  constexpr long second = 1'000'000'000;
  if (span.tv_sec < 0 || span.tv_nsec < 0 || span.tv_nsec >= second) return SysResult<Time>::failure(EINVAL);
  return span.tv_sec >= time_never / second ? time_never : Time{span.tv_sec} * second + span.tv_nsec;
}
/// From the caller's memory. Errors: EFAULT besides.
inline SysResult<Time> get_span(const ::timespec* from) {
  ::timespec span{};
  return get_user(span, from) ? span_of(span) : SysResult<Time>::failure(EFAULT);
}

/// Where in the caller's memory a transfer stands. Borrowed for the length of a call.
class UserSpans {
 public:
  /// One span.
  UserSpans(void* data, std::size_t size) : at_(static_cast<char*>(data)), here_(size), left_(size) {}
  /// Several, of which `size` bytes in all are to be moved. Preconditions: they have so many, and there is one.
  UserSpans(std::span<const ::iovec> spans, std::size_t size)
      : at_(static_cast<char*>(spans.front().iov_base)),
        here_(spans.front().iov_len),
        left_(size),
        next_(spans.data() + 1) {}

  /// Bytes still to be moved.
  [[nodiscard]] std::size_t left() const { return left_; }
  /// Bytes moved so far.
  [[nodiscard]] std::size_t moved() const { return moved_; }

  /// True once the task has slept within this call: what applied to its first moment does not any more.
  [[nodiscard]] bool has_slept() const { return slept_; }
  void set_slept() { slept_ = true; }

  /// How much the file has decided to move next, for a call that tries again after it slept; 0 if it has not decided.
  [[nodiscard]] std::size_t decided() const { return decided_; }
  /// Precondition: n < 65536.
  void decide(std::size_t n) { decided_ = static_cast<std::uint16_t>(n); }

 protected:
  /// Where the next byte is, and with it the bytes that fits_here() says.
  [[nodiscard]] char* here() const { return at_; }
  /// True if the next `n` bytes lie in one span.
  [[nodiscard]] bool fits_here(std::size_t n) const { return n <= here_; }

  /// Moves up to `n` bytes by `copy(user, done, part)`, which says no at a bad address; returns how many were moved
  /// before that or the end.
  template <class Copy>
  std::size_t move(std::size_t n, Copy copy) {
    if (n > left_) n = left_;
    if (!fits_here(n)) [[unlikely]]
      return move_on(n, copy);
    return move_here(n, 0, copy) ? n : 0;
  }

 private:
  template <class Copy>
  bool move_here(std::size_t n, std::size_t done, Copy copy) {
    if (!copy(at_, done, n)) [[unlikely]]
      return false;
    at_ = static_cast<char*>(user_at(at_, n));  // Null may be skipped, too.
    here_ -= n;
    left_ -= n;
    moved_ += n;
    return true;
  }

  template <class Copy>
  [[gnu::noinline, gnu::cold]] std::size_t move_on(std::size_t n, Copy copy) {
    std::size_t done = 0;
    while (done < n) {
      for (; here_ == 0; ++next_) {
        at_ = static_cast<char*>(next_->iov_base);
        here_ = next_->iov_len;
      }
      const std::size_t part = std::min(n - done, here_);
      if (!move_here(part, done, copy)) break;
      done += part;
    }
    return done;
  }

  char* at_;
  std::size_t here_;  // Bytes from at_ to the end of its span.
  std::size_t left_;
  std::size_t moved_ = 0;
  const ::iovec* next_ = nullptr;
  std::uint16_t decided_ = 0;
  bool slept_ = false;

 protected:
  bool broken_ = false;  // Of a UserInput. Here, so that the three are cleared at once.
};

/// What was moved before a call came to nothing, if that is anything.
[[nodiscard]] inline SysResult<std::size_t> moved_or(const UserSpans& spans, SysResult<std::size_t> result) {
  return !result.ok() && spans.moved() > 0 ? SysResult<std::size_t>{spans.moved()} : result;
}

/// What a read fills.
class UserOutput : public UserSpans {
 public:
  using UserSpans::UserSpans;

  /// Puts the next `n` bytes without moving on: for what is all or nothing. False at a bad address, or if there is not
  /// so much room.
  [[nodiscard]] bool poke(const void* from, std::size_t n) const {
    if (!fits_here(n)) [[unlikely]]
      return poke_across(from, n);
    return put_bytes(here(), from, n);
  }

  /// Counts `n` bytes as put, or as many as there is room for, and touches nothing; returns how many.
  std::size_t skip(std::size_t n) {
    return move(n, [](char*, std::size_t, std::size_t) { return true; });
  }
  /// Puts `n` bytes, or as many as fit and are not at a bad address; returns how many.
  std::size_t put(const void* from, std::size_t n) {
    return move(n, [from](char* user, std::size_t done, std::size_t part) {
      return put_bytes(user, static_cast<const char*>(from) + done, part);
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
  UserInput(std::span<const ::iovec> spans, std::size_t size) : UserSpans(spans, size) {}

  /// Copies the next `n` bytes without moving on: for what is all or nothing. False at a bad address, or if there are
  /// not so many.
  [[nodiscard]] bool peek(void* to, std::size_t n) const {
    if (!fits_here(n)) [[unlikely]]
      return peek_across(to, n);
    return get_bytes(to, here(), n);
  }

  /// As peek, of a number that a call looks at once: after a sleep it is the one from before.
  [[nodiscard]] bool peek_once(std::uint64_t& number) {
    if (has_slept()) {
      number = number_;
      return true;
    }
    const bool good = peek(&number, sizeof number);
    number_ = number;
    return good;
  }

  /// True if nobody can read what is written: SIGPIPE, even if some of it went.
  [[nodiscard]] bool is_broken() const { return broken_; }
  void set_broken() { broken_ = true; }

  /// Takes `n` bytes, or as many as are left and not at a bad address; returns how many.
  std::size_t get(void* to, std::size_t n) {
    return move(n, [to](const char* user, std::size_t done, std::size_t part) {
      return get_bytes(static_cast<char*>(to) + done, user, part);
    });
  }

 private:
  [[gnu::noinline, gnu::cold]] bool peek_across(void* to, std::size_t n) const {
    UserInput copy = *this;
    return copy.get(to, n) == n;
  }

  std::uint64_t number_;  // Means nothing before peek_once.
};

}  // namespace rouse::inline v0::kernel
