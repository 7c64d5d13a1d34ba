// Options: what rouse-run was told. It checks them and hands them to the library in the program's environment.
#pragma once

#include <rouse/fault_plan.hpp>
#include <rouse/kernel_age.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse::interpose {

/// Kinds of files that are emulated, or left to Linux (--real).
enum class Family : std::uint8_t { epoll, eventfd, pipe, unix_socket, inet_socket, timerfd, signalfd };
inline constexpr std::size_t families = 7;

struct Options {
  std::string trace_file;  ///< Empty for none.
  FaultPlan faults;
  KernelAge age;
  std::uint32_t real = 0;  ///< One bit for each Family that is Linux's.
  bool stats = false;

  [[nodiscard]] bool is_real(Family family) const { return (real >> static_cast<unsigned>(family) & 1) != 0; }

  /// One option as rouse-run is given it, without its dashes: `fault`, `accept:3:EMFILE`. Returns what is wrong with it;
  /// empty if it was taken.
  [[nodiscard]] std::string set(std::string_view name, std::string_view value);

  /// The environment variable that they travel in: `name=value` lines, in the order they were given.
  static constexpr char variable[] = "ROUSE_RUN";
  /// Of this process. What rouse-run did not write is left out.
  [[nodiscard]] static Options from_environment();
};

}  // namespace rouse::interpose
