// SleepQueue: the tasks that sleep until something happens to what they share.
#pragma once

#include <cstddef>
#include <vector>

namespace rouse::inline v0::sim {

class SimTask;

/// In the order in which they came; World::wake_one takes any of them.
class SleepQueue {
 public:
  [[nodiscard]] bool empty() const { return tasks_.empty(); }
  [[nodiscard]] std::size_t size() const { return tasks_.size(); }

 private:
  friend class World;
  std::vector<SimTask*> tasks_;
};

}  // namespace rouse::inline v0::sim
