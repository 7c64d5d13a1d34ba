// A kernel whose host notes where each call was made, and what is said about one line.
#pragma once

#include "rouse/backend/emulated.hpp"
#include "rouse/kernel/kernel.hpp"
#include "scripted_host.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace test {

class NotedCalls {
 public:
  [[nodiscard]] rouse::EmulatedBackend backend() { return rouse::EmulatedBackend{kernel}; }

  /// Where the calls of `make` were made, each place once, those of destructors left out. Whether they succeed does not
  /// matter.
  template <class Make>
  std::string of(Make make) {
    host.sites.clear();
    try {
      static_cast<void>(make());
    } catch (const std::system_error&) {
    }
    std::vector<std::string> sites = std::exchange(host.sites, {});
    std::erase(sites, "destructor");
    sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
    std::string all;
    for (const std::string& site : sites) all += (all.empty() ? "" : ", ") + (site.empty() ? "nowhere" : site);
    return all;
  }

  rouse::CallSiteReader reader;
  ScriptedHost host{rouse::kernel::needs_schedule_points};
  rouse::kernel::Kernel kernel{host};
};

}  // namespace test
