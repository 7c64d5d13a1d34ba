// EpollTopology: which epolls may watch which. Chains are at most five long, there are no cycles, and an ordinary file
// has a bounded number of ways by which a wakeup of it can reach an outermost epoll.
#pragma once

#include "epoll_file.hpp"

#include <array>
#include <climits>

namespace rouse::inline v0::kernel {

/// Answers about the graph of epolls as it stands. Nothing is changed but the marks of the walks.
class EpollTopology {
 public:
  /// True if letting `outer` watch `inner` makes a cycle, or a chain of more than epoll_nests_max epolls.
  [[nodiscard]] static bool is_too_deep(const EpollFile& outer, const EpollFile& inner) {
    const int below = height(inner, outer, outer.watches_.next_walk());
    return below + depth(outer, outer.watches_.next_walk()) > epoll_nests_max;
  }

  /// True if some ordinary file at or below `file`, which `outer` watches, has more wakeup paths than Linux allows.
  [[nodiscard]] static bool has_too_many_paths(const EpollFile& outer, const File& file) {
    return any_file_with_too_many_paths(file, outer.watches_.next_walk());
  }

 private:
  // How many epolls the longest chain from `epoll` downwards has; as many as may be or more if it leads to `forbidden`,
  // so that one above is too many. Each epoll is visited once per walk: diamonds are common and would be exponential.
  static int height(const EpollFile& epoll, const EpollFile& forbidden, std::uint64_t walk) {
    if (&epoll == &forbidden) return epoll_nests_max;
    if (epoll.walk_ == walk) return epoll.extent_;
    int below = 0;
    epoll.registrations_.for_each([&](const Registration& registration) {
      const EpollFile* const inner = file_cast<EpollFile>(&registration.file());
      if (inner == nullptr) return;
      const int inner_height = height(*inner, forbidden, walk);
      if (inner_height > below) below = inner_height;
    });
    epoll.walk_ = walk;
    epoll.extent_ = below + 1;
    return epoll.extent_;
  }

  // How many epolls the longest chain from `epoll` upwards has, itself included.
  static int depth(const EpollFile& epoll, std::uint64_t walk) {
    if (epoll.walk_ == walk) return epoll.extent_;
    int above = 0;
    epoll.watchers.for_each([&](const Registration& registration) {
      const int outer_depth = depth(registration.epoll(), walk);
      if (outer_depth > above) above = outer_depth;
    });
    epoll.walk_ = walk;
    epoll.extent_ = above + 1;
    return epoll.extent_;
  }

  static bool any_file_with_too_many_paths(const File& file, std::uint64_t walk) {
    const EpollFile* const epoll = file_cast<EpollFile>(const_cast<File*>(&file));
    if (epoll == nullptr) {
      PathCounts counts{};
      return !count_paths(file, 0, counts);
    }
    if (epoll->walk_ == walk) return false;
    epoll->walk_ = walk;
    bool too_many = false;
    epoll->registrations_.for_each([&](const Registration& registration) {
      too_many = too_many || any_file_with_too_many_paths(registration.file(), walk);
    });
    return too_many;
  }

  using PathCounts = std::array<int, epoll_nests_max>;

  // Counts the chains from `file` to outermost epolls by their length; false once one length has too many.
  static bool count_paths(const File& file, std::size_t length, PathCounts& counts) {
    constexpr PathCounts most = {INT_MAX, 500, 100, 50, 10};  // Any number of epolls may watch a file directly.
    ROUSE_ASSERT(length < most.size(), "EpollTopology: the chain is too long, and should have been refused");
    for (const Registration* at = file.watchers.front(); at != nullptr; at = file.watchers.next(*at)) {
      const EpollFile& epoll = at->epoll();
      if (!epoll.watchers.empty()) {
        if (!count_paths(epoll, length + 1, counts)) return false;
      } else if (++counts[length] > most[length]) {
        return false;
      }
    }
    return true;
  }
};

inline SysResult<void> EpollFile::add(File& file, int fd, EventFlags flags, EventData data) {
  note_change(file);
  if (watches_.count >= watches_.limit) return SysResult<void>::failure(ENOSPC);
  auto* const registration = new Registration{*this, file, fd, Interest{flags, data}};
  ++watches_.count;
  registrations_.push_back(*registration);
  file.watchers.push_back(*registration);
  // New ways come about only if an epoll is watched or watches.
  const bool is_nested = file_cast<EpollFile>(&file) != nullptr || !watchers.empty();
  if (is_nested && EpollTopology::has_too_many_paths(*this, file)) {
    remove(*registration);
    return SysResult<void>::failure(EINVAL);
  }
  if (registration->is_exclusive()) {
    file.wait_queue().add_tail(*registration);
  } else {
    file.wait_queue().add_head(*registration);
  }
  enqueue_if_due(*registration);
  return {};
}

}  // namespace rouse::inline v0::kernel
