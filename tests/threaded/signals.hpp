// Signals: those that scripts send, what the process does about each, and how often handlers ran on which thread.
//
// A thread that is in none of its line's calls blocks them all, on both kernels: Linux would run a handler on an idle
// thread at once, the emulated kernel in the thread's next call. What comes meanwhile waits for its next line.
#pragma once

#include "script.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>

namespace threaded {

/// A signal of scripts. SIGUSR1 is none: it ends what is asleep when a run is over.
struct ScriptSignal {
  const char* name;
  int number;
};

inline constexpr int ends = SIGUSR2;      ///< Its handler ends calls.
inline constexpr int restarts = SIGALRM;  ///< Its handler has them start again.
inline constexpr int ignored = SIGHUP;
inline constexpr std::array<ScriptSignal, 3> script_signals{
    {{"ends", ends}, {"restarts", restarts}, {"ignored", ignored}}};

/// 0 if there is none of that name.
inline int signal_of(std::string_view name) {
  for (const ScriptSignal& signal : script_signals) {
    if (name == signal.name) return signal.number;
  }
  return 0;
}
/// "ends|restarts"; any other word is nobody's name, as "none".
inline ::sigset_t signals_of(std::string_view names) {
  ::sigset_t set;
  ::sigemptyset(&set);
  for (const std::string& name : split(names, '|')) {
    if (signal_of(name) != 0) ::sigaddset(&set, signal_of(name));
  }
  return set;
}
inline ::sigset_t all_script_signals() { return signals_of("ends|restarts|ignored"); }

/// True if a script sends any, or blocks any but for a call's own time.
inline bool uses_signals(const Script& script) {
  return std::any_of(script.begin(), script.end(), [](const Line& line) {
    return std::any_of(line.calls.begin(), line.calls.end(), [](const CallText& call) {
      const std::string& name = call.words[0];
      return name == "mask" || name == "kill" || name == "tkill";
    });
  });
}

/// Which of a script's threads this one is: one of s0 to s9, or the one after them, the main thread.
inline constexpr std::size_t main_index = threads_max;
inline thread_local std::size_t this_thread = main_index;

/// How often the handlers ran on each thread.
class HandlerRuns {
 public:
  static void count(int signal) { ++runs_[this_thread][signal == ends ? 0 : 1]; }

  /// What ran on a thread since the last time: "ends*2 restarts".
  static std::string take(std::size_t thread) {
    std::string text;
    for (std::size_t i = 0; i < 2; ++i) {
      const int n = runs_[thread][i].exchange(0);
      if (n == 0) continue;
      text += (text.empty() ? "" : " ") + std::string(script_signals[i].name);
      if (n > 1) text += '*' + std::to_string(n);
    }
    return text;
  }
  static void forget() {
    for (std::size_t i = 0; i <= main_index; ++i) take(i);
  }

 private:
  static inline std::array<std::array<std::atomic<int>, 2>, threads_max + 1> runs_{};
};

/// The process handles two of them and ignores one.
template <class Backend>
void set_handlers(const Backend& backend) {
  for (const ScriptSignal& signal : script_signals) {
    struct ::sigaction action {};
    action.sa_handler = signal.number == ignored ? SIG_IGN : HandlerRuns::count;
    action.sa_flags = signal.number == restarts ? SA_RESTART : 0;
    static_cast<void>(backend.sigaction(signal.number, &action, nullptr));
  }
}

}  // namespace threaded
