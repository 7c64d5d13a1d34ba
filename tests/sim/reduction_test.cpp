// Sleep sets leave out schedules that differ only in the order of independent steps. What they must not leave out is an
// outcome: random programs, and the set of their transcripts with and without. ROUSE_REDUCTION_PROGRAMS says how many.
#include "../support/catch.hpp"
#include "rouse/detail/chance.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/atomic.hpp"
#include "rouse/sim/condition_variable.hpp"
#include "rouse/sim/explore.hpp"
#include "rouse/sim/semaphore.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace rouse;

namespace {

// What every program finds open.
constexpr int counter_fd = 3;
constexpr int semaphore_fd = 4;
constexpr int epoll_fd = 5;
constexpr int outer_epoll_fd = 6;
constexpr int pipe_read_fd = 7;
constexpr int pipe_write_fd = 8;
constexpr int nonblocking_fd = 9;
constexpr int stream_fd = 10;
constexpr int stream_peer_fd = 11;
constexpr int timer_fd = 12;
constexpr int other_timer_fd = 13;  // The next number to be made is free.

struct Shared {
  sim::mutex mutex;
  sim::condition_variable changed;
  sim::counting_semaphore<> semaphore{1};
  sim::atomic<int> number{0};
  int generation = 0;                      // Under the mutex.
  std::array<std::string, 4> transcripts;  // One for each task.
};

/// One call of a random program, by numbers that say which.
struct Step {
  std::uint64_t what;
  std::uint64_t which;
  std::uint64_t how;
};

using Program = std::vector<std::vector<Step>>;  // By task.

class Player {
 public:
  Player(EmulatedBackend backend, Shared& shared, std::string& transcript)
      : backend_(backend), shared_(shared), transcript_(transcript) {}

  void play(const Step& step) {
    const int any = 3 + static_cast<int>(step.which % 12);
    switch (step.what % 24) {
      case 0: note(write(any)); break;
      case 1: note(write(std::array{counter_fd, semaphore_fd, nonblocking_fd}[step.which % 3])); break;
      case 2: note(read(any)); break;
      case 3: note(read(std::array{counter_fd, semaphore_fd, nonblocking_fd}[step.which % 3])); break;
      case 4:
      case 5: note_events(step.which % 4 == 0 ? outer_epoll_fd : epoll_fd, std::array{0, -1, 5}[step.how % 3]); break;
      case 6: note(control(EPOLL_CTL_ADD, any, step.how)); break;
      case 7: note(control(EPOLL_CTL_MOD, any, step.how)); break;
      case 8: note(control(EPOLL_CTL_DEL, any, step.how)); break;
      case 9: note(backend_.close(any)); break;
      case 10:
        note(step.how % 2 == 0   ? backend_.eventfd(1, 0)
             : step.how % 3 == 0 ? backend_.dup(any)
                                 : backend_.dup2(any, 3));
        break;
      case 11: note(step.which % 2 == 0 ? read(pipe_read_fd) : write(pipe_write_fd)); break;
      case 12: note(step.which % 2 == 0 ? read(stream_fd) : write(stream_peer_fd)); break;
      case 13: note_poll(any, std::array{0, -1, 3}[step.how % 3]); break;
      case 14: {
        const ::itimerspec in_a_while{{0, 0}, {0, static_cast<long>(1 + step.how % 2) * 1'000'000}};
        note(backend_.timerfd_settime(step.which % 2 == 0 ? timer_fd : other_timer_fd, 0, &in_a_while, nullptr));
        break;
      }
      case 15: {
        const std::lock_guard lock{shared_.mutex};
        note(write(counter_fd));
        break;
      }
      case 16: transcript_ += std::to_string(shared_.number.fetch_add(1)) + ';'; break;
      case 17:
        if (step.which % 2 == 0) {
          transcript_ += shared_.semaphore.try_acquire() ? "got;" : "none;";
        } else {
          shared_.semaphore.release();
        }
        break;
      case 18: {
        std::unique_lock lock{shared_.mutex};
        const auto waited = shared_.changed.wait_for(lock, std::chrono::milliseconds(2));
        transcript_ += waited == std::cv_status::timeout ? "late;" : "told;";
        transcript_ += std::to_string(shared_.generation) + ';';
        break;
      }
      case 21: note(backend_.kill(kernel::process_id, SIGUSR1)); break;
      case 22: {
        ::sigset_t signals{};
        ::sigaddset(&signals, SIGUSR1);
        note(backend_.sigprocmask(step.which % 2 == 0 ? SIG_BLOCK : SIG_UNBLOCK, &signals, nullptr));
        break;
      }
      case 23: {
        ::sigset_t pending{};
        note(backend_.sigpending(&pending));
        transcript_ += ::sigismember(&pending, SIGUSR1) == 1 ? "pending;" : "none;";
        break;
      }
      case 20: {
        const std::unique_lock lock{shared_.mutex, std::try_to_lock};
        transcript_ += lock ? "locked;" : "not;";
        if (lock) note(write(counter_fd));
        break;
      }
      case 19: {
        const std::lock_guard lock{shared_.mutex};
        ++shared_.generation;
        step.which % 2 == 0 ? shared_.changed.notify_one() : shared_.changed.notify_all();
        break;
      }
    }
  }

 private:
  template <class T>
  void note(SysResult<T> result) {
    if constexpr (std::is_void_v<T>) {
      transcript_ += result.ok() ? "ok;" : std::to_string(-result.error()) + ';';
    } else {
      transcript_ += std::to_string(result.ok() ? static_cast<long>(result.value()) : -long{result.error()}) + ';';
    }
  }
  SysResult<std::size_t> write(int fd) {
    const std::uint64_t one = 1;
    return backend_.write(fd, &one, sizeof one);
  }
  SysResult<std::size_t> read(int fd) {
    std::uint64_t value = 0;
    const SysResult<std::size_t> result = backend_.read(fd, &value, sizeof value);
    transcript_ += std::to_string(value) + '/';
    return result;
  }
  SysResult<void> control(int operation, int fd, std::uint64_t how) {
    constexpr std::array flags = {EventFlags::in, EventFlags::in | EventFlags::et, EventFlags::in | EventFlags::oneshot,
                                  EventFlags::in | EventFlags::out, EventFlags::in | EventFlags::exclusive};
    const Event event{flags[how % flags.size()], static_cast<std::uint64_t>(fd)};
    return backend_.epoll_ctl(how % 7 == 0 ? outer_epoll_fd : epoll_fd, operation, fd, &event);
  }
  void note_events(int epfd, int milliseconds) {
    std::array<Event, 2> events;
    const SysResult<int> n = backend_.epoll_wait(epfd, events.data(), 2, milliseconds);
    for (int i = 0; n.ok() && i < n.value(); ++i) {
      transcript_ += std::to_string(events[static_cast<std::size_t>(i)].data().u64()) + '=' +
                     to_string(events[static_cast<std::size_t>(i)].flags()) + '/';
    }
    note(n);
  }
  void note_poll(int fd, int milliseconds) {
    std::array<::pollfd, 2> entries = {{{fd, POLLIN, 0}, {semaphore_fd, POLLIN, 0}}};
    const SysResult<int> n = backend_.poll(entries.data(), 2, milliseconds);
    transcript_ += std::to_string(entries[0].revents) + '/' + std::to_string(entries[1].revents) + '/';
    note(n);
  }

  const EmulatedBackend backend_;
  Shared& shared_;
  std::string& transcript_;
};

// Not Catch2's: there are millions.
void require(bool holds) {
  if (!holds) throw std::logic_error("a program could not be set up");
}

void open_all(EmulatedBackend backend) {
  const auto add = [backend](int epoll, int fd, EventFlags flags) {
    const Event event{flags, static_cast<std::uint64_t>(fd)};
    require(backend.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event).ok());
  };
  struct ::sigaction nothing {};
  nothing.sa_handler = [](int) {};
  require(backend.sigaction(SIGUSR1, &nothing, nullptr).ok());
  int pipe[2], pair[2];
  require(backend.eventfd(0, 0).value() == counter_fd);
  require(backend.eventfd(1, EFD_SEMAPHORE).value() == semaphore_fd);
  require(backend.epoll_create1(0).value() == epoll_fd);
  require(backend.epoll_create1(0).value() == outer_epoll_fd);
  require(backend.pipe2(pipe, O_NONBLOCK).ok());
  require(backend.eventfd(0, EFD_NONBLOCK).value() == nonblocking_fd);
  require(backend.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair).ok());
  require(backend.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK).value() == timer_fd);
  require(backend.timerfd_create(CLOCK_MONOTONIC, 0).value() == other_timer_fd);
  add(epoll_fd, timer_fd, EventFlags::in);
  add(epoll_fd, other_timer_fd, EventFlags::in);
  add(epoll_fd, counter_fd, EventFlags::in);
  add(epoll_fd, pipe_read_fd, EventFlags::in | EventFlags::et);
  add(outer_epoll_fd, epoll_fd, EventFlags::in);
}

Program random_program(detail::Chance& chance) {
  // More would take all schedules without end.
  const bool has_three = chance.below(3) == 0;
  Program program(has_three ? 3 : 2);
  for (auto& task : program) {
    const std::uint64_t calls = 1 + chance.below(has_three ? 3 : 5);
    for (std::uint64_t i = 0; i < calls; ++i)
      task.push_back({chance.next() >> 8, chance.next() >> 8, chance.next() >> 8});
  }
  return program;
}

struct Found {
  std::set<std::string> transcripts;
  std::uint64_t runs = 0;
  std::uint64_t pruned = 0;
  bool is_complete = false;
};

Found explore(const Program& program, sim::Exhaustive::Reduction reduction) {
  sim::FiberPool fibers;
  sim::Exhaustive all{sim::Exhaustive::Bounds{}, reduction};
  Found found;
  constexpr std::uint64_t runs_max = 3'000;
  while (found.runs < runs_max && all.begin()) {
    ++found.runs;
    Shared shared;
    sim::World world{all, fibers, {.detectors = sim::Detectors{}.without(sim::Ending::leaked_fd)}};
    open_all(world.backend());
    const auto play = [&](std::size_t task) {
      Player player{world.backend(), shared, shared.transcripts[task]};
      for (const Step& step : program[task]) player.play(step);
    };
    const sim::Outcome outcome = world.run([&] {
      for (std::size_t i = 1; i < program.size(); ++i) world.spawn("task", [&play, i] { play(i); });
      play(0);
    });
    std::string all_of_it = sim::name_of(outcome.ending);
    for (const std::string& transcript : shared.transcripts) all_of_it += " | " + transcript;
    found.transcripts.insert(all_of_it);
  }
  found.pruned = all.runs_pruned();
  found.is_complete = all.is_complete();
  return found;
}

std::uint64_t programs() {
  const char* const text = std::getenv("ROUSE_REDUCTION_PROGRAMS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 150;
}

}  // namespace

TEST_CASE("Exhaustive: sleep sets lose no outcome of random programs, and save runs") {
  detail::Chance chance{1};
  std::uint64_t all_runs = 0, reduced_runs = 0, compared = 0;
  while (compared < programs()) {
    const Program program = random_program(chance);
    const Found all = explore(program, sim::Exhaustive::Reduction::none);
    if (!all.is_complete) continue;  // Another one in its place: of this there are too many schedules.
    ++compared;
    const Found reduced = explore(program, sim::Exhaustive::Reduction::sleep_sets);
    all_runs += all.runs;
    reduced_runs += reduced.runs;
    INFO("program " << compared << ": " << all.runs << " runs, with sleep sets " << reduced.runs);
    CHECK(reduced.is_complete);
    CHECK(reduced.transcripts == all.transcripts);
    CHECK(reduced.runs <= all.runs);
  }
  WARN(compared << " programs: " << all_runs << " runs, with sleep sets " << reduced_runs);
  CHECK(reduced_runs * 10 < all_runs);
}
