#include "everything.hpp"

int use_everything_b();

int use_everything_b() { return use_everything(); }
