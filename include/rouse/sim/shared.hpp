// sim::Shared: a variable that several tasks use, and whose accesses have to be ordered by something other than luck.
#pragma once

#include "../call_site.hpp"
#include "world.hpp"

#include <string>
#include <utility>
#include <vector>

namespace rouse::inline v0::sim {

/// The accesses to one variable, and whether they are ordered: by std's rules, with the kernel's edges beside those of
/// mutexes, atomics and threads. Outside of a World it knows nothing.
class AccessLog {
 public:
  explicit AccessLog(const char* name) : name_(name) {}

  void read(CallSite site) { note(kernel::Access::read, site); }
  void write(CallSite site) { note(kernel::Access::write, site); }

 private:
  struct Entry {
    Moment when;
    CallSite where = CallSite::unknown();
  };

  void note(kernel::Access access, CallSite site) {
    const detail::Hidden hidden;
    World* const world = World::running();
    if (world == nullptr || world->is_unwinding()) return;
    kernel::touch(queue_.object(), access);
    if (!world->recorder().wants().order) return;
    const HappensBefore& order = world->recorder().order();
    if (generation_ != order.generation()) {  // One that is older than the run, and was used in another.
      generation_ = order.generation();
      write_ = {};
      reads_.clear();
    }
    const std::uint32_t task = world->current_task().id();
    check(*world, order, access, site, {"written", write_});
    if (access == kernel::Access::read) {
      while (reads_.size() <= task) reads_.push_back({});
      reads_[task] = {order.now(task), site};
      return;
    }
    for (const Entry& read : reads_) check(*world, order, access, site, {"read", read});
    reads_.clear();  // They come before this one, or were reported.
    write_ = {order.now(task), site};
  }

  void check(World& world, const HappensBefore& order, kernel::Access access, CallSite site,
             const std::pair<const char*, Entry>& earlier) {
    const auto& [verb, entry] = earlier;
    if (order.is_before(entry.when, world.current_task().id())) return;
    const std::string now = access == kernel::Access::read ? "read" : "written";
    world.fail_by(Ending::data_race, std::string{name_} + " is " + now + " at " + site.text() + " by " +
                                         world.label_of(world.current_task()) + " and " + verb + " at " +
                                         entry.where.text() + " by " + world.label_of(world.task(entry.when.task)) +
                                         ", in no order");
  }

  const char* const name_;
  SleepQueue queue_;  // Nobody sleeps in it: it stands for the variable in footprints.
  std::uint64_t generation_ = 0;
  Entry write_;
  std::vector<Entry> reads_;  // By task: its last one since the last write.
};

/// A variable of type T. Each read or write is an access, at the place where it is called; two of different tasks, one
/// of them a write, that nothing orders, are a data race: the run fails, and both places are named. No point at which
/// another task may go on: a race is found whichever access came first.
///
///     sim::Shared<bool> stop{false, "stop"};
///     ... stop.write(true); ... while (!stop.read()) ...
template <class T>
class Shared {
 public:
  explicit Shared(T value = {}, const char* name = "a variable") : value_(std::move(value)), log_(name) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  /// The value. The reference is good until the next schedule point: a later look at it is not seen.
  [[nodiscard]] const T& read(CallSite site = CallSite::current()) const {
    log_.read(site);
    return value_;
  }
  void write(T value, CallSite site = CallSite::current()) {
    log_.write(site);
    value_ = std::move(value);
  }
  /// `change(T&)`, a read and a write at one place.
  template <class Change>
  decltype(auto) modify(Change change, CallSite site = CallSite::current()) {
    log_.read(site);
    log_.write(site);
    return change(value_);
  }

 private:
  T value_;
  mutable AccessLog log_;
};

}  // namespace rouse::inline v0::sim
