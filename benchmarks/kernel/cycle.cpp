#include "hosts.hpp"
#include "parts.hpp"

namespace bench {

namespace {

struct Cycle {
  template <class B>
  void operator()(B backend, Meter& meter) const {
    BasicEpoll<B> epoll{backend};
    BasicEventFd<B> event{backend};
    EventVec events(8);
    epoll.add(event, EventFlags::in | EventFlags::et);
    meter.measure([&] {
      event.write(1);
      expect(epoll.wait(events, Timeout::now) == 1);
      expect(event.try_read() == 1);
    });
  }
};

}  // namespace

void compare_cycle(Program& program) {
  const std::string name = "write, epoll_wait, read";
  const Cycle body;
  std::vector<Contender> contenders = {on_linux(body), on_solo_host(body), on_thread_host(body), on_world(body),
                                       on_world_with_race_detection(body)};
  const Comparison& counts = program.count(name, contenders);
  // Not counted: a trace names this file by its path, which is as long as it is where it was compiled.
  contenders.push_back(on_world_with_trace(body));
  const Comparison& times = program.time(name, contenders).cpu;
  struct {
    const char* host;
    double instructions;
    double times;
  } const wanted[] = {{"SoloHost", 300, 50}, {"ThreadHost", 700, 16}, {"World", 700, 16}};
  for (const auto& [host, instructions, speed] : wanted) {
    program.at_most(name + ", " + host, instructions, counts.median_of(host), "instructions");
    program.at_least(name + ", " + host, speed, 1 / times.ratio_of(host), "times as fast as Linux");
  }
}

}  // namespace bench
