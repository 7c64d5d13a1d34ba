// Generator: scripts by seed. Each is a bed, a few files with threads that wait for them in one of the ways that the
// rules of waking speak of, and then acts on these files. What may go wrong when a script is cut shorter is harmless: a
// name that was never given is a number that is not open, and a thread that is not free does nothing.
#pragma once

#include "inet_beds.hpp"

namespace threaded {

class Generator : private InetBeds {
 public:
  explicit Generator(std::uint64_t seed) : InetBeds(seed) {}

  Script operator()() {
    using Bed = void (Generator::*)();
    static constexpr Bed beds[] = {
        &Generator::one_epoll,       &Generator::one_epoll,      &Generator::many_epolls,
        &Generator::many_epolls,     &Generator::nested_epolls,  &Generator::pollers,
        &Generator::pipe_readers,    &Generator::pipe_writers,   &Generator::counter_readers,
        &Generator::counter_writers, &Generator::pair_readers,   &Generator::pair_writers,
        &Generator::accepters,       &Generator::connecters,     &Generator::closed_epoll,
        &Generator::closed_epoll,    &Generator::drained,        &Generator::two_at_once,
        &Generator::packet_readers,  &Generator::packet_readers, &Generator::packet_writers,
        &Generator::receiver,        &Generator::receiver,       &Generator::sleepers,
        &Generator::sleepers,        &Generator::tcp_accepters,  &Generator::tcp_readers,
        &Generator::tcp_readers,     &Generator::tcp_writer,     &Generator::udp_readers,
        &Generator::udp_readers,     &Generator::timer_readers,  &Generator::signal_readers,
    };
    has_signals_ = one_in(3);
    (this->*beds[random_.below(std::size(beds))])();
    if (one_in(6)) add_waiter();
    for (std::size_t n = 3 + random_.below(std::size_t{7}); n > 0; --n) act();
    if (has_short_wait_) line({"expire"});
    return std::move(script_);
  }

 private:
  // -- beds

  void one_epoll() {
    const Text e = epoll();
    for (int n = some(1, 3); n > 0; --n) watch(e, watched());
    if (one_in(5)) {
      const Text again = any_file();
      line({"dup", "d1", again});
      line({"add", e, "d1", mask(again)});
    }
    for (int n = some(2, 4); n > 0; --n) waiter(wait_in(e));
  }

  void many_epolls() {
    const Text file = watched();
    const bool mostly_exclusive = one_in(2);
    std::vector<Text> epolls;
    for (int n = some(2, 4); n > 0; --n) {
      const Text e = epoll();
      epolls.push_back(e);
      const bool exclusive = mostly_exclusive ? !one_in(5) : one_in(3);
      // Some match nothing that comes, and are not due from the beginning either.
      const Text bits =
          exclusive ? any_of({"in|exclusive", "in|exclusive", "in|et|exclusive", "out|exclusive", "et|exclusive"})
                    : mask(file);
      line({"add", e, file, bits});
    }
    for (const Text& e : epolls) {
      if (one_in(4)) continue;
      waiter(wait_in(e));
      if (one_in(4)) waiter(wait_in(e));
    }
  }

  void nested_epolls() {
    const Text inner = epoll();
    for (int n = some(1, 2); n > 0; --n) watch(inner, watched());
    Text last = inner;
    for (int n = some(1, 2); n > 0; --n) {
      const Text outer = epoll();
      line({"add", outer, one_in(4) ? last : inner, mask(inner, false)});
      last = outer;
      for (int waiters = some(1, 2); waiters > 0; --waiters) waiter(wait_in(outer));
    }
    if (one_in(2)) waiter(wait_in(inner));
    if (one_in(5)) waiter({{{"poll", time_out(), inner, "in"}}});
  }

  void pollers() {
    const Text file = watched();
    const Text e = epoll();
    watch(e, file);
    for (int n = some(1, 3); n > 0; --n) {
      const Text what = one_in(2) ? e : file;
      Words words{"poll", time_out(), what, any_of({"in", "in", "in|out"})};
      if (one_in(3)) words.insert(words.end(), {what == e ? file : e, "in"});
      if (one_in(4)) {
        words = one_in(2) ? Words{"select", time_out(), what} : Words{"pselect", time_out(), mask_for_call(), what};
      } else if (one_in(4)) {
        words[0] = "ppoll";
        words.insert(words.begin() + 2, mask_for_call());
      }
      waiter({{std::move(words)}});
    }
    if (!one_in(4)) waiter(wait_in(e));
  }

  void pipe_readers() {
    const Text p = pipe();
    const bool onlooker_first = one_in(6);
    if (onlooker_first) onlooker(p + 'r');
    for (int n = some(2, 4); n > 0; --n) waiter({{{one_in(6) ? "readv" : "read", p + 'r', bytes_few()}}});
    if (!onlooker_first && one_in(3)) onlooker(p + 'r');
    if (one_in(8)) line({"tkill", "s1", "restarts"});
    hand({"write", p + 'w', bytes_few()});
  }
  void pipe_writers() {
    const Text p = pipe();
    line({"resize", p + 'w', any_of({"4096", "8192", "16384"})});
    hand({"write", p + 'w', any_of({"4096", "8192", "16384", "20000"})});
    for (int n = some(1, 4); n > 0; --n) waiter({{{"write", p + 'w', bytes_many()}}});
    if (one_in(3)) onlooker(p + (one_in(3) ? 'r' : 'w'));
    hand({"read", p + 'r', any_of({"100", "4096", "8192", "16384"})});
  }
  void counter_readers() {
    const Text v = counter();
    for (int n = some(2, 4); n > 0; --n) waiter({{{"take", v}}});
    if (one_in(3)) onlooker(v);
    hand({"put", v, any_of({"0", "1", "2", "3"})});
  }
  void two_at_once() {
    const Text e = epoll();
    const Text a = counter();
    const Text b = one_in(2) ? counter() : a;
    if (a == b) line({"dup", b + 'd', a});
    line({"add", e, a, any_of({"in|et", "in|oneshot", "in"})});
    line({"add", e, a == b ? b + 'd' : b, any_of({"in|et", "in|oneshot", "in"})});
    for (int n = some(2, 3); n > 0; --n) waiter({{{"wait", e, "1", "-1"}}});
    by(next_hand(), {{{"put", a, "1"}}, {{"put", b, "1"}}});
  }
  void counter_writers() {
    const Text v = counter();
    hand({"put", v, any_of({"18446744073709551614", "18446744073709551613"})});
    for (int n = some(2, 4); n > 0; --n) waiter({{{"put", v, any_of({"1", "2", "18446744073709551614"})}}});
    if (one_in(3)) onlooker(v);
    hand({"take", v});
  }
  void pair_readers() {
    const Text u = pair();
    for (int n = some(1, 3); n > 0; --n) {
      Words words{"recv", u + 'a', bytes_few()};
      if (one_in(6)) words.emplace_back("peek");
      if (one_in(4)) words.emplace_back("waitall");
      waiter({{one_in(3) ? Words{"read", u + 'a', bytes_few()} : words}});
    }
    if (one_in(3)) onlooker(u + 'a');
    hand({"send", u + 'b', bytes_few()});
  }
  void pair_writers() {
    const Text u = pair();
    line({"sndbuf", u + 'a', any_of({"2304", "8192"})});
    hand({"send", u + 'a', "100000", "dontwait"});
    for (int n = some(1, 3); n > 0; --n) waiter({{{"send", u + 'a', one_in(3) ? "20000" : bytes_many()}}});
    if (one_in(3)) onlooker(u + 'a');
    if (one_in(3)) line({"sndbuf", u + 'a', any_of({"2304", "8192", "16384"})});
    hand({"recv", u + 'b', bytes_many(), "dontwait"});
  }
  void accepters() {
    const Text l = listener(any_of({"0", "1", "4"}));
    const bool onlooker_first = one_in(6);
    if (onlooker_first) onlooker(l);
    for (int n = some(1, 3); n > 0; --n) waiter({{{"accept", l, fresh('a')}}});
    if (!onlooker_first && one_in(3)) onlooker(l);
    hand({"connect", client(), l});
  }
  void connecters() {
    const Text l = listener("0");
    hand({"connect", client(), l});
    for (int n = some(1, 3); n > 0; --n) waiter({{{"connect", client(), l}}});
    hand({"accept", l, made(Kind::pair_end, fresh('u'))});
  }

  void closed_epoll() {
    const Text e = epoll();
    const Text file = watched();
    watch(e, file);
    has_short_wait_ = one_in(60);
    waiter(has_short_wait_ ? std::vector<CallText>{{{"wait", e, "4", "20"}}} : wait_in(e));
    if (one_in(2)) waiter(wait_in(e));
    closes(e);
    if (one_in(2)) one_in(2) ? epoll() : counter();  // The number is used again.
    touch(file);
  }
  // The first that comes takes what there is.
  void drained() {
    const Text e = epoll();
    const Text v = counter();
    line({"add", e, v, any_of({"in", "in", "in|oneshot", "in|et"})});
    for (int n = some(2, 4); n > 0; --n) {
      waiter({{{"wait", e, any_of({"1", "4"}), time_out()}}, {{"take", v}}});
    }
    hand({"put", v, any_of({"1", "2"})});
  }

  void packet_readers() {
    const Text u = packet_pair();
    const bool onlooker_first = one_in(6);
    if (onlooker_first) onlooker(u + 'a');
    for (int n = some(1, 4); n > 0; --n) waiter({receive(u + 'a')});
    if (!onlooker_first && one_in(3)) onlooker(u + 'a');
    hand({"send", u + 'b', bytes_few(), "dontwait"});
  }
  void packet_writers() {
    const Text u = packet_pair();
    line({"sndbuf", u + 'a', "2304"});
    by(next_hand(), std::vector<CallText>(12, CallText{{"send", u + 'a', bytes_few(), "dontwait"}}));
    for (int n = some(1, 3); n > 0; --n) waiter({send_packet(u + 'a')});
    if (one_in(3)) onlooker(u + 'a');
    for (int n = some(1, 3); n > 0; --n) by(next_hand(), several(CallText{{"recv", u + 'b', "100", "dontwait"}}));
  }
  std::vector<CallText> several(const CallText& call) {
    return std::vector<CallText>(static_cast<std::size_t>(some(1, 4)), call);
  }
  /// A named receiver whose queue is full, or nearly.
  void receiver() {
    const Text to = bound();
    std::vector<Text> from;
    for (int n = some(1, 3); n > 0; --n) from.push_back(sender(to));
    const auto any_sender = [&] { return from[random_.below(from.size())]; };
    if (one_in(4)) {
      for (int n = some(1, 3); n > 0; --n) waiter({receive(to)});
    } else {
      const auto n = static_cast<std::size_t>(one_in(4) ? 10 : 11);
      by(next_hand(), std::vector<CallText>(n, CallText{{"send", any_sender(), bytes_few(), "dontwait"}}));
      const Text of_all = one_in(3) ? any_sender() : Text{};
      for (int senders = some(1, 3); senders > 0; --senders) {
        const Text name = of_all.empty() ? any_sender() : of_all;
        if (one_in(4)) {
          const Text e = epoll();
          line({"add", e, name, any_of({"out", "out|et", "in|out|et"})});
          waiter(wait_in(e));
        } else if (one_in(4)) {
          waiter({{{"poll", time_out(), name, any_of({"out", "out", "in|out"})}}});
        } else {
          waiter({one_in(4) ? CallText{{"sendto", name, to, bytes_few()}} : send_packet(name)});
        }
      }
    }
    if (one_in(4)) return closes(to);
    if (one_in(6)) return line({"shutdown", to, any_of({"rd", "wr", "rdwr"})});
    by(next_hand(), several(CallText{{"recv", to, "100", "dontwait"}}));
  }
  /// Threads that signals find in all kinds of calls.
  void sleepers() {
    has_signals_ = true;
    const Text v = counter();
    const Text p = pipe();
    const Text e = epoll();
    line({"add", e, v, mask(v)});
    if (one_in(4)) {  // One is pending when a call with a mask begins.
      const Text which = any_of({"ends", "restarts"});
      by(9, {{{"mask", which}}});
      line({"tkill", "s9", which});
      by(9, {{one_in(2) ? Words{"pwait", e, "4", time_out(), mask_for_call()}
                        : Words{"ppoll", time_out(), mask_for_call(), v, "in"}}});
    }
    for (int n = some(2, 4); n > 0; --n) {
      switch (random_.below(8)) {
        case 0: waiter({{{"nap", "100000"}}}); break;
        case 1: waiter({{{"select", time_out(), v, p + 'r'}}}); break;
        case 2: waiter({{{"pselect", time_out(), mask_for_call(), p + 'r'}}}); break;
        case 3: waiter({{{"ppoll", time_out(), mask_for_call(), v, "in"}}}); break;
        case 4: waiter({{{"pwait", e, "4", time_out(), mask_for_call()}}}); break;
        case 5: waiter({{{"pwait2", e, "1", time_out(), mask_for_call()}}}); break;
        case 6: waiter({{{"read", p + 'r', bytes_few()}}}); break;
        default: waiter({{{"take", v}}}); break;
      }
    }
    signal();
  }
};

}  // namespace threaded
