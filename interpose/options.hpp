// Options: what rouse-run was told. It checks them and hands them to the library in the program's environment.
#pragma once

#include <rouse/fault_plan.hpp>
#include <rouse/kernel_age.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rouse::interpose {

/// Kinds of files that are emulated, or left to Linux (--real).
enum class Family : std::uint8_t { epoll, eventfd, pipe, unix_socket, inet_socket, timerfd, signalfd };
inline constexpr std::size_t families = 7;

struct Options {
  std::string trace_file;  ///< Empty for none; see trace_path().
  FaultPlan faults;
  KernelAge age;
  std::uint32_t real = 0;  ///< One bit for each Family that is Linux's.
  bool stats = false;

  // What rouse-run says of itself.
  std::int64_t first_process = 0;  ///< Itself: its number stays when it becomes the program.
  std::int64_t began = 0;          ///< When, by CLOCK_MONOTONIC, in nanoseconds.

  [[nodiscard]] bool is_real(Family family) const { return (real >> static_cast<unsigned>(family) & 1) != 0; }

  /// One option as rouse-run is given it, without its dashes: `fault`, `accept:3:EMFILE`. Returns what is wrong with
  /// it; empty if it was taken.
  [[nodiscard]] std::string set(std::string_view name, std::string_view value);

  /// The environment variable that they travel in: `name=value` lines, in the order they were given.
  static constexpr char variable[] = "ROUSE_RUN";
  /// Of this process. What rouse-run did not write is left out. The program may clear its environment later, and a
  /// child's kernel has the same options: it is read once.
  [[nodiscard]] static const Options& from_environment();
  /// Of such lines.
  [[nodiscard]] static Options from_lines(std::string_view lines);

  /// The trace file of a process: `%p` in its name is the process's number. Without that, children write to a file of
  /// their own, `trace.4711.json`; to a device, to the same.
  [[nodiscard]] std::string trace_path(std::int64_t process) const;
  /// True if it is to be for Perfetto.
  [[nodiscard]] bool is_json() const { return trace_file.ends_with(".json"); }
};

}  // namespace rouse::interpose
