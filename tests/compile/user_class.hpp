// A user's class that is no template: what it means depends on the unit's default backend.
#pragma once

#include <rouse/rouse.hpp>

class Doorbell {
 public:
  void ring() { event_.notify(); }
  bool has_rung() { return event_.drain() > 0; }

 private:
  rouse::EventFd event_;
};

bool ring_elsewhere(Doorbell& bell);
