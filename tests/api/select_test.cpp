// select(2) and pselect(2), and what ppoll(2) adds to poll: sets, what is left of the time, masks.
#include "../support/bad_pointers.hpp"
#include "../support/bare.hpp"
#include "../support/signals.hpp"
#include "../support/stopwatch.hpp"
#include "../support/threads.hpp"

#include <sys/ioctl.h>

using namespace rouse;
using namespace std::literals;
using test::Handlers;
using test::Handles;
using test::raise;
using test::set_of;
using test::Stopwatch;

namespace {

using Count = SysResult<int>;

::fd_set fds_of(std::initializer_list<int> fds) {
  ::fd_set set;
  FD_ZERO(&set);
  for (const int fd : fds) FD_SET(fd, &set);
  return set;
}

bool same(const ::fd_set& a, const ::fd_set& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

/// "rwx" for the sets that one fd is in, of those it was put into.
template <class B>
std::string selected(const B& backend, int fd) {
  ::fd_set read = fds_of({fd});
  ::fd_set write = read;
  ::fd_set except = read;
  ::timeval now{};
  const Count n = backend.select(fd + 1, &read, &write, &except, &now);
  std::string text = n.ok() ? std::to_string(n.value()) : "error " + std::to_string(n.error());
  if (FD_ISSET(fd, &read)) text += 'r';
  if (FD_ISSET(fd, &write)) text += 'w';
  if (FD_ISSET(fd, &except)) text += 'x';
  return text;
}

constexpr ::timespec twenty_ms{0, 20'000'000};

}  // namespace

TEMPLATE_LIST_TEST_CASE("select: says what can be read, written or is exceptional", "[select]", test::AllBackends) {
  TestType on;
  const auto& backend = on.backend;
  typename Handles<TestType>::EventFd idle{backend};
  typename Handles<TestType>::EventFd ready{backend, 1};
  typename Handles<TestType>::Pipe pipe{backend};
  typename Handles<TestType>::Epoll epoll{backend};
  CHECK(selected(backend, idle.fd()) == "1w");
  CHECK(selected(backend, ready.fd()) == "2rw");
  CHECK(selected(backend, pipe.reader.fd()) == "0");
  CHECK(selected(backend, pipe.writer.fd()) == "1w");
  CHECK(selected(backend, epoll.fd()) == "0");
  epoll.add(ready, EventFlags::in, 0);
  CHECK(selected(backend, epoll.fd()) == "1r");
  // A hang-up is something to read; an error is both.
  typename Handles<TestType>::Pipe broken{backend};
  broken.reader.close();
  CHECK(selected(backend, broken.writer.fd()) == "2rw");
  pipe.writer.close();
  CHECK(selected(backend, pipe.reader.fd()) == "1r");

  auto [a, b] = Handles<TestType>::Socket::pair(backend);
  CHECK(selected(backend, a.fd()) == "1w");
  REQUIRE(backend.sendto(b.fd(), "x", 1, MSG_OOB, nullptr, 0).ok());
  CHECK(selected(backend, a.fd()) == "3rwx");
  const int plain = backend.open("/dev/null", O_RDWR).value();
  CHECK(selected(backend, plain) == "2rw");
  REQUIRE(backend.close(plain).ok());
}

TEMPLATE_LIST_TEST_CASE("select: counts bits, and clears those that are not ready", "[select]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd idle{on.backend};
  typename Handles<TestType>::EventFd ready{on.backend, 1};
  ::fd_set read = fds_of({idle.fd(), ready.fd()});
  ::fd_set write = fds_of({ready.fd()});
  ::timeval now{};
  const int n = std::max(idle.fd(), ready.fd()) + 1;
  CHECK(on.backend.select(n, &read, &write, nullptr, &now) == Count{2});
  CHECK(same(read, fds_of({ready.fd()})));
  CHECK(same(write, fds_of({ready.fd()})));
  // Numbers from n on are not looked at, but the words they share are written.
  ::fd_set beyond = fds_of({ready.fd()});
  CHECK(on.backend.select(ready.fd(), &beyond, nullptr, nullptr, &now) == Count{0});
  CHECK(same(beyond, fds_of({})));
  ::fd_set untouched = fds_of({ready.fd()});
  CHECK(on.backend.select(0, &untouched, nullptr, nullptr, &now) == Count{0});
  CHECK(same(untouched, fds_of({ready.fd()})));
}

TEMPLATE_LIST_TEST_CASE("select: a set has as many words as it takes", "[select]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd idle{on.backend};
  typename Handles<TestType>::EventFd ready{on.backend, 1};
  // The first and the last of a word, and one in the midst.
  for (const int far : {63, 64, 127, 130, 191, 200}) REQUIRE(on.backend.dup2(ready.fd(), far) == Count{far});
  REQUIRE(on.backend.dup2(idle.fd(), 129) == Count{129});
  ::fd_set read = fds_of({63, 64, 127, 129, 130, 191, 200});
  ::fd_set write = fds_of({64, 129});
  ::timeval now{};
  CHECK(on.backend.select(200, &read, &write, nullptr, &now) == Count{7});
  CHECK(same(read, fds_of({63, 64, 127, 130, 191})));
  CHECK(same(write, fds_of({64, 129})));
  for (const int far : {63, 64, 127, 129, 130, 191, 200}) REQUIRE(on.backend.close(far).ok());
}

TEMPLATE_LIST_TEST_CASE("select: refuses in order, and leaves the sets alone", "[select][errors]", test::AllBackends) {
  TestType on;
  const auto backend = test::bare(on.backend);
  const auto invalid = Count::failure(EINVAL);
  const auto fault = Count::failure(EFAULT);
  typename Handles<TestType>::EventFd ready{on.backend, 1};
  const int closed = 60;  // Within every fd table.
  static_cast<void>(backend.close(closed));
  ::fd_set set = fds_of({ready.fd(), closed});
  const ::fd_set before = set;
  ::timeval now{};
  CHECK(backend.select(closed + 1, &set, nullptr, nullptr, &now) == Count::failure(EBADF));
  ::timeval before_now{-1, 2'000'000};  // The C library refuses that, Linux would not.
  CHECK(on.backend.select(0, nullptr, nullptr, nullptr, &before_now) == invalid);
  REQUIRE(backend.dup2(ready.fd(), closed + 1) == Count{closed + 1});
  ::fd_set in_the_midst = fds_of({ready.fd(), closed, closed + 1});
  CHECK(backend.select(closed + 2, &in_the_midst, nullptr, nullptr, &now) == Count::failure(EBADF));
  REQUIRE(backend.close(closed + 1).ok());
  CHECK(backend.select(-1, &set, nullptr, nullptr, &now) == invalid);
  for (const ::timeval& bad : {::timeval{-1, 0}, ::timeval{0, -1}, ::timeval{1, -1'000'000}}) {
    ::timeval time = bad;
    CHECK(on.backend.select(closed + 1, &set, nullptr, nullptr, &time) == invalid);
  }
  CHECK(same(set, before));
  CHECK(backend.select(-1, nullptr, nullptr, nullptr, test::unmapped<::timeval>()) == fault);
  CHECK(backend.select(1, test::unmapped<::fd_set>(), nullptr, nullptr, &now) == fault);
  CHECK(backend.select(closed + 1, &set, test::unmapped<::fd_set>(), nullptr, &now) == fault);
  CHECK(backend.select(0, test::unmapped<::fd_set>(), nullptr, nullptr, &now) == Count{0});
  // What is beyond the fd table is as if it were not asked for.
  ::fd_set far = fds_of({1023});
  CHECK(backend.select(1024, &far, nullptr, nullptr, &now) == Count{0});
  // Which a dup2 enlarges for the number it is to have, even if it fails then.
  CHECK(backend.dup2(closed, 1023) == Count::failure(EBADF));
  far = fds_of({1023});
  CHECK(backend.select(1024, &far, nullptr, nullptr, &now) == Count::failure(EBADF));
}

TEMPLATE_LIST_TEST_CASE("select: normalizes its time, and says what is left of it", "[select]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd ready{on.backend, 1};
  ::fd_set set = fds_of({ready.fd()});
  ::timeval time{0, 2'500'000};
  CHECK(on.backend.select(ready.fd() + 1, &set, nullptr, nullptr, &time) == Count{1});
  CHECK(time.tv_sec == 2);
  CHECK(time.tv_usec <= 500'000);
  CHECK(time.tv_usec > 100'000);
  if constexpr (TestType::is_emulated) CHECK(time.tv_usec == 500'000);
  const Stopwatch watch{on};
  ::timeval twenty{0, 20'000};
  CHECK(on.backend.select(0, nullptr, nullptr, nullptr, &twenty) == Count{0});
  CHECK(watch.up_to(20ms) == 20ms);
  CHECK(twenty.tv_sec == 0);
  CHECK(twenty.tv_usec == 0);
}

TEMPLATE_LIST_TEST_CASE("ppoll, pselect: the time and the mask come first", "[select][errors]", test::AllBackends) {
  TestType on;
  const auto backend = test::bare(on.backend);
  const auto invalid = Count::failure(EINVAL);
  const auto fault = Count::failure(EFAULT);
  const auto* const bad_mask = test::in_kernel_space<::sigset_t>();
  const ::timespec now{};
  for (const ::timespec& bad : {::timespec{-1, 0}, ::timespec{0, -1}, ::timespec{0, 1'000'000'000}}) {
    CHECK(backend.ppoll(nullptr, 1, &bad, bad_mask) == invalid);
    CHECK(backend.pselect(-1, nullptr, nullptr, nullptr, &bad, bad_mask) == invalid);
  }
  CHECK(backend.ppoll(nullptr, 1u << 31, &now, bad_mask) == fault);
  CHECK(backend.pselect(-1, nullptr, nullptr, nullptr, &now, bad_mask) == fault);
  CHECK(backend.ppoll(nullptr, 1u << 31, &now, nullptr) == invalid);
  CHECK(backend.pselect(-1, nullptr, nullptr, nullptr, &now, nullptr) == invalid);
  const Stopwatch watch{on};
  CHECK(backend.ppoll(nullptr, 0, &twenty_ms, nullptr) == Count{0});
  CHECK(backend.pselect(0, nullptr, nullptr, nullptr, &twenty_ms, nullptr) == Count{0});
  CHECK(watch.up_to(40ms) == 40ms);
}

TEMPLATE_LIST_TEST_CASE("ppoll, pselect: a mask lets a signal in", "[select][signal]", test::AllBackends) {
  TestType on;
  const auto& backend = on.backend;
  Handlers handlers{backend};
  handlers.handle(SIGUSR1, SA_RESTART);  // Neither is ever restarted after a handler.
  handlers.block({SIGUSR1});
  const ::sigset_t none = set_of({});
  const ::timespec now{};
  const ::timespec* const forever = nullptr;
  const auto interrupted = Count::failure(EINTR);
  typename Handles<TestType>::EventFd event{backend};
  ::pollfd entry{event.fd(), POLLIN, 0};

  for (const ::timespec* time : {&now, &twenty_ms, forever}) {
    raise(backend, SIGUSR1);
    CHECK(backend.ppoll(&entry, 1, time, &none) == interrupted);
    CHECK(handlers.take() == handlers.seen("10(10)"));
    CHECK(test::blocked_now(backend) == "10");
    ::fd_set set = fds_of({event.fd()});
    raise(backend, SIGUSR1);
    CHECK(backend.pselect(event.fd() + 1, &set, nullptr, nullptr, time, &none) == interrupted);
    CHECK(handlers.take() == handlers.seen("10(10)"));
    CHECK(same(set, fds_of({event.fd()})));
  }
  // Without one, what is blocked stays so.
  raise(backend, SIGUSR1);
  CHECK(backend.ppoll(&entry, 1, &now, nullptr) == Count{0});
  CHECK(backend.pselect(0, nullptr, nullptr, nullptr, &now, nullptr) == Count{0});
  CHECK(handlers.take().empty());
  // What is ready goes first, and the signal waits.
  event.write(1);
  raise(backend, SIGUSR1);
  CHECK(backend.ppoll(&entry, 1, forever, &none) == Count{1});
  ::fd_set set = fds_of({event.fd()});
  CHECK(backend.pselect(event.fd() + 1, &set, nullptr, nullptr, forever, &none) == Count{1});
  CHECK(handlers.take().empty());
  CHECK(test::pending_now(backend) == "10");
  handlers.block({});
  CHECK(handlers.take() == handlers.seen("10(10)"));
}

TEMPLATE_LIST_TEST_CASE("ppoll, pselect: a signal without a handler does not end them", "[select][signal]",
                        test::AllBackends) {
  TestType on;
  Handlers handlers{on.backend};
  handlers.set(SIGCHLD, SIG_DFL);
  handlers.block({SIGCHLD});
  const ::sigset_t none = set_of({});
  const Stopwatch watch{on};
  raise(on.backend, SIGCHLD);
  CHECK(on.backend.ppoll(nullptr, 0, &twenty_ms, &none) == Count{0});
  CHECK(test::pending_now(on.backend).empty());
  raise(on.backend, SIGCHLD);
  CHECK(on.backend.pselect(0, nullptr, nullptr, nullptr, &twenty_ms, &none) == Count{0});
  CHECK(watch.up_to(40ms) == 40ms);
  CHECK(test::blocked_now(on.backend) == "17");  // As before the calls.
}

TEMPLATE_LIST_TEST_CASE("select: a thread is woken for what it asked for", "[select][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const auto& backend = on.backend;
  typename Handles<TestType>::EventFd event{backend};
  typename Handles<TestType>::Pipe pipe{backend};
  auto waiter = on.spawn([&] {
    ::fd_set read = fds_of({event.fd(), pipe.reader.fd()});
    ::fd_set write = fds_of({});
    const Count n = backend.select(std::max(event.fd(), pipe.reader.fd()) + 1, &read, &write, nullptr, nullptr);
    return std::pair{n, same(read, fds_of({pipe.reader.fd()}))};
  });
  on.wait_until_blocked(waiter);
  event.write(0);  // A wakeup that leaves nothing to read.
  on.wait_until_blocked(waiter);
  CHECK_FALSE(waiter.is_done());
  pipe.writer.close();
  CHECK(waiter.result() == std::pair{Count{1}, true});
}

TEMPLATE_LIST_TEST_CASE("select: what is closed meanwhile is ready in every set", "[select][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const auto& backend = on.backend;
  typename Handles<TestType>::EventFd event{backend};
  const int doomed = backend.dup(event.fd()).value();
  typename Handles<TestType>::EventFd other{backend};
  auto waiter = on.spawn([&] {
    ::fd_set read = fds_of({doomed, other.fd()});
    ::fd_set except = fds_of({doomed});
    const Count n = backend.select(std::max(doomed, other.fd()) + 1, &read, nullptr, &except, nullptr);
    return std::tuple{n, same(read, fds_of({doomed, other.fd()})), same(except, fds_of({doomed}))};
  });
  on.wait_until_blocked(waiter);
  REQUIRE(backend.close(doomed).ok());
  CHECK_FALSE(waiter.is_done());
  other.write(1);
  CHECK(waiter.result() == std::tuple{Count{3}, true, true});
}
