// The bodies of TcpEndpoint that take segments in. Included by tcp_endpoint.hpp.
#pragma once

#include "tcp_endpoint.hpp"

#include <optional>
#include <vector>

namespace rouse::inline v0::kernel {

namespace detail_tcp {

/// Who listens at `to`: one that is bound to just this address, before one that takes any.
[[nodiscard]] inline TcpEndpoint* listener_at(NetNamespace& net, const IpEndpoint& to, const IpEndpoint& from) {
  using IsExact = std::optional<bool>;
  const std::vector<PortUser*> best = net.tcp_ports.best_at(to.port, [&to](const PortUser& user) {
    return user.listens && user.covers(to.address) ? IsExact{user.local.address == to.address} : std::nullopt;
  });
  return best.empty() ? nullptr : static_cast<TcpEndpoint*>(best[spread(from, best.size())]);
}

/// The answer to a segment that nobody knows what to do with.
inline void refuse(NetNamespace& net, const TcpSegment& segment) {
  if (segment.reset) return;
  auto reset = std::make_unique<TcpSegment>();
  reset->from = segment.to;
  reset->to = segment.from;
  reset->reset = true;
  reset->sequence = segment.acknowledged;
  reset->acknowledged = segment.end();
  net.network().send(net, segment.from.address, std::move(reset));
}

}  // namespace detail_tcp

inline void TcpSegment::arrive(NetNamespace& at) {
  const auto found = at.connections.find({to, from});
  if (found != at.connections.end()) {
    const std::shared_ptr<TcpEndpoint> endpoint = found->second;
    // A new connection may take the place of one that is over.
    const bool begins_anew = endpoint->state() == TcpState::time_wait && syn && !ack;
    if (!begins_anew) return endpoint->arrive(*this);
    endpoint->close();
  }
  TcpEndpoint* const listener = detail_tcp::listener_at(at, to, from);
  if (listener != nullptr) {
    listener->arrive(*this);
  } else {
    detail_tcp::refuse(at, *this);
  }
}

inline void TcpEndpoint::arrive(const TcpSegment& segment) {
  const std::shared_ptr<TcpEndpoint> keep = shared_from_this();  // It may be over with this one.
  heard_at_ = timers().now();
  if (state_ == TcpState::listening) return accept_syn(segment);
  if (state_ == TcpState::syn_sent) return arrive_connecting(segment);
  if (segment.reset) {
    if (segment.sequence == expected_) return fail(state_ == TcpState::close_wait ? EPIPE : ECONNRESET);
    // Whoever guesses has to guess well: one that meant it, answers this with the right one.
    if (segment.sequence > expected_ && segment.sequence <= advertised_) send_ack();
    return;
  }
  if (state_ == TcpState::time_wait) return arrive_late(segment);
  // One of a connection's own beginning, too: what answers it is sent again when it is time to.
  if (segment.syn) return send_ack();
  const std::uint64_t acknowledged = acknowledged_;
  if (!segment.ack || !take_ack(segment)) return;
  // Of what came before, sent again or as a probe, the peer hears that it is here.
  if (segment.sequence < expected_ && segment.end() <= expected_) return send_ack();
  take_urgent_mark(segment);
  take_urgent_byte(segment);
  take_bytes(segment);
  if (segment.fin && segment.end() == expected_ + 1) take_fin();
  // What Linux has to look at more closely makes it look at what waits for more, too.
  const bool is_looked_at = acknowledged_ > acknowledged || segment.fin || !std::exchange(has_heard_, true);
  if (is_looked_at && !options.cork) push();
}

inline void TcpEndpoint::accept_syn(const TcpSegment& segment) {
  if (segment.ack) return detail_tcp::refuse(net_, segment);
  if (!segment.syn || pending_.size() > backlog_) return;  // Whoever connects will try again.
  const auto made = std::make_shared<TcpEndpoint>(net_, options);
  made->options.priority = 0;
  made->local = segment.to;
  made->remote = segment.from;
  made->share_as(*this);
  made->is_implicit = true;
  made->read_shut = read_shut;
  made->write_shut = write_shut;
  made->listener_ = weak_from_this();
  made->state_ = TcpState::syn_received;
  made->expected_ = made->read_at_ = made->advertised_ = segment.end();
  net_.connections.emplace(NetNamespace::Ends{made->local, made->remote}, made);
  net_.tcp_ports.join(*made);
  made->send_syn();
}

inline void TcpEndpoint::arrive_connecting(const TcpSegment& segment) {
  const bool is_answer = segment.acknowledged == sent_;
  if (segment.ack && !is_answer) return detail_tcp::refuse(net_, segment);
  if (segment.reset) {
    if (is_answer) fail(ECONNREFUSED);
    return;
  }
  if (!segment.syn) return;
  expected_ = read_at_ = advertised_ = segment.end();
  window_end_ = data_begin_ + segment.window;
  if (!is_answer) {
    // Both ends connect to each other at once, or one to itself.
    state_ = TcpState::syn_received;
    return transmit({.sequence = acknowledged_, .syn = true});
  }
  acknowledged_ = sent_;
  establish();
  send_ack();
}

inline void TcpEndpoint::establish() {
  state_ = TcpState::established;
  disarm();
  tune();
  wake_all();
}

// What it has heard of the peer's window and of what arrived there. False if the segment is none of its connection.
inline bool TcpEndpoint::take_ack(const TcpSegment& segment) {
  if (segment.acknowledged > sent_ && state_ != TcpState::syn_received) {
    send_ack();
    return false;
  }
  if (state_ == TcpState::syn_received) {
    if (segment.acknowledged != sent_) {
      detail_tcp::refuse(net_, segment);
      return false;
    }
    const std::shared_ptr<TcpEndpoint> listener = listener_.lock();
    if (listener != nullptr) {
      // Others may have been faster: then this one is made when its peer has sent once more.
      if (listener->pending_.size() > listener->backlog_) return false;
      listener->pending_.push_back(shared_from_this());
    }
    establish();
    if (listener != nullptr) {
      release_edge(*listener);
      listener->wake(data_key);
    }
    if (write_shut) shut_write();  // As its listener was, before it was one.
  }
  if (segment.acknowledged > acknowledged_) {
    const std::uint64_t bytes_end = std::min(segment.acknowledged, data_end());
    unacknowledged_.pop(static_cast<std::size_t>(bytes_end - data_begin_));
    data_begin_ = bytes_end;
    acknowledged_ = segment.acknowledged;
    disarm();
  }
  window_end_ = std::max(window_end_, segment.acknowledged + segment.window);
  send_queued();
  look_for_room();
  if (acknowledged_ == send_end()) all_was_acknowledged();
  return true;
}

// And so its end, if it has one.
inline void TcpEndpoint::all_was_acknowledged() {
  if (state_ == TcpState::fin_wait_1) {
    state_ = TcpState::fin_wait_2;
    if (is_orphan_) await_end();
  } else if (state_ == TcpState::closing) {
    enter_time_wait();
  } else if (state_ == TcpState::last_ack) {
    finish();
  } else {
    return;
  }
  wake_all();
}

inline void TcpEndpoint::take_urgent_mark(const TcpSegment& segment) {
  if (segment.urgent_end == 0) return;
  const std::uint64_t at = segment.urgent_end - 1;
  if (at < expected_ || at <= urgent_at_) return;
  // The one before it loses its place in the stream if it was the next to be read.
  if (is_at_mark() && !options.inline_urgent && read_at_ != expected_) {
    received_.pop(1);
    ++read_at_;
  }
  urgent_ = Urgent::announced;
  urgent_at_ = at;
}

// It is kept beside the others, and can be had even if they find no place.
inline void TcpEndpoint::take_urgent_byte(const TcpSegment& segment) {
  if (urgent_ != Urgent::announced) return;
  const auto index = static_cast<std::size_t>(urgent_at_ - segment.sequence);
  if (index >= segment.bytes.size()) return;
  urgent_ = Urgent::here;
  urgent_byte_ = segment.bytes[index];
  release_edge(*this);
  wake(data_key);
}

inline void TcpEndpoint::take_bytes(const TcpSegment& segment) {
  if (segment.bytes.empty()) return;
  if (segment.sequence > expected_) return send_ack();  // Something got lost before it.
  const std::string_view news =
      std::string_view{segment.bytes}.substr(static_cast<std::size_t>(expected_ - segment.sequence));
  if (!takes_bytes()) return;
  if (state_ != TcpState::established && read_shut) {
    // Nobody will ever read it, and nobody sends any more.
    detail_tcp::refuse(net_, segment);
    return fail(ECONNRESET);
  }
  const std::size_t n = std::min<std::size_t>(news.size(), static_cast<std::size_t>(advertised_ - expected_));
  release_edge(*this);
  received_.push(news.substr(0, n));
  expected_ += n;
  send_ack();
  if (n > 0) tell_of_bytes();
}

inline void TcpEndpoint::take_fin() {
  release_edge(*this);
  ++expected_;
  read_shut = true;
  is_done = true;
  if (state_ == TcpState::established) {
    state_ = TcpState::close_wait;
    delayed_ack_.start();
  } else if (state_ == TcpState::fin_wait_1) {
    state_ = TcpState::closing;
    send_ack();
  } else {
    send_ack();
    enter_time_wait();
  }
  wake_all();
}

// What is left of the connection is another object: the socket, if it is open still, has nothing to do with it.
inline void TcpEndpoint::enter_time_wait() {
  try {
    const auto rest = std::make_shared<TcpEndpoint>(net_, options);
    rest->local = local;
    rest->remote = remote;
    rest->share_as(*this);
    rest->state_ = TcpState::time_wait;
    rest->is_orphan_ = true;
    rest->expected_ = rest->read_at_ = rest->advertised_ = expected_;
    rest->sent_ = rest->acknowledged_ = rest->data_begin_ = sent_;
    // It takes its place at the port and among the connections: neither takes memory.
    const std::shared_ptr<TcpEndpoint> keep = shared_from_this();
    net_.tcp_ports.join(*rest);
    net_.connections.find({local, remote})->second = rest;
    finish();
    rest->await_end();
  } catch (const std::bad_alloc&) {
    finish();  // As Linux does when it has too many of them.
  }
}

// Whatever comes makes it stay as long again. All is answered but what says just that it has heard of the last of this
// end: else two such would never stop.
inline void TcpEndpoint::arrive_late(const TcpSegment& segment) {
  await_end();
  if (segment.sequence != expected_ || segment.end() != expected_) send_ack();
}

// -- what the socket makes of it

inline std::size_t TcpEndpoint::readable() const {
  if (urgent_ == Urgent::none || options.inline_urgent) return received_.size();
  return std::min(received_.size(), static_cast<std::size_t>(urgent_at_ - read_at_));
}

inline bool TcpEndpoint::has_enough() const {
  // The urgent byte is none that a read would find.
  const bool skips = is_at_mark() && !options.inline_urgent;
  return has_come(options.receive_least + (skips ? 1 : 0));
}

inline bool TcpEndpoint::has_come(std::size_t n) const {
  const bool is_full = !received_.empty() && advertised_ <= expected_;
  return received_.size() >= n || is_full;
}

inline void TcpEndpoint::tell_of_bytes() {
  if (has_come(options.receive_least) || is_done) wake(data_key);
}

inline char TcpEndpoint::take_urgent(bool peek) {
  if (!peek) urgent_ = Urgent::taken;
  return urgent_byte_;
}

inline bool TcpEndpoint::receive(UserOutput& to, bool discard, std::uint64_t* peek_at) {
  const bool peek = peek_at != nullptr;
  std::uint64_t at = peek ? *peek_at : read_at_;
  const auto pass = [&](std::size_t n) {
    at += n;
    if (peek) return;
    received_.pop(n);
    read_at_ += n;
  };
  const auto forget_mark = [&] {
    if (read_at_ > urgent_at_) urgent_ = Urgent::none;
  };
  bool is_good = true;
  for (;;) {
    const bool at_mark = is_mark(at);
    if (at_mark && to.moved() > 0) break;
    std::size_t n = std::min(static_cast<std::size_t>(read_at_ + received_.size() - at), to.left());
    if (n == 0) break;
    if (at < urgent_at_) n = static_cast<std::size_t>(std::min<std::uint64_t>(n, urgent_at_ - at));
    if (at_mark && !options.inline_urgent) {
      // The urgent byte is passed over, and counts as one of those that were asked for. It is forgotten when a byte
      // behind it was moved, or there is none.
      pass(1);
      --n;
    }
    UserOutput after = to;
    const std::size_t put = discard ? after.skip(n) : after.put(received_.view().data() + (at - read_at_), n);
    is_good = put == n;
    if (!is_good) break;
    to = after;
    pass(n);
    forget_mark();
  }
  if (peek) {
    *peek_at = at;
  } else {
    tell_window();
  }
  return is_good;
}

inline void TcpEndpoint::tell_window() {
  const auto known = static_cast<std::size_t>(advertised_ - expected_);
  const std::size_t now = window();
  if (takes_bytes() && now != 0 && now >= 2 * known) send_ack();
}

}  // namespace rouse::inline v0::kernel
