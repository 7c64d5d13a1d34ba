// The emulated kernel against Linux, in one run: what the calls cost that tests make all the time, in time,
// instructions and memory.
#include "kernel/parts.hpp"
#include "support/program.hpp"

int main(int argc, char** argv) {
  return bench::run("kernel", argc, argv, [](bench::Program& program) {
    bench::weigh_registrations(program);  // First, as long as the heap is in order.
    bench::compare_cycle(program);
    bench::compare_calls(program);
  });
}
