// Recorder: sees what the tasks of a World touch and order, for the policy and for the detectors.
#pragma once

#include "../kernel/registration.hpp"
#include "happens_before.hpp"
#include "sim_task.hpp"

namespace rouse::inline v0::sim {

class Recorder final : public kernel::Observer {
 public:
  struct Wants {
    bool footprints = false;
    bool order = false;  ///< What happens before what.
    bool stale_registrations = false;
    bool trace = false;
  };

  inline Recorder(World& world, Wants wants);  // In world_run.hpp, as reported.

  [[nodiscard]] const Wants& wants() const { return wants_; }
  [[nodiscard]] bool is_needed() const {
    return wants_.footprints || wants_.order || wants_.stale_registrations || wants_.trace;
  }

  /// What was touched since clear().
  [[nodiscard]] kernel::Footprint& step() { return step_; }
  [[nodiscard]] HappensBefore& order() { return order_; }
  [[nodiscard]] const HappensBefore& order() const { return order_; }
  void add_task(const SimTask& task) {
    if (wants_.order) order_.add_task(task.id());
  }

  /// Whatever happens from now on, happens because time moves, not because a task does something.
  void set_time_moves(bool moves) { time_moves_ = moves; }

  // -- kernel::Observer

  void touched(kernel::Object object, kernel::Access access) override {
    if (wants_.footprints) step_.add(object, access);
  }
  void released(const kernel::SyncPoint& point) override {
    if (wants_.order) order_.release(who(), point);
  }
  void acquired(const kernel::SyncPoint& point) override {
    if (wants_.order) order_.acquire(who(), point);
  }
  void forgotten(const kernel::SyncPoint& point) override {
    if (wants_.order) order_.forget(point);
  }
  inline void reported(const kernel::Registration& registration) override;

 private:
  [[nodiscard]] std::uint32_t who() const;  // In world_run.hpp.

  World& world_;
  const Wants wants_;
  kernel::Footprint step_;
  HappensBefore order_;
  bool time_moves_ = false;
};

}  // namespace rouse::inline v0::sim
