// Options of the differential tester's programs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace differential {

struct Options {
  std::optional<std::uint64_t> calls;
  std::uint64_t seconds = 0;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> replay;  ///< Files.
  std::string corpus;               ///< A directory for what is found.
  bool needs_coverage = false;
};

inline constexpr char usage[] =
    R"(Plays random scripts of calls on Linux and on the emulated kernel, and compares what comes back.

  differential [options]                 plays scripts from a fresh seed
  differential [options] --replay FILE…  plays these scripts; a directory stands for all in it that end in .script

  --calls N       stops after so many calls; 1 is one script (without --seconds: 300000)
  --seconds N     stops after so many seconds
  --seed N        begins with this seed, not a fresh one
  --corpus DIR    writes the shortest script of a difference there
  --full          a full run: fails too if some row, errno or rule of the tables was met less than 100 times
                  (without --calls: 10000000)
  --help

The environment variable ROUSE_DIFFERENTIAL_SECONDS is --seconds for a run that says neither how many nor how long.
The exit status is 0 only if nothing differs.
)";

namespace detail_options {

[[noreturn]] inline void refuse(const std::string& why) {
  std::fprintf(stderr, "differential: %s; see --help\n", why.c_str());
  std::exit(2);
}

inline std::uint64_t number(const std::string& option, const char* text) {
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') refuse(option + " takes a number, not \"" + text + "\"");
  return value;
}

inline void add_scripts(std::vector<std::string>& to, const std::filesystem::path& from) {
  if (!std::filesystem::is_directory(from)) return to.push_back(from.string());
  const std::size_t before = to.size();
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    if (entry.path().extension() == ".script") to.push_back(entry.path().string());
  }
  std::sort(to.begin() + static_cast<std::ptrdiff_t>(before), to.end());
}

}  // namespace detail_options

/// Ends the program after --help, and on what it does not understand.
[[nodiscard]] inline Options parse_options(int argc, char** argv) {
  using namespace detail_options;
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&] {
      if (++i >= argc) refuse(option + " takes a value");
      return argv[i];
    };
    if (option == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    } else if (option == "--calls") {
      options.calls = number(option, value());
    } else if (option == "--seconds") {
      options.seconds = number(option, value());
    } else if (option == "--seed") {
      options.seed = number(option, value());
    } else if (option == "--corpus") {
      options.corpus = std::filesystem::absolute(value()).string();
    } else if (option == "--full") {
      options.needs_coverage = true;
    } else if (option == "--replay") {
      do {
        add_scripts(options.replay, std::filesystem::absolute(value()));  // The tester changes its directory.
      } while (i + 1 < argc && !std::string_view{argv[i + 1]}.starts_with("--"));
    } else {
      refuse("there is no option " + option);
    }
  }
  if (!options.calls && options.seconds == 0) {
    const char* const seconds = std::getenv("ROUSE_DIFFERENTIAL_SECONDS");
    if (options.needs_coverage) {
      options.calls = 10'000'000;
    } else if (seconds != nullptr && *seconds != '\0') {
      options.seconds = number("ROUSE_DIFFERENTIAL_SECONDS", seconds);
    } else {
      options.calls = 300'000;
    }
  }
  return options;
}

}  // namespace differential
