// Shrink: the shortest script that still shows something: lines are left out, many at a time and then one by one, then
// single calls, until nothing more can go.
#pragma once

#include "script.hpp"

#include <algorithm>

namespace threaded {

/// `still(script)` says whether a shorter script will do.
template <class Still>
Script shrink(Script script, Still still) {
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t size = std::max<std::size_t>(script.size() / 2, 1); size > 0; size /= 2) {
      for (std::size_t at = script.size(); at-- > 0;) {
        if (at + size > script.size()) continue;
        Script shorter = script;
        const auto first = shorter.begin() + static_cast<std::ptrdiff_t>(at);
        shorter.erase(first, first + static_cast<std::ptrdiff_t>(size));
        if (!still(shorter)) continue;
        script = std::move(shorter);
        changed = true;
      }
    }
    for (std::size_t line = 0; line < script.size(); ++line) {
      for (std::size_t call = script[line].calls.size(); call-- > 0 && script[line].calls.size() > 1;) {
        Script shorter = script;
        shorter[line].calls.erase(shorter[line].calls.begin() + static_cast<std::ptrdiff_t>(call));
        if (!still(shorter)) continue;
        script = std::move(shorter);
        changed = true;
      }
    }
  }
  return script;
}

}  // namespace threaded
