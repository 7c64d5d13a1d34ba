// CallSite: where in the source a call was made, for the reports of simulated runs: `server.cpp:17`.
//
// Every function that makes a call takes one last, which is the caller's line unless somebody gives another. A wrapper
// that is not to be named itself hands on its own caller's:
//
//     void wake(CallSite site = CallSite::current()) { event_.write(1, site); }
//
// It goes to the kernel beside the arguments, in a thread_local, as calls have the system's signatures: CallScope. A
// backend that nobody asks for positions has nothing of it (NotesCallSites): its handles take a NoCallSite, which is
// empty, and no code is made of it.
//
// Of no line are: operators, as they take no further argument; what std calls, such as the lock() of a std::lock_guard;
// a FaultyBackend that is called without a handle; destructors, which say so. Of a call over several lines, compilers
// choose different ones. The default argument is `CallSite::current()` itself: hidden in another function's default
// argument, it is evaluated at different places by different compilers.
#pragma once

#include <bit>
#include <cstddef>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace rouse::inline v0 {

/// A std::source_location of which file and line matter. One word. No default constructor: `{}` is no argument of this
/// type, so that the overloads it has been added to are told apart as before.
class CallSite : public std::source_location {
 public:
  constexpr CallSite(std::source_location where) : std::source_location(where) {}
  [[nodiscard]] static constexpr CallSite unknown() { return std::source_location{}; }
  /// What closes, or undoes something else, at the end of a scope.
  [[nodiscard]] static constexpr CallSite destructor() { return current(); }

  /// Of the call that this thread makes now, as far as it has been told; else unknown().
  [[nodiscard]] static CallSite present();

  /// Whether it is a line of the user's: the system's headers and the library's own are not.
  [[nodiscard]] constexpr bool is_known() const {
    const std::string_view path{file_name()};
    return line() != 0 && !is_of_system(path) && !is_of_library(path);
  }
  /// `server.cpp:17`, without the folders, which differ from build to build; `destructor`; or nothing.
  [[nodiscard]] std::string text() const {
    if (is_destructor()) return "destructor";
    if (!is_known()) return {};
    const std::string_view path{file_name()};
    return std::string{path.substr(path.rfind('/') + 1)} + ':' + std::to_string(line());
  }

 private:
  [[nodiscard]] constexpr bool is_destructor() const {
    const std::string_view path{file_name()};
    return line() == destructor().line() && path.ends_with("/call_site.hpp") && is_of_library(path);
  }
  [[nodiscard]] static constexpr bool is_of_system(std::string_view path) {
    // std's, wherever it is installed: clang's begin with `/usr/bin/../lib/gcc/`.
    return path.starts_with("/usr/include/") || path.find("/include/c++/") != path.npos;
  }
  [[nodiscard]] static constexpr bool is_of_library(std::string_view path) {
    // Within one program, some units may have been given its folder in another spelling: a precompiled header, say.
    if (path.starts_with("include/rouse/") || path.find("/include/rouse/") != path.npos) return true;
    // This file's may be spelt `…/rouse/backend/../call_site.hpp`.
    const std::string_view here{destructor().file_name()};
    const std::string_view folder = "/rouse/";
    const std::size_t at = here.rfind(folder);
    return at != here.npos && path.starts_with(here.substr(0, at + folder.size()));
  }
};

/// What stands for a CallSite where nobody asks. Empty, so that it is not even passed.
class NoCallSite {
 public:
  constexpr NoCallSite(const std::source_location&) {}
};

/// A backend that has calls of a kernel which looks at CallSite::present(), in front or behind. It says so itself.
template <class B>
concept NotesCallSites = B::notes_call_sites;

/// The last parameter of what makes a call of `B`.
template <class B>
using CallSiteFor = std::conditional_t<NotesCallSites<B>, CallSite, NoCallSite>;

namespace detail {

inline constinit thread_local CallSite present_call_site = CallSite::unknown();

/// Tells where the present call was made, for as long as it lives. Inside of another one it changes nothing: a handle's
/// function makes other calls, and all of them are made where that one is. Not across threads.
class CallScope {
 public:
  // All tasks of a simulation have the one thread_local, and each finds it as it left it: that is no race, though
  // nothing orders them.
  __attribute__((no_sanitize("thread"))) explicit CallScope(CallSite site) : is_outermost_(is_none(present_call_site)) {
    if (is_outermost_) present_call_site = site;
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  __attribute__((no_sanitize("thread"))) ~CallScope() {
    if (is_outermost_) present_call_site = CallSite::unknown();
  }

 private:
  /// As `line() == 0`, which would look behind the pointer that a source_location is.
  __attribute__((no_sanitize("thread"))) static bool is_none(const CallSite& site) {
    if constexpr (sizeof site == sizeof(void*)) {
      return std::bit_cast<void*>(site) == nullptr;
    } else {
      return site.line() == 0;
    }
  }

  const bool is_outermost_;
};

struct NoCallScope {
  explicit NoCallScope(NoCallSite) {}
};

/// The first variable of each function that makes a call of `B`.
template <class B>
using CallScopeFor = std::conditional_t<NotesCallSites<B>, CallScope, NoCallScope>;

/// Somebody else runs on this thread before the present call is over, and makes calls of his own: a task that a
/// simulation switches to, say.
class OutsideOfCall {
 public:
  OutsideOfCall() : before_(std::exchange(present_call_site, CallSite::unknown())) {}
  OutsideOfCall(const OutsideOfCall&) = delete;
  OutsideOfCall& operator=(const OutsideOfCall&) = delete;
  ~OutsideOfCall() { present_call_site = before_; }

 private:
  const CallSite before_;
};

}  // namespace detail

inline CallSite CallSite::present() { return detail::present_call_site; }

}  // namespace rouse::inline v0
