// EventFdFile: the counter of eventfd(2). A write is one eight-byte number and an IN key whatever it adds, 0 included;
// a read takes the count (1 of a semaphore) and is an OUT key.
#pragma once

#include "file.hpp"

namespace rouse::inline v0::kernel {

class EventFdFile final : public File {
 public:
  static constexpr FileKind file_kind{.name = "eventfd", .is_seekable = true};

  EventFdFile(std::uint64_t id, int status_flags, unsigned initial, bool semaphore)
      : File(file_kind, id, status_flags), count_(initial), semaphore_(semaphore) {}

  [[nodiscard]] EventFlags readiness(EventFlags) override {
    EventFlags bits;
    if (count_ > 0) bits |= EventFlags::in;
    if (count_ < count_max) bits |= EventFlags::out;
    return bits;
  }

  SysResult<std::size_t> read(UserOutput& to) override {
    if (to.left() < sizeof count_) return SysResult<std::size_t>::failure(EINVAL);
    if (count_ == 0) return SysResult<std::size_t>::failure(EAGAIN);
    acquire_edge(*this);
    const std::uint64_t value = take();
    // The count is gone even if there is no place to put it.
    if (!to.poke(&value, sizeof value)) return SysResult<std::size_t>::failure(EFAULT);
    return sizeof value;
  }

  SysResult<std::size_t> write(UserInput& from) override {
    std::uint64_t amount = 0;
    if (from.left() != sizeof amount) return SysResult<std::size_t>::failure(EINVAL);
    if (!from.peek_once(amount)) return SysResult<std::size_t>::failure(EFAULT);
    if (amount > count_max) return SysResult<std::size_t>::failure(EINVAL);
    if (!has_room_for(amount)) return SysResult<std::size_t>::failure(EAGAIN);
    release_edge(*this);
    add(amount);
    return sizeof amount;
  }

  // -- what these come to in the end, for who has asked all of that and tells of the edges

  /// Precondition: the count is not 0.
  std::uint64_t take() {
    const std::uint64_t value = semaphore_ ? 1 : count_;
    count_ -= value;
    queue.wake(EventFlags::out);
    return value;
  }
  [[nodiscard]] bool has_room_for(std::uint64_t amount) const { return amount <= count_max - count_; }
  /// Precondition: there is room for it.
  void add(std::uint64_t amount) {
    count_ += amount;
    queue.wake(EventFlags::in);
  }

  // Whoever waits takes any wakeup for its own, one that means the other direction too, and goes to the tail again.
  [[nodiscard]] WaitStyle wait_style(Direction) const override { return {any_key}; }

  [[nodiscard]] std::string describe() const override {
    return "count " + std::to_string(count_) + (semaphore_ ? ", semaphore" : "");
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  ~EventFdFile() override = default;

  static constexpr std::uint64_t count_max = 0xfffffffffffffffe;

  std::uint64_t count_;
  const bool semaphore_;
};

}  // namespace rouse::inline v0::kernel
