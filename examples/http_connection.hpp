// HttpConnection: one client: takes requests in, has them answered in their order, and sends what it can. Knows nothing
// of epoll and of time, but says what it waits for.
#pragma once

#include "http_parser.hpp"
#include "send_queue.hpp"
#include <rouse/rouse.hpp>

#include <functional>
#include <system_error>

namespace example {

/// What a server serves: called for GET, HEAD and POST. The response to HEAD is that to GET, and sent without its body.
using HttpSite = std::function<HttpResponse(const HttpRequest&)>;

template <rouse::MessageBackend Backend>
class HttpConnection {
 public:
  using Stream = rouse::BasicTcpStream<Backend>;

  /// What it waits for. Each has a limit of its own in time.
  enum class Phase {
    idle,       ///< The first byte of a request.
    request,    ///< The rest of one.
    sending,    ///< Room for more of the responses.
    lingering,  ///< The client's end: closing before that resets the connection, and the last response may get lost.
    over,       ///< Nothing: to be destroyed.
  };

  HttpConnection(Stream stream, HttpParser::Limits limits) : stream_(std::move(stream)), parser_(limits) {}

  [[nodiscard]] const Stream& stream() const { return stream_; }
  [[nodiscard]] Phase phase() const { return phase_; }
  /// Counts what gives it the whole time of its phase again: requests that are done, and bytes that could be sent.
  [[nodiscard]] std::size_t progress() const { return progress_; }
  /// What epoll is to look out for. Never less than what a serve() would find something to do for, and never more, as
  /// level-triggered events that nobody acts upon come again at once.
  [[nodiscard]] rouse::EventFlags wanted() const {
    rouse::EventFlags flags;
    if (may_receive()) flags |= rouse::EventFlags::in;
    if (phase_ == Phase::sending) flags |= rouse::EventFlags::out;
    return flags;
  }

  /// Does what can be done now. `site` answers; `date` is for the responses. With `is_last`, the connection is to end
  /// once all that has come is answered.
  void serve(rouse::EventFlags flags, const HttpSite& site, std::string_view date, bool is_last) {
    // A reset: what is queued reaches nobody.
    if (flags.has_any(rouse::EventFlags::err)) return end();
    if (flags.has_any(rouse::EventFlags::in | rouse::EventFlags::hup) && may_receive() && !receive()) return end();
    if (phase_ == Phase::lingering) return is_peer_done_ ? end() : void();
    do {
      answer(site, date, is_last);
      if (!send()) return end();
      // If all went that had been held back by its size, there may be more to answer, and no event will say so.
    } while (unsent_.empty() && !closes_ && holds_back_);
    if (is_last && unsent_.empty() && parser_.is_between_requests()) closes_ = true;
    settle();
  }

  /// The limit of its phase has come.
  void time_out(std::string_view date) {
    switch (phase_) {
      case Phase::request: refuse(HttpStatus::request_timeout, date); return send() ? settle() : end();
      case Phase::sending: return abort();
      default: return end();
    }
  }

  /// Ends it now: whatever is queued is dropped, here and in the kernel, and the client told by a reset.
  void abort() {
    std::error_code ignored;  // It ends in any case.
    stream_.set(rouse::option::linger, {.is_on = true, .seconds = 0}, ignored);
    end();
  }

 private:
  // How much of the responses may wait until no more requests are answered, nor even received: who asks faster than he
  // reads is slowed down by his own send buffer.
  static constexpr std::size_t unsent_max = 64 * 1024;

  [[nodiscard]] bool may_receive() const {
    return phase_ == Phase::lingering || (!is_peer_done_ && !closes_ && unsent_.bytes() < unsent_max);
  }

  /// One piece: if there is more, epoll says so again, and others have had their turn meanwhile.
  bool receive() {
    char buffer[16 * 1024];
    std::error_code ec;
    const auto received = stream_.try_receive(buffer, ec);
    if (ec) return false;
    if (!received) return true;
    // A half-close: it asks no more, but still wants its answers.
    if (*received == 0) is_peer_done_ = true;
    if (phase_ != Phase::lingering) parser_.feed({buffer, *received});
    return true;
  }

  void answer(const HttpSite& site, std::string_view date, bool is_last) {
    holds_back_ = false;
    while (!closes_) {
      holds_back_ = unsent_.bytes() >= unsent_max;
      if (holds_back_) return;
      if (const std::optional<HttpRequest> request = parser_.next()) {
        ++progress_;
        const bool keeps_alive = request->keeps_alive && !(is_last && parser_.is_between_requests());
        respond(*request, response_to(*request, site), date, keeps_alive);
      } else if (const std::optional<HttpStatus> refusal = parser_.refusal()) {
        return refuse(*refusal, date);
      } else {
        if (parser_.take_expectation()) unsent_.push("HTTP/1.1 100 Continue\r\n\r\n");
        return;
      }
    }
  }

  static HttpResponse response_to(const HttpRequest& request, const HttpSite& site) {
    for (const char* other : {"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}) {
      if (request.method == other) {
        HttpResponse response = HttpResponse::of(HttpStatus::method_not_allowed);
        response.allow = "GET, HEAD, POST";
        return response;
      }
    }
    if (request.method != "GET" && request.method != "HEAD" && request.method != "POST") {
      return HttpResponse::of(HttpStatus::not_implemented);
    }
    if (!request.target.starts_with('/')) return HttpResponse::of(HttpStatus::bad_request);
    try {
      return site(request);
    } catch (const std::exception&) {
      return HttpResponse::of(HttpStatus::internal_error);
    }
  }

  void respond(const HttpRequest& request, HttpResponse response, std::string_view date, bool keeps_alive) {
    const AfterResponse after = !keeps_alive             ? AfterResponse::close
                                : request.is_version_1_0 ? AfterResponse::keep_alive_of_version_1_0
                                                         : AfterResponse::keep_alive;
    unsent_.push(head_of(response, date, after));
    if (request.method != "HEAD") unsent_.push(std::move(response.body));
    closes_ = !keeps_alive;
  }
  void refuse(HttpStatus status, std::string_view date) {
    HttpResponse response = HttpResponse::of(status);
    unsent_.push(head_of(response, date, AfterResponse::close));
    unsent_.push(std::move(response.body));
    closes_ = true;
  }

  bool send() {
    std::error_code ec;
    if (unsent_.send(stream_, ec) != 0) ++progress_;
    return !ec;
  }

  void settle() {
    if (!unsent_.empty()) {
      phase_ = Phase::sending;
    } else if (is_peer_done_) {
      end();
    } else if (closes_) {
      std::error_code ec;
      stream_.shutdown(rouse::ShutdownHow::write, ec);
      phase_ = ec ? Phase::over : Phase::lingering;
    } else {
      phase_ = parser_.is_between_requests() ? Phase::idle : Phase::request;
    }
  }
  void end() { phase_ = Phase::over; }

  Stream stream_;
  HttpParser parser_;
  SendQueue unsent_;
  Phase phase_ = Phase::idle;
  std::size_t progress_ = 0;
  bool is_peer_done_ = false;
  bool closes_ = false;      // After what is queued.
  bool holds_back_ = false;  // There may be requests that were not answered yet.
};

}  // namespace example
