// Counts the lines of three pieces of text.
#include "line_counter.hpp"

#include <cstdio>

int main() {
  example::LineCounter counter;
  for (const char* text : {"one\ntwo\n", "thr", "ee\n"}) counter.write(text);
  std::printf("%ld lines\n", counter.finish());
}
