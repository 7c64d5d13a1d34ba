#include "user_class.hpp"

bool ring_elsewhere(Doorbell& bell) {
  bell.ring();
  return bell.has_rung();
}
