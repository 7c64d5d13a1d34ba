// UnixRights: the files inside one message of a unix socket (SCM_RIGHTS). UnixInFlight: those of all messages.
//
// A file in a message stays open, and so do its registrations. Sockets that were sent over each other could thus hold
// each other for ever. Linux looks for such rings in the background soon after any unix socket is closed; here that is
// done within the close.
#pragma once

#include "socket_file.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <set>
#include <vector>

namespace rouse::inline v0::kernel {

class UnixInFlight;

/// The files of one message, and the way to others that are to be let go.
struct UnixFiles {
  UnixInFlight& home;
  std::vector<FileRef> files;
  std::unique_ptr<UnixFiles> next = nullptr;
};

/// Knows which sockets are inside messages, and lets go of what was in messages that nobody read.
class UnixInFlight {
 public:
  UnixInFlight() = default;
  UnixInFlight(const UnixInFlight&) = delete;
  UnixInFlight& operator=(const UnixInFlight&) = delete;

  /// How many files are inside messages, each as often as it is.
  [[nodiscard]] std::size_t count() const { return count_; }

  void add(const FileRef& file) {
    ++count_;
    SocketFile* const socket = socket_cast(file.get());
    if (socket != nullptr && socket->times_in_flight_++ == 0) sockets_.push_back(*socket);
  }
  void remove(const FileRef& file) {
    --count_;
    SocketFile* const socket = socket_cast(file.get());
    if (socket != nullptr && --socket->times_in_flight_ == 0) socket->detail::ListLink<SocketFile, InFlight>::unlink();
  }

  /// Lets files go, in order. If that closes a socket, what its messages held goes after it: however long a chain is,
  /// it takes no stack.
  void let_go(std::unique_ptr<UnixFiles> files) {
    std::unique_ptr<UnixFiles>* last = &dropped_;
    while (*last != nullptr) last = &(*last)->next;
    *last = std::move(files);
    settle();
  }
  /// A unix socket was closed: rings are looked for.
  void collect() {
    wants_collection_ = true;
    settle();
  }

 private:
  using Sockets = std::vector<SocketFile*>;

  void settle() {
    if (is_settling_) return;
    is_settling_ = true;
    while (dropped_ != nullptr || wants_collection_) {
      if (dropped_ == nullptr) {
        wants_collection_ = false;
        discard_rings();
        continue;
      }
      const std::unique_ptr<UnixFiles> batch = std::move(dropped_);  // It goes here, and its files with it.
      dropped_ = std::move(batch->next);
    }
    is_settling_ = false;
  }

  void discard_rings() {
    try {
      for (SocketFile* const socket : rings()) socket->discard_messages();
    } catch (const std::bad_alloc&) {
      // The next close will look again.
    }
  }

  static std::vector<File*> held_by(const SocketFile& socket) {
    std::vector<File*> files;
    socket.add_files_held(files);
    return files;
  }

  /// The sockets that only messages hold which wait at such sockets.
  [[nodiscard]] Sockets unreachable() const {
    Sockets found;
    sockets_.for_each([&found](const SocketFile& socket) { found.push_back(const_cast<SocketFile*>(&socket)); });
    for (bool is_settled = false; !is_settled;) {
      std::vector<File*> held;
      for (const SocketFile* const socket : found) socket->add_files_held(held);
      is_settled = std::erase_if(found, [&held](SocketFile* socket) {
                     return std::count(held.begin(), held.end(), static_cast<File*>(socket)) != socket->references();
                   }) == 0;
    }
    return found;
  }

  /// Of these, the ones on a ring that nothing outside of it holds. What hangs on a ring is closed with it, as usual.
  [[nodiscard]] Sockets rings() const {
    const Sockets all = unreachable();
    Sockets found;
    for (SocketFile* const socket : all) {
      const std::set<const File*> below = reached_from(*socket, all);
      const bool is_held_from_outside = std::any_of(all.begin(), all.end(), [&](const SocketFile* other) {
        return !below.contains(other) && reached_from(*other, all).contains(socket);
      });
      if (!is_held_from_outside) found.push_back(socket);
    }
    return found;
  }
  static std::set<const File*> reached_from(const SocketFile& start, const Sockets& within) {
    std::set<const File*> seen;
    std::vector<const SocketFile*> left{&start};
    while (!left.empty()) {
      const SocketFile& socket = *left.back();
      left.pop_back();
      for (File* const file : held_by(socket)) {
        const auto found = std::find(within.begin(), within.end(), file);
        if (found != within.end() && seen.insert(file).second) left.push_back(*found);
      }
    }
    return seen;
  }

  std::size_t count_ = 0;
  detail::IntrusiveList<SocketFile, InFlight> sockets_;
  std::unique_ptr<UnixFiles> dropped_;
  bool wants_collection_ = false;
  bool is_settling_ = false;
};

/// The files of one message, or none. They are let go with it.
class UnixRights {
 public:
  UnixRights() = default;
  UnixRights(UnixInFlight& home, std::vector<FileRef> files) {
    if (files.empty()) return;
    files_ = std::make_unique<UnixFiles>(UnixFiles{home, std::move(files)});
    for (const FileRef& file : files_->files) home.add(file);
  }
  UnixRights(UnixRights&&) noexcept = default;
  UnixRights& operator=(UnixRights from) noexcept {
    std::swap(files_, from.files_);
    return *this;
  }
  ~UnixRights() {
    if (files_ != nullptr) drop();
  }

  [[nodiscard]] bool empty() const { return files_ == nullptr; }
  void add_to(std::vector<File*>& files) const {
    if (files_ == nullptr) return;
    for (const FileRef& file : files_->files) files.push_back(file.get());
  }
  /// More references to them, for a peek.
  [[nodiscard]] std::vector<FileRef> copy() const { return files_ != nullptr ? files_->files : std::vector<FileRef>{}; }
  /// They have arrived.
  [[nodiscard]] std::vector<FileRef> take() {
    if (files_ == nullptr) return {};
    land();
    return std::move(std::exchange(files_, nullptr)->files);
  }

 private:
  void land() {
    for (const FileRef& file : files_->files) files_->home.remove(file);
  }
  [[gnu::noinline, gnu::cold]] void drop() {
    land();
    UnixInFlight& home = files_->home;
    home.let_go(std::move(files_));
  }

  std::unique_ptr<UnixFiles> files_;
};

}  // namespace rouse::inline v0::kernel
