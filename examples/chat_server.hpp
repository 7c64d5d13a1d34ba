// ChatServer: lines from everyone to everyone, over unix sockets. The first line a client sends is its name; from then
// on what it says goes to all others, and `/log` has the last lines passed to it as a file: the reading end of a pipe.
//
// Nobody waits for anybody: what a client does not read is kept for it up to a limit, and then it is cut off.
#pragma once

#include "chat_queue.hpp"
#include <rouse/rouse.hpp>

#include <csignal>
#include <map>
#include <string_view>
#include <vector>

namespace example {

struct ChatLimits {
  std::size_t name = 32;
  std::size_t line = 1024;
  std::size_t unsent = 64 * 1024;  ///< What is kept for a client that does not read, beside the socket's own buffer.
  std::size_t log = 16 * 1024;     ///< No more than a pipe takes at once.
};

/// Made and run by one thread. While it is there, that thread has SIGINT and SIGTERM blocked.
template <class Backend>
  requires rouse::MessageBackend<Backend> && rouse::PathBackend<Backend> && rouse::SignalFdBackend<Backend> &&
      rouse::PipeBackend<Backend> && rouse::EventFdBackend<Backend>
class ChatServer {
  using Listener = rouse::BasicUnixListener<Backend>;
  using Stream = rouse::BasicUnixStream<Backend>;

 public:
  /// Listens on a path, which is removed in the end, or on an abstract name.
  ChatServer(Backend backend, const rouse::UnixAddress& address, const ChatLimits& limits = {})
      : backend_(backend),
        limits_(limits),
        block_(backend, stop_signals()),
        signals_(backend, stop_signals()),
        epoll_(backend),
        spare_(backend),
        listener_(bound(backend, address)) {
    if (const auto path = address.path()) path_.emplace(backend, *path);
    epoll_.add(signals_, rouse::EventFlags::in);
    epoll_.add(listener_, rouse::EventFlags::in);
  }

  /// Serves until SIGINT or SIGTERM.
  void run() {
    while (!is_stopped_) step();
  }
  /// Waits for something to do and does it.
  void step(rouse::Timeout timeout = rouse::Timeout::never) {
    epoll_.wait_restarting(events_, timeout);
    for (auto [flags, data] : events_) handle(data.fd(), flags);
    // What was said is sent only now: a line to all is one pass over them, however many lines there were.
    flush();
  }

  [[nodiscard]] bool is_stopped() const { return is_stopped_; }
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  struct Client {
    Stream stream;
    std::string name = {};
    std::string input = {};  // The beginning of a line.
    ChatQueue<Backend> unsent = {};
    rouse::EventFlags watched = rouse::EventFlags::in;
    bool waits_for_room = false;
    bool is_over = false;  // To go, when it was tried to tell it what is left to tell.
  };

  static rouse::SignalSet stop_signals() { return rouse::SignalSet::of(SIGINT, SIGTERM); }
  static Listener bound(Backend backend, const rouse::UnixAddress& address) {
    const auto path = address.path();
    return path ? Listener::bind_replacing(backend, *path) : Listener::bind(backend, address);
  }

  void handle(int fd, rouse::EventFlags flags) {
    if (fd == signals_.fd()) {
      static_cast<void>(signals_.try_read());
      tell_all("* the server stops\n");
      is_stopped_ = true;
    } else if (fd == listener_.fd()) {
      accept_all();
    } else if (const auto at = clients_.find(fd); at != clients_.end()) {
      Client& client = at->second;
      if (flags.has_any(rouse::EventFlags::out)) client.waits_for_room = false;
      if (flags.has_any(rouse::EventFlags::in | rouse::EventFlags::hup | rouse::EventFlags::err)) receive(client);
    }
  }

  void accept_all() {
    for (;;) {
      std::error_code ec;
      auto accepted = listener_.try_accept(ec);
      if (accepted) {
        const int fd = accepted->stream.fd();
        epoll_.add(accepted->stream, rouse::EventFlags::in, fd);
        clients_.emplace(fd, Client{std::move(accepted->stream)});
      } else if (ec == std::errc::too_many_files_open || ec == std::errc::too_many_files_open_in_system) {
        if (!turn_away()) return;
      } else {
        if (ec && ec != std::errc::interrupted) throw std::system_error(ec, "accept4");
        if (!ec) return;
      }
    }
  }
  /// Out of fds. Rather than have clients wait in the backlog, and the listener ready all the while, they are told by
  /// being closed, with a number that is kept for that. False if there are no more: that too is asked with a number.
  bool turn_away() {
    std::error_code ec;
    spare_.close(ec);
    const bool is_accepted = listener_.try_accept(ec).has_value();
    if (ec) throw std::system_error(ec, "accept4");
    spare_ = rouse::BasicEventFd<Backend>::create(backend_, 0, rouse::BasicEventFd<Backend>::default_flags, ec);
    return is_accepted;
  }

  void receive(Client& client) {
    char buffer[4096];
    std::error_code ec;
    const auto n = client.stream.try_receive(buffer, ec);
    if (ec || n == 0u) client.is_over = true;
    client.input.append(buffer, n.value_or(0));
    std::size_t at = 0;
    for (std::size_t end; !client.is_over && (end = client.input.find('\n', at)) != client.input.npos; at = end + 1) {
      take_line(client, client.input.substr(at, end - at));
    }
    client.input.erase(0, at);
    if (!client.is_over && client.input.size() > limits_.line) refuse(client, "that line is too long");
  }

  void take_line(Client& client, std::string line) {
    // What a terminal would take for more than a letter is none of ours to pass on.
    for (char& c : line) {
      if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
    }
    if (line.size() > limits_.line) return refuse(client, "that line is too long");
    if (client.name.empty()) return take_name(client, std::move(line));
    if (line == "/log") return pass_log(client);
    if (line.starts_with('/')) return client.unsent.push("! there is only /log\n");
    tell_all(client.name + ": " + line + '\n', &client);
  }
  void take_name(Client& client, std::string name) {
    const bool is_name = !name.empty() && name.size() <= limits_.name && name.find_first_of("/:!* ?") == name.npos;
    if (!is_name) return refuse(client, "that is no name");
    for (const auto& [fd, other] : clients_) {
      if (other.name == name) return refuse(client, "that name is taken");
    }
    client.name = std::move(name);
    tell_all("* " + client.name + " joined\n");
  }
  void refuse(Client& client, std::string_view why) {
    client.unsent.push("! " + std::string(why) + '\n');
    client.is_over = true;
  }

  /// Gives a client a file of what was said. It reads that when it likes: the pipe holds all of it.
  void pass_log(Client& client) {
    if (client.unsent.fds() > 0) return client.unsent.push("! it is on its way\n");
    std::error_code ec;
    rouse::BasicPipe<Backend> pipe = rouse::BasicPipe<Backend>::create(backend_, rouse::default_pipe_flags, ec);
    if (ec) return client.unsent.push("! not now: " + ec.message() + '\n');
    static_cast<void>(pipe.writer.try_write(log_, ec));
    // Whoever reads it need not know that there are files that never wait.
    static_cast<void>(backend_.fcntl(pipe.reader.fd(), F_SETFL, 0));
    client.unsent.push("* log\n", pipe.reader.release());
  }

  /// To all that have a name, but this one.
  void tell_all(const std::string& line, const Client* except = nullptr) {
    log_ += line;
    if (log_.size() > limits_.log) log_.erase(0, log_.find('\n', log_.size() - limits_.log) + 1);
    for (auto& [fd, client] : clients_) {
      if (&client != except && !client.name.empty()) client.unsent.push(line);
    }
  }

  /// Sends what has been queued. Who leaves on that occasion, is something more to tell the others.
  void flush() {
    for (bool again = true; std::exchange(again, false);) {
      for (auto at = clients_.begin(); at != clients_.end();) {
        if (send(at->second)) {
          ++at;
          continue;
        }
        const std::string name = std::move(at->second.name);
        at = clients_.erase(at);
        if (!name.empty()) tell_all("* " + name + " left\n");
        again = true;
      }
    }
  }
  /// False if the client is to go: it went itself, or reads too slowly.
  bool send(Client& client) {
    if (!client.waits_for_room && !client.unsent.empty()) {
      std::error_code ec;
      client.unsent.send(client.stream, ec);
      if (ec) return false;
      client.waits_for_room = !client.unsent.empty();
    }
    if (client.is_over || client.unsent.bytes() > limits_.unsent) return false;
    const auto wanted = client.waits_for_room ? rouse::EventFlags::in | rouse::EventFlags::out : rouse::EventFlags::in;
    if (wanted != client.watched) epoll_.modify(client.stream, wanted, client.stream.fd());
    client.watched = wanted;
    return true;
  }

  Backend backend_;
  ChatLimits limits_;
  rouse::BasicSignalBlock<Backend> block_;
  rouse::BasicSignalFd<Backend> signals_;
  rouse::BasicEpoll<Backend> epoll_;
  rouse::BasicEventFd<Backend> spare_;
  Listener listener_;
  std::optional<rouse::BasicUnixPathGuard<Backend>> path_;
  rouse::EventVec events_{64};
  std::map<int, Client> clients_;
  std::string log_;
  bool is_stopped_ = false;
};

}  // namespace example
