// Event loops: what an event costs in raw epoll, rouse, libevent, libuv and Asio, in a chain of socket pairs or
// eventfds (chain.hpp). Peers that are not installed are left out.
#include "chain.hpp"
#include "support/program.hpp"

#include <cmath>
#include <fmt/core.h>

namespace {

using event_loop::Chain;
using event_loop::Contender;
using event_loop::Kind;

constexpr std::uint64_t steps = 20'000;

std::vector<Contender> contenders() {
  std::vector<Contender> all{event_loop::raw_epoll(), event_loop::rouse_epoll()};
  if (event_loop::libevent != nullptr) all.push_back(event_loop::libevent());
  if (event_loop::libuv != nullptr) all.push_back(event_loop::libuv());
  if (event_loop::asio_reads != nullptr) all.push_back(event_loop::asio_reads());
  return all;
}

std::string name_of(const Chain& chain) {
  return fmt::format("{} {}, {} active", chain.length, chain.kind == Kind::socket_pairs ? "socket pairs" : "eventfds",
                     chain.active);
}

std::vector<bench::Contender> on(const Chain& chain) {
  std::vector<bench::Contender> all;
  for (const Contender& each : contenders()) {
    all.push_back({each.name, [chain, make = each.make](bench::Meter& meter) {
                     const auto loop = make(chain);
                     meter.measure([&] { loop->run(steps); }, steps);
                   }});
  }
  return all;
}

/// The least that any of the peers needed, times what was measured; not-a-number if there are none.
double best_peer(const bench::Comparison& counts) {
  double best = std::nan("");
  for (const bench::Series& each : counts.series) {
    if (each.contender != "raw epoll" && each.contender != "rouse") best = std::fmin(best, bench::median(each.rounds));
  }
  return best;
}

void compare(bench::Program& program, const Chain& chain) {
  const std::string name = name_of(chain);
  const bench::Comparison& counts = program.count(name, on(chain), 1);
  program.at_most(name + ": rouse and raw epoll", 1.01, counts.ratio_of("rouse"), "of the instructions");
  program.at_most(name + ": rouse and the best peer", 1, counts.median_of("rouse") / best_peer(counts),
                  "of the instructions");
  program.time(name, on(chain));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("event_loop", argc, argv, [](bench::Program& program) {
    if (!bench::Program::is_counting()) {
      for (const Contender& each : contenders()) fmt::print("{} {}: {}\n", each.name, each.version, each.per_event);
    }
    for (const Kind kind : {Kind::socket_pairs, Kind::eventfds}) {
      for (const std::size_t length : {100U, 1000U, 9000U}) {
        for (const std::size_t active : {1U, 100U}) compare(program, {kind, length, active});
      }
    }
  });
}
