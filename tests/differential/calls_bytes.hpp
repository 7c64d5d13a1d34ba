// The calls of scripts that move bytes on any fd. What calls.hpp says of them all holds here.
#pragma once

#include "calls_fd.hpp"

#include <cstring>
#include <string>

namespace differential {

struct Read {
  static Signature signature() {
    return {"read",
            Call::read,
            16,
            {fd("fd", Wants::readable), number("size", values::rooms, values::rooms_rare), bad_buffer("buffer")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    char* const to = run.output(step.args[2], run.memory.target());
    run.result(run.backend.read(int_of(step, 0), to, Run::size(step.args[1])));
    run.fetch(step.args[2], run.memory.target(), run.moved());
    run.bytes(0, Run::present(step.args[1]));
  }
};

struct Write {
  static Signature signature() {
    return {"write",
            Call::write,
            18,
            {fd("fd", Wants::writable), number("size", values::lengths, values::lengths_rare),
             keyed("value", Kind::number, values::no_value, values::write_values, values::write_values_rare),
             bad_buffer("buffer")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const char* const good = run.source(step.args[1], step.args[2]);
    const char* const from = run.input(step.args[3], good, Run::present(step.args[1]));
    run.result(run.backend.write(int_of(step, 0), from, Run::size(step.args[1])));
  }
};

/// Vectors as the call takes them; they follow each other in memory, with a gap between them.
template <class Run>
struct Vectors {
  /// For a call that takes from them.
  Vectors(Run& run, const Step& step, const char* memory) {
    lay_out(step);
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const Item& item = step.items[i];
      const char* const from = run.input(item.first, memory + starts[i], Run::present(item.second), i);
      all.push_back({const_cast<char*>(from), Run::size(item.second)});
    }
    all.push_back({});  // A pointer to none is a good one, too.
  }
  /// For one that fills them.
  Vectors(Run& run, const Step& step) {
    lay_out(step);
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const Item& item = step.items[i];
      all.push_back({run.output(item.first, run.memory.target() + starts[i], i), Run::size(item.second)});
    }
    all.push_back({});
  }
  [[nodiscard]] int count() const { return static_cast<int>(starts.size()); }

  /// What the call put into them.
  void take(Run& run, const Step& step) const {
    std::string whole;
    for_each_part(run, step, [&](std::size_t i, std::size_t here) {
      run.fetch(step.items[i].first, run.memory.target() + starts[i], here, i);
      whole.append(run.memory.target() + starts[i], here);
    });
    run.forget_senders(whole);
    std::size_t done = 0;
    for_each_part(run, step, [&](std::size_t i, std::size_t here) {
      std::memcpy(run.memory.target() + starts[i], whole.data() + done, here);
      run.memory.take(run.transcript.text(), starts[i], here, Run::present(step.items[i].second));
      done += here;
    });
  }

  std::vector<::iovec> all;
  std::vector<std::size_t> starts;

 private:
  /// Each vector, and how much came into it.
  template <class Visit>
  void for_each_part(Run& run, const Step& step, Visit visit) const {
    std::size_t left = run.moved();
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const std::size_t here = std::min(left, Run::present(step.items[i].second));
      visit(i, here);
      left -= here;
    }
  }
  void lay_out(const Step& step) {
    std::size_t at = 0;
    for (const Item& item : step.items) {
      starts.push_back(at);
      at += Run::present(item.second) + Memory::guard;
      if (at > Memory::size_max / 2) at = 0;  // More than that is moved nowhere.
    }
  }
};

struct Readv {
  static Signature signature() {
    return {"readv", Call::readv, 3, {fd("fd", Wants::readable), bad_pointer("vectors")}, List::vectors};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const Vectors<Run> vectors{run, step};
    run.result(run.backend.readv(int_of(step, 0), Run::pointer(step.args[1], vectors.all.data()), vectors.count()));
    vectors.take(run, step);
  }
};

struct Writev {
  static Signature signature() {
    return {"writev",
            Call::writev,
            3,
            {fd("fd", Wants::writable),
             keyed("value", Kind::number, values::no_value, values::write_values, values::write_values_rare),
             bad_pointer("vectors")},
            List::vectors};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    std::int64_t longest = 0;
    for (const Item& item : step.items) longest += static_cast<std::int64_t>(Run::present(item.second)) + 64;
    const char* const from = run.source(std::min<std::int64_t>(longest, Memory::size_max), step.args[1]);
    const Vectors<Run> vectors{run, step, from};
    run.result(run.backend.writev(int_of(step, 0), Run::pointer(step.args[2], vectors.all.data()), vectors.count()));
  }
};

struct Pread {
  static Signature signature() {
    return {"pread",
            Call::pread,
            4,
            {fd("fd", Wants::any), number("size", values::rooms, values::rooms_rare),
             number("offset", values::offsets, values::offsets_bad), bad_pointer("buffer")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    char* const to = run.output(step.args[3], run.memory.target());
    run.result(run.backend.pread(int_of(step, 0), to, Run::size(step.args[1]), step.args[2]));
    run.fetch(step.args[3], run.memory.target(), run.moved());
    run.bytes(0, Run::present(step.args[1]));
  }
};

struct Pwrite {
  static Signature signature() {
    return {"pwrite",
            Call::pwrite,
            4,
            {fd("fd", Wants::any), number("size", values::lengths, values::lengths_rare),
             number("offset", values::offsets, values::offsets_bad), bad_pointer("buffer")}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    const char* const from = run.input(step.args[3], run.source(step.args[1], -1), Run::present(step.args[1]));
    run.result(run.backend.pwrite(int_of(step, 0), from, Run::size(step.args[1]), step.args[2]));
  }
};

struct Lseek {
  static Signature signature() {
    return {"lseek",
            Call::lseek,
            1,
            {fd("fd", Wants::any), number("offset", values::offsets, values::offsets_bad),
             choice("whence", whence_names, values::whences, values::whences_bad)}};
  }
  template <class Run>
  static void make(Run& run, const Step& step) {
    run.result(run.backend.lseek(int_of(step, 0), step.args[1], int_of(step, 2)));
  }
};

}  // namespace differential
