// RawPipe: a pipe by its numbers, and the raw calls in the words of the cases: how much went in, what came out.
#pragma once

#include "backends.hpp"
#include "bare.hpp"
#include "sigpipe.hpp"

#include <optional>
#include <string>
#include <sys/ioctl.h>

namespace test {

template <class On>
class RawPipe {
  using Size = rouse::SysResult<std::size_t>;
  using Int = rouse::SysResult<int>;

 public:
  explicit RawPipe(const On& on, int flags = O_NONBLOCK) : backend_(on.backend), reader_(backend_), writer_(backend_) {
    int fds[2];
    backend_.pipe2(fds, flags).value();
    reader_ = {backend_, fds[0]};
    writer_ = {backend_, fds[1]};
  }

  [[nodiscard]] int reader() const { return reader_.get(); }
  [[nodiscard]] int writer() const { return writer_.get(); }
  // Threads may be asleep in the end that is closed.
  void close_reader() { bare(reader_.backend()).close(reader_.release()).value(); }
  void close_writer() { bare(writer_.backend()).close(writer_.release()).value(); }

  /// Writes `n` bytes, of which each says where in the stream it stands.
  Size write(std::size_t n) {
    std::string bytes(n, '\0');
    for (std::size_t i = 0; i < n; ++i) bytes[i] = at(written_ + i);
    const Size wrote = backend_.write(writer(), bytes.data(), n);
    if (wrote.ok()) written_ += wrote.value();
    return wrote;
  }
  Size write(std::string_view text) const { return backend_.write(writer(), text.data(), text.size()); }

  /// Reads up to `n` bytes and does not look at them.
  Size read(std::size_t n) const {
    std::string bytes(n, '\0');
    return backend_.read(reader(), bytes.data(), n);
  }
  /// What a read of up to `n` bytes returns; nothing if it fails.
  std::optional<std::string> take(std::size_t n) const {
    std::string bytes(n, '\0');
    const Size got = backend_.read(reader(), bytes.data(), n);
    if (!got.ok()) return std::nullopt;
    bytes.resize(got.value());
    return bytes;
  }
  /// Reads all there is; true if that is, byte for byte, what write(n) wrote from the `from`th byte on.
  bool drained_since(std::size_t from) const {
    const std::optional<std::string> bytes = take(std::size_t{1} << 20);
    if (!bytes || from + bytes->size() != written_) return false;
    for (std::size_t i = 0; i < bytes->size(); ++i) {
      if ((*bytes)[i] != at(from + i)) return false;
    }
    return true;
  }

  /// The bytes that are queued (FIONREAD).
  [[nodiscard]] int queued() const {
    int n = -1;
    static_cast<void>(backend_.ioctl(reader(), FIONREAD, &n));
    return n;
  }
  Int resize(long bytes) const { return backend_.fcntl(writer(), F_SETPIPE_SZ, bytes); }
  [[nodiscard]] bool is_full() const {
    ::pollfd entry{writer(), POLLOUT, 0};
    return backend_.poll(&entry, 1, 0) == 0;
  }
  /// Uses up slots with a page each, all that are free or `n`; returns how many.
  int fill(int n = 1 << 20) {
    int done = 0;
    while (done < n && !is_full()) {
      REQUIRE(write(4096) == 4096);
      ++done;
    }
    return done;
  }

 private:
  static char at(std::size_t position) { return static_cast<char>(position % 251); }

  typename On::Backend backend_;
  typename Handles<On>::OwnedFd reader_;
  typename Handles<On>::OwnedFd writer_;
  std::size_t written_ = 0;
};

}  // namespace test
