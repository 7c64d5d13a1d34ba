// Manoeuvres: calls in a row that lead where single calls hardly get: full pipes, items drained and refilled, chains of
// epolls, numbers reused under live registrations. Each leaves off when its script is long enough, and whatever fails
// on the way is a result like any other. Included by generator.hpp.
#pragma once

#include "manoeuvres_inet.hpp"

namespace differential {

class Manoeuvres : private InetManoeuvres {
 public:
  explicit Manoeuvres(Generator& generator) : InetManoeuvres(generator) {}

  void make_one() {
    using Manoeuvre = void (Manoeuvres::*)();
    constexpr Manoeuvre all[] = {
        &Manoeuvres::watch_many,
        &Manoeuvres::watch_many,
        &Manoeuvres::fill_and_drain,
        &Manoeuvres::fill_and_drain,
        &Manoeuvres::refill_edge,
        &Manoeuvres::refill_edge,
        &Manoeuvres::rearm,
        &Manoeuvres::chain,
        &Manoeuvres::nest,
        &Manoeuvres::nest,
        &Manoeuvres::diamond,
        &Manoeuvres::reuse_number,
        &Manoeuvres::reuse_number,
        &Manoeuvres::exhaust_fds,
        &Manoeuvres::rotate,
        &Manoeuvres::rotate,
        &Manoeuvres::go_stale,
        &Manoeuvres::go_stale,
        &Manoeuvres::merge,
        &Manoeuvres::watch_dups,
        &Manoeuvres::exclusive,
        &Manoeuvres::hang_up,
        &Manoeuvres::hang_up,
        &Manoeuvres::serve,
        &Manoeuvres::serve,
        &Manoeuvres::urgent,
        &Manoeuvres::saturate,
        &Manoeuvres::half_close,
        &Manoeuvres::many_paths,
        &Manoeuvres::quarter,
        &Manoeuvres::blunder,
        &Manoeuvres::interrupt,
        &Manoeuvres::pass_fds,
        &Manoeuvres::send_around,
        &Manoeuvres::send_around,
        &Manoeuvres::signals,
        &Manoeuvres::unconnected,
        &Manoeuvres::refused,
        &Manoeuvres::reset,
        &Manoeuvres::blocked,
        &Manoeuvres::wrong_type,
        &Manoeuvres::too_many_passed,
        &Manoeuvres::pass_messages,
        &Manoeuvres::cut_short,
        &Manoeuvres::reuse_number,
        &Manoeuvres::go_stale,
        &Manoeuvres::timers,
        &Manoeuvres::timers,
        &Manoeuvres::signalfds,
        &Manoeuvres::signalfds,
        &Manoeuvres::connection,
        &Manoeuvres::connection,
        &Manoeuvres::connection,
        &Manoeuvres::connection,
        &Manoeuvres::refused_connection,
        &Manoeuvres::backlog,
        &Manoeuvres::backlog,
        &Manoeuvres::share_ports,
        &Manoeuvres::same_ends,
        &Manoeuvres::bind_again,
        &Manoeuvres::datagrams,
        &Manoeuvres::datagrams,
        &Manoeuvres::flood,
        &Manoeuvres::out_of_reach,
        &Manoeuvres::listen_twice,
        &Manoeuvres::reset_unheard,
        &Manoeuvres::reuse_number,
        &Manoeuvres::reuse_number,
        &Manoeuvres::nest,
    };
    (this->*choices_.one_of(all))();
  }

 private:
  // Of epolls and what they watch.

  void watch_many() {
    const int ep = epoll();
    for (std::size_t n = 2 + choices_.below(4); n > 0; --n) add(ep, something(), g_.random_mask());
    wait(ep, small_max());
  }

  void refill_edge() {
    const Ends ends = channel();
    const int ep = epoll();
    add(ep, ends.reader, choices_.one_in(2) ? in | et : in | out | et);
    for (std::size_t n = 2 + choices_.below(6); n > 0; --n) {
      switch (choices_.below(5)) {
        case 0:
        case 1: write(ends.writer, size()); break;
        case 2: read(ends.reader, choices_.one_of(values::rooms)); break;
        case 3: wait(ep, small_max()); break;
        default: drain(ends.reader); break;
      }
    }
    wait(ep, 10);
  }

  void rearm() {
    const Ends ends = channel();
    const int ep = epoll();
    const std::int64_t mask = in | out | EPOLLONESHOT | (choices_.one_in(2) ? et : 0);
    add(ep, ends.reader, mask);
    for (std::size_t n = 1 + choices_.below(3); n > 0; --n) {
      write(ends.writer, size());
      wait(ep, small_max());
      if (choices_.one_in(2)) write(ends.writer, size());
      if (choices_.one_in(2)) wait(ep, small_max());
      if (choices_.one_in(3)) g_.call<Close>({ends.writer});
      g_.call<EpollCtl>({ep, EPOLL_CTL_MOD, ends.reader, mask, g_.fresh_data()});
      wait(ep, small_max());
    }
  }

  // As long as Linux allows, and a link more.
  void chain() {
    std::array<int, 6> links{};
    const std::size_t n = 3 + choices_.below(4);
    for (std::size_t i = 0; i < n; ++i) links[i] = epoll(true);
    const Ends ends = channel();
    if (choices_.one_in(2)) add(links[0], ends.reader, in | (choices_.one_in(2) ? et : 0));
    const std::size_t first = choices_.below(n - 1);  // Linked in any order, so that chains are joined, too.
    for (std::size_t i = 0; i + 1 < n; ++i) {
      const std::size_t at = (first + i) % (n - 1);
      add(links[at + 1], links[at], in | (choices_.one_in(2) ? et : 0));
    }
    add(links[0], ends.reader, in | (choices_.one_in(2) ? et : 0));
    if (choices_.one_in(3)) add(links[0], links[n - 1], in);
    for (std::size_t k = 1 + choices_.below(3); k > 0; --k) {
      write(ends.writer, size());
      wait(links[choices_.below(n)], small_max());
      if (choices_.one_in(2)) read(ends.reader, 65536);
    }
    wait(links[n - 1], 10);
  }

  void nest() {
    const int inner = epoll();
    const int outer = epoll(true);
    const Ends ends = channel();
    add(inner, ends.reader, g_.random_mask());
    add(outer, inner, in | (choices_.one_in(2) ? et : 0));
    if (choices_.one_in(2)) add(outer, ends.reader, in | et);
    for (std::size_t n = 2 + choices_.below(5); n > 0; --n) {
      switch (choices_.below(6)) {
        case 0:
        case 1: write(ends.writer, size()); break;
        case 2: read(ends.reader, 65536); break;
        case 3: wait(inner, small_max()); break;
        case 4: wait(outer, small_max()); break;
        default: g_.call<EpollCtl>({inner, EPOLL_CTL_MOD, ends.reader, in | out | et, g_.fresh_data()}); break;
      }
    }
    wait(outer, 10);
  }

  void diamond() {
    const int bottom = epoll(true);
    const int left = epoll(true);
    const int right = epoll(true);
    const int top = epoll(true);
    const Ends ends = channel();
    const auto mask = [&] { return in | (choices_.one_in(2) ? et : 0); };
    add(left, bottom, mask());
    add(right, bottom, mask());
    add(top, left, mask());
    add(top, right, mask());
    add(bottom, ends.reader, mask());
    if (choices_.one_in(2)) add(bottom, top, in);
    write(ends.writer, size());
    wait(top, small_max());
    wait(choices_.one_in(2) ? left : bottom, small_max());
    read(ends.reader, 65536);
    wait(top, small_max());
  }

  // A file below several layers of epolls, in which each watches all of the layer before: the ways multiply.
  void many_paths() {
    constexpr std::array<std::array<std::size_t, 5>, 4> shapes = {
        {{1, 2, 5, 1, 1}, {1, 10, 1, 1, 1}, {1, 2, 3, 2, 1}, {1, 1, 11, 1, 1}}};
    const auto& shape = choices_.one_of(shapes);
    const Ends ends = channel();
    std::vector<int> below;
    g_.extend(40);
    for (const std::size_t width : shape) {
      std::vector<int> layer;
      for (std::size_t i = 0; i < width; ++i) {
        layer.push_back(static_cast<int>(g_.call<EpollCreate1>({0})));
        for (const int ep : below) add(layer.back(), ep, in | (choices_.one_in(4) ? et : 0));
      }
      if (below.empty() && choices_.one_in(2)) add(layer.back(), ends.reader, in);
      below = layer;
    }
    // One way more, at the bottom or at the top.
    add(epoll(true), below.back(), in);
    add(epoll(), ends.reader, in);
    write(ends.writer, size());
    wait(below.back(), small_max());
  }

  void reuse_number() {
    const Ends ends = channel();
    const int ep = epoll();
    add(ep, ends.reader, g_.random_mask());
    const auto kept = static_cast<int>(g_.call<Dup>({ends.reader}));
    const int number = ends.reader;
    g_.call<Close>({number});
    if (ends.writer == number) write(kept, 8);
    if (choices_.one_in(2)) wait(ep, small_max());
    if (choices_.one_in(4)) {
      g_.call<Dup2>({kept, number});  // The same file again: its registration can be named again.
    } else {
      channel();
    }
    g_.call<EpollCtl>({ep, choices_.one_of(values::operations), number, g_.random_mask(), g_.fresh_data()});
    write(ends.writer == number ? kept : ends.writer, size());
    wait(ep, small_max());
    if (choices_.one_in(2)) add(ep, number, g_.random_mask());
    if (choices_.one_in(2)) write(number, size());
    wait(ep, 10);
    if (choices_.one_in(2)) g_.call<Close>({kept});
    wait(ep, 10);
  }

  // Several that are ready, fetched a few at a time.
  void rotate() {
    const int ep = epoll();
    std::array<Ends, 5> all{};
    const std::size_t n = 3 + choices_.below(3);
    for (std::size_t i = 0; i < n; ++i) {
      all[i] = channel();
      add(ep, all[i].reader, in | (choices_.one_in(3) ? et : 0));
    }
    for (std::size_t i = 0; i < n; ++i) write(all[choices_.below(n)].writer, size());
    for (std::size_t k = 3 + choices_.below(4); k > 0; --k) {
      wait(ep, small_max());
      if (choices_.one_in(3)) write(all[choices_.below(n)].writer, size());
      if (choices_.one_in(3)) read(all[choices_.below(n)].reader, 65536);
    }
    wait(ep, 10);
  }

  // Ready, not ready, ready again: who is dropped meanwhile, and comes back where?
  void go_stale() {
    const int ep = epoll();
    std::array<Ends, 3> all{};
    for (Ends& ends : all) {
      ends = channel();
      add(ep, ends.reader, in | (choices_.one_in(2) ? et : 0));
    }
    const int outer = choices_.one_in(2) ? epoll(true) : -1;
    if (outer >= 0) add(outer, ep, in | (choices_.one_in(2) ? et : 0));
    for (std::size_t k = 3 + choices_.below(5); k > 0; --k) {
      const Ends& ends = all[choices_.below(all.size())];
      write(ends.writer, size());
      if (choices_.one_in(2)) write(all[choices_.below(all.size())].writer, size());
      if (choices_.one_in(2)) read(ends.reader, 65536);
      switch (choices_.below(5)) {
        case 0: g_.call<Poll>({0}, {{ep, POLLIN}}); break;
        case 1: wait(ep, small_max()); break;
        case 2: wait(outer >= 0 ? outer : ep, small_max()); break;
        case 3: {
          const std::int64_t mask = choices_.one_in(2) ? in | et : in | out;
          g_.call<EpollCtl>({ep, EPOLL_CTL_MOD, ends.reader, mask, g_.fresh_data()});
          break;
        }
        default:
          // Stale, and asked for something that it is good for.
          read(ends.reader, 65536);
          g_.call<EpollCtl>({ep, EPOLL_CTL_MOD, ends.reader, in | out, g_.fresh_data()});
          break;
      }
    }
    wait(ep, 10);
  }

  void watch_dups() {
    const Ends ends = channel();
    const int ep = epoll();
    const int other = choices_.one_in(2) ? epoll(true) : ep;
    add(ep, ends.reader, g_.random_mask());
    for (std::size_t n = 2 + choices_.below(2); n > 0; --n) {
      const auto copy = static_cast<int>(g_.call<Dup>({ends.reader}));
      add(choices_.one_in(3) ? other : ep, copy, choices_.one_in(3) ? in | values::exclusive : g_.random_mask());
    }
    if (choices_.one_in(2)) g_.call<EpollCtl>({ep, EPOLL_CTL_MOD, ends.reader, in | out, g_.fresh_data()});
    write(ends.writer, size());
    wait(ep, small_max());
    read(ends.reader, 65536);
    write(ends.writer, size());
    wait(other, small_max());
    wait(ep, 10);
  }

  void exclusive() {
    const Ends ends = channel();
    std::array<int, 3> all{};
    for (int& ep : all) {
      ep = epoll(choices_.one_in(2));
      const std::int64_t mask = (choices_.one_in(2) ? in : in | out) | (choices_.one_in(2) ? et : 0);
      add(ep, ends.reader, mask | (choices_.one_in(4) ? 0 : values::exclusive));
    }
    if (choices_.one_in(3)) add(epoll(true), all[choices_.below(all.size())], in | et);
    for (std::size_t n = 1 + choices_.below(3); n > 0; --n) {
      write(ends.writer, size());
      wait(all[choices_.below(all.size())], small_max());
      if (choices_.one_in(2)) read(ends.reader, 65536);
    }
    if (choices_.one_in(2)) g_.call<Close>({ends.writer});
    for (const int ep : all) wait(ep, 4);
  }
};

}  // namespace differential
