// From ten to a million emulated eventfds in one epoll, from one to a thousand of them active: what an event costs,
// what making an fd costs and what it takes in memory. All three are to depend on nothing but the caches.
#include "rouse/backend/emulated.hpp"
#include "rouse/rouse.hpp"
#include "support/program.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fmt/core.h>
#include <malloc.h>
#include <memory>
#include <optional>
#include <random>

using namespace rouse;

namespace {

using Kernel = kernel::Kernel;

void expect(bool condition) {
  if (!condition) std::abort();
}

double cpu_ns() {
  ::timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);  // Fails only for a clock that does not exist.
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/// So many eventfds, all registered, edge-triggered.
class Registered {
 public:
  explicit Registered(int n) {
    kernel_.limits.nofile_soft = kernel_.limits.nofile_hard = static_cast<std::uint64_t>(n) + 16;
    epfd_ = backend_.epoll_create1(0).value();
    for (int i = 0; i < n; ++i) {
      const int fd = backend_.eventfd(0, EFD_NONBLOCK).value();
      const Event event{EventFlags::in | EventFlags::et, fd};
      expect(backend_.epoll_ctl(epfd_, EPOLL_CTL_ADD, fd, &event).ok());
      fds_.push_back(fd);
    }
    // Neighbours by number are neighbours in memory, too, and active ones are not neighbours.
    std::shuffle(fds_.begin(), fds_.end(), std::minstd_rand{1});
  }

  /// Writes to `active` of them, always the same, waits until all were reported, and reads them.
  void step(std::size_t active) {
    for (std::size_t i = 0; i < active; ++i) write(fds_[i]);
    take(active);
  }
  /// The same with the next ones, so that all have their turn.
  void step_on(std::size_t active) {
    for (std::size_t i = 0; i < active; ++i) {
      write(fds_[next_]);
      if (++next_ == fds_.size()) next_ = 0;
    }
    take(active);
  }

 private:
  void write(int fd) {
    const std::uint64_t one = 1;
    expect(backend_.write(fd, &one, sizeof one).ok());
  }
  void take(std::size_t active) {
    for (std::size_t seen = 0; seen < active;) {
      const int n = backend_.epoll_wait(epfd_, events_, static_cast<int>(std::size(events_)), 0).value();
      expect(n > 0);
      std::uint64_t count = 0;
      for (int i = 0; i < n; ++i) expect(backend_.read(events_[i].data().fd(), &count, sizeof count).ok());
      seen += static_cast<std::size_t>(n);
    }
  }

  Kernel kernel_;
  EmulatedBackend backend_{kernel_};
  int epfd_;
  std::vector<int> fds_;
  std::size_t next_ = 0;
  Event events_[64];
};

std::string text(int n) {
  if (n >= 1'000'000) return fmt::format("{},000,000", n / 1'000'000);
  return n >= 1'000 ? fmt::format("{},000", n / 1'000) : fmt::format("{}", n);
}

enum class Active { always_the_same, all_in_turn };

/// One for each number that is registered. Each is set up once, as that takes far longer than a round.
std::vector<bench::Contender> contenders_of(const std::vector<int>& sizes, Active which, int active) {
  std::vector<bench::Contender> contenders;
  for (const int n : sizes) {
    if (n < active) continue;
    const auto registered = std::make_shared<std::optional<Registered>>();
    contenders.push_back({text(n), [=](bench::Meter& meter) {
                            if (!*registered) registered->emplace(n);
                            const auto each = static_cast<std::size_t>(active);
                            if (which == Active::always_the_same) {
                              meter.measure([&] { (*registered)->step(each); }, active);
                            } else {
                              meter.measure([&] { (*registered)->step_on(each); }, active);
                            }
                          }});
  }
  return contenders;
}

// Under callgrind a million takes minutes, and counts show no caches.
const std::vector<int> counted_sizes = {10, 100, 1'000, 10'000, 100'000};
const std::vector<int> timed_sizes = {10, 100, 1'000, 10'000, 100'000, 1'000'000};

void compare_events(bench::Program& program, int active) {
  const std::string name = fmt::format("an event, {} active", text(active));
  constexpr Active which = Active::always_the_same;
  const bench::Comparison& counts = program.count(name, contenders_of(counted_sizes, which, active), 100);
  const bench::Comparison& times = program.time(name, contenders_of(timed_sizes, which, active)).cpu;
  const std::string of_first = "times that of " + counts.series.front().contender;
  program.at_most(name + " of 100,000", 1.01, counts.ratio_of("100,000"), of_first + ", in instructions");
  program.at_most(name + " of 1,000,000", 2, times.ratio_of("1,000,000"), of_first + ", in time");
}

/// No goal: what it comes to is how long memory takes that is in no cache.
void compare_all_in_turn(bench::Program& program) {
  program.time("an event, 1 active, all in turn", contenders_of(timed_sizes, Active::all_in_turn, 1));
}

struct Making {
  double ns;
  double bytes;
};

/// Of one fd and its registration.
Making make(int n) {
  const double start = cpu_ns();
  const std::size_t before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  const Registered registered{n};
  const double after = static_cast<double>(::mallinfo2().uordblks + ::mallinfo2().hblkhd - before);
  return {(cpu_ns() - start) / n, after / n};
}

void compare_making(bench::Program& program, const std::vector<int>& sizes) {
  if (bench::Program::is_counting()) return;
  constexpr int rounds = 7;
  bench::Comparison time{"making one of so many", "ns CPU", {}};
  bench::Comparison memory{"one of so many", "bytes", {}};
  for (const int n : sizes) {
    time.series.push_back({text(n), {}});
    memory.series.push_back({text(n), {}});
  }
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const Making making = make(sizes[i]);
      time.series[i].rounds.push_back(making.ns);
      memory.series[i].rounds.push_back(making.bytes);
    }
  }
  const std::string largest = text(sizes.back());
  const std::string of_first = "times that of " + text(sizes.front());
  program.at_most("making one of " + largest, 2, time.ratio_of(largest), of_first);
  program.at_most("memory for one of " + largest, 1.5, memory.ratio_of(largest), of_first);
  program.add(std::move(time));
  program.add(std::move(memory));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("scale", argc, argv, [](bench::Program& program) {
    compare_making(program, {1'000, 10'000, 100'000, 1'000'000});
    for (const int active : {1, 10, 100, 1'000}) compare_events(program, active);
    compare_all_in_turn(program);
  });
}
