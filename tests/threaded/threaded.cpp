// The threaded differential tester: scripts with threads that block, on Linux and on the emulated kernel. See run.hpp
// for what is compared, and compare.hpp for what counts as a difference.
#include "compare.hpp"
#include "generator.hpp"
#include "rows.hpp"
#include "shrink.hpp"

#include <cinttypes>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

using namespace threaded;

namespace {

constexpr const char* usage =
    "usage: threaded [options]\n"
    "  --seed N       the first script's seed; the next ones follow (default: by chance, and printed)\n"
    "  --scripts N    so many scripts\n"
    "  --seconds N    scripts for so long; 0 for none (default: 10, or what ROUSE_THREADED_SECONDS says)\n"
    "  --full         200000 scripts, and every row of rows.hpp has to be met\n"
    "  --replay FILE  runs a script and prints what both kernels did\n"
    "  --corpus DIR   runs the scripts there first; one that shows a difference is added\n"
    "  --rows         prints how often each row was met\n";

struct Options {
  std::uint64_t seed = std::random_device{}();
  long scripts = 0;
  long seconds = 10;
  bool full = false;
  bool rows = false;
  std::string replay;
  std::string corpus;
};

[[noreturn]] void refuse(const std::string& what) {
  std::fprintf(stderr, "threaded: %s\n%s", what.c_str(), usage);
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  if (const char* const seconds = std::getenv("ROUSE_THREADED_SECONDS")) options.seconds = std::atol(seconds);
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) refuse("a value is missing");
      return argv[++i];
    };
    if (name == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    } else if (name == "--seed") {
      options.seed = std::strtoull(value().c_str(), nullptr, 10);
    } else if (name == "--scripts") {
      options.scripts = std::atol(value().c_str());
    } else if (name == "--seconds") {
      options.seconds = std::atol(value().c_str());
    } else if (name == "--full") {
      options.full = true;
      options.scripts = 200000;
    } else if (name == "--rows") {
      options.rows = true;
    } else if (name == "--replay") {
      options.replay = value();
    } else if (name == "--corpus") {
      options.corpus = value();
    } else {
      refuse("what is " + std::string(name) + "?");
    }
  }
  return options;
}

Script read_script(const std::filesystem::path& path) {
  std::ifstream file{path};
  if (!file || !std::filesystem::is_regular_file(path)) refuse("cannot read " + path.string());
  return parse_script(std::string{std::istreambuf_iterator<char>{file}, {}});
}

/// What runs now, to be told if an assertion of the emulated kernel ends it.
std::string running;

void tell_what_was_running(int) {
  if (::write(STDERR_FILENO, running.data(), running.size()) < 0) return;
}

/// A script's numbers begin at 3 on both kernels, broken pipes are an errno, and a signal is what ends a sleep.
void prepare_process() {
  for (int fd = 3; fd < ThreadFiles::own_fds; ++fd) ::close(fd);
  std::signal(SIGPIPE, SIG_IGN);
  struct ::sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, nullptr);
  const ::sigset_t all = all_script_signals();  // Of the threads that will be made, too.
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  std::signal(SIGABRT, tell_what_was_running);
}

class Tester {
 public:
  explicit Tester(const Options& options) : options_(options), compare_(options.seed) {
    if (!Comparison::compares) {
      std::printf("threaded: under ThreadSanitizer, scripts run on the emulated kernel alone\n");
    } else if (!compare_.is_strict()) {
      std::printf(
          "threaded: no priorities may be given here; differences that only schedules explain are passed over\n");
    }
  }

  bool replay() {
    const Outcome outcome = compared(read_script(options_.replay));
    std::printf("on Linux:\n%s\nemulated:\n%s\n", to_string(outcome.on_linux).c_str(),
                to_string(outcome.emulated).c_str());
    const char* const verdicts[] = {"the same", "the same, but for which of equal threads won",
                                    "Linux does the same under another schedule", "different"};
    std::printf("%s (%d reruns)\n", verdicts[static_cast<std::size_t>(outcome.verdict)], outcome.reruns);
    return outcome.verdict != Verdict::different;
  }

  bool run_corpus() {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator{options_.corpus}) {
      if (entry.path().extension() == ".script") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    bool good = true;
    for (const auto& path : paths) {
      const Script script = read_script(path);
      const Outcome outcome = compared(script);
      if (outcome.verdict != Verdict::different) continue;
      std::printf("threaded: %s differs\n", path.c_str());
      show(outcome, path.string());
      good = false;
    }
    std::printf("threaded: %zu scripts of the corpus\n", paths.size());
    return good;
  }

  bool run_fresh() {
    std::printf("threaded: scripts from --seed %" PRIu64 "\n", options_.seed);
    std::fflush(stdout);
    const Clock::time_point start = Clock::now();
    const auto is_enough = [&](long n) {
      if (options_.scripts > 0) return n >= options_.scripts;
      return seconds_since(start) >= options_.seconds;
    };
    bool good = true;
    long n = 0;
    while (good && !is_enough(n)) {
      good = run_one(options_.seed + static_cast<std::uint64_t>(n));
      if (++n % 10000 == 0) {
        std::printf("threaded: %ld scripts, %ld s\n", n, seconds_since(start));
        std::fflush(stdout);
      }
    }
    std::printf(
        "threaded: %ld scripts, %ld the same, %ld but for which of equal threads won, %ld under another schedule "
        "(%ld reruns)\n",
        n, count(Verdict::same), count(Verdict::same_but_for_racers), count(Verdict::seen_on_linux_too), reruns_);
    if (options_.rows || options_.full) rows_.print();
    if (!options_.full) return good;
    for (const std::string& row : rows_.met_too_rarely()) {
      std::printf("threaded: met fewer than %ld times: %s\n", Rows::least, row.c_str());
      good = false;
    }
    return good;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static long seconds_since(Clock::time_point start) {
    return static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start).count());
  }

  Outcome compared(const Script& script, int reruns_max = Comparison::reruns_max_usual) {
    running = to_string(script);
    return compare_(script, reruns_max);
  }
  bool run_one(std::uint64_t seed) {
    const Script script = Generator{seed}();
    if (parse_script(to_string(script)) != script) refuse("a script that does not survive being text");
    const Outcome outcome = compared(script);
    ++counts_[static_cast<std::size_t>(outcome.verdict)];
    reruns_ += outcome.reruns;
    if (outcome.verdict != Verdict::different) {
      rows_.count(script, outcome.on_linux);
      return true;
    }
    std::printf("threaded: --seed %" PRIu64 " --scripts 1 differs; shrinking\n%s\n", seed, to_string(script).c_str());
    show(outcome, "");
    std::fflush(stdout);
    const Clock::time_point start = Clock::now();
    const Script shortest = shrink(
        script, [&](const Script& shorter) { return seconds_since(start) < seconds_to_shrink && differs(shorter); });
    const std::string path = save(shortest, seed);
    show(compared(shortest, reruns_to_shrink), path);
    return false;
  }
  bool differs(const Script& script) { return compared(script, reruns_to_shrink).verdict == Verdict::different; }

  std::string save(const Script& script, std::uint64_t seed) const {
    const std::filesystem::path folder = options_.corpus.empty() ? "." : options_.corpus;
    const std::filesystem::path path = folder / ("seed-" + std::to_string(seed) + ".script");
    std::ofstream{path} << to_string(script);
    return path.string();
  }
  static void show(const Outcome& outcome, const std::string& path) {
    std::printf("on Linux:\n%s\nemulated:\n%s\n", to_string(outcome.on_linux).c_str(),
                to_string(outcome.emulated).c_str());
    if (!path.empty()) std::printf("replay: threaded --replay %s\n", path.c_str());
  }
  [[nodiscard]] long count(Verdict verdict) const { return counts_[static_cast<std::size_t>(verdict)]; }

  static constexpr int reruns_to_shrink = 500;
  static constexpr long seconds_to_shrink = 60;

  const Options& options_;
  Comparison compare_;
  Rows rows_;
  std::array<long, 4> counts_{};
  long reruns_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  prepare_process();
  Tester tester{options};
  if (!options.replay.empty()) return tester.replay() ? 0 : 1;
  bool good = true;
  if (!options.corpus.empty()) good = tester.run_corpus();
  if (options.scripts > 0 || options.seconds > 0) good = tester.run_fresh() && good;
  return good ? 0 : 1;
}
