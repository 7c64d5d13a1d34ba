// Kernel: the whole state of one emulated Linux kernel. Nothing is static: two of them do not know of each other.
//
// The calls themselves are functions over a Kernel: syscalls.hpp. Each enters through Kernel::enter, the one place
// where a call can be observed, scheduled, locked and checked.
#pragma once

#include "../detail/tsan.hpp"
#include "epoll_file.hpp"
#include "fd_table.hpp"
#include "limits.hpp"
#include "plain_file.hpp"
#include "solo_host.hpp"
#include "unix_names.hpp"

#include <memory>
#include <new>
#include <string>

namespace rouse::inline v0::kernel {

class Kernel {
 public:
  /// A kernel for one thread, on virtual time.
  Kernel() : Kernel(std::make_unique<SoloHost>()) {}
  /// A kernel whose tasks `host` runs. The host outlives it.
  explicit Kernel(Host& host) : host_(host), needs_(host.needs() | (detail::tsan_is_on ? hidden : 0)) {
    for (const char* name : {"stdin", "stdout", "stderr"}) {
      fds.install(fds.lowest_free(3), FileRef{new PlainFile{file_ids.next(), O_RDWR, name}}, false);
    }
  }
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  /// Closes what is still open. Precondition: no task is inside a call.
  ~Kernel() {
    const detail::Hidden hidden_from_tsan;
    fds.clear();
  }

  [[nodiscard]] Host& host() const { return host_; }

  /// An fd for a file that cannot be waited on: epoll_ctl says EPERM. Its contents are not modelled.
  int open_plain_file(std::string path) { return open_plain_file(std::move(path), O_RDWR).value(); }
  SysResult<int> open_plain_file(std::string path, int flags) {
    NewFd fd = new_fd();
    if (!fd) return SysResult<int>::failure(EMFILE);
    const FileRef file{new PlainFile{file_ids.next(), flags & ~O_CLOEXEC, std::move(path)}};
    return fd.install(file, (flags & O_CLOEXEC) != 0);
  }

  /// Calls `check` after every syscall, with the kernel locked: see invariants.hpp. Null for none.
  void check_every_call(void (*check)(const Kernel&)) {
    check_ = check;
    needs_ = check != nullptr ? needs_ | checking : needs_ & ~checking;
  }

  // -- for the syscalls

  /// Makes a call. One test when nobody watches; always inlined, as what the call captures would else go through
  /// memory. Running out of memory is ENOMEM: calls allocate before they change anything.
  template <class Body>
  [[gnu::always_inline]] auto enter(const Op& op, const Body& body) -> decltype(body()) {
    ROUSE_ASSERT(host_.serves_this_thread(), "Kernel: called by a second thread; give it a kernel::ThreadHost");
    if (needs_ != 0) [[unlikely]]
      return observed(op, body);
    try {
      return body();
    } catch (const std::bad_alloc&) {
      return decltype(body())::failure(ENOMEM);
    }
  }

  [[nodiscard]] File* file(int fd) const { return fds.file(fd); }
  /// The lowest free number from `from` on.
  [[nodiscard]] NewFd new_fd(std::size_t from = 0) { return {fds, limits.nofile_soft, from}; }

  /// A point on CLOCK_REALTIME, as an offset of the host's clock.
  Time realtime_offset = 946684800'000'000'000;  // 2000-01-01: as fixed as the rest of virtual time.

  Limits limits;
  FileIds file_ids;
  FdTable fds;
  WatchCount epoll_watches{limits.max_user_watches};
  UnixNames unix_names;

 private:
  // Beside the host's own needs.
  static constexpr unsigned hidden = 1u << 30;
  static constexpr unsigned checking = 1u << 31;

  explicit Kernel(std::unique_ptr<Host> host) : Kernel(*host) { own_host_ = std::move(host); }

  class Locked {
   public:
    explicit Locked(Host* host) : host_(host) {
      if (host_ != nullptr) host_->lock();
    }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
    ~Locked() {
      if (host_ != nullptr) host_->unlock();
    }

   private:
    Host* host_;
  };

  template <class Body>
  [[gnu::noinline]] auto observed(const Op& op, const Body& body) -> decltype(body()) {
    const detail::Hidden hidden_from_tsan;
    if ((needs_ & needs_schedule_points) != 0) host_.schedule_point(op);
    const Locked locked{(needs_ & needs_locking) != 0 ? &host_ : nullptr};
    auto result = decltype(body())::failure(ENOMEM);
    try {
      result = body();
    } catch (const std::bad_alloc&) {
      // As in enter().
    }
    if ((needs_ & checking) != 0) check_(*this);
    return result;
  }

  std::unique_ptr<Host> own_host_;
  Host& host_;
  unsigned needs_;
  void (*check_)(const Kernel&) = nullptr;
};

}  // namespace rouse::inline v0::kernel
