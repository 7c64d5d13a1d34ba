// HttpWorld: an HTTP server and its clients on one thread, for tests. An epoll of its own watches that of the server
// and the clients' sockets, so that time passes for all of them alike: on the emulated kernel, from event to event.
#pragma once

#include "../tests/support/backends.hpp"
#include "http_server.hpp"
#include "http_site.hpp"

#include <deque>

namespace example {

template <class On>
class HttpWorld {
 public:
  using Backend = typename On::Backend;
  using Clock = rouse::BasicMonotonicClock<Backend>;
  using Stream = rouse::BasicTcpStream<Backend>;

  /// What one client has sent and got.
  struct Client {
    Stream stream;
    SendQueue unsent = {};
    std::string got = {};
    bool reads = true;  ///< One that does not, leaves what comes in its socket's buffer.
    int error = 0;
    std::optional<typename Clock::time_point> ended_at = {};
    rouse::EventFlags watched = rouse::EventFlags::in;
  };

  explicit HttpWorld(const HttpLimits& limits = {}) : limits_(limits) {}

  /// Precondition, here and below: the server was started.
  HttpServer<Backend>& server() { return *server_; }
  /// Where the calling thread is; so are clients, if several namespaces are about.
  void start(const rouse::Ip& address = rouse::Ipv4::loopback(0), HttpSite site = demo_site) {
    server_.emplace(on.backend, std::move(site), limits_);
    address_ = server_->listen(address);
    epoll_.add(server_->fd(), rouse::EventFlags::in, 0);
  }
  [[nodiscard]] const rouse::Ip& address() const { return address_; }

  /// A client that connects, and then sends this.
  Client& connect(std::string text = {}) { return connect_to(address_, std::move(text)); }
  Client& connect_to(const rouse::Ip& address, std::string text = {}) {
    return talk(Stream::start_connect(on.backend, address), std::move(text));
  }
  /// A client that does not read, and has next to no room for what it is sent.
  Client& connect_unreading(std::string text) {
    Stream stream{on.backend, address_.version()};
    stream.set(rouse::option::receive_buffer, 4096);
    static_cast<void>(stream.try_connect(address_));
    Client& client = talk(std::move(stream), std::move(text));
    set_reading(client, false);
    return client;
  }
  void say(Client& client, std::string text) {
    client.unsent.push(std::move(text));
    flush(client);
  }
  void set_reading(Client& client, bool reads) {
    client.reads = reads;
    watch(client);
  }
  /// Closes the client's end; with `by_reset`, what it sent may get lost.
  void close(Client& client, bool by_reset = false) {
    if (by_reset) client.stream.set(rouse::option::linger, {.is_on = true, .seconds = 0});
    client.stream.close();
    client.ended_at = clock.now();
  }

  /// Lets all of them do what they do until `is_done`; false if that takes longer than `limit`.
  template <class Done>
  bool run_until(Done is_done, std::chrono::nanoseconds limit = std::chrono::minutes(2)) {
    const auto deadline = clock.now() + limit;
    while (!is_done()) {
      if (epoll_.wait_restarting(events_, clock.until(deadline)) == 0 && clock.now() >= deadline) return false;
      for (auto [flags, data] : events_) {
        if (data.u64() == 0) {
          server_->step(rouse::Timeout::now);
        } else {
          handle(*data.template ptr<Client>(), flags);
        }
      }
    }
    return true;
  }
  void run_for(std::chrono::nanoseconds span) {
    run_until([] { return false; }, span);
  }
  /// Until this client has got so much or is at its end.
  bool run_until_got(Client& client, std::size_t n) {
    return run_until([&] { return client.got.size() >= n || client.ended_at; });
  }
  bool run_until_ended(Client& client) {
    return run_until([&] { return client.ended_at.has_value(); });
  }

  On on;
  Clock clock{on.backend};

 private:
  Client& talk(Stream stream, std::string text) {
    Client& client = clients_.emplace_back(Client{std::move(stream)});
    epoll_.add(client.stream, client.watched, &client);
    say(client, std::move(text));
    return client;
  }
  void handle(Client& client, rouse::EventFlags flags) {
    if (client.ended_at) return;
    const bool is_broken = flags.has_any(rouse::EventFlags::hup | rouse::EventFlags::err);
    if (!client.reads && is_broken) return;
    if (client.watched.has(rouse::EventFlags::oneshot)) client.watched = {};
    if (flags.has_any(rouse::EventFlags::out)) flush(client);
    if (client.reads && (is_broken || flags.has_any(rouse::EventFlags::in))) {
      char buffer[16 * 1024];
      std::error_code ec;
      const auto n = client.stream.try_receive(buffer, ec);
      client.got.append(buffer, n.value_or(0));
      if (ec || n == 0u) end(client, ec);
    }
  }
  void flush(Client& client) {
    std::error_code ec;
    client.unsent.send(client.stream, ec);
    // A server that is done with us may have more to say.
    if (ec) client.unsent = {};
    watch(client);
  }
  void watch(Client& client) {
    if (client.ended_at) return;
    // That the connection is broken is reported in any case, and to one who does not look again and again.
    rouse::EventFlags wanted = client.reads ? rouse::EventFlags::in : rouse::EventFlags::oneshot;
    if (!client.unsent.empty()) wanted |= rouse::EventFlags::out;
    if (wanted == client.watched) return;
    epoll_.modify(client.stream, wanted, &client);
    client.watched = wanted;
  }
  void end(Client& client, std::error_code why) {
    client.error = why.value();
    client.ended_at = clock.now();
    epoll_.remove(client.stream);
  }

  HttpLimits limits_;
  rouse::BasicEpoll<Backend> epoll_{on.backend};
  rouse::EventVec events_{64};
  std::optional<HttpServer<Backend>> server_;
  rouse::Ip address_;
  std::deque<Client> clients_;
};

/// A GET of this target, or what else is to be said in its head.
[[nodiscard]] inline std::string get(std::string_view target, std::string_view fields = "",
                                     std::string_view method = "GET") {
  return std::string(method)
      .append(" ")
      .append(target)
      .append(" HTTP/1.1\r\nHost: a\r\n")
      .append(fields)
      .append("\r\n");
}
[[nodiscard]] inline std::string post(std::string_view target, std::string_view body, std::string_view fields = "") {
  return get(target, "Content-Length: " + std::to_string(body.size()) + "\r\n" + std::string(fields), "POST") +
         std::string(body);
}

/// What was got, a line for each response: its status, fields other than the usual ones, and its body or how long that
/// is: `200 Connection: close [hello]`. What is no whole response is put as it is.
[[nodiscard]] inline std::string summary(std::string_view got) {
  std::string text;
  while (!got.empty()) {
    const std::size_t end = got.find("\r\n\r\n");
    if (end == got.npos || !got.starts_with("HTTP/1.1 ")) return text.append(got);
    std::string_view head = got.substr(0, end + 2);
    std::string line(head.substr(9, 3));
    std::size_t length = 0;
    for (head.remove_prefix(head.find('\n') + 1); !head.empty(); head.remove_prefix(head.find('\n') + 1)) {
      const std::string_view field = head.substr(0, head.find('\r'));
      constexpr std::string_view of_length = "Content-Length: ";
      if (field.starts_with(of_length)) {
        std::from_chars(field.data() + of_length.size(), field.data() + field.size(), length);
      } else if (!field.starts_with("Date: ") && !field.starts_with("Content-Type: ")) {
        line.append(" ").append(field);
      }
    }
    got.remove_prefix(end + 4);
    if (got.size() < length)
      return text + line + " and " + std::to_string(got.size()) + " of " + std::to_string(length);
    std::string_view body = got.substr(0, length);
    got.remove_prefix(length);
    if (body.ends_with('\n')) body.remove_suffix(1);
    text += line + (body.size() > 40 ? " [" + std::to_string(length) + "]" : " [" + std::string(body) + "]") + "\n";
  }
  return text;
}

}  // namespace example
