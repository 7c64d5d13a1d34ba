// poll(2): what it says of each kind of file, of an epoll above all, and whom it wakes.
#include "../support/bad_pointers.hpp"
#include "../support/bare.hpp"
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/poll_bits.hpp"
#include "../support/sigpipe.hpp"
#include "../support/stopwatch.hpp"
#include "../support/threads.hpp"

#include <climits>
#include <cstring>

using namespace rouse;
using namespace std::literals;
using test::Events;
using test::Handles;
using test::poll_bits;
using test::reported;
using test::Stopwatch;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags out = EventFlags::out;
constexpr EventFlags et = EventFlags::et;
constexpr EventFlags rdnorm = EventFlags::rdnorm;
constexpr EventFlags wrnorm = EventFlags::wrnorm;

constexpr EventFlags readable = in | rdnorm;
constexpr EventFlags neither{};

}  // namespace

TEMPLATE_LIST_TEST_CASE("poll: of how many there are, the lower half counts", "[poll][errors]", test::AllWays) {
  TestType on;
  const auto backend = test::bare(on.backend);
  typename Handles<TestType>::EventFd ready{on.backend, 1};
  constexpr ::nfds_t upper = std::uint64_t{1} << 32;
  ::pollfd entry{ready.fd(), POLLIN, 0};
  const ::timespec now{};
  CHECK(backend.poll(&entry, upper + 1, 0) == 1);
  CHECK(backend.poll(nullptr, upper, 0) == 0);
  CHECK(backend.ppoll(&entry, upper + 1, &now, nullptr) == 1);
  CHECK(backend.poll(&entry, ~::nfds_t{0}, 0) == SysResult<int>::failure(EINVAL));
}

TEMPLATE_LIST_TEST_CASE("poll: checks the count before the entries", "[poll][errors]", test::AllWays) {
  TestType on;
  const auto backend = test::bare(on.backend);
  ::rlimit limit{};
  REQUIRE(on.backend.getrlimit(RLIMIT_NOFILE, &limit).ok());
  const auto too_many = static_cast<::nfds_t>(limit.rlim_cur + 1);
  const auto invalid = SysResult<int>::failure(EINVAL);
  const auto fault = SysResult<int>::failure(EFAULT);
  CHECK(backend.poll(nullptr, too_many, 0) == invalid);
  CHECK(backend.poll(test::in_kernel_space<::pollfd>(), too_many, 0) == invalid);
  CHECK(backend.poll(nullptr, static_cast<::nfds_t>(-1), 0) == invalid);
  CHECK(backend.poll(nullptr, 1, 0) == fault);
  CHECK(backend.poll(test::in_kernel_space<::pollfd>(), 1, 0) == fault);
  CHECK(backend.poll(nullptr, 0, 0) == SysResult<int>{0});
  CHECK(backend.poll(test::unmapped<::pollfd>(), 0, 0) == SysResult<int>{0});
  CHECK(backend.poll(test::in_kernel_space<::pollfd>(), 0, 0) == fault);
  std::vector<::pollfd> entries(limit.rlim_cur, ::pollfd{-1, POLLIN, 0});
  CHECK(backend.poll(entries.data(), limit.rlim_cur, 0) == SysResult<int>{0});
}

TEMPLATE_LIST_TEST_CASE("poll: answers every entry and counts those with an answer", "[poll]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::EventFd idle{on.backend};
  typename Handles<TestType>::EventFd ready{on.backend, 1};
  typename Handles<TestType>::Pipe hung_up{on.backend};
  typename Handles<TestType>::Pipe broken{on.backend};
  hung_up.writer.close();
  broken.reader.close();
  const int closed = idle.duplicate().fd();
  constexpr short always = POLLERR | POLLHUP | POLLNVAL;
  struct Row {
    int fd;
    short asked;
    short answer;
  };
  const std::vector<Row> rows = {
      {idle.fd(), POLLIN, 0},
      {idle.fd(), POLLOUT, POLLOUT},
      {idle.fd(), always, 0},
      {ready.fd(), POLLIN, POLLIN},
      {ready.fd(), POLLIN | POLLOUT, POLLIN | POLLOUT},
      {ready.fd(), 0, 0},
      {hung_up.reader.fd(), 0, POLLHUP},
      {broken.writer.fd(), 0, POLLERR},
      {broken.writer.fd(), POLLOUT, POLLOUT | POLLERR},
      {-1, POLLIN, 0},
      {INT_MIN, POLLIN | always, 0},
      {closed, 0, POLLNVAL},
      {closed, POLLIN, POLLNVAL},
      {ready.fd(), POLLIN, POLLIN},
  };
  std::vector<::pollfd> entries;
  for (const Row& row : rows) entries.push_back({row.fd, row.asked, -1});
  CHECK(on.backend.poll(entries.data(), entries.size(), 0) == SysResult<int>{9});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i);
    CHECK(entries[i].revents == rows[i].answer);
  }
}

TEMPLATE_LIST_TEST_CASE("poll: few entries are answered as many are, wherever they lie", "[poll]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::EventFd idle{on.backend};
  typename Handles<TestType>::EventFd ready{on.backend, 1};
  const auto backend = test::bare(on.backend);
  char memory[16 * sizeof(::pollfd)];
  for (int n = 1; n <= 10; ++n) {
    CAPTURE(n);
    char* const entries = memory + n;  // Aligned or not.
    const auto at = [&](int i) { return entries + static_cast<std::size_t>(i) * sizeof(::pollfd); };
    const auto answer = [&](int i) {
      ::pollfd entry{};
      std::memcpy(&entry, at(i), sizeof entry);
      return entry.revents;
    };
    const auto ask = [&](int fd, int milliseconds) {
      for (int i = 0; i < n; ++i) {
        const ::pollfd entry{i == n - 1 ? fd : idle.fd(), POLLIN, 99};
        std::memcpy(at(i), &entry, sizeof entry);
      }
      return backend.poll(reinterpret_cast<::pollfd*>(entries), static_cast<::nfds_t>(n), milliseconds);
    };
    CHECK(ask(ready.fd(), -1) == SysResult<int>{1});
    for (int i = 0; i < n; ++i) CHECK(answer(i) == (i == n - 1 ? POLLIN : 0));
    CHECK(ask(-1, 0) == SysResult<int>{0});
    for (int i = 0; i < n; ++i) CHECK(answer(i) == 0);
    CHECK(ask(idle.fd(), 1) == SysResult<int>{0});
    for (int i = 0; i < n; ++i) CHECK(answer(i) == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("poll: each kind of file has its bits", "[poll]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::Pipe pipe{on.backend};
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  typename Handles<TestType>::OwnedFd plain{on.backend, on.backend.open("/dev/null", O_RDWR).value()};
  const EventFlags writable_socket = out | wrnorm | EventFlags::wrband;
  CHECK(poll_bits(on.backend, event.fd()) == out);
  CHECK(poll_bits(on.backend, pipe.reader.fd()) == neither);
  CHECK(poll_bits(on.backend, pipe.writer.fd()) == (out | wrnorm));
  CHECK(poll_bits(on.backend, ends.first.fd()) == writable_socket);
  CHECK(poll_bits(on.backend, plain.get()) == (readable | out | wrnorm));
  event.write(1);
  pipe.writer.write("x"sv);
  ends.first.send("x"sv);
  CHECK(poll_bits(on.backend, event.fd()) == (in | out));
  CHECK(poll_bits(on.backend, pipe.reader.fd()) == readable);
  CHECK(poll_bits(on.backend, ends.second.fd()) == (readable | writable_socket));
  ends.first.shutdown(ShutdownHow::write);
  CHECK(poll_bits(on.backend, ends.second.fd()) == (readable | writable_socket | EventFlags::rdhup));
}

TEMPLATE_LIST_TEST_CASE("poll: an epoll is readable while something in it is due", "[poll][epoll]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::Pipe pipe{on.backend};
  const auto bits = [&] { return poll_bits(on.backend, epoll.fd()); };
  CHECK(bits() == neither);
  epoll.add(event, in, 1);
  CHECK(bits() == neither);
  event.write(1);
  CHECK(bits() == readable);
  CHECK(reported(epoll).size() == 1);
  CHECK(bits() == readable);
  event.drain();
  CHECK(bits() == neither);
  // Whatever is due in it, it is never more than readable.
  epoll.add(pipe.writer, out, 2);
  CHECK(bits() == readable);
  pipe.reader.close();
  CHECK(bits() == readable);
  epoll.modify(pipe.writer, EventFlags::pri | EventFlags::oneshot, 2);
  CHECK(bits() == readable);
  CHECK(reported(epoll) == Events{{EventFlags::err, 2}});
  CHECK(bits() == neither);
}

TEMPLATE_LIST_TEST_CASE("poll: looking at an edge does not take it", "[poll][epoll][edge]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  for (const EventFlags mode : {et, EventFlags::oneshot}) {
    CAPTURE(mode);
    epoll.add(event, in | mode, 1);
    event.write(1);
    for (int i = 0; i < 3; ++i) CHECK(poll_bits(on.backend, epoll.fd()) == readable);
    CHECK(reported(epoll) == Events{{in, 1}});
    CHECK(poll_bits(on.backend, epoll.fd()) == neither);
    epoll.remove(event);
    event.drain();
  }
  // What was looked at while it did not hold is dropped for good.
  epoll.add(event, in | et, 1);
  event.write(1);
  event.drain();
  CHECK(poll_bits(on.backend, epoll.fd()) == neither);
}

TEMPLATE_LIST_TEST_CASE("poll: a nested epoll is asked through all levels", "[poll][epoll][nesting]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::Epoll bottom{on.backend};
  typename Handles<TestType>::Epoll middle{on.backend};
  typename Handles<TestType>::Epoll top{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  middle.add(bottom, in);
  top.add(middle, in | et);
  bottom.add(event, in);
  const auto bits = [&](auto& epoll) { return poll_bits(on.backend, epoll.fd()); };
  CHECK(bits(top) == neither);
  event.write(1);
  CHECK(bits(top) == readable);
  CHECK(reported(bottom).size() == 1);
  CHECK(bits(top) == readable);
  event.drain();
  CHECK(bits(top) == neither);
  CHECK(bits(middle) == neither);
  event.write(1);
  CHECK(reported(top).size() == 1);
  CHECK(bits(top) == neither);
  CHECK(bits(middle) == readable);
  bottom.close();
  CHECK(bits(middle) == neither);
}

TEMPLATE_LIST_TEST_CASE("poll: a time-out is waited for in full", "[poll][timeout]", test::AllWays) {
  TestType on;
  typename Handles<TestType>::EventFd idle{on.backend};
  typename Handles<TestType>::EventFd ready{on.backend, 1};
  for (const int ms : {0, 1, 3}) {
    CAPTURE(ms);
    ::pollfd entries[2] = {{idle.fd(), POLLIN, -1}, {-1, POLLIN, -1}};
    const Stopwatch watch{on};
    const SysResult<int> polled = on.backend.poll(entries, 2, ms);
    CHECK(polled == SysResult<int>{0});
    CHECK(watch.up_to(ms * 1ms) == ms * 1ms);
    CHECK(entries[0].revents == 0);
    CHECK(entries[1].revents == 0);
    const SysResult<int> slept = on.backend.poll(nullptr, 0, ms);
    CHECK(slept == SysResult<int>{0});
    CHECK(watch.up_to(ms * 2ms) == ms * 2ms);
  }
  const Stopwatch watch{on};
  for (const int ms : {-1, INT_MIN, INT_MAX, 0}) {
    CAPTURE(ms);
    ::pollfd entries[2] = {{idle.fd(), POLLIN, -1}, {ready.fd(), POLLIN, -1}};
    CHECK(on.backend.poll(entries, 2, ms) == SysResult<int>{1});
    CHECK(entries[0].revents == 0);
    CHECK(entries[1].revents == POLLIN);
    // A number that is not open is an answer as well.
    ::pollfd closed{idle.duplicate().fd(), POLLIN, 0};
    CHECK(on.backend.poll(&closed, 1, ms) == SysResult<int>{1});
  }
  CHECK(watch.up_to(0ns) == 0ns);
}

// On Linux it would hang.
TEST_CASE("poll: a wait that nothing can end is a deadlock", "[poll][emulated]") {
  test::OnEmulated on;
  BasicEventFd<EmulatedBackend> idle{on.backend};
  ::pollfd entry{idle.fd(), POLLIN, 0};
  CHECK_THROWS_AS(on.backend.poll(&entry, 1, -1), kernel::Deadlock);
  CHECK_THROWS_AS(on.backend.poll(nullptr, 0, -1), kernel::Deadlock);
}

TEMPLATE_LIST_TEST_CASE("poll: all threads that poll one file are woken", "[poll][threads]", test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  const bool through_epoll = GENERATE(false, true);
  CAPTURE(through_epoll);
  epoll.add(event, in, 1);
  const int fd = through_epoll ? epoll.fd() : event.fd();
  std::vector<test::Worker<short>> workers;
  for (int i = 0; i < 3; ++i) {
    workers.push_back(on.spawn([&on, fd] {
      ::pollfd entry{fd, POLLIN, 0};
      const SysResult<int> polled = on.backend.poll(&entry, 1, -1);
      return polled == SysResult<int>{1} ? entry.revents : short{-1};
    }));
    on.wait_until_blocked(workers.back());
  }
  event.write(1);
  for (auto& worker : workers) CHECK(worker.result() == POLLIN);
}

TEMPLATE_LIST_TEST_CASE("poll: an ADD and a MOD that find something due wake it", "[poll][epoll][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  const auto poll = [&] {
    ::pollfd entry{epoll.fd(), POLLIN, 0};
    return on.backend.poll(&entry, 1, -1);
  };
  auto by_add = on.spawn(poll);
  on.wait_until_blocked(by_add);
  epoll.add(event, in | et, 1);
  CHECK(by_add.result() == SysResult<int>{1});
  CHECK(reported(epoll).size() == 1);
  auto by_modify = on.spawn(poll);
  on.wait_until_blocked(by_modify);
  epoll.modify(event, in | et, 1);
  CHECK(by_modify.result() == SysResult<int>{1});
}

TEMPLATE_LIST_TEST_CASE("poll: a sleeper is woken by the keys it asked for", "[poll][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd full{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::EventFd waker{on.backend};
  typename Handles<TestType>::Pipe pipe{on.backend};
  epoll.add(event, in, 1);
  full.write(event_fd_max);
  ::pollfd entries[] = {{epoll.fd(), POLLRDNORM, 0}, {full.fd(), POLLOUT, 0}, {waker.fd(), POLLIN, 0}};
  auto sleeper = on.spawn([&] { return on.backend.poll(entries, 3, -1); });
  on.wait_until_blocked(sleeper);
  // An epoll says `in` and nothing else, so that this goes unnoticed until another look.
  event.write(1);
  on.wait_until_blocked(sleeper);
  // An eventfd has said `in` here, where `out` is asked for.
  full.write(0);
  on.wait_until_blocked(sleeper);
  waker.write(1);
  CHECK(sleeper.result() == SysResult<int>{2});
  CHECK(entries[0].revents == POLLRDNORM);
  CHECK(entries[1].revents == 0);
  CHECK(entries[2].revents == POLLIN);
  // A pipe does say it.
  ::pollfd entry{pipe.reader.fd(), POLLRDNORM, 0};
  auto another = on.spawn([&] { return on.backend.poll(&entry, 1, -1); });
  on.wait_until_blocked(another);
  pipe.writer.write("x"sv);
  CHECK(another.result() == SysResult<int>{1});
  CHECK(entry.revents == POLLRDNORM);
}

TEMPLATE_LIST_TEST_CASE("poll: a wakeup in vain sends it back to sleep", "[poll][threads]", test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  ::pollfd entry{event.fd(), POLLIN, 0};
  auto sleeper = on.spawn([&] { return on.backend.poll(&entry, 1, -1); });
  on.wait_until_blocked(sleeper);
  for (int i = 0; i < 3; ++i) {
    event.write(0);
    on.wait_until_blocked(sleeper);
  }
  event.write(1);
  CHECK(sleeper.result() == SysResult<int>{1});
}

TEMPLATE_LIST_TEST_CASE("poll: looks the number up again, but is woken by what was there first", "[poll][threads]",
                        test::AllThreadBackends) {
  TestType on;
  typename Handles<TestType>::EventFd first{on.backend};
  typename Handles<TestType>::EventFd replacement{on.backend};
  auto dup = first.duplicate();
  ::pollfd entry{first.fd(), POLLIN, 0};
  auto sleeper = on.spawn([&] { return on.backend.poll(&entry, 1, -1); });
  on.wait_until_blocked(sleeper);
  SECTION("the number is somebody else's") {
    CHECK(on.backend.dup2(replacement.fd(), first.fd()) == SysResult<int>{first.fd()});
    // The old file is ready, which does not count any more.
    dup.write(1);
    on.wait_until_blocked(sleeper);
    // The new one is, and does not wake.
    replacement.write(1);
    on.wait_until_blocked(sleeper);
    dup.write(1);
    CHECK(sleeper.result() == SysResult<int>{1});
    CHECK(entry.revents == POLLIN);
  }
  SECTION("the number is closed") {
    first.close();
    on.wait_until_blocked(sleeper);
    dup.write(1);
    CHECK(sleeper.result() == SysResult<int>{1});
    CHECK(entry.revents == POLLNVAL);
  }
}

// The real clock has no hands to move.
TEST_CASE("poll: looks once more when its time is up", "[poll][threads][timeout][emulated]") {
  kernel::ThreadHost host{kernel::ThreadHost::Clock::by_hand};
  kernel::Kernel kernel{host};
  const EmulatedBackend backend{kernel};
  BasicEpoll<EmulatedBackend> epoll{backend};
  BasicEventFd<EmulatedBackend> event{backend};
  epoll.add(event, in, 1);
  auto dup = epoll.duplicate();
  ::pollfd entries[2] = {{epoll.fd(), POLLRDNORM, 0}, {dup.fd(), POLLIN, 0}};
  SECTION("and finds what did not wake it") {
    test::Worker<SysResult<int>> sleeper{[&] { return backend.poll(entries, 1, 10); }};
    host.wait_until_blocked(sleeper.id());
    event.write(1);
    host.advance(9'999'999ns);
    host.wait_until_blocked(sleeper.id());
    host.advance(1ns);
    CHECK(sleeper.result() == SysResult<int>{1});
    CHECK(entries[0].revents == POLLRDNORM);
  }
  SECTION("and finds the number closed") {
    test::Worker<SysResult<int>> sleeper{[&] { return backend.poll(entries, 2, 10); }};
    host.wait_until_blocked(sleeper.id());
    dup.close();
    host.advance(10ms);
    CHECK(sleeper.result() == SysResult<int>{1});
    CHECK(entries[0].revents == 0);
    CHECK(entries[1].revents == POLLNVAL);
  }
}
