// HttpServer: HTTP/1.1 for any number of clients on one thread: keep-alive, pipelining, limits in time and size, and a
// graceful end on SIGTERM. Written once, over a backend: on LinuxBackend curl and wrk talk to it, on EmulatedBackend
// its unit test has it serve clients over slow, broken and resetting links, an hour of them in a blink.
#pragma once

#include "deadlines.hpp"
#include "http_connection.hpp"
#include <rouse/rouse.hpp>

#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace example {

struct HttpLimits {
  HttpParser::Limits sizes = {};
  std::size_t connections = 10'000;
  std::chrono::nanoseconds idle = std::chrono::seconds(60);     ///< Between requests.
  std::chrono::nanoseconds request = std::chrono::seconds(20);  ///< From its first byte to its last.
  std::chrono::nanoseconds sending = std::chrono::seconds(30);  ///< Without any progress.
  std::chrono::nanoseconds linger = std::chrono::seconds(2);    ///< For the client to close as well.
  std::chrono::nanoseconds grace = std::chrono::seconds(10);    ///< For what is in flight after a SIGTERM.
};

/// Made and run by one thread. While it is there, that thread has SIGINT and SIGTERM blocked.
template <class Backend>
  requires rouse::MessageBackend<Backend> && rouse::TimerFdBackend<Backend> && rouse::SignalFdBackend<Backend>
class HttpServer {
  using Listener = rouse::BasicTcpListener<Backend>;
  using Connection = HttpConnection<Backend>;

 public:
  HttpServer(Backend backend, HttpSite site, const HttpLimits& limits = {})
      : backend_(backend),
        site_(std::move(site)),
        limits_(limits),
        block_(backend, stop_signals()),
        signals_(backend, stop_signals()),
        epoll_(backend),
        // In the order of Limit.
        deadlines_(backend, {limits.idle, limits.request, limits.sending, limits.linger, limits.grace, accept_retry}) {
    epoll_.add(signals_, rouse::EventFlags::in);
    epoll_.add(deadlines_.timer(), rouse::EventFlags::in);
  }

  /// Starts to listen; returns the address, with the port that was given for port 0.
  rouse::Ip listen(const rouse::Ip& address) {
    Listener listener = Listener::bind(backend_, address);
    epoll_.add(listener, is_full_ ? rouse::EventFlags{} : rouse::EventFlags::in);
    const rouse::Ip bound = listener.local_address();
    listeners_.emplace(listener.fd(), std::move(listener));
    return bound;
  }

  /// Serves until SIGTERM or SIGINT, and then until what is in flight is done; a second signal or the grace time-out
  /// cuts that short.
  void run() {
    while (!is_over()) step();
  }
  /// Waits for something to do and does it.
  void step(rouse::Timeout timeout = rouse::Timeout::never) {
    epoll_.wait_restarting(events_, timeout);
    deadlines_.look_at_clock();
    bool timer_expired = false;
    for (auto [flags, data] : events_) {
      if (data.fd() == deadlines_.timer().fd()) {
        timer_expired = true;
      } else {
        handle(data.fd(), flags);
      }
    }
    // Last, so that what came in time counts, though it was reported together with the end of the time.
    if (timer_expired) expire();
    deadlines_.arm();
  }
  /// Readable when step() has something to do: for a loop around this one.
  [[nodiscard]] rouse::BasicFdRef<Backend> fd() const { return epoll_; }

  [[nodiscard]] bool is_stopping() const { return is_stopping_; }
  [[nodiscard]] bool is_over() const { return is_stopping_ && connections_.empty(); }
  /// False while it does not accept, for want of an fd or because there are too many connections.
  [[nodiscard]] bool is_accepting() const { return !is_full_ && !is_stopping_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  /// Connections accepted so far, and those that were cut off when the server ended.
  [[nodiscard]] std::size_t served() const { return served_; }
  [[nodiscard]] std::size_t cut_off() const { return cut_off_; }

 private:
  // The first ones are the phases of a connection.
  enum class Limit { idle, request, sending, lingering, grace, accept_retry };
  using Limits = Deadlines<Backend, Limit, 6>;

  struct Client {
    Connection connection;
    typename Limits::Place limit;
    rouse::EventFlags watched;
  };
  using Clients = std::map<int, Client>;

  static constexpr std::chrono::nanoseconds accept_retry = std::chrono::milliseconds(100);
  static constexpr int nobody = -1;

  static rouse::SignalSet stop_signals() { return rouse::SignalSet::of(SIGINT, SIGTERM); }
  static Limit limit_of(typename Connection::Phase phase) { return Limit(static_cast<int>(phase)); }

  void handle(int fd, rouse::EventFlags flags) {
    if (fd == signals_.fd()) {
      while (signals_.try_read()) stop();
    } else if (const auto listener = listeners_.find(fd); listener != listeners_.end()) {
      accept_all(listener->second);
    } else if (const auto client = connections_.find(fd); client != connections_.end()) {
      serve(client, flags);
    }
  }

  void accept_all(Listener& listener) {
    while (!is_full_) {
      if (connections_.size() >= limits_.connections) return pause_accepting();
      std::error_code ec;
      auto accepted = listener.try_accept(ec);
      if (accepted) {
        admit(std::move(accepted->stream));
      } else if (ec) {
        // Out of fds or memory. The listener stays ready, so watching it on would spin.
        return pause_accepting();
      } else {
        return;
      }
    }
  }

  void admit(rouse::BasicTcpStream<Backend> stream) {
    const int fd = stream.fd();
    std::error_code ec;
    // Responses are sent whole: there is nothing to wait for.
    stream.set(rouse::option::no_delay, true, ec);
    // For want of anything the client is turned away.
    epoll_.add(stream, rouse::EventFlags::in, fd, ec);
    if (ec) return;
    const auto limit = deadlines_.start(Limit::idle, fd);
    connections_.emplace(fd, Client{{std::move(stream), limits_.sizes}, limit, rouse::EventFlags::in});
    ++served_;
  }

  void serve(typename Clients::iterator at, rouse::EventFlags flags) {
    Connection& connection = at->second.connection;
    const auto before = connection.phase();
    const std::size_t progress = connection.progress();
    connection.serve(flags, site_, date(), is_stopping_);
    settle(at, connection.phase() != before || connection.progress() != progress);
  }

  /// Watches for what the connection wants now. `limit_begins`: it has the time of its phase from now on.
  void settle(typename Clients::iterator at, bool limit_begins) {
    using Phase = typename Connection::Phase;
    auto& [connection, limit, watched] = at->second;
    const Phase phase = connection.phase();
    if (phase == Phase::over) return close(at);
    if (limit_begins) deadlines_.restart(limit, limit_of(phase));
    if (connection.wanted() != watched) {
      watched = connection.wanted();
      epoll_.modify(connection.stream(), watched, at->first);
    }
  }

  void close(typename Clients::iterator at) {
    // Its number may be given out again within this batch.
    events_.forget(at->first);
    deadlines_.remove(at->second.limit);
    connections_.erase(at);
    resume_accepting();
  }

  /// What is due goes, and what has no more time is told so.
  void expire() {
    deadlines_.acknowledge();
    while (const auto expired = deadlines_.next_expired()) {
      if (expired->kind == Limit::grace) return cut_off_all();
      if (expired->kind == Limit::accept_retry) {
        resume_accepting();
        continue;
      }
      const auto at = connections_.find(expired->owner);
      at->second.connection.time_out(date());
      settle(at, true);
    }
  }

  /// The first time, no more is accepted and what is in flight is finished.
  void stop() {
    if (is_stopping_) return cut_off_all();
    is_stopping_ = true;
    // Who waits in a backlog has a connection already, and would be reset.
    for (auto& [fd, listener] : listeners_) accept_all(listener);
    for (auto& [fd, listener] : listeners_) events_.forget(fd);
    listeners_.clear();
    if (retry_) deadlines_.remove(*std::exchange(retry_, std::nullopt));
    grace_ = deadlines_.start(Limit::grace, nobody);
    // A request may have come that no event has told of yet.
    for (auto at = connections_.begin(); at != connections_.end();) serve(at++, rouse::EventFlags::in);
  }
  void cut_off_all() {
    cut_off_ += connections_.size();
    while (!connections_.empty()) {
      connections_.begin()->second.connection.abort();
      close(connections_.begin());
    }
    if (grace_) deadlines_.remove(*std::exchange(grace_, std::nullopt));
  }

  void pause_accepting() {
    if (std::exchange(is_full_, true)) return;
    for (auto& [fd, listener] : listeners_) epoll_.modify(listener, {}, fd);
    // The next close makes room. If the fds are others' to close, nobody tells.
    if (!is_stopping_) retry_ = deadlines_.start(Limit::accept_retry, nobody);
  }
  void resume_accepting() {
    if (!std::exchange(is_full_, false)) return;
    if (retry_) deadlines_.remove(*std::exchange(retry_, std::nullopt));
    for (auto& [fd, listener] : listeners_) epoll_.modify(listener, rouse::EventFlags::in, fd);
  }

  /// For the field of that name. Written anew once a second.
  const std::string& date() {
    ::timespec time{};
    static_cast<void>(backend_.clock_gettime(CLOCK_REALTIME, &time));
    if (date_.empty() || time.tv_sec != dated_) date_ = http_date(dated_ = time.tv_sec);
    return date_;
  }

  Backend backend_;
  HttpSite site_;
  HttpLimits limits_;
  rouse::BasicSignalBlock<Backend> block_;
  rouse::BasicSignalFd<Backend> signals_;
  rouse::BasicEpoll<Backend> epoll_;
  rouse::EventVec events_{256};
  Limits deadlines_;
  std::map<int, Listener> listeners_;
  Clients connections_;
  std::optional<typename Limits::Place> retry_;
  std::optional<typename Limits::Place> grace_;
  std::string date_;
  std::time_t dated_ = 0;
  std::size_t served_ = 0;
  std::size_t cut_off_ = 0;
  bool is_full_ = false;
  bool is_stopping_ = false;
};

}  // namespace example
