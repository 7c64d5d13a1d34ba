// The handles SignalFd and SignalBlock, and SignalSet: both forms of every call, and what is blocked when.
#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/signals.hpp"
#include "../support/thrown.hpp"

#include <array>
#include <optional>
#include <sstream>
#include <unistd.h>

using namespace rouse;
using test::Handles;
using test::thrown_by;

namespace {

std::error_code stale() { return {EIO, std::system_category()}; }
std::error_code system_error(int error) { return {error, std::system_category()}; }

constexpr SignalSet ours = SignalSet::of(SIGUSR1, SIGUSR2);

template <class On>
void send(const On& on, int signal) {
  REQUIRE(on.backend.kill(on.backend.getpid().value(), signal).ok());
}

template <class Records>
std::vector<int> numbers(const Records& records) {
  std::vector<int> all;
  for (const SignalInfo& info : records) all.push_back(info.signal());
  return all;
}
using Numbers = std::vector<int>;

static_assert(std::is_nothrow_move_constructible_v<SignalFd> && !std::is_copy_constructible_v<SignalFd>);
static_assert(!std::is_move_constructible_v<SignalBlock>);

}  // namespace

TEST_CASE("SignalSet: it is a set of numbers", "[signal_set]") {
  static_assert(SignalSet{}.empty());
  static_assert(SignalSet::of(SIGHUP).bits() == 1);
  static_assert(SignalSet::of(SIGUSR1, SIGUSR2).has(SIGUSR2));
  static_assert((SignalSet::all() - SignalSet::of(SIGINT)).has(64));
  static_assert((SignalSet::of(SIGINT) | SignalSet::of(SIGTERM)) == SignalSet::of(SIGTERM, SIGINT));
  static_assert((SignalSet::of(SIGINT, SIGTERM) & SignalSet::of(SIGTERM, SIGHUP)) == SignalSet::of(SIGTERM));
  static_assert(SignalSet::of(SIGUSR2, SIGUSR1).lowest() == SIGUSR1);
  CHECK(to_string(SignalSet{}) == "{}");
  std::ostringstream out;
  out << SignalSet::of(SIGTERM, SIGINT, 64);
  CHECK(out.str() == "{2, 15, 64}");
  const ::sigset_t set = test::set_of({SIGUSR1, 64});
  CHECK(SignalSet::from(set) == SignalSet::of(SIGUSR1, 64));
  CHECK(test::numbers_in(ours.to_sigset()) == "10 12");
  for (const int signal : {0, -1, 65}) {
    if (test::assertions_are_on)
      CHECK(test::last_words([&] { static_cast<void>(SignalSet::of(signal)); }).find("no such signal") !=
            std::string::npos);
  }
}

TEMPLATE_LIST_TEST_CASE("SignalBlock: it blocks in its scope, and what is pending is handled behind it", "[signal_fd]",
                        test::AllBackends) {
  TestType on;
  test::Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  handlers.block({SIGUSR2});
  {
    const typename Handles<TestType>::SignalBlock block{on.backend, SignalSet::of(SIGUSR1, SIGKILL)};
    CHECK(test::blocked_now(on.backend) == "10 12");
    CHECK(block.before() == SignalSet::of(SIGUSR2));
    send(on, SIGUSR1);
    CHECK(handlers.take().empty());
    CHECK(test::pending_now(on.backend) == "10");
  }
  CHECK(test::blocked_now(on.backend) == "12");
  CHECK(handlers.take() == handlers.seen("10(10 12)"));
}

TEMPLATE_LIST_TEST_CASE("SignalFd: it is made non-blocking and close-on-exec", "[signal_fd]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::SignalFd signals{on.backend, ours};
  CHECK(on.backend.fcntl(signals.fd(), F_GETFL) == (O_RDWR | O_NONBLOCK));
  CHECK(on.backend.fcntl(signals.fd(), F_GETFD) == FD_CLOEXEC);
  CHECK(signals.try_read() == std::nullopt);
  const typename Handles<TestType>::SignalFd plain{on.backend, ours, SignalFdFlags{}};
  CHECK(on.backend.fcntl(plain.fd(), F_GETFL) == O_RDWR);
  CHECK(on.backend.fcntl(plain.fd(), F_GETFD) == 0);
}

TEMPLATE_LIST_TEST_CASE("SignalFd: what cannot be made says why", "[signal_fd][errors]", test::AllBackends) {
  TestType on;
  using Handle = typename Handles<TestType>::SignalFd;
  CHECK(thrown_by([&] { Handle{on.backend, ours, SignalFdFlags{1}}; }) == "signalfd(): Invalid argument");
  std::error_code ec;
  CHECK_FALSE(test::under_file_limit(on.backend, 0, [&] {
                return Handle::create(on.backend, ours, Handle::default_flags, ec);
              }).is_open());
  CHECK(ec == system_error(EMFILE));
  ec = stale();
  CHECK(Handle::create(on.backend, ours, Handle::default_flags, ec).is_open());
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("SignalFd: it reads one signal at a time, with who sent it", "[signal_fd]", test::AllBackends) {
  TestType on;
  const typename Handles<TestType>::SignalBlock block{on.backend, ours};
  typename Handles<TestType>::SignalFd signals{on.backend, ours};
  send(on, SIGUSR2);
  test::raise(on.backend, SIGUSR1);
  const SignalInfo first = signals.read();
  CHECK(first.signal() == SIGUSR1);
  CHECK(first.code() == SI_TKILL);
  CHECK(first.pid() == on.backend.getpid().value());
  CHECK(first.uid() == (TestType::is_emulated ? 0 : ::getuid()));
  CHECK(first.value() == 0);
  CHECK(first.pointer() == 0);
  CHECK(first.raw().ssi_errno == 0);
  const std::optional<SignalInfo> second = signals.try_read();
  REQUIRE(second);
  CHECK(second->signal() == SIGUSR2);
  CHECK(second->code() == SI_USER);
  CHECK(signals.try_read() == std::nullopt);

  send(on, SIGUSR1);
  std::error_code ec = stale();
  CHECK(signals.read(ec).signal() == SIGUSR1);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(signals.try_read(ec) == std::nullopt);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("SignalFd: it reads as many as there are and fit", "[signal_fd]", test::AllBackends) {
  TestType on;
  const typename Handles<TestType>::SignalBlock block{on.backend, ours | SignalSet::of(SIGHUP)};
  typename Handles<TestType>::SignalFd signals{on.backend, ours | SignalSet::of(SIGHUP)};
  std::array<SignalInfo, 2> records;
  for (const int signal : {SIGUSR2, SIGHUP, SIGUSR1}) send(on, signal);
  CHECK(numbers(signals.read(records)) == Numbers{SIGHUP, SIGUSR1});
  CHECK(numbers(signals.try_read(records)) == Numbers{SIGUSR2});
  CHECK(signals.try_read(records).empty());
  send(on, SIGUSR1);
  std::error_code ec = stale();
  CHECK(numbers(signals.read(records, ec)) == Numbers{SIGUSR1});
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(signals.try_read(records, ec).empty());
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("SignalFd: other signals can be asked for", "[signal_fd]", test::AllBackends) {
  TestType on;
  const typename Handles<TestType>::SignalBlock block{on.backend, ours};
  typename Handles<TestType>::SignalFd signals{on.backend, SignalSet::of(SIGUSR1)};
  send(on, SIGUSR2);
  CHECK(signals.try_read() == std::nullopt);
  signals.set_signals(SignalSet::of(SIGUSR2));
  CHECK(signals.read().signal() == SIGUSR2);
  std::error_code ec = stale();
  signals.set_signals(ours, ec);
  CHECK_FALSE(ec);
  send(on, SIGUSR1);
  typename Handles<TestType>::SignalFd other = signals.duplicate();
  CHECK(other.read().signal() == SIGUSR1);
}

TEMPLATE_LIST_TEST_CASE("SignalFd: an epoll waits for signals", "[signal_fd][epoll]", test::AllBackends) {
  TestType on;
  const typename Handles<TestType>::SignalBlock block{on.backend, ours};
  typename Handles<TestType>::SignalFd signals{on.backend, ours};
  typename Handles<TestType>::Epoll epoll{on.backend};
  epoll.add(signals, EventFlags::in, 5);
  CHECK(test::reported(epoll).empty());
  send(on, SIGUSR1);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 5}});
  CHECK(signals.read().signal() == SIGUSR1);
  CHECK(test::reported(epoll).empty());
}

TEMPLATE_LIST_TEST_CASE("SignalFd: errors name the call and the fd, misuse is an assertion", "[signal_fd][errors]",
                        test::AllBackends) {
  TestType on;
  using Handle = typename Handles<TestType>::SignalFd;
  typename Handles<TestType>::EventFd event{on.backend};
  Handle other{event.release()};
  const std::string fd = std::to_string(other.fd());
  CHECK(thrown_by([&] { other.set_signals(ours); }) == "signalfd(fd " + fd + "): Invalid argument");
  std::error_code ec;
  other.set_signals(ours, ec);
  CHECK(ec == system_error(EINVAL));
  Handle plain{on.backend, ours, SignalFdFlags::cloexec};
  if (test::assertions_are_on)
    CHECK(test::last_words([&] { static_cast<void>(plain.try_read()); }).find("never waits") != std::string::npos);
  std::span<SignalInfo> no_room;
  Handle signals{on.backend, ours};
  CHECK(thrown_by([&] { static_cast<void>(signals.try_read(no_room)); }) ==
        "read(fd " + std::to_string(signals.fd()) + "): Invalid argument");
  signals.close();
  if (test::assertions_are_on)
    CHECK(test::last_words([&] { static_cast<void>(signals.fd()); }).find("SignalFd: used while closed") !=
          std::string::npos);
}
