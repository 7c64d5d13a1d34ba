// dump: the whole state of a kernel as text, for a person: tasks and what they wait for, fds, registrations.
#pragma once

#include "kernel.hpp"

#include <string>

namespace rouse::inline v0::kernel {

namespace detail_dump {

inline std::string milliseconds(Time time) {
  std::string micros = std::to_string(time / 1000 % 1000);
  micros.insert(0, 3 - micros.size(), '0');
  return std::to_string(time / 1'000'000) + '.' + micros + " ms";
}

inline void add_task(std::string& text, const Task& task) {
  text += "  " + task.name();
  const BlockedOn* const why = task.blocked_on();
  if (why == nullptr) {
    text += " runs\n";
    return;
  }
  text.append(" is blocked in ").append(why->call);
  if (why->fd >= 0) text += "(fd " + std::to_string(why->fd) + ')';
  if (why->file != nullptr) text.append(" on ").append(why->file->kind().name);
  text += " since " + milliseconds(why->since);
  text += why->deadline == time_never ? " for ever\n" : " until " + milliseconds(why->deadline) + '\n';
}

/// No object lies below this, vm.mmap_min_addr: so a number below it is none's address.
inline constexpr std::uint64_t lowest_address = 65'536;

/// Not what may be an address: dumps of the same state are the same.
inline std::string data(EventData data) {
  return data.u64() < lowest_address ? ", data " + std::to_string(data.u64()) : std::string{};
}

inline void add_epoll(std::string& text, const EpollFile& epoll) {
  epoll.for_each_registration([&](const Registration& registration) {
    text += "       watches fd " + std::to_string(registration.fd()) + " (" + registration.file().kind().name +
            ", file " + std::to_string(registration.file().id()) + ") for " +
            to_string(registration.interest().mask()) + data(registration.interest().data()) +
            (registration.is_queued() ? ", queued\n" : "\n");
  });
}

}  // namespace detail_dump

/// Who waits on what, and what every file holds. Precondition: the kernel is locked, or idle.
[[nodiscard]] inline std::string dump(const Kernel& kernel) {
  kernel.host().forget_ended_tasks();
  std::string text = "tasks at " + detail_dump::milliseconds(kernel.host().now()) + ":\n";
  kernel.host().tasks().for_each([&](const Task& task) { detail_dump::add_task(text, task); });
  text += "fds:\n";
  kernel.fds.for_each([&](int fd, File& file) {
    text += "  " + std::to_string(fd) + ": " + file.kind().name + " (file " + std::to_string(file.id()) +
            "): " + file.describe();
    if (file.is_nonblocking()) text += ", non-blocking";
    text += '\n';
    if (const auto* const epoll = file_cast<EpollFile>(&file)) detail_dump::add_epoll(text, *epoll);
  });
  return text;
}

}  // namespace rouse::inline v0::kernel
