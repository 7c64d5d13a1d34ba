// ResultText: what a call came to, as text: `EAGAIN`, `eventfd 3`, `8: 1`.
#pragma once

#include "call_text.hpp"

#include <string>
#include <sys/signalfd.h>
#include <utility>
#include <vector>

namespace rouse::inline v0::sim {

/// What an epoll has reported in a call.
struct ReportedEvent {
  std::string name;  ///< Of the fd that was registered.
  int fd;
};

/// To be asked when the call is over, before its task goes on.
class ResultText {
 public:
  ResultText(const kernel::Kernel& kernel, const FdNames& names, const kernel::Op& op,
             const kernel::CallArguments& given, const std::vector<ReportedEvent>& reported)
      : kernel_(kernel), names_(names), op_(op), given_(given), reported_(reported) {}

  [[nodiscard]] std::string text(kernel::CallEnd end) const {
    switch (end.kind) {
      case kernel::CallEnd::Kind::restarts: return "restarts after a signal";
      case kernel::CallEnd::Kind::thrown: return "left by an exception";
      case kernel::CallEnd::Kind::returned: break;
    }
    return end.word < 0 ? value_text::errno_text(static_cast<int>(-end.word)) : of_success(end.word);
  }

 private:
  [[nodiscard]] const void* at(std::size_t i) const { return given_.address(i); }
  [[nodiscard]] std::string fd(std::int64_t number) const { return names_.text(kernel_, static_cast<int>(number)); }
  [[nodiscard]] static std::string with(std::int64_t n, const std::string& rest) {
    return rest.empty() || n == 0 ? std::to_string(n) : std::to_string(n) + ": " + rest;
  }

  [[nodiscard]] std::string of_success(std::int64_t word) const {
    using namespace value_text;
    const auto n = static_cast<std::size_t>(word);
    switch (op_.call) {
      case Call::accept4: return at(0) == nullptr ? fd(word) : fd(word) + " from " + address_put(at(0), at(1));
      case Call::ioctl: {
        const auto request = static_cast<std::uint32_t>(given_.word(0));
        const auto value = peek<int>(at(1));
        return (request == FIONREAD || request == TIOCOUTQ) && value ? "0: " + std::to_string(*value)
                                                                     : std::to_string(word);
      }
      case Call::pipe2: return pair(at(0));
      case Call::socketpair: return pair(at(3));
      case Call::read: return with(word, read(at(0), n));
      case Call::pread: return with(word, bytes_at(at(0), n));
      case Call::readv: return with(word, Vectors{at(0), given_.word(1)}.bytes(n));
      case Call::recvfrom: {
        const std::string what = with(word, bytes_at(at(0), n));
        return at(3) == nullptr ? what : what + " from " + address_put(at(3), at(4));
      }
      case Call::recvmsg: {
        const auto header = peek<::msghdr>(at(0));
        if (!header) return std::to_string(word);
        std::string what = with(word, Vectors{header->msg_iov, header->msg_iovlen}.bytes(n));
        if (header->msg_controllen != 0) what += ", control " + std::to_string(header->msg_controllen) + " bytes";
        return what;
      }
      case Call::poll:
      case Call::ppoll: return with(word, CallText::poll_entries(kernel_, names_, at(0), given_.word(1), true));
      case Call::select:
      case Call::pselect6: return with(word, selected());
      case Call::epoll_wait:
      case Call::epoll_pwait:
      case Call::epoll_pwait2: return with(word, events(n));
      case Call::clock_gettime: return span_at(at(1));
      case Call::timerfd_gettime: return timer_at(at(0));
      case Call::getsockname:
      case Call::getpeername: return address_put(at(0), at(1));
      case Call::getsockopt: {
        const auto size = peek<::socklen_t>(at(3));
        const auto value = peek<int>(at(2));
        return size && *size == sizeof(int) && value ? "0: " + std::to_string(*value) : "0";
      }
      case Call::rt_sigpending: return signals_at(at(0));
      case Call::getrlimit: return limit_at(at(1));
      default: return returns_fd(op_, given_) ? fd(word) : std::to_string(word);
    }
  }

  [[nodiscard]] std::string pair(const void* fds) const {
    const auto first = value_text::peek<int>(fds, 0), second = value_text::peek<int>(fds, 1);
    return first && second ? fd(*first) + ", " + fd(*second) : value_text::bad_address;
  }

  /// Where what is read is a number, that.
  [[nodiscard]] std::string read(const void* data, std::size_t n) const {
    const kernel::File* const file = kernel_.fds.file(op_.fd);
    if (file == nullptr) return value_text::bytes_at(data, n);
    const bool is_number =
        &file->kind() == &kernel::EventFdFile::file_kind || &file->kind() == &kernel::TimerFdFile::file_kind;
    if (is_number) {
      const auto value = value_text::peek<std::uint64_t>(data);
      return value ? std::to_string(*value) : std::string{};
    }
    if (&file->kind() != &kernel::SignalFdFile::file_kind) return value_text::bytes_at(data, n);
    std::string text;
    for (std::size_t i = 0; i < n / sizeof(::signalfd_siginfo); ++i) {
      const auto info = value_text::peek<::signalfd_siginfo>(data, i);
      if (info) text.append(text.empty() ? "" : ", ").append(value_text::signal(static_cast<int>(info->ssi_signo)));
    }
    return text;
  }

  [[nodiscard]] std::string events(std::size_t n) const {
    std::string text;
    for (std::size_t i = 0; i < n && n <= reported_.size(); ++i) {
      const ReportedEvent& event = reported_[reported_.size() - n + i];
      text.append(text.empty() ? "" : ", ").append(event.name).append(" ");
      text += CallText::event(kernel::user_at(at(0), i * sizeof(Event)), event.fd);
    }
    return text;
  }

  [[nodiscard]] std::string selected() const {
    std::string text;
    const std::pair<const char*, std::size_t> sets[] = {{"read", 1}, {"write", 2}, {"except", 3}};
    for (const auto& [what, i] : sets) {
      const std::string set = CallText::fd_set(kernel_, names_, what, at(i), given_.number(0));
      if (set.empty()) continue;
      text.append(text.empty() ? "" : ", ").append(set);
    }
    return text;
  }

  const kernel::Kernel& kernel_;
  const FdNames& names_;
  const kernel::Op& op_;
  const kernel::CallArguments& given_;
  const std::vector<ReportedEvent>& reported_;
};

}  // namespace rouse::inline v0::sim
