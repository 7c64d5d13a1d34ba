// Rows: how often the rules for blocked threads were met, told from what happened on Linux. A run that is to show that
// the kernels agree has to meet each of them often: see RowCounter::least.
#pragma once

#include "inet_rows.hpp"

namespace threaded {

class Rows : public InetRows {
 public:
  Rows() { expect(own_rows); }

  void count(const Script& script, const Transcript& on_linux) {
    World world;
    for (std::size_t i = 0; i < script.size(); ++i) {
      world.advance(script[i], on_linux.steps[i]);
      look(world);
    }
  }

 private:
  static constexpr const char* own_rows[] = {
      "epoll_wait: an edge wakes one of several, the last that came",
      "epoll_wait: a one-shot event wakes one of several",
      "epoll_wait: a level wakes all of several",
      "epoll_wait: a level that the first takes away leaves others asleep",
      "epoll_wait: two events for two threads, one each",
      "epoll_wait: an ADD wakes",
      "epoll_wait: a MOD wakes",
      "epoll_wait: a DEL leaves asleep",
      "epoll_wait: time runs out",
      "epoll_wait: what comes is gone before anybody looks",
      "several epolls: plain ones are all told",
      "several epolls: one of the exclusive ones is told",
      "several epolls: an idle exclusive one is passed",
      "several epolls: nobody waits, and all exclusive ones keep the event",
      "several epolls: an exclusive and a plain one are told",
      "several epolls: an exclusive one whose mask does not match is passed",
      "several epolls: a hang-up is told to all exclusive ones",
      "nested: a level wakes all who wait in the outer one",
      "nested: an edge wakes one who waits in the outer one",
      "nested: several outer ones are told",
      "nested: one in the inner one and one in the outer one are woken",
      "poll: all who poll a file are woken",
      "poll: one who polls an epoll is woken",
      "poll: one who polls and one in epoll_wait are woken",
      "pipe: one of several reads is let through, the first that came",
      "pipe: a read hands on to the next",
      "pipe: one of several writes is let in, the first that came",
      "pipe: a write hands on to the next",
      "pipe: more slots let a write in",
      "pipe: the last writer closes, and reads end",
      "pipe: the last reader closes, and writes end",
      "pipe: a read and an epoll_wait are both served",
      "counter: one of several reads takes all",
      "counter: a semaphore serves several reads",
      "counter: a write of 0 serves nobody",
      "counter: a read lets several writes in",
      "stream: one of several receives is served",
      "stream: several receives are served",
      "stream: a read lets a send in",
      "stream: a shutdown ends a receive",
      "stream: the peer closes, and a receive ends",
      "listener: one of several accepts is served, the first that came",
      "listener: one of several connects gets in, the first that came",
      "closing: of the epoll that a thread waits in",
      "closing: of the epoll, and then an event comes",
      "closing: of the epoll, and then time runs out",
      "closing: of the watched file, for good",
      "closing: of the watched file while a dup is open, and then an event comes",
      "closing: of the file that a thread reads, and then bytes come",
      "closing: dup2 over the file that a thread reads",
      "closing: a number is used again, and a thread returns that sleeps on the old file",
  };

  void look(const World& world) {
    for (const int file : files_slept_on(world, {"wait"})) look_at_waits(world, file);
    look_at_registrations(world);
    look_at_polls(world);
    look_at_pipes(world);
    look_at_counters(world);
    look_at_sockets(world);
    look_at_closing(world);
    look_at_signals(world);
    look_at_packets(world);
    look_at_inet(world);
  }

  void look_at_waits(const World& world, int epoll) {
    using F = rouse::EventFlags;
    const Sleepers waiting = asleep_in(world, {"wait"}, epoll);
    const ReturnedOnes back = returned_from(world, {"wait"}, epoll);
    const bool with_events = !back.empty() && std::all_of(back.begin(), back.end(), has_events);
    const World::Registration* const of = with_events ? reported(world, back[0]) : nullptr;
    const bool one_of_several = waiting.size() > 1 && back.size() == 1 && of != nullptr;
    const bool level = of != nullptr && !of->flags.has_any(F::et | F::oneshot);
    met_if(one_of_several && of->flags.has(F::et) && waiting.back().thread == back[0].sleeper.thread,
           "epoll_wait: an edge wakes one of several, the last that came");
    met_if(one_of_several && of->flags.has(F::oneshot), "epoll_wait: a one-shot event wakes one of several");
    met_if(waiting.size() > 1 && back.size() == waiting.size() && level, "epoll_wait: a level wakes all of several");
    met_if(level && back.size() < waiting.size() && back[0].went_on,
           "epoll_wait: a level that the first takes away leaves others asleep");
    met_if(back.size() == 2 && with_events && back[0].result != back[1].result && back[0].result[0] == '1' &&
               back[1].result[0] == '1',
           "epoll_wait: two events for two threads, one each");
    met_if(with_events && did(world, "add"), "epoll_wait: an ADD wakes");
    met_if(with_events && did(world, "mod"), "epoll_wait: a MOD wakes");
    met_if(back.empty() && did(world, "del") && world.made[0].file == epoll, "epoll_wait: a DEL leaves asleep");
    met_if(!back.empty() && back[0].result == "0", "epoll_wait: time runs out");
    met_if(!back.empty() && back[0].result == "0" && !world.is_open(epoll),
           "closing: of the epoll, and then time runs out");
    met_if(back.empty() && did(world, "put") && did(world, "take"),
           "epoll_wait: what comes is gone before anybody looks");
    met_if(with_events && !world.is_open(epoll) && !did(world, "close"),
           "closing: of the epoll, and then an event comes");
    met_if(!world.is_open(epoll) && did(world, "close") && world.made[0].file == epoll,
           "closing: of the epoll that a thread waits in");
    // A thread in the outer one.
    if (of == nullptr || !world.is_epoll(of->file)) return;
    met_if(waiting.size() > 1 && back.size() == waiting.size() && level,
           "nested: a level wakes all who wait in the outer one");
    met_if(one_of_several && of->flags.has(F::et), "nested: an edge wakes one who waits in the outer one");
    met_if(!returned_from(world, {"wait"}, of->file).empty(),
           "nested: one in the inner one and one in the outer one are woken");
  }

  void look_at_registrations(const World& world) {
    using F = rouse::EventFlags;
    struct Told {
      std::set<int> plain;
      std::set<int> exclusive;
      bool hup = false;
    };
    std::map<int, Told> told;  // By file.
    for (const World::Returned& one : world.returned) {
      const World::Registration* const of = one.sleeper.is_in("wait") ? reported(world, one) : nullptr;
      if (of == nullptr) continue;
      (of->is_exclusive() ? told[of->file].exclusive : told[of->file].plain).insert(of->epoll);
      if (one.result.find("hup") != std::string::npos) told[of->file].hup = true;
      const int now = world.file_at(of->number);
      met_if(now != of->file, "closing: of the watched file while a dup is open, and then an event comes");
    }
    for (const auto& [file, who] : told) {
      met_if(who.plain.size() > 1, "several epolls: plain ones are all told");
      met_if(who.plain.size() > 1 && world.is_epoll(file), "nested: several outer ones are told");
      met_if(!who.plain.empty() && !who.exclusive.empty(), "several epolls: an exclusive and a plain one are told");
      met_if(who.exclusive.size() > 1 && who.hup, "several epolls: a hang-up is told to all exclusive ones");
      if (who.exclusive.size() == 1) look_at_exclusive(world, file, *who.exclusive.begin());
    }
    for (const World::Made& one : world.made) {
      const bool moves = one.call.words[0] == "put";
      if (!moves || one.result != "8") continue;
      int exclusive = 0;
      bool idle = true;
      for (const World::Registration& registration : world.registrations()) {
        if (registration.file != one.file || !registration.is_exclusive()) continue;
        if (registration.flags.has(F::in)) ++exclusive;
        if (!asleep_in(world, {"wait"}, registration.epoll).empty()) idle = false;
      }
      met_if(exclusive > 1 && idle, "several epolls: nobody waits, and all exclusive ones keep the event");
    }
  }

  /// One exclusive epoll of `file` was told.
  void look_at_exclusive(const World& world, int file, int told) {
    bool before_told = true;
    bool passed_idle = false;
    bool passed_other_mask = false;
    bool others_wait = false;
    for (const World::Registration& registration : world.registrations()) {
      if (registration.file != file || !registration.is_exclusive()) continue;
      if (registration.epoll == told) {
        before_told = false;
        continue;
      }
      const bool waited = !asleep_in(world, {"wait"}, registration.epoll).empty();
      const bool matches = registration.flags.has(rouse::EventFlags::in);
      if (before_told && matches && !waited) passed_idle = true;
      if (before_told && !matches && waited) passed_other_mask = true;
      if (matches && waited) others_wait = true;
    }
    met_if(others_wait, "several epolls: one of the exclusive ones is told");
    met_if(passed_idle, "several epolls: an idle exclusive one is passed");
    met_if(passed_other_mask, "several epolls: an exclusive one whose mask does not match is passed");
  }

  void look_at_polls(const World& world) {
    for (const int file : files_slept_on(world, {"poll"})) {
      const ReturnedOnes back = returned_from(world, {"poll"}, file);
      met_if(back.size() > 1 && back.size() == asleep_in(world, {"poll"}, file).size(),
             "poll: all who poll a file are woken");
      met_if(!back.empty() && world.is_epoll(file), "poll: one who polls an epoll is woken");
      const bool waits = std::any_of(world.returned.begin(), world.returned.end(),
                                     [](const World::Returned& one) { return one.sleeper.is_in("wait"); });
      met_if(!back.empty() && waits, "poll: one who polls and one in epoll_wait are woken");
    }
  }

  void look_at_pipes(const World& world) {
    const auto is_pipe = [](const World::Returned& one, char end) {
      const std::string& name = one.sleeper.call.words[1];
      return name[0] == 'p' && name.back() == end;
    };
    for (const int file : files_slept_on(world, {"read", "readv", "write"})) {
      const Sleepers reading = asleep_in(world, {"read", "readv"}, file);
      const ReturnedOnes read = returned_from(world, {"read", "readv"}, file);
      const Sleepers writing = asleep_in(world, {"write"}, file);
      const ReturnedOnes written = returned_from(world, {"write"}, file);
      if (!read.empty() && is_pipe(read[0], 'r')) {
        const bool with_bytes = has_bytes(read[0]);
        met_if(reading.size() > 1 && read.size() == 1 && with_bytes && is_first(reading, read[0]),
               "pipe: one of several reads is let through, the first that came");
        met_if(read.size() > 1 && with_bytes && world.made.size() == 1, "pipe: a read hands on to the next");
        met_if(read[0].result == "0" && did(world, "close"), "pipe: the last writer closes, and reads end");
        const bool waited = std::any_of(world.returned.begin(), world.returned.end(), [&](const World::Returned& one) {
          const World::Registration* const of = one.sleeper.is_in("wait") ? reported(world, one) : nullptr;
          return of != nullptr && of->file == file;
        });
        met_if(waited, "pipe: a read and an epoll_wait are both served");
      }
      if (!written.empty() && is_pipe(written[0], 'w')) {
        met_if(writing.size() > 1 && written.size() == 1 && is_first(writing, written[0]),
               "pipe: one of several writes is let in, the first that came");
        met_if(written.size() > 1 && did(world, "read") && world.made.size() == 1,
               "pipe: a write hands on to the next");
        met_if(did(world, "resize"), "pipe: more slots let a write in");
        met_if(did(world, "close") && written[0].result == "EPIPE", "pipe: the last reader closes, and writes end");
      }
    }
  }

  void look_at_counters(const World& world) {
    for (const int file : files_slept_on(world, {"take", "put"})) {
      const Sleepers taking = asleep_in(world, {"take"}, file);
      const ReturnedOnes taken = returned_from(world, {"take"}, file);
      const bool zero =
          world.made.size() == 1 && world.made[0].call.words[0] == "put" && world.made[0].call.words[2] == "0";
      met_if(taking.size() > 1 && taken.size() == 1 && did(world, "put"), "counter: one of several reads takes all");
      met_if(taken.size() > 1 && world.made.size() == 1, "counter: a semaphore serves several reads");
      met_if(!taking.empty() && taken.empty() && zero && world.made[0].file == file,
             "counter: a write of 0 serves nobody");
      met_if(returned_from(world, {"put"}, file).size() > 1 && did(world, "take"),
             "counter: a read lets several writes in");
    }
  }

  void look_at_sockets(const World& world) {
    const auto ends_by = [&](const ReturnedOnes& back, std::string_view call) {
      return !back.empty() && !has_bytes(back[0]) && did(world, call);
    };
    for (const int file : files_slept_on(world, {"recv", "send"})) {
      if (world.type_of(file) != "stream") continue;
      const Sleepers receiving = asleep_in(world, {"recv"}, file);
      const ReturnedOnes received = returned_from(world, {"recv"}, file);
      met_if(receiving.size() > 1 && received.size() == 1 && has_bytes(received[0]),
             "stream: one of several receives is served");
      met_if(received.size() > 1 && has_bytes(received[0]), "stream: several receives are served");
      met_if(ends_by(received, "shutdown"), "stream: a shutdown ends a receive");
      met_if(ends_by(received, "close"), "stream: the peer closes, and a receive ends");
      met_if(!returned_from(world, {"send"}, file).empty() && did(world, "recv"), "stream: a read lets a send in");
    }
    for (const int file : files_slept_on(world, {"accept"})) {
      const Sleepers accepting = asleep_in(world, {"accept"}, file);
      const ReturnedOnes accepted = returned_from(world, {"accept"}, file);
      met_if(accepting.size() > 1 && accepted.size() == 1 && is_first(accepting, accepted[0]),
             "listener: one of several accepts is served, the first that came");
    }
    Sleepers connecting;
    ReturnedOnes connected;
    for (const World::Sleeper& sleeper : world.before) {
      if (sleeper.is_in("connect")) connecting.push_back(sleeper);
    }
    for (const World::Returned& one : world.returned) {
      if (one.sleeper.is_in("connect")) connected.push_back(one);
    }
    met_if(connecting.size() > 1 && connected.size() == 1 && is_first(connecting, connected[0]),
           "listener: one of several connects gets in, the first that came");
  }

  void look_at_closing(const World& world) {
    for (const World::Made& one : world.made) {
      const bool closes = one.call.words[0] == "close" && one.result == "0" && !world.is_open(one.file);
      const bool replaces = one.call.words[0] == "dup2" && one.second != World::no_file && !world.is_open(one.second);
      for (const World::Sleeper& sleeper : world.before) {
        const bool reads = sleeper.is_in("read") || sleeper.is_in("take") || sleeper.is_in("recv");
        met_if(replaces && reads && sleeper.waits_for(one.second), "closing: dup2 over the file that a thread reads");
      }
      if (closes && one.call.words[1][0] != 'e' && world.returned.empty() &&
          std::any_of(world.before.begin(), world.before.end(), [](const auto& s) { return s.is_in("wait"); })) {
        met("closing: of the watched file, for good");
      }
    }
    for (const World::Returned& one : world.returned) {
      if (one.sleeper.files.empty()) continue;
      const int file = one.sleeper.files[0];
      const int now = world.file_at(one.sleeper.numbers[0]);
      met_if(has_bytes(one) && file != World::no_file && !world.is_open(file),
             "closing: of the file that a thread reads, and then bytes come");
      met_if(now != World::no_file && now != file,
             "closing: a number is used again, and a thread returns that sleeps on the old file");
    }
  }
};

}  // namespace threaded
