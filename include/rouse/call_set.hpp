// CallSet: several syscalls at once, as `Call::read | Call::readv`, and by the names of the groups that belong
// together.
#pragma once

#include "call.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>

namespace rouse::inline v0 {

/// A set of calls. A single Call is one, too.
class CallSet {
 public:
  static const CallSet none;
  static const CallSet all;
  /// epoll_wait, epoll_pwait, epoll_pwait2: a handle makes the one that fits its time-out.
  static const CallSet epoll_waits;
  /// The above, poll, ppoll, select and pselect6: whatever waits until one of some fds is ready.
  static const CallSet waits;
  static const CallSet reads;      ///< read, readv, pread, recvfrom, recvmsg.
  static const CallSet writes;     ///< write, writev, pwrite, sendto, sendmsg.
  static const CallSet transfers;  ///< reads and writes.
  static const CallSet creates;    ///< All that make an fd; fcntl among them, for F_DUPFD.

  constexpr CallSet(Call call) : bits_(bit(call)) {}
  constexpr CallSet(std::initializer_list<Call> calls) {
    for (const Call call : calls) bits_ |= bit(call);
  }

  [[nodiscard]] constexpr bool has(Call call) const { return (bits_ & bit(call)) != 0; }
  /// True if every call of `calls` is in it.
  [[nodiscard]] constexpr bool has(CallSet calls) const { return (bits_ & calls.bits_) == calls.bits_; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

  friend constexpr CallSet operator|(CallSet a, CallSet b) { return CallSet{Raw{}, a.bits_ | b.bits_}; }
  friend constexpr CallSet operator&(CallSet a, CallSet b) { return CallSet{Raw{}, a.bits_ & b.bits_}; }
  friend constexpr CallSet operator-(CallSet a, CallSet b) { return CallSet{Raw{}, a.bits_ & ~b.bits_}; }
  constexpr CallSet& operator|=(CallSet other) { return *this = *this | other; }
  friend constexpr bool operator==(CallSet, CallSet) = default;

  /// The calls' names joined by `|`; `none` and `all` for those two.
  friend std::string to_string(CallSet calls) {
    if (calls == CallSet::none) return "none";
    if (calls == CallSet::all) return "all";
    std::string text;
    for (std::size_t i = 0; i < call_count; ++i) {
      const Call call = static_cast<Call>(i);
      if (!calls.has(call)) continue;
      if (!text.empty()) text += '|';
      text += name_of(call);
    }
    return text;
  }

  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, CallSet calls) {
    return out << to_string(calls).c_str();
  }

 private:
  struct Raw {};
  constexpr CallSet(Raw, std::uint64_t bits) : bits_(bits) {}

  static_assert(call_count < 64);
  static constexpr std::uint64_t bit(Call call) { return std::uint64_t{1} << static_cast<unsigned>(call); }

  std::uint64_t bits_ = 0;
};

inline constexpr CallSet CallSet::none{Raw{}, 0};
inline constexpr CallSet CallSet::all{Raw{}, (std::uint64_t{1} << call_count) - 1};
inline constexpr CallSet CallSet::epoll_waits{Call::epoll_wait, Call::epoll_pwait, Call::epoll_pwait2};
inline constexpr CallSet CallSet::waits = epoll_waits | CallSet{Call::poll, Call::ppoll, Call::select, Call::pselect6};
inline constexpr CallSet CallSet::reads{Call::read, Call::readv, Call::pread, Call::recvfrom, Call::recvmsg};
inline constexpr CallSet CallSet::writes{Call::write, Call::writev, Call::pwrite, Call::sendto, Call::sendmsg};
inline constexpr CallSet CallSet::transfers = reads | writes;
inline constexpr CallSet CallSet::creates{
    Call::dup,          Call::dup2,    Call::dup3,    Call::fcntl,          Call::open,
    Call::epoll_create, Call::eventfd, Call::pipe2,   Call::timerfd_create, Call::epoll_create1,
    Call::signalfd4,    Call::socket,  Call::accept4, Call::socketpair};

constexpr CallSet operator|(Call a, Call b) { return CallSet{a, b}; }

}  // namespace rouse::inline v0
