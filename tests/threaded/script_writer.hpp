// ScriptWriter: what a generator writes scripts with: lots, lines, files by name, masks, waits. It knows which files
// are open as far as a script says so itself.
#pragma once

#include "random.hpp"
#include "script.hpp"

#include <cstdint>
#include <initializer_list>

namespace threaded {

class ScriptWriter {
 protected:
  explicit ScriptWriter(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 8; ++i) random_.below(2);  // Neighbouring seeds begin alike.
  }

  using Text = std::string;
  enum class Kind {
    epoll,
    counter,
    pipe_reader,
    pipe_writer,
    pair_end,
    listener,
    client,
    packet_end,
    bound,
    sender,
    tcp_end,
    tcp_listener,
    tcp_client,
    udp_end,
    timer,
    signal_fd,
  };
  struct Open {
    Kind kind;
    Text name;
  };

  // -- drawing lots

  bool one_in(int n) { return random_.below(n) == 0; }
  template <class T>
  T any(std::initializer_list<T> choices) {
    return choices.begin()[random_.below(choices.size())];
  }
  Text any_of(std::initializer_list<const char*> choices) { return any(choices); }
  /// A file of one of these kinds that is open, as far as is known; an empty name if there is none.
  Text open(std::initializer_list<Kind> kinds) {
    std::vector<Text> found;
    for (const Open& file : open_) {
      for (const Kind kind : kinds) {
        if (file.kind == kind) found.push_back(file.name);
      }
    }
    return found.empty() ? Text{} : found[random_.below(found.size())];
  }
  Text any_file() { return open_.empty() ? Text{"none"} : open_[random_.below(open_.size())].name; }
  Kind kind_of(const Text& name) const {
    for (const Open& file : open_) {
      if (file.name == name) return file.kind;
    }
    return Kind::counter;
  }

  // -- writing lines

  void line(Words words) { script_.push_back({Line::main_thread, {{std::move(words)}}}); }
  void by(int thread, std::vector<CallText> calls) { script_.push_back({thread, std::move(calls)}); }
  /// By one of the threads that act rather than wait, though an act may block.
  void hand(Words words) { by(next_hand(), {{std::move(words)}}); }
  int next_hand() {
    hand_ = (hand_ + 1) % 3;
    return hand_ == 0 ? 0 : 7 + hand_;
  }
  /// A thread that waits: a new one, or now and then one that may have returned.
  void waiter(std::vector<CallText> calls) {
    if (has_signals_ && one_in(6)) calls.insert(calls.begin(), {{"mask", mask_of_signals()}});
    if (waiters_ == waiters_max || (waiters_ > 1 && one_in(12))) {
      by(1 + random_.below(waiters_), std::move(calls));
    } else {
      by(++waiters_, std::move(calls));
    }
  }

  // -- files

  Text made(Kind kind, Text name) {
    open_.push_back({kind, name});
    return name;
  }
  Text fresh(char kind) { return kind + std::to_string(++names_); }

  Text epoll() {
    const Text name = fresh('e');
    line({"epoll", name});
    return made(Kind::epoll, name);
  }
  Text counter() {
    const Text name = fresh('v');
    Words words{"eventfd", name, one_in(8) ? "1" : "0"};
    if (one_in(3)) words.emplace_back("semaphore");
    line(words);
    return made(Kind::counter, name);
  }
  Text pipe() {
    const Text name = fresh('p');
    line({"pipe", name + 'r', name + 'w'});
    made(Kind::pipe_reader, name + 'r');
    made(Kind::pipe_writer, name + 'w');
    if (one_in(2)) line({"resize", name + 'w', any_of({"4096", "8192"})});
    return name;
  }
  Text pair() {
    const Text name = fresh('u');
    line({"pair", name + 'a', name + 'b'});
    made(Kind::pair_end, name + 'a');
    made(Kind::pair_end, name + 'b');
    if (one_in(3)) line({"sndbuf", name + 'a', "2304"});
    return name;
  }
  Text listener(const Text& backlog) {
    const Text name = fresh('l');
    Words words{"listener", name, backlog};
    if (one_in(6)) words.emplace_back("seqpacket");
    line(words);
    return made(Kind::listener, name);
  }
  /// Both ends of datagrams, or of packets in sequence.
  Text packet_pair() {
    const bool datagrams = one_in(2);
    const Text name = fresh(datagrams ? 'g' : 'q');
    line({"pair", name + 'a', name + 'b', datagrams ? "dgram" : "seqpacket"});
    made(Kind::packet_end, name + 'a');
    made(Kind::packet_end, name + 'b');
    if (one_in(3)) line({"sndbuf", name + 'a', "2304"});
    return name;
  }
  Text bound() {
    const Text name = fresh('g');
    line({"bound", name, "dgram"});
    return made(Kind::bound, name);
  }
  /// A socket that sends to `receiver`.
  Text sender(const Text& receiver) {
    const Text name = fresh('g');
    line({"socket", name, "dgram"});
    by(next_hand(), {{{"connect", name, receiver}}});
    return made(Kind::sender, name);
  }
  Text client() {
    const Text name = fresh('c');
    line({"socket", name});
    return made(Kind::client, name);
  }
  // Named as what they behave like: who receives from t1a races for it, who receives from g1a stands in line.
  Text tcp_pair() {
    const Text name = fresh('t');
    line({"pair", name + 'a', name + 'b', "tcp"});
    made(Kind::tcp_end, name + 'a');
    made(Kind::tcp_end, name + 'b');
    return name;
  }
  Text udp_pair() {
    const Text name = fresh('g');
    line({"pair", name + 'a', name + 'b', "udp"});
    made(Kind::udp_end, name + 'a');
    made(Kind::udp_end, name + 'b');
    return name;
  }
  /// Never full: Linux lets who connects to a full one try again after a second.
  Text tcp_listener() {
    const Text name = fresh('l');
    line({"listener", name, "100", "tcp"});
    return made(Kind::tcp_listener, name);
  }
  Text tcp_client() {
    const Text name = fresh('c');
    line({"socket", name, "tcp"});
    return made(Kind::tcp_client, name);
  }
  Text timer() {
    const Text name = fresh('m');
    line({"timer", name});
    return made(Kind::timer, name);
  }
  Text signal_fd() {
    const Text name = fresh('n');
    line({"signalfd", name, any_of({"ends", "restarts", "ends|restarts", "ends|restarts"})});
    return made(Kind::signal_fd, name);
  }
  /// Something to watch.
  Text watched() {
    if (one_in(8)) return packet_pair() + 'a';
    if (one_in(12)) return tcp_pair() + 'a';
    if (one_in(12)) return udp_pair() + 'a';
    if (one_in(12)) return timer();
    switch (random_.below(5)) {
      case 0: return pipe() + 'r';
      case 1: return pair() + 'a';
      case 2: return one_in(3) ? pipe() + 'w' : counter();
      default: return counter();
    }
  }

  Text mask(const Text& name, bool may_be_exclusive = true) {
    Text bits = kind_of(name) == Kind::pipe_writer ? "out" : one_in(4) ? any_of({"in|out", "out", "in|rdhup"}) : "in";
    const int mode = random_.below(10);
    if (mode >= 4 && mode < 7) bits += "|et";
    if (mode == 7) bits += "|oneshot";
    if (mode == 8) bits += "|et|oneshot";
    if (mode == 9 && may_be_exclusive) bits += one_in(3) ? "|et|exclusive" : "|exclusive";
    return bits;
  }
  void watch(const Text& epoll, const Text& name) { line({"add", epoll, name, mask(name)}); }

  /// A wait, and sometimes what one does after it.
  std::vector<CallText> wait_in(const Text& epoll) {
    Words words{"wait", epoll, any_of({"1", "1", "2", "4"}), time_out()};
    if (has_signals_ && one_in(3)) {
      words[0] = one_in(3) ? "pwait2" : "pwait";
      words.push_back(mask_for_call());
    }
    std::vector<CallText> calls{{std::move(words)}};
    if (one_in(8)) calls.push_back({{"wait", epoll, "4", one_in(2) ? "-1" : "0"}});
    return calls;
  }
  Text time_out() {
    if (one_in(150)) {
      has_short_wait_ = true;
      return "20";
    }
    return one_in(8) ? "100000" : "-1";
  }

  Text mask_of_signals() { return any_of({"none", "ends", "restarts", "ends|restarts", "ends|restarts"}); }
  Text mask_for_call() { return one_in(6) ? Text{"keep"} : mask_of_signals(); }

  static constexpr int waiters_max = 5;

  test::Random random_;
  Script script_;
  std::vector<Open> open_;
  int names_ = 0;
  int waiters_ = 0;
  int hand_ = 0;
  bool has_short_wait_ = false;
  bool has_signals_ = false;
};

}  // namespace threaded
