// Pool: the threads that make a script's calls, kept from script to script.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace threaded {

class PoolThread {
 public:
  PoolThread() : thread_([this](const std::stop_token& stop) { serve(stop); }) { id_.wait(0); }
  PoolThread(const PoolThread&) = delete;
  PoolThread& operator=(const PoolThread&) = delete;
  /// Precondition: idle.
  ~PoolThread() {
    thread_.request_stop();
    start([] {});
  }

  /// Precondition: idle.
  void start(std::function<void()> job) {
    job_ = std::move(job);
    busy_.store(true, std::memory_order_release);
    busy_.notify_one();
  }
  /// True from start() until the job has returned.
  [[nodiscard]] bool is_busy() const { return busy_.load(std::memory_order_acquire); }
  /// As Linux knows it.
  [[nodiscard]] int id() const { return id_.load(); }

 private:
  void serve(const std::stop_token& stop) {
    id_ = static_cast<int>(::syscall(SYS_gettid));
    id_.notify_one();
    while (!stop.stop_requested()) {
      busy_.wait(false, std::memory_order_acquire);
      job_();
      busy_.store(false, std::memory_order_release);
    }
  }

  std::function<void()> job_;
  std::atomic<bool> busy_{false};
  std::atomic<int> id_{0};
  std::jthread thread_;  // Last, as it uses the others.
};

/// Precondition: idle.
inline void run_and_wait(PoolThread& thread, std::function<void()> job) {
  thread.start(std::move(job));
  while (thread.is_busy()) std::this_thread::yield();
}

template <std::size_t n>
using Pool = std::array<PoolThread, n>;

}  // namespace threaded
