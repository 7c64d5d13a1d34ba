// Run: a script made to happen on one kernel, and the transcript of it: after each line, and once everybody is at rest,
// what the line's own call returned and what came of the threads' calls; at the end every file's bits, what every epoll
// has left to report, and who is still asleep.
#pragma once

#include "kernels.hpp"

#include <map>
#include <set>

namespace threaded {

/// What a thread's calls returned since the line before.
struct Progress {
  std::vector<std::string> results;
  bool done = false;     ///< It has made all its calls; else it is asleep in the next.
  std::string handlers;  ///< That ran on it.

  friend bool operator==(const Progress&, const Progress&) = default;
};

struct Step {
  std::string act;
  std::string own;  ///< What the main thread's calls returned.
  std::map<int, Progress> threads;

  friend bool operator==(const Step&, const Step&) = default;
};

struct Transcript {
  std::vector<Step> steps;  ///< The script's lines, then the looks at the end.
  std::set<int> asleep;     ///< At the end.
  bool in_time = true;      ///< False: a short time-out ran out before the script said so. It means nothing then.

  friend bool operator==(const Transcript&, const Transcript&) = default;
};

inline std::string to_string(const Step& step) {
  std::string text = step.act + (step.own.empty() ? "" : " -> " + step.own);
  for (const auto& [thread, progress] : step.threads) {
    text += "\n    s" + std::to_string(thread) + " <-";
    for (const std::string& result : progress.results) text += " [" + result + "]";
    if (!progress.done) text += " ...";
    if (!progress.handlers.empty()) text += " (" + progress.handlers + ")";
  }
  return text;
}

inline std::string to_string(const Transcript& transcript) {
  std::string text;
  for (const Step& step : transcript.steps) text += to_string(step) + '\n';
  text += "asleep:";
  for (const int thread : transcript.asleep) text += " s" + std::to_string(thread);
  return text + '\n';
}

template <class Kernel>
class Run {
 public:
  Run(Kernel& kernel, Threads& threads) : kernel_(kernel), threads_(threads) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Transcript operator()(const Script& script) {
    kernel_.begin(script);
    HandlerRuns::forget();  // Those that the end of a run let in.
    calls_.emplace(kernel_.backend(), shared_);
    signals_ = uses_signals(script);
    if (signals_) begin_signals(script);
    for (std::size_t i = 0; i < script.size(); ++i) {
      kernel_.begin_line(i);
      act(script[i], i);
    }
    kernel_.begin_line(script.size());
    look_at_what_is_left(script.size());
    for (int i = 0; i < threads_max; ++i) {
      if (threads_[index(i)].is_busy()) transcript_.asleep.insert(i);
    }
    is_over_ = true;
    kernel_.end();
    if (signals_) kernel_.end_signals();
    return std::move(transcript_);
  }

 private:
  struct Worker {
    std::mutex mutex;
    std::vector<std::string> results;
    std::size_t reported = 0;
    bool was_busy = false;
  };

  static std::size_t index(int thread) { return static_cast<std::size_t>(thread); }

  // The main thread is the first that calls, as it is the first on Linux; then the others, in their order.
  void begin_signals(const Script& script) {
    const auto backend = kernel_.backend();
    set_handlers(backend);
    kernel_.begin_signals();
    HandlerRuns::forget();  // One that this took.
    static_cast<void>(backend.gettid());
    calls_->let_signals_in();
    std::set<int> threads;
    for (const Line& line : script) threads.insert(line.thread);
    threads.erase(Line::main_thread);
    for (const int i : threads) {
      run_and_wait(threads_[index(i)], [&] {
        this_thread = index(i);
        shared_.tids[index(i)] = backend.gettid().value();
        calls_->hold_signals_back();
      });
    }
  }

  void act(const Line& line, std::size_t number) {
    Step step{to_string(line), "", {}};
    if (line.thread != Line::main_thread) {
      step.own = start(line, number);
    } else {
      for (const CallText& call : line.calls) {
        if (!step.own.empty()) step.own += "; ";
        step.own += make(call, number);
      }
    }
    finish(std::move(step));
  }

  std::string make(const CallText& call, std::size_t number) {
    if (call.words[0] == "expire") {
      kernel_.expire(shared_.short_waits);
      shared_.short_waits.passed();
      return "";
    }
    return Calls<typename Kernel::Backend>::may_block(call) ? "not by the main thread" : calls_->make(call, number);
  }

  std::string start(const Line& line, std::size_t number) {
    PoolThread& thread = threads_[index(line.thread)];
    if (thread.is_busy()) return "busy";
    Worker& worker = workers_[index(line.thread)];
    worker.was_busy = true;
    thread.start([this, &worker, &line, number] {
      try {
        this_thread = index(line.thread);
        if (signals_) calls_->let_signals_in();
        for (std::size_t i = 0; i < line.calls.size() && !is_over_; ++i) {
          if (i > 0) kernel_.between_calls(index(line.thread), i);
          std::string result = calls_->make(line.calls[i], number);
          if (is_over_) break;
          const std::lock_guard lock{worker.mutex};
          worker.results.push_back(std::move(result));
        }
      } catch (const typename Kernel::Ended&) {
        // The run is over.
      }
      if (!signals_) return;
      // Others may send a signal before this thread blocks them: that is a call of its own, too.
      kernel_.between_calls(index(line.thread), line.calls.size());
      calls_->hold_signals_back();
    });
    return "";
  }

  void finish(Step step) {
    kernel_.wait_for_rest();
    for (int i = 0; i < threads_max; ++i) {
      Worker& worker = workers_[index(i)];
      if (!worker.was_busy) continue;
      worker.was_busy = threads_[index(i)].is_busy();
      const std::lock_guard lock{worker.mutex};
      std::string handlers = HandlerRuns::take(index(i));
      if (worker.reported == worker.results.size() && handlers.empty()) continue;
      const auto first_new = worker.results.begin() + static_cast<std::ptrdiff_t>(worker.reported);
      step.threads[i] = {{first_new, worker.results.end()}, !worker.was_busy, std::move(handlers)};
      worker.reported = worker.results.size();
    }
    const std::string handlers = HandlerRuns::take(main_index);
    if (!handlers.empty()) step.own += " (" + handlers + ")";
    if (!kernel_.was_in_time(shared_.short_waits)) transcript_.in_time = false;
    transcript_.steps.push_back(std::move(step));
  }

  // None of this blocks, but it may move threads that wait.
  void look_at_what_is_left(std::size_t number) {
    for (const auto& [name, fd] : shared_.names.all()) {
      const CallText bits{{"bits", name}};
      finish({to_string(bits), calls_->make(bits, number), {}});
      if (name[0] != 'e') continue;
      const CallText wait{{"wait", name, "16", "0"}};
      finish({to_string(wait), calls_->make(wait, number), {}});
    }
  }

  Kernel& kernel_;
  Threads& threads_;
  Shared shared_;
  std::optional<Calls<typename Kernel::Backend>> calls_;
  std::array<Worker, threads_max> workers_;
  bool signals_ = false;
  std::atomic<bool> is_over_{false};
  Transcript transcript_;
};

/// Runs a script on a kernel; once more if it took too long.
template <class Kernel>
Transcript run(Kernel& kernel, Threads& threads, const Script& script) {
  for (;;) {
    Transcript transcript = Run<Kernel>{kernel, threads}(script);
    if (transcript.in_time) return transcript;
  }
}

}  // namespace threaded
