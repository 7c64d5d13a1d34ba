// EventBuffer: what a wait fills and a loop walks. EventVec owns its room on the heap, EventArray holds it within.
//
// forget() empties the flags of an event, which no kernel ever reports, and the walk passes over it. A walk tests for
// that only when something was forgotten: until then it costs what a pointer and an end cost.
#pragma once

#include "detail/assert.hpp"
#include "event.hpp"

#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace rouse::inline v0 {

/// The most events that one wait can be asked for: epoll_wait(2) refuses more with EINVAL.
inline constexpr std::size_t events_max = INT_MAX / sizeof(Event);

/// How many events a buffer holds, in one word, which is all that a wait stores: negative once one was forgotten.
class EventCount {
 public:
  constexpr EventCount() = default;
  constexpr explicit EventCount(std::size_t n) : word_(static_cast<std::int32_t>(n)) {}

  [[nodiscard]] constexpr std::size_t value() const { return static_cast<std::uint32_t>(word_) & ~forgotten; }
  constexpr void note_forgotten() { word_ = static_cast<std::int32_t>(static_cast<std::uint32_t>(word_) | forgotten); }
  [[nodiscard]] constexpr bool has_forgotten() const { return word_ < 0; }

 private:
  static constexpr std::uint32_t forgotten = std::uint32_t{1} << 31;

  std::int32_t word_ = 0;
};

/// What a walk looks at while it lasts.
struct EventWalk {
  const Event* stop = nullptr;  ///< Behind the last event; or where they begin, once one was forgotten.
  EventCount count;
};

/// A walk over the events of a buffer, without those that were forgotten. A forward iterator.
template <class E>
class EventIterator {
 public:
  using value_type = Event;
  using difference_type = std::ptrdiff_t;
  using reference = E&;
  using pointer = E*;
  using iterator_category = std::forward_iterator_tag;

  /// At the end of any walk.
  constexpr EventIterator() = default;
  /// At the first event that was not forgotten, of those that begin at `first`.
  constexpr EventIterator(E* first, const EventWalk& walk) : first_(first), walk_(&walk) {
    if (walk.count.has_forgotten()) [[unlikely]] {
      at_ = unforgotten(first, first + walk.count.value());
    } else if (walk.count.value() != 0) {  // Not first < stop: of the count the compiler knows more.
      if (first == nullptr) __builtin_unreachable();
      at_ = first;
    }
  }
  constexpr operator EventIterator<const E>() const requires(!std::is_const_v<E>) { return {first_, at_, walk_}; }

  constexpr E& operator*() const { return *at_; }
  constexpr E* operator->() const { return at_; }
  // Inlined by order, since g++ asks before most of its inlining what can be in registers, and an iterator that is not
  // has the EventVec it refers to in memory too: that is ten instructions for each wait and walk.
  [[gnu::always_inline]] constexpr EventIterator& operator++() {
    if (++at_ < walk_->stop) [[likely]]
      return *this;
    at_ = walk_->count.has_forgotten() ? unforgotten(at_, first_ + walk_->count.value()) : nullptr;
    return *this;
  }
  constexpr EventIterator operator++(int) {
    const EventIterator before = *this;
    ++*this;
    return before;
  }

  friend constexpr bool operator==(EventIterator a, EventIterator b) { return a.at_ == b.at_; }

 private:
  friend class EventIterator<std::remove_const_t<E>>;

  constexpr EventIterator(E* first, E* at, const EventWalk* walk) : first_(first), at_(at), walk_(walk) {}

  // Static, as the iterator would have to be in memory else.
  [[gnu::cold, gnu::noinline]] static constexpr E* unforgotten(E* at, const Event* end) {
    for (; at < end; ++at) {
      if (!at->flags().empty()) return at;
    }
    return nullptr;
  }

  E* first_ = nullptr;
  E* at_ = nullptr;  // Null at the end.
  const EventWalk* walk_ = nullptr;
};

/// Room for the events of a wait, and a view of those that the last wait filled. Iterate it in a range-for:
/// `for (auto [flags, data] : events)`. A wait, a move and a change of capacity invalidate iterators.
/// One thread at a time.
class EventBuffer {
 public:
  using value_type = Event;
  using iterator = EventIterator<Event>;
  using const_iterator = EventIterator<const Event>;

  EventBuffer(const EventBuffer&) = delete;
  EventBuffer& operator=(const EventBuffer&) = delete;

  [[nodiscard]] iterator begin() { return {data_, walk()}; }
  [[nodiscard]] const_iterator begin() const { return {data_, walk()}; }
  [[nodiscard]] iterator end() { return {}; }
  [[nodiscard]] const_iterator end() const { return {}; }

  /// The filled part as the kernel wrote it: `size()` events, the forgotten ones with empty flags.
  [[nodiscard]] Event* data() { return data_; }
  [[nodiscard]] const Event* data() const { return data_; }
  /// Templates, so that a unit that does not ask for a span has none compiled.
  template <class E = Event>
  [[nodiscard]] std::span<E> span() {
    return {data_, size()};
  }
  template <class E = Event>
  [[nodiscard]] std::span<const E> span() const {
    return {data_, size()};
  }

  /// Precondition: i < size().
  [[nodiscard]] const Event& operator[](std::size_t i) const {
    ROUSE_ASSERT(i < size(), "EventBuffer: index beyond the filled part");
    return data_[i];
  }

  /// How many events the last wait filled; 0 after one that failed, was interrupted or timed out.
  [[nodiscard]] std::size_t size() const { return walk_.count.value(); }
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// How many events one wait can fill.
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// Drops the events; the capacity stays. A running loop ends with its present step.
  void clear() { walk_ = {data_, EventCount{}}; }

  /// Says that the first `n` events were filled by an epoll_wait that bypassed the handles.
  /// Precondition: n <= capacity().
  void set_filled(std::size_t n) {
    ROUSE_ASSERT(n <= capacity_ && capacity_ != 0, "EventBuffer: more events filled than there is room for");
    walk_.count = EventCount{n};
  }

  /// Skips what is left of this batch for an object that was just destroyed: no later step of a running loop yields an
  /// event with this data. Earlier events are not touched as far as the loop can see; `size()` stays.
  void forget(EventData data) {
    for (std::size_t i = 0; i < size(); ++i) {
      if (data_[i].data() == data) data_[i] = Event{EventFlags{}, data};
    }
    walk_.count.note_forgotten();
    walk_.stop = data_;
  }

 protected:
  EventBuffer(Event* data, std::size_t capacity) : data_(data), capacity_(capacity) {}
  EventBuffer(EventBuffer&& from) noexcept
      : data_(std::exchange(from.data_, nullptr)),
        walk_(std::exchange(from.walk_, {})),
        capacity_(std::exchange(from.capacity_, 0)) {}
  ~EventBuffer() = default;

  /// Those that were forgotten as such. Precondition: there is room.
  void copy_events(const EventBuffer& from) {
    for (std::size_t i = 0; i < from.size(); ++i) data_[i] = from.data_[i];
    walk_.count = from.walk_.count;
  }

  void swap(EventBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(walk_, other.walk_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  // Where a walk stops is worked out when one begins: many waits are followed by none.
  const EventWalk& walk() const {
    walk_.stop = walk_.count.has_forgotten() ? data_ : data_ + walk_.count.value();
    return walk_;
  }

  Event* data_;
  mutable EventWalk walk_;
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
    return new Event[n];
  }

  void resize(std::size_t n) {
    EventVec other{n};
    other.copy_events(*this);
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
  Event storage_[N];
};

}  // namespace rouse::inline v0
