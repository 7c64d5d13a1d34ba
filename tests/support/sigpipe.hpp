// Ignores SIGPIPE in the whole program: Linux raises it when a raw write finds no reader, and cases look at the EPIPE.
#pragma once

#include <csignal>

namespace test {

inline const auto sigpipe_was = std::signal(SIGPIPE, SIG_IGN);

}  // namespace test
