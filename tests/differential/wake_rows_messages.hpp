// MessageWakeRows: how often each row of the edge-triggered wake table was met for unix sockets that keep messages
// apart: seqpacket (Q) and datagram (D).
#pragma once

#include "counters.hpp"
#include "wake_table.hpp"

namespace differential {

// clang-format off
/// What holds for both.
enum class MessageRow {
  send, send_readable, send_0, read_whole, read_short, peek, own_send, own_eagain,
  peer_reads, peer_reads_short, peer_reads_none, peer_peeks, peer_reads_not_writable,
  own_shutdown, so_error, read_after_close, sndbuf_enlarged,
  count
};
inline constexpr std::array<const char*, Counters<MessageRow>::size> message_row_names = {
  "peer sends n>0: IN,PRI,RDNORM,RDBAND",
  "peer sends n>0 when already readable: IN,PRI,RDNORM,RDBAND",
  "peer sends an empty message: IN,PRI,RDNORM,RDBAND",
  "reads a message: -",
  "reads a part of a message: -",
  "peeks: -",
  "sends: -",
  "gets EAGAIN: -",
  "peer reads a message, then writable: OUT,WRNORM,WRBAND",
  "peer reads a part of a message, which discards it: OUT,WRNORM,WRBAND",
  "peer reads no byte of a message, which discards it: OUT,WRNORM,WRBAND",
  "peer peeks: -",
  "peer reads a message, still not writable: -",
  "shutdown by itself: any",
  "SO_ERROR fetch: -",
  "reading what a closed peer left: -",
  "SO_SNDBUF enlarged: OUT,WRNORM,WRBAND",
};

enum class PacketRow {
  peer_shuts_rd, peer_shuts_wr, peer_shuts_rdwr, peer_shuts_again, peer_closes, peer_closes_unread,
  epipe, send_reset, read_reset, new_connection, second_connection, accept,
  count
};
inline constexpr std::array<const char*, Counters<PacketRow>::size> packet_row_names = {
  "shutdown by peer, RD: any",
  "shutdown by peer, WR: any",
  "shutdown by peer, RDWR: any",
  "shutdown by peer, repeated: any",
  "peer closed: any",
  "peer closed, unread data was dropped: any",
  "send to closed peer, EPIPE: -",
  "send to closed peer, ECONNRESET: -",
  "read after a closed peer, ECONNRESET: -",
  "listener: a connection waits: IN,PRI,RDNORM,RDBAND",
  "listener: a second connection waits: IN,PRI,RDNORM,RDBAND",
  "listener: accept: -",
};

enum class DatagramRow {
  peer_shuts_rd, peer_shuts_wr, peer_shuts_rdwr, peer_closes, peer_closes_unread,
  refused, unconnected, connects_elsewhere, peer_connects_elsewhere, full_peer_reads,
  count
};
inline constexpr std::array<const char*, Counters<DatagramRow>::size> datagram_row_names = {
  "shutdown by peer, RD: -",
  "shutdown by peer, WR: -",
  "shutdown by peer, RDWR: -",
  "peer closed: -",
  "peer closed, unread messages were freed: OUT,WRNORM,WRBAND",
  "first send to closed peer, ECONNREFUSED: OUT,WRNORM,WRBAND",
  "send with no peer, ENOTCONN, as the message is freed: OUT,WRNORM,WRBAND",
  "connects to another peer: OUT,WRNORM,WRBAND",
  "peer connects to another, unread messages were freed: ERR",
  "a peer with a full queue reads: OUT,WRNORM,WRBAND",
};
// clang-format on

class MessageWakeRows : private WakeTable {
 public:
  /// What has to be known before the call.
  void before(kernel::Kernel& kernel, const std::vector<OpenFd>& fds, const Step& step) {
    is_one_ = false;
    crowded_.clear();
    if (step.is_look()) return;
    const Signature& signature = all_signatures()[step.call];
    call_ = signature.call;
    if (signature.params.empty() || signature.params[0].kind != Kind::fd) return;
    kernel::File* const file = kernel.file(int_of(step, 0));
    auto* const datagram = kernel::file_cast<kernel::UnixDatagramFile>(file);
    auto* const seqpacket = kernel::file_cast<kernel::UnixSeqpacketFile>(file);
    if (datagram == nullptr && seqpacket == nullptr) return;
    is_one_ = true;
    is_datagram_ = datagram != nullptr;
    kernel::UnixPacketFile& socket = datagram != nullptr ? static_cast<kernel::UnixPacketFile&>(*datagram) : *seqpacket;
    own_ = see(file);
    is_last_ = std::count_if(fds.begin(), fds.end(), [&](const OpenFd& open) { return open.file == file; }) == 1;
    had_peer_ = !socket.peer_address().empty();
    peer_is_gone_ = had_peer_ && socket.peer() == nullptr;
    // To read a message, or to throw all away, is felt by the one that sent it.
    const bool is_about_messages = reads() || (is_datagram_ && (call_ == Call::close || call_ == Call::connect));
    queued_ = socket.packets().size();
    kernel::UnixSocketFile* const other =
        is_about_messages && queued_ != 0 ? socket.packets().front()->sender->file : socket.peer();
    peer_ = see(other);
    peer_.amount = other != nullptr ? other->used() : 0;
    own_.first = queued_ != 0 ? socket.packets().front()->bytes.size() : 0;
    was_full_ = is_datagram_ && queued_ > kernel.limits.max_dgram_qlen;
    if (call_ == Call::connect && !is_datagram_) find_crowded(fds, crowded_);
  }

  /// `result` is what the call returned: the value, or the errno negated.
  void after(const Step& step, std::int64_t result, const WakeProbes& probes) {
    if (!is_one_) return;
    probes_ = &probes;
    if (sends()) sent(step, result);
    if (reads() && result >= 0 && queued_ != 0) received(step);
    if (call_ == Call::shutdown && result == 0) rows().met_if(woken(own_, kernel::any_key), MessageRow::own_shutdown);
    if (call_ == Call::getsockopt && result == 0 && step.args[2] == SO_ERROR) {
      rows().met_if(silent(own_), MessageRow::so_error);
    }
    if (call_ == Call::setsockopt && result == 0 && step.args[2] == SO_SNDBUF) {
      rows().met_if(woken(own_, room_key), MessageRow::sndbuf_enlarged);
    }
    is_datagram_ ? datagram(step, result) : seqpacket(step, result);
  }

  int print(std::uint64_t least) const {
    return seqpacket_common_.print("The wake table: seqpacket sockets", message_row_names, least) +
           seqpacket_.print("The wake table: seqpacket sockets, as streams", packet_row_names, least) +
           datagram_common_.print("The wake table: datagram sockets", message_row_names, least) +
           datagram_.print("The wake table: datagram sockets alone", datagram_row_names, least);
  }

 private:
  [[nodiscard]] bool sends() const {
    return call_ == Call::write || call_ == Call::writev || call_ == Call::sendto || call_ == Call::sendmsg;
  }
  [[nodiscard]] bool reads() const {
    return call_ == Call::read || call_ == Call::readv || call_ == Call::recvfrom || call_ == Call::recvmsg;
  }
  [[nodiscard]] Counters<MessageRow>& rows() { return is_datagram_ ? datagram_common_ : seqpacket_common_; }

  void sent(const Step& step, std::int64_t result) {
    // With an address, it is not about the peer.
    const bool by_name = (call_ == Call::sendto && step.args[3] != 0) || (call_ == Call::sendmsg && step.args[2] != 0);
    if (result >= 0) rows().met_if(silent(own_), MessageRow::own_send);
    if (result == -EAGAIN) rows().met_if(silent(own_), MessageRow::own_eagain);
    if (result < 0 || by_name || !woken(peer_, data_key)) return;
    if (result == 0) return rows().met(MessageRow::send_0);
    rows().met(peer_.bits.has(EventFlags::in) ? MessageRow::send_readable : MessageRow::send);
  }

  void received(const Step& step) {
    const bool has_flags = call_ == Call::recvfrom || call_ == Call::recvmsg;
    const std::int64_t flags = has_flags ? step.args[call_ == Call::recvfrom ? 2 : 1] : 0;
    if ((flags & MSG_PEEK) != 0) {
      rows().met_if(silent(own_), MessageRow::peek);
      rows().met_if(silent(peer_), MessageRow::peer_peeks);
      return;
    }
    std::size_t room = 0;
    if (call_ == Call::read || call_ == Call::recvfrom) room = static_cast<std::size_t>(step.args[1]);
    for (const Item& item : step.items) room += static_cast<std::size_t>(item.second);
    const bool is_short = room < own_.first;
    rows().met_if(silent(own_), is_short ? MessageRow::read_short : MessageRow::read_whole);
    rows().met_if(peer_is_gone_ && silent(own_), MessageRow::read_after_close);
    rows().met_if(silent(peer_), MessageRow::peer_reads_not_writable);
    if (!woken(peer_, room_key)) return;
    if (!is_short) return rows().met(MessageRow::peer_reads);
    rows().met(room == 0 ? MessageRow::peer_reads_none : MessageRow::peer_reads_short);
  }

  void seqpacket(const Step& step, std::int64_t result) {
    if (call_ == Call::shutdown && result == 0 && woken(peer_, kernel::any_key)) {
      constexpr PacketRow how[] = {PacketRow::peer_shuts_rd, PacketRow::peer_shuts_wr, PacketRow::peer_shuts_rdwr};
      seqpacket_.met(how[step.args[1]]);
      seqpacket_.met_if(own_.bits.has(EventFlags::rdhup) || peer_.bits.has(EventFlags::rdhup),
                        PacketRow::peer_shuts_again);
    }
    // What was freed adds nothing to the key.
    if (call_ == Call::close && is_last_ && woken(peer_, kernel::any_key)) {
      seqpacket_.met(peer_.amount > 0 ? PacketRow::peer_closes_unread : PacketRow::peer_closes);
    }
    if (sends() && peer_is_gone_) {
      seqpacket_.met_if(result == -EPIPE && silent(own_), PacketRow::epipe);
      seqpacket_.met_if(result == -ECONNRESET && silent(own_), PacketRow::send_reset);
    }
    if (reads() && result == -ECONNRESET) seqpacket_.met_if(silent(own_), PacketRow::read_reset);
    if (call_ == Call::accept4 && result >= 0) seqpacket_.met_if(silent(own_), PacketRow::accept);
    if (call_ != Call::connect || result != 0) return;
    // The listener is whoever was told of it.
    for (const WakeProbes::Wake& wake : probes_->wakes()) {
      if (wake.key != data_key) continue;
      const bool was_crowded = std::find(crowded_.begin(), crowded_.end(), wake.file) != crowded_.end();
      seqpacket_.met(was_crowded ? PacketRow::second_connection : PacketRow::new_connection);
    }
  }

  void datagram(const Step& step, std::int64_t result) {
    if (call_ == Call::shutdown && result == 0 && silent(peer_)) {
      constexpr DatagramRow how[] = {DatagramRow::peer_shuts_rd, DatagramRow::peer_shuts_wr,
                                     DatagramRow::peer_shuts_rdwr};
      datagram_.met(how[step.args[1]]);
    }
    if (call_ == Call::close && is_last_ && result == 0) {
      datagram_.met_if(queued_ == 0 && silent(peer_), DatagramRow::peer_closes);
      datagram_.met_if(queued_ != 0 && woken(peer_, room_key), DatagramRow::peer_closes_unread);
    }
    if (sends() && result == -ECONNREFUSED) {
      datagram_.met_if(peer_is_gone_ && woken(own_, room_key), DatagramRow::refused);
    }
    if (sends() && result == -ENOTCONN) datagram_.met_if(woken(own_, room_key), DatagramRow::unconnected);
    if (call_ == Call::connect && result == 0 && had_peer_) {
      datagram_.met_if(woken(own_, room_key), DatagramRow::connects_elsewhere);
      const bool told = peer_.is_watched && probes_->key_of(peer_.id).has(EventFlags::err);
      datagram_.met_if(told, DatagramRow::peer_connects_elsewhere);
    }
    if (reads() && result >= 0) datagram_.met_if(was_full_ && woken(peer_, room_key), DatagramRow::full_peer_reads);
  }

  Counters<MessageRow> seqpacket_common_;
  Counters<MessageRow> datagram_common_;
  Counters<PacketRow> seqpacket_;
  Counters<DatagramRow> datagram_;

  bool is_one_ = false;  // The call is about such a socket.
  bool is_datagram_ = false;
  bool had_peer_ = false;
  bool peer_is_gone_ = false;
  bool was_full_ = false;
  std::size_t queued_ = 0;              // Messages.
  std::vector<std::uint64_t> crowded_;  // Listeners at which a connection waits.
};

}  // namespace differential
