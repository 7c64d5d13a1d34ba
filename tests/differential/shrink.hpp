// Shrinking: the shortest script that still differs, by leaving out calls and by plainer arguments.
//
// Fd numbers depend on what was made before. So when a call is left out, the numbers in those behind it are put anew:
// each means the file that it meant, by whatever number that has now.
#pragma once

#include "tester.hpp"

#include <chrono>
#include <map>

namespace differential {

class Shrinker {
 public:
  explicit Shrinker(Tester& tester) : tester_(tester) {}

  /// Precondition: `script` differs.
  [[nodiscard]] Script shrink(Script script) {
    cut_tail(script);
    for (bool smaller = true; smaller && tries_ > 0;) {
      smaller = drop_steps(script);
      smaller = plainer_arguments(script) || smaller;
      if (script.looks_always) {
        Script without = script;
        without.looks_always = false;
        if (differs(without)) {
          script = std::move(without);
          smaller = true;
        }
      }
    }
    return script;
  }

 private:
  bool differs(const Script& script) {
    if (tries_ == 0) return false;
    // Where each try takes its time, fewer have to do.
    if (--tries_ % 16 == 0 && std::chrono::steady_clock::now() > give_up_) tries_ = 0;
    return tester_.play(script).has_value();
  }

  // What comes after the difference has no part in it.
  void cut_tail(Script& script) {
    const std::optional<Difference> found = tester_.play(script);
    if (!found || found->step + 1 >= script.steps.size()) return;
    Script shorter = script;
    shorter.steps.resize(found->step + 1);
    if (differs(shorter)) script = std::move(shorter);
  }

  bool drop_steps(Script& script) {
    bool dropped = false;
    for (std::size_t n = std::max<std::size_t>(script.steps.size() / 2, 1); n > 0; n /= 2) {
      for (std::size_t end = script.steps.size(); end >= n && n > 0;) {
        const std::size_t start = end - n;
        Script renumbered = without(script, start, n, true);
        Script raw = without(script, start, n, false);
        if (differs(renumbered)) {
          script = std::move(renumbered);
          dropped = true;
        } else if (raw != renumbered && differs(raw)) {
          script = std::move(raw);
          dropped = true;
        } else {
          end -= 1;
          continue;
        }
        end = std::min(start, script.steps.size());
      }
    }
    return dropped;
  }

  /// The script with `n` steps left out; with fd numbers put anew, or as they stand.
  [[nodiscard]] Script without(const Script& script, std::size_t start, std::size_t n, bool renumber) {
    Script shorter;
    shorter.looks_always = script.looks_always;
    if (!renumber) {
      shorter.steps = script.steps;
      shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(start),
                          shorter.steps.begin() + static_cast<std::ptrdiff_t>(start + n));
      return shorter;
    }
    // Both are played side by side; the descriptors that the same step made belong together.
    Descriptors before{tester_};
    Descriptors after{tester_};
    for (std::size_t i = 0; i < script.steps.size(); ++i) {
      if (i < start || i >= start + n) {
        Step step = script.steps[i];
        translate(step, before, after);
        after.play(step, i);
        shorter.steps.push_back(std::move(step));
      }
      before.play(script.steps[i], i);
    }
    return shorter;
  }

  /// An emulated kernel that knows of each fd which step made it.
  class Descriptors {
   public:
    using Maker = std::pair<std::size_t, std::size_t>;  // The step, and which of its fds.

    explicit Descriptors(Tester& tester) : side_(tester.memory(), tester.limits(), false) {}

    void play(const Step& step, std::size_t index) {
      list_fds(side_.kernel(), before_);
      side_.play(step, false);
      list_fds(side_.kernel(), now_);
      std::size_t made = 0;
      for (const OpenFd& open : now_) {
        const bool known = std::any_of(before_.begin(), before_.end(),
                                       [&](const OpenFd& was) { return was.fd == open.fd && was.file == open.file; });
        if (!known) maker_of_[open.fd] = {index, made++};
      }
      std::erase_if(maker_of_, [&](const auto& entry) { return side_.kernel().file(entry.first) == nullptr; });
    }

    [[nodiscard]] std::optional<Maker> maker_of(std::int64_t fd) const {
      const auto found = maker_of_.find(static_cast<int>(fd));
      if (found == maker_of_.end()) return {};
      return found->second;
    }
    [[nodiscard]] std::optional<int> made_by(Maker maker) const {
      for (const auto& [fd, its_maker] : maker_of_) {
        if (its_maker == maker) return fd;
      }
      return {};
    }

   private:
    EmulatedSide side_;
    std::map<int, Maker> maker_of_;
    std::vector<OpenFd> before_;
    std::vector<OpenFd> now_;
  };

  static void translate(Step& step, const Descriptors& before, const Descriptors& after) {
    if (step.is_look()) return;
    const auto renumber = [&](std::int64_t& fd) {
      const auto maker = before.maker_of(fd);
      if (!maker) return;
      if (const auto now = after.made_by(*maker)) fd = *now;
    };
    const Signature& signature = all_signatures()[step.call];
    for (std::size_t i = 0; i < signature.params.size(); ++i) {
      if (signature.params[i].kind == Kind::fd) renumber(step.args[i]);
    }
    if (signature.list == List::polls) {
      for (Item& item : step.items) renumber(item.first);
    }
  }

  bool plainer_arguments(Script& script) {
    bool plainer = false;
    for (std::size_t s = 0; s < script.steps.size(); ++s) {
      if (script.steps[s].is_look()) continue;
      const Signature& signature = all_signatures()[script.steps[s].call];
      const auto accept = [&](const auto& change) {
        Script changed = script;
        change(changed.steps[s]);
        if (changed == script || !differs(changed)) return false;
        script = std::move(changed);
        plainer = true;
        return true;
      };
      for (std::size_t i = 0; i < script.steps[s].items.size();) {
        if (!accept([&](Step& step) { step.items.erase(step.items.begin() + static_cast<std::ptrdiff_t>(i)); })) ++i;
      }
      for (std::size_t i = 0; i < signature.params.size(); ++i) {
        const Param& param = signature.params[i];
        const std::int64_t value = script.steps[s].args[i];
        if (param.kind == Kind::fd) continue;
        if (param.is_keyed) {
          accept([&](Step& step) { step.args[i] = param.absent; });
        } else if (param.kind == Kind::set) {
          for (int bit = 0; bit < 32; ++bit) {
            const std::int64_t flag = std::int64_t{1} << bit;
            if ((value & flag) != 0) accept([&](Step& step) { step.args[i] &= ~flag; });
          }
        } else if (param.kind == Kind::number) {
          // Smaller by steps, as long as each still differs.
          for (const std::int64_t smaller : {std::int64_t{0}, std::int64_t{1}, value / 2, value - 1}) {
            if (smaller >= 0 && smaller < value && accept([&](Step& step) { step.args[i] = smaller; })) break;
          }
        }
      }
    }
    return plainer;
  }

  Tester& tester_;
  int tries_ = 20000;
  const std::chrono::steady_clock::time_point give_up_ = std::chrono::steady_clock::now() + std::chrono::seconds{20};
};

}  // namespace differential
