// Deadlines: any number of time limits behind one timerfd. Limits of one kind are of one length, so whichever begins
// last ends last: a list per kind is in order by itself, and nothing is ever searched or sorted.
//
// Most limits are taken back long before they end. So the timer is set when it would be late, and never put off: it may
// expire when nothing is due, which costs one wakeup per length of a limit rather than a call per request.
#pragma once

#include <rouse/timer_fd.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>

namespace example {

/// `Kind` is an enumeration that counts from 0. One thread at a time.
template <class Backend, class Kind, std::size_t kinds>
class Deadlines {
  using Clock = rouse::BasicMonotonicClock<Backend>;
  struct Entry {
    typename Clock::time_point at;
    int owner;
  };

 public:
  /// A limit that runs, in the hands of whom it is for.
  struct Place {
    Kind kind;
    typename std::list<Entry>::iterator entry;
  };
  struct Expired {
    Kind kind;
    int owner;
  };

  Deadlines(Backend backend, const std::array<std::chrono::nanoseconds, kinds>& spans)
      : clock_(backend), timer_(backend), spans_(spans), now_(clock_.now()) {}

  /// Readable when there may be something that next_expired() tells.
  [[nodiscard]] const rouse::BasicTimerFd<Backend>& timer() const { return timer_; }

  /// Looks at the clock: limits begin at this moment, and what ended until then has expired.
  void look_at_clock() { now_ = clock_.now(); }

  [[nodiscard]] Place start(Kind kind, int owner) {
    auto& list = list_of(kind);
    list.push_back({now_ + span_of(kind), owner});
    return {kind, std::prev(list.end())};
  }
  /// Takes a limit back and begins another in its place.
  void restart(Place& place, Kind kind) {
    auto& list = list_of(kind);
    list.splice(list.end(), list_of(place.kind), place.entry);
    place.entry->at = now_ + span_of(kind);
    place.kind = kind;
  }
  void remove(const Place& place) { list_of(place.kind).erase(place.entry); }

  /// A limit that has expired; its owner restarts or removes it.
  [[nodiscard]] std::optional<Expired> next_expired() const {
    for (std::size_t i = 0; i < kinds; ++i) {
      if (!lists_[i].empty() && lists_[i].front().at <= now_) return Expired{Kind(i), lists_[i].front().owner};
    }
    return std::nullopt;
  }

  /// To be called before waiting.
  void arm() {
    auto first = Clock::time_point::max();
    for (const auto& list : lists_) {
      if (!list.empty()) first = std::min(first, list.front().at);
    }
    if (first >= armed_for_) return;
    timer_.set_at(first);
    armed_for_ = first;
  }
  /// To be called when the timer is readable.
  void acknowledge() {
    static_cast<void>(timer_.try_read());
    armed_for_ = Clock::time_point::max();
  }

 private:
  [[nodiscard]] std::list<Entry>& list_of(Kind kind) { return lists_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] std::chrono::nanoseconds span_of(Kind kind) const { return spans_[static_cast<std::size_t>(kind)]; }

  Clock clock_;
  rouse::BasicTimerFd<Backend> timer_;
  std::array<std::chrono::nanoseconds, kinds> spans_;
  std::array<std::list<Entry>, kinds> lists_;
  typename Clock::time_point now_;
  typename Clock::time_point armed_for_ = Clock::time_point::max();
};

}  // namespace example
