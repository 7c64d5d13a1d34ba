// InetWakeRows: how often each row of the edge-triggered wake table was met for TCP and UDP sockets.
#pragma once

#include "counters.hpp"
#include "wake_table.hpp"

namespace differential {

// clang-format off
enum class TcpRow {
  send, send_readable, send_urgent, read_part, read_all, peek, own_send, own_eagain, peer_reads,
  peer_shuts_rd, peer_shuts_wr, peer_shuts_rdwr, own_shutdown, own_shutdown_refused, peer_closes, peer_resets,
  send_after_close, epipe, so_error, low_water,
  connected, refused, new_connection, second_connection, accept, listener_shut,
  count
};
inline constexpr std::array<const char*, Counters<TcpRow>::size> tcp_row_names = {
  "peer sends n>0: IN,PRI,RDNORM,RDBAND",
  "peer sends n>0 when already readable: IN,PRI,RDNORM,RDBAND",
  "peer sends an urgent byte: IN,PRI,RDNORM,RDBAND",
  "reads part: -",
  "reads all: -",
  "peeks: -",
  "sends: -",
  "gets EAGAIN: -",
  "peer reads: -",
  "shutdown by peer, RD: -",
  "shutdown by peer, WR: any",
  "shutdown by peer, RDWR: any",
  "shutdown by itself: any",
  "shutdown by itself, ENOTCONN: any",
  "peer closed: any",
  "peer closed, unread data was dropped or linger 0: any",
  "send to closed peer, which resets: any",
  "send, EPIPE: -",
  "SO_ERROR fetch: -",
  "SO_RCVLOWAT set, enough is there: IN,PRI,RDNORM,RDBAND",
  "connect succeeds: any",
  "connect is refused: any",
  "listener: a connection waits: IN,PRI,RDNORM,RDBAND",
  "listener: a second connection waits: IN,PRI,RDNORM,RDBAND",
  "listener: accept: -",
  "listener, shutdown: any",
};

enum class UdpRow {
  send, send_readable, send_0, dropped, read_whole, read_short, peek, own_send, failed_send,
  own_shutdown, own_shutdown_refused, peer_closes, refused, so_error, connects, sndbuf,
  count
};
inline constexpr std::array<const char*, Counters<UdpRow>::size> udp_row_names = {
  "somebody sends n>0: IN,PRI,RDNORM,RDBAND",
  "somebody sends n>0 when already readable: IN,PRI,RDNORM,RDBAND",
  "somebody sends an empty datagram: IN,PRI,RDNORM,RDBAND",
  "somebody sends, and there is no room: -",
  "reads a datagram: -",
  "reads a part of a datagram: -",
  "peeks: -",
  "sends: OUT,WRNORM,WRBAND",
  "a send fails before there is a message: -",
  "shutdown by itself: any",
  "shutdown by itself, ENOTCONN: any",
  "peer closed: -",
  "sends to where nobody is: OUT,WRNORM,WRBAND,ERR",
  "SO_ERROR fetch: -",
  "connects: -",
  "SO_SNDBUF set: OUT,WRNORM,WRBAND",
};
// clang-format on

class InetWakeRows : private WakeTable {
 public:
  /// What has to be known before the call.
  void before(kernel::Kernel& kernel, const std::vector<OpenFd>& fds, const Step& step) {
    what_ = What::other;
    crowded_.clear();
    receivers_.clear();
    if (step.is_look()) return;
    const Signature& signature = all_signatures()[step.call];
    call_ = signature.call;
    if (signature.params.empty() || signature.params[0].kind != Kind::fd) return;
    kernel::File* const file = kernel.file(int_of(step, 0));
    if (inet_cast(file) == nullptr) return;
    own_ = see(file);
    is_last_ = std::count_if(fds.begin(), fds.end(), [&](const OpenFd& open) { return open.file == file; }) == 1;
    if (const auto* const tcp = kernel::file_cast<kernel::TcpSocketFile>(file)) {
      what_ = What::tcp;
      own_.amount = tcp->endpoint().unread();
      is_listening_ = tcp->listens();
      is_cut_ = own_.amount > 0 || (tcp->linger().l_onoff != 0 && tcp->linger().l_linger == 0);
      peer_ = see(find_peer(fds, *tcp));
      if (call_ == Call::connect) find_crowded(fds, crowded_);
    } else {
      what_ = What::udp;
      const auto& udp = static_cast<const kernel::UdpSocketFile&>(*file);
      own_.amount = udp.queued();
      own_.first = udp.first_size();
      for (const OpenFd& open : fds) {
        const bool is_receiver = kernel::file_cast<kernel::UdpSocketFile>(open.file) != nullptr && open.file != file;
        if (is_receiver) receivers_.push_back(see(open.file));
      }
    }
  }

  /// `result` is what the call returned: the value, or the errno negated.
  void after(const Step& step, std::int64_t result, const WakeProbes& probes) {
    probes_ = &probes;
    if (what_ == What::tcp) tcp(step, result);
    if (what_ == What::udp) udp(step, result);
  }

  int print(std::uint64_t least) const {
    return tcp_.print("The wake table: TCP sockets", tcp_row_names, least) +
           udp_.print("The wake table: UDP sockets", udp_row_names, least);
  }

 private:
  enum class What { other, tcp, udp };

  [[nodiscard]] bool sends() const {
    return call_ == Call::write || call_ == Call::writev || call_ == Call::sendto || call_ == Call::sendmsg;
  }
  [[nodiscard]] bool reads() const {
    return call_ == Call::read || call_ == Call::readv || call_ == Call::recvfrom || call_ == Call::recvmsg;
  }
  [[nodiscard]] std::int64_t flags(const Step& step) const {
    if (call_ == Call::sendto || call_ == Call::recvfrom) return step.args[2];
    return call_ == Call::sendmsg || call_ == Call::recvmsg ? step.args[1] : 0;
  }

  static kernel::File* find_peer(const std::vector<OpenFd>& fds, const kernel::TcpSocketFile& socket) {
    for (const OpenFd& open : fds) {
      const auto* const other = kernel::file_cast<kernel::TcpSocketFile>(open.file);
      if (other == nullptr || other == &socket || other->endpoint().state() == kernel::TcpState::closed) continue;
      const kernel::TcpEndpoint& end = other->endpoint();
      if (end.remote == socket.endpoint().local && end.local == socket.endpoint().remote) return open.file;
    }
    return nullptr;
  }

  void tcp(const Step& step, std::int64_t result) {
    const bool is_mine = !is_listening_;
    if (sends() && result > 0 && woken(peer_, data_key)) {
      tcp_.met(peer_.bits.has(EventFlags::in) ? TcpRow::send_readable : TcpRow::send);
      tcp_.met_if((flags(step) & MSG_OOB) != 0, TcpRow::send_urgent);
    }
    if (sends() && result > 0) {
      tcp_.met_if(silent(own_), TcpRow::own_send);
      tcp_.met_if(woken(own_, kernel::any_key), TcpRow::send_after_close);
    }
    if (sends() && result == -EAGAIN) tcp_.met_if(silent(own_), TcpRow::own_eagain);
    if (sends() && result == -EPIPE) tcp_.met_if(silent(own_), TcpRow::epipe);
    if (reads() && result > 0 && (flags(step) & MSG_OOB) == 0) {
      const bool peeks = (flags(step) & MSG_PEEK) != 0;
      const bool is_all = static_cast<std::size_t>(result) == own_.amount;
      tcp_.met_if(silent(own_), peeks ? TcpRow::peek : is_all ? TcpRow::read_all : TcpRow::read_part);
      tcp_.met_if(silent(peer_), TcpRow::peer_reads);
    }
    if (call_ == Call::shutdown && is_mine) {
      if (result == 0) tcp_.met_if(woken(own_, kernel::any_key), TcpRow::own_shutdown);
      if (result == -ENOTCONN) tcp_.met_if(woken(own_, kernel::any_key), TcpRow::own_shutdown_refused);
      if (result == 0 && step.args[1] == SHUT_RD) tcp_.met_if(silent(peer_), TcpRow::peer_shuts_rd);
      if (result == 0 && step.args[1] == SHUT_WR) {
        tcp_.met_if(woken(peer_, kernel::any_key), TcpRow::peer_shuts_wr);
      }
      if (result == 0 && step.args[1] == SHUT_RDWR) {
        tcp_.met_if(woken(peer_, kernel::any_key), TcpRow::peer_shuts_rdwr);
      }
    }
    if (call_ == Call::shutdown && is_listening_ && result == 0) {
      tcp_.met_if(woken(own_, kernel::any_key), TcpRow::listener_shut);
    }
    if (call_ == Call::close && is_last_ && woken(peer_, kernel::any_key)) {
      tcp_.met(is_cut_ ? TcpRow::peer_resets : TcpRow::peer_closes);
    }
    if (call_ == Call::getsockopt && result == 0 && step.args[1] == SOL_SOCKET && step.args[2] == SO_ERROR) {
      tcp_.met_if(silent(own_), TcpRow::so_error);
    }
    if (call_ == Call::setsockopt && result == 0 && step.args[1] == SOL_SOCKET && step.args[2] == SO_RCVLOWAT) {
      tcp_.met_if(woken(own_, data_key), TcpRow::low_water);
    }
    if (call_ == Call::accept4 && result >= 0) tcp_.met_if(silent(own_), TcpRow::accept);
    if (call_ == Call::connect) connected(result);
  }

  void connected(std::int64_t result) {
    // The listener is whoever was told of it.
    bool is_made = false;
    for (const WakeProbes::Wake& wake : probes_->wakes()) {
      if (wake.key != data_key) continue;
      is_made = true;
      const bool was_crowded = std::find(crowded_.begin(), crowded_.end(), wake.file) != crowded_.end();
      tcp_.met(was_crowded ? TcpRow::second_connection : TcpRow::new_connection);
    }
    const bool is_told = woken(own_, kernel::any_key);
    tcp_.met_if(is_told && is_made, TcpRow::connected);
    tcp_.met_if(is_told && !is_made && (result == -EINPROGRESS || result == -ECONNREFUSED), TcpRow::refused);
  }

  void udp(const Step& step, std::int64_t result) {
    if (sends()) sent(result);
    if (reads() && result >= 0 && own_.amount > 0) {
      const bool peeks = (flags(step) & MSG_PEEK) != 0;
      const bool is_short = static_cast<std::size_t>(result) < own_.first;
      udp_.met_if(silent(own_), peeks ? UdpRow::peek : is_short ? UdpRow::read_short : UdpRow::read_whole);
    }
    if (call_ == Call::shutdown && woken(own_, kernel::any_key)) {
      udp_.met(result == 0 ? UdpRow::own_shutdown : UdpRow::own_shutdown_refused);
    }
    if (call_ == Call::connect && result == 0) udp_.met_if(silent(own_), UdpRow::connects);
    if (call_ == Call::close && is_last_ && result == 0) {
      for (const Seen& other : receivers_) udp_.met_if(silent(other), UdpRow::peer_closes);
    }
    if (call_ == Call::getsockopt && result == 0 && step.args[1] == SOL_SOCKET && step.args[2] == SO_ERROR) {
      udp_.met_if(silent(own_), UdpRow::so_error);
    }
    if (call_ == Call::setsockopt && result == 0 && step.args[1] == SOL_SOCKET && step.args[2] == SO_SNDBUF) {
      udp_.met_if(woken(own_, room_key), UdpRow::sndbuf);
    }
  }

  void sent(std::int64_t result) {
    if (result < 0) {
      udp_.met_if(silent(own_), UdpRow::failed_send);
      return;
    }
    udp_.met_if(woken(own_, room_key), UdpRow::own_send);
    udp_.met_if(woken(own_, room_key | EventFlags::err), UdpRow::refused);
    bool is_taken = false;
    for (const Seen& receiver : receivers_) {
      const bool is_told = probes_->key_of(receiver.id) == data_key;
      is_taken = is_taken || is_told;
      if (!is_told || !receiver.is_watched) continue;
      if (result == 0) {
        udp_.met(UdpRow::send_0);
      } else {
        udp_.met(receiver.bits.has(EventFlags::in) ? UdpRow::send_readable : UdpRow::send);
      }
    }
    // Neither taken nor refused.
    if (is_taken || probes_->key_of(own_.id) != room_key) return;
    for (const Seen& receiver : receivers_)
      udp_.met_if(receiver.bits.has(EventFlags::in) && silent(receiver), UdpRow::dropped);
  }

  Counters<TcpRow> tcp_;
  Counters<UdpRow> udp_;

  What what_ = What::other;
  bool is_listening_ = false;
  bool is_cut_ = false;                 // To close it is to reset the connection.
  std::vector<std::uint64_t> crowded_;  // Listeners at which a connection waits.
  std::vector<Seen> receivers_;         // The other UDP sockets.
};

}  // namespace differential
