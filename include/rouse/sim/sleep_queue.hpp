// SleepQueue: the tasks that sleep until something happens to what they share.
#pragma once

#include "../kernel/observer.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rouse::inline v0::sim {

class SimTask;

/// In the order in which they came; World::wake_one takes any of them. Part of what it is about, for which it also
/// stands in footprints and as a point that edges go through.
class SleepQueue : public kernel::SyncPoint {
 public:
  [[nodiscard]] kernel::Object object() const { return kernel::Object::shared(id_); }
  [[nodiscard]] bool empty() const { return tasks_.empty(); }
  [[nodiscard]] std::size_t size() const { return tasks_.size(); }

  /// Who has what the others sleep for; null if nobody or several.
  const SimTask* holder = nullptr;

 private:
  friend class World;

  // The same in every run that begins alike, as World::run starts over. Two objects that have the same one, since the
  // first was made before the run, are taken for one: that costs nothing but time.
  static inline thread_local std::uint64_t next_id = 1;

  const std::uint64_t id_ = next_id++;
  std::vector<SimTask*> tasks_;
};

}  // namespace rouse::inline v0::sim
