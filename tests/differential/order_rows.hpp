// OrderRows: how often each rule about the order of returned events was met: an epoll_wait that returned events whose
// order the rule decides. The ready lists are looked at before and after every call.
#pragma once

#include "counters.hpp"
#include "kernels.hpp"
#include "wake_probe.hpp"

#include <unordered_map>

namespace differential {

// clang-format off
enum class OrderRow {
  first_wakeup, more_ready, ready_at_add, level_to_tail, left_in_front, all_each_time, fetched_then_new, mixed,
  refilled, dropped_by_wait, removed_and_added, stale_not_visited, dups_reversed, dups_exclusive, dups_modified,
  dropped_by_poll, dropped_by_outer, revived_by_mod,
  count
};

inline constexpr std::array<const char*, Counters<OrderRow>::size> order_row_names = {
  "several fds become ready: order of the first wakeup since it was last off the list",
  "becomes \"more ready\" while queued: keeps its place",
  "ready at ADD: place at ADD time",
  "LT item delivered: goes to the tail",
  "items not reached because of maxevents stay in front",
  "LT: full fetches give the same order every time",
  "LT ready, one fetched, then another fires: fetched one comes before it",
  "LT + ET mix: ET leave, LT rotate",
  "LT item read empty then refilled, no wait between: keeps place",
  "item read empty, visited by a wait (dropped), then refilled: tail",
  "DEL then ADD: tail",
  "stale item not visited (maxevents reached before it): keeps place if it becomes ready again",
  "one wakeup hits several items of one epoll: plain ones in reverse order of ADD",
  "one wakeup hits several items of one epoll: then EXCLUSIVE ones",
  "one wakeup hits several items of one epoll: MOD does not change the position",
  "poll() examines this epoll: drops stale items from the head, which re-enter at the tail",
  "an outer epoll examines this epoll: drops stale items from the head, which re-enter at the tail",
  "stale item revived in place by a MOD",
};
// clang-format on

class OrderRows {
 public:
  using EventFlags = rouse::EventFlags;

  /// For a new script.
  void start() {
    histories_.clear();
    removed_.clear();
  }
  void before(const std::vector<OpenFd>& fds);
  /// `result` is what the call returned: the value, or the errno negated.
  void after(const std::vector<OpenFd>& fds, const Step& step, std::int64_t result, const WakeProbes& probes);

  int print(std::uint64_t least) const { return rows_.print("The order of returned events", order_row_names, least); }

 private:
  /// How a registration came to be where it is in the ready list.
  struct History {
    std::uint64_t seen = 0;  // The call after which it was last there.
    bool was_removed = false;
    bool was_modified = false;

    bool by_wake = false;
    bool by_add = false;
    bool put_back = false;         // Level-triggered, after a report.
    bool hit_with_others = false;  // By a wakeup that queued others of the same epoll and file, too.
    bool by_wait = false;          // After it was dropped, not being due, by a wait,
    bool by_poll = false;          // by a poll,
    bool by_outer = false;         // or by a look from an outer epoll.

    bool woken_again = false;
    bool stale = false;        // Was not due for a time;
    bool passed_over = false;  // a wait did not get so far then;
    bool refilled = false;     // it was due again,
    bool revived = false;      // by a MOD.

    void leave_list() { *this = {.seen = seen, .was_removed = was_removed, .was_modified = was_modified}; }
  };
  enum class Dropped { no, by_wait, by_poll, by_outer };

  /// A registration that was queued before the call.
  struct Queued {
    const kernel::Registration* registration;
    bool is_due;
    bool is_level;
    bool is_delivered = false;
  };
  struct List {
    const kernel::EpollFile* epoll;
    std::vector<Queued> queued;
  };
  struct Target {
    const kernel::EpollFile* epoll = nullptr;  // The first fd's.
    const kernel::File* file = nullptr;        // Of the third argument of epoll_ctl.
    std::int64_t operation = 0;
    bool waits = false;
    bool polls = false;
  };

  /// Not asked of inner epolls: that would tidy them up.
  static bool is_due(const kernel::Registration& registration) {
    const auto* const inner = kernel::file_cast<kernel::EpollFile>(&registration.file());
    if (inner == nullptr) return !quietly_due(registration).empty();
    bool any = false;
    inner->for_each_queued([&any](const kernel::Registration& r) { any = any || is_due(r); });
    return any && registration.interest().mask().has_any(EventFlags::in | EventFlags::rdnorm);
  }

  static Target target_of(const std::vector<OpenFd>& fds, const Step& step);
  void count_delivery(List& list, std::size_t n);
  void count_places(const std::vector<const Queued*>& delivered);
  void update(const kernel::Registration& registration, const Target& target, const WakeProbes& probes);
  [[nodiscard]] const Queued* before(const kernel::Registration& registration) const {
    for (const List& list : lists_) {
      for (const Queued& was : list.queued) {
        if (was.registration == &registration) return &was;
      }
    }
    return nullptr;
  }

  Counters<OrderRow> rows_;
  std::unordered_map<const kernel::Registration*, History> histories_;
  std::unordered_map<const kernel::Registration*, Dropped> dropped_;
  std::vector<std::pair<const kernel::EpollFile*, const kernel::File*>> removed_;  // By DEL.
  std::vector<List> lists_;
  std::vector<const kernel::Registration*> joined_;  // In this call, by a wakeup.
  std::uint64_t now_ = 0;
};

inline void OrderRows::before(const std::vector<OpenFd>& fds) {
  lists_.clear();
  for (const OpenFd& open : fds) {
    const auto* const epoll = kernel::file_cast<kernel::EpollFile>(open.file);
    if (epoll == nullptr) continue;
    List& list = lists_.emplace_back(List{epoll, {}});
    epoll->for_each_queued([&list](const kernel::Registration& r) {
      list.queued.push_back({&r, is_due(r), !r.interest().mask().has_any(EventFlags::et | EventFlags::oneshot)});
    });
  }
}

inline OrderRows::Target OrderRows::target_of(const std::vector<OpenFd>& fds, const Step& step) {
  Target target;
  target.polls = step.is_look();
  if (target.polls) return target;
  const Call call = all_signatures()[step.call].call;
  target.polls = call == Call::poll || call == Call::ppoll || call == Call::select || call == Call::pselect6;
  target.waits = call == Call::epoll_wait || call == Call::epoll_pwait || call == Call::epoll_pwait2;
  if (call == Call::epoll_ctl) target.operation = step.args[1];
  if (!target.waits && call != Call::epoll_ctl) return target;
  for (const OpenFd& open : fds) {
    if (open.fd == step.args[0]) target.epoll = kernel::file_cast<kernel::EpollFile>(open.file);
    if (open.fd == step.args[2]) target.file = open.file;
  }
  return target;
}

inline void OrderRows::after(const std::vector<OpenFd>& fds, const Step& step, std::int64_t result,
                             const WakeProbes& probes) {
  ++now_;
  const Target target = target_of(fds, step);
  if (target.waits && result > 0) {
    for (List& list : lists_) {
      if (list.epoll != target.epoll) continue;
      count_delivery(list, static_cast<std::size_t>(result));
      break;
    }
  }
  joined_.clear();
  for (const OpenFd& open : fds) {
    const auto* const epoll = kernel::file_cast<kernel::EpollFile>(open.file);
    if (epoll == nullptr) continue;
    epoll->for_each_registration([&](const kernel::Registration& r) { update(r, target, probes); });
  }
  for (const kernel::Registration* const one : joined_) {
    const auto same = std::count_if(joined_.begin(), joined_.end(), [one](const kernel::Registration* other) {
      return &other->epoll() == &one->epoll() && &other->file() == &one->file();
    });
    histories_[one].hit_with_others = same > 1;
  }
  if (target.operation == EPOLL_CTL_DEL && result == 0) removed_.emplace_back(target.epoll, target.file);
  std::erase_if(histories_, [this](const auto& entry) { return entry.second.seen != now_; });
  std::erase_if(dropped_, [this](const auto& entry) { return !histories_.contains(entry.first); });
}

inline void OrderRows::update(const kernel::Registration& r, const Target& target, const WakeProbes& probes) {
  const bool is_new = !histories_.contains(&r);
  History& history = histories_[&r];
  history.seen = now_;
  const Queued* const was = before(r);
  const bool is_target = target.epoll == &r.epoll() && target.file == &r.file();
  const bool modified = is_target && target.operation == EPOLL_CTL_MOD;
  history.was_modified = history.was_modified || modified;
  if (is_new && is_target) {
    const auto known = std::find(removed_.begin(), removed_.end(), std::pair{target.epoll, target.file});
    history.was_removed = known != removed_.end();
  }
  if (was != nullptr && (was->is_delivered || !r.is_queued())) {
    if (!was->is_delivered) {
      dropped_[&r] = target.polls                              ? Dropped::by_poll
                     : is_target || target.epoll == &r.epoll() ? Dropped::by_wait
                                                               : Dropped::by_outer;
    }
    history.leave_list();
    history.put_back = r.is_queued();
    return;
  }
  if (!r.is_queued()) return;
  if (was == nullptr) {
    history.leave_list();
    history.by_add = is_new;
    history.by_wake = !is_new && !modified;
    if (history.by_wake) joined_.push_back(&r);
    const Dropped dropped = std::exchange(dropped_[&r], Dropped::no);
    history.by_wait = dropped == Dropped::by_wait;
    history.by_poll = dropped == Dropped::by_poll;
    history.by_outer = dropped == Dropped::by_outer;
    return;
  }
  const bool woken = r.wants(probes.key_of(r.file().id()));
  history.woken_again = history.woken_again || (woken && was->is_due);
  if (!is_due(r)) {
    history.stale = true;
    history.refilled = false;
    history.passed_over = history.passed_over || (target.waits && target.epoll == &r.epoll());
  } else if (history.stale) {
    history.refilled = true;
    history.revived = modified && !was->is_due;
  }
}

inline void OrderRows::count_delivery(List& list, std::size_t n) {
  std::vector<const Queued*> delivered;
  std::size_t due = 0;
  for (Queued& queued : list.queued) {
    if (!queued.is_due) continue;
    ++due;
    if (delivered.size() == n) continue;
    queued.is_delivered = true;
    delivered.push_back(&queued);
  }
  if (due < 2) return;  // There is no order among one.
  count_places(delivered);
  const auto level = std::count_if(delivered.begin(), delivered.end(), [](const Queued* one) { return one->is_level; });
  const bool all_level = level == std::ssize(delivered);
  rows_.met_if(due > delivered.size() && level > 0, OrderRow::left_in_front);
  rows_.met_if(level > 0 && !all_level, OrderRow::mixed);
  const auto was_put_back = [this](const Queued* one) { return histories_[one->registration].put_back; };
  const bool all_put_back = std::all_of(delivered.begin(), delivered.end(), was_put_back);
  rows_.met_if(all_level && all_put_back && delivered.size() == due, OrderRow::all_each_time);
}

// Of each that was delivered beside others: why it stood where it stood.
inline void OrderRows::count_places(const std::vector<const Queued*>& delivered) {
  int by_wake = 0;
  bool after_put_back = false;
  for (const Queued* const one : delivered) {
    const History& history = histories_[one->registration];
    if (history.by_wake && ++by_wake == 2) rows_.met(OrderRow::first_wakeup);
    rows_.met_if(history.by_wake && after_put_back, OrderRow::fetched_then_new);
    after_put_back = after_put_back || history.put_back;
    rows_.met_if(history.woken_again, OrderRow::more_ready);
    rows_.met_if(history.by_add, OrderRow::ready_at_add);
    rows_.met_if(history.put_back, OrderRow::level_to_tail);
    rows_.met_if(history.revived, OrderRow::revived_by_mod);
    rows_.met_if(history.refilled && history.passed_over, OrderRow::stale_not_visited);
    rows_.met_if(history.refilled && !history.passed_over && one->is_level, OrderRow::refilled);
    rows_.met_if(history.by_wait, OrderRow::dropped_by_wait);
    rows_.met_if(history.by_poll, OrderRow::dropped_by_poll);
    rows_.met_if(history.by_outer, OrderRow::dropped_by_outer);
    rows_.met_if(history.was_removed, OrderRow::removed_and_added);
    if (!history.hit_with_others) continue;
    rows_.met(one->registration->is_exclusive() ? OrderRow::dups_exclusive : OrderRow::dups_reversed);
    rows_.met_if(history.was_modified, OrderRow::dups_modified);
  }
}

}  // namespace differential
