// The calls of scripts on signals, of this thread to itself. Whose handler ran is written beside the call in which it
// did. The timer's SIGALRM is left alone, and so is what would end the process.
#pragma once

#include "calls_fd.hpp"

namespace differential {

inline constexpr std::int64_t handler_actions[] = {0, 0, 0, SA_RESTART, SA_RESTART, SA_NODEFER};
inline constexpr std::int64_t ignoring[] = {0, 0, 1};

struct SigAction {
  static Signature signature() {
    return {"sigaction",
            Call::rt_sigaction,
            2,
            {choice("signal", signal_names, values::signals, values::signals_bad),
             set("flags", action_names, handler_actions, {}), keyed("ignore", Kind::number, 0, ignoring),
             null_pointer("action"), null_pointer("before")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    struct ::sigaction action {};
    struct ::sigaction before {};
    action.sa_flags = int_of(step, 1);
    if (step.args[2] != 0) {
      action.sa_handler = SIG_IGN;
    } else {
      action.sa_handler = note_signal;
    }
    run.result(run.backend.sigaction(int_of(step, 0), Run::pointer(step.args[3], &action),
                                     Run::pointer(step.args[4], &before)));
    run.number(before.sa_handler == SIG_IGN ? "ignored " : "", before.sa_flags & (SA_RESTART | SA_NODEFER));
  }
};

struct SigProcMask {
  static Signature signature() {
    return {"sigprocmask",
            Call::rt_sigprocmask,
            4,
            {choice("how", how_names, values::mask_hows, values::mask_hows_bad),
             set("signals", signal_bit_names, values::signal_sets, {}), null_pointer("set"), null_pointer("before")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const ::sigset_t set = signal_set(step.args[1]);
    ::sigset_t before;
    ::sigemptyset(&before);
    run.result(run.backend.sigprocmask(int_of(step, 0), Run::pointer(step.args[2], &set),
                                       Run::pointer(step.args[3], &before)));
    append_set(run.transcript.text() += " before ", bits_of(before), signal_bit_names);
  }
};

struct SigPending {
  static Signature signature() { return {"sigpending", Call::rt_sigpending, 2, {bad_pointer("set")}}; }
  template <class Run>
  static void make(Run& run, const Step& step) {
    ::sigset_t pending;
    ::sigemptyset(&pending);
    run.result(run.backend.sigpending(Run::pointer(step.args[0], &pending)));
    append_set(run.transcript.text() += ' ', bits_of(pending), signal_bit_names);
  }
};

/// To this process.
struct Kill {
  static Signature signature() {
    return {"kill", Call::kill, 3, {choice("signal", signal_names, values::signals, values::signals_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.result(run.backend.kill(run.backend.getpid().value(), int_of(step, 0)));
  }
};

/// To this thread.
struct Tgkill {
  static Signature signature() {
    return {"tgkill", Call::tgkill, 3, {choice("signal", signal_names, values::signals, values::signals_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.result(run.backend.tgkill(run.backend.getpid().value(), run.backend.gettid().value(), int_of(step, 0)));
  }
};

}  // namespace differential
