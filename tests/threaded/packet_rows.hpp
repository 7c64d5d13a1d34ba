// PacketRows: the rules of datagram and seqpacket sockets.
#pragma once

#include "signal_rows.hpp"

namespace threaded {

class PacketRows : public SignalRows {
 protected:
  PacketRows() { expect(packet_rows); }

  void look_at_packets(const World& world) {
    for (const int file : files_slept_on(world, {"recv", "recvmsg"})) {
      if (is_packet(world, file)) look_at_receives(world, file);
    }
    look_at_own_buffers(world);
    look_at_receiver(world);
    look_at_room(world);
    for (const int file : files_slept_on(world, {"accept"})) {
      met_if(world.type_of(file) == "seqpacket" && !returned_from(world, {"accept"}, file).empty(),
             "seqpacket: an accept is served");
    }
  }

 private:
  static constexpr const char* packet_rows[] = {
      "packets: one of several receives is served, the first that came",
      "packets: several messages serve several receives",
      "packets: a shutdown ends a receive",
      "packets: a read lets a send in that has a full buffer",
      "seqpacket: the peer closes, and a receive ends",
      "seqpacket: an accept is served",
      "datagram: the peer closes, and a receive sleeps on",
      "receiver: a read lets in one of several sends, the first that came",
      "receiver: several reads let several sends in",
      "receiver: it closes, and sends end",
      "receiver: it closes, and one of two sends on a socket is reset",
      "receiver: a shutdown leaves sends asleep",
      "receiver: room is told to one who polls a sender",
      "receiver: room is told to one who waits in an epoll",
  };

  static bool is_packet(const World& world, int file) {
    return world.type_of(file) == "dgram" || world.type_of(file) == "seqpacket";
  }
  static bool reads(const World& world) { return did(world, "recv") || did(world, "recvmsg"); }
  static bool sends(const World::Sleeper& sleeper) {
    return sleeper.is_in("send") || sleeper.is_in("sendmsg") || sleeper.is_in("sendto");
  }
  static bool is_pair_end(const std::string& name) { return name.back() == 'a' || name.back() == 'b'; }
  static bool is_number(const std::string& result) { return !result.empty() && result[0] >= '0' && result[0] <= '9'; }

  void look_at_receives(const World& world, int file) {
    const Sleepers receiving = asleep_in(world, {"recv", "recvmsg"}, file);
    const ReturnedOnes received = returned_from(world, {"recv", "recvmsg"}, file);
    if (!received.empty()) {
      const bool with_bytes = has_bytes(received[0]);
      met_if(receiving.size() > 1 && received.size() == 1 && with_bytes && is_first(receiving, received[0]),
             "packets: one of several receives is served, the first that came");
      met_if(received.size() > 1 && with_bytes, "packets: several messages serve several receives");
      met_if(!with_bytes && did(world, "shutdown"), "packets: a shutdown ends a receive");
      met_if(!with_bytes && did(world, "close") && world.type_of(file) == "seqpacket",
             "seqpacket: the peer closes, and a receive ends");
    }
    const std::string& name = receiving[0].call.words[1];
    for (const World::Made& one : world.made) {
      const std::string& other = one.call.words.size() > 1 ? one.call.words[1] : one.call.words[0];
      const bool closes = one.call.words[0] == "close" && one.result == "0" && !world.is_open(one.file);
      const bool peer = other.size() == name.size() && other.compare(0, name.size() - 1, name, 0, name.size() - 1) == 0;
      met_if(closes && peer && other != name && is_pair_end(name) && is_pair_end(other) && received.empty() &&
                 world.type_of(file) == "dgram",
             "datagram: the peer closes, and a receive sleeps on");
    }
  }

  void look_at_own_buffers(const World& world) {
    for (const World::Returned& one : world.returned) {
      if (!sends(one.sleeper)) continue;
      met_if(is_packet(world, one.sleeper.files[0]) && is_pair_end(one.sleeper.call.words[1]) &&
                 is_number(one.result) && reads(world),
             "packets: a read lets a send in that has a full buffer");
    }
  }

  // Senders that sleep wait for the one receiver that a script has.
  void look_at_receiver(const World& world) {
    const auto waits_there = [&](const World::Sleeper& sleeper) {
      return sends(sleeper) && world.type_of(sleeper.files[0]) == "dgram" && !is_pair_end(sleeper.call.words[1]);
    };
    Sleepers waiting;
    ReturnedOnes back;
    std::copy_if(world.before.begin(), world.before.end(), std::back_inserter(waiting), waits_there);
    std::copy_if(world.returned.begin(), world.returned.end(), std::back_inserter(back),
                 [&](const World::Returned& one) { return waits_there(one.sleeper); });
    met_if(waiting.size() > 1 && back.size() == 1 && is_number(back[0].result) && reads(world) &&
               is_first(waiting, back[0]),
           "receiver: a read lets in one of several sends, the first that came");
    met_if(back.size() > 1 && is_number(back[0].result) && reads(world),
           "receiver: several reads let several sends in");
    met_if(!waiting.empty() && back.empty() && did(world, "shutdown") && world.made[0].call.words[1][0] == 'g',
           "receiver: a shutdown leaves sends asleep");
    for (const World::Returned& one : back) {
      met_if(one.result == "ECONNREFUSED", "receiver: it closes, and sends end");
      met_if(one.result == "ECONNRESET", "receiver: it closes, and one of two sends on a socket is reset");
    }
  }

  void look_at_room(const World& world) {
    if (!reads(world)) return;
    for (const World::Returned& one : world.returned) {
      if (one.result.find("out") == std::string::npos) continue;
      const bool polls = one.sleeper.is_in("poll") || one.sleeper.is_in("ppoll");
      met_if(polls && world.type_of(one.sleeper.files[0]) == "dgram",
             "receiver: room is told to one who polls a sender");
      const bool waits = one.sleeper.is_in("wait") || one.sleeper.is_in("pwait") || one.sleeper.is_in("pwait2");
      const World::Registration* const of = waits ? reported(world, one) : nullptr;
      met_if(of != nullptr && world.type_of(of->file) == "dgram",
             "receiver: room is told to one who waits in an epoll");
    }
  }
};

}  // namespace threaded
