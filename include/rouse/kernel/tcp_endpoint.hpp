// TcpEndpoint: one end of a TCP connection: its state, what it has sent and not heard back about, what it has received
// and nobody has read. A socket has one; it lives on for a while when the socket is closed, and before it is accepted.
//
// Modelled: opening and closing in all their orders, resets, the window, urgent data, sending again what got lost, the
// time after. Left out: congestion control, Nagle's rule and the like, which only change when packets go: what may be
// sent is sent at once, and acknowledged at once, but for the peer's end.
#pragma once

#include "byte_queue.hpp"
#include "inet_options.hpp"
#include "observer.hpp"
#include "tcp_segment.hpp"
#include "wait_queue.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <utility>

namespace rouse::inline v0::kernel {

enum class TcpState {
  closed,
  listening,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};

[[nodiscard]] constexpr const char* name_of(TcpState state) {
  constexpr const char* names[] = {"closed",      "listening",  "connecting", "syn received",
                                   "established", "fin wait 1", "fin wait 2", "close wait",
                                   "closing",     "last ack",   "time wait"};
  return names[static_cast<std::size_t>(state)];
}

/// The urgent byte of what was received.
enum class Urgent {
  none,
  announced,  ///< It is still to come.
  here,       ///< Not read yet.
  taken,      ///< Read by itself: what is left is its place in the stream.
};

class TcpEndpoint final : public SyncPoint,
                          public PortUser,
                          private Timer,
                          public std::enable_shared_from_this<TcpEndpoint> {
 public:
  TcpEndpoint(NetNamespace& net, const InetOptions& with)
      : Timer(net.network().timers()), options(with), net_(net), delayed_ack_(*this) {}

  // -- what the socket does

  /// Whoever waits for the socket, is told in this queue; null once it is closed, and before it is accepted.
  void set_queue(WaitQueue* queue) { queue_ = queue; }
  /// Precondition: at a port.
  void listen(std::size_t backlog) {
    state_ = TcpState::listening;
    listens = true;
    backlog_ = backlog;
  }
  /// The next connection that was made. Precondition: one is pending.
  std::shared_ptr<TcpEndpoint> accept() {
    std::shared_ptr<TcpEndpoint> next = std::move(pending_.front());
    pending_.pop_front();
    return next;
  }
  /// Sends a SYN to `remote`, or has it sent again later only. Precondition: closed, at a port, and no other connection
  /// has these ends.
  void connect(bool sends_now) {
    net_.connections.insert_or_assign(NetNamespace::Ends{local, remote}, shared_from_this());
    state_ = TcpState::syn_sent;
    send_syn(sends_now);
  }
  /// Queues bytes for sending, as many as there is room for, and sends what may go. False at a bad address.
  bool send(UserInput& from, bool urgent_last);
  /// Moves bytes out of what was received, up to the urgent one. False at a bad address. With `peek_at` they stay: it
  /// is the sequence number to go on from, and moves along.
  bool receive(UserOutput& to, bool discard, std::uint64_t* peek_at);
  /// While there is to be more soon, what fills no segment waits for it: MSG_MORE. Not for longer than 200 ms.
  void set_more(bool more) { more_ = more || options.cork; }
  /// What waits for more, goes now.
  void push() {
    more_ = false;
    send_queued();
  }
  /// SIOCOUTQ and SIOCOUTQNSD: the end counts as one. When the connection is over, they stay.
  [[nodiscard]] std::size_t in_flight() const { return is_connecting() ? 0 : send_end() - acknowledged_; }
  [[nodiscard]] std::size_t unsent() const { return send_end() - sent_; }
  /// They count on from where the socket's last connection ended. Linux leaves a gap, with the peer's window in it.
  void count_on_from(const TcpEndpoint& last) {
    constexpr std::uint64_t gap = 2;
    acknowledged_ = last.acknowledged_;
    sent_ = last.sent_;
    data_begin_ = last.send_end() + gap;
  }
  /// No more will be sent.
  void shut_write();
  /// The socket goes. What is queued is still sent, unless there is something that nobody has read.
  void close();
  /// As disconnect: all is over at once, with a reset if the peer knows of us.
  void abort();
  /// Waiters are told: of what `key` says, one by one, or all of everything.
  void wake(EventFlags key) {
    if (queue_ != nullptr) queue_->wake(key);
  }
  void wake_all() {
    if (queue_ != nullptr) queue_->wake_all();
  }

  // -- what it says

  [[nodiscard]] TcpState state() const { return state_; }
  [[nodiscard]] bool is_connecting() const { return state_ == TcpState::syn_sent || state_ == TcpState::syn_received; }
  [[nodiscard]] NetNamespace& net() const { return net_; }
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  /// Bytes that a read finds, without those behind an urgent one.
  [[nodiscard]] std::size_t readable() const;
  /// Where in the stream the next read begins.
  [[nodiscard]] std::uint64_t read_at() const { return read_at_; }
  /// Where the next segment begins.
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  /// Bytes that nobody has read.
  [[nodiscard]] std::size_t unread() const { return received_.size(); }
  [[nodiscard]] bool has_unread() const { return !received_.empty(); }
  [[nodiscard]] bool is_mark(std::uint64_t at) const { return urgent_ != Urgent::none && urgent_at_ == at; }
  [[nodiscard]] bool is_at_mark() const { return is_mark(read_at_); }
  [[nodiscard]] Urgent urgent() const { return urgent_; }
  /// Precondition: it is here. With `peek` it stays so.
  char take_urgent(bool peek);
  /// True if enough has come for poll to say so.
  [[nodiscard]] bool has_enough() const;
  /// Wakes those who wait for bytes, if there are enough.
  void tell_of_bytes();
  [[nodiscard]] bool is_writable() const {
    // What is free is at least half of what is used.
    return unacknowledged_.size() * 3 <= static_cast<std::size_t>(options.send_buffer) * 2;
  }
  [[nodiscard]] std::size_t room() const {
    const std::size_t used = unacknowledged_.size();
    return static_cast<std::size_t>(options.send_buffer) -
           std::min(used, static_cast<std::size_t>(options.send_buffer));
  }
  /// Bytes that the peer has not said it has.
  [[nodiscard]] std::size_t unacknowledged() const { return unacknowledged_.size(); }
  [[nodiscard]] int take_error() { return std::exchange(error, 0); }
  /// What check_invariants asks: the numbers of what was sent and received fit together. Precondition: a connection.
  [[nodiscard]] bool is_consistent() const {
    const std::uint64_t end = is_done ? 1 : 0;
    const std::uint64_t received_end = read_at_ + received_.size() + end;
    const std::pair<std::uint64_t, std::uint64_t> in_order[] = {
        {data_begin_, sent_},      {acknowledged_, sent_},    {sent_, send_end()},
        {received_end, expected_}, {expected_, received_end}, {expected_, advertised_ + end}};
    return std::all_of(std::begin(in_order), std::end(in_order),
                       [](const auto& pair) { return pair.first <= pair.second; });
  }
  /// Whoever asked for room and found none, is told when there is.
  void note_wants_room() { wants_room_ = true; }
  void look_for_room() {
    if (wants_room_) tell_of_room();
  }
  /// If there is some.
  void tell_of_room();
  /// The link to the peer is cut, or mended.
  void note_partition() { arm(); }
  /// A reset came, or the connection was cut.
  void fail(int with);

  IpEndpoint remote;
  InetOptions options;
  bool read_shut = false;
  bool write_shut = false;
  bool is_done = false;  // SOCK_DONE: there was an end, so a read says 0 rather than "not connected".
  int error = 0;         // Pending, for the next call that asks.

  // -- for segments
  void arrive(const TcpSegment& segment);

 private:
  /// What the timer is for.
  enum class Awaits { nothing, acknowledgement, more, window, keepalive_answer, end };

  static constexpr int syn_linear_retries = 4;           // net.ipv4.tcp_syn_linear_timeouts.
  static constexpr Time longest_wait = 120'000'000'000;  // TCP_RTO_MAX.

  /// What a segment has of its own.
  struct Part {
    std::uint64_t sequence;
    bool syn = false;
    bool fin = false;
    bool reset = false;
    std::string_view bytes = {};
  };

  /// Acknowledges the peer's end, if nothing goes that does so on its way.
  class DelayedAck final : public Timer {
   public:
    explicit DelayedAck(TcpEndpoint& owner) : Timer(owner.net_.network().timers()), owner_(owner) {}
    void start() {
      constexpr Time longest = 40'000'000;  // TCP_DELACK_MIN.
      timers().schedule(*this, time_after(timers().now(), longest));
    }
    void stop() { timers().cancel(*this); }

   private:
    void on_due(Time) override {
      const std::shared_ptr<TcpEndpoint> keep = owner_.shared_from_this();
      owner_.send_ack();
      owner_.net_.network().settle();
    }
    TcpEndpoint& owner_;
  };

  // In tcp_output.hpp.
  inline void on_due(Time now) override;
  void arm();
  void disarm();
  void retry(Time now);
  void await_end();
  [[nodiscard]] Time next_try() const;
  [[nodiscard]] Time user_limit() const;
  [[nodiscard]] bool has_tried_enough(Time now) const;
  void transmit(const Part& part) noexcept;
  void send_syn(bool sends_now = true);
  void send_ack() { transmit({.sequence = sent_}); }
  void send_queued();
  void finish();
  void tune();
  [[nodiscard]] NetNamespace* target() const;
  [[nodiscard]] bool is_partitioned() const;
  [[nodiscard]] std::size_t segment_max() const;
  [[nodiscard]] std::size_t receive_max() const;
  [[nodiscard]] std::size_t window() const;
  void open_window_to(std::size_t n);

  // In tcp_input.hpp.
  void accept_syn(const TcpSegment& segment);
  void arrive_connecting(const TcpSegment& segment);
  void arrive_late(const TcpSegment& segment);
  bool take_ack(const TcpSegment& segment);
  void take_urgent_mark(const TcpSegment& segment);
  void take_urgent_byte(const TcpSegment& segment);
  void take_bytes(const TcpSegment& segment);
  void take_fin();
  void establish();
  void all_was_acknowledged();
  void enter_time_wait();
  [[nodiscard]] bool has_come(std::size_t n) const;
  /// Says so if there is much more room than the peer knows of.
  void tell_window();

  [[nodiscard]] bool has_peer() const { return state_ >= TcpState::syn_received && state_ != TcpState::time_wait; }
  /// The peer has not ended yet.
  [[nodiscard]] bool takes_bytes() const {
    return state_ == TcpState::established || state_ == TcpState::fin_wait_1 || state_ == TcpState::fin_wait_2;
  }
  [[nodiscard]] std::uint64_t data_end() const { return data_begin_ + unacknowledged_.size(); }
  /// Beyond the FIN, if there is to be one.
  [[nodiscard]] std::uint64_t send_end() const { return data_end() + (fin_queued_ ? 1u : 0u); }

  NetNamespace& net_;
  WaitQueue* queue_ = nullptr;
  TcpState state_ = TcpState::closed;

  // Sending. unacknowledged_ are the bytes from data_begin_ on; the first `sent_` sequence numbers have gone.
  ByteQueue unacknowledged_;
  std::uint64_t data_begin_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t window_end_ = 0;
  std::uint64_t urgent_end_ = 0;
  bool fin_queued_ = false;
  bool wants_room_ = false;
  bool more_ = false;
  bool has_heard_ = false;  // Something has come since it is connected.
  Awaits awaits_ = Awaits::nothing;
  int retries_ = 0;
  Time waits_since_ = 0;
  Time heard_at_ = 0;       // When the last segment came.
  bool is_orphan_ = false;  // Its socket is closed.

  DelayedAck delayed_ack_;

  // Receiving. received_ are the bytes from read_at_ on, expected_ is the next one to come.
  ByteQueue received_;
  std::uint64_t read_at_ = 0;
  std::uint64_t expected_ = 0;
  std::uint64_t advertised_ = 0;  // The end of the window that the peer knows of.
  Urgent urgent_ = Urgent::none;
  std::uint64_t urgent_at_ = 0;
  char urgent_byte_ = '\0';

  // Listening.
  std::size_t backlog_ = 0;
  std::deque<std::shared_ptr<TcpEndpoint>> pending_;
  std::weak_ptr<TcpEndpoint> listener_;  // Whose queue it is to join, or is in.
};

namespace detail_tcp {

/// Calls `visit` for each end of the connections between two namespaces, whatever becomes of them meanwhile; twice if
/// both are one.
template <class Visit>
void for_each_between(NetNamespace& a, NetNamespace& b, Visit visit) {
  std::vector<std::shared_ptr<TcpEndpoint>> all;
  for (const NetNamespace* const net : {&a, &b}) {
    const NetNamespace* const other = net == &a ? &b : &a;
    for (const auto& [ends, endpoint] : net->connections) {
      if (net->find(ends.remote.address) == other) all.push_back(endpoint);
    }
  }
  for (const auto& endpoint : all) visit(*endpoint);
}

}  // namespace detail_tcp

inline void Network::set_partitioned(NetNamespace& a, NetNamespace& b, bool partitioned) {
  const FromOutside lock{host_};
  link(a, b).partitioned_ = partitioned;
  detail_tcp::for_each_between(a, b, [](TcpEndpoint& endpoint) { endpoint.note_partition(); });
}

inline void Network::reset_connections(NetNamespace& a, NetNamespace& b) {
  const FromOutside lock{host_};
  detail_tcp::for_each_between(a, b, [](TcpEndpoint& endpoint) { endpoint.fail(ECONNRESET); });
}

}  // namespace rouse::inline v0::kernel

#include "tcp_input.hpp"
#include "tcp_output.hpp"
