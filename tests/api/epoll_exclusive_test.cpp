// `exclusive`: of the epolls that watch a file, one that has a thread waiting in it takes the wakeup.
#include "../support/sleepers.hpp"

using namespace rouse;
using namespace std::literals;
using test::are_asleep;
using test::asleep_in;
using test::Events;
using test::Handles;
using test::reported;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags out = EventFlags::out;
constexpr EventFlags et = EventFlags::et;
constexpr EventFlags exclusive = EventFlags::exclusive;

/// Epolls that watch one file, in the order of their ADD; each reports its place.
template <class On>
class Watchers {
 public:
  Watchers(On& on, int fd, const std::vector<EventFlags>& masks) {
    const BasicFdRef<typename On::Backend> file{on.backend, fd};
    for (const EventFlags mask : masks) {
      epolls_.emplace_back(on.backend);
      epolls_.back().add(file, mask, epolls_.size() - 1);
    }
  }

  auto& operator[](std::size_t i) { return epolls_[i]; }

  /// A thread asleep in each.
  std::vector<test::Worker<Events>> asleep(On& on) {
    std::vector<test::Worker<Events>> workers;
    for (auto& epoll : epolls_) workers.push_back(asleep_in(on, epoll));
    return workers;
  }

 private:
  std::vector<typename Handles<On>::Epoll> epolls_;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Epoll: the first exclusive epoll with a thread in it takes the wakeup",
                        "[epoll][threads][exclusive]", test::AllThreadBackends) {
  TestType on;
  for (const EventFlags mode : {EventFlags{}, et}) {
    CAPTURE(mode);
    typename Handles<TestType>::EventFd event{on.backend};
    Watchers<TestType> epolls{on, event.fd(), std::vector(3, in | mode | exclusive)};
    auto workers = epolls.asleep(on);
    // Each wakeup finds the epolls before it left by their threads.
    for (int i = 0; i < 3; ++i) {
      CAPTURE(i);
      event.write(1);
      CHECK(workers.front().result() == Events{{in, i}});
      workers.erase(workers.begin());
      CHECK(are_asleep(on, workers));
    }
    // Those that were passed on the way were told all the same, those behind the one that took it were not.
    CHECK(reported(epolls[0]) == Events{{in, 0}});
    CHECK(reported(epolls[1]) == Events{{in, 1}});
    CHECK(reported(epolls[2]) == (mode == et ? Events{} : Events{{in, 2}}));
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: an exclusive epoll whose thread goes back to waiting takes everything",
                        "[epoll][threads][exclusive]", test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::EventFd work{on.backend};
  typename Handles<TestType>::EventFd stop{on.backend};
  Watchers<TestType> epolls{on, work.fd(), std::vector(3, in | exclusive)};
  std::vector<test::Worker<int>> workers;
  for (std::size_t i = 0; i < 3; ++i) {
    epolls[i].add(stop, in, 9);
    workers.push_back(on.spawn([&work, &epoll = epolls[i]] {
      EventVec events{1};
      for (int served = 0;; ++served) {
        epoll.wait(events);
        if (events[0].data() == 9) return served;
        work.drain();
      }
    }));
    on.wait_until_blocked(workers.back());
  }
  for (int i = 0; i < 9; ++i) {
    work.write(1);
    on.wait_until_blocked(workers.front());
  }
  stop.write(1);
  CHECK(workers[0].result() == 9);
  CHECK(workers[1].result() == 0);
  CHECK(workers[2].result() == 0);
}

TEMPLATE_LIST_TEST_CASE("Epoll: with nobody waiting all exclusive epolls are told", "[epoll][exclusive]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  Watchers<TestType> epolls{on, event.fd(), std::vector(3, in | et | exclusive)};
  event.write(1);
  for (std::size_t i = 0; i < 3; ++i) CHECK(reported(epolls[i]) == Events{{in, i}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: plain epolls wake beside the one exclusive one", "[epoll][threads][exclusive]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  Watchers<TestType> epolls{on, event.fd(), {in, in | exclusive, in, in | exclusive, in}};
  auto workers = epolls.asleep(on);
  event.write(1);
  for (const std::size_t i : {0u, 1u, 2u, 4u}) CHECK(workers[i].result() == Events{{in, i}});
  on.wait_until_blocked(workers[3]);
  event.write(1);
  CHECK(workers[3].result() == Events{{in, 3}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: a poll is told before an exclusive epoll that was there first",
                        "[epoll][threads][exclusive][poll]", test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  Watchers<TestType> epolls{on, event.fd(), {in | exclusive}};
  auto waiter = asleep_in(on, epolls[0]);
  auto poller = on.spawn([&] {
    ::pollfd entry{event.fd(), POLLIN, 0};
    return on.backend.poll(&entry, 1, -1);
  });
  on.wait_until_blocked(poller);
  event.write(1);
  CHECK(poller.result() == SysResult<int>{1});
  CHECK(waiter.result() == Events{{in, 0}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: an exclusive epoll that did not ask for it does not take the wakeup",
                        "[epoll][threads][exclusive]", test::AllThreadBackends) {
  TestType on;
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  Watchers<TestType> epolls{
      on, ends.first.fd(), {out | et | exclusive, in | exclusive, in | out | et | exclusive, in | exclusive}};
  CHECK(reported(epolls[0]) == Events{{out, 0}});
  CHECK(reported(epolls[2]) == Events{{out, 2}});
  auto workers = epolls.asleep(on);
  ends.second.send("x"sv);
  CHECK(workers[1].result() == Events{{in, 1}});
  workers.erase(workers.begin() + 1);
  CHECK(are_asleep(on, workers));
  // A key of one direction is taken by who asked for both.
  ends.second.send("y"sv);
  CHECK(workers[1].result() == Events{{in | out, 2}});
  workers.erase(workers.begin() + 1);
  CHECK(are_asleep(on, workers));
  // The end of the peer is for all.
  ends.second.close();
  constexpr EventFlags hup = EventFlags::hup;
  CHECK(workers[0].result() == Events{{out | hup, 0}});
  CHECK(workers[1].result() == Events{{in | hup, 3}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: hang-ups and shutdowns reach all exclusive epolls", "[epoll][threads][exclusive]",
                        test::AllThreadBackends) {
  TestType on;
  SECTION("the end of a pipe's writer") {
    typename Handles<TestType>::Pipe pipe{on.backend};
    Watchers<TestType> epolls{on, pipe.reader.fd(), std::vector(3, in | et | exclusive)};
    auto workers = epolls.asleep(on);
    pipe.writer.close();
    for (std::size_t i = 0; i < 3; ++i) CHECK(workers[i].result() == Events{{EventFlags::hup, i}});
  }
  SECTION("the end of a pipe's reader") {
    typename Handles<TestType>::Pipe pipe{on.backend};
    Watchers<TestType> epolls{on, pipe.writer.fd(), std::vector(3, et | exclusive)};
    auto workers = epolls.asleep(on);
    pipe.reader.close();
    for (std::size_t i = 0; i < 3; ++i) CHECK(workers[i].result() == Events{{EventFlags::err, i}});
  }
  SECTION("a shutdown by the peer") {
    auto ends = Handles<TestType>::Socket::pair(on.backend);
    Watchers<TestType> epolls{on, ends.first.fd(), std::vector(3, in | et | exclusive)};
    auto workers = epolls.asleep(on);
    ends.second.shutdown(ShutdownHow::write);
    for (std::size_t i = 0; i < 3; ++i) CHECK(workers[i].result() == Events{{in, i}});
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: a wakeup without a key is taken by the first exclusive epoll",
                        "[epoll][threads][exclusive]", test::AllThreadBackends) {
  // A new size of a pipe is such a wakeup of its writing end.
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  Watchers<TestType> epolls{on, pipe.writer.fd(), std::vector(3, out | et | exclusive)};
  for (std::size_t i = 0; i < 3; ++i) CHECK(reported(epolls[i]) == Events{{out, i}});
  auto workers = epolls.asleep(on);
  for (int i = 0; i < 3; ++i) {
    CHECK(on.backend.fcntl(pipe.writer.fd(), F_SETPIPE_SZ, 65536) == SysResult<int>{65536});
    CHECK(workers.front().result() == Events{{out, i}});
    workers.erase(workers.begin());
    CHECK(are_asleep(on, workers));
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: being watched is not having a thread", "[epoll][threads][exclusive][nesting]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  Watchers<TestType> epolls{on, event.fd(), std::vector(4, in | et | exclusive)};
  typename Handles<TestType>::Epoll outer{on.backend};
  outer.add(epolls[0], in, 10);
  auto in_outer = asleep_in(on, outer);
  auto poller = on.spawn([&] {
    ::pollfd entry{epolls[1].fd(), POLLIN, 0};
    return on.backend.poll(&entry, 1, -1);
  });
  on.wait_until_blocked(poller);
  auto in_third = asleep_in(on, epolls[2]);
  auto in_last = asleep_in(on, epolls[3]);
  // The first two are told and do not take it: only the third stops the walk.
  event.write(1);
  CHECK(in_outer.result() == Events{{in, 10}});
  CHECK(poller.result() == SysResult<int>{1});
  CHECK(in_third.result() == Events{{in, 2}});
  on.wait_until_blocked(in_last);
  event.write(1);
  CHECK(in_last.result() == Events{{in, 3}});
}
