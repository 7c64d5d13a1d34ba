// rouse: typed handles for what a program waits on, over the real kernel or an emulated one.
//
// Nothing from kernel/ comes with this header, unless ROUSE_AMBIENT is set: a test includes
// <rouse/backend/emulated.hpp> beside it. Nor does <chrono>: clock.hpp and timer_fd.hpp bring it.
#pragma once

#if __cplusplus < 202002L
#error "rouse needs C++20: compile with -std=c++20 or later"
#endif

#include "buffers.hpp"
#include "call_site.hpp"
#include "epoll.hpp"
#include "error.hpp"
#include "event.hpp"
#include "event_fd.hpp"
#include "event_flags.hpp"
#include "event_vec.hpp"
#include "fd.hpp"
#include "ip.hpp"
#include "open_flags.hpp"
#include "pipe.hpp"
#include "registration.hpp"
#include "signal_fd.hpp"
#include "signal_set.hpp"
#include "socket.hpp"
#include "socket_address.hpp"
#include "socket_options.hpp"
#include "tcp_listener.hpp"
#include "tcp_stream.hpp"
#include "timeout.hpp"
#include "udp_socket.hpp"
#include "unix_address.hpp"
#include "unix_datagram.hpp"
#include "unix_listener.hpp"
#include "unix_path_guard.hpp"
#include "unix_stream.hpp"
#include "version.hpp"
