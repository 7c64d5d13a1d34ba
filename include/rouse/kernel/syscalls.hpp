// All calls of the emulated kernel: rouse::kernel::sys::name(kernel, arguments…).
#pragma once

#include "syscalls_epoll.hpp"
#include "syscalls_fd.hpp"
#include "syscalls_socket.hpp"
#include "syscalls_system.hpp"
