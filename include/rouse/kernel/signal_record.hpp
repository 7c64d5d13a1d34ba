// What a signalfd tells of a signal: signalfd_siginfo, of which each kind of signal fills its part.
#pragma once

#include <csignal>
#include <cstdint>
#include <sys/signalfd.h>

namespace rouse::inline v0::kernel {

class SignalRecord {
 public:
  /// The parts that are not its own stay zero, as Linux has it: in `info`, which is a union, they are another's.
  [[nodiscard]] static ::signalfd_siginfo of(const ::siginfo_t& info) {
    ::signalfd_siginfo record{};
    record.ssi_signo = static_cast<std::uint32_t>(info.si_signo);
    record.ssi_errno = info.si_errno;
    record.ssi_code = info.si_code;
    if (info.si_code <= 0 || info.si_code >= SI_KERNEL) {
      put_sent(record, info);
    } else {
      put_happened(record, info);
    }
    return record;
  }

 private:
  static void put_sender(::signalfd_siginfo& record, const ::siginfo_t& info) {
    record.ssi_pid = static_cast<std::uint32_t>(info.si_pid);
    record.ssi_uid = info.si_uid;
  }
  static void put_value(::signalfd_siginfo& record, const ::siginfo_t& info) {
    record.ssi_ptr = reinterpret_cast<std::uintptr_t>(info.si_ptr);
    record.ssi_int = info.si_int;
  }
  static void put_band(::signalfd_siginfo& record, const ::siginfo_t& info) {
    record.ssi_band = static_cast<std::uint32_t>(info.si_band);
    record.ssi_fd = info.si_fd;
  }

  /// By a call, or a timer of the program's.
  static void put_sent(::signalfd_siginfo& record, const ::siginfo_t& info) {
    if (info.si_code == SI_SIGIO) return put_band(record, info);
    if (info.si_code == SI_TIMER) {
      record.ssi_tid = static_cast<std::uint32_t>(info.si_timerid);
      record.ssi_overrun = static_cast<std::uint32_t>(info.si_overrun);
      return put_value(record, info);
    }
    put_sender(record, info);
    if (info.si_code < 0) put_value(record, info);
  }
  /// To the program, its children or its files.
  static void put_happened(::signalfd_siginfo& record, const ::siginfo_t& info) {
    switch (info.si_signo) {
      case SIGCHLD:
        put_sender(record, info);
        record.ssi_status = info.si_status;
        record.ssi_utime = static_cast<std::uint64_t>(info.si_utime);
        record.ssi_stime = static_cast<std::uint64_t>(info.si_stime);
        break;
      case SIGILL:
      case SIGFPE:
      case SIGSEGV:
      case SIGBUS:
      case SIGTRAP: record.ssi_addr = reinterpret_cast<std::uintptr_t>(info.si_addr); break;
      default: put_band(record, info); break;
    }
  }
};

}  // namespace rouse::inline v0::kernel
