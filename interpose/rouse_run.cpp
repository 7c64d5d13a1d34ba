// rouse-run: starts a program with librouse_interpose.so in front of its C library, and becomes it.
#include "options.hpp"
#include "program_file.hpp"
#include "split.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <getopt.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

using namespace rouse::interpose;

namespace {

// As env(1) and the shells have them.
constexpr int exit_refused = 125;
constexpr int exit_not_executable = 126;
constexpr int exit_not_found = 127;

constexpr char help[] =
    R"(usage: rouse-run [options] program [arguments]

Runs a program on an emulated Linux kernel inside of its own process: its epolls, eventfds, pipes, sockets, timerfds
and signalfds are rouse's. Files, terminals and all the rest stay Linux's.

  --trace FILE          every call on an emulated file, a line each; for Perfetto (ui.perfetto.dev) if FILE ends in
                        .json. %p in it is the number of the process.
  --fault SPEC          a call goes wrong. May be given several times; the first that matches strikes. SPEC is
                        CALLS[@KIND][#FD]:WHEN:WHAT
                          CALLS  accept or epoll_wait,read or reads, writes, transfers, creates, waits, all
                          KIND   of the file: eventfd, pipe, tcp-socket, unix-stream-socket, ...
                          FD     its number
                          WHEN   3 (the 3rd such call), every, 1/100 (one in a hundred, by chance)
                          WHAT   EMFILE or another errno, short=N (bytes at most), delay=5ms, not-ready (EAGAIN
                                 though it is ready)
  --seed N              what chance does; 1 if it is not given
  --old-kernel VERSION  only what Linux 5.10, say, had: epoll_pwait2 is ENOSYS before 5.11, ...
  --real FAMILIES       leaves to Linux: epoll, eventfd, pipe, unix, inet, sockets (both), timerfd, signalfd
  --stats               at the end on stderr: how often each call was made, slept and failed
  --help, --version

  rouse-run --trace /dev/stderr ./server
  rouse-run --fault accept:3:EMFILE ./server
  rouse-run --fault reads@tcp-socket:1/20:short=1 --fault waits:1/50:EINTR --seed 7 ./server
  rouse-run --old-kernel 5.10 --stats ./server

The exit status is the program's; 127 if it is not found, 126 if it cannot be executed, 125 if rouse-run cannot run it:
a static program, a set-uid one, a mistake in the options.
)";

[[noreturn]] void fail(int status, const std::string& text) {
  std::fprintf(stderr, "rouse-run: %s\n", text.c_str());
  std::exit(status);
}

// -- options

constexpr std::array<::option, 9> long_options{{{"trace", required_argument, nullptr, 0},
                                                {"fault", required_argument, nullptr, 0},
                                                {"seed", required_argument, nullptr, 0},
                                                {"old-kernel", required_argument, nullptr, 0},
                                                {"real", required_argument, nullptr, 0},
                                                {"stats", no_argument, nullptr, 0},
                                                {"help", no_argument, nullptr, 'h'},
                                                {"version", no_argument, nullptr, 'v'},
                                                {}}};

std::string absolute(const std::string& file) {
  std::array<char, PATH_MAX> folder{};
  if (file.starts_with('/') || ::getcwd(folder.data(), folder.size()) == nullptr) return file;
  return std::string{folder.data()} + '/' + file;
}

/// What the library is told, line by line.
class Lines {
 public:
  void add(std::string_view name, std::string_view value) {
    const std::string wrong = options_.set(name, value);
    if (!wrong.empty()) fail(exit_refused, "--" + std::string{name} + ' ' + std::string{value} + ": " + wrong);
    text_.append(name).append("=").append(value).append("\n");
  }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  Options options_;
  std::string text_;
};

void read_options(int argc, char** argv, Lines& lines) {
  for (;;) {
    int index = 0;
    const int found = ::getopt_long(argc, argv, "+h", long_options.data(), &index);
    if (found == -1) return;
    if (found == 'h') {
      std::fputs(help, stdout);
      std::exit(0);
    }
    if (found == 'v') {
      std::puts("rouse-run " ROUSE_VERSION);
      std::exit(0);
    }
    if (found != 0) {
      std::fputs("Try 'rouse-run --help'.\n", stderr);
      std::exit(exit_refused);
    }
    const std::string name = long_options[static_cast<std::size_t>(index)].name;
    const std::string value = ::optarg != nullptr ? ::optarg : "";
    lines.add(name, name == "trace" && !value.empty() ? absolute(value) : value);
  }
}

/// An empty trace, made here, where the mistake can be told.
void begin_trace(const Options& options) {
  if (options.trace_file.empty()) return;
  const std::string path = options.trace_path(::getpid());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  // A pipe that nobody reads yet.
  if (fd < 0 && errno == ENXIO) return;
  if (fd < 0) fail(exit_refused, "--trace " + path + ": " + std::strerror(errno));
  const bool is_device = path.starts_with("/dev/") || path.starts_with("/proc/");  // stderr, which may be a file.
  if (!is_device && ::ftruncate(fd, 0) != 0 && errno != EINVAL) {
    fail(exit_refused, "--trace " + path + ": " + std::strerror(errno));
  }
  ::close(fd);
}

std::string began() {
  ::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(::getpid()) + ' ' + std::to_string(now.tv_sec * 1'000'000'000 + now.tv_nsec);
}

// -- the program

/// Beside rouse-run, or in the folder for libraries that belongs to where rouse-run is now, or was installed to.
std::string find_library() {
  std::array<char, PATH_MAX> self{};
  const ::ssize_t n = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
  const std::string program{self.data(), static_cast<std::size_t>(n < 0 ? 0 : n)};
  const std::string here = program.substr(0, program.rfind('/') + 1);
  std::string tried;
  for (const std::string& folder :
       {here, here + "../" ROUSE_LIBDIR "/", here + "../lib/", std::string{ROUSE_LIBRARY_FOLDER "/"}}) {
    const std::string path = folder + "librouse_interpose.so";
    std::array<char, PATH_MAX> real{};
    if (::realpath(path.c_str(), real.data()) != nullptr) return real.data();
    tried += "\n  " + path;
  }
  fail(exit_refused, "librouse_interpose.so is not there; looked for it as" + tried);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

ProgramFile look_at(const std::string& name, const std::string& path) {
  struct ::stat found {};
  if (path.empty() || ::stat(path.c_str(), &found) != 0) {
    fail(exit_not_found, name + ": " + (path.empty() ? "not found in PATH" : std::strerror(errno)));
  }
  if (S_ISDIR(found.st_mode)) fail(exit_not_executable, name + ": is a directory");
  if (::access(path.c_str(), X_OK) != 0) fail(exit_not_executable, name + ": " + std::strerror(errno));
  ProgramFile program = ProgramFile::at(path);
  const std::string who = program.path == path ? name : name + ": its interpreter " + program.path;
  if (!program.refusal.empty()) fail(exit_refused, who + ' ' + program.refusal);
  const std::string our_linker = ProgramFile::at("/proc/self/exe").linker;
  if (!program.linker.empty() && base_name(program.linker) != base_name(our_linker)) {
    fail(exit_refused, who + " has another C library than rouse-run: it is loaded by " + program.linker +
                           ", and not by " + base_name(our_linker));
  }
  return program;
}

/// In front of what is there; but a sanitizer's run-time library wants to be the first of all.
std::string preload(const std::string& library, const std::string& sanitizer) {
  if (library.find_first_of(" :") != library.npos) {
    fail(exit_refused, "LD_PRELOAD takes no path with a space or a colon in it, as " + library + " has");
  }
  std::string text = sanitizer.empty() ? library : sanitizer + ':' + library;
  const char* const before = std::getenv("LD_PRELOAD");
  if (before != nullptr && *before != '\0') text.append(":").append(before);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  Lines lines;
  read_options(argc, argv, lines);
  if (::optind == argc) fail(exit_refused, "which program? Try 'rouse-run --help'.");
  lines.add("began", began());
  char** const command = argv + ::optind;
  const std::string path = find_program(command[0]);
  const ProgramFile program = look_at(command[0], path);
  const std::string library = find_library();
  begin_trace(lines.options());
  ::setenv("LD_PRELOAD", preload(library, program.sanitizer).c_str(), 1);
  ::setenv(Options::variable, lines.text().c_str(), 1);
  ::execvp(path.c_str(), command);  // A file that is neither a program nor a script, is a shell's, as ever.
  const int error = errno;
  fail(error == ENOENT ? exit_not_found : exit_not_executable, std::string{command[0]} + ": " + std::strerror(error));
}
