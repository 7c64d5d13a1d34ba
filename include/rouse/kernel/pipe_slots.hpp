// PipeSlots: what is in a pipe: pages of bytes, in the order in which they were written.
#pragma once

#include "limits.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace rouse::inline v0::kernel {

/// A page of bytes.
struct PipeSlot {
  std::unique_ptr<char[]> page;
  std::size_t size = 0;    ///< Bytes in it, from the start, also those that were read.
  std::size_t taken = 0;   ///< How many were read.
  bool is_packet = false;  ///< Written with O_DIRECT: read as one, never topped up.

  [[nodiscard]] std::size_t left() const { return size - taken; }
};

/// Slots in a ring, which has as many places as were ever needed at once. The page of a slot that is gone is the next
/// one's: a pipe that is read as fast as it is written needs no memory.
class PipeSlots {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The `i`th from the front. Precondition: i < size().
  [[nodiscard]] PipeSlot& operator[](std::size_t i) { return places_[(first_ + i) & (room_ - 1)]; }
  [[nodiscard]] const PipeSlot& operator[](std::size_t i) const { return places_[(first_ + i) & (room_ - 1)]; }

  // Preconditions: not empty.
  [[nodiscard]] PipeSlot& front() { return (*this)[0]; }
  [[nodiscard]] const PipeSlot& front() const { return (*this)[0]; }
  [[nodiscard]] PipeSlot& back() { return (*this)[size_ - 1]; }

  /// One more at the back, of no bytes. If memory runs out, nothing has changed.
  PipeSlot& push_back(bool is_packet) {
    if (spare_ == nullptr || size_ == room_) [[unlikely]]
      make_spare();
    PipeSlot& slot = (*this)[size_++];
    slot.page = std::move(spare_);
    slot.size = slot.taken = 0;
    slot.is_packet = is_packet;
    return slot;
  }
  // Preconditions: not empty.
  void pop_front() {
    spare_ = std::move(front().page);
    ++first_;
    --size_;
  }
  void pop_back() {
    spare_ = std::move(back().page);
    --size_;
  }

 private:
  [[gnu::noinline, gnu::cold]] void make_spare() {
    if (!spare_) spare_ = std::make_unique_for_overwrite<char[]>(page_size);
    if (size_ < room_) return;
    constexpr std::size_t room_min = 4;
    const std::size_t room = std::max(room_ * 2, room_min);
    auto places = std::make_unique<PipeSlot[]>(room);
    for (std::size_t i = 0; i < size_; ++i) places[i] = std::move((*this)[i]);
    places_ = std::move(places);
    room_ = room;
    first_ = 0;
  }

  // Not side by side, what changes together: a compiler would load it as one, and wait for the stores it was made of.
  std::unique_ptr<PipeSlot[]> places_;
  std::size_t first_ = 0;
  std::size_t room_ = 0;  // A power of two, or nothing yet.
  std::size_t size_ = 0;
  std::unique_ptr<char[]> spare_;
};

}  // namespace rouse::inline v0::kernel
