// Pipe: a one-way stream of bytes with an fd at each end. pipe2(2), pipe(7).
#pragma once

#include "buffers.hpp"
#include "open_flags.hpp"
#include "waiting_handle.hpp"

#include <optional>
#include <utility>

namespace rouse::inline v0 {

/// What pipes are made with: both ends non-blocking and close-on-exec, unless told otherwise.
inline constexpr PipeFlags default_pipe_flags{O_NONBLOCK | O_CLOEXEC};

/// The end that reads. Any number of threads may use it at a time, except for moving and closing it.
template <PipeBackend B>
class BasicPipeReader : public WaitingHandle<BasicPipeReader<B>, B> {
  using Base = WaitingHandle<BasicPipeReader<B>, B>;

 public:
  /// Takes over an fd that is the reading end of a pipe.
  explicit BasicPipeReader(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current()) : Base(std::move(fd), site) {}

  /// Takes up to `into.size()` bytes, waiting for the first one; 0 once every writer is closed and all was read.
  /// Errors: EINTR if a signal ends the waiting.
  std::size_t read(MutableBuffer into, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return this->value_or_throw(read_waiting(into), "read");
  }
  std::size_t read(MutableBuffer into, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    const SysResult<std::size_t> got = detail::report(read_waiting(into), ec);
    return got.ok() ? got.value() : 0;
  }

  /// Takes up to `into.size()` bytes of what is there; nothing if there is none yet; 0 once every writer is closed and
  /// all was read. Precondition: non-blocking, as made by default.
  [[nodiscard]] std::optional<std::size_t> try_read(MutableBuffer into, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    return this->value_if_ready(read_once(into), "read");
  }
  [[nodiscard]] std::optional<std::size_t> try_read(MutableBuffer into, std::error_code& ec,
                                                    CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    return detail::report_if_ready(read_once(into), ec);
  }

  static constexpr char used_while_closed[] = "PipeReader: used while closed or after being moved from";

 private:
  template <PipeBackend>
  friend class BasicPipe;
  BasicPipeReader(BasicOwnedFd<B> fd, bool blocking) : Base(std::move(fd), blocking) {}

  SysResult<std::size_t> read_once(MutableBuffer into) const {
    return this->backend().read(this->fd(), into.data(), into.size());
  }
  SysResult<std::size_t> read_waiting(MutableBuffer into) const {
    return this->waiting(POLLIN, [this, into] { return read_once(into); });
  }
};

/// The end that writes. Any number of threads may use it at a time, except for moving and closing it; writes of up to
/// PIPE_BUF (4096) bytes do not mix. Writing when no reader is left raises SIGPIPE on Linux, and is EPIPE where that
/// is ignored: programs that use pipes ignore it.
template <PipeBackend B>
class BasicPipeWriter : public WaitingHandle<BasicPipeWriter<B>, B> {
  using Base = WaitingHandle<BasicPipeWriter<B>, B>;

 public:
  /// Takes over an fd that is the writing end of a pipe.
  explicit BasicPipeWriter(BasicOwnedFd<B> fd, CallSiteFor<B> site = CallSite::current()) : Base(std::move(fd), site) {}

  /// Writes all of `from`, waiting for room as often as it takes, and returns its size. Errors: EPIPE if no reader is
  /// left, EINTR if a signal ends the waiting.
  std::size_t write(ConstBuffer from, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    return this->value_or_throw(write_all(from), "write");
  }
  /// As above; if `ec` is set, returns how much was written until then.
  std::size_t write(ConstBuffer from, std::error_code& ec, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    std::size_t done = 0;
    static_cast<void>(detail::report(write_all(from, done), ec));
    return done;
  }

  /// Writes what fits now and says how much; nothing if the pipe is full. Errors: EPIPE if no reader is left.
  /// Precondition: non-blocking, as made by default.
  [[nodiscard]] std::optional<std::size_t> try_write(ConstBuffer from, CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    return this->value_if_ready(write_once(from), "write");
  }
  [[nodiscard]] std::optional<std::size_t> try_write(ConstBuffer from, std::error_code& ec,
                                                     CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    this->assert_never_waits();
    return detail::report_if_ready(write_once(from), ec);
  }

  static constexpr char used_while_closed[] = "PipeWriter: used while closed or after being moved from";

 private:
  template <PipeBackend>
  friend class BasicPipe;
  BasicPipeWriter(BasicOwnedFd<B> fd, bool blocking) : Base(std::move(fd), blocking) {}

  SysResult<std::size_t> write_once(ConstBuffer from) const {
    return this->backend().write(this->fd(), from.data(), from.size());
  }
  // OUT counts free pages, so some of what is left always fits when poll says so.
  SysResult<std::size_t> write_all(ConstBuffer from, std::size_t& done) const {
    return this->waiting_for_all(POLLOUT, from.size(), done, [&] { return write_once(from.from(done)); });
  }
  SysResult<std::size_t> write_all(ConstBuffer from) const {
    const SysResult<std::size_t> wrote = write_once(from);
    return wrote == from.size() ? wrote : write_rest(wrote, from);
  }
  [[gnu::cold, gnu::noinline]] SysResult<std::size_t> write_rest(SysResult<std::size_t> wrote, ConstBuffer from) const {
    std::size_t done = 0;
    return this->waiting_for_rest(wrote, POLLOUT, from.size(), done, [&] { return write_once(from.from(done)); });
  }
};

/// Both ends. `Pipe pipe; pipe.writer.write(…)`, or `auto [reader, writer] = Pipe{};`.
template <PipeBackend B>
class BasicPipe {
 public:
  /// pipe2(2). Errors: EMFILE, ENFILE; EINVAL for unknown flags.
  explicit BasicPipe(PipeFlags flags = default_pipe_flags,
                     CallSiteFor<B> site = CallSite::current()) requires std::default_initializable<B>
      : BasicPipe(B{}, flags, site) {}
  explicit BasicPipe(B backend, PipeFlags flags = default_pipe_flags, CallSiteFor<B> site = CallSite::current())
      : BasicPipe(made(backend, flags, site), flags) {}

  /// As the constructor; both ends are closed if `ec` is set.
  [[nodiscard]] static BasicPipe create(B backend, PipeFlags flags, std::error_code& ec,
                                        CallSiteFor<B> site = CallSite::current()) {
    const detail::CallScopeFor<B> scope{site};
    Ends ends{backend};
    static_cast<void>(detail::report(backend.pipe2(ends.fds, static_cast<int>(flags.bits)), ec));
    return BasicPipe{ends, flags};
  }

 private:
  struct Ends {
    [[no_unique_address]] B backend;
    int fds[2] = {-1, -1};
  };

  static Ends made(B backend, PipeFlags flags, CallSiteFor<B> site) {
    const detail::CallScopeFor<B> scope{site};
    Ends ends{backend};
    detail::value_or_throw(backend.pipe2(ends.fds, static_cast<int>(flags.bits)), {"pipe2"});
    return ends;
  }

  BasicPipe(const Ends& ends, PipeFlags flags)
      : reader({ends.backend, ends.fds[0]}, !flags.has(PipeFlags::nonblock)),
        writer({ends.backend, ends.fds[1]}, !flags.has(PipeFlags::nonblock)) {}

 public:
  BasicPipeReader<B> reader;
  BasicPipeWriter<B> writer;
};

using PipeReader = BasicPipeReader<DefaultBackend>;
using PipeWriter = BasicPipeWriter<DefaultBackend>;
using Pipe = BasicPipe<DefaultBackend>;

}  // namespace rouse::inline v0
