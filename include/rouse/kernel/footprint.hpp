// Footprint: what a step of a task has touched. Two steps that touched nothing in common, or only looked at what they
// have in common, lead to the same state in either order: an exploration tries one of them.
#pragma once

#include <cstdint>
#include <vector>

namespace rouse::inline v0::kernel {

/// What steps may have in common. Named by numbers that are the same in every run that begins alike.
class Object {
 public:
  /// Where it is too much to say what a step touches: it depends on every other.
  static constexpr Object everything() { return {Kind::everything, 0}; }
  /// See File::object(): two ends of one thing are one object.
  static constexpr Object file(std::uint64_t id) { return {Kind::file, id}; }
  /// What an fd number stands for, "nothing" too.
  static constexpr Object fd(int number) { return {Kind::fd, static_cast<std::uint32_t>(number)}; }
  /// Which numbers are free.
  static constexpr Object fd_table() { return {Kind::fd_table, 0}; }
  /// Which of two timers for the same moment comes first.
  static constexpr Object timers() { return {Kind::timers, 0}; }
  /// How many registrations there are.
  static constexpr Object watches() { return {Kind::watches, 0}; }
  static constexpr Object task(std::uint32_t id) { return {Kind::task, id}; }
  /// How many tasks there are, which is the number of the next.
  static constexpr Object tasks() { return {Kind::tasks, 0}; }
  /// What tasks share beside the kernel, by a number of its own.
  static constexpr Object shared(std::uint64_t id) { return {Kind::shared, id}; }

  [[nodiscard]] constexpr bool is_everything() const { return *this == everything(); }
  friend constexpr bool operator==(Object, Object) = default;

 private:
  enum class Kind : std::uint64_t { everything, file, fd, fd_table, timers, watches, task, tasks, shared };
  static constexpr unsigned kind_shift = 56;

  constexpr Object(Kind kind, std::uint64_t number) : code_(static_cast<std::uint64_t>(kind) << kind_shift | number) {}

  std::uint64_t code_;
};

enum class Access : bool { read, write };

class Footprint {
 public:
  void add(Object object, Access access) {
    for (Touch& touch : touches_) {
      if (touch.object != object) continue;
      if (access == Access::write) touch.access = access;
      return;
    }
    touches_.push_back({object, access});
  }
  void add(const Footprint& other) {
    for (const Touch& touch : other.touches_) add(touch.object, touch.access);
  }
  void clear() { touches_.clear(); }

  /// True if the order of the two steps may matter.
  [[nodiscard]] bool depends_on(const Footprint& other) const {
    for (const Touch& a : touches_) {
      if (a.object.is_everything()) return true;
      for (const Touch& b : other.touches_) {
        const bool is_same = a.object == b.object || b.object.is_everything();
        if (is_same && (a.access == Access::write || b.access == Access::write)) return true;
      }
    }
    return !other.touches_.empty() && other.touches_everything();
  }

 private:
  struct Touch {
    Object object;
    Access access;
  };

  [[nodiscard]] bool touches_everything() const {
    for (const Touch& touch : touches_) {
      if (touch.object.is_everything()) return true;
    }
    return false;
  }

  std::vector<Touch> touches_;  // Few.
};

}  // namespace rouse::inline v0::kernel
