// Two units that include everything, linked into one program: nothing is defined twice.
#include "everything.hpp"

int use_everything_b();

int main() { return use_everything() - use_everything_b(); }
