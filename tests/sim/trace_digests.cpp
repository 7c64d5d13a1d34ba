// trace_digests: prints the traces of the first seeds, and of a thousand a digest of each ten. Programs of different
// compilers and optimisation must print the same: tests/sim/check_trace_digests.py.
#include "../support/traced_seeds.hpp"

#include <cstdint>
#include <cstdio>
#include <string>

namespace {

/// FNV-1a.
std::uint64_t digest(std::uint64_t before, const std::string& text) {
  std::uint64_t hash = before;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

int main() {
  constexpr std::uint64_t seeds = 1'000, shown = 3, together = 10, start = 0xcbf29ce484222325;
  rouse::sim::FiberPool fibers;
  std::uint64_t hash = start;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const std::string text = test::trace_of_seed(fibers, seed);
    if (seed <= shown) std::printf("seed %llu:\n%s", static_cast<unsigned long long>(seed), text.c_str());
    hash = digest(hash, text);
    if (seed % together != 0) continue;
    std::printf("seeds to %llu: %016llx\n", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(hash));
    hash = start;
  }
}
