// Report: what is said of a difference: the shortest script, both answers, how to see it again, and the file for
// corpus/.
#pragma once

#include "../support/known_differences.hpp"
#include "shrink.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

namespace differential {

/// The known difference that this one is, or null.
[[nodiscard]] inline const test::KnownDifference* find_known(const Script& script, const Difference& found) {
  std::string call = "look";
  if (found.step < script.steps.size() && !script.steps[found.step].is_look()) {
    call = all_signatures()[script.steps[found.step].call].name;
  }
  for (const test::KnownDifference& known : test::known_differences) {
    if (known.is(call, found.on_linux, found.emulated)) return &known;
  }
  return nullptr;
}

/// Shrinks a script that differs and prints it. `again` says how to play the whole of it once more.
inline void report(Tester& tester, const Script& script, const std::string& again, const std::string& corpus) {
  const Script shortest = Shrinker{tester}.shrink(script);
  const std::string text = to_text(shortest, all_signatures());
  // The name is that of the contents, so that the same script is not written twice.
  std::uint64_t digest = 14695981039346656037u;
  for (const char c : text) digest = (digest ^ static_cast<unsigned char>(c)) * 1099511628211u;
  std::string name = "found-";
  append_number(name, static_cast<std::int64_t>(digest >> 32), 16);
  name += ".script";

  std::printf("\nThe emulated kernel differs from Linux. The shortest script that shows it:\n\n%s\n", text.c_str());
  std::printf("What Linux returned, up to where they part:\n\n%s\n", tester.shown(shortest).c_str());
  std::printf("The script it was found in: %s\n", again.c_str());
  if (corpus.empty()) {
    std::printf("To keep the short one: put it into tests/differential/corpus/%s\n\n", name.c_str());
  } else {
    const std::string path = corpus + "/" + name;
    std::ofstream file{path};
    file << text;
    std::printf("Written to %s; to play it: differential --replay %s\n\n", path.c_str(), path.c_str());
  }
  std::fflush(stdout);
}

/// A file's script. Throws BadScript, also if there is no such file.
[[nodiscard]] inline Script read_script(const std::string& path) {
  std::ifstream file{path};
  if (!file) throw BadScript(path + ": cannot be read");
  std::stringstream text;
  text << file.rdbuf();
  try {
    return parse_script(text.str(), all_signatures());
  } catch (const BadScript& bad) {
    throw BadScript(path + ": " + bad.what());
  }
}

}  // namespace differential
