// For g++: all that the prelude keeps out of the tests' units.
#define ROUSE_IMPLEMENTATIONS
#include "../support/prelude.hpp"
