// Fault: what goes wrong with one call.
#pragma once

#include "call_set.hpp"
#include "detail/assert.hpp"
#include "timeout.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iosfwd>
#include <string>

namespace rouse::inline v0 {

/// One thing that may happen to a call though its caller did nothing wrong.
namespace detail {

/// `EINTR`; or `errno 4`, where the C library knows no names.
inline std::string errno_text(int number) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
  if (const char* const name = ::strerrorname_np(number)) return name;
#endif
  return "errno " + std::to_string(number);
}

}  // namespace detail

class Fault {
 public:
  enum class Kind : std::uint8_t { error, short_count, delay, not_ready };

  /// The call is not made, and fails with this errno; the file is as before. Two calls are made first, as on Linux:
  /// `close` has freed the number whatever it says, and a `connect` of TCP that was interrupted (EINTR) goes on in the
  /// background. Precondition: an errno, 1 to 4095.
  [[nodiscard]] static constexpr Fault error(int number) {
    ROUSE_ASSERT(number >= 1 && number <= 4095, "Fault::error: that is no errno");
    return {Kind::error, number};
  }
  /// The call moves no more than so many bytes. For streams alone: a datagram, a record of a signalfd and the number in
  /// an eventfd or a timerfd come whole or not at all, so their calls are made as ever. Precondition: bytes_max > 0.
  [[nodiscard]] static constexpr Fault short_count(std::size_t bytes_max) {
    ROUSE_ASSERT(bytes_max >= 1, "Fault::short_count: of no bytes; for the end of a stream, close the other end");
    return {Kind::short_count, static_cast<std::int64_t>(bytes_max)};
  }
  /// The call is made so much later. Precondition: a span, not `never`.
  [[nodiscard]] static constexpr Fault delay(Timeout span) {
    ROUSE_ASSERT(!span.is_never(), "Fault::delay: for how long?");
    return {Kind::delay, span.nanoseconds()};
  }
  /// The call says EAGAIN and moves nothing, whatever there is: readiness that turned out to be spurious. For calls
  /// that do not wait: on a descriptor that blocks, without MSG_DONTWAIT, the call is made as ever.
  [[nodiscard]] static constexpr Fault not_ready() { return {Kind::not_ready, EAGAIN}; }

  [[nodiscard]] constexpr Kind kind() const { return kind_; }
  /// What the call fails with; EAGAIN of `not_ready`, and 0 of the kinds that do not fail.
  [[nodiscard]] constexpr int error_number() const {
    return kind_ == Kind::error || kind_ == Kind::not_ready ? static_cast<int>(amount_) : 0;
  }
  /// Precondition: kind() == Kind::short_count.
  [[nodiscard]] constexpr std::size_t bytes_max() const {
    ROUSE_ASSERT(kind_ == Kind::short_count, "Fault::bytes_max: this is no short count");
    return static_cast<std::size_t>(amount_);
  }
  /// Precondition: kind() == Kind::delay.
  [[nodiscard]] constexpr Timeout span() const {
    ROUSE_ASSERT(kind_ == Kind::delay, "Fault::span: this is no delay");
    return Timeout::of_nanoseconds(amount_);
  }

  /// The calls that it means something for.
  [[nodiscard]] constexpr CallSet possible_calls() const {
    if (kind_ == Kind::short_count) return CallSet::transfers;
    if (kind_ == Kind::not_ready) {
      return CallSet{Call::read,   Call::readv,  Call::recvfrom, Call::recvmsg, Call::write,
                     Call::writev, Call::sendto, Call::sendmsg,  Call::accept4};
    }
    return CallSet::all;
  }

  friend constexpr bool operator==(Fault, Fault) = default;

  /// `fails with EINTR`, `moves 1 byte at most`, `is delayed by 1000000 ns`, `says EAGAIN though it is ready`.
  friend std::string to_string(Fault fault) {
    switch (fault.kind_) {
      case Kind::error: return "fails with " + detail::errno_text(static_cast<int>(fault.amount_));
      case Kind::short_count:
        return "moves " + std::to_string(fault.amount_) + (fault.amount_ == 1 ? " byte at most" : " bytes at most");
      case Kind::delay: return "is delayed by " + std::to_string(fault.amount_) + " ns";
      case Kind::not_ready: break;
    }
    return "says EAGAIN though it is ready";
  }
  /// `read fails with EINTR`.
  friend std::string to_string(Call call, Fault fault) { return std::string{name_of(call)} + ' ' + to_string(fault); }

  template <class Char, class Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, Fault fault) {
    return out << to_string(fault).c_str();
  }

 private:
  constexpr Fault(Kind kind, std::int64_t amount) : kind_(kind), amount_(amount) {}

  Kind kind_;
  std::int64_t amount_;  // An errno, bytes or nanoseconds.
};

}  // namespace rouse::inline v0
