// dump and check_invariants: the whole state for a person to read, and what must hold in it.
#include "rouse/kernel/dump.hpp"

#include "../support/backends.hpp"
#include "../support/death.hpp"
#include "../support/raw_pipe.hpp"
#include "../support/unix_sockets.hpp"

using namespace rouse;
using On = test::OnEmulated;

TEST_CASE("dump: a fresh kernel has three stand-ins and a task that runs", "[dump]") {
  const kernel::Kernel kernel;
  CHECK(dump(kernel) ==
        "tasks at 0.000 ms:\n"
        "  main runs\n"
        "fds:\n"
        "  0: plain file (file 1): stdin\n"
        "  1: plain file (file 2): stdout\n"
        "  2: plain file (file 3): stderr\n");
}

TEST_CASE("dump: every fd says what it holds", "[dump]") {
  On on;
  BasicEventFd<EmulatedBackend> event{on.backend, 5};
  const BasicEventFd<EmulatedBackend> semaphore{on.backend, 0, EventFdFlags::semaphore};
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  epoll.add(event, EventFlags::in | EventFlags::et, 42);
  epoll.add(semaphore, EventFlags::in | EventFlags::oneshot, 7);
  test::RawPipe<On> pipe{on, 0};
  REQUIRE(pipe.write(5000) == 5000);
  const int again = on.backend.dup(event.fd()).value();
  EventArray<1> events;
  REQUIRE(on.backend.close(0).ok());
  const int sleeper = on.backend.epoll_create1(0).value();
  REQUIRE(sleeper == 0);
  REQUIRE(on.backend.epoll_wait(sleeper, events.data(), 1, 1234) == 0);
  const std::string text = dump(on.kernel);
  CHECK(text ==
        "tasks at 1234.000 ms:\n"
        "  main runs\n"
        "fds:\n"
        "  0: epoll (file 9): 0 registered, 0 queued\n"
        "  1: plain file (file 2): stdout\n"
        "  2: plain file (file 3): stderr\n"
        "  3: eventfd (file 4): count 5, non-blocking\n"
        "  4: eventfd (file 5): count 0, semaphore\n"
        "  5: epoll (file 6): 2 registered, 1 queued\n"
        "       watches fd 3 (eventfd, file 4) for in|err|hup|et, data 42, queued\n"
        "       watches fd 4 (eventfd, file 5) for in|err|hup|oneshot, data 7\n"
        "  6: pipe (file 7): reading end, 5000 bytes in 2 of 16 slots\n"
        "  7: pipe (file 8): writing end, 5000 bytes in 2 of 16 slots\n"
        "  8: eventfd (file 4): count 5, non-blocking\n");
  CHECK(dump(on.kernel) == text);  // Looking changes nothing.
  CHECK(epoll.wait(events, Timeout::now) == 1);
  CHECK(on.backend.close(again).ok());
}

TEST_CASE("dump: a registration has no wakeup flag, and of a one-shot's bits, its modes are left", "[dump]") {
  On on;
  const BasicEventFd<EmulatedBackend> event{on.backend, 5};
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  epoll.add(event, EventFlags::in | EventFlags::oneshot | EventFlags::wakeup | EventFlags::et, 7);
  CHECK(dump(on.kernel).find(" for in|err|hup|oneshot|et, data 7, queued\n") != std::string::npos);
  EventArray<1> events;
  REQUIRE(epoll.wait(events, Timeout::now) == 1);
  CHECK(dump(on.kernel).find(" for oneshot|et, data 7\n") != std::string::npos);
}

TEST_CASE("dump: data that may be an address is left out, as it differs from run to run", "[dump]") {
  On on;
  const BasicEventFd<EmulatedBackend> event{on.backend};
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  epoll.add(event, EventFlags::in, &on);
  CHECK(dump(on.kernel).find(" for in|err|hup\n") != std::string::npos);
}

TEST_CASE("dump: timers and signals say what they wait for", "[dump]") {
  On on;
  const int timer = on.backend.timerfd_create(CLOCK_MONOTONIC, 0).value();
  const ::itimerspec every{{0, 2000}, {0, 1000}};
  REQUIRE(on.backend.timerfd_settime(timer, 0, &every, nullptr).ok());
  ::sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGUSR1);
  ::sigaddset(&signals, SIGTERM);
  REQUIRE(on.backend.signalfd(-1, &signals, 0).ok());
  REQUIRE(on.backend.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK).ok());
  const std::string text = dump(on.kernel);
  CHECK(text.find("  3: timerfd (file 4): 0 expirations, the next in 1000 ns, every 2000 ns\n") != std::string::npos);
  CHECK(text.find("  4: signalfd (file 5): signals 10 15\n") != std::string::npos);
  CHECK(text.find("  5: timerfd (file 6): 0 expirations, non-blocking\n") != std::string::npos);
}

TEST_CASE("check_invariants: a sound kernel passes", "[invariants]") {
  On on;
  const BasicEpoll<EmulatedBackend> epoll{on.backend};
  const test::RawPipe<On> pipe{on};
  CHECK(test::last_words([&] { check_invariants(on.kernel); }) == "alive");
}

TEST_CASE("check_invariants: a broken kernel ends the program with a dump", "[invariants][death]") {
  On on;
  test::RawPipe<On> pipe{on};
  REQUIRE(pipe.write("abc") == 3);
  auto* const end = kernel::file_cast<kernel::PipeEnd>(on.kernel.file(pipe.reader()));
  REQUIRE(end != nullptr);
  auto& ring = const_cast<kernel::PipeRing&>(end->ring());
  const auto dies_of = [&](auto breaking, const std::string& why) {
    const std::string words = test::last_words([&] {
      breaking();
      static_cast<void>(pipe.queued());  // Any call: they are all checked.
    });
    return words.rfind("rouse: the emulated kernel broke an invariant: " + why + "\ntasks at 0.000 ms:\n", 0) == 0;
  };
  CHECK(dies_of([&] { ring.slots_max = 0; }, "a pipe uses more slots than it has"));
  CHECK(dies_of([&] { ring.slots.front().taken = 3; }, "a pipe's slot is empty or too long"));
  CHECK(dies_of([&] { ring.reader = nullptr; }, "a pipe does not know its end"));
  CHECK(dies_of([&] { on.kernel.epoll_watches.count = 1; }, "") == false);  // Somebody may wait in a closed epoll.
}

TEST_CASE("check_invariants: a unix socket holds what its peer has sent, and no more", "[invariants][death]") {
  struct Row {
    int type;
    const char* why;
  };
  const Row rows[] = {{SOCK_STREAM, "what a unix socket has in flight is not what its peer holds"},
                      {SOCK_DGRAM, "a unix socket holds more than its peer has sent"},
                      {SOCK_SEQPACKET, "a unix socket holds more than its peer has sent"}};
  for (const Row& row : rows) {
    CAPTURE(row.type);
    On on;
    test::UnixSockets calls{on, row.type};
    const auto pair = calls.pair();
    REQUIRE(calls.send(pair[0], "x").ok());
    CHECK(test::last_words([&] { check_invariants(on.kernel); }) == "alive");
    const std::string words = test::last_words([&] {
      kernel::unix_socket_cast(on.kernel.file(pair[0].get()))->give_back(1);
      static_cast<void>(calls.bits(pair[0]));
    });
    CHECK(words.find(row.why) != std::string::npos);
  }
}
