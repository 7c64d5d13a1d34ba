// The calls of scripts that look at several files, poll's relatives. What calls.hpp says of them all holds here.
#pragma once

#include "calls_fd.hpp"

#include <sys/select.h>

namespace differential {

/// The entries of a list, as poll takes them, and what it made of them.
template <class Run>
struct PollEntries {
  PollEntries(Run& the_run, const Step& step) : run(the_run), entries(the_run.polls()) {
    entries.clear();
    for (const Item& item : step.items) {
      entries.push_back({static_cast<int>(item.first), static_cast<short>(item.second), 0x5a5a});
    }
  }
  [[nodiscard]] ::pollfd* get(std::int64_t which) {
    ::pollfd* const good = entries.empty() ? &none : entries.data();
    return const_cast<::pollfd*>(run.input(which, good, size()));
  }
  void take(std::int64_t which) {
    run.fetch(which, entries.data(), size());
    for (const ::pollfd& entry : entries) {
      append_set(run.transcript.text() += ' ', static_cast<std::uint16_t>(entry.revents), event_names);
    }
  }

  [[nodiscard]] std::size_t size() const { return entries.size() * sizeof(::pollfd); }

  Run& run;
  std::vector<::pollfd>& entries;
  ::pollfd none{};
};

struct Poll {
  static Signature signature() {
    return {"poll",
            Call::poll,
            6,
            {number("timeout", values::timeouts, values::timeouts_rare), bad_buffer("fds")},
            List::polls};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    PollEntries<Run> fds{run, step};
    run.result(run.backend.poll(fds.get(step.args[1]), fds.entries.size(), int_of(step, 0)));
    fds.take(step.args[1]);
  }
};

struct Ppoll {
  static Signature signature() {
    return {"ppoll",
            Call::ppoll,
            3,
            {number("seconds", values::seconds, values::seconds_rare),
             number("nanoseconds", values::nanoseconds, values::nanoseconds_rare), blocked_signals(), bad_buffer("fds"),
             null_pointer("timeout"), bad_pointer("mask")},
            List::polls};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    PollEntries<Run> fds{run, step};
    const ::timespec timeout{static_cast<std::time_t>(step.args[0]), static_cast<long>(step.args[1])};
    const ::sigset_t mask = signal_set(step.args[2]);
    run.result(run.backend.ppoll(fds.get(step.args[3]), fds.entries.size(), Run::pointer(step.args[4], &timeout),
                                 Run::pointer(step.args[5], &mask)));
    fds.take(step.args[3]);
  }
};

/// The three sets of select: in, out and pri of a list's entries.
struct FdSets {
  explicit FdSets(const Step& step) {
    for (::fd_set& set : sets) FD_ZERO(&set);
    for (const Item& item : step.items) {
      if (item.first < 0 || item.first >= FD_SETSIZE) continue;
      const auto fd = static_cast<int>(item.first);
      if ((item.second & POLLIN) != 0) FD_SET(fd, &sets[0]);
      if ((item.second & POLLOUT) != 0) FD_SET(fd, &sets[1]);
      if ((item.second & POLLPRI) != 0) FD_SET(fd, &sets[2]);
    }
  }
  void take(std::string& to) {
    constexpr const char* names[] = {" in", " out", " pri"};
    for (std::size_t i = 0; i < std::size(sets); ++i) {
      to += names[i];
      for (int fd = 0; fd < 256; ++fd) {
        if (FD_ISSET(fd, &sets[i])) append_number(to += ' ', fd);
      }
    }
  }
  ::fd_set sets[3];
};

struct Select {
  static Signature signature() {
    return {"select",
            Call::select,
            3,
            {number("n", values::set_sizes, values::set_sizes_rare),
             number("microseconds", values::timeouts, values::microseconds_rare), bad_pointer("read"),
             bad_pointer("write"), bad_pointer("except"), null_pointer("timeout")},
            List::polls};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    FdSets fds{step};
    ::timeval timeout{0, static_cast<long>(step.args[1])};
    run.result(run.backend.select(int_of(step, 0), Run::pointer(step.args[2], &fds.sets[0]),
                                  Run::pointer(step.args[3], &fds.sets[1]), Run::pointer(step.args[4], &fds.sets[2]),
                                  Run::pointer(step.args[5], &timeout)));
    fds.take(run.transcript.text());
  }
};

struct Pselect {
  static Signature signature() {
    return {"pselect",
            Call::pselect6,
            2,
            {number("n", values::set_sizes, values::set_sizes_rare),
             number("seconds", values::seconds, values::seconds_rare),
             number("nanoseconds", values::nanoseconds, values::nanoseconds_rare), blocked_signals(),
             bad_pointer("read"), null_pointer("timeout"), bad_pointer("mask")},
            List::polls};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    FdSets fds{step};
    const ::timespec timeout{static_cast<std::time_t>(step.args[1]), static_cast<long>(step.args[2])};
    const ::sigset_t mask = signal_set(step.args[3]);
    run.result(run.backend.pselect(int_of(step, 0), Run::pointer(step.args[4], &fds.sets[0]), &fds.sets[1],
                                   &fds.sets[2], Run::pointer(step.args[5], &timeout),
                                   Run::pointer(step.args[6], &mask)));
    fds.take(run.transcript.text());
  }
};

}  // namespace differential
