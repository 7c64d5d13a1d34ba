// The parts of the comparison of the emulated kernel with Linux, each a unit of its own: in one, the compiler would
// inline less of the kernel into the cycle than it does in a program that has no other calls.
#pragma once

namespace bench {

class Program;

/// What an event loop does all the time: write to an eventfd, epoll_wait, read.
void compare_cycle(Program& program);
void compare_calls(Program& program);
/// What an fd and its registration take of the heap.
void weigh_registrations(Program& program);

}  // namespace bench
