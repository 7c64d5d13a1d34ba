// MutableBuffer and ConstBuffer: the bytes a read fills and a write takes, from anything contiguous.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <sys/uio.h>
#include <type_traits>
#include <utility>

namespace rouse::inline v0 {

class ConstBuffer;
class MutableBuffer;

namespace detail {

template <class T>
concept Buffer = std::same_as<std::remove_cv_t<T>, ConstBuffer> || std::same_as<std::remove_cv_t<T>, MutableBuffer>;

// Several buffers are never bytes themselves: their pointers would be sent.
template <class Range>
concept ContiguousBytes = requires(Range& range) {
  std::data(range);
  std::size(range);
  requires std::is_trivially_copyable_v<std::remove_pointer_t<decltype(std::data(range))>>;
  requires !Buffer<std::remove_pointer_t<decltype(std::data(range))>>;
};

template <class Range>
concept WritableBytes =
    ContiguousBytes<Range> && !std::is_const_v<std::remove_pointer_t<decltype(std::data(std::declval<Range&>()))>>;

template <class Range>
constexpr std::size_t byte_count(Range& range) {
  return std::size(range) * sizeof(*std::data(range));
}

}  // namespace detail

/// Bytes to be filled: an array, a vector, a string, a span. Borrowed, so they outlive the call.
class MutableBuffer {
 public:
  constexpr MutableBuffer(void* data, std::size_t size) : raw_{data, size} {}
  template <class Range>
    requires detail::WritableBytes<Range>
  constexpr MutableBuffer(Range&& range) : raw_{std::data(range), detail::byte_count(range)} {}

  [[nodiscard]] constexpr void* data() const { return raw_.iov_base; }
  [[nodiscard]] constexpr std::size_t size() const { return raw_.iov_len; }

 private:
  ::iovec raw_;
};

/// Bytes to be taken: an array, a vector, a string view, a span. A string literal's closing NUL is one of them; say
/// `"…"sv` to leave it out. Borrowed, so they outlive the call.
class ConstBuffer {
 public:
  constexpr ConstBuffer(const void* data, std::size_t size) : raw_{const_cast<void*>(data), size} {}
  constexpr ConstBuffer(MutableBuffer buffer) : ConstBuffer(buffer.data(), buffer.size()) {}
  template <class Range>
    requires detail::ContiguousBytes<Range>
  constexpr ConstBuffer(Range&& range) : ConstBuffer(std::data(range), detail::byte_count(range)) {}

  [[nodiscard]] constexpr const void* data() const { return raw_.iov_base; }
  [[nodiscard]] constexpr std::size_t size() const { return raw_.iov_len; }
  /// What comes after the first `n` bytes. Precondition: n <= size().
  [[nodiscard]] constexpr ConstBuffer from(std::size_t n) const {
    return {static_cast<const char*>(data()) + n, size() - n};
  }

 private:
  ::iovec raw_;  // Only ever read from.
};

namespace detail {

// A buffer is an iovec and nothing else, so the kernel takes several of them as they are.
static_assert(sizeof(ConstBuffer) == sizeof(::iovec) && std::is_standard_layout_v<ConstBuffer>);
static_assert(sizeof(MutableBuffer) == sizeof(::iovec) && std::is_standard_layout_v<MutableBuffer>);

template <Buffer T>
::iovec* vectors_of(std::span<const T> buffers) {
  // The kernel only reads the vectors; a msghdr has no const.
  return const_cast<::iovec*>(reinterpret_cast<const ::iovec*>(buffers.data()));
}

template <Buffer T>
constexpr std::size_t byte_count_of(std::span<const T> buffers) {
  std::size_t sum = 0;
  for (const T& buffer : buffers) sum += buffer.size();
  return sum;
}

}  // namespace detail

}  // namespace rouse::inline v0
