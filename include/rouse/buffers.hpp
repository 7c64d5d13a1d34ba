// MutableBuffer and ConstBuffer: the bytes a read fills and a write takes, from anything contiguous.
#pragma once

#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

namespace rouse::inline v0 {

namespace detail {

template <class Range>
concept ContiguousBytes = requires(Range& range) {
  std::data(range);
  std::size(range);
  requires std::is_trivially_copyable_v<std::remove_pointer_t<decltype(std::data(range))>>;
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
  constexpr MutableBuffer(void* data, std::size_t size) : data_(data), size_(size) {}
  template <class Range>
    requires detail::WritableBytes<Range>
  constexpr MutableBuffer(Range&& range) : data_(std::data(range)), size_(detail::byte_count(range)) {}

  [[nodiscard]] constexpr void* data() const { return data_; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }

 private:
  void* data_;
  std::size_t size_;
};

/// Bytes to be taken: an array, a vector, a string view, a span. A string literal's closing NUL is one of them; say
/// `"…"sv` to leave it out. Borrowed, so they outlive the call.
class ConstBuffer {
 public:
  constexpr ConstBuffer(const void* data, std::size_t size) : data_(data), size_(size) {}
  constexpr ConstBuffer(MutableBuffer buffer) : data_(buffer.data()), size_(buffer.size()) {}
  template <class Range>
    requires detail::ContiguousBytes<Range>
  constexpr ConstBuffer(Range&& range) : data_(std::data(range)), size_(detail::byte_count(range)) {}

  [[nodiscard]] constexpr const void* data() const { return data_; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  /// What comes after the first `n` bytes. Precondition: n <= size().
  [[nodiscard]] constexpr ConstBuffer from(std::size_t n) const {
    return {static_cast<const char*>(data_) + n, size_ - n};
  }

 private:
  const void* data_;
  std::size_t size_;
};

}  // namespace rouse::inline v0
