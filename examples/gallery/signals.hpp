// Emulated signals, for the programs of the gallery that are interrupted.
#pragma once

#include "program.hpp"

#include <csignal>

namespace gallery {

inline void handle(Backend backend, int signal, void (*handler)(int)) {
  struct ::sigaction action {};
  action.sa_handler = handler;
  require(backend.sigaction(signal, &action, nullptr).ok(), "sigaction");
}
inline void handle_by_nothing(Backend backend, int signal) {
  handle(backend, signal, [](int) {});
}
/// To the process: its first thread takes it, unless that blocks it.
inline void send(Backend backend, int signal) { require(backend.kill(rouse::kernel::process_id, signal).ok(), "kill"); }

}  // namespace gallery
