// The kernels that a case runs on: Linux and the emulated one. A case that passes on one must pass on the other.
#pragma once

#include "catch.hpp"
#include "own_network.hpp"
#include "rouse/backend/emulated.hpp"
#include "rouse/backend/linux.hpp"
#include "rouse/kernel/invariants.hpp"
#include "rouse/rouse.hpp"

#include <tuple>

namespace test {

/// Each program has its ports for itself, if it may: one that a case has just given back, another program might take.
inline const bool has_own_network = enter_new_network();

/// Linux itself.
struct OnLinux {
  using Backend = rouse::LinuxBackend;
  static constexpr bool is_emulated = false;
  Backend backend;
};

/// A fresh emulated kernel for one thread, on virtual time, with its invariants checked after every call.
struct OnEmulated {
  using Backend = rouse::EmulatedBackend;
  static constexpr bool is_emulated = true;

  OnEmulated() { kernel.check_every_call(rouse::kernel::check_invariants); }

  rouse::kernel::Kernel kernel;
  Backend backend{kernel};
};

/// The same with nobody watching: many calls are made on the spot then, in another way than all others.
struct OnUnwatched {
  using Backend = rouse::EmulatedBackend;
  static constexpr bool is_emulated = true;

  rouse::kernel::Kernel kernel;
  Backend backend{kernel};
};

using AllBackends = std::tuple<OnLinux, OnEmulated>;
/// For calls that can be made on the spot.
using AllWays = std::tuple<OnLinux, OnEmulated, OnUnwatched>;

/// The handles over the kernel of a case.
template <class On>
struct Handles {
  using Backend = typename On::Backend;
  using Epoll = rouse::BasicEpoll<Backend>;
  using EventFd = rouse::BasicEventFd<Backend>;
  using Pipe = rouse::BasicPipe<Backend>;
  using SignalBlock = rouse::BasicSignalBlock<Backend>;
  using SignalFd = rouse::BasicSignalFd<Backend>;
  using Socket = rouse::BasicSocket<Backend>;
  using TcpListener = rouse::BasicTcpListener<Backend>;
  using TcpStream = rouse::BasicTcpStream<Backend>;
  using UdpSocket = rouse::BasicUdpSocket<Backend>;
  using UnixDatagram = rouse::BasicUnixDatagram<Backend>;
  using UnixListener = rouse::BasicUnixListener<Backend>;
  using UnixPathGuard = rouse::BasicUnixPathGuard<Backend>;
  using UnixStream = rouse::BasicUnixStream<Backend>;
  using FdRef = rouse::BasicFdRef<Backend>;
  using OwnedFd = rouse::BasicOwnedFd<Backend>;
};

}  // namespace test
