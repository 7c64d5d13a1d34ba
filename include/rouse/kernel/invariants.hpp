// check_invariants: what must hold between two calls, derived afresh from the state. Tests turn it on for every call.
#pragma once

#include "dump.hpp"
#include "pipe_file.hpp"
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
    registration.file().queue.for_each([&](const Waiter& waiter) { waits = waits || &waiter == &registration; });
    if (!waits) broken(kernel, "a registration does not wait in its file's queue");
    if (registration.is_exclusive() != registration.interest.is_exclusive()) {
      broken(kernel, "a registration waits exclusively and is not, or the other way round");
    }
  });
  std::size_t queued = 0;
  epoll.for_each_queued([&](const Registration&) { ++queued; });
  if (queued != linked) broken(kernel, "the ready list holds what is not registered");
}

inline void check_pipe(const Kernel& kernel, const PipeEnd& end) {
  const PipeRing& ring = end.ring();
  if (ring.slots.size() > ring.slots_max) broken(kernel, "a pipe uses more slots than it has");
  for (const PipeSlot& slot : ring.slots) {
    if (slot.left() == 0 || slot.bytes.size() > page_size) broken(kernel, "a pipe's slot is empty or too long");
  }
  if ((end.is_readable() ? ring.reader : ring.writer) != &end) broken(kernel, "a pipe does not know its end");
}

inline void check_unix_stream(const Kernel& kernel, const UnixStreamFile& socket) {
  const UnixStreamFile* const peer = socket.peer();
  if (peer != nullptr && peer->peer() != &socket) broken(kernel, "a unix socket's peer has another peer");
  if (peer != nullptr && socket.used() != peer->chunks().cost()) {
    broken(kernel, "what a unix socket has in flight is not what its peer holds");
  }
}

}  // namespace detail_invariants

/// Ends the program with a dump if something is wrong. Changes nothing. Precondition: the kernel is locked, or idle.
inline void check_invariants(const Kernel& kernel) {
  using namespace detail_invariants;
  std::set<std::uint64_t> seen;  // By file id: a description with two descriptors is one.
  std::uint64_t registrations = 0;
  kernel.fds.for_each([&](int, File& file) {
    if (!seen.insert(file.id()).second) return;
    if (const auto* const epoll = file_cast<EpollFile>(&file)) {
      check_epoll(kernel, *epoll, registrations);
    } else if (const auto* const pipe = file_cast<PipeEnd>(&file)) {
      check_pipe(kernel, *pipe);
    } else if (const auto* const socket = file_cast<UnixStreamFile>(&file)) {
      check_unix_stream(kernel, *socket);
    }
  });
  // An epoll that a thread waits in lives on without an fd, so the count may be larger.
  if (registrations > kernel.epoll_watches.count) broken(kernel, "more registrations than are counted");
}

}  // namespace rouse::inline v0::kernel
