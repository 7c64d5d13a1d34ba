// PipeEnd: one end of a pipe(7). Both ends share a ring of slots, one page each; room is counted in slots, not bytes,
// and a write may top up the last slot.
//
// A write wakes the reading end when it ends, also one that found the pipe full, and before it sleeps if it had found
// the pipe empty; a read wakes the writing end only if it freed a slot while all were in use. Sleepers are exclusive,
// and one that got through wakes the next if more is possible. As long as nobody has asked either end for its bits, a
// write that finds something in the pipe wakes nobody: the edges are for those who ask.
#pragma once

#include "file.hpp"
#include "pipe_slots.hpp"

#include <memory>
#include <sys/ioctl.h>

namespace rouse::inline v0::kernel {

class PipeEnd;

/// What the ends share.
struct PipeRing : SyncPoint {
  PipeSlots slots;
  std::size_t slots_max = pipe_default_slots;
  PipeEnd* reader = nullptr;  ///< Null once closed.
  PipeEnd* writer = nullptr;
  bool was_polled = false;  ///< Somebody, once, asked one of the ends for its bits.
  const std::size_t& size_limit;
  const std::uint64_t id;  ///< Of the reading end.

  PipeRing(const std::size_t& limit, std::uint64_t reader_id) : size_limit(limit), id(reader_id) {}
  [[nodiscard]] bool is_full() const { return slots.size() >= slots_max; }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < slots.size(); ++i) sum += slots[i].left();
    return sum;
  }
};

class PipeEnd final : public File {
 public:
  static constexpr FileKind file_kind{
      .name = "pipe", .gathers_writes = true, .takes_direct = true, .takes_async = true};

  PipeEnd(std::uint64_t id, int status_flags, std::shared_ptr<PipeRing> ring)
      : File(file_kind, id, status_flags), ring_(std::move(ring)) {
    (is_readable() ? ring_->reader : ring_->writer) = this;
  }

  [[nodiscard]] EventFlags readiness(EventFlags) override {
    ring_->was_polled = true;
    EventFlags bits;
    if (is_readable()) {
      if (!ring_->slots.empty()) bits |= EventFlags::in | EventFlags::rdnorm;
      if (ring_->writer == nullptr) bits |= EventFlags::hup;
    } else {
      if (!ring_->is_full()) bits |= EventFlags::out | EventFlags::wrnorm;
      if (ring_->reader == nullptr) bits |= EventFlags::err;
    }
    return bits;
  }

  inline SysResult<std::size_t> read(UserOutput& to) override;
  inline SysResult<std::size_t> write(UserInput& from) override;

  // -- what these come to where one slot is all it takes and nothing is in the way: out of line, as those who call it
  //    read and write other files as well

  /// How many bytes were read; 0 if nothing was done. Precondition: a reading end.
  std::size_t read_at_once(void* to, std::size_t n);
  /// True if all was written; else nothing was done. Precondition: a writing end.
  bool write_at_once(const void* from, std::size_t n);

  inline SysResult<int> ioctl(unsigned long request, void* argument) override;

  [[nodiscard]] WaitStyle wait_style(Direction) const override { return {any_key, true}; }
  inline void hand_on(Direction direction) override;
  /// A write that ends is an edge for the reader, however it ends. Whether it may block it asks anew, before the
  /// signal.
  int give_up(Direction direction, int interrupted) override {
    if (direction == Direction::read) return interrupted;
    if (ring_->was_polled) wake_reader();
    return is_nonblocking() ? EAGAIN : interrupted;
  }

  /// F_GETPIPE_SZ and F_SETPIPE_SZ: bytes, a power of two of pages. Errors: EINVAL, EPERM beyond pipe-max-size, EBUSY
  /// below what is in use.
  [[nodiscard]] int capacity() const { return static_cast<int>(ring_->slots_max * page_size); }
  SysResult<int> set_capacity(std::uint64_t bytes);

  /// The same for both ends, as their inode is on Linux.
  [[nodiscard]] std::uint64_t pipe_id() const { return ring_->id; }
  [[nodiscard]] Object object() const override { return Object::file(pipe_id()); }
  [[nodiscard]] Access asking() const override { return ring_->was_polled ? Access::read : Access::write; }

  [[nodiscard]] std::string describe() const override {
    return std::string(is_readable() ? "reading end, " : "writing end, ") + std::to_string(ring_->bytes()) +
           " bytes in " + std::to_string(ring_->slots.size()) + " of " + std::to_string(ring_->slots_max) + " slots";
  }

  [[nodiscard]] const PipeRing& ring() const { return *ring_; }

 private:
  ~PipeEnd() override = default;
  inline void last_close() override;

  /// Precondition: there is a reader.
  void wake_reader() const { ring_->reader->queue.wake(EventFlags::in | EventFlags::rdnorm); }
  void wake_writer() const {
    if (ring_->writer != nullptr) ring_->writer->queue.wake(EventFlags::out | EventFlags::wrnorm);
  }
  /// A write that found the pipe empty, or not, is over.
  void tell_of_write(bool was_empty) const {
    if (was_empty || ring_->was_polled) wake_reader();
  }
  /// The last slot, if `n` bytes may be added to it; else null.
  [[nodiscard]] PipeSlot* slot_to_top_up(std::size_t n) const {
    if (ring_->slots.empty()) return nullptr;
    PipeSlot& last = ring_->slots.back();
    return !last.is_packet && last.size + n <= page_size ? &last : nullptr;
  }
  /// Precondition: the pipe is not full.
  [[nodiscard]] PipeSlot& new_slot() const { return ring_->slots.push_back((status_flags() & O_DIRECT) != 0); }
  SysResult<std::size_t> fill(UserInput& from);

  std::shared_ptr<PipeRing> ring_;
};

inline SysResult<std::size_t> PipeEnd::read(UserOutput& to) {
  if (to.left() == 0) return 0;
  std::size_t done = 0;
  bool freed_when_full = false;
  while (!ring_->slots.empty() && to.left() > 0) {
    PipeSlot& slot = ring_->slots.front();
    const std::size_t wanted = std::min(slot.left(), to.left());
    acquire_edge(*ring_);
    const std::size_t put = to.put(slot.page.get() + slot.taken, wanted);
    if (put < wanted) {
      if (done == 0) return SysResult<std::size_t>::failure(EFAULT);
      break;
    }
    done += put;
    slot.taken += put;
    const bool packet = slot.is_packet;
    if (packet || slot.left() == 0) {
      freed_when_full = freed_when_full || ring_->is_full();
      ring_->slots.pop_front();
    }
    if (packet) break;
  }
  if (freed_when_full) wake_writer();
  if (done == 0 && ring_->writer != nullptr) return SysResult<std::size_t>::failure(EAGAIN);
  if (done == 0) acquire_edge(*ring_);
  return done;
}

inline SysResult<std::size_t> PipeEnd::write(UserInput& from) {
  if (from.left() == 0) return from.moved();
  if (ring_->reader == nullptr) {
    acquire_edge(*ring_);
    from.set_broken();
    return SysResult<std::size_t>::failure(EPIPE);
  }
  const bool was_empty = ring_->slots.empty();
  const std::size_t before = from.moved();
  const SysResult<std::size_t> result = fill(from);
  if (result.would_block() && !is_nonblocking()) {
    // Going to sleep. Readers of what was there before have been told of it.
    if (was_empty) wake_reader();
    return result;
  }
  // A blocked write is asked for O_NONBLOCK again, but only once there was room for some of it.
  if (from.has_slept() && result.would_block() && from.moved() == before) return result;
  // An edge for the reader in any case, also if nothing fitted. Test: "Pipe: a failed write is an edge for the reader".
  tell_of_write(was_empty);
  return result.would_block() && from.moved() != 0 ? SysResult<std::size_t>{from.moved()} : result;
}

// Tops up the last slot with what is beyond whole pages, then takes new slots. A write that slept only takes slots:
// whether to top up is decided once, at its start.
inline SysResult<std::size_t> PipeEnd::fill(UserInput& from) try {
  release_edge(*ring_);
  const std::size_t odd = from.left() % page_size;
  if (PipeSlot* const last = from.has_slept() ? nullptr : slot_to_top_up(odd)) {
    if (from.get(last->page.get() + last->size, odd) < odd) return SysResult<std::size_t>::failure(EFAULT);
    last->size += odd;
  }
  while (from.left() > 0 && !ring_->is_full()) {
    PipeSlot& slot = new_slot();  // Before anything is taken from the caller: memory may run out here.
    slot.size = std::min(from.left(), page_size);
    const std::size_t before = from.moved();
    if (from.get(slot.page.get(), slot.size) < slot.size) {
      ring_->slots.pop_back();
      if (before == 0) return SysResult<std::size_t>::failure(EFAULT);
      return before;
    }
  }
  if (from.left() > 0) return SysResult<std::size_t>::failure(EAGAIN);
  return from.moved();
} catch (const std::bad_alloc&) {
  if (from.moved() == 0) throw;
  return from.moved();
}

[[gnu::noinline]] inline std::size_t PipeEnd::read_at_once(void* to, std::size_t n) {
  PipeRing& ring = *ring_;
  if (ring.slots.empty()) return 0;
  PipeSlot& slot = ring.slots.front();
  const std::size_t left = slot.left();
  if (slot.is_packet || (n > left && ring.slots.size() > 1)) return 0;
  const std::size_t part = std::min(n, left);
  if (!is_writable_for_sure(to, part)) return 0;
  acquire_edge(ring);
  detail::copy_to_user(to, slot.page.get() + slot.taken, part);
  slot.taken += part;
  if (part == left) {
    const bool was_full = ring.is_full();
    ring.slots.pop_front();
    if (was_full) [[unlikely]]
      wake_writer();
  }
  return part;
}

[[gnu::noinline]] inline bool PipeEnd::write_at_once(const void* from, std::size_t n) {
  PipeRing& ring = *ring_;
  if (ring.reader == nullptr || n == 0 || !is_readable_for_sure(from, n)) return false;  // So it is a page at most.
  PipeSlot* slot = slot_to_top_up(n);
  if (slot == nullptr && ring.is_full()) return false;
  const bool was_empty = ring.slots.empty();
  if (slot == nullptr) slot = &new_slot();
  release_edge(ring);
  detail::copy_from_user(slot->page.get() + slot->size, from, n);
  slot->size += n;
  tell_of_write(was_empty);
  return true;
}

inline void PipeEnd::hand_on(Direction direction) {
  if (direction == Direction::read && !ring_->slots.empty()) wake_reader();
  if (direction == Direction::write && !ring_->is_full()) wake_writer();
}

inline void PipeEnd::last_close() {
  release_edge(*ring_);
  (is_readable() ? ring_->reader : ring_->writer) = nullptr;
  PipeEnd* const peer = is_readable() ? ring_->writer : ring_->reader;
  if (peer != nullptr) peer->queue.wake_all();
}

inline SysResult<int> PipeEnd::ioctl(unsigned long request, void* argument) {
  if (request != FIONREAD) return SysResult<int>::failure(ENOTTY);
  if (!put_user(argument, static_cast<int>(ring_->bytes()))) return SysResult<int>::failure(EFAULT);
  return 0;
}

inline SysResult<int> PipeEnd::set_capacity(std::uint64_t bytes) {
  if (bytes > std::uint64_t{1} << 31) return SysResult<int>::failure(EINVAL);
  std::size_t size = page_size;
  while (size < bytes) size *= 2;
  const std::size_t slots = size / page_size;
  if (slots > ring_->slots_max && size > ring_->size_limit) return SysResult<int>::failure(EPERM);
  if (slots < ring_->slots.size()) return SysResult<int>::failure(EBUSY);
  ring_->slots_max = slots;
  if (ring_->writer != nullptr) ring_->writer->queue.wake(any_key);  // Whether or not there is more room now.
  return static_cast<int>(size);
}

}  // namespace rouse::inline v0::kernel
