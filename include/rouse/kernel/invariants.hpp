// check_invariants: what must hold between two calls, derived afresh from the state. Tests turn it on for every call.
#pragma once

#include "dump.hpp"
#include "pipe_file.hpp"
#include "tcp_socket_file.hpp"
#include "timerfd_file.hpp"
#include "udp_socket_file.hpp"
#include "unix_packet_file.hpp"
#include "unix_stream_file.hpp"

#include <cstdio>
#include <cstdlib>
#include <set>

namespace rouse::inline v0::kernel {

namespace detail_invariants {

[[noreturn, gnu::cold]] inline void broken(const Kernel& kernel, const char* what) {
  std::fprintf(stderr, "rouse: the emulated kernel broke an invariant: %s\n%s", what, dump(kernel).c_str());
  std::abort();
}

/// Every registration of `epoll` is known to its file and waits in its queue, and what is queued is one of them.
inline void check_epoll(const Kernel& kernel, const EpollFile& epoll, std::uint64_t& registrations) {
  std::size_t linked = 0;
  epoll.for_each_registration([&](const Registration& registration) {
    ++registrations;
    if (registration.is_queued()) ++linked;
    if (&registration.epoll() != &epoll) broken(kernel, "a registration is listed by an epoll it does not belong to");
    if (epoll.find(registration.file(), registration.fd()) != &registration) {
      broken(kernel, "a registration is not listed by its file, or twice");
    }
    bool waits = false;
    registration.file().wait_queue().for_each([&](const Waiter& waiter) { waits = waits || &waiter == &registration; });
    if (!waits) broken(kernel, "a registration does not wait in its file's queue");
    if (registration.is_exclusive() != registration.interest().is_exclusive()) {
      broken(kernel, "a registration waits exclusively and is not, or the other way round");
    }
    for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
      if (registration.wants(EventFlags{bit}) != registration.interest().bits().has_any(EventFlags{bit})) {
        broken(kernel, "a registration waits for other keys than those it is to report");
      }
    }
  });
  std::size_t queued = 0;
  epoll.for_each_queued([&](const Registration&) { ++queued; });
  if (queued != linked) broken(kernel, "the ready list holds what is not registered");
}

inline void check_pipe(const Kernel& kernel, const PipeEnd& end) {
  const PipeRing& ring = end.ring();
  if (ring.slots.size() > ring.slots_max) broken(kernel, "a pipe uses more slots than it has");
  for (std::size_t i = 0; i < ring.slots.size(); ++i) {
    const PipeSlot& slot = ring.slots[i];
    if (slot.left() == 0 || slot.size > page_size) broken(kernel, "a pipe's slot is empty or too long");
  }
  if ((end.is_readable() ? ring.reader : ring.writer) != &end) broken(kernel, "a pipe does not know its end");
}

/// What a socket has in flight is what others hold of it: here, what its peer or any receiver that is known holds.
inline void check_unix_stream(const Kernel& kernel, const UnixStreamFile& socket) {
  const auto* const peer = static_cast<const UnixStreamFile*>(socket.peer());
  if (peer != nullptr && peer->peer() != &socket) broken(kernel, "a unix socket's peer has another peer");
  if (peer != nullptr && socket.used() != peer->chunks().cost()) {
    broken(kernel, "what a unix socket has in flight is not what its peer holds");
  }
}

inline void check_unix_packets(const Kernel& kernel, const UnixPacketFile& socket) {
  const UnixSocketFile* const peer = socket.peer();
  std::size_t from_peer = 0;
  for (const auto& packet : socket.packets()) {
    if (packet->sender->file == peer && peer != nullptr) from_peer += packet->cost;
  }
  if (peer != nullptr && from_peer > peer->used()) broken(kernel, "a unix socket holds more than its peer has sent");
  if (socket.type() != SOCK_SEQPACKET || peer == nullptr) return;
  if (peer->peer() != &socket) broken(kernel, "a unix socket's peer has another peer");
  if (from_peer != peer->used()) broken(kernel, "what a unix socket has in flight is not what its peer holds");
}

/// A user of a port is found there.
[[nodiscard]] inline bool is_at_its_port(const PortTable& ports, const PortUser& user) {
  bool found = false;
  ports.for_each(user.local.port, [&](const PortUser& each) { found = found || &each == &user; });
  return found;
}

inline void check_inet(const Kernel& kernel, const InetSocketFile& socket, const PortTable& ports) {
  if (socket.user().is_linked() && !is_at_its_port(ports, socket.user())) {
    broken(kernel, "a socket's port does not know it");
  }
}

/// What there is of connections, of open sockets or not: each is at its port, listed by its ends, and in order.
inline void check_connections(const Kernel& kernel, const NetNamespace& net) {
  for (const auto& [ends, endpoint] : net.connections) {
    if (endpoint->local != ends.local || endpoint->remote != ends.remote || &endpoint->net() != &net) {
      broken(kernel, "a connection is listed by other ends than it has");
    }
    const bool is_over = endpoint->state() == TcpState::closed || endpoint->state() == TcpState::listening;
    if (is_over) broken(kernel, "what is no connection is listed as one");
    if (!endpoint->is_linked() || !is_at_its_port(net.tcp_ports, *endpoint)) {
      broken(kernel, "a connection has no port");
    }
    if (!endpoint->is_consistent()) broken(kernel, "a connection's sequence numbers are out of order");
  }
}

}  // namespace detail_invariants

/// Ends the program with a dump if something is wrong. Changes nothing. Precondition: the kernel is locked, or idle.
inline void check_invariants(const Kernel& kernel) {
  using namespace detail_invariants;
  std::set<std::uint64_t> seen;  // By file id: a description with two descriptors is one.
  std::uint64_t registrations = 0;
  std::vector<File*> in_messages;
  kernel.fds.for_each([&](int, File& file) {
    if (!seen.insert(file.id()).second) return;
    if (const SocketFile* const socket = socket_cast(&file)) socket->add_files_held(in_messages);
    if (const auto* const epoll = file_cast<EpollFile>(&file)) {
      check_epoll(kernel, *epoll, registrations);
    } else if (const auto* const pipe = file_cast<PipeEnd>(&file)) {
      check_pipe(kernel, *pipe);
    } else if (const auto* const timer = file_cast<TimerFdFile>(&file)) {
      if (timer->has_stopped() && timer->is_armed()) broken(kernel, "a timer has expired and is still to come");
    } else if (const auto* const stream = file_cast<TcpSocketFile>(&file)) {
      check_inet(kernel, *stream, stream->net().tcp_ports);
      const TcpState state = stream->endpoint().state();
      const bool is_listed = state != TcpState::closed && state != TcpState::listening;
      const auto found = stream->net().connections.find({stream->endpoint().local, stream->endpoint().remote});
      const bool is_found = found != stream->net().connections.end() && found->second.get() == &stream->endpoint();
      if (is_listed != is_found) broken(kernel, "a tcp socket's connection is not listed, or still is");
    } else if (const auto* const datagrams = file_cast<UdpSocketFile>(&file)) {
      check_inet(kernel, *datagrams, datagrams->net().udp_ports);
      if (!datagrams->is_consistent()) broken(kernel, "a udp socket's buffer is not used by what it holds");
    } else if (const auto* const socket = file_cast<UnixStreamFile>(&file)) {
      check_unix_stream(kernel, *socket);
    } else if (const UnixSocketFile* const packets = unix_socket_cast(&file)) {
      check_unix_packets(kernel, static_cast<const UnixPacketFile&>(*packets));
    }
  });
  kernel.network.for_each([&](const NetNamespace& net) {
    check_connections(kernel, net);
    const bool ports_are_good = net.tcp_ports.is_consistent() && net.udp_ports.is_consistent();
    if (!ports_are_good) broken(kernel, "a port is kept that nobody has");
  });
  if (!kernel.timers.is_consistent()) broken(kernel, "the timers are not in order");
  // A socket that is itself inside a message may hold more.
  if (in_messages.size() > kernel.unix_in_flight.count()) broken(kernel, "a message holds a file that is not counted");
  // An epoll that a thread waits in lives on without an fd, so the count may be larger.
  if (registrations > kernel.epoll_watches.count) broken(kernel, "more registrations than are counted");
}

}  // namespace rouse::inline v0::kernel
