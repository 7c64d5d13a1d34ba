// Served: a unix listener, a client of it, and the end that was accepted for the client.
#pragma once

#include "backends.hpp"
#include "unix_names.hpp"

#include <optional>
#include <string>

namespace test {

template <class On>
struct Served {
  using Socket = typename Handles<On>::Socket;

  On on;
  UnixNames<On> names;
  rouse::SocketAddress address = *rouse::SocketAddress::unix_path(names.path("server"));
  Socket listener = Socket::listen_on(on.backend, address);
  Socket client = Socket::connect_to(on.backend, address);
  Socket accepted = listener.accept();
};

/// What try_receive found: nothing, or these bytes.
template <class Socket>
std::optional<std::string> received(Socket& socket, rouse::MessageFlags flags = {}) {
  char bytes[100];
  const std::optional<std::size_t> n = socket.try_receive(bytes, flags);
  if (!n) return std::nullopt;
  return std::string(bytes, *n);
}

}  // namespace test
