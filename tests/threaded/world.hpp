// World: what a script's transcript says about files, registrations and who is asleep where, line by line. It knows
// numbers and the files behind them, and nothing of wakeups: what it is for, is to say which rule a line has met.
#pragma once

#include "run.hpp"

#include <algorithm>

namespace threaded {

class World {
 public:
  static constexpr int no_file = -1;

  struct Registration {
    int epoll = no_file;
    int file = no_file;
    int number = -1;  ///< Under which it was made.
    std::size_t line = 0;
    rouse::EventFlags flags;

    [[nodiscard]] bool is_exclusive() const { return flags.has(rouse::EventFlags::exclusive); }
  };

  /// A thread that is asleep in a call.
  struct Sleeper {
    int thread = 0;
    CallText call;
    std::vector<int> files;  ///< What the call's names meant when it began.
    std::vector<int> numbers;
    std::size_t since = 0;
    bool was_restarted = false;  ///< And is counted as having come when it was.

    [[nodiscard]] bool is_in(std::string_view name) const { return call.words[0] == name; }
    [[nodiscard]] bool waits_for(int file) const { return std::find(files.begin(), files.end(), file) != files.end(); }
  };

  /// A call that was made in this line by its own thread, from the line's start on.
  struct Made {
    CallText call;
    std::string result;
    int file = no_file;  ///< That it was made on.
    int second = no_file;
  };

  /// A call that ended a sleep in this line.
  struct Returned {
    Sleeper sleeper;
    std::string result;
    bool went_on = false;  ///< The thread made more calls.
  };

  /// Takes in the next line.
  void advance(const Line& line, const Step& step) {
    made.clear();
    returned.clear();
    restarted.clear();
    handlers.clear();
    before = sleepers_;
    ++lines_;
    std::vector<std::string> own = split_results(step.own);
    const auto progress = step.threads.find(line.thread);
    const bool was_free = line.thread == Line::main_thread || step.own != "busy";
    if (line.thread != Line::main_thread)
      own = progress != step.threads.end() && was_free ? progress->second.results : Words{};
    if (was_free) {
      for (std::size_t i = 0; i < own.size() && i < line.calls.size(); ++i) apply(line.calls[i], own[i], true);
      if (line.thread != Line::main_thread) lines_of_[line.thread] = &line;
      if (line.thread != Line::main_thread && own.size() < line.calls.size()) fell_asleep(line.thread, own.size());
    }
    const std::size_t by_main = step.own.find(" (");
    if (by_main != std::string::npos) handlers[Line::main_thread] = step.own.substr(by_main + 2);
    for (const auto& [thread, what] : step.threads) {
      if (!what.handlers.empty()) handlers[thread] = what.handlers;
      if (thread != line.thread || !was_free) wake(thread, what);
    }
  }

  // -- what the last line did
  std::vector<Made> made;
  std::vector<Returned> returned;
  std::vector<Sleeper> before;          ///< Asleep before it.
  std::vector<Sleeper> restarted;       ///< By a handler.
  std::map<int, std::string> handlers;  ///< That ran, by thread.

  // -- what holds after it
  [[nodiscard]] const std::vector<Registration>& registrations() const { return registrations_; }
  [[nodiscard]] const std::vector<Sleeper>& sleepers() const { return sleepers_; }
  [[nodiscard]] int file_at(int number) const {
    const auto found = files_.find(number);
    return found != files_.end() ? found->second : no_file;
  }
  [[nodiscard]] bool is_open(int file) const {
    return std::any_of(files_.begin(), files_.end(), [&](const auto& entry) { return entry.second == file; });
  }
  /// Of a socket: stream, dgram, seqpacket, tcp or udp; nothing of another file.
  [[nodiscard]] std::string type_of(int file) const {
    const auto found = types_.find(file);
    return found != types_.end() ? found->second : "";
  }
  [[nodiscard]] bool is_epoll(int file) const { return epolls_.contains(file); }

 private:
  static Words split_results(const std::string& text) {
    Words results;
    for (std::size_t at = 0; !text.empty() && at != std::string::npos;) {
      const std::size_t end = text.find("; ", at);
      results.push_back(text.substr(at, end == std::string::npos ? end : end - at));
      at = end == std::string::npos ? end : end + 2;
    }
    return results;
  }
  [[nodiscard]] int number_of(const std::string& name) const {
    const auto found = numbers_.find(name);
    return found != numbers_.end() ? found->second : -1;
  }
  [[nodiscard]] int file_of(const std::string& name) const { return file_at(number_of(name)); }

  void open(const std::string& name, int number, int file) {
    numbers_[name] = number;
    files_[number] = file;
  }
  void close(int number) {
    const int file = file_at(number);
    files_.erase(number);
    if (file == no_file || is_open(file)) return;
    std::erase_if(registrations_, [&](const Registration& r) { return r.file == file || r.epoll == file; });
  }

  void apply(const CallText& call, const std::string& result, bool by_the_line) {
    const Words& w = call.words;
    const int file = w.size() > 1 ? file_of(w[1]) : no_file;
    if (by_the_line) made.push_back({call, result, file, w.size() > 2 ? file_of(w[2]) : no_file});
    if (result.empty() || result[0] < '0' || result[0] > '9') return;
    const int number = std::stoi(result);
    const auto type = [&](std::size_t at) { return w.size() > at ? w[at] : "stream"; };
    if (w[0] == "socket" || w[0] == "bound") types_[next_file_] = type(2);
    if (w[0] == "listener") types_[next_file_] = type(3);
    if (w[0] == "pair") types_[next_file_] = types_[next_file_ + 1] = type(3);
    if (w[0] == "accept") types_[next_file_] = type_of(file);
    if (w[0] == "epoll") epolls_.insert(next_file_);
    static const std::set<std::string> makers{"epoll", "eventfd", "socket", "listener", "bound", "timer", "signalfd"};
    if (makers.contains(w[0])) open(w[1], number, next_file_++);
    if (w[0] == "accept") open(w[2], number, next_file_++);
    if (w[0] == "dup") open(w[1], number, file_of(w[2]));
    if (w[0] == "pipe" || w[0] == "pair") {
      open(w[1], number, next_file_++);
      open(w[2], std::stoi(result.substr(result.find(' '))), next_file_++);
    }
    if (w[0] == "close") close(number_of(w[1]));
    if (w[0] == "dup2" && number != number_of(w[1])) {
      close(number);
      files_[number] = file;
    }
    if (w[0] == "add") registrations_.push_back({file, file_of(w[2]), number_of(w[2]), lines_, flags(w[3])});
    if (w[0] == "mod" || w[0] == "del") control(w, file);
  }
  static rouse::EventFlags flags(const std::string& text) {
    return rouse::EventFlags::parse(text).value_or(rouse::EventFlags{});
  }
  void control(const Words& w, int epoll) {
    const auto found = std::find_if(registrations_.begin(), registrations_.end(), [&](const Registration& r) {
      return r.epoll == epoll && r.number == number_of(w[2]) && r.file == file_of(w[2]);
    });
    if (found == registrations_.end()) return;
    if (w[0] == "del") {
      registrations_.erase(found);
    } else {
      found->flags = flags(w[3]);
      found->line = lines_;
    }
  }

  void fell_asleep(int thread, std::size_t call) {
    Sleeper sleeper{thread, lines_of_[thread]->calls[call], {}, {}, lines_};
    next_call_[thread] = call;
    const Words& w = sleeper.call.words;
    // Names stand at 1; those of poll at 2, 4 and so on, of select at 2 and all that follow.
    const bool polls = w[0] == "poll" || w[0] == "ppoll";
    const bool selects = w[0] == "select" || w[0] == "pselect";
    const std::size_t first = w[0] == "ppoll" || w[0] == "pselect" ? 3 : polls || selects ? 2 : 1;
    for (std::size_t i = first; i < w.size(); i += polls ? 2 : selects ? 1 : w.size()) {
      sleeper.files.push_back(file_of(w[i]));
      sleeper.numbers.push_back(number_of(w[i]));
    }
    sleepers_.push_back(std::move(sleeper));
  }

  void wake(int thread, const Progress& what) {
    const auto found =
        std::find_if(sleepers_.begin(), sleepers_.end(), [&](const Sleeper& s) { return s.thread == thread; });
    if (found == sleepers_.end()) return;
    if (what.results.empty()) return started_again(found);
    returned.push_back({*found, what.results[0], what.results.size() > 1 || !what.done});
    sleepers_.erase(found);
    std::size_t call = next_call_[thread];
    for (const std::string& result : what.results) apply(lines_of_[thread]->calls[call++], result, false);
    if (!what.done) fell_asleep(thread, call);
  }

  // The handlers that ran were of the kind that restarts, or the call's mask let nothing in.
  void started_again(std::vector<Sleeper>::iterator sleeper) {
    restarted.push_back(*sleeper);
    sleeper->was_restarted = true;
    std::rotate(sleeper, sleeper + 1, sleepers_.end());
  }

  std::size_t lines_ = 0;
  int next_file_ = 0;
  std::map<std::string, int> numbers_;
  std::map<int, int> files_;  // By number.
  std::set<int> epolls_;
  std::map<int, std::string> types_;
  std::vector<Registration> registrations_;  // In the order of their ADD.
  std::vector<Sleeper> sleepers_;            // In the order in which they fell asleep.
  std::map<int, const Line*> lines_of_;
  std::map<int, std::size_t> next_call_;
};

}  // namespace threaded
