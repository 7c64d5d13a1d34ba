// World: what the generator and the counters see of an emulated kernel: which fds there are, and what they are good
// for.
#pragma once

#include "rouse/kernel/syscalls.hpp"
#include "script.hpp"

namespace differential {

namespace kernel = rouse::kernel;

struct OpenFd {
  int fd;
  kernel::File* file;
};

/// The fds of a script, in order; not the three that every kernel begins with.
inline void list_fds(const kernel::Kernel& kernel, std::vector<OpenFd>& to) {
  to.clear();
  kernel.fds.for_each([&to](int fd, kernel::File& file) {
    if (fd > 2) to.push_back({fd, &file});
  });
}

[[nodiscard]] inline bool is_connected(const kernel::SocketFile& socket) { return !socket.peer_address().empty(); }

[[nodiscard]] inline bool fits(kernel::File& file, Wants wants) {
  const kernel::SocketFile* const socket = kernel::socket_cast(&file);
  const auto moves = [&](bool allowed) {
    if (socket != nullptr) return is_connected(*socket);
    return allowed;
  };
  switch (wants) {
    case Wants::any: return true;
    case Wants::epoll: return kernel::file_cast<kernel::EpollFile>(&file) != nullptr;
    case Wants::pollable: return file.kind().is_pollable;
    case Wants::unpollable: return !file.kind().is_pollable;
    case Wants::readable: return moves(file.is_readable() && file.kind().has_read);
    case Wants::writable: return moves(file.is_writable() && file.kind().has_write);
    case Wants::pipe: return kernel::file_cast<kernel::PipeEnd>(&file) != nullptr;
    case Wants::socket: return socket != nullptr;
    case Wants::stream: return socket != nullptr && is_connected(*socket);
    case Wants::listener: return socket != nullptr && socket->listens();
    case Wants::unbound: return socket != nullptr && !is_connected(*socket);
    case Wants::timerfd: return kernel::file_cast<kernel::TimerFdFile>(&file) != nullptr;
    case Wants::signalfd: return kernel::file_cast<kernel::SignalFdFile>(&file) != nullptr;
    case Wants::fresh_number: return false;
  }
  return false;
}

/// The file as a socket of IPv4 or IPv6, or null.
[[nodiscard]] inline kernel::InetSocketFile* inet_cast(kernel::File* file) {
  return file != nullptr && file->kind().is_inet ? static_cast<kernel::InetSocketFile*>(file) : nullptr;
}

/// True if a connection waits to hear that its end has come. How long that takes, is Linux's own business.
[[nodiscard]] inline bool is_ending(const std::vector<OpenFd>& fds) {
  for (const OpenFd& open : fds) {
    const auto* const tcp = kernel::file_cast<kernel::TcpSocketFile>(open.file);
    if (tcp != nullptr && tcp->endpoint().state() == kernel::TcpState::fin_wait_1) return true;
  }
  return false;
}

/// True if several share a port of this network, so that which of them gets what comes is Linux's own business.
[[nodiscard]] inline bool is_shared(const kernel::PortTable& ports) {
  for (const std::uint16_t port : {std::uint16_t{5001}, std::uint16_t{5002}}) {
    int n = 0;
    bool may_be_shared = false;  // Who gave up the option since shares on.
    ports.for_each(port, [&](const kernel::PortUser& user) {
      ++n;
      may_be_shared = may_be_shared || user.reuse_port;
    });
    if (n > 1 && may_be_shared) return true;
  }
  return false;
}

/// What the peer of a TCP socket has not read yet.
[[nodiscard]] inline std::size_t unread_by_peer(const kernel::TcpSocketFile& socket) {
  const kernel::TcpEndpoint& end = socket.endpoint();
  const kernel::NetNamespace* const net = end.net().find(end.remote.address);
  if (net == nullptr) return 0;
  const auto peer = net->connections.find({end.remote, end.local});
  return peer != net->connections.end() ? peer->second->unread() + end.unacknowledged() : 0;
}

/// What a wait would report of a registration, as far as can be said without a trace: to ask a datagram socket for room
/// leaves a note. Precondition: its file is no epoll, which would be tidied up.
[[nodiscard]] inline rouse::EventFlags quietly_due(const kernel::Registration& registration) {
  return registration.interest().report(registration.file().readiness({}));
}

/// True if nothing more can be written to it now.
[[nodiscard]] inline bool is_full(kernel::File& file) {
  if (const auto* const pipe = kernel::file_cast<kernel::PipeEnd>(&file)) return pipe->ring().is_full();
  if (auto* const socket = kernel::unix_socket_cast(&file)) {
    return socket->used() >= static_cast<std::size_t>(socket->option(SOL_SOCKET, SO_SNDBUF).value());
  }
  return false;
}

/// True if some registration was made under this number, for a file that has it no more.
[[nodiscard]] inline bool is_reused_under_registration(const std::vector<OpenFd>& fds, const OpenFd& made) {
  for (const OpenFd& other : fds) {
    bool found = false;
    if (other.file == made.file) continue;
    other.file->watchers.for_each([&](const kernel::Registration& r) { found = found || r.fd() == made.fd; });
    if (found) return true;
  }
  return false;
}

}  // namespace differential
