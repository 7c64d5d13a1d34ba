// UdpPing: asks whether somebody is there, over UDP, and how long the answer takes: one probe after the other, each
// sent again when its time is up. UdpEcho answers. What gets lost, comes late, twice or from somebody else is told
// apart.
#pragma once

#include <rouse/rouse.hpp>
#include <rouse/timer_fd.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace example {

/// Sends every datagram back to where it came from.
template <class Backend>
class UdpEcho {
 public:
  UdpEcho(Backend backend, const rouse::Ip& address)
      : socket_(rouse::BasicUdpSocket<Backend>::bound_to(backend, address)) {}

  [[nodiscard]] rouse::Ip address() const { return socket_.local_address(); }
  /// Readable when there is something to answer.
  [[nodiscard]] rouse::BasicFdRef<Backend> fd() const { return socket_; }
  [[nodiscard]] std::size_t answered() const { return answered_; }

  /// Answers what is there, though not for ever.
  void answer() {
    std::array<char, 65536> buffer;
    for (int i = 0; i < 64; ++i) {
      std::error_code ec;
      const auto got = socket_.try_receive_from(buffer, {}, ec);
      if (!got && !ec) return;
      if (ec) continue;  // About what was sent before: it concerns nobody here.
      // UDP promises nothing: what there is no room or no way for is gone.
      if (socket_.try_send_to(got->from, rouse::ConstBuffer(buffer.data(), got->size), {}, ec)) ++answered_;
    }
  }

 private:
  rouse::BasicUdpSocket<Backend> socket_;
  std::size_t answered_ = 0;
};

struct PingOptions {
  std::uint32_t count = 4;
  std::uint32_t attempts = 3;                                   ///< How often each probe is sent before it is given up.
  std::chrono::nanoseconds timeout = std::chrono::seconds(1);   ///< From an attempt to the next one, or to giving up.
  std::chrono::nanoseconds interval = std::chrono::seconds(1);  ///< From a probe to the next one, or a time-out later.
};

/// What became of one probe.
struct PingResult {
  std::uint32_t attempts = 0;                               ///< How often it was sent.
  std::optional<std::chrono::nanoseconds> round_trip = {};  ///< Of the attempt that was answered; nothing if none was.

  friend bool operator==(const PingResult&, const PingResult&) = default;
};

template <class Backend>
class UdpPing {
  using Clock = rouse::BasicMonotonicClock<Backend>;

 public:
  UdpPing(Backend backend, const rouse::Ip& to, const PingOptions& options = {})
      : options_(options), clock_(backend), socket_(backend, to.version()), timer_(backend), epoll_(backend) {
    // Connected, it receives only what comes from there, and hears if nobody is.
    socket_.connect(to);
    epoll_.add(socket_, rouse::EventFlags::in);
    epoll_.add(timer_, rouse::EventFlags::in);
    if (options_.count > 0) begin_probe();
  }

  [[nodiscard]] bool is_done() const { return results_.size() == options_.count; }
  void run() {
    while (!is_done()) step();
  }
  /// Waits for something to do and does it.
  void step(rouse::Timeout timeout = rouse::Timeout::never) {
    epoll_.wait_restarting(events_, timeout);
    bool timer_expired = false;
    for (auto [flags, data] : events_) {
      if (data.fd() == timer_.fd()) {
        timer_expired = timer_.try_read().has_value();
      } else {
        receive();
      }
    }
    // An answer that came in time counts, though time is up by now; and if it did, the timer was set to something else.
    if (timer_expired && clock_.now() >= due_) time_is_up();
  }
  /// Readable when step() has something to do.
  [[nodiscard]] rouse::BasicFdRef<Backend> fd() const { return epoll_; }

  /// Of the probes that are decided.
  [[nodiscard]] const std::vector<PingResult>& results() const { return results_; }
  [[nodiscard]] std::size_t sent() const { return sent_; }
  [[nodiscard]] std::size_t answered() const {
    return static_cast<std::size_t>(std::count_if(results_.begin(), results_.end(), has_answer));
  }
  /// Answers that nobody waited for any more: they came late, or twice.
  [[nodiscard]] std::size_t strays() const { return strays_; }
  /// How often the machine at the other end said that nobody is there.
  [[nodiscard]] std::size_t refusals() const { return refusals_; }

 private:
  enum class Awaits { answer, next_probe };

  // On the wire: which probe, and which attempt at it.
  using Datagram = std::array<std::uint8_t, 12>;
  static constexpr std::array<std::uint8_t, 4> magic = {'p', 'i', 'n', 'g'};

  static bool has_answer(const PingResult& result) { return result.round_trip.has_value(); }

  static void put(Datagram& into, std::size_t at, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i) into[at + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  }
  static std::uint32_t number_at(const Datagram& from, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number = number << 8 | from[at + i];
    return number;
  }

  [[nodiscard]] std::uint32_t probe() const { return static_cast<std::uint32_t>(results_.size()); }

  void begin_probe() {
    sent_at_.clear();
    attempt();
  }
  void attempt() {
    Datagram datagram{};
    std::copy(magic.begin(), magic.end(), datagram.begin());
    put(datagram, 4, probe());
    put(datagram, 8, static_cast<std::uint32_t>(sent_at_.size()));
    sent_at_.push_back(clock_.now());
    std::error_code ec;
    // What cannot be sent is lost like any other, and a refusal of an earlier one takes this one's place.
    static_cast<void>(socket_.try_send(datagram, {}, ec));
    note(ec);
    ++sent_;
    wait_for(Awaits::answer, sent_at_.back() + options_.timeout);
  }

  void receive() {
    for (;;) {
      Datagram datagram{};
      std::error_code ec;
      const auto got = socket_.try_receive_from(datagram, {}, ec);
      note(ec);
      if (!got && !ec) return;
      const bool is_ours =
          got && got->full_size == datagram.size() && std::equal(magic.begin(), magic.end(), datagram.begin());
      if (is_ours) answer(number_at(datagram, 4), number_at(datagram, 8));
    }
  }
  void answer(std::uint32_t of_probe, std::uint32_t of_attempt) {
    const bool is_awaited = awaits_ == Awaits::answer && of_probe == probe() && of_attempt < sent_at_.size();
    if (!is_awaited) {
      ++strays_;
      return;
    }
    decide(clock_.now() - sent_at_[of_attempt]);
  }

  void time_is_up() {
    if (awaits_ == Awaits::next_probe) return begin_probe();
    if (sent_at_.size() < options_.attempts) return attempt();
    decide(std::nullopt);
  }

  void decide(std::optional<std::chrono::nanoseconds> round_trip) {
    results_.push_back({static_cast<std::uint32_t>(sent_at_.size()), round_trip});
    if (is_done()) {
      awaits_ = Awaits::next_probe;
      return timer_.disarm();
    }
    wait_for(Awaits::next_probe, std::max(sent_at_.front() + options_.interval, clock_.now()));
  }
  void wait_for(Awaits what, typename Clock::time_point until) {
    awaits_ = what;
    due_ = until;
    timer_.set_at(until);
  }
  void note(std::error_code ec) {
    if (ec == std::errc::connection_refused) ++refusals_;
  }

  PingOptions options_;
  Clock clock_;
  rouse::BasicUdpSocket<Backend> socket_;
  rouse::BasicTimerFd<Backend> timer_;
  rouse::BasicEpoll<Backend> epoll_;
  rouse::EventArray<2> events_;
  Awaits awaits_ = Awaits::answer;
  typename Clock::time_point due_{};
  std::vector<typename Clock::time_point> sent_at_;  // The attempts at the present probe.
  std::vector<PingResult> results_;
  std::size_t sent_ = 0;
  std::size_t strays_ = 0;
  std::size_t refusals_ = 0;
};

/// In milliseconds: `0.125`.
[[nodiscard]] inline std::string milliseconds_text(std::chrono::nanoseconds span) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(span).count();
  std::string text = std::to_string(us / 1000) + '.';
  return text + std::to_string(1000 + us % 1000).substr(1);
}

/// `4 probes, 3 answered, 25% lost; round trip 0.125 / 0.250 / 0.375 ms`: the least, the mean, the most.
[[nodiscard]] inline std::string summary_of(const std::vector<PingResult>& results) {
  std::vector<std::chrono::nanoseconds> trips;
  for (const PingResult& result : results) {
    if (result.round_trip) trips.push_back(*result.round_trip);
  }
  const std::size_t lost = results.size() - trips.size();
  std::string text = std::to_string(results.size()) + " probes, " + std::to_string(trips.size()) + " answered, " +
                     std::to_string(results.empty() ? 0 : lost * 100 / results.size()) + "% lost";
  if (trips.empty()) return text;
  std::chrono::nanoseconds sum{0};
  for (const auto trip : trips) sum += trip;
  const auto [least, most] = std::minmax_element(trips.begin(), trips.end());
  return text + "; round trip " + milliseconds_text(*least) + " / " +
         milliseconds_text(sum / static_cast<std::int64_t>(trips.size())) + " / " + milliseconds_text(*most) + " ms";
}

}  // namespace example
