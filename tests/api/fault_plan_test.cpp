// Fault plans: what they say of each call. What faults do to calls is faulty_backend_test.cpp's.
#include "rouse/fault_plan.hpp"

#include "../support/backends.hpp"
#include "../support/death.hpp"
#include "../support/threads.hpp"
#include "rouse/fault_errors.hpp"

#include <chrono>
#include <sstream>
#include <vector>

using namespace rouse;
using namespace std::chrono_literals;
using test::last_words;

namespace {

using Struck = std::optional<Fault>;

constexpr Fault interrupted = Fault::error(EINTR);
constexpr Fault full = Fault::error(EMFILE);

template <class T>
std::string printed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// Which of so many calls of a kind are struck.
std::vector<int> struck_of(int calls, FaultPlan& plan, Call call = Call::read) {
  std::vector<int> struck;
  for (int i = 1; i <= calls; ++i) {
    if (plan.next(call, 3, "pipe")) struck.push_back(i);
  }
  return struck;
}

const std::vector<std::string_view> kinds = {"",
                                             "epoll",
                                             "eventfd",
                                             "timerfd",
                                             "signalfd",
                                             "pipe",
                                             "tcp socket",
                                             "udp socket",
                                             "unix stream socket",
                                             "unix datagram socket",
                                             "unix seqpacket socket",
                                             "plain file"};

std::vector<Fault> all_of(const FaultList& faults) { return {faults.begin(), faults.end()}; }
std::vector<Fault> errors(std::initializer_list<int> numbers) {
  std::vector<Fault> faults;
  for (const int number : numbers) faults.push_back(Fault::error(number));
  return faults;
}

}  // namespace

TEST_CASE("Fault: says what it is, and prints it", "[fault_plan]") {
  CHECK(interrupted.kind() == Fault::Kind::error);
  CHECK(interrupted.error_number() == EINTR);
  CHECK(Fault::not_ready().error_number() == EAGAIN);
  CHECK(Fault::short_count(3).error_number() == 0);
  CHECK(Fault::short_count(3).bytes_max() == 3);
  CHECK(Fault::delay(10ms).span() == Timeout{10ms});
  CHECK(Fault::error(EAGAIN) != Fault::not_ready());
  CHECK(printed(interrupted) == "fails with EINTR");
  CHECK(printed(Fault::error(4095)) == "fails with errno 4095");
  CHECK(printed(Fault::short_count(1)) == "moves 1 byte at most");
  CHECK(printed(Fault::short_count(2)) == "moves 2 bytes at most");
  CHECK(printed(Fault::delay(10ms)) == "is delayed by 10000000 ns");
  CHECK(printed(Fault::not_ready()) == "says EAGAIN though it is ready");
  CHECK(to_string(Call::read, interrupted) == "read fails with EINTR");
}

TEST_CASE("CallSet: calls together, and groups by name", "[fault_plan]") {
  constexpr CallSet both = Call::read | Call::write;
  STATIC_REQUIRE(both.has(Call::read));
  STATIC_REQUIRE(!both.has(Call::readv));
  STATIC_REQUIRE(CallSet::transfers.has(both));
  STATIC_REQUIRE(!both.has(CallSet::transfers));
  STATIC_REQUIRE((both | Call::readv).has(Call::readv));
  STATIC_REQUIRE(CallSet::waits.has(CallSet::epoll_waits));
  STATIC_REQUIRE(CallSet::all.has(Call::close));
  STATIC_REQUIRE(CallSet::all.has(Call::recvmsg));
  STATIC_REQUIRE(CallSet::transfers - CallSet::reads == CallSet::writes);
  STATIC_REQUIRE(CallSet::reads - CallSet::transfers == CallSet::none);
  STATIC_REQUIRE((both & CallSet::reads) == Call::read);
  STATIC_REQUIRE(CallSet::none.empty());
  CHECK(printed(both) == "read|write");
  CHECK(printed(CallSet::epoll_waits) == "epoll_wait|epoll_pwait|epoll_pwait2");
  CHECK(printed(CallSet::none) == "none");
  CHECK(printed(CallSet::all) == "all");
}

TEST_CASE("FaultPlan: strikes the nth call, every call, or one in n by a seed", "[fault_plan]") {
  FaultPlan plan;
  SECTION("nth") {
    plan.on(Call::read).nth(2, interrupted);
    CHECK(struck_of(5, plan) == std::vector{2});
    CHECK(plan.struck() == 1);
  }
  SECTION("every") {
    plan.on(Call::read).every(interrupted);
    CHECK(struck_of(3, plan) == std::vector{1, 2, 3});
  }
  SECTION("one in n") {
    plan.on(Call::read).one_in(10, interrupted).seed(7);
    FaultPlan same = plan;
    const std::vector<int> struck = struck_of(1000, plan);
    CHECK(struck == struck_of(1000, same));
    CHECK(struck.size() > 60);
    CHECK(struck.size() < 140);
    CHECK(struck != struck_of(1000, plan.seed(8)));
  }
  SECTION("one in one") {
    plan.on(Call::read).one_in(1, interrupted);
    CHECK(struck_of(3, plan) == std::vector{1, 2, 3});
  }
  CHECK(struck_of(3, plan, Call::readv).empty());
}

TEST_CASE("FaultPlan: whoever asks may decide the ratios, and is asked only when that matters", "[fault_plan]") {
  FaultPlan plan;
  plan.on(Call::read).nth(1, full);
  plan.on(Call::read).one_in(10, interrupted).faults_max(2);
  std::vector<std::uint64_t> asked;
  const auto always = [&](std::uint64_t n) {
    asked.push_back(n);
    return true;
  };
  CHECK(plan.next(Call::read, 3, "", always) == full);
  CHECK(asked.empty());
  CHECK(plan.next(Call::write, 3, "", always) == Struck{});
  CHECK(asked.empty());
  CHECK(plan.next(Call::read, 3, "", always) == interrupted);
  CHECK(asked == std::vector<std::uint64_t>{10});
  CHECK(plan.next(Call::read, 3, "", always) == Struck{});  // No more than two.
  CHECK(asked.size() == 1);
}

TEST_CASE("FaultPlan: a rule for an fd, for a kind of file, for several calls", "[fault_plan]") {
  FaultPlan plan;
  SECTION("an fd") {
    plan.on(Call::read).on_fd(5).nth(1, interrupted);
    CHECK_FALSE(plan.asks_kind(Call::read));
    CHECK(plan.next(Call::read, 4, "pipe") == Struck{});
    CHECK(plan.next(Call::read, 5, "") == interrupted);
  }
  SECTION("a kind") {
    plan.on(Call::read).of_kind("eventfd").nth(1, interrupted);
    CHECK(plan.asks_kind(Call::read));
    CHECK_FALSE(plan.asks_kind(Call::write));
    CHECK(plan.next(Call::read, 4, "pipe") == Struck{});
    CHECK(plan.next(Call::read, 4, "") == Struck{});
    CHECK(plan.next(Call::read, 4, "eventfd") == interrupted);
  }
  SECTION("of several calls those that it means something for") {
    plan.on(CallSet::all).every(Fault::short_count(1));
    CHECK(plan.concerns(Call::pread));
    CHECK_FALSE(plan.concerns(Call::poll));
  }
  SECTION("several calls, counted together") {
    plan.on(Call::read | Call::readv).nth(3, interrupted);
    CHECK(plan.next(Call::read, 4, "") == Struck{});
    CHECK(plan.next(Call::readv, 4, "") == Struck{});
    CHECK(plan.next(Call::read, 4, "") == interrupted);
  }
}

TEST_CASE("FaultPlan: the first rule whose turn it is strikes, and all count", "[fault_plan]") {
  FaultPlan plan;
  plan.on(Call::read).nth(1, full);
  plan.on(Call::read).nth(1, interrupted);
  plan.on(Call::read).nth(2, interrupted);
  CHECK(plan.next(Call::read, 4, "") == full);
  CHECK(plan.next(Call::read, 4, "") == interrupted);
  CHECK(plan.next(Call::read, 4, "") == Struck{});
  CHECK(plan.struck() == 2);
}

TEST_CASE("FaultPlan: a copy has the rules and what was counted, and goes on by itself", "[fault_plan]") {
  FaultPlan plan;
  CHECK(plan.empty());
  plan.on(Call::read).nth(2, interrupted).kernel(KernelAge::of_linux(5, 10));
  CHECK_FALSE(plan.empty());
  CHECK(plan.next(Call::read, 4, "") == Struck{});
  FaultPlan copy = plan;
  CHECK(copy.next(Call::read, 4, "") == interrupted);
  CHECK(plan.struck() == 0);
  copy = plan;
  CHECK(copy.struck() == 0);
  CHECK(copy.next(Call::read, 4, "") == interrupted);
  CHECK(copy.kernel() == KernelAge::of_linux(5, 10));
}

TEST_CASE("FaultPlan: threads that ask are counted one by one", "[fault_plan][threads]") {
  FaultPlan plan;
  plan.on(Call::read).nth(2000, interrupted);
  std::vector<int> struck(4);
  {
    std::vector<std::thread> threads;
    for (int& mine : struck) {
      threads.emplace_back([&plan, &mine] {
        for (int i = 0; i < 1000; ++i) mine += plan.next(Call::read, 3, "").has_value() ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(struck[0] + struck[1] + struck[2] + struck[3] == 1);
}

TEST_CASE("FaultPlan: prints a rule a line", "[fault_plan]") {
  FaultPlan plan;
  plan.on(Call::read).of_kind("eventfd").nth(2, interrupted);
  plan.on(Call::write).on_fd(5).one_in(10, Fault::short_count(1));
  plan.on(Call::accept4).every(full);
  plan.on(Call::read | Call::write).nth(11, Fault::not_ready());
  plan.on(Call::dup).nth(21, full);
  plan.on(Call::dup).nth(103, full);
  CHECK(printed(plan) ==
        "the 2nd read of a file of kind eventfd fails with EINTR\n"
        "one in 10 of write on fd 5 moves 1 byte at most\n"
        "every accept4 fails with EMFILE\n"
        "the 11th read|write says EAGAIN though it is ready\n"
        "the 21st dup fails with EMFILE\n"
        "the 103rd dup fails with EMFILE\n");
}

TEST_CASE("FaultPlan: a rule that makes no sense is an assertion", "[fault_plan]") {
  if (!test::assertions_are_on) return;
  const auto says = [](std::string_view text, auto misuse) {
    CHECK(last_words(misuse).find(text) != std::string::npos);
  };
  FaultPlan plan;
  says("no errno", [] { static_cast<void>(Fault::error(0)); });
  says("no errno", [] { static_cast<void>(Fault::error(4096)); });
  says("of no bytes", [] { static_cast<void>(Fault::short_count(0)); });
  says("how long", [] { static_cast<void>(Fault::delay(Timeout::never)); });
  says("no short count", [] { static_cast<void>(interrupted.bytes_max()); });
  says("no delay", [] { static_cast<void>(interrupted.span()); });
  says("number 1", [&] { plan.on(Call::read).nth(0, interrupted); });
  says("one in 0", [&] { plan.on(Call::read).one_in(0, interrupted); });
  says("no fd", [&] { static_cast<void>(plan.on(Call::read).on_fd(-1)); });
  says("without a kind", [&] { static_cast<void>(plan.on(Call::read).of_kind("")); });
  says("on no call", [&] { static_cast<void>(plan.on(CallSet::none)); });
  says("means nothing", [&] { plan.on(Call::close).every(Fault::short_count(1)); });
  says("means nothing", [&] { plan.on(CallSet::waits).every(Fault::not_ready()); });
}

TEST_CASE("KernelAge: what each Linux has", "[fault_plan]") {
  constexpr KernelAge ancient = KernelAge::of_linux(4, 4);
  STATIC_REQUIRE(
      ancient ==
      KernelAge{.has_exclusive = false, .has_epoll_pwait2 = false, .has_busy_poll = false, .has_dupfd_query = false});
  STATIC_REQUIRE(KernelAge::of_linux(4, 5).has_exclusive);
  STATIC_REQUIRE(!KernelAge::of_linux(5, 10).has_epoll_pwait2);
  STATIC_REQUIRE(KernelAge::of_linux(5, 11).has_epoll_pwait2);
  STATIC_REQUIRE(!KernelAge::of_linux(6, 8).has_busy_poll);
  STATIC_REQUIRE(KernelAge::of_linux(6, 9).has_busy_poll);
  STATIC_REQUIRE(!KernelAge::of_linux(6, 9).has_dupfd_query);
  STATIC_REQUIRE(KernelAge::of_linux(6, 10) == KernelAge{});
  STATIC_REQUIRE(ancient.lacks(Call::epoll_pwait2));
  STATIC_REQUIRE(!ancient.lacks(Call::epoll_pwait));
  STATIC_REQUIRE(ancient.heeded(EventFlags::in | EventFlags::exclusive) == EventFlags::in);
  STATIC_REQUIRE(KernelAge{}.heeded(EventFlags::exclusive) == EventFlags::exclusive);
  STATIC_REQUIRE(ancient.ioctl_error(epiocgparams) == ENOTTY);
  STATIC_REQUIRE(ancient.ioctl_error(epiocgparams + 1) == 0);
  STATIC_REQUIRE(KernelAge{}.ioctl_error(epiocsparams) == 0);
  STATIC_REQUIRE(ancient.fcntl_error(1027) == EINVAL);
  STATIC_REQUIRE(ancient.fcntl_error(F_GETFL) == 0);
  STATIC_REQUIRE(KernelAge{}.fcntl_error(1027) == 0);
}

TEST_CASE("faults_of: what Linux may do to a call, by kind and mode", "[fault_plan]") {
  struct Row {
    Call call;
    std::string_view kind;
    bool is_nonblocking;
    std::vector<Fault> faults;
  };
  const Fault spurious = Fault::not_ready();
  const Fault one_byte = Fault::short_count(1);
  const auto with = [](std::vector<Fault> faults, std::initializer_list<Fault> more) {
    faults.insert(faults.end(), more);
    return faults;
  };
  const Row rows[] = {
      {Call::epoll_create1, "", false, errors({EMFILE, ENFILE, ENOMEM})},
      {Call::pipe2, "", false, errors({EMFILE, ENFILE})},
      {Call::epoll_ctl, "epoll", false, errors({ENOMEM, ENOSPC})},
      {Call::epoll_wait, "epoll", false, errors({EINTR})},
      {Call::epoll_wait, "epoll", true, {}},
      {Call::poll, "", false, errors({EINTR, ENOMEM})},
      {Call::fcntl, "pipe", true, errors({EMFILE, ENOMEM})},
      {Call::close, "eventfd", true, {}},
      {Call::close, "plain file", true, errors({EINTR, EIO, ENOSPC, EDQUOT})},
      {Call::read, "eventfd", false, errors({EINTR})},
      {Call::read, "eventfd", true, {spurious}},
      {Call::read, "epoll", true, {}},
      {Call::write, "timerfd", true, {}},
      {Call::read, "pipe", true, {spurious, one_byte}},
      {Call::write, "pipe", false, with(errors({EINTR, EPIPE}), {one_byte})},
      {Call::read, "tcp socket", true, with(errors({ECONNRESET, ETIMEDOUT, EHOSTUNREACH}), {spurious, one_byte})},
      {Call::recvfrom, "udp socket", true, with(errors({ECONNREFUSED}), {spurious})},
      {Call::sendto, "unix datagram socket", false, errors({EINTR, ECONNREFUSED, ENOBUFS, ENOMEM})},
      {Call::sendto, "eventfd", false, {}},
      {Call::accept4, "unix stream socket", true, with(errors({EMFILE, ENFILE, ENOBUFS, ENOMEM}), {spurious})},
      {Call::connect, "tcp socket", true, errors({ENETUNREACH, EADDRNOTAVAIL, EPERM})},
      {Call::connect, "unix stream socket", true, errors({ECONNREFUSED, ENOENT, EACCES, EAGAIN})},
      {Call::getpid, "", false, {}},
  };
  for (const Row& row : rows) {
    INFO(name_of(row.call) << " of " << row.kind);
    CHECK(all_of(faults_of(row.call, row.kind, row.is_nonblocking)) == row.faults);
  }
}

TEST_CASE("faults_of: each is one that a plan takes, and none twice", "[fault_plan]") {
  for (const std::string_view kind : kinds) {
    for (std::size_t i = 0; i < call_count; ++i) {
      const Call call = static_cast<Call>(i);
      for (const bool is_nonblocking : {false, true}) {
        const FaultList faults = faults_of(call, kind, is_nonblocking);
        for (std::size_t a = 0; a < faults.size(); ++a) {
          if (!faults[a].possible_calls().has(call)) FAIL(to_string(call, faults[a]) << " of " << kind);
          if (moves_whole_messages(kind) && faults[a].kind() == Fault::Kind::short_count) FAIL(kind);
          for (std::size_t b = 0; b < a; ++b) {
            if (faults[a] == faults[b]) FAIL(to_string(call, faults[a]) << " of " << kind << " twice");
          }
        }
      }
    }
  }
  STATIC_REQUIRE(faults_of(Call::pipe2, "", false).has(full));
}

TEST_CASE("takes_resources: only some operations of epoll_ctl, fcntl and signalfd can fail", "[fault_plan]") {
  STATIC_REQUIRE(takes_resources(Call::epoll_ctl, EPOLL_CTL_ADD));
  STATIC_REQUIRE(!takes_resources(Call::epoll_ctl, EPOLL_CTL_MOD));
  STATIC_REQUIRE(!takes_resources(Call::epoll_ctl, EPOLL_CTL_DEL));
  STATIC_REQUIRE(takes_resources(Call::fcntl, F_DUPFD_CLOEXEC));
  STATIC_REQUIRE(!takes_resources(Call::fcntl, F_GETFL));
  STATIC_REQUIRE(takes_resources(Call::signalfd4, -1));
  STATIC_REQUIRE(!takes_resources(Call::signalfd4, 3));
  STATIC_REQUIRE(takes_resources(Call::read, 0));
}
