// EpollTopology: which epolls may watch which. Chains are at most five long, there are no cycles, and an ordinary file
// has a bounded number of ways by which a wakeup of it can reach an outermost epoll.
#pragma once

#include "epoll_file.hpp"

#include <array>

namespace rouse::inline v0::kernel {

/// Answers about the graph of epolls as it stands. Nothing is changed but the marks of the walks.
class EpollTopology {
 public:
  /// True if letting `outer` watch `inner` makes a cycle, or a chain of more than epoll_nests_max epolls.
  [[nodiscard]] static bool is_too_deep(const EpollFile& outer, const EpollFile& inner) {
    const std::uint64_t visit = next_visit();
    const int below = height(inner, outer, visit);
    return below > epoll_nests_max || below + depth(outer) > epoll_nests_max;
  }

  /// True if some ordinary file at or below `file` has more wakeup paths than Linux allows.
  [[nodiscard]] static bool has_too_many_paths(const File& file) {
    return any_file_with_too_many_paths(file, next_visit());
  }

 private:
  static constexpr int cyclic = epoll_nests_max + 1;

  // How many epolls the longest chain from `epoll` downwards has; `cyclic` if it leads to `forbidden`. Each epoll is
  // visited once per walk: diamonds are common and would be exponential.
  static int height(const EpollFile& epoll, const EpollFile& forbidden, std::uint64_t visit) {
    if (&epoll == &forbidden) return cyclic;
    if (epoll.visit_ == visit) return epoll.height_;
    int below = 0;
    epoll.registrations_.for_each([&](const Registration& registration) {
      const EpollFile* const inner = file_cast<EpollFile>(&registration.file());
      if (inner == nullptr || below >= cyclic) return;
      const int inner_height = height(*inner, forbidden, visit);
      if (inner_height > below) below = inner_height;
    });
    epoll.visit_ = visit;
    epoll.height_ = below >= cyclic ? cyclic : below + 1;
    return epoll.height_;
  }

  // How many epolls the longest chain from `epoll` upwards has, itself included. At most epoll_nests_max levels.
  static int depth(const EpollFile& epoll) {
    int above = 0;
    const EpollFile* last = nullptr;
    epoll.watchers.for_each([&](const Registration& registration) {
      // Registrations of one outer epoll mostly stand together: the dups of one inner.
      if (&registration.epoll() == last) return;
      last = &registration.epoll();
      const int outer_depth = depth(registration.epoll());
      if (outer_depth > above) above = outer_depth;
    });
    return above + 1;
  }

  static bool any_file_with_too_many_paths(const File& file, std::uint64_t visit) {
    const EpollFile* const epoll = file_cast<EpollFile>(const_cast<File*>(&file));
    if (epoll == nullptr) {
      PathCounts counts{};
      return !count_paths(file, 0, counts);
    }
    if (epoll->visit_ == visit) return false;
    epoll->visit_ = visit;
    bool too_many = false;
    epoll->registrations_.for_each([&](const Registration& registration) {
      too_many = too_many || any_file_with_too_many_paths(registration.file(), visit);
    });
    return too_many;
  }

  using PathCounts = std::array<int, epoll_nests_max>;

  // Counts the chains from `file` to outermost epolls by their length; false once one length has too many.
  static bool count_paths(const File& file, std::size_t length, PathCounts& counts) {
    constexpr PathCounts most = {0, 500, 100, 50, 10};
    if (length >= most.size()) return false;
    for (const Registration* at = file.watchers.front(); at != nullptr; at = file.watchers.next(*at)) {
      const EpollFile& epoll = at->epoll();
      if (!epoll.watchers.empty()) {
        if (!count_paths(epoll, length + 1, counts)) return false;
      } else if (length > 0 && ++counts[length] > most[length]) {
        return false;  // Chains of one epoll are not counted: any number may watch a file directly.
      }
    }
    return true;
  }

  // Marks are compared within one walk only, under the one lock of a kernel.
  static std::uint64_t next_visit() {
    thread_local std::uint64_t visit = 0;
    return ++visit;
  }
};

inline SysResult<void> EpollFile::add(File& file, int fd, EventFlags flags, EventData data) {
  if (watches_.count >= watches_.limit) return SysResult<void>::failure(ENOSPC);
  auto* const registration = new Registration{*this, file, fd, Interest{flags - EventFlags::wakeup, data}};
  ++watches_.count;
  registrations_.push_back(*registration);
  file.watchers.push_back(*registration);
  // New ways come about only if an epoll is watched or watches.
  const bool is_nested = file_cast<EpollFile>(&file) != nullptr || !watchers.empty();
  if (is_nested && EpollTopology::has_too_many_paths(file)) {
    remove(*registration);
    return SysResult<void>::failure(EINVAL);
  }
  if (registration->is_exclusive()) {
    file.queue.add_tail(*registration);
  } else {
    file.queue.add_head(*registration);
  }
  enqueue_if_due(*registration);
  return {};
}

}  // namespace rouse::inline v0::kernel
