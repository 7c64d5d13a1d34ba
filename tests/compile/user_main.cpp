#include "user_class.hpp"

int main() {
  Doorbell bell;
  bell.ring();
  return bell.has_rung() && ring_elsewhere(bell) ? 0 : 1;
}
