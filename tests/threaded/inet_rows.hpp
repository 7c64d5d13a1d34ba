// InetRows: the rules of TCP and UDP sockets, of timers and of signalfds.
#pragma once

#include "packet_rows.hpp"

namespace threaded {

class InetRows : public PacketRows {
 protected:
  InetRows() { expect(inet_rows); }

  void look_at_inet(const World& world) {
    for (const int file : files_slept_on(world, {"recv", "recvmsg", "send", "accept"})) {
      if (world.type_of(file) == "tcp") look_at_tcp(world, file);
      if (world.type_of(file) == "udp") look_at_udp(world, file);
    }
    if (did(world, "set")) look_at_timers(world);
    if (did(world, "tkill") || did(world, "kill")) look_at_signalfds(world);
  }

 private:
  static constexpr const char* inet_rows[] = {
      "tcp: one of several accepts is served, the first that came",
      "tcp: a shutdown ends all accepts",
      "tcp: one of several receives is served",
      "tcp: several receives are served",
      "tcp: a shutdown ends all receives",
      "tcp: the peer closes, and all receives end",
      "tcp: a reset is told to one of several receives, and ends the others",
      "tcp: a shutdown or a reset ends a send",
      "udp: one of several receives is served, the first that came",
      "udp: a shutdown ends all receives",
      "udp: an unreachable port is told to one of several receives, the first that came",
      "timerfd: one of several reads takes what expired",
      "timerfd: a read and an epoll_wait are both told",
      "timerfd: setting it back leaves asleep",
      "signalfd: a read takes its thread's own signal",
      "signalfd: a signal of one thread leaves the reads of others asleep",
      "signalfd: one of several reads takes a signal of the process",
  };

  static bool closes(const World& world) { return did(world, "close"); }

  void look_at_tcp(const World& world, int file) {
    const Sleepers accepting = asleep_in(world, {"accept"}, file);
    const ReturnedOnes accepted = returned_from(world, {"accept"}, file);
    met_if(accepting.size() > 1 && accepted.size() == 1 && is_first(accepting, accepted[0]),
           "tcp: one of several accepts is served, the first that came");
    met_if(accepting.size() > 1 && accepted.size() == accepting.size() && accepted[0].result == "EINVAL",
           "tcp: a shutdown ends all accepts");

    const Sleepers receiving = asleep_in(world, {"recv"}, file);
    const ReturnedOnes received = returned_from(world, {"recv"}, file);
    const bool all = receiving.size() > 1 && received.size() == receiving.size();
    const auto resets = std::count_if(received.begin(), received.end(),
                                      [](const World::Returned& one) { return one.result == "ECONNRESET"; });
    const auto ended =
        std::count_if(received.begin(), received.end(), [](const World::Returned& one) { return one.result == "0"; });
    met_if(receiving.size() > 1 && received.size() == 1 && has_bytes(received[0]),
           "tcp: one of several receives is served");
    met_if(received.size() > 1 && has_bytes(received[0]) && has_bytes(received[1]), "tcp: several receives are served");
    met_if(all && resets == 0 && ended > 1 && did(world, "shutdown"), "tcp: a shutdown ends all receives");
    met_if(all && resets == 0 && ended > 1 && closes(world), "tcp: the peer closes, and all receives end");
    met_if(all && resets == 1 && ended > 0, "tcp: a reset is told to one of several receives, and ends the others");

    met_if(!returned_from(world, {"send"}, file).empty() && (closes(world) || did(world, "shutdown")),
           "tcp: a shutdown or a reset ends a send");
  }

  void look_at_udp(const World& world, int file) {
    const Sleepers receiving = asleep_in(world, {"recv", "recvmsg"}, file);
    const ReturnedOnes received = returned_from(world, {"recv", "recvmsg"}, file);
    if (receiving.size() < 2 || received.empty()) return;
    const bool first_alone = received.size() == 1 && is_first(receiving, received[0]);
    met_if(first_alone && has_bytes(received[0]), "udp: one of several receives is served, the first that came");
    met_if(
        received.size() == receiving.size() && received[0].result == "0" && world.made[0].call.words[0] == "shutdown",
        "udp: a shutdown ends all receives");
    met_if(first_alone && received[0].result == "ECONNREFUSED",
           "udp: an unreachable port is told to one of several receives, the first that came");
  }

  void look_at_timers(const World& world) {
    const World::Made& set = world.made[0];
    const Sleepers taking = asleep_in(world, {"take"}, set.file);
    const ReturnedOnes taken = returned_from(world, {"take"}, set.file);
    met_if(taking.size() > 1 && taken.size() == 1, "timerfd: one of several reads takes what expired");
    const bool waited = std::any_of(world.returned.begin(), world.returned.end(), [&](const World::Returned& one) {
      const World::Registration* const of = one.sleeper.is_in("wait") ? reported(world, one) : nullptr;
      return of != nullptr && of->file == set.file;
    });
    met_if(!taken.empty() && waited, "timerfd: a read and an epoll_wait are both told");
    met_if(!taking.empty() && taken.empty() && set.call.words[2] == "off", "timerfd: setting it back leaves asleep");
  }

  void look_at_signalfds(const World& world) {
    Sleepers reading;
    ReturnedOnes back;
    for (const World::Sleeper& sleeper : world.before) {
      if (sleeper.is_in("catch")) reading.push_back(sleeper);
    }
    for (const World::Returned& one : world.returned) {
      if (one.sleeper.is_in("catch") && has_bytes(one)) back.push_back(one);
    }
    const bool of_one = did(world, "tkill");
    met_if(of_one && !back.empty(), "signalfd: a read takes its thread's own signal");
    met_if(of_one && reading.size() > 1 && back.size() < reading.size(),
           "signalfd: a signal of one thread leaves the reads of others asleep");
    met_if(!of_one && reading.size() > 1 && back.size() == 1,
           "signalfd: one of several reads takes a signal of the process");
  }
};

}  // namespace threaded
