// The handles that tests of the simulation use, over a world's kernel. In a namespace of their own, as the plain names
// mean Linux.
#pragma once

#include "rouse/backend/emulated.hpp"
#include "rouse/rouse.hpp"
#include "rouse/timer_fd.hpp"

namespace on_world {

using Epoll = rouse::BasicEpoll<rouse::EmulatedBackend>;
using EventFd = rouse::BasicEventFd<rouse::EmulatedBackend>;
using Pipe = rouse::BasicPipe<rouse::EmulatedBackend>;
using TimerFd = rouse::BasicTimerFd<rouse::EmulatedBackend>;
using UnixStream = rouse::BasicUnixStream<rouse::EmulatedBackend>;

}  // namespace on_world
