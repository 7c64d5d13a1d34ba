// The differential tester behind libFuzzer: its bytes take the place of random numbers in the same generator, and the
// coverage of the emulated kernel leads them to new states. A difference is shrunk and reported as ever.
//   differential_fuzz [FOLDER] -handle_alrm=0 -timeout=0 -max_total_time=SECONDS
// FOLDER, an absolute path, keeps the bytes that reached something new. The timer is the tester's own.
#include "report.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace differential;
  // Made with the first input: libFuzzer's own fds are closed by then, as any that a script does not know would be.
  static Tester tester{false};
  static Shares shares;
  ByteChoices choices{{data, size}};
  Script script;
  if (!tester.generate(choices, shares, script)) return 0;
  const std::optional<Difference> found = tester.confirm(script);
  if (!found || find_known(script, *found) != nullptr) return 0;
  report(tester, script, "the bytes that libFuzzer writes to a file now", "");
  std::abort();
}
