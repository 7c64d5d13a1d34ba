// Handlers that write down what they see, and masks: on whichever kernel a case runs on.
#pragma once

#include "backends.hpp"

#include <atomic>
#include <csignal>
#include <initializer_list>
#include <map>
#include <string>

namespace test {

inline ::sigset_t set_of(std::initializer_list<int> signals) {
  ::sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

/// The signals from 1 to 31 in a set, and the first queued one a program may use, as "10 12".
inline std::string numbers_in(const ::sigset_t& set) {
  std::string text;
  for (int signal = 1; signal <= 34; ++signal) {
    if (signal == 32 || signal == 33 || ::sigismember(&set, signal) == 0) continue;
    text += (text.empty() ? "" : " ") + std::to_string(signal);
  }
  return text;
}

template <class B>
std::string blocked_now(const B& backend) {
  ::sigset_t set;
  ::sigemptyset(&set);
  static_cast<void>(backend.sigprocmask(SIG_BLOCK, nullptr, &set));
  return numbers_in(set);
}
template <class B>
std::string pending_now(const B& backend) {
  ::sigset_t set;
  ::sigemptyset(&set);
  static_cast<void>(backend.sigpending(&set));
  return numbers_in(set);
}

/// Sends a signal to the calling thread.
template <class B>
void raise(const B& backend, int signal) {
  static_cast<void>(backend.tgkill(backend.getpid().value(), backend.gettid().value(), signal));
}

/// Handlers of this program for the length of a scope, one object at a time: what ran, in order, and how often. The
/// actions that were there before come back at the end, and so does the mask of the thread.
template <class B>
class Handlers {
 public:
  explicit Handlers(B backend) : backend_(backend) {
    count() = 0;
    log() = {};
    instance() = this;
    static_cast<void>(backend_.sigprocmask(SIG_BLOCK, nullptr, &mask_before_));
  }
  Handlers(const Handlers&) = delete;
  Handlers& operator=(const Handlers&) = delete;
  ~Handlers() {
    // What is pending still, meets the handlers of the case.
    static_cast<void>(backend_.sigprocmask(SIG_SETMASK, &mask_before_, nullptr));
    for (const auto& [signal, action] : before_) static_cast<void>(backend_.sigaction(signal, &action, nullptr));
  }

  /// Runs are written down as "signal(blocked meanwhile)".
  void handle(int signal, int flags = 0, std::initializer_list<int> also_blocked = {}) {
    set(signal, &Handlers::write_down, flags, also_blocked);
  }
  void set(int signal, void (*handler)(int), int flags = 0, std::initializer_list<int> also_blocked = {}) {
    struct ::sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    action.sa_mask = set_of(also_blocked);
    struct ::sigaction before {};
    REQUIRE(backend_.sigaction(signal, &action, &before).ok());
    before_.emplace(signal, before);
  }
  void block(std::initializer_list<int> signals) const {
    const ::sigset_t set = set_of(signals);
    REQUIRE(backend_.sigprocmask(SIG_SETMASK, &set, nullptr).ok());
  }

  /// What ran since the last time: "12(10 12) 10(10)".
  static std::string take() {
    static_cast<void>(count().load());  // After the handlers that have ended.
    const Log taken = std::exchange(log(), {});
    return seen({taken.text, taken.size});
  }
  /// ThreadSanitizer runs handlers of Linux's signals when it likes, with everything blocked: no two in one call.
  static constexpr bool one_at_a_time = rouse::detail::tsan_is_on && std::same_as<B, rouse::LinuxBackend>;
  /// What can be seen of such a text here.
  static std::string seen(std::string text) {
    if constexpr (one_at_a_time) {
      for (std::size_t at = 0; (at = text.find('(', at)) != std::string::npos; ++at) {
        text.erase(at + 1, text.find(')', at) - at - 1);
      }
    }
    return text;
  }
  /// How many ran, in any thread.
  static std::atomic<int>& count() {
    static std::atomic<int> count;
    return count;
  }

 private:
  // A handler neither allocates nor leaves a trace in errno.
  struct Log {
    char text[1000] = {};
    std::size_t size = 0;

    void add(char c) {
      if (size < sizeof text) text[size++] = c;
    }
    void add(int number) {
      if (number >= 10) add(static_cast<char>('0' + number / 10));
      add(static_cast<char>('0' + number % 10));
    }
  };

  static void write_down(int signal) {
    const int errno_before = errno;
    static_cast<void>(count().load());  // After the handlers that have ended.
    Log& log = Handlers::log();
    if (log.size > 0) log.add(' ');
    log.add(signal);
    log.add('(');
    ::sigset_t blocked;
    ::sigemptyset(&blocked);
    static_cast<void>(instance()->backend_.sigprocmask(SIG_BLOCK, nullptr, &blocked));
    bool first = true;
    for (int other = 1; other <= 34; ++other) {
      if (other == 32 || other == 33 || ::sigismember(&blocked, other) == 0) continue;
      if (!std::exchange(first, false)) log.add(' ');
      log.add(other);
    }
    log.add(')');
    ++count();
    errno = errno_before;
  }
  static Log& log() {
    static Log log;
    return log;
  }
  static Handlers*& instance() {
    static Handlers* instance;
    return instance;
  }

  B backend_;
  std::map<int, struct ::sigaction> before_;
  ::sigset_t mask_before_{};
};

}  // namespace test
