// What the programs of the gallery have in common. Each is a small program with a bug as people have written it, and
// the same program repaired. Where the bug is known from, stands in its `source`; as what it is shown, in `ending`; and
// the call that is named with it begins with `call`.
#pragma once

#include <rouse/rouse.hpp>
#include <rouse/sim/world.hpp>

#include <stdexcept>

namespace gallery {

using Backend = rouse::EmulatedBackend;
using Epoll = rouse::BasicEpoll<Backend>;
using EventFd = rouse::BasicEventFd<Backend>;
using Pipe = rouse::BasicPipe<Backend>;
using TcpListener = rouse::BasicTcpListener<Backend>;
using TcpStream = rouse::BasicTcpStream<Backend>;
using UnixStream = rouse::BasicUnixStream<Backend>;
using rouse::EventFlags;
using rouse::EventVec;
using rouse::Timeout;
using rouse::sim::Ending;
using rouse::sim::World;

/// What a user's own test would assert.
inline void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

}  // namespace gallery
