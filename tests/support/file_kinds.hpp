// FileKinds: one open fd of each kind there is, for what holds for all or differs from kind to kind.
#pragma once

#include "backends.hpp"
#include "sigpipe.hpp"

#include <string>
#include <vector>

namespace test {

enum class Kind { epoll, eventfd, pipe_reader, pipe_writer, unix_stream, dev_null };

template <class On>
class FileKinds {
 public:
  struct Entry {
    Kind kind;
    std::string name;
    int fd;
  };

  /// All non-blocking.
  explicit FileKinds(const On& on) : backend_(on.backend) {
    add(Kind::epoll, "epoll", backend_.epoll_create1(0).value());
    add(Kind::eventfd, "eventfd", backend_.eventfd(0, EFD_NONBLOCK).value());
    int pair[2] = {-1, -1};
    REQUIRE(backend_.pipe2(pair, O_NONBLOCK).ok());
    add(Kind::pipe_reader, "the reading end of a pipe", pair[0]);
    add(Kind::pipe_writer, "the writing end of a pipe", pair[1]);
    REQUIRE(backend_.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair).ok());
    add(Kind::unix_stream, "a unix stream socket", pair[0]);
    fds_.emplace_back(backend_, pair[1]);
    add(Kind::dev_null, "/dev/null", backend_.open("/dev/null", O_RDWR | O_NONBLOCK).value());
    REQUIRE(backend_.fcntl(fd(Kind::epoll), F_SETFL, O_NONBLOCK).ok());  // It cannot be made so.
  }

  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }
  [[nodiscard]] int fd(Kind kind) const {
    for (const Entry& entry : entries_) {
      if (entry.kind == kind) return entry.fd;
    }
    return -1;
  }

 private:
  void add(Kind kind, std::string name, int fd) {
    entries_.push_back({kind, std::move(name), fd});
    fds_.emplace_back(backend_, fd);
  }

  typename On::Backend backend_;
  std::vector<Entry> entries_;
  std::vector<typename Handles<On>::OwnedFd> fds_;
};

}  // namespace test
