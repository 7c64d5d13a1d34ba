// How Catch2 prints what has no operator<<. Whoever compares such a value in an assertion without this header sees {?},
// or a number where it is an enumerator.
#pragma once

#include "../../call.hpp"
#include "../../error.hpp"
#include "../../event.hpp"
#include "../../fd.hpp"
#include "../../timeout.hpp"
#include "../outcome.hpp"
#include "../schedule.hpp"
#include "catch_include.hpp"

#include <cstdint>
#include <string>

/// In the largest unit that says it exactly: "never", "now", "5 ms".
template <>
struct Catch::StringMaker<rouse::Timeout> {
  static std::string convert(rouse::Timeout timeout) {
    if (timeout.is_never()) return "never";
    if (timeout.is_now()) return "now";
    std::int64_t n = timeout.nanoseconds();
    const char* const units[] = {" ns", " us", " ms", " s"};
    int unit = 0;
    for (; unit < 3 && n % 1000 == 0; ++unit) n /= 1000;
    return std::to_string(n) + units[unit];
  }
};

template <>
struct Catch::StringMaker<rouse::EventData> {
  static std::string convert(rouse::EventData data) { return std::to_string(data.u64()); }
};

template <rouse::Backend B>
struct Catch::StringMaker<rouse::BasicFdRef<B>> {
  static std::string convert(const rouse::BasicFdRef<B>& fd) { return "fd " + std::to_string(fd.get()); }
};

/// kernel::Call is the same.
template <>
struct Catch::StringMaker<rouse::Call> {
  static std::string convert(rouse::Call call) { return name_of(call); }
};

template <>
struct Catch::StringMaker<rouse::FailedCall> {
  static std::string convert(const rouse::FailedCall& call) { return to_string(call); }
};

template <>
struct Catch::StringMaker<rouse::sim::Ending> {
  static std::string convert(rouse::sim::Ending ending) { return name_of(ending); }
};

template <>
struct Catch::StringMaker<rouse::sim::Schedule> {
  static std::string convert(const rouse::sim::Schedule& schedule) { return schedule.text(); }
};

/// "deadlock in schedule 0x3.1: tasks at …".
template <>
struct Catch::StringMaker<rouse::sim::Outcome> {
  static std::string convert(const rouse::sim::Outcome& outcome) {
    const std::string text = std::string{name_of(outcome.ending)} + " in schedule " + outcome.schedule.text();
    return outcome.text.empty() ? text : text + ": " + outcome.text;
  }
};
