// FdTable: fd numbers and the files behind them. The lowest free number is given out; descriptions are shared by dup;
// close-on-exec belongs to the number. Where Linux gives out the same numbers (FdNumbers), it is the one to say which
// are free.
#pragma once

#include "file.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace rouse::inline v0::kernel {

/// The numbers of the real process, for a table that has a part of them: each that is open here is taken there.
class FdNumbers {
 public:
  FdNumbers() = default;
  FdNumbers(const FdNumbers&) = delete;
  FdNumbers& operator=(const FdNumbers&) = delete;

  /// Takes the lowest free number from `from` on; -1 if none is below the limit. Closed on exec at first.
  [[nodiscard]] virtual int take(std::size_t from) = 0;
  /// Takes this number from whoever has it, as dup2(2) does.
  [[nodiscard]] virtual SysResult<void> take_over(int fd) = 0;
  /// `file` is to be behind a number that was taken.
  virtual void install(int fd, const File& file) = 0;
  virtual void set_close_on_exec(int fd, bool on) = 0;
  virtual void give_back(int fd) = 0;

 protected:
  ~FdNumbers() = default;
};

class FdTable {
 public:
  /// From now on numbers are `numbers`' to give. Precondition: nothing is open.
  void share(FdNumbers& numbers) { numbers_ = &numbers; }

  /// The file behind `fd`, or null if it is not open.
  [[nodiscard]] File* file(int fd) const {
    const auto index = static_cast<std::size_t>(static_cast<unsigned>(fd));
    return index < room_ ? files_[index].get() : nullptr;
  }
  [[nodiscard]] bool is_open(int fd) const { return file(fd) != nullptr; }
  /// The numbers there is room for now, as in Linux's table: a power of two, from 64 on. Never shrinks.
  [[nodiscard]] std::size_t size() const { return used_.size() * bits; }

  /// The lowest number from `from` on that is not open and below `limit`; -1 if there is none.
  [[nodiscard]] int lowest_free(std::uint64_t limit, std::size_t from = 0) const {
    while (full_words_ < used_.size() && used_[full_words_] == ~std::uint64_t{0}) ++full_words_;
    from = std::max(from, full_words_ * bits);
    std::uint64_t taken_below = bit(from) - 1;
    for (std::size_t word = from / bits; word < used_.size(); ++word, taken_below = 0) {
      const std::uint64_t used = used_[word] | taken_below;
      if (used == ~std::uint64_t{0}) continue;
      return below(word * bits + static_cast<std::size_t>(std::countr_one(used)), limit);
    }
    return below(from < used_.size() * bits ? used_.size() * bits : from, limit);
  }

  /// Sets the lowest free number from `from` on aside for a call that may sleep before it installs a file there. Nobody
  /// else is given it, and it is not open. -1 if none below `limit` is free.
  [[nodiscard]] int reserve_lowest(std::uint64_t limit, std::size_t from) {
    const int fd = numbers_ == nullptr ? lowest_free(limit, from) : numbers_->take(from);
    if (fd >= 0) take(fd);
    return fd;
  }

  /// Puts `file` at a number that is reserved, or free if nobody else has numbers. Precondition: `fd` >= 0 and not
  /// open.
  void install(int fd, FileRef file, bool close_on_exec) {
    note_change(fd);
    const std::size_t index = take(fd);
    ROUSE_ASSERT(!files_[index], "FdTable: the number is taken");
    files_[index] = std::move(file);
    if (numbers_ != nullptr) numbers_->install(fd, *files_[index]);
    set_close_on_exec(fd, close_on_exec);
  }
  /// The same at a number that is open, or free, for everybody: what was there comes back.
  /// Precondition: there is room for the number, and it is not reserved. Errors: those of FdNumbers::take_over.
  SysResult<void> replace(int fd, FileRef& file, bool close_on_exec) {
    note_change(fd);
    if (numbers_ != nullptr) {
      const SysResult<void> taken = numbers_->take_over(fd);
      if (!taken.ok()) return taken;
    }
    FileRef& place = files_[take(fd)];
    std::swap(place, file);
    if (numbers_ != nullptr) numbers_->install(fd, *place);
    set_close_on_exec(fd, close_on_exec);
    return {};
  }
  /// Has `file` stand for a number that Linux has opened and goes on to serve. Precondition: `fd` >= 0 and not open
  /// here.
  void adopt(int fd, FileRef file) { files_[take(fd)] = std::move(file); }

  /// Makes the table as large as `fd` needs.
  void make_room(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= room_) grow(index);
  }
  [[nodiscard]] bool is_reserved(int fd) const {
    const auto index = static_cast<std::size_t>(static_cast<unsigned>(fd));
    return index < room_ && !files_[index] && (used_[index / bits] & bit(index)) != 0;
  }
  /// Gives back what was reserved, if nothing was installed there.
  void unreserve(int fd) {
    if (!is_reserved(fd)) return;
    set_free(static_cast<std::size_t>(fd));
    if (numbers_ != nullptr) numbers_->give_back(fd);
  }

  /// Takes the file out; the number is free before the file is let go, as on Linux. Null if it was free already.
  /// Precondition: there is room for the number.
  [[nodiscard]] FileRef remove(int fd) {
    note_change(fd);
    const auto index = static_cast<std::size_t>(fd);
    set_free(index);
    if (numbers_ != nullptr) numbers_->give_back(fd);
    return std::move(files_[index]);
  }

  /// Precondition: open.
  [[nodiscard]] bool close_on_exec(int fd) const {
    const auto index = static_cast<std::size_t>(fd);
    return (close_on_exec_[index / bits] & bit(index)) != 0;
  }
  void set_close_on_exec(int fd, bool on) {
    const auto index = static_cast<std::size_t>(fd);
    std::uint64_t& word = close_on_exec_[index / bits];
    word = on ? word | bit(index) : word & ~bit(index);
    if (numbers_ != nullptr) numbers_->set_close_on_exec(fd, on);
  }

  /// Visits the open numbers in order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t word = 0; word < used_.size(); ++word) {
      for (std::uint64_t left = used_[word]; left != 0; left &= left - 1) {
        const std::size_t index = word * bits + static_cast<std::size_t>(std::countr_zero(left));
        if (files_[index]) visit(static_cast<int>(index), *files_[index]);
      }
    }
  }

  /// Closes everything, highest number first.
  void clear() {
    for (std::size_t word = used_.size(); word-- > 0;) {
      while (used_[word] != 0) {
        const std::size_t highest = bits - 1 - static_cast<std::size_t>(std::countl_zero(used_[word]));
        static_cast<void>(remove(static_cast<int>(word * bits + highest)));
      }
    }
  }

 private:
  static constexpr std::size_t bits = 64;
  static constexpr std::size_t files_min = 16;
  static constexpr std::uint64_t bit(std::size_t index) { return std::uint64_t{1} << index % bits; }

  static int below(std::size_t number, std::uint64_t limit) { return number < limit ? static_cast<int>(number) : -1; }

  static void note_change(int fd) {
    if (observer == nullptr) return;
    touch(Object::fd(fd), Access::write);
    touch(Object::fd_table(), Access::write);
  }

  std::size_t take(int fd) {
    make_room(fd);
    const auto index = static_cast<std::size_t>(fd);
    used_[index / bits] |= bit(index);
    return index;
  }
  void set_free(std::size_t index) {
    used_[index / bits] &= ~bit(index);
    full_words_ = std::min(full_words_, index / bits);
  }

  // Made as it is needed: most kernels have few files.
  void grow(std::size_t index) {
    if (index >= size()) {
      const std::size_t words = std::bit_ceil(index / bits + 1);
      close_on_exec_.resize(words);
      used_.resize(words);
    }
    const std::size_t room = std::bit_ceil(std::max(index + 1, files_min));
    files_.resize(room);
    room_ = room;
  }

  std::vector<FileRef> files_;
  std::size_t room_ = 0;  // files_.size(), which a vector works out anew at each look-up.
  // One bit a number: no fewer than there is room for.
  std::vector<std::uint64_t> used_;
  std::vector<std::uint64_t> close_on_exec_;
  mutable std::size_t full_words_ = 0;  // So many of used_ at the front are full: a search has found that out.
  FdNumbers* numbers_ = nullptr;
};

/// A number for a new fd: the lowest that is free, set aside until a file is installed there, and given back if none
/// is. Nobody else is given it meanwhile, and installing cannot fail any more.
class NewFd {
 public:
  NewFd(FdTable& fds, std::uint64_t limit, std::size_t from) : fds_(fds), fd_(fds.reserve_lowest(limit, from)) {
    touch(Object::fd_table(), Access::write);
  }
  NewFd(const NewFd&) = delete;
  NewFd& operator=(const NewFd&) = delete;
  ~NewFd() { fds_.unreserve(fd_); }

  /// False if no number below the limit is free: EMFILE.
  explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int number() const { return fd_; }

  /// Opens it. Returns the number.
  int install(FileRef file, bool close_on_exec) {
    fds_.install(fd_, std::move(file), close_on_exec);
    return fd_;
  }

 private:
  FdTable& fds_;
  const int fd_;
};

}  // namespace rouse::inline v0::kernel
