#include "callgrind.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <system_error>
#include <vector>

namespace bench {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

/// A directory for the dumps. Always in /tmp, so that its name is always as long.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    char name[] = "/tmp/rouse-bench-XXXXXX";
    if (::mkdtemp(name) == nullptr) fail(errno, "mkdtemp");
    path_ = name;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void run(std::vector<std::string> arguments, std::vector<std::string> environment) {
  const auto pointers = [](std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (std::string& string : strings) result.push_back(string.data());
    result.push_back(nullptr);
    return result;
  };
  ::pid_t child = 0;
  const int error = ::posix_spawnp(&child, arguments[0].c_str(), nullptr, nullptr, pointers(arguments).data(),
                                   pointers(environment).data());
  if (error != 0) fail(error, arguments[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail(errno, "waitpid");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("failed under " + arguments[0]);
}

struct Dump {
  std::string label;
  double operations;
  double instructions;
};

/// A dump that a meter asked for; the one at the end of the program has no label.
Dump read_dump(const fs::path& path) {
  const std::string trigger = "desc: Trigger: Client Request: ";
  const std::string summary = "summary: ";  // The totals have, in 3.19, some of what went before as well.
  Dump dump{};
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(trigger)) {
      const std::size_t end = line.rfind('|');
      dump.label = line.substr(trigger.size(), end - trigger.size());
      dump.operations = std::stod(line.substr(end + 1));
    } else if (line.starts_with(summary)) {
      dump.instructions = std::stod(line.substr(summary.size()));
    }
  }
  return dump;
}

}  // namespace

std::map<std::string, double> count_instructions() {
  const ScratchDirectory scratch;
  const fs::path program = scratch.path() / "program";
  fs::create_symlink(fs::read_symlink("/proc/self/exe"), program);
  run({"valgrind", "--tool=callgrind", "--quiet", "--callgrind-out-file=" + (scratch.path() / "dump").string(),
       program.string()},
      {"GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX,-ERMS,-FSRM,-SSSE3,-SSE4_2,-BMI2,-RTM"});

  std::map<std::string, std::vector<Dump>> dumps;
  for (const fs::directory_entry& entry : fs::directory_iterator(scratch.path())) {
    if (!entry.path().filename().string().starts_with("dump")) continue;
    const Dump dump = read_dump(entry.path());
    if (!dump.label.empty()) dumps[dump.label].push_back(dump);
  }
  std::map<std::string, double> counts;
  for (const auto& [label, pair] : dumps) {
    if (pair.size() != 2) throw std::runtime_error("'" + label + "' was not measured once: two labels are the same");
    counts[label] = (pair[1].instructions - pair[0].instructions) / (pair[1].operations - pair[0].operations);
  }
  return counts;
}

}  // namespace bench
