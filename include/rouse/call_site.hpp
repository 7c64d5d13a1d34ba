// CallSite: where in the source a call was made, for the reports of simulated runs: `server.cpp:17`.
//
// Every function that makes a call takes one last, which is the caller's line unless somebody gives another. A wrapper
// that is not to be named itself hands on its own caller's:
//
//     void wake(CallSite site = CallSite::current()) { event_.write(1, site); }
//
// It goes to the kernel beside the arguments, in a thread_local, as calls have the system's signatures: CallScope. That
// is done on threads where somebody reads it (CallSiteReader): while a World runs. A backend that nobody asks for
// positions has nothing of it (NotesCallSites): its handles take a NoCallSite, which is empty, and no code is made of
// it.
//
// Of no line are: operators, as they take no further argument; what std calls, such as the lock() of a std::lock_guard;
// a FaultyBackend that is called without a handle; destructors, which say so. Of a call over several lines, compilers
// choose different ones. The default argument is `CallSite::current()` itself: hidden in another function's default
// argument, it is evaluated at different places by different compilers.
#pragma once

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

  /// Of the call that this thread makes now, as far as it has been told; else unknown(). For a CallSiteReader.
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

/// The call that this thread makes now: where it is made, and in how many functions of the library it is.
struct PresentCall {
  CallSite site = CallSite::unknown();
  int scopes = 0;
};
inline constinit thread_local PresentCall present_call{};

}  // namespace detail

/// As long as it lives, calls on this thread tell where they are made, for CallSite::present(). A World that runs has
/// one; so has a Host of another kind that wants to know.
class CallSiteReader {
 public:
  CallSiteReader() { ++on_this_thread; }
  CallSiteReader(const CallSiteReader&) = delete;
  CallSiteReader& operator=(const CallSiteReader&) = delete;
  ~CallSiteReader() {
    if (--on_this_thread == 0) detail::present_call = {};
  }

  [[nodiscard]] static bool is_there() { return on_this_thread != 0; }

 private:
  static inline constinit thread_local int on_this_thread = 0;
};

namespace detail {

/// Tells where the present call was made, for as long as it lives. Inside of another one it changes nothing: a handle's
/// function makes other calls, and all of them are made where that one is. Not across threads.
class CallScope {
 public:
  explicit CallScope(CallSite site) : is_read_(CallSiteReader::is_there()) {
    if (is_read_) [[unlikely]]
      enter(site);
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  ~CallScope() {
    if (is_read_) [[unlikely]]
      leave();
  }

 private:
  // All tasks of a simulation have the one thread_local, and each finds it as it left it: that is no race, though
  // nothing orders them.
  __attribute__((no_sanitize("thread"))) static void enter(CallSite site) {
    if (present_call.scopes++ == 0) present_call.site = site;
  }
  __attribute__((no_sanitize("thread"))) static void leave() {
    if (--present_call.scopes == 0) present_call.site = CallSite::unknown();
  }

  const bool is_read_;
};

/// The same for a function that makes one call and no more. It stands until the next one, so that nothing has to be
/// kept meanwhile.
__attribute__((no_sanitize("thread"))) inline void note_call_site(CallSite site) {
  if (CallSiteReader::is_there() && present_call.scopes == 0) [[unlikely]]
    present_call.site = site;
}

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
  OutsideOfCall() : before_(std::exchange(present_call, {})) {}
  OutsideOfCall(const OutsideOfCall&) = delete;
  OutsideOfCall& operator=(const OutsideOfCall&) = delete;
  ~OutsideOfCall() { present_call = before_; }

 private:
  const PresentCall before_;
};

}  // namespace detail

inline CallSite CallSite::present() { return detail::present_call.site; }

}  // namespace rouse::inline v0
