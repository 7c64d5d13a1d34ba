#include "options.hpp"

namespace rouse::interpose {

Options Options::from_environment() { return {}; }

}  // namespace rouse::interpose
