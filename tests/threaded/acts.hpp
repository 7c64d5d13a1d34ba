// Acts: what a generator does to the files of its bed, and to the threads that wait for them.
#pragma once

#include "script_writer.hpp"

namespace threaded {

class Acts : protected ScriptWriter {
 protected:
  using ScriptWriter::ScriptWriter;

  int some(int least, int most) { return least + random_.below(most - least + 1); }

  /// Somebody else who watches what threads wait for.
  void onlooker(const Text& file) {
    const Text e = epoll();
    watch(e, file);
    if (!one_in(3)) waiter(wait_in(e));
  }
  /// Reads a signalfd, in which it sees only signals that it blocks.
  void catcher(const Text& file) {
    const Text blocked = one_in(5) ? mask_of_signals() : Text{"ends|restarts"};
    waiter({{{"mask", blocked}}, {{"catch", file}}});
  }

  Text bytes_few() { return any_of({"1", "1", "2", "3", "5", "100"}); }
  Text bytes_many() { return any_of({"1", "100", "4096", "4096", "4097", "5000", "8192", "20000"}); }

  void add_waiter() {
    const Text file = any_file();
    switch (kind_of(file)) {
      case Kind::epoll: return waiter(wait_in(file));
      case Kind::counter: return waiter({{{"take", file}}});
      case Kind::pipe_reader: return waiter({{{"read", file, bytes_few()}}});
      case Kind::pipe_writer: return waiter({{{"write", file, bytes_many()}}});
      case Kind::pair_end: return waiter({{{"recv", file, bytes_few()}}});
      case Kind::listener: return waiter({{{"accept", file, fresh('a')}}});
      case Kind::client: return waiter({{{"poll", time_out(), file, "in|out"}}});
      case Kind::packet_end: return waiter({receive(file)});
      case Kind::bound: return waiter({receive(file)});
      case Kind::sender: return waiter({send_packet(file)});
      case Kind::tcp_end: return waiter({{{"recv", file, bytes_few()}}});
      case Kind::tcp_listener: return waiter({{{"accept", file, fresh('a')}}});
      case Kind::tcp_client: return waiter({{{"poll", time_out(), file, "in|out"}}});
      case Kind::udp_end: return waiter({receive(file)});
      case Kind::timer: return waiter({{{"take", file}}});
      case Kind::signal_fd: return catcher(file);
    }
  }

  void closes(const Text& name) {
    if (kind_of(name) == Kind::tcp_end && one_in(3)) line({"linger", name});
    line({"close", name});
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (open_[i].name == name) {
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
        return;
      }
    }
  }

  /// The other end of a pipe or pair; the file itself if it is none.
  Text other_end(const Text& name) const {
    static constexpr char from[] = "rwab";
    static constexpr char to[] = "wrba";
    for (int i = 0; i < 4; ++i) {
      if (name.back() == from[i]) return name.substr(0, name.size() - 1) + to[i];
    }
    return name;
  }

  CallText moves(const Text& file) {
    switch (kind_of(file)) {
      case Kind::counter:
        return one_in(3) ? CallText{{"take", file}} : CallText{{"put", file, any_of({"0", "1", "1", "2", "5"})}};
      case Kind::pipe_reader: return {{"read", file, any_of({"1", "3", "100", "4096", "5000"})}};
      case Kind::pipe_writer: return {{"write", file, one_in(3) ? bytes_many() : bytes_few()}};
      case Kind::pair_end:
        if (one_in(2)) return {{"recv", file, one_in(2) ? bytes_few() : bytes_many(), "dontwait"}};
        return {{"send", file, one_in(3) ? bytes_many() : bytes_few(), "dontwait"}};
      case Kind::epoll: return {{"wait", file, any_of({"1", "4"}), "0"}};
      case Kind::listener: return {{"accept", file, fresh('a')}};
      case Kind::client: return {{"poll", "0", file, "in|out"}};
      case Kind::packet_end:
        if (one_in(2)) return {{one_in(3) ? "recvmsg" : "recv", file, bytes_few(), "dontwait"}};
        return {{one_in(3) ? "sendmsg" : "send", file, one_in(5) ? bytes_many() : bytes_few(), "dontwait"}};
      case Kind::bound: return {{one_in(3) ? "recvmsg" : "recv", file, bytes_few(), "dontwait"}};
      case Kind::sender: return {{one_in(3) ? "sendmsg" : "send", file, bytes_few(), "dontwait"}};
      case Kind::tcp_end:
        if (one_in(3)) return {{"recv", file, bytes_few(), "dontwait"}};
        return {{"send", file, bytes_few(), "dontwait"}};
      case Kind::tcp_listener: return {{"accept", file, fresh('a')}};
      case Kind::tcp_client: return {{"poll", "0", file, "in|out"}};
      case Kind::udp_end:
        if (one_in(3)) return {{one_in(3) ? "recvmsg" : "recv", file, bytes_few(), "dontwait"}};
        return {{one_in(3) ? "sendmsg" : "send", file, bytes_few(), "dontwait"}};
      case Kind::timer: return {{"set", file, one_in(3) ? "off" : "past"}};
      case Kind::signal_fd: return {{"poll", "0", file, "in"}};
    }
    return {};
  }

  CallText receive(const Text& file) {
    CallText call{{one_in(3) ? "recvmsg" : "recv", file, bytes_few()}};
    if (one_in(8)) call.words.emplace_back("peek");
    return call;
  }
  CallText send_packet(const Text& file) { return {{one_in(3) ? "sendmsg" : "send", file, bytes_few()}}; }

  /// Makes something happen at `file`.
  void touch(const Text& file) {
    const Text from = open({Kind::sender});
    if (kind_of(file) == Kind::bound && !from.empty() && one_in(3)) return by(next_hand(), {moves(from)});
    if (kind_of(file) == Kind::listener && one_in(2)) return hand({"connect", client(), file});
    if (kind_of(file) == Kind::tcp_listener && !one_in(4)) return hand({"connect", tcp_client(), file});
    const Text at = one_in(2) ? other_end(file) : file;
    std::vector<CallText> calls{moves(at)};
    if (one_in(5)) calls.push_back(moves(one_in(2) ? at : file));  // One right after the other.
    by(next_hand(), std::move(calls));
  }

  void control() {
    const Text e = open({Kind::epoll});
    if (e.empty()) return touch(any_file());
    const Text file = any_file();
    switch (random_.below(4)) {
      case 0: return line({"add", e, file, mask(file)});
      case 1: return line({"del", e, file});
      default: return line({"mod", e, file, mask(file, false)});
    }
  }

  /// Sends a signal to somebody.
  void signal() {
    const Text which = any_of({"ends", "ends", "restarts", "restarts", "restarts", "ignored"});
    if (one_in(4)) {
      if (one_in(2)) line({"mask", one_in(6) ? "none" : "ends|restarts"});
      return line({"kill", which});
    }
    const Text whom = 's' + std::to_string(waiters_ > 0 && !one_in(8) ? 1 + random_.below(waiters_) : any({0, 8, 9}));
    if (!one_in(4)) return line({"tkill", whom, which});
    // Something else right before or after it.
    std::vector<CallText> calls{{{"tkill", whom, which}}};
    calls.insert(one_in(2) ? calls.begin() : calls.end(), moves(any_file()));
    by(next_hand(), std::move(calls));
  }

  void act() {
    if (has_signals_ && one_in(3)) return signal();
    const Text file = any_file();
    const int lot = random_.below(100);
    if (lot < 52) return touch(file);
    if (lot < 66) return control();
    if (lot < 72) return add_waiter();
    if (lot < 80) return closes(file);
    if (lot < 84) return line({"dup2", any_file(), file});
    if (lot < 87) {
      const Text name = fresh('d');
      line({"dup", name, file});
      made(kind_of(file), name);
      if (one_in(2)) closes(file);
      return;
    }
    if (lot < 91) {
      const Text end = open({Kind::pair_end, Kind::listener, Kind::packet_end, Kind::bound, Kind::sender, Kind::tcp_end,
                             Kind::tcp_listener, Kind::udp_end});
      return end.empty() ? touch(file) : line({"shutdown", end, any_of({"rd", "wr", "rdwr"})});
    }
    if (lot < 94) {
      const Text end = open({Kind::pipe_writer, Kind::pipe_reader});
      return end.empty() ? touch(file) : line({"resize", end, any_of({"4096", "8192", "32768"})});
    }
    if (lot < 96) {
      const Text end = open({Kind::pair_end, Kind::packet_end, Kind::sender});
      return end.empty() ? touch(file) : line({"sndbuf", end, any_of({"2304", "16384", "100000"})});
    }
    if (lot < 98) return line({"nonblock", file, any_of({"0", "1"})});
    static_cast<void>(watched());  // On a number that may have been used before.
  }
};

}  // namespace threaded
