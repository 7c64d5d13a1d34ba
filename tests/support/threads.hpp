// Threads that block, on both kernels: a case says when a thread is known to be asleep, and never sleeps itself.
#pragma once

#include "backends.hpp"
#include "rouse/kernel/thread_host.hpp"

#include <chrono>
#include <cstdio>
#include <future>
#include <linux/futex.h>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

namespace test {

/// A thread of a case and what it returned. Joined by result(), or at the end.
template <class Result>
class Worker {
 public:
  template <class Body>
  explicit Worker(Body body) {
    std::promise<int> started;
    std::future<int> thread_id = started.get_future();
    std::packaged_task<Result()> task{std::move(body)};
    result_ = task.get_future();
    thread_ = std::jthread([started = std::move(started), task = std::move(task)]() mutable {
      started.set_value(static_cast<int>(::syscall(SYS_gettid)));
      task();
    });
    linux_id_ = thread_id.get();
  }

  /// Waits for the thread to end.
  Result result() {
    thread_.join();
    return result_.get();
  }
  [[nodiscard]] bool is_done() const { return result_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
  [[nodiscard]] std::thread::id id() const { return thread_.get_id(); }
  /// As /proc names it.
  [[nodiscard]] int linux_id() const { return linux_id_; }

 private:
  std::future<Result> result_;
  std::jthread thread_;
  int linux_id_ = 0;
};

/// Linux, with real threads.
struct ThreadsOnLinux : OnLinux {
  template <class Body>
  auto spawn(Body body) {
    return Worker<decltype(body())>{std::move(body)};
  }

  /// Returns once `worker` is asleep in a syscall that is no futex: the kernel's own word for it. Under rouse-run it is
  /// asleep on a semaphore then.
  template <class Result>
  void wait_until_blocked(const Worker<Result>& worker) {
    const std::string folder = "/proc/self/task/" + std::to_string(worker.linux_id());
    // A thread that was just woken counts as inside its call until it runs, but not as asleep; one that is about to
    // fall asleep, or to find that it need not, the other way round.
    while (!is_asleep(folder) || !is_in_waiting_call(folder) || !is_asleep(folder)) std::this_thread::yield();
  }

 private:
  static std::string line_of(const std::string& path) {
    char text[256] = {};
    std::FILE* const file = std::fopen(path.c_str(), "r");
    REQUIRE(file != nullptr);
    const char* const line = std::fgets(text, sizeof text, file);
    std::fclose(file);
    return line != nullptr ? line : "";
  }
  static bool is_asleep(const std::string& folder) {
    const std::string line = line_of(folder + "/stat");  // "id (name) state …"
    const std::size_t name_end = line.rfind(") ");
    return name_end != std::string::npos && line[name_end + 2] == 'S';
  }
  static bool is_in_waiting_call(const std::string& folder) {
    const std::string line = line_of(folder + "/syscall");
    const long number = !line.empty() && line[0] >= '0' && line[0] <= '9' ? std::stol(line) : -1;
    if (number == SYS_futex && ::getenv("ROUSE_RUN") != nullptr) return is_waiting_for_semaphore(line);
    return number >= 0 && number != SYS_futex && number != SYS_gettid;
  }
  static bool is_waiting_for_semaphore(const std::string& line) {  // "number 0xaddress 0xoperation …"
    constexpr unsigned long command_mask = 127;
    const std::size_t address = line.find(' ');
    const std::size_t operation = line.find(' ', address + 1);
    return operation != std::string::npos &&
           (std::stoul(line.substr(operation + 1), nullptr, 16) & command_mask) == FUTEX_WAIT_BITSET;
  }
};

/// An emulated kernel called by real threads, on the real clock.
struct ThreadsOnEmulated {
  using Backend = rouse::EmulatedBackend;
  static constexpr bool is_emulated = true;

  ThreadsOnEmulated() { kernel.check_every_call(rouse::kernel::check_invariants); }

  template <class Body>
  auto spawn(Body body) {
    return Worker<decltype(body())>{std::move(body)};
  }

  /// Returns once `worker` is blocked in a call.
  template <class Result>
  void wait_until_blocked(const Worker<Result>& worker) {
    host.wait_until_blocked(worker.id());
  }

  rouse::kernel::ThreadHost host;
  rouse::kernel::Kernel kernel{host};
  Backend backend{kernel};
};

/// ThreadSanitizer has nothing to say of Linux, and holds its signal handlers back while a thread sleeps in most calls.
using AllThreadBackends = std::conditional_t<rouse::detail::tsan_is_on, std::tuple<ThreadsOnEmulated>,
                                             std::tuple<ThreadsOnLinux, ThreadsOnEmulated>>;

}  // namespace test
