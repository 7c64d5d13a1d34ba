// The differential tester: the same scripts on Linux and on the emulated kernel, and the same answers. See --help.
#include "coverage.hpp"
#include "options.hpp"
#include "report.hpp"

#include <chrono>
#include <random>

namespace differential {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int differences_max = 5;  // More say nothing new.

/// What is being played, for the last words of a run that crashes.
char playing[128] = "";

void on_crash(int signal) {
  const auto say = [](const char* text) { return ::write(STDERR_FILENO, text, std::strlen(text)); };
  if (say("\nthe tester crashed while playing: ") < 0 || say(playing) < 0 || say("\n") < 0) std::_Exit(1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void say_when_crashing() {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE}) std::signal(signal, on_crash);
}

std::string command_for(std::uint64_t seed) { return "differential --calls 1 --seed " + std::to_string(seed); }

int replay(Tester& tester, const Options& options) {
  int failed = 0;
  for (const std::string& path : options.replay) {
    std::snprintf(playing, sizeof playing, "%s", path.c_str());
    const Script script = read_script(path);
    const std::string text = to_text(script, all_signatures());
    if (parse_script(text, all_signatures()) != script) throw BadScript(path + ": does not read as it is written");
    const std::optional<Difference> found = tester.confirm(script);
    if (!found || find_known(script, *found) != nullptr) continue;
    ++failed;
    report(tester, script, "differential --replay " + path, options.corpus);
  }
  for (const test::KnownDifference& known : test::known_differences) {
    const Script script = parse_script(known.script, all_signatures());
    const std::optional<Difference> found = tester.confirm(script);
    if (found && find_known(script, *found) == &known) continue;
    ++failed;
    std::printf("A known difference is none any more, and has to go from known_differences.hpp: %s\n%s\n", known.reason,
                known.script);
  }
  std::printf("%zu scripts played, %d differ\n", options.replay.size(), failed);
  return failed;
}

/// As a percentage, with one digit behind the point.
std::string share(std::uint64_t part, std::uint64_t of) {
  const std::uint64_t thousandths = of == 0 ? 0 : part * 1000 / of;
  return std::to_string(thousandths / 10) + "." + std::to_string(thousandths % 10) + " %";
}

/// Prints how far the scripts got. Returns how many of the shares are too small.
int judge(const Shares& shares) {
  struct Line {
    const char* what;
    std::uint64_t part;
    std::uint64_t of;
    std::uint64_t percent_min;
  };
  const Line lines[] = {
      {"calls that succeed", shares.succeeded, shares.calls, 60},
      {"scripts with a nested epoll", shares.nested, shares.scripts, 20},
      {"scripts with a number reused under a live registration", shares.reused, shares.scripts, 10},
      {"scripts with a full pipe or socket", shares.full, shares.scripts, 10},
  };
  int low = 0;
  for (const Line& line : lines) {
    const bool enough = line.part * 100 >= line.of * line.percent_min;
    if (!enough) ++low;
    std::printf("%8s  %s%s\n", share(line.part, line.of).c_str(), line.what, enough ? "" : ": TOO FEW");
  }
  std::printf("%8llu  calls block for ever, on both kernels\n", static_cast<unsigned long long>(shares.blocked));
  std::printf("%8llu  calls are not modelled\n", static_cast<unsigned long long>(shares.not_modelled));
  return low;
}

int run(Tester& tester, const Options& options) {
  const std::uint64_t first = options.seed.value_or(std::uint64_t{std::random_device{}()} << 20);
  std::printf("seed %llu\n", static_cast<unsigned long long>(first));
  std::fflush(stdout);

  const bool on_terminal = ::isatty(STDERR_FILENO) != 0;
  const Clock::time_point start = Clock::now();
  const auto seconds = [&] {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start).count());
  };
  const auto is_done = [&](const Shares& shares) {
    if (options.calls && shares.calls >= *options.calls) return true;
    return options.seconds != 0 && seconds() >= options.seconds;
  };

  Shares shares;
  Coverage coverage;
  Script script;
  int found = 0;
  std::uint64_t known = 0;
  std::uint64_t seed = first;
  for (; found < differences_max && !is_done(shares); ++seed) {
    std::snprintf(playing, sizeof playing, "%s", command_for(seed).c_str());
    SeededChoices choices{seed};
    if (tester.generate(choices, shares, script, &coverage)) {
      const std::optional<Difference> difference = tester.confirm(script);
      if (difference && find_known(script, *difference) != nullptr) {
        ++known;
      } else if (difference) {
        ++found;
        report(tester, script, command_for(seed), options.corpus);
      }
    }
    constexpr std::uint64_t scripts_per_line = 4096;
    if (on_terminal && (seed - first) % scripts_per_line == 0) {
      std::fprintf(stderr, "\r%llu calls, %llu s ", static_cast<unsigned long long>(shares.calls),
                   static_cast<unsigned long long>(seconds()));
    }
  }
  if (on_terminal) std::fprintf(stderr, "\r");

  // Few scripts say nothing of shares.
  constexpr std::uint64_t scripts_that_count = 1000;
  int failed = judge(shares);
  if (shares.scripts < scripts_that_count) failed = 0;
  if (options.needs_coverage) failed += coverage.print();
  if (known != 0) std::printf("%llu known differences\n", static_cast<unsigned long long>(known));
  std::printf("%llu calls in %llu scripts, seeds %llu to %llu, %llu s: %d differences%s\n",
              static_cast<unsigned long long>(shares.calls), static_cast<unsigned long long>(shares.scripts),
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(seed - 1),
              static_cast<unsigned long long>(seconds()), found, failed != 0 ? ", and not enough was met" : "");
  return found + failed;
}

int run_main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  say_when_crashing();
  try {
    Tester tester{false};
    return (options.replay.empty() ? run(tester, options) : replay(tester, options)) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "differential: %s\n", wrong.what());
    return 2;
  }
}

}  // namespace
}  // namespace differential

int main(int argc, char** argv) { return differential::run_main(argc, argv); }
