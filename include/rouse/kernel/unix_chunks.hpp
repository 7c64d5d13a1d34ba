// UnixChunks: the bytes queued at one end of a unix stream, as Linux keeps them: in the chunks they were sent in, each
// with a cost that its sender pays until the last byte was read, and with the place of the urgent byte, which is a
// chunk of its own.
#pragma once

#include "unix_in_flight.hpp"
#include "user_memory.hpp"

#include <algorithm>
#include <deque>
#include <string>

namespace rouse::inline v0::kernel {

/// What a chunk of `n` bytes costs its sender's buffer: the size of what Linux allocates for it.
[[nodiscard]] constexpr std::size_t unix_stream_cost(std::size_t n) {
  const auto up_to = [](std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; };
  constexpr std::size_t linear_max = 3776;  // Beyond, the rest goes into pages.
  const std::size_t in_pages = std::min(n, up_to(n - std::min(n, linear_max), page_size));
  std::size_t linear = 512;
  while (linear < n - in_pages + 320) linear *= 2;
  return 256 + linear + up_to(in_pages, page_size);
}

class UnixChunks {
 public:
  struct Chunk {
    std::string bytes;
    std::size_t used = 0;
    std::size_t cost = 0;
    UnixRights rights = {};
    [[nodiscard]] std::size_t left() const { return bytes.size() - used; }
  };

  [[nodiscard]] bool empty() const { return chunks_.empty(); }
  [[nodiscard]] bool has_urgent() const { return urgent_; }
  [[nodiscard]] std::size_t cost() const {
    std::size_t sum = 0;
    for (const Chunk& chunk : chunks_) sum += chunk.cost;
    return sum;
  }
  /// True if closing now throws bytes away.
  [[nodiscard]] bool has_unread() const {
    return std::any_of(chunks_.begin(), chunks_.end(), [](const Chunk& chunk) { return chunk.left() > 0; });
  }
  /// FIONREAD. A discarded urgent byte is counted for ever: Linux does so.
  [[nodiscard]] std::size_t readable_bytes() const {
    return inq_ - (!chunks_.empty() && chunks_.front().left() > 0 ? chunks_.front().used : 0);
  }
  /// SIOCATMARK.
  [[nodiscard]] bool is_at_mark() const {
    if (chunks_.empty()) return false;
    if (urgent_ && mark_ == 0) return true;
    return chunks_.front().left() == 0 && (!urgent_ || mark_ == 1);
  }

  void add_files_to(std::vector<File*>& files) const {
    for (const Chunk& chunk : chunks_) chunk.rights.add_to(files);
  }

  void push(std::string bytes, std::size_t cost, bool urgent, UnixRights rights = {}) {
    const std::size_t size = bytes.size();
    chunks_.push_back({std::move(bytes), 0, cost, std::move(rights)});
    inq_ += size;
    if (urgent) {
      urgent_ = true;
      mark_ = chunks_.size() - 1;
    }
  }

  /// recv(MSG_OOB): false if there is no urgent byte to be had this way. Its chunk stays, empty.
  bool take_urgent(char& byte, bool peek) {
    if (!urgent_) return false;
    Chunk& chunk = chunks_[mark_];
    byte = chunk.bytes[0];
    if (peek) return true;
    chunk.used = chunk.bytes.size();
    inq_ -= 1;
    urgent_ = false;
    return true;
  }
  /// What take_urgent leaves: an empty chunk right before it is let go. Returns the cost to give back.
  std::size_t drop_empty_before_mark() {
    if (mark_ == 0) return 0;
    const auto before = chunks_.begin() + static_cast<std::ptrdiff_t>(mark_ - 1);
    if (before->left() != 0) return 0;
    const std::size_t cost = before->cost;
    chunks_.erase(before);
    return cost;
  }

  /// Copies bytes in order and removes what was used up, calling `freed(cost)` for each chunk that leaves. Never goes
  /// across the mark of an urgent byte; the byte itself is thrown away, or read like any other if `inline_urgent`.
  /// A read of no bytes throws it away, too. Stops behind a chunk that came with files, which go into `files`.
  /// Succeeds if there are bytes, perhaps none if none were asked for; and nothing more now, even if there is room.
  /// Errors: EAGAIN if there is nothing, or no more than was moved before: the rest is worth waiting for; EFAULT, with
  /// the chunk it happened in left whole.
  template <class Freed>
  SysResult<void> read(UserOutput& to, bool inline_urgent, std::vector<FileRef>& files, Freed freed) {
    do {
      const bool some = to.moved() > 0;
      if (!chunks_.empty() && chunks_.front().left() == 0) {
        if (some && !urgent_) return {};
        pop(freed);
      }
      if (urgent_ && mark_ == 0) {
        if (some) return {};
        urgent_ = false;
        if (!inline_urgent) pop(freed);
      }
      if (chunks_.empty()) return SysResult<void>::failure(EAGAIN);
      Chunk& chunk = chunks_.front();  // It has bytes: of empty ones, no two are neighbours.
      const std::size_t part = std::min(to.left(), chunk.left());
      if (!copy(to, chunk, part)) return SysResult<void>::failure(EFAULT);
      chunk.used += part;
      files = chunk.rights.take();
      if (chunk.left() > 0) return {};
      inq_ -= chunk.bytes.size();
      pop(freed);
      if (!files.empty()) return {};
    } while (to.left() > 0);
    return {};
  }

  /// recv(MSG_PEEK): as read, and nothing changes. It looks at all that is there, so it never leaves a rest; and it
  /// goes on to the next chunk that came with files, even when there is no room for bytes any more.
  SysResult<void> peek(UserOutput& to, bool inline_urgent, std::vector<FileRef>& files) const {
    auto found = SysResult<void>::failure(EAGAIN);
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      const bool some = to.moved() > 0;
      const bool at_mark = urgent_ && mark_ == i;
      if (some && (at_mark || (chunks_[i].left() == 0 && !urgent_))) return {};
      found = SysResult<void>::failure(EAGAIN);
      if (chunks_[i].left() == 0 || (at_mark && !inline_urgent)) continue;
      if (!copy(to, chunks_[i], std::min(to.left(), chunks_[i].left()))) return SysResult<void>::failure(EFAULT);
      found = {};
      if (chunks_[i].rights.empty()) continue;
      files = chunks_[i].rights.copy();
      return found;
    }
    return found;
  }

  template <class Freed>
  void clear(Freed freed) {
    while (!chunks_.empty()) pop(freed);
  }

 private:
  /// All or nothing: a chunk that meets a bad address is not moved at all.
  static bool copy(UserOutput& to, const Chunk& chunk, std::size_t n) {
    UserOutput after = to;
    if (after.put(chunk.bytes.data() + chunk.used, n) < n) return false;
    to = after;
    return true;
  }

  template <class Freed>
  void pop(Freed& freed) {
    const std::size_t cost = chunks_.front().cost;
    const UnixRights rights = std::move(chunks_.front().rights);  // Let go when all is in order.
    chunks_.pop_front();
    --mark_;  // If there is a mark, it is behind all that goes.
    freed(cost);
  }

  std::deque<Chunk> chunks_;
  std::size_t inq_ = 0;   // Linux's own count of bytes, which a discarded urgent byte does not lower.
  std::size_t mark_ = 0;  // Where the urgent byte's chunk is; means nothing without urgent_.
  bool urgent_ = false;
};

}  // namespace rouse::inline v0::kernel
