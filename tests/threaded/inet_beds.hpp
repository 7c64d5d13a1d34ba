// InetBeds: beds of TCP and UDP sockets, of timers and of signalfds.
#pragma once

#include "acts.hpp"

namespace threaded {

class InetBeds : protected Acts {
 protected:
  using Acts::Acts;

  void tcp_accepters() {
    const Text l = tcp_listener();
    const bool onlooker_first = one_in(6);
    if (onlooker_first) onlooker(l);
    for (int n = some(1, 4); n > 0; --n) waiter({{{"accept", l, fresh('a')}}});
    if (!onlooker_first && one_in(3)) onlooker(l);
    if (one_in(5)) return line({"shutdown", l, any_of({"rd", "rdwr"})});
    hand({"connect", tcp_client(), l});
  }

  void tcp_readers() {
    const Text t = tcp_pair();
    for (int n = some(1, 3); n > 0; --n) {
      Words words{"recv", t + 'a', bytes_few()};
      if (one_in(6)) words.emplace_back("peek");
      if (one_in(5)) words.emplace_back("waitall");
      waiter({{std::move(words)}});
    }
    if (one_in(3)) onlooker(t + 'a');
    if (one_in(4)) return line({"shutdown", t + (one_in(2) ? 'a' : 'b'), any_of({"rd", "wr", "rdwr"})});
    if (one_in(4)) {
      if (one_in(2)) line({"linger", t + 'b'});
      return closes(t + 'b');
    }
    hand({"send", t + 'b', bytes_few()});
  }

  // One alone: how the parts of several would follow each other, nobody can tell.
  void tcp_writer() {
    const Text t = tcp_pair();
    waiter({{{"send", t + 'a', "8000000"}}});
    if (one_in(2)) return line({"shutdown", t + 'a', any_of({"wr", "rdwr"})});
    closes(t + 'b');  // What it did not read makes that a reset.
  }

  void udp_readers() {
    const Text g = udp_pair();
    const bool onlooker_first = one_in(6);
    if (onlooker_first) onlooker(g + 'a');
    for (int n = some(1, 4); n > 0; --n) waiter({receive(g + 'a')});
    if (!onlooker_first && one_in(3)) onlooker(g + 'a');
    if (one_in(5)) return line({"shutdown", g + 'a', any_of({"rd", "wr", "rdwr"})});
    if (one_in(3)) {
      closes(g + 'b');
      return hand({"send", g + 'a', bytes_few(), "dontwait"});
    }
    hand({"send", g + 'b', bytes_few(), "dontwait"});
  }

  void timer_readers() {
    const Text m = timer();
    for (int n = some(1, 3); n > 0; --n) waiter({{{"take", m}}});
    if (one_in(2)) onlooker(m);
    if (one_in(4)) waiter({{{"poll", time_out(), m, "in"}}});
    line({"set", m, "past"});
  }

  void signal_readers() {
    has_signals_ = true;
    const Text n = signal_fd();
    if (one_in(2)) line({"mask", "ends|restarts"});
    for (int readers = some(1, 3); readers > 0; --readers) catcher(n);
    if (one_in(3)) {
      const Text e = epoll();
      watch(e, n);
      waiter({{{"mask", "ends|restarts"}}, wait_in(e)[0]});
    }
    signal();
  }
};

}  // namespace threaded
