// All calls of the emulated kernel: rouse::kernel::sys::name(kernel, arguments…).
#pragma once

#include "syscalls_epoll.hpp"
#include "syscalls_fd.hpp"
#include "syscalls_io.hpp"
#include "syscalls_poll.hpp"
#include "syscalls_signal.hpp"
#include "syscalls_socket.hpp"
#include "syscalls_system.hpp"
#include "syscalls_time.hpp"
#include "syscalls_timer.hpp"
