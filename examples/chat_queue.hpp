// ChatQueue: lines that wait for room in a unix socket, some with an fd that goes along. The fd keeps its place among
// them.
#pragma once

#include <rouse/fd.hpp>
#include <rouse/unix_stream.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace example {

template <class Backend>
class ChatQueue {
 public:
  using OwnedFd = rouse::BasicOwnedFd<Backend>;

  void push(std::string line, std::optional<OwnedFd> fd = std::nullopt) {
    bytes_ += line.size();
    fds_ += fd ? 1 : 0;
    lines_.push_back({std::move(line), std::move(fd)});
  }
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t fds() const { return fds_; }

  /// Sends what there is room for. If `ec` is set, nothing can be sent any more.
  template <class Stream>
  void send(Stream& stream, std::error_code& ec) {
    ec.clear();
    while (!empty()) {
      auto& [line, fd] = lines_.front();
      const rouse::ConstBuffer rest = rouse::ConstBuffer(line).from(sent_of_first_);
      std::optional<std::size_t> sent;
      if (fd) {
        const rouse::BasicFdRef<Backend> passed = *fd;
        sent = stream.try_send_with(rest, {&passed, 1}, {}, ec);
      } else {
        sent = stream.try_send(rest, ec);
      }
      if (!sent) return;
      // It goes with the first byte. The message has its own now.
      if (fd) --fds_;
      fd.reset();
      bytes_ -= *sent;
      sent_of_first_ += *sent;
      if (sent_of_first_ < line.size()) return;
      sent_of_first_ = 0;
      lines_.pop_front();
    }
  }

 private:
  struct Line {
    std::string text;
    std::optional<OwnedFd> fd;
  };

  std::deque<Line> lines_;
  std::size_t sent_of_first_ = 0;
  std::size_t bytes_ = 0;
  std::size_t fds_ = 0;
};

}  // namespace example
