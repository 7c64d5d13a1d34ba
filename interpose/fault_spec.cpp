#include "fault_spec.hpp"

#include "split.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace rouse::interpose {
namespace {

// -- calls

/// Those that stay Linux's whatever they are about: no fault can strike them.
constexpr CallSet never_emulated{Call::open,         Call::unlink,         Call::getrlimit,
                                 Call::setrlimit,    Call::clock_gettime,  Call::clock_nanosleep,
                                 Call::rt_sigaction, Call::rt_sigprocmask, Call::rt_sigpending,
                                 Call::kill,         Call::tgkill,         Call::getpid,
                                 Call::gettid};

struct CallsName {
  std::string_view name;
  CallSet calls;
};
constexpr CallsName groups[] = {
    {"reads", CallSet::reads},     {"writes", CallSet::writes}, {"transfers", CallSet::transfers},
    {"creates", CallSet::creates}, {"waits", CallSet::waits},   {"epoll_waits", CallSet::epoll_waits},
    {"all", CallSet::all},
};
/// As the C library has them, where the syscall is called otherwise.
constexpr CallsName of_libc[] = {
    {"accept", Call::accept4},      {"send", Call::sendto},
    {"recv", Call::recvfrom},       {"pipe", Call::pipe2},
    {"pselect", Call::pselect6},    {"signalfd", Call::signalfd4},
    {"eventfd2", Call::eventfd},    {"eventfd_read", Call::read},
    {"eventfd_write", Call::write}, {"pread64", Call::pread},
    {"pwrite64", Call::pwrite},     {"fcntl64", Call::fcntl},
    {"lseek64", Call::lseek},       {"epoll_create", Call::epoll_create1},
};

std::string names_of(CallSet calls) {
  std::string text = to_string(calls);
  for (std::size_t at = text.find('|'); at != text.npos; at = text.find('|', at)) text.replace(at, 1, ", ");
  return text;
}

std::optional<CallSet> calls_called(std::string_view name) {
  const auto called = [name](const CallsName& each) { return each.name == name; };
  if (const auto* group = std::find_if(std::begin(groups), std::end(groups), called); group != std::end(groups)) {
    return group->calls;
  }
  if (const auto* call = std::find_if(std::begin(of_libc), std::end(of_libc), called); call != std::end(of_libc)) {
    return call->calls;
  }
  for (std::size_t i = 0; i < call_count; ++i) {
    if (name == name_of(static_cast<Call>(i))) return static_cast<Call>(i);
  }
  return std::nullopt;
}

std::string read_calls(CallSet& calls, std::string_view text) {
  for (const std::string_view name : split(text, ',')) {
    const std::optional<CallSet> called = calls_called(name);
    if (!called) {
      std::string list;
      for (const CallsName& group : groups) list.append(list.empty() ? "" : ", ").append(group.name);
      return (name.empty() ? std::string{"the name of a call is missing"} : "no call is named " + in_quotes(name)) +
             "; there are " + names_of(CallSet::all - never_emulated) + ", and the groups " + list;
    }
    const CallSet emulated = *called - never_emulated;
    if (emulated.empty()) return std::string{name} + " is never emulated: Linux answers it, and no fault strikes it";
    calls |= emulated;
  }
  return {};
}

// -- kinds

constexpr std::string_view kinds[] = {"epoll",
                                      "eventfd",
                                      "timerfd",
                                      "signalfd",
                                      "pipe",
                                      "tcp socket",
                                      "udp socket",
                                      "unix stream socket",
                                      "unix datagram socket",
                                      "unix seqpacket socket"};

std::string read_kind(std::string& kind, std::string_view text) {
  kind = text;
  std::replace(kind.begin(), kind.end(), '-', ' ');
  if (std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds)) return {};
  std::string list;
  for (const std::string_view each : kinds) list.append(list.empty() ? "" : ", ").append(each);
  return "no kind of file is named " + in_quotes(text) + "; there are " + list + ", which may be written with hyphens";
}

// -- when

struct When {
  enum class Kind { nth, every, one_in } kind = Kind::every;
  std::uint64_t n = 1;
};

std::string read_when(When& when, std::string_view text) {
  constexpr const char* expected =
      "expected when it strikes, as 3 (the 3rd such call), every, or 1/100 (one in a hundred), and not ";
  if (text == "every") return {};
  const bool is_ratio = text.starts_with("1/");
  const std::optional<std::uint64_t> n = number<std::uint64_t>(is_ratio ? text.substr(2) : text);
  if (!n) return expected + in_quotes(text);
  if (*n == 0) return is_ratio ? "one in 0 calls is none" : "the first call is number 1, and there is none before it";
  when = {is_ratio ? When::Kind::one_in : When::Kind::nth, *n};
  return {};
}

// -- what

std::optional<int> errno_called(std::string_view name) {
  constexpr std::pair<std::string_view, int> others[] = {
      {"EWOULDBLOCK", EWOULDBLOCK}, {"ENOTSUP", ENOTSUP}, {"EDEADLOCK", EDEADLOCK}};
  for (const auto& [other, number] : others) {
    if (other == name) return number;
  }
  for (int number = 1; number < 256; ++number) {
    if (detail::errno_text(number) == name) return number;
  }
  return std::nullopt;
}

std::optional<Timeout> span_of(std::string_view text) {
  constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
  for (const auto& [unit, nanoseconds] : units) {
    if (!text.ends_with(unit)) continue;
    const auto n = number<std::int64_t>(text.substr(0, text.size() - unit.size()));
    if (!n) continue;
    if (*n > std::numeric_limits<std::int64_t>::max() / nanoseconds) return std::nullopt;
    return Timeout::of_nanoseconds(*n * nanoseconds);
  }
  return std::nullopt;
}

std::string read_what(Fault& fault, std::string_view text) {
  if (text == "not-ready") return {};
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string_view value = equals == text.npos ? std::string_view{} : text.substr(equals + 1);
  if (name == "short") {
    const std::optional<std::size_t> n = number<std::size_t>(value);
    if (!n || *n == 0)
      return "expected how many bytes the call may move, 1 or more, as short=1, and not " + in_quotes(text);
    fault = Fault::short_count(*n);
    return {};
  }
  if (name == "delay") {
    const std::optional<Timeout> span = span_of(value);
    if (!span) return "expected for how long, as delay=5ms (or ns, us, s), and not " + in_quotes(text);
    fault = Fault::delay(*span);
    return {};
  }
  const std::optional<int> error = errno_called(text);
  if (error) {
    fault = Fault::error(*error);
    return {};
  }
  const std::string expected = "expected the name of an errno, as EMFILE, short=N, delay=5ms, or not-ready";
  return text.starts_with('E') ? "no errno is named " + in_quotes(text) + "; " + expected
                               : expected + ", and not " + in_quotes(text);
}

// -- all of it

struct Target {
  CallSet calls = CallSet::none;
  std::string kind;
  int fd = -1;
};

std::string read_target(Target& target, std::string_view text) {
  const std::size_t end_of_calls = std::min(text.find_first_of("@#"), text.size());
  if (std::string wrong = read_calls(target.calls, text.substr(0, end_of_calls)); !wrong.empty()) return wrong;
  text.remove_prefix(end_of_calls);
  if (text.starts_with('@')) {
    const std::size_t end = std::min(text.find('#'), text.size());
    if (std::string wrong = read_kind(target.kind, text.substr(1, end - 1)); !wrong.empty()) return wrong;
    text.remove_prefix(end);
  }
  if (text.empty()) return {};
  const std::optional<int> fd = number<int>(text.substr(1));
  if (!fd) return "expected the number of an fd after #, and not " + in_quotes(text.substr(1));
  target.fd = *fd;
  return {};
}

}  // namespace

std::string add_fault(FaultPlan& plan, std::string_view spec) {
  const std::vector<std::string_view> parts = split(spec, ':');
  if (parts.size() != 3) return "expected CALLS[@KIND][#FD]:WHEN:WHAT, as accept:3:EMFILE";
  Target target;
  When when;
  Fault fault = Fault::not_ready();
  for (const std::string& wrong :
       {read_target(target, parts[0]), read_when(when, parts[1]), read_what(fault, parts[2])}) {
    if (!wrong.empty()) return wrong;
  }
  if ((target.calls & fault.possible_calls()).empty()) {
    return in_quotes(parts[2]) + " means nothing for " + names_of(target.calls) + ", but for " +
           names_of(fault.possible_calls());
  }
  FaultPlan::Target rule = plan.on(target.calls);
  if (!target.kind.empty()) rule.of_kind(target.kind);
  if (target.fd >= 0) rule.on_fd(target.fd);
  switch (when.kind) {
    case When::Kind::nth: rule.nth(when.n, fault); break;
    case When::Kind::every: rule.every(fault); break;
    case When::Kind::one_in: rule.one_in(when.n, fault); break;
  }
  return {};
}

}  // namespace rouse::interpose
