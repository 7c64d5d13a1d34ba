// LineCounter: ordinary code, not a template, that starts an ordinary thread. Built with ROUSE_AMBIENT its test puts it
// on an emulated kernel as it stands.
#pragma once

#include <rouse/rouse.hpp>

#include <algorithm>
#include <atomic>
#include <string_view>
#include <thread>

namespace example {

/// Counts the lines that are written into its pipe, on a thread of its own.
class LineCounter {
 public:
  LineCounter() : thread_([this] { run(); }) {}
  /// Counts what was written so far, and ends.
  ~LineCounter() { finish(); }

  void write(std::string_view text) { pipe_.writer.write(text); }

  /// Counts what was written so far, ends the thread, and returns how many lines there were.
  long finish() {
    if (thread_.joinable()) {
      stop_.notify();
      thread_.join();
    }
    return lines_;
  }

 private:
  void run() {
    rouse::Epoll epoll;
    epoll.add(pipe_.reader, rouse::EventFlags::in);
    epoll.add(stop_, rouse::EventFlags::in);
    rouse::EventVec events(2);
    for (bool stopping = false; !stopping;) {
      epoll.wait_restarting(events);
      for (auto [flags, data] : events) {
        if (data.fd() == stop_.fd()) stopping = true;
      }
      // After the stop was seen, so that nothing written before it is missed.
      read_all();
    }
  }

  void read_all() {
    char buffer[4096];
    while (const auto n = pipe_.reader.try_read(buffer)) {
      lines_ += std::count(buffer, buffer + *n, '\n');
    }
  }

  rouse::Pipe pipe_;
  rouse::EventFd stop_;
  std::atomic<long> lines_ = 0;
  std::thread thread_;
};

}  // namespace example
