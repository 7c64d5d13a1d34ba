// ByteQueue: bytes in order, in one piece: put at the end, looked at anywhere, taken from the front.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rouse::inline v0::kernel {

class ByteQueue {
 public:
  [[nodiscard]] std::size_t size() const { return bytes_.size() - taken_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// Valid until the next change.
  [[nodiscard]] std::string_view view() const { return std::string_view{bytes_}.substr(taken_); }

  void push(std::string_view more) { bytes_.append(more); }
  /// Room for `n` more at the end, to be filled; what of it is not used, is given back by shrink().
  [[nodiscard]] char* extend(std::size_t n) {
    bytes_.resize(bytes_.size() + n);
    return bytes_.data() + bytes_.size() - n;
  }
  void shrink(std::size_t n) { bytes_.resize(bytes_.size() - n); }
  /// Precondition: there are so many.
  void pop(std::size_t n) {
    taken_ += n;
    // What was taken is let go when it is more than what is left: each byte is moved once on average.
    if (taken_ > size()) {
      bytes_.erase(0, taken_);
      taken_ = 0;
    }
  }
  void clear() {
    bytes_.clear();
    taken_ = 0;
  }

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

}  // namespace rouse::inline v0::kernel
