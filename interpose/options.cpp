#include "options.hpp"

#include "fault_spec.hpp"
#include "raw.hpp"
#include "split.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <iterator>
#include <optional>
#include <sys/syscall.h>
#include <vector>

namespace rouse::interpose {
namespace {

constexpr std::uint32_t bit(Family family) { return std::uint32_t{1} << static_cast<unsigned>(family); }

struct FamilyName {
  std::string_view name;
  std::uint32_t bits;
};
constexpr FamilyName family_names[] = {
    {"epoll", bit(Family::epoll)},       {"eventfd", bit(Family::eventfd)},
    {"pipe", bit(Family::pipe)},         {"unix", bit(Family::unix_socket)},
    {"inet", bit(Family::inet_socket)},  {"timerfd", bit(Family::timerfd)},
    {"signalfd", bit(Family::signalfd)}, {"tcp", bit(Family::inet_socket)},
    {"udp", bit(Family::inet_socket)},   {"sockets", bit(Family::unix_socket) | bit(Family::inet_socket)},
};

std::string set_real(std::uint32_t& real, std::string_view value) {
  for (const std::string_view word : split(value, ',')) {
    std::uint32_t bits = 0;
    for (const FamilyName& family : family_names) {
      if (family.name == word) bits = family.bits;
    }
    if (bits == 0) {
      return in_quotes(word) +
             " is no family of files; there are epoll, eventfd, pipe, unix, inet, timerfd and signalfd; tcp and udp "
             "mean "
             "inet, and sockets means unix and inet";
    }
    real |= bits;
  }
  return {};
}

std::string set_age(Options& options, std::string_view value) {
  constexpr const char* expected = "expected a version of Linux, as 5.10, and not ";
  const std::vector<std::string_view> parts = split(value, '.');
  if (parts.size() < 2 || parts.size() > 3) return expected + in_quotes(value);
  const std::optional<int> major_number = number<int>(parts[0]), minor_number = number<int>(parts[1]);
  const bool is_version = major_number && minor_number && number<int>(parts.back());
  if (!is_version) return expected + in_quotes(value);
  options.age = KernelAge::of_linux(*major_number, *minor_number);
  options.faults.kernel(options.age);  // A plan's goes before the kernel's own.
  return {};
}

std::string set_seed(FaultPlan& faults, std::string_view value) {
  const std::optional<std::uint64_t> seed = number<std::uint64_t>(value);
  if (!seed) return "expected a number, and not " + in_quotes(value);
  faults.seed(*seed);
  return {};
}

// `4711 123456789`: which process, and when.
std::string set_began(Options& options, std::string_view value) {
  const std::vector<std::string_view> parts = split(value, ' ');
  options.first_process = number<std::int64_t>(parts.front()).value_or(0);
  options.began = number<std::int64_t>(parts.back()).value_or(0);
  return {};
}

bool is_device(std::string_view path) { return path.starts_with("/dev/") || path.starts_with("/proc/"); }

/// A shell's pipes are for the programs that it starts, which have kernels of their own.
bool is_shell() {
  std::array<char, PATH_MAX> path{};
  const long n = raw::call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path.data(), path.size());
  const std::string_view program{path.data(), static_cast<std::size_t>(n < 0 ? 0 : n)};
  constexpr std::string_view shells[] = {"sh", "ash", "bash", "busybox", "dash", "ksh", "mksh", "zsh"};
  return std::find(std::begin(shells), std::end(shells), program.substr(program.rfind('/') + 1)) != std::end(shells);
}

}  // namespace

std::string Options::set(std::string_view name, std::string_view value) {
  if (value.find('\n') != value.npos) return "there is a line break in it";
  if (name == "trace") {
    trace_file = value;
    return value.empty() ? "the name of a file is missing" : std::string{};
  }
  if (name == "fault") return add_fault(faults, value);
  if (name == "seed") return set_seed(faults, value);
  if (name == "old-kernel") return set_age(*this, value);
  if (name == "real") return set_real(real, value);
  if (name == "began") return set_began(*this, value);
  if (name != "stats") return "there is no such option";
  stats = true;
  return {};
}

Options Options::from_lines(std::string_view lines) {
  Options options;
  for (const std::string_view line : split(lines, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == line.npos) continue;
    static_cast<void>(options.set(line.substr(0, equals), line.substr(equals + 1)));
  }
  return options;
}

const Options& Options::from_environment() {
  // Never destroyed, as the kernel is not.
  static const Options* const options = [] {
    const char* const lines = std::getenv(variable);
    auto* const read = new Options(from_lines(lines != nullptr ? lines : ""));
    if (is_shell()) read->real = ~std::uint32_t{0};
    return read;
  }();
  return *options;
}

std::string Options::trace_path(std::int64_t process) const {
  const std::string number = std::to_string(process);
  std::string path = trace_file;
  std::size_t at = path.find("%p");
  const bool has_number = at != path.npos;
  for (; at != path.npos; at = path.find("%p", at + number.size())) path.replace(at, 2, number);
  if (has_number || process == first_process || is_device(path)) return path;
  return path.insert(is_json() ? path.size() - std::string_view{".json"}.size() : path.size(), '.' + number);
}

}  // namespace rouse::interpose
