#include "core.hpp"

#include "all_blocked.hpp"
#include "own_fds.hpp"
#include "raw.hpp"
#include "real_file.hpp"
#include "system_limits.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <new>
#include <set>
#include <sys/syscall.h>
#include <unistd.h>

namespace rouse::interpose {
namespace {

std::atomic<Core*> the_core = nullptr;
// A constructor of another library may call before ours has run.
constinit std::mutex making;
constinit std::mutex reporting;

// While they are there: programs clear their environment.
[[gnu::constructor]] void read_options() { static_cast<void>(Options::from_environment()); }

}  // namespace

Core& Core::get() {
  Core* core = the_core.load(std::memory_order_acquire);
  if (core != nullptr) [[likely]]
    return *core;
  const Inside inside;
  const std::lock_guard lock{making};
  core = the_core.load(std::memory_order_acquire);
  if (core == nullptr) {
    // Never destroyed: threads may call until the process has ended.
    core = new Core(Options::from_environment());
    the_core.store(core, std::memory_order_release);
  }
  return *core;
}

Core::Core(const Options& options)
    : options_(options),
      calls_(CallWatch::wanted(options)),
      host_(calls_.get()),
      kernel_(host_),
      watch_(kernel_),
      installed_(kernel_) {
  host_.serve(kernel_);
  kernel_.fds.clear();
  kernel_.fds.share(placeholders_);
  kernel_.signals.leave_to(signals_);
  kernel_.unix_names.use(unix_paths_);
  kernel_.age = options_.age;
  if (!options_.faults.empty()) kernel_.set_faults(&options_.faults);
  // Never behind Linux's clock, which the program reads: a moment that has come has come here, too.
  const kernel::Time before = host_.now();
  const std::chrono::nanoseconds since_1970 = std::chrono::system_clock::now().time_since_epoch();
  kernel_.realtime.set_offset(since_1970.count() - before);
  read_system_limits(kernel_.limits);
  read_open_files_limit(kernel_.limits);
}

// Who has not made a call yet, has nothing to be told.

void Core::read_limits() {
  Core* const core = the_core.load();
  if (core == nullptr) return;
  const Locked locked{*core};
  read_open_files_limit(core->kernel_.limits);
}

void Core::forget_in_child() {
  this_thread = ThisThread{};
  // Whoever held these is not there any more.
  new (&making) std::mutex;
  new (&reporting) std::mutex;
  if (the_core.load() == nullptr) return;
  FdStates::for_each([](int fd, FdState state) {
    if (state == FdState::emulated) FdStates::set(fd, FdState::foreign);
    if (state == FdState::watched) FdStates::set(fd, FdState::linux_file);
  });
  OwnFds::for_each(OwnFds::close);
  the_core = nullptr;  // Left as it is: who knows what its threads were doing.
  TraceFile::begin_anew();
}

void Core::finish(End end) {
  const Options& options = Options::from_environment();
  Core* const core = the_core.load();
  if (core == nullptr) {
    if (options.stats && options.first_process == raw::call(SYS_getpid)) CallStats::print_none();
    return;
  }
  if (core->calls_ == nullptr) return;
  if (end == End::in_order && !this_thread.is_inside) {
    const Locked locked{*core};
    core->calls_->end_calls(core->kernel_);
  }
  core->calls_->finish(core->options_.faults);
}

bool Core::adopt(int fd) {
  if (fd < 0 || static_cast<std::size_t>(fd) >= fds_max || FdStates::of(fd) == FdState::foreign) return false;
  if (FdStates::of(fd) != FdState::linux_file) return true;
  const Locked locked{*this};
  if (FdStates::of(fd) != FdState::linux_file) return true;
  const long flags = raw::call(SYS_fcntl, fd, F_GETFL);
  if (flags < 0 || (flags & O_PATH) != 0) return false;  // To these calls, a path is no open file.
  const std::uint64_t id = kernel_.file_ids.next();
  // Whether Linux can wait for it is known only when it was asked to.
  kernel::FileRef file{new RealFile{id, fd, true, watch_}};
  if (const SysResult<void> watched = watch_.add(*file, fd); !watched.ok()) {
    file = kernel::FileRef{new RealFile{id, fd, false, watch_}};
  }
  kernel_.fds.adopt(fd, std::move(file));
  FdStates::set(fd, FdState::watched);
  return true;
}

bool Core::adopt_to_pass(int fd) {
  if (!adopt(fd) || FdStates::is_emulated(fd)) return false;
  const Locked locked{*this};
  return FdStates::of(fd) == FdState::watched && static_cast<RealFile*>(kernel_.fds.file(fd))->hold();
}

void Core::drop_if_idle(int fd) {
  if (FdStates::of(fd) != FdState::watched) return;
  const Locked locked{*this};
  const kernel::File* const file = kernel_.fds.file(fd);
  if (file != nullptr && file->references() == 1 && file->watchers.empty() && file->queue.empty()) {
    static_cast<void>(kernel_.fds.remove(fd));
  }
}

// Linux's by now, so that no placeholder is closed: it is gone.
void Core::forget_known(int fd) {
  const bool is_ours = FdStates::of(fd) != FdState::foreign;
  FdStates::set(fd, FdState::linux_file);
  if (!is_ours) return;
  Core& core = get();
  const Locked locked{core};
  if (core.kernel_.fds.is_open(fd)) static_cast<void>(core.kernel_.fds.remove(fd));
}

void Core::duplicated(int fd, int to) {
  const Locked locked{*this};
  if (FdStates::of(fd) != FdState::watched) return;
  // Either number may be closed first.
  static_cast<void>(static_cast<RealFile*>(kernel_.fds.file(fd))->hold());
  kernel_.fds.adopt(to, kernel::FileRef{kernel_.fds.file(fd)});
  FdStates::set(to, FdState::watched);
}

void Core::hear_of_linux() {
  if (!watch_.hears()) [[likely]]
    return;
  const Locked locked{*this};
  watch_.drain();
}

void Core::watch_signals(SignalSet mask) {
  const Locked locked{*this};
  has_signalfds_ = true;
  watch_.add_signals(mask);
}

void Core::signal_was_sent() {
  Core* const core = the_core.load();
  if (core == nullptr || !core->has_signalfds_) return;
  const Locked locked{*core};
  core->kernel_.signals.signalfds.wake(kernel::any_key);
}

void refuse_foreign(const char* call, int fd) {
  report("rouse-run: " + std::string(call) + " on fd " + std::to_string(fd) +
         ": its file is in the emulated kernel of another process. Emulated files are not shared between processes; "
         "--real leaves a kind of them to Linux, which does");
  errno = EBADF;
}

void report(const std::string& text) {
  static std::set<std::string>* const said = new std::set<std::string>;
  const AllBlocked all_blocked;
  const std::lock_guard lock{reporting};
  if (!said->insert(text).second) return;
  const std::string line = text + '\n';
  raw::call(SYS_write, STDERR_FILENO, line.c_str(), line.size());
}

}  // namespace rouse::interpose
