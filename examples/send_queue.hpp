// SendQueue: what is still to be sent over a connection. Pieces are queued as they are, and go several to a call.
#pragma once

#include <rouse/buffers.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace example {

class SendQueue {
 public:
  void push(std::string piece) {
    if (piece.empty()) return;
    bytes_ += piece.size();
    pieces_.push_back(std::move(piece));
  }
  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// Sends what there is room for, and says how much that was. If `ec` is set, nothing can be sent any more.
  template <class Stream>
  std::size_t send(Stream& stream, std::error_code& ec) {
    const std::size_t before = bytes_;
    ec.clear();
    while (!empty()) {
      const std::size_t offered = gather();
      const std::size_t sent = stream.try_send(std::span<const rouse::ConstBuffer>(parts_), {}, ec).value_or(0);
      drop(sent);
      // Less than was offered: the next call would not send anything.
      if (sent < offered) break;
    }
    return before - bytes_;
  }

 private:
  static constexpr std::size_t parts_max = 64;

  std::size_t gather() {
    parts_.clear();
    std::size_t sum = 0;
    for (const std::string& piece : pieces_) {
      if (parts_.size() == parts_max) break;
      parts_.push_back(rouse::ConstBuffer(piece).from(parts_.empty() ? sent_of_first_ : 0));
      sum += parts_.back().size();
    }
    return sum;
  }

  void drop(std::size_t n) {
    bytes_ -= n;
    while (n > 0) {
      const std::size_t left = pieces_.front().size() - sent_of_first_;
      if (n < left) {
        sent_of_first_ += n;
        return;
      }
      n -= left;
      sent_of_first_ = 0;
      pieces_.pop_front();
    }
  }

  std::deque<std::string> pieces_;
  std::size_t sent_of_first_ = 0;
  std::size_t bytes_ = 0;
  std::vector<rouse::ConstBuffer> parts_;  // Here only so that its memory is used again.
};

}  // namespace example
