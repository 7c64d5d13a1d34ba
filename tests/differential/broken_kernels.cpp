// Ten kernels that are broken on purpose (broken_kernels.py): the tester has to find each within 100,000 calls.
//   broken_kernels [SEED]
#include "shrink.hpp"

#include <broken_kernels.hpp>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::uint64_t calls_max = 100'000;

/// The number of calls after which a difference showed; 0 if none did.
std::uint64_t calls_to_find(differential::Tester& tester, std::uint64_t seed, differential::Script& script) {
  differential::Shares shares;
  for (; shares.calls < calls_max; ++seed) {
    differential::SeededChoices choices{seed};
    if (tester.generate(choices, shares, script) && tester.confirm(script)) return shares.calls;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  differential::Tester tester{false};
  int missed = 0;
  differential::Script script;
  for (const char* const name : broken_kernel_names) {
    ++broken_kernel;
    const std::uint64_t calls = calls_to_find(tester, seed, script);
    if (calls == 0) {
      ++missed;
      std::printf("NOT FOUND within %llu calls: %s\n", static_cast<unsigned long long>(calls_max), name);
      continue;
    }
    std::printf("found after %llu calls: %s\n", static_cast<unsigned long long>(calls), name);
    script = differential::Shrinker{tester}.shrink(script);
    std::printf("%s\n", tester.shown(script).c_str());
  }
  std::printf("%d of %d broken kernels found, from seed %llu\n", broken_kernel - missed, broken_kernel,
              static_cast<unsigned long long>(seed));
  return missed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
