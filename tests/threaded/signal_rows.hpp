// SignalRows: the rules of signals and of calls that sleep.
#pragma once

#include "row_counter.hpp"

namespace threaded {

class SignalRows : public RowCounter {
 protected:
  SignalRows() { expect(signal_rows); }

  void look_at_signals(const World& world) {
    const bool sends = did(world, "tkill") || did(world, "kill");
    for (const World::Returned& one : world.returned) look_at_interrupted(world, one, sends);
    for (const World::Sleeper& sleeper : world.restarted) {
      met_if(sends && is_in_any(sleeper, restarting), "signals: a handler that restarts has a call start again");
    }
    for (const World::Made& one : world.made) {
      if (one.call.words[0] == "tkill" && one.result == "0") look_at_one_thread(world, one);
      met_if(one.result == "EINTR" && has_mask(one.call.words[0]), "signals: a call's mask lets in what is pending");
    }
    if (did(world, "kill")) look_at_process(world);
    met_if(!sends && !world.handlers.empty() && (world.returned.empty() || did(world, "mask")),
           "signals: what a thread blocked is handled when it lets it in");
  }

 private:
  static constexpr const char* signal_rows[] = {
      "signals: a handler that does not restart ends a call",
      "signals: a handler that restarts has a call start again",
      "signals: a handler that restarts ends a wait all the same",
      "signals: a nap ends",
      "signals: what is ignored or blocked leaves a call asleep",
      "signals: what was moved already is the result",
      "signals: what a call's mask holds back is handled when it ends",
      "signals: a call's mask lets in what is pending",
      "signals: what a thread blocked is handled when it lets it in",
      "signals: one comes together with an event",
      "signals: of the process, and the main thread takes it",
      "signals: of the process, and one that is asleep takes it",
      "signals: of the process, and everybody blocks it",
      "signals: a call that starts again finds its number closed",
      "signals: a call that started again is the last in line",
  };
  static constexpr std::string_view restarting[] = {"read", "readv",  "write",   "take",    "put",    "recv",
                                                    "send", "sendto", "recvmsg", "sendmsg", "accept", "connect"};

  template <std::size_t n>
  static bool is_in_any(const World::Sleeper& sleeper, const std::string_view (&calls)[n]) {
    return std::any_of(std::begin(calls), std::end(calls), [&](std::string_view call) { return sleeper.is_in(call); });
  }
  static bool has_mask(std::string_view call) {
    return call == "pwait" || call == "pwait2" || call == "ppoll" || call == "pselect";
  }
  static bool is_number(const std::string& result) { return !result.empty() && result[0] >= '0' && result[0] <= '9'; }

  void look_at_interrupted(const World& world, const World::Returned& one, bool sends) {
    const auto found = world.handlers.find(one.sleeper.thread);
    const std::string handlers = found != world.handlers.end() ? found->second : "";
    const bool may_restart = is_in_any(one.sleeper, restarting);
    const bool interrupted = one.result == "EINTR";
    met_if(interrupted && may_restart && handlers.starts_with("ends"),
           "signals: a handler that does not restart ends a call");
    met_if(interrupted && !may_restart && handlers == "restarts",
           "signals: a handler that restarts ends a wait all the same");
    met_if(interrupted && one.sleeper.is_in("nap"), "signals: a nap ends");
    met_if(sends && world.made.size() == 1 && !handlers.empty() && may_restart && is_number(one.result),
           "signals: what was moved already is the result");
    met_if(!sends && !handlers.empty() && is_number(one.result) && has_mask(one.sleeper.call.words[0]),
           "signals: what a call's mask holds back is handled when it ends");
    met_if(sends && !handlers.empty() && world.made.size() > 1, "signals: one comes together with an event");
    met_if(one.result == "EBADF" && !handlers.empty(), "signals: a call that starts again finds its number closed");
    const bool in_turn = one.sleeper.is_in("read") || one.sleeper.is_in("accept") || one.sleeper.is_in("write");
    if (!in_turn || !is_number(one.result)) return;
    for (const World::Sleeper& other : world.sleepers()) {
      met_if(other.was_restarted && other.since < one.sleeper.since &&
                 other.call.words[0] == one.sleeper.call.words[0] && other.files == one.sleeper.files,
             "signals: a call that started again is the last in line");
    }
  }

  void look_at_one_thread(const World& world, const World::Made& sent) {
    const int thread = sent.call.words[1].back() - '0';
    const bool was_asleep = std::any_of(world.before.begin(), world.before.end(),
                                        [&](const World::Sleeper& sleeper) { return sleeper.thread == thread; });
    met_if(was_asleep && world.returned.empty() && !world.handlers.contains(thread),
           "signals: what is ignored or blocked leaves a call asleep");
  }

  void look_at_process(const World& world) {
    if (world.made[0].call.words[1] == "ignored") return;
    if (world.handlers.empty()) return met("signals: of the process, and everybody blocks it");
    const bool by_main = world.handlers.contains(Line::main_thread);
    met(by_main ? "signals: of the process, and the main thread takes it"
                : "signals: of the process, and one that is asleep takes it");
  }
};

}  // namespace threaded
