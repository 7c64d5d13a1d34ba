// The bodies of TcpEndpoint that send, again if need be, and end. Included by tcp_endpoint.hpp.
#pragma once

#include "tcp_endpoint.hpp"

namespace rouse::inline v0::kernel {

inline NetNamespace* TcpEndpoint::target() const { return net_.find(remote.address); }

inline bool TcpEndpoint::is_partitioned() const { return net_.network().link(net_, *target()).is_partitioned(); }

inline std::size_t TcpEndpoint::segment_max() const {
  constexpr std::size_t loopback = 32741;  // Half of the first window there.
  constexpr std::size_t ethernet = 1448;
  return net_.has(remote.address) ? loopback : ethernet;
}

inline std::size_t TcpEndpoint::receive_max() const {
  constexpr std::size_t tuned = 1310720;
  return options.receive_buffer_is_set ? static_cast<std::size_t>(options.receive_buffer) / 2 : tuned;
}

// What Linux makes of the send buffer of a connection, unless it was set.
inline void TcpEndpoint::tune() {
  constexpr int loopback = 3939840;
  constexpr int ethernet = 87040;
  if (!options.send_buffer_is_set) options.send_buffer = net_.has(remote.address) ? loopback : ethernet;
}

inline void TcpEndpoint::open_window_to(std::size_t n) { advertised_ = std::max(advertised_, expected_ + n); }

// Not a little at a time: there is room when there is for a whole segment, or all is free.
inline std::size_t TcpEndpoint::window() const {
  const std::size_t most = receive_max();
  const std::size_t free = most - std::min(received_.size(), most);
  return free < std::min(segment_max(), most) ? 0 : free;
}

// For want of memory it gets lost on the way, like any other.
inline void TcpEndpoint::transmit(const Part& part) noexcept {
  open_window_to(window());
  delayed_ack_.stop();
  try {
    auto segment = std::make_unique<TcpSegment>();
    segment->from = local;
    segment->to = remote;
    segment->sequence = part.sequence;
    segment->bytes = part.bytes;
    segment->syn = part.syn;
    segment->fin = part.fin;
    segment->reset = part.reset;
    if (urgent_end_ > part.sequence) segment->urgent_end = urgent_end_;
    segment->ack = state_ != TcpState::syn_sent;
    segment->acknowledged = expected_;
    segment->window = static_cast<std::size_t>(advertised_ - expected_);
    net_.network().send(net_, remote.address, std::move(segment));
  } catch (const std::bad_alloc&) {
  }
}

inline void TcpEndpoint::send_syn(bool sends_now) {
  acknowledged_ = sent_ = net_.network().next_sequence();
  data_begin_ = window_end_ = acknowledged_ + 1;
  if (sends_now) transmit({.sequence = sent_, .syn = true});
  ++sent_;
  arm();
}

inline void TcpEndpoint::send_queued() {
  if (!has_peer()) return;
  for (;;) {
    const std::uint64_t bytes_left = data_end() - std::min(sent_, data_end());
    const std::uint64_t may = window_end_ - std::min(sent_, window_end_);
    const auto n = static_cast<std::size_t>(std::min({bytes_left, may, std::uint64_t{segment_max()}}));
    const bool is_last = sent_ + n == data_end();
    if (n == 0 && !(is_last && fin_queued_)) break;
    const bool is_urgent = urgent_end_ > acknowledged_;
    if (more_ && is_last && n < segment_max() && !fin_queued_ && !is_urgent) break;
    const std::uint64_t at = sent_;
    const bool is_end = is_last && fin_queued_;
    sent_ += n + (is_end ? 1u : 0u);
    const std::string_view bytes = unacknowledged_.view().substr(static_cast<std::size_t>(at - data_begin_), n);
    transmit({.sequence = at, .fin = is_end, .bytes = bytes});
  }
  arm();
}

inline bool TcpEndpoint::send(UserInput& from, bool urgent_last) {
  constexpr std::size_t at_once = 32768;  // What Linux copies in one piece, or not at all.
  const std::size_t n = std::min({from.left(), room(), at_once});
  UserInput after = from;
  const bool is_good = after.get(unacknowledged_.extend(n), n) == n;
  if (is_good) {
    from = after;
  } else {
    unacknowledged_.shrink(n);
  }
  if (urgent_last && (from.left() == 0 || room() == 0)) urgent_end_ = data_end();
  send_queued();
  return is_good;
}

inline void TcpEndpoint::shut_write() {
  if (state_ == TcpState::established) {
    state_ = TcpState::fin_wait_1;
  } else if (state_ == TcpState::close_wait) {
    state_ = TcpState::last_ack;
  } else {
    return;
  }
  fin_queued_ = true;
  send_queued();
}

inline void TcpEndpoint::tell_of_room() {
  if (!is_writable()) return;
  wants_room_ = false;
  wake(room_key);
}

// -- the timer

inline void TcpEndpoint::arm() {
  if (awaits_ == Awaits::end) return;
  const bool is_over = state_ == TcpState::closed || state_ == TcpState::listening;
  Awaits next = Awaits::nothing;
  if (is_over) {
    // Nothing.
  } else if (acknowledged_ < sent_) {
    next = Awaits::acknowledgement;
  } else if (sent_ < send_end() && more_) {
    next = Awaits::more;
  } else if (sent_ < send_end() && (is_partitioned() || awaits_ == Awaits::window)) {
    next = Awaits::window;
  } else if (options.keepalive && is_partitioned()) {
    // Of a peer that answers nothing would come but that it is asked again: so it is not asked.
    next = Awaits::keepalive_answer;
  }
  if (next == awaits_) return;
  disarm();
  if (next == Awaits::nothing) return;
  awaits_ = next;
  waits_since_ = timers().now();
  timers().schedule(*this, next_try());
}

inline void TcpEndpoint::disarm() {
  timers().cancel(*this);
  awaits_ = Awaits::nothing;
  retries_ = 0;
}

// When to try again, or to give up.
inline Time TcpEndpoint::next_try() const {
  constexpr Time second = 1'000'000'000;
  const Time now = timers().now();
  if (awaits_ == Awaits::keepalive_answer) {
    return retries_ == 0 ? std::max(now, heard_at_ + options.keep_idle * second) : now + options.keep_interval * second;
  }
  const auto in = [now](Time span, int doublings) {
    for (; doublings > 0; --doublings) span = std::min(2 * span, longest_wait);
    return now + span;
  };
  Time next = 0;
  if (state_ == TcpState::syn_sent) {
    next = in(second, retries_ - syn_linear_retries);
  } else if (state_ == TcpState::syn_received) {
    next = in(second, retries_);
  } else {
    // Of bytes, the first second try is one more that does not double.
    next = in(second / 5, awaits_ == Awaits::window ? retries_ : retries_ - 1);
  }
  return retries_ == 0 ? next : std::min(next, user_limit());
}

// When TCP_USER_TIMEOUT says that it has been long enough. Of bytes it counts from when they were sent again by the
// time-out, of a window from when it was asked for first.
inline Time TcpEndpoint::user_limit() const {
  constexpr Time millisecond = 1'000'000;
  if (options.user_timeout == 0) return time_never;
  Time since = waits_since_;
  if (awaits_ == Awaits::keepalive_answer) {
    since = heard_at_;
  } else if (awaits_ == Awaits::window) {
    since += 200 * millisecond;
  } else if (!is_connecting()) {
    since += 400 * millisecond;
  }
  return since + options.user_timeout * millisecond;
}

// By how often, or by how long it would have taken had each try doubled the time to the next.
inline bool TcpEndpoint::has_tried_enough(Time now) const {
  constexpr Time second = 1'000'000'000;
  constexpr int syn_default = 6;      // net.ipv4.tcp_syn_retries.
  constexpr int syn_ack_default = 5;  // net.ipv4.tcp_synack_retries.
  constexpr int data_default = 15;    // net.ipv4.tcp_retries2.
  constexpr int orphan = 8;
  const bool has_limit = options.user_timeout != 0;
  if (awaits_ == Awaits::keepalive_answer) return !has_limit && retries_ >= options.keep_count;
  if (state_ == TcpState::syn_received) return retries_ >= syn_ack_default;
  if (state_ == TcpState::syn_sent) {
    const int tries = options.syn_retries != 0 ? options.syn_retries : syn_default;
    if (has_limit) return retries_ >= tries + syn_linear_retries;
    Time span = 0;
    Time next = second;
    for (int i = 0; i <= tries; ++i) {
      span += next;
      next = std::min(2 * next, longest_wait);
    }
    return now - waits_since_ >= span;
  }
  const int tries = is_orphan_ ? orphan : data_default;
  if (awaits_ == Awaits::window) return retries_ >= tries;
  // The first time that bytes are sent again, Linux only looks whether the last of them got lost: it does not count.
  return !has_limit && retries_ > tries;
}

inline void TcpEndpoint::on_due(Time now) {
  const std::shared_ptr<TcpEndpoint> keep = shared_from_this();
  if (awaits_ == Awaits::end) return finish();
  if (awaits_ == Awaits::more) {
    more_ = false;
    send_queued();
  } else {
    retry(now);
  }
  net_.network().settle();
}

inline void TcpEndpoint::retry(Time now) {
  constexpr int neighbour_retries = 2;  // Three tries to find out who has an address, a second each.
  if (target() == nullptr && retries_ == neighbour_retries) return fail(EHOSTUNREACH);
  const bool is_late = retries_ > 0 && now >= user_limit();
  if (is_late || has_tried_enough(now)) return fail(ETIMEDOUT);
  ++retries_;
  timers().schedule(*this, next_try());
  if (is_connecting()) return transmit({.sequence = acknowledged_, .syn = true});
  if (awaits_ == Awaits::acknowledgement) {
    sent_ = acknowledged_;
    return send_queued();
  }
  transmit({.sequence = acknowledged_ - 1});  // Asks what the window is, by what the peer has already.
}

// -- ends

inline void TcpEndpoint::fail(int with) {
  const std::shared_ptr<TcpEndpoint> keep = shared_from_this();
  release_edge(*this);
  error = with;
  finish();
  wake_all();
}

inline void TcpEndpoint::abort() {
  const std::shared_ptr<TcpEndpoint> keep = shared_from_this();
  if (state_ == TcpState::listening) {
    while (!pending_.empty()) {
      const std::shared_ptr<TcpEndpoint> lost = std::move(pending_.front());
      pending_.pop_front();
      lost->abort();
    }
  } else if (has_peer()) {
    // A peer that waits for the last of this end only, needs to be told of no other.
    const bool is_as_good_as_over = state_ == TcpState::closing || state_ == TcpState::last_ack;
    if (!is_as_good_as_over || sent_ < send_end()) transmit({.sequence = sent_, .reset = true});
  }
  finish();
}

inline void TcpEndpoint::close() {
  const std::shared_ptr<TcpEndpoint> keep = shared_from_this();
  queue_ = nullptr;
  is_orphan_ = true;
  if (has_peer() && has_unread()) {
    transmit({.sequence = sent_, .reset = true});
    return finish();
  }
  const bool is_cut_short = options.linger.l_onoff != 0 && options.linger.l_linger == 0;
  if (!has_peer() || is_cut_short) return abort();
  read_shut = write_shut = true;
  shut_write();
  if (state_ == TcpState::fin_wait_2) await_end();
}

inline void TcpEndpoint::await_end() {
  constexpr Time span = 60'000'000'000;  // TCP_TIMEWAIT_LEN, and net.ipv4.tcp_fin_timeout.
  awaits_ = Awaits::end;
  timers().schedule(*this, time_after(timers().now(), span));
}

inline void TcpEndpoint::finish() {
  const std::shared_ptr<TcpEndpoint> keep = shared_from_this();
  disarm();
  delayed_ack_.stop();
  state_ = TcpState::closed;
  read_shut = write_shut = true;
  data_begin_ = data_end();
  unacknowledged_.clear();
  const auto found = net_.connections.find({local, remote});
  if (found != net_.connections.end() && found->second.get() == this) net_.connections.erase(found);
  if (is_implicit || is_orphan_) net_.tcp_ports.remove(*this);
}

}  // namespace rouse::inline v0::kernel
