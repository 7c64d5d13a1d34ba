// Tester: plays scripts on both kernels and says whether they differ.
#pragma once

#include "generator.hpp"

#include <optional>

namespace differential {

/// Where two transcripts part.
struct Difference {
  std::size_t step = 0;  ///< The number of steps: in the last look.
  std::string on_linux;
  std::string emulated;
};

class Tester {
 public:
  explicit Tester(bool checked) : limits_(linux_.limits()), checked_(checked) {}

  /// Makes a script and plays it on both kernels.
  std::optional<Difference> generate(Choices& choices, Shares& shares, Script& script, Observer* observer = nullptr) {
    EmulatedSide emulated{memory_, limits_, checked_};
    Generator generator{choices, emulated, shares, observer};
    generator.generate();
    script = generator.script();
    return compare(script, emulated);
  }

  /// Plays a script on both kernels.
  std::optional<Difference> play(const Script& script) {
    EmulatedSide emulated{memory_, limits_, checked_};
    emulated.play(script);
    return compare(script, emulated);
  }

  /// As play, for a script that was seen to differ: whether it does so again and again. What happened once, as
  /// another process of the user had files in messages, is no difference; nor is what happens only while the machine
  /// is slow, but if it always is.
  std::optional<Difference> confirm(const Script& script) {
    constexpr int times = 10;
    constexpr int tries = 100;
    std::optional<Difference> found;
    for (int quick = 0, i = 0; quick < times && i < tries; ++i) {
      found = play(script);
      if (!found) break;
      if (linux_.was_quick()) ++quick;
    }
    return found;
  }

  /// Both transcripts side by side, up to where they part.
  [[nodiscard]] std::string shown(const Script& script) {
    const std::optional<Difference> found = play(script);
    std::string text;
    const Transcript& transcript = transcript_;
    for (std::size_t i = 0; i < transcript.lines(); ++i) {
      text += i < script.steps.size() ? to_text(script.steps[i], all_signatures()) : std::string{"(at the end)"};
      text.append(" -> ").append(transcript.line(i)).append("\n");
    }
    if (found) text += "emulated: " + found->emulated + "\n";
    return text;
  }

  [[nodiscard]] const rouse::kernel::Limits& limits() const { return limits_; }
  [[nodiscard]] Memory& memory() { return memory_; }

 private:
  std::optional<Difference> compare(const Script& script, EmulatedSide& emulated) {
    const Transcript& expected = emulated.run().transcript;
    if (linux_.play(script, emulated.outcomes(), expected, memory_, transcript_)) return {};
    const std::size_t last = transcript_.lines() - 1;
    return Difference{last, std::string(transcript_.line(last)), std::string(expected.line(last))};
  }

  LinuxSide linux_;
  const rouse::kernel::Limits limits_;
  const bool checked_;
  Memory memory_;
  Transcript transcript_;
};

}  // namespace differential
