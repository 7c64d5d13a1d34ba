// The two kernels as scripts see them. Both begin empty, with 0, 1 and 2 open, and give the lowest free number, so that
// a script's numbers mean the same on both.
//
// The emulated one goes first. A call that would block for ever there is interrupted by a signal (InterruptingHost). It
// is interrupted on Linux as well, by a timer, and has to come to the same; the same timer, set far off, ends a call
// that blocks on Linux alone: its EINTR is a difference.
#pragma once

#include "../support/own_network.hpp"
#include "../support/own_user.hpp"
#include "calls.hpp"
#include "interrupting_host.hpp"
#include "rouse/kernel/invariants.hpp"
#include "syscall_backend.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/time.h>

namespace differential {

/// What became of a step.
enum class Outcome : std::uint8_t {
  done,
  blocks,        ///< It waits for ever, but for the signal that ends it.
  not_modelled,  ///< The emulated kernel refused it by name. It is left out on Linux.
};

namespace detail_kernels {

inline constexpr std::string_view not_modelled_line = "is not modelled";
inline constexpr std::string_view blocked_mark = " after it was interrupted";

inline int read_limit(const char* path, int otherwise) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return otherwise;
  char text[24] = {};
  const ::ssize_t n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  return n > 0 ? std::atoi(text) : otherwise;
}

}  // namespace detail_kernels

/// One emulated kernel, and one script's way through it, step by step: the generator looks at it in between.
class EmulatedSide {
 public:
  EmulatedSide(Memory& memory, const rouse::kernel::Limits& limits, bool checked)
      : run_(rouse::EmulatedBackend{kernel_}, memory) {
    host_.interrupt_by(kernel_.signals);
    struct ::sigaction action {};
    action.sa_handler = [](int) {};
    kernel_.signals.set_action(SIGALRM, action);
    action.sa_handler = note_signal;
    for (const int signal : script_signals) kernel_.signals.set_action(signal, action);
    kernel_.limits = limits;
    if (checked) kernel_.check_every_call(rouse::kernel::check_invariants);
  }

  [[nodiscard]] rouse::kernel::Kernel& kernel() { return kernel_; }
  [[nodiscard]] Run<rouse::EmulatedBackend>& run() { return run_; }
  [[nodiscard]] const std::vector<Outcome>& outcomes() const { return outcomes_; }
  /// What the last step that was not modelled said of itself.
  [[nodiscard]] const std::string& refused() const { return refused_; }

  Outcome play(const Step& step, bool looks) {
    Outcome outcome = Outcome::done;
    if (step.is_look()) {
      run_.look();
    } else {
      const std::size_t phase = run_.memory.phase();
      try {
        make_call(run_, step);
      } catch (const rouse::kernel::NotModelled& why) {
        outcome = Outcome::not_modelled;
        run_.memory.go_back_to(phase);
        run_.last = -ENOSYS;
        run_.transcript.text() += detail_kernels::not_modelled_line;
        refused_ = why.what();
      }
      take_seen_signals(run_.transcript.text());
      if (host_.take_interrupted()) {
        outcome = Outcome::blocks;
        run_.transcript.text() += detail_kernels::blocked_mark;
      }
      if (looks) run_.look();
    }
    run_.transcript.end_line();
    outcomes_.push_back(outcome);
    return outcome;
  }

  /// Looks for the last time. A transcript has one line more than the script has steps.
  void finish() {
    run_.look();
    run_.transcript.end_line();
  }

  /// A whole script.
  void play(const Script& script) {
    for (const Step& step : script.steps) play(step, script.looks_always);
    finish();
  }

 private:
  InterruptingHost host_;
  rouse::kernel::Kernel kernel_{host_};
  Run<rouse::EmulatedBackend> run_;
  std::vector<Outcome> outcomes_;
  std::string refused_;
};

/// Linux, in this very process. There is one: it closes every fd but the first three.
class LinuxSide {
 public:
  LinuxSide() {
    if (::mkdtemp(directory_) == nullptr || ::chdir(directory_) != 0) std::abort();
    ::getrlimit(RLIMIT_NOFILE, &limit_);
    limit_.rlim_cur = std::min<::rlim_t>(nofile_soft, limit_.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit_);
    has_own_network_ = test::enter_new_network();
    test::become_own_user();
    drop_capabilities();
    std::signal(SIGPIPE, SIG_IGN);
    struct ::sigaction action {};
    action.sa_handler = [](int) { ticks_ = ticks_ + 1; };  // And no SA_RESTART: whatever waits is to be interrupted.
    ::sigaction(SIGALRM, &action, nullptr);
    handle_signals();
    close_all();
  }
  LinuxSide(const LinuxSide&) = delete;
  LinuxSide& operator=(const LinuxSide&) = delete;
  ~LinuxSide() {
    if (::chdir("/") != 0) std::abort();
    ::rmdir(directory_);
  }

  /// The limits of this machine, for the emulated kernel to have the same.
  [[nodiscard]] rouse::kernel::Limits limits() const {
    using detail_kernels::read_limit;
    rouse::kernel::Limits limits;
    limits.nofile_soft = limit_.rlim_cur;
    limits.nofile_hard = limit_.rlim_max;
    const auto size = [](const char* path, int otherwise) {
      return static_cast<std::size_t>(read_limit(path, otherwise));
    };
    limits.pipe_max_size = size("/proc/sys/fs/pipe-max-size", 1048576);
    limits.somaxconn = read_limit("/proc/sys/net/core/somaxconn", limits.somaxconn);
    limits.wmem_default = read_limit("/proc/sys/net/core/wmem_default", limits.wmem_default);
    limits.rmem_default = read_limit("/proc/sys/net/core/rmem_default", limits.rmem_default);
    limits.wmem_max = read_limit("/proc/sys/net/core/wmem_max", limits.wmem_max);
    limits.rmem_max = read_limit("/proc/sys/net/core/rmem_max", limits.rmem_max);
    return limits;
  }

  /// Plays a script, of which the emulated kernel said what becomes of each step, up to the first line that differs.
  /// True if none does.
  bool play(const Script& script, const std::vector<Outcome>& outcomes, const Transcript& expected, Memory& memory,
            Transcript& transcript) {
    Run<Linux> run{{}, memory};
    const Clock::time_point start = Clock::now();
    const bool same = play(run, script, outcomes, expected);
    took_ = Clock::now() - start;
    transcript = std::move(run.transcript);
    return same;
  }

  /// Whether the last play ended before an end of TCP acknowledges what it had not to at once. A script lets no time
  /// pass: what comes later than that comes, for who waits at an edge, to a call that it does not belong to.
  [[nodiscard]] bool was_quick() const { return took_ < std::chrono::milliseconds(40); }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr ::rlim_t nofile_soft = 1024;
  static constexpr long patience = 300'000;  ///< Microseconds; no script takes so long.
  static constexpr long tick = 400;

  bool play(Run<Linux>& run, const Script& script, const std::vector<Outcome>& outcomes, const Transcript& expected) {
    const Reset reset{*this};
    set_timer(patience);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const Step& step = script.steps[i];
      play(run, step, outcomes[i], script.looks_always);
      run.transcript.end_line();
      if (run.transcript.line(i) != expected.line(i)) return false;
    }
    run.look();
    run.transcript.end_line();
    return run.transcript.line(outcomes.size()) == expected.line(outcomes.size());
  }

  void play(Run<Linux>& run, const Step& step, Outcome outcome, bool looks) {
    if (step.is_look()) return run.look();
    const Call call = all_signatures()[step.call].call;
    has_sockets_ = has_sockets_ || call == Call::socket;
    has_names_ = has_names_ || call == Call::bind;
    has_limit_ = has_limit_ || call == Call::setrlimit;
    has_signals_ = has_signals_ || (call >= Call::rt_sigaction && call <= Call::tgkill);
    switch (outcome) {
      case Outcome::done: make_call(run, step); break;
      case Outcome::not_modelled: run.transcript.text() += detail_kernels::not_modelled_line; break;
      case Outcome::blocks:
        const int before = ticks_;
        set_timer(tick);
        make_call(run, step);
        set_timer(patience);
        take_seen_signals(run.transcript.text());
        if (ticks_ != before) run.transcript.text() += detail_kernels::blocked_mark;
        break;
    }
    take_seen_signals(run.transcript.text());
    if (looks) run.look();
  }

  class Reset {
   public:
    explicit Reset(LinuxSide& side) : side_(side) {}
    Reset(const Reset&) = delete;
    Reset& operator=(const Reset&) = delete;
    ~Reset() {
      set_timer(0);
      if (side_.has_sockets_) test::cut_connections(Run<Linux>::fds_max);
      close_all();
      if (side_.has_limit_) ::setrlimit(RLIMIT_NOFILE, &side_.limit_);
      if (side_.has_signals_) handle_signals();
      if (side_.has_names_) {
        ::unlink("a");
        ::unlink("b");
      }
      // Connections that are over leave their ports behind for a minute.
      if (side_.has_sockets_ && side_.has_own_network_ && test::has_connections()) side_.renew_network();
      side_.has_limit_ = side_.has_names_ = side_.has_signals_ = side_.has_sockets_ = false;
    }

   private:
    LinuxSide& side_;
  };

  static void close_all() { ::syscall(SYS_close_range, 3u, ~0u, 0u); }

  /// As at the start: none is blocked, and none pending.
  static void handle_signals() {
    struct ::sigaction action {};
    action.sa_handler = note_signal;
    for (const int signal : script_signals) ::sigaction(signal, &action, nullptr);
    ::sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    seen_signals.count = 0;
  }

  void renew_network() {
    set_capabilities(CAP_TO_MASK(CAP_SYS_ADMIN) | CAP_TO_MASK(CAP_NET_ADMIN));
    has_own_network_ = test::enter_new_network();
    set_capabilities(0);
  }

  static void set_timer(long microseconds) {
    ::itimerval timer{};
    timer.it_value.tv_usec = timer.it_interval.tv_usec = microseconds;
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }

  /// The emulated kernel's process has none. What a new network takes, may be had again.
  static void drop_capabilities() {
    ::__user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    ::__user_cap_data_struct now[2] = {};
    ::syscall(SYS_capget, &header, now);
    now[0].permitted &= CAP_TO_MASK(CAP_SYS_ADMIN) | CAP_TO_MASK(CAP_NET_ADMIN);
    now[1].permitted = 0;
    for (auto& data : now) data.effective = data.inheritable = 0;
    ::syscall(SYS_capset, &header, now);
  }
  static void set_capabilities(std::uint32_t effective) {
    ::__user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    ::__user_cap_data_struct now[2] = {};
    ::syscall(SYS_capget, &header, now);
    now[0].effective = effective & now[0].permitted;
    ::syscall(SYS_capset, &header, now);
  }

  static inline volatile std::sig_atomic_t ticks_ = 0;

  char directory_[24] = "/tmp/rouse-XXXXXX";
  ::rlimit limit_{};
  Clock::duration took_{};
  bool has_names_ = false;
  bool has_limit_ = false;
  bool has_signals_ = false;
  bool has_sockets_ = false;
  bool has_own_network_ = false;
};

}  // namespace differential
