// What rouse-run takes, and what it says to mistakes.
#include "options.hpp"

#include "catch.hpp"

#include <cerrno>
#include <chrono>
#include <string>

using namespace rouse;
using rouse::interpose::Family;
using rouse::interpose::Options;

namespace {

std::string rules_of(const std::string& spec) {
  Options options;
  const std::string wrong = options.set("fault", spec);
  return wrong.empty() ? to_string(options.faults) : "wrong: " + wrong;
}
/// What is said to a mistake in a fault.
std::string wrong_with(const std::string& spec) {
  Options options;
  const std::string wrong = options.set("fault", spec);
  CHECK(options.faults.empty() == !wrong.empty());
  return wrong;
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("Options: a fault on the third accept", "[interpose]") {
  Options options;
  REQUIRE(options.set("fault", "accept:3:EMFILE").empty());
  CHECK(to_string(options.faults) == "the 3rd accept4 fails with EMFILE\n");
  CHECK_FALSE(options.faults.next(Call::accept4, 3, "tcp socket"));
  CHECK_FALSE(options.faults.next(Call::accept4, 3, "tcp socket"));
  CHECK(options.faults.next(Call::accept4, 3, "tcp socket") == Fault::error(EMFILE));
}

TEST_CASE("Options: a fault names calls, a kind, an fd, when and what", "[interpose]") {
  CHECK(rules_of("read:every:EINTR") == "every read fails with EINTR\n");
  CHECK(rules_of("read,write:2:EINTR") == "the 2nd read|write fails with EINTR\n");
  CHECK(rules_of("read@eventfd:1/100:EAGAIN") == "one in 100 of read of a file of kind eventfd fails with EAGAIN\n");
  CHECK(rules_of("read@tcp-socket#5:1:ECONNRESET") ==
        "the 1st read on fd 5 of a file of kind tcp socket fails with ECONNRESET\n");
  CHECK(rules_of("read@tcp socket:1:EIO") == "the 1st read of a file of kind tcp socket fails with EIO\n");
  CHECK(rules_of("write#7:every:short=3") == "every write on fd 7 moves 3 bytes at most\n");
  CHECK(rules_of("read:every:not-ready") == "every read says EAGAIN though it is ready\n");
  CHECK(rules_of("read:1:EWOULDBLOCK") == rules_of("read:1:EAGAIN"));
}

TEST_CASE("Options: delays in each unit", "[interpose]") {
  CHECK(rules_of("read:1:delay=7ns") == "the 1st read is delayed by 7 ns\n");
  CHECK(rules_of("read:1:delay=7us") == "the 1st read is delayed by 7000 ns\n");
  CHECK(rules_of("read:1:delay=7ms") == "the 1st read is delayed by 7000000 ns\n");
  CHECK(rules_of("read:1:delay=7s") == "the 1st read is delayed by 7000000000 ns\n");
}

TEST_CASE("Options: calls go by the C library's names, too", "[interpose]") {
  CHECK(rules_of("pipe:1:EMFILE") == rules_of("pipe2:1:EMFILE"));
  CHECK(rules_of("signalfd:1:EMFILE") == rules_of("signalfd4:1:EMFILE"));
  CHECK(rules_of("send,recv:1:EINTR") == rules_of("sendto,recvfrom:1:EINTR"));
  CHECK(rules_of("pselect:1:EINTR") == rules_of("pselect6:1:EINTR"));
  CHECK(rules_of("epoll_create:1:EMFILE") == rules_of("epoll_create1:1:EMFILE"));
}

TEST_CASE("Options: groups of calls, but those that are never emulated", "[interpose]") {
  CHECK(rules_of("reads:1:EINTR") == "the 1st read|readv|pread|recvfrom|recvmsg fails with EINTR\n");
  CHECK(has(rules_of("waits:1:EINTR"), "poll|ppoll|select|pselect6|epoll_wait"));
  CHECK_FALSE(has(rules_of("all:1:EINTR"), "clock_gettime"));
  CHECK_FALSE(has(rules_of("creates:1:EMFILE"), "open"));
}

TEST_CASE("Options: several faults are rules in their order", "[interpose]") {
  Options options;
  REQUIRE(options.set("fault", "read:1:EINTR").empty());
  REQUIRE(options.set("fault", "write:2:EPIPE").empty());
  CHECK(to_string(options.faults) == "the 1st read fails with EINTR\nthe 2nd write fails with EPIPE\n");
}

TEST_CASE("Options: a mistake in a fault is told precisely", "[interpose]") {
  struct Mistake {
    const char* spec;
    const char* what;
  };
  const Mistake mistakes[] = {
      {"", "expected CALLS[@KIND][#FD]:WHEN:WHAT"},
      {"accept", "expected CALLS[@KIND][#FD]:WHEN:WHAT"},
      {"accept:1:EMFILE:", "expected CALLS[@KIND][#FD]:WHEN:WHAT"},
      {":1:EMFILE", "the name of a call is missing; there are close, dup"},
      {"read,:1:EMFILE", "the name of a call is missing"},
      {"accpet:1:EMFILE", "no call is named 'accpet'; there are close, dup"},
      {"clock_gettime:1:EINTR", "clock_gettime is never emulated"},
      {"read@tcp:1:EINTR", "no kind of file is named 'tcp'; there are epoll, eventfd"},
      {"read@:1:EINTR", "no kind of file is named ''"},
      {"read#:1:EINTR", "expected the number of an fd after #, and not ''"},
      {"read#-1:1:EINTR", "expected the number of an fd after #, and not '-1'"},
      {"read#3@pipe:1:EINTR", "expected the number of an fd after #, and not '3@pipe'"},
      {"read:0:EINTR", "the first call is number 1"},
      {"read:1/0:EINTR", "one in 0 calls is none"},
      {"read:often:EINTR", "expected when it strikes, as 3 (the 3rd such call), every, or 1/100"},
      {"read:2/3:EINTR", "and not '2/3'"},
      {"read:99999999999999999999:EINTR", "and not '99999999999999999999'"},
      {"read:1:EMFIL", "no errno is named 'EMFIL'; expected the name of an errno"},
      {"read:1:", "expected the name of an errno, as EMFILE, short=N, delay=5ms, or not-ready, and not ''"},
      {"read:1:short=0", "expected how many bytes the call may move, 1 or more"},
      {"read:1:short", "expected how many bytes the call may move, 1 or more"},
      {"read:1:delay=5", "expected for how long, as delay=5ms"},
      {"read:1:delay=99999999999s", "expected for how long, as delay=5ms"},
      {"bind:1:short=1", "'short=1' means nothing for bind, but for read"},
      {"epoll_wait:1:not-ready", "'not-ready' means nothing for epoll_wait, but for read"},
  };
  for (const auto& [spec, what] : mistakes) {
    INFO(spec << " is said to be wrong so: " << wrong_with(spec));
    CHECK(has(wrong_with(spec), what));
  }
}

TEST_CASE("Options: an old kernel, with faults and without", "[interpose]") {
  Options options;
  REQUIRE(options.set("old-kernel", "5.10").empty());
  REQUIRE(options.set("fault", "read:1:EINTR").empty());
  CHECK(options.age == KernelAge::of_linux(5, 10));
  CHECK(options.faults.kernel() == KernelAge::of_linux(5, 10));
  CHECK(options.set("old-kernel", "6.1.55").empty());
  for (const char* value : {"", "5", "5.", "five.ten", "5.10.1.2", "-5.10", "5.10-rc1"}) {
    INFO(value);
    CHECK(options.set("old-kernel", value) ==
          "expected a version of Linux, as 5.10, and not '" + std::string{value} + "'");
  }
}

TEST_CASE("Options: families that stay Linux's", "[interpose]") {
  Options options;
  REQUIRE(options.set("real", "pipe,udp").empty());
  CHECK(options.is_real(Family::pipe));
  CHECK(options.is_real(Family::inet_socket));
  CHECK_FALSE(options.is_real(Family::unix_socket));
  REQUIRE(options.set("real", "sockets").empty());
  CHECK(options.is_real(Family::unix_socket));
  CHECK(has(options.set("real", "pip"), "'pip' is no family of files; there are epoll, eventfd, pipe, unix"));
}

TEST_CASE("Options: the seed decides what chance does", "[interpose]") {
  const auto strikes_of = [](const char* seed) {
    Options options;
    REQUIRE(options.set("seed", seed).empty());
    REQUIRE(options.set("fault", "read:1/2:EINTR").empty());
    std::string text;
    for (int i = 0; i < 64; ++i) text += options.faults.next(Call::read, 3, "pipe") ? 'x' : '.';
    return text;
  };
  CHECK(strikes_of("7") == strikes_of("7"));
  CHECK(strikes_of("7") != strikes_of("8"));
  Options options;
  CHECK(options.set("seed", "x") == "expected a number, and not 'x'");
}

TEST_CASE("Options: what travels in the environment arrives, and the rest is left out", "[interpose]") {
  const Options options = Options::from_lines(
      "trace=/tmp/a=b\nfault=accept:3:EMFILE\nfault=nonsense\nstats=\n"
      "unknown=1\nnothing\nbegan=4711 12\n");
  CHECK(options.trace_file == "/tmp/a=b");
  CHECK(to_string(options.faults) == "the 3rd accept4 fails with EMFILE\n");
  CHECK(options.stats);
  CHECK(options.first_process == 4711);
  CHECK(options.began == 12);
  CHECK(Options::from_lines("").faults.empty());
}

TEST_CASE("Options: each process has a trace file of its own", "[interpose]") {
  Options options;
  options.first_process = 10;
  REQUIRE(options.set("trace", "trace.txt").empty());
  CHECK(options.trace_path(10) == "trace.txt");
  CHECK(options.trace_path(11) == "trace.txt.11");
  REQUIRE(options.set("trace", "trace.json").empty());
  CHECK(options.is_json());
  CHECK(options.trace_path(10) == "trace.json");
  CHECK(options.trace_path(11) == "trace.11.json");
  REQUIRE(options.set("trace", "t%p-%p").empty());
  CHECK(options.trace_path(10) == "t10-10");
  CHECK(options.trace_path(11) == "t11-11");
  REQUIRE(options.set("trace", "/dev/stderr").empty());
  CHECK(options.trace_path(11) == "/dev/stderr");
  CHECK(options.set("trace", "") == "the name of a file is missing");
  CHECK(options.set("trace", "a\nb") == "there is a line break in it");
}
