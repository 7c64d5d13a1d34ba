// WorkerPool: threads that sleep in an eventfd until there is a job. The counter is a semaphore: one write lets one
// worker through for each job, and none is lost, whoever looks first.
#pragma once

#include <rouse/rouse.hpp>

#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace example {

template <rouse::EventFdBackend Backend>
class WorkerPool {
 public:
  using Job = std::function<void()>;

  WorkerPool(Backend backend, std::size_t workers)
      : jobs_waiting_(backend, 0, rouse::EventFdFlags::semaphore | rouse::EventFdFlags::nonblock) {
    for (std::size_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  /// Lets the workers finish what was submitted, and joins them.
  ~WorkerPool() {
    for (std::size_t i = 0; i < threads_.size(); ++i) submit(nullptr);
  }

  /// Runs `job` on some worker. From any thread.
  void submit(Job job) {
    {
      const std::lock_guard lock{mutex_};
      jobs_.push_back(std::move(job));
    }
    jobs_waiting_.write(1);
  }

 private:
  void work() {
    for (;;) {
      jobs_waiting_.read();
      const Job job = take();
      if (job == nullptr) return;
      job();
    }
  }

  // There is one: the semaphore let us through.
  Job take() {
    const std::lock_guard lock{mutex_};
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  rouse::BasicEventFd<Backend> jobs_waiting_;
  std::mutex mutex_;
  std::deque<Job> jobs_;
  std::vector<std::jthread> threads_;
};

}  // namespace example
