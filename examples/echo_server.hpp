// EchoServer: sends back what it receives, to any number of clients at once, over TCP and unix sockets. Written once,
// over a backend: on LinuxBackend it serves, on EmulatedBackend its unit test looks at every turn it can take.
#pragma once

#include <rouse/rouse.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <system_error>
#include <utility>

namespace example {

template <rouse::SocketBackend Backend>
class EchoServer {
  using Socket = rouse::BasicSocket<Backend>;

 public:
  explicit EchoServer(Backend backend) : backend_(backend), epoll_(backend), stop_(backend) {
    epoll_.add(stop_, rouse::EventFlags::in);
  }

  /// Starts to listen; returns the address, with the port that was given for port 0.
  rouse::SocketAddress listen(const rouse::SocketAddress& address) {
    Socket listener = Socket::listen_on(backend_, address);
    epoll_.add(listener, rouse::EventFlags::in);
    const rouse::SocketAddress bound = listener.local_address();
    listeners_.emplace(listener.fd(), std::move(listener));
    return bound;
  }

  /// Serves until stop().
  void run() {
    while (!stopped_) step();
  }

  /// Waits for something to do and does it.
  void step(rouse::Timeout timeout = rouse::Timeout::never) {
    // While out of fds, connections wait in the backlog: look again when one of ours was closed, or after a while.
    const bool retries = is_full_ && (timeout.is_never() || timeout.nanoseconds() >= retry.nanoseconds());
    if (retries) timeout = retry;
    if (epoll_.wait_restarting(events_, timeout) == 0 && retries) resume_accepting();
    for (auto [flags, data] : events_) handle(data.fd(), flags);
  }

  /// Ends run(). From any thread, and from a signal handler.
  void stop() noexcept {
    std::error_code ignored;  // A full counter is readable already.
    stop_.notify(ignored);
  }

  [[nodiscard]] bool is_stopped() const { return stopped_; }
  /// False while it does not accept, for want of an fd.
  [[nodiscard]] bool is_accepting() const { return !is_full_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  /// Connections accepted so far.
  [[nodiscard]] std::size_t served() const { return served_; }

 private:
  struct Connection {
    Socket socket;
    std::string unsent{};
    bool peer_is_done = false;
    rouse::EventFlags watched = rouse::EventFlags::in;
  };

  static constexpr std::size_t unsent_max = 256 * 1024;
  static constexpr rouse::Timeout retry = rouse::Timeout::of_nanoseconds(100'000'000);

  void handle(int fd, rouse::EventFlags flags) {
    if (fd == stop_.fd()) {
      stop_.drain();
      stopped_ = true;
    } else if (const auto listener = listeners_.find(fd); listener != listeners_.end()) {
      accept_all(listener->second);
    } else if (const auto connection = connections_.find(fd); connection != connections_.end()) {
      if (!serve(connection->second, flags)) close(connection);
    }
  }

  void accept_all(Socket& listener) {
    for (;;) {
      std::error_code ec;
      std::optional<Socket> socket = listener.try_accept(ec);
      if (socket) {
        const int fd = socket->fd();
        epoll_.add(*socket, rouse::EventFlags::in);
        connections_.emplace(fd, Connection{std::move(*socket)});
        ++served_;
      } else if (ec == std::errc::too_many_files_open || ec == std::errc::too_many_files_open_in_system) {
        // The listener stays ready, so watching it on would spin.
        return pause_accepting();
      } else if (ec != std::errc::connection_aborted && ec != std::errc::interrupted) {
        if (ec) throw std::system_error(ec, "accept4");
        return;
      }
    }
  }

  /// Reads, and sends what can be sent; false if the connection is over.
  bool serve(Connection& connection, rouse::EventFlags flags) {
    std::error_code ec;
    if (flags.has_any(rouse::EventFlags::in | rouse::EventFlags::hup | rouse::EventFlags::err)) {
      if (!receive(connection, ec)) return false;
    }
    while (!connection.unsent.empty()) {
      const auto sent = connection.socket.try_send(connection.unsent, ec);
      if (ec) return false;
      if (!sent) break;
      connection.unsent.erase(0, *sent);
    }
    if (connection.unsent.empty() && connection.peer_is_done) return false;
    watch(connection);
    return true;
  }

  bool receive(Connection& connection, std::error_code& ec) {
    char buffer[16 * 1024];
    while (!connection.peer_is_done && connection.unsent.size() < unsent_max) {
      const auto received = connection.socket.try_receive(buffer, ec);
      if (ec) return false;
      if (!received) return true;
      // A half-close: it sends no more, but still wants to be answered.
      if (*received == 0) connection.peer_is_done = true;
      connection.unsent.append(buffer, *received);
    }
    return true;
  }

  /// Asks for `in` as long as there is room, for `out` as long as something is left to send.
  void watch(Connection& connection) {
    rouse::EventFlags wanted;
    if (!connection.peer_is_done && connection.unsent.size() < unsent_max) wanted |= rouse::EventFlags::in;
    if (!connection.unsent.empty()) wanted |= rouse::EventFlags::out;
    if (wanted == connection.watched) return;
    epoll_.modify(connection.socket, wanted, connection.socket.fd());
    connection.watched = wanted;
  }

  void close(typename std::map<int, Connection>::iterator connection) {
    // Its number may be given out again within this batch.
    events_.forget(connection->first);
    connections_.erase(connection);
    resume_accepting();
  }

  void pause_accepting() {
    is_full_ = true;
    for (auto& [fd, listener] : listeners_) epoll_.modify(listener, {}, fd);
  }
  void resume_accepting() {
    if (!std::exchange(is_full_, false)) return;
    for (auto& [fd, listener] : listeners_) epoll_.modify(listener, rouse::EventFlags::in, fd);
  }

  Backend backend_;
  rouse::BasicEpoll<Backend> epoll_;
  rouse::BasicEventFd<Backend> stop_;
  rouse::EventVec events_{64};
  std::map<int, Socket> listeners_;
  std::map<int, Connection> connections_;
  std::size_t served_ = 0;
  bool is_full_ = false;
  bool stopped_ = false;
};

}  // namespace example
