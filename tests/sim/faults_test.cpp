// Faults in a World: what they do to calls, who decides whether they strike, and for_each_fault().
#include "../support/catch.hpp"
#include "../support/on_world.hpp"
#include "rouse/rouse.hpp"
#include "rouse/sim/explore.hpp"
#include "rouse/sim/for_each_fault.hpp"
#include "rouse/sim/this_thread.hpp"
#include "rouse/sim/thread.hpp"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace rouse;
using namespace std::chrono_literals;
using sim::Ending;

namespace {

/// One run, whose tasks take turns.
sim::Outcome run_in_turn(const std::function<void(sim::World&)>& test) {
  sim::FiberPool fibers;
  sim::InTurn policy;
  sim::World world{policy, fibers};
  const sim::Outcome outcome = world.run([&] { test(world); });
  INFO(outcome.text);
  CHECK_FALSE(outcome.failed());
  return outcome;
}

void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

}  // namespace

TEST_CASE("Faults: an error strikes the nth call of all tasks together, which is not made") {
  run_in_turn([](sim::World& world) {
    world.faults().on(Call::write).of_kind("eventfd").nth(2, Fault::error(EINTR));
    on_world::EventFd event{world.backend()};
    on_world::Pipe pipe{world.backend()};
    std::error_code of_other;
    pipe.writer.write(std::string_view{"x"});  // Another kind: not counted.
    event.write(1);
    sim::thread other{[&] { event.write(10, of_other); }};
    other.join();
    CHECK(of_other == std::errc::interrupted);
    event.write(100);
    CHECK(event.read() == 101);
    CHECK(world.faults().struck() == 1);
  });
}

TEST_CASE("Faults: a short count cuts streams, and neither numbers nor small writes to a pipe") {
  run_in_turn([](sim::World& world) {
    world.faults().on(CallSet::transfers).every(Fault::short_count(2));
    auto [a, b] = on_world::UnixStream::pair(world.backend());
    CHECK(a.try_send(std::string_view{"hello"}) == 2U);
    std::array<char, 8> buffer{};
    CHECK(b.receive(buffer) == 2);
    on_world::Pipe pipe{world.backend()};
    CHECK(pipe.writer.write(std::string_view{"hello"}) == 5);
    CHECK(pipe.reader.read(buffer) == 2);
    const std::string large(5'000, 'x');  // More than PIPE_BUF: it may be cut, Linux says.
    CHECK(pipe.writer.try_write(large) == 2U);
    on_world::EventFd event{world.backend(), 7};
    CHECK(event.read() == 7);
  });
}

TEST_CASE("Faults: a delay takes virtual time, before the call") {
  run_in_turn([](sim::World& world) {
    world.faults().on(Call::read).nth(1, Fault::delay(5ms));
    on_world::EventFd event{world.backend()};
    sim::thread writer{[&] {
      sim::this_thread::sleep_for(2ms);
      event.write(3);
    }};
    CHECK(event.read() == 3);
    CHECK(world.now() == 5'000'000);
    writer.join();
  });
}

TEST_CASE("Faults: readiness that was spurious comes again, as an edge too") {
  run_in_turn([](sim::World& world) {
    auto [a, b] = on_world::UnixStream::pair(world.backend());
    on_world::Epoll epoll{world.backend()};
    EventVec events(4);
    epoll.add(b, EventFlags::in | EventFlags::et);
    a.send(std::string_view{"hello"});
    CHECK(epoll.wait(events) == 1);
    world.faults().on(CallSet::reads).nth(1, Fault::not_ready());
    std::array<char, 8> buffer{};
    CHECK_FALSE(b.try_receive(buffer));
    CHECK(epoll.wait(events, Timeout::now) == 1);
    CHECK(b.try_receive(buffer) == 5U);
    // Who may wait is not told so.
    const EmulatedBackend backend = world.backend();
    const int event = backend.eventfd(1, 0).value();
    world.faults().on(Call::read).every(Fault::not_ready());
    std::uint64_t count = 0;
    CHECK(backend.read(event, &count, sizeof count).ok());
    CHECK(backend.close(event).ok());
  });
}

TEST_CASE("Faults: what close says, and a connect that was interrupted, come after the call") {
  run_in_turn([](sim::World& world) {
    world.faults().on(Call::close).nth(1, Fault::error(EIO)).on(Call::close).nth(4, Fault::error(EIO));
    const EmulatedBackend backend = world.backend();
    const int fd = backend.eventfd(0, 0).value();
    CHECK(backend.close(fd).error() == EIO);
    CHECK(backend.fcntl(fd, F_GETFD).error() == EBADF);
    CHECK(backend.close(fd).error() == EBADF);
    CHECK(backend.close(fd).error() == EBADF);
    CHECK(backend.close(fd).error() == EBADF);  // The fault has nothing to add to that.

    const ::sockaddr_in address{AF_INET, htons(8080), {htonl(INADDR_LOOPBACK)}, {}};
    const auto* const to = reinterpret_cast<const ::sockaddr*>(&address);
    auto listener = BasicTcpListener<EmulatedBackend>::bind(backend, Ipv4::loopback(8080));
    world.faults().on(Call::connect).nth(1, Fault::error(EINTR));
    const int client = backend.socket(AF_INET, SOCK_STREAM, 0).value();
    CHECK(backend.connect(client, to, sizeof address).error() == EINTR);
    CHECK((backend.fcntl(client, F_GETFL).value() & O_NONBLOCK) == 0);
    static_cast<void>(listener.accept());
    CHECK(backend.connect(client, to, sizeof address).ok());
    CHECK(backend.connect(client, to, sizeof address).error() == EISCONN);
    CHECK(backend.close(client).ok());
  });
}

TEST_CASE("Faults: only a call that takes something can want for it") {
  run_in_turn([](sim::World& world) {
    world.faults().on(Call::epoll_ctl).every(Fault::error(ENOMEM)).on(Call::fcntl).every(Fault::error(EMFILE));
    on_world::Epoll epoll{world.backend()};
    on_world::EventFd event{world.backend()};
    std::error_code ec;
    epoll.add(event, EventFlags::in, event.fd(), ec);
    CHECK(ec == std::errc::not_enough_memory);
    epoll.modify(event, EventFlags::in, event.fd(), ec);
    CHECK(ec == std::errc::no_such_file_or_directory);
    CHECK(world.backend().fcntl(event.fd(), F_GETFL).ok());
    CHECK(world.backend().fcntl(event.fd(), F_DUPFD, 0).error() == EMFILE);
  });
}

TEST_CASE("Faults: an old kernel, as the kernel's own age or as the plan's") {
  const bool by_plan = GENERATE(false, true);
  run_in_turn([by_plan](sim::World& world) {
    if (by_plan) {
      world.faults().kernel(KernelAge::of_linux(4, 4));
    } else {
      world.kernel().age = KernelAge::of_linux(4, 4);
    }
    const EmulatedBackend backend = world.backend();
    on_world::Epoll first{backend}, second{backend};
    on_world::EventFd event{backend};
    for (on_world::Epoll* epoll : {&first, &second})
      epoll->add(event, EventFlags::in | EventFlags::exclusive, event.fd());
    EventVec events(1);
    CHECK(first.wait(events, 1500us) == 0);  // Falls back on milliseconds.
    CHECK(world.now() == 2'000'000);
    Event one;
    const ::timespec now{0, 0};
    CHECK(backend.epoll_pwait2(first.fd(), &one, 1, &now, nullptr).error() == ENOSYS);
    BusyPoll busy;
    CHECK(backend.ioctl(first.fd(), epiocgparams, &busy).error() == ENOTTY);
    CHECK(backend.fcntl(event.fd(), 1024 + 3, event.fd()).error() == EINVAL);
    event.write(1);
    CHECK(first.wait(events, Timeout::now) == 1);
    CHECK(second.wait(events, Timeout::now) == 1);
  });
}

TEST_CASE("Faults: what is left to chance, the policy decides; a schedule replays it, and shrinking takes it out") {
  const auto test = [](sim::World& world) {
    world.faults().on(Call::write).one_in(3, Fault::error(EPIPE));
    on_world::Pipe pipe{world.backend()};
    int failed = 0;
    for (int i = 0; i < 8; ++i) {
      std::error_code ec;
      pipe.writer.write(std::string_view{"x"}, ec);
      if (ec) ++failed;
    }
    require(failed == 0, "a write failed");
  };
  sim::RandomPolicy random{1};
  const sim::Exploration found = sim::explore(random, {}, test);
  REQUIRE(found.failure);
  CHECK(found.failure->ending == Ending::exception);
  CHECK(found.failure->faults == 1);
  CHECK(sim::replay(found.failure->schedule, test).fails_like(*found.failure));
  CHECK_FALSE(sim::replay(sim::Schedule{}, test).failed());

  sim::InTurn in_turn;
  CHECK_FALSE(sim::explore(in_turn, {.runs_max = 1}, test).failure);
}

TEST_CASE("Faults: exhaustive runs try them all, within a bound of their own") {
  std::set<std::string> seen;
  const auto test = [&seen](sim::World& world) {
    world.faults().on(Call::write).one_in(1'000, Fault::error(ENOSPC));
    on_world::EventFd event{world.backend()};
    std::string which;
    for (int i = 0; i < 4; ++i) {
      std::error_code ec;
      event.write(1, ec);
      which += ec ? 'x' : '.';
    }
    seen.insert(which);
  };
  const auto [bound, combinations, coverage] =
      GENERATE(table<std::uint32_t, std::size_t, std::string>({{0, 1, "complete within 0 faults"},
                                                               {1, 5, "complete within 1 fault"},
                                                               {2, 11, "complete within 2 faults"},
                                                               {4, 16, "complete"}}));
  const auto reduction = GENERATE(sim::Exhaustive::Reduction::none, sim::Exhaustive::Reduction::sleep_sets);
  sim::Exhaustive all{{.faults = bound}, reduction};
  CHECK_FALSE(sim::explore(all, {}, test).failure);
  CHECK(seen.size() == combinations);
  CHECK(all.coverage() == coverage);
}

TEST_CASE("Faults: a plan that each run begins with; and none while a run that has failed is unwound") {
  FaultPlan plan;
  plan.on(Call::close).every(Fault::error(EIO)).on(Call::write).nth(2, Fault::error(EINTR));
  std::vector<int> closed;
  sim::InTurn in_turn;
  const auto test = [&closed](sim::World& world) {
    const EmulatedBackend backend = world.backend();
    const int fd = backend.eventfd(0, 0).value();
    on_world::EventFd event{backend};
    event.write(1);
    std::error_code ec;
    event.write(1, ec);
    require(ec == std::errc::interrupted, "the second write succeeds");
    struct Closes {
      ~Closes() { closed.push_back(backend.close(fd).error()); }
      std::vector<int>& closed;
      EmulatedBackend backend;
      int fd;
    };
    const Closes closes{closed, backend, fd};
    closed.push_back(backend.close(backend.eventfd(0, 0).value()).error());
    world.fail_assertion("failed");
  };
  for (int run = 0; run < 2; ++run) {
    CHECK(sim::explore(in_turn, {.runs_max = 1, .shrink_runs_max = 0, .world = {.faults = &plan}}, test).failure);
  }
  CHECK(closed == std::vector<int>{EIO, 0, EIO, 0, EIO, 0, EIO, 0});  // Each failure is recorded in another run.
}

TEST_CASE("for_each_fault: makes every call of a test fail in every way it may") {
  std::vector<std::string> errors;
  const auto test = [&errors](sim::World& world) {
    try {
      on_world::Epoll epoll{world.backend()};
      on_world::EventFd event{world.backend(), 1};
      epoll.add(event, EventFlags::in);
      EventVec events(1);
      epoll.wait(events);
      event.read();
    } catch (const std::system_error& error) {
      errors.push_back(error.what());
    }
  };
  const sim::FaultExploration all = sim::for_each_fault(test);
  CHECK_FALSE(all.failure);
  CHECK(all.calls == 5);
  CHECK(all.runs == 1 + errors.size() + 1);  // The read that finds nothing at first is made again.
  CHECK(errors == std::vector<std::string>{
                      "epoll_create1(): Too many open files", "epoll_create1(): Too many open files in system",
                      "epoll_create1(): Cannot allocate memory", "eventfd(): Too many open files",
                      "eventfd(): Too many open files in system", "eventfd(): Cannot allocate memory",
                      "epoll_ctl(add, fd 4): Cannot allocate memory", "epoll_ctl(add, fd 4): No space left on device",
                      "epoll_wait(fd 3): Interrupted system call"});
}

TEST_CASE("for_each_fault: shows the fault with which the test fails, and whether it does without") {
  const auto leaks = [](sim::World& world) {
    const EmulatedBackend backend = world.backend();
    const SysResult<int> first = backend.eventfd(0, 0);
    if (!first.ok()) return;
    const SysResult<int> second = backend.eventfd(0, 0);
    if (!second.ok()) return;  // And the first stays open.
    static_cast<void>(backend.close(second.value()));
    static_cast<void>(backend.close(first.value()));
  };
  const sim::FaultExploration with_fault = sim::for_each_fault(leaks);
  REQUIRE(with_fault.failure);
  CHECK(with_fault.failure->ending == Ending::leaked_fd);
  CHECK(with_fault.fault == "the 2nd eventfd fails with EMFILE\n");
  CHECK(with_fault.failure->call.find("eventfd(0)") == 0);
  CHECK(with_fault.trace.text().find("EMFILE") != std::string::npos);

  const sim::FaultExploration without =
      sim::for_each_fault([](sim::World& world) { static_cast<void>(world.backend().eventfd(0, 0)); });
  REQUIRE(without.failure);
  CHECK(without.fault.empty());
  CHECK(without.runs == 1);
}
