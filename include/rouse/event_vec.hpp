// EventBuffer: what a wait fills and a loop walks. EventVec owns its room on the heap, EventArray holds it within.
//
// Behind the last filled event stands one more slot, which ends the walk; forget() turns an event into a slot that the
// walk passes over. Both are recognised by empty flags, which no kernel ever reports, so the walk tests one word per
// event: as cheap as a pointer and a count, and yet an event can be dropped from under a running loop.
#pragma once

#include "detail/assert.hpp"
#include "event.hpp"

#include <climits>
#include <cstddef>
#include <iterator>
#include <span>
#include <utility>

namespace rouse::inline v0 {

/// The most events that one wait can be asked for: epoll_wait(2) refuses more with EINVAL.
inline constexpr std::size_t events_max = INT_MAX / sizeof(Event);

/// A walk over the events of a buffer, without those that were forgotten. A forward iterator.
template <class E>
class EventIterator {
 public:
  using value_type = Event;
  using difference_type = std::ptrdiff_t;
  using reference = E&;
  using pointer = E*;
  using iterator_category = std::forward_iterator_tag;

  constexpr EventIterator() = default;
  constexpr explicit EventIterator(E* at) : at_(at) { settle(); }
  constexpr operator EventIterator<const E>() const requires(!std::is_const_v<E>) {
    return at_ == nullptr ? EventIterator<const E>{} : EventIterator<const E>{at_};
  }

  constexpr E& operator*() const { return *at_; }
  constexpr E* operator->() const { return at_; }
  constexpr EventIterator& operator++() {
    ++at_;
    settle();
    return *this;
  }
  constexpr EventIterator operator++(int) { return std::exchange(*this, EventIterator{at_ + 1}); }

  friend constexpr bool operator==(EventIterator, EventIterator) = default;

 private:
  constexpr void settle() {
    if (at_->flags().empty()) [[unlikely]]
      at_ = next(at_);
  }

  // Forgotten slots carry data other than 0; the slot that ends the walk carries 0.
  static constexpr E* next(E* at) {
    while (at->flags().empty()) {
      if (at->data().u64() == 0) return nullptr;
      ++at;
    }
    return at;
  }

  E* at_ = nullptr;
};

/// Room for the events of a wait, and a view of those that the last wait filled. Iterate it in a range-for:
/// `for (auto [flags, data] : events)`. A wait and a change of capacity invalidate iterators.
/// One thread at a time.
class EventBuffer {
 public:
  using value_type = Event;
  using iterator = EventIterator<Event>;
  using const_iterator = EventIterator<const Event>;

  EventBuffer(const EventBuffer&) = delete;
  EventBuffer& operator=(const EventBuffer&) = delete;

  [[nodiscard]] iterator begin() { return size_ == 0 ? iterator{} : iterator{data_}; }
  [[nodiscard]] const_iterator begin() const { return size_ == 0 ? const_iterator{} : const_iterator{data_}; }
  [[nodiscard]] iterator end() { return {}; }
  [[nodiscard]] const_iterator end() const { return {}; }

  /// The filled part as the kernel wrote it: `size()` events, the forgotten ones with empty flags.
  [[nodiscard]] Event* data() { return data_; }
  [[nodiscard]] const Event* data() const { return data_; }
  [[nodiscard]] std::span<Event> span() { return {data_, size_}; }
  [[nodiscard]] std::span<const Event> span() const { return {data_, size_}; }

  /// Precondition: i < size().
  [[nodiscard]] const Event& operator[](std::size_t i) const {
    ROUSE_ASSERT(i < size_, "EventBuffer: index beyond the filled part");
    return data_[i];
  }

  /// How many events the last wait filled; 0 after one that failed, was interrupted or timed out.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// How many events one wait can fill.
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// Drops the events; the capacity stays. A running loop ends with its present step.
  void clear() {
    for (Event& event : span()) event = Event{};
    size_ = 0;
  }

  /// Says that the first `n` events were filled by an epoll_wait that bypassed the handles.
  /// Precondition: n <= capacity().
  void set_filled(std::size_t n) {
    ROUSE_ASSERT(n <= capacity_ && capacity_ != 0, "EventBuffer: more events filled than there is room for");
    size_ = n;
    data_[n] = Event{};
  }

  /// Skips what is left of this batch for an object that was just destroyed: no later step of a running loop yields an
  /// event with this data. Earlier events are not touched as far as the loop can see; `size()` stays.
  void forget(EventData data) {
    for (Event& event : span()) {
      if (event.data() == data && !event.flags().empty()) event = Event{EventFlags{}, forgotten};
    }
  }

 protected:
  EventBuffer(Event* data, std::size_t capacity) : data_(data), capacity_(capacity) {}
  EventBuffer(EventBuffer&& from) noexcept
      : data_(std::exchange(from.data_, nullptr)),
        size_(std::exchange(from.size_, 0)),
        capacity_(std::exchange(from.capacity_, 0)) {}
  ~EventBuffer() = default;

  void swap(EventBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  static constexpr std::uint64_t forgotten = 1;

  Event* data_;
  std::size_t size_ = 0;
  std::size_t capacity_;
};

/// An EventBuffer with room on the heap. Move-only; a moved-from one has capacity 0 and must not be waited with.
class EventVec : public EventBuffer {
 public:
  /// Capacity `n`, size 0. Precondition: 0 < n <= events_max.
  explicit EventVec(std::size_t n) : EventBuffer(allocate(n), n) {}
  ~EventVec() { delete[] data(); }
  EventVec(EventVec&& from) noexcept = default;
  EventVec& operator=(EventVec&& from) noexcept {
    EventVec taken{std::move(from)};
    swap(taken);
    return *this;
  }

  /// Makes room for at least `n` events and keeps the filled ones. Invalidates iterators.
  void reserve(std::size_t n) {
    if (n > capacity()) resize(n);
  }
  /// Gives room back: capacity becomes `n`, or size() if that is more. Invalidates iterators. Precondition: n > 0.
  void shrink(std::size_t n) {
    ROUSE_ASSERT(n > 0, "EventVec: a capacity of 0 cannot be waited with");
    if (n < size()) n = size();
    if (n < capacity()) resize(n);
  }

 private:
  static Event* allocate(std::size_t n) {
    ROUSE_ASSERT(n > 0, "EventVec: a capacity of 0 cannot be waited with");
    ROUSE_ASSERT(n <= events_max, "EventVec: epoll_wait takes at most events_max events");
    return new Event[n + 1];
  }

  void resize(std::size_t n) {
    EventVec other{n};
    for (std::size_t i = 0; i < size(); ++i) other.data()[i] = data()[i];
    other.set_filled(size());
    swap(other);
  }
};

/// An EventBuffer with room for `N` events inside itself: no allocation, ever. Neither copied nor moved.
template <std::size_t N>
class EventArray : public EventBuffer {
  static_assert(N > 0, "EventArray<0> cannot be waited with");
  static_assert(N <= events_max, "EventArray: epoll_wait takes at most events_max events");

 public:
  EventArray() : EventBuffer(storage_, N) {}
  EventArray(const EventArray&) = delete;
  EventArray& operator=(const EventArray&) = delete;

 private:
  Event storage_[N + 1];
};

}  // namespace rouse::inline v0
