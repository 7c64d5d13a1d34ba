// EpollFile with waiters that stand for tasks asleep in it: how many of them each step wakes, and which wakeups an
// exclusive registration takes for itself, with keys that no modelled file has yet as well.
#include "rouse/kernel/epoll_file.hpp"

#include "../support/backends.hpp"
#include "../support/fake_file.hpp"
#include "../support/told.hpp"

#include <poll.h>

using namespace rouse;
using kernel::EpollFile;
using test::FakeFile;
using test::Told;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags out = EventFlags::out;
constexpr EventFlags edge = in | EventFlags::et;

/// An epoll with two tasks asleep in it; `newest` came last.
struct Watched {
  Watched() {
    kernel.check_every_call(rouse::kernel::check_invariants);
    epoll.waiters.add_head(oldest);
    epoll.waiters.add_head(newest);
  }

  FakeFile& open_ready() {
    FakeFile* file = nullptr;
    fd = test::open_fake(kernel, file);
    file->bits = in;
    return *file;
  }
  void control(int operation, EventFlags flags) const {
    const Event event{flags, fd};
    REQUIRE(backend.epoll_ctl(epfd, operation, fd, &event).ok());
  }
  int wait(int max) const {
    Event events[4];
    return backend.epoll_wait(epfd, events, max, 0).value();
  }
  /// How often the newest and the oldest were woken.
  std::pair<int, int> woken() { return {newest.take(), oldest.take()}; }

  kernel::Kernel kernel;
  EmulatedBackend backend{kernel};
  const int epfd = backend.epoll_create1(0).value();
  EpollFile& epoll = static_cast<EpollFile&>(*kernel.file(epfd));
  Told oldest{true};
  Told newest{true};
  int fd = -1;
};

using Pair = std::pair<int, int>;

}  // namespace

TEST_CASE("EpollFile: a wakeup, an ADD and a MOD each wake one of those asleep, the last that came", "[epoll_file]") {
  Watched on;
  FakeFile& file = on.open_ready();
  on.control(EPOLL_CTL_ADD, edge);
  CHECK(on.woken() == Pair{1, 0});
  // Queued already: a wakeup tells again, a MOD does not.
  file.queue.wake(in);
  CHECK(on.woken() == Pair{1, 0});
  on.control(EPOLL_CTL_MOD, edge);
  CHECK(on.woken() == Pair{0, 0});
  CHECK(on.wait(4) == 1);
  on.control(EPOLL_CTL_MOD, edge);
  CHECK(on.woken() == Pair{1, 0});
  file.bits = {};
  CHECK(on.wait(4) == 0);
  on.control(EPOLL_CTL_MOD, edge);
  on.control(EPOLL_CTL_DEL, {});
  CHECK(on.woken() == Pair{0, 0});
}

TEST_CASE("EpollFile: whoever leaves something in the list wakes one more", "[epoll_file]") {
  Watched on;
  on.open_ready();
  on.control(EPOLL_CTL_ADD, edge);
  FakeFile& stale = on.open_ready();
  on.control(EPOLL_CTL_ADD, edge);
  on.open_ready();
  on.control(EPOLL_CTL_ADD, edge);
  stale.bits = {};
  on.woken();
  CHECK(on.wait(1) == 1);
  CHECK(on.woken() == Pair{1, 0});
  // A poll drops the stale one from the front, finds the next, and wakes somebody to fetch it.
  ::pollfd entry{on.epfd, POLLIN, 0};
  CHECK(on.backend.poll(&entry, 1, 0) == 1);
  CHECK(on.woken() == Pair{1, 0});
  CHECK(on.wait(4) == 1);
  CHECK(on.woken() == Pair{0, 0});
  CHECK(on.backend.poll(&entry, 1, 0) == 0);
  CHECK(on.woken() == Pair{0, 0});
}

TEST_CASE("EpollFile: which wakeups an exclusive registration takes for itself", "[epoll_file][exclusive]") {
  struct Row {
    EventFlags asked;
    EventFlags key;
    bool taken;
  };
  const EventFlags band = EventFlags::rdband;
  for (const auto& [asked, key, taken] : {
           Row{in, in, true},
           Row{in, in | EventFlags::rdnorm, true},
           Row{in, out, false},
           Row{in, in | out, false},
           Row{in | out, in, true},
           Row{in | out, out, true},
           Row{in | out, in | out, false},
           Row{out, in | EventFlags::err, false},
           Row{out, out | EventFlags::err, true},
           Row{in, EventFlags::err, true},
           Row{in, EventFlags::hup | band, true},
           Row{in, band, false},
           Row{{}, EventFlags::hup, true},
           Row{{}, in | EventFlags::hup, false},
           Row{in, kernel::any_key, true},
       }) {
    CAPTURE(asked, key);
    Watched on;
    FakeFile& file = on.open_ready();
    file.bits = {};
    on.control(EPOLL_CTL_ADD, asked | EventFlags::exclusive | EventFlags::et);
    Told next;
    file.queue.add_tail(next);
    file.queue.wake(key);
    CHECK(next.take() == (taken ? 0 : 1));
    CHECK(on.woken() == Pair{(key & (asked | EventFlags::err | EventFlags::hup)).empty() ? 0 : 1, 0});
    // One that is not exclusive never keeps a wakeup from the next.
    on.control(EPOLL_CTL_DEL, {});
    on.control(EPOLL_CTL_ADD, asked | EventFlags::et);
    file.queue.wake(key);
    CHECK(next.take() == 1);
    // Nor does one in whose epoll nobody sleeps.
    on.control(EPOLL_CTL_DEL, {});
    on.control(EPOLL_CTL_ADD, asked | EventFlags::exclusive | EventFlags::et);
    next.unlink();
    file.queue.add_tail(next);
    on.oldest.unlink();
    on.newest.unlink();
    file.queue.wake(key);
    CHECK(next.take() == 1);
  }
}

TEST_CASE("EpollFile: busy polling keeps its parameters, within the budget of those without privileges",
          "[epoll_file]") {
  // Whoever has CAP_NET_ADMIN may go beyond: so this is not for Linux.
  Watched on;
  BusyPoll wanted;
  wanted.microseconds = 7;
  wanted.budget = 64;
  CHECK(on.backend.ioctl(on.epfd, epiocsparams, &wanted) == 0);
  BusyPoll beyond = wanted;
  beyond.budget = 65;
  CHECK(on.backend.ioctl(on.epfd, epiocsparams, &beyond) == SysResult<int>::failure(EPERM));
  BusyPoll kept;
  CHECK(on.backend.ioctl(on.epfd, epiocgparams, &kept) == 0);
  CHECK(kept.microseconds == 7);
  CHECK(kept.budget == 64);
}
