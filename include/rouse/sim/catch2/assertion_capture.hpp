// AssertionCapture: takes Catch2's assertions while tests are explored, so that one that fails ends its run, and so
// that thousands of failures on the way to the simplest one are not printed. For Catch2 v2, from 2.13 on, and v3.
//
// What Catch2 tells its assertions to changes from version to version: a text is a StringRef, a std::string const& or a
// std::string&&; a function comes, goes, or is no longer virtual. So the types that vary are read off Catch2's own
// declarations, and no version number is compared.
#pragma once

#include "../world.hpp"
#include "catch_include.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rouse::inline v0::sim {

namespace detail_capture {

template <class F>
struct Signature;
template <class Result, class... Parameters>
struct Signature<Result (Catch::IResultCapture::*)(Parameters...)> {
  using Returned = Result;
  using Taken = std::tuple<Parameters...>;
};
template <class Result, class... Parameters>
struct Signature<Result (*)(Parameters...)> {
  using Returned = Result;
  using Taken = std::tuple<Parameters...>;
};

/// What a function of Catch2's takes at place `i`, and what it returns.
template <auto function, std::size_t i>
using Parameter = std::tuple_element_t<i, typename Signature<decltype(function)>::Taken>;
template <auto function>
using Returned = typename Signature<decltype(function)>::Returned;

/// SKIP is from 3.3 on.
template <class Was>
[[nodiscard]] bool is_skip(typename Was::OfType type) {
  if constexpr (requires { Was::ExplicitSkip; }) {
    return type == Was::ExplicitSkip;
  } else {
    return false;
  }
}

/// Told of by some versions of v3 only.
template <class Capture>
void pass_on_start(Capture& outer, const Catch::AssertionInfo& info) {
  if constexpr (requires { outer.notifyAssertionStarted(info); }) outer.notifyAssertionStarted(info);
}
template <class Capture>
void pass_on_passed(Capture& outer) {
  if constexpr (requires { outer.assertionPassed(); }) outer.assertionPassed();
}

}  // namespace detail_capture

// No function says override: some are there for some versions only, and Clang asks for all or none. All are pure in
// Catch2, so a version with one that is missing here is told of below.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsuggest-override"
// NOLINTBEGIN(modernize-use-override, readability-identifier-naming)

/// Stands in Catch2's context for as long as it lives. Every assertion that fails throws, CHECK too.
class AssertionCapture final : public Catch::IResultCapture {
  using Catch2 = Catch::IResultCapture;
  template <auto function, std::size_t i>
  using Parameter = detail_capture::Parameter<function, i>;
  using MessageText = Parameter<&Catch2::handleMessage, 2>;
  using ExceptionText = Parameter<&Catch2::handleUnexpectedInflightException, 1>;
  using PushedMessage = Parameter<&Catch2::pushScopedMessage, 0>;
  using PoppedMessage = Parameter<&Catch2::popScopedMessage, 0>;
  using UnscopedMessage = Parameter<&Catch2::emplaceUnscopedMessage, 0>;

  /// From some version of v3 on, INFO and its like do not ask for the capture that is set.
  static constexpr bool messages_pass_by = !std::is_member_function_pointer_v<decltype(&Catch2::pushScopedMessage)>;

 public:
  enum class Mode {
    nothing_is_shown,
    first_failure_is_shown,  ///< And all that passes before it, is counted.
  };

  explicit AssertionCapture(Mode mode) : mode_(mode), outer_(Catch::getResultCapture()) {
    Catch::getCurrentMutableContext().setResultCapture(this);
  }
  AssertionCapture(const AssertionCapture&) = delete;
  AssertionCapture& operator=(const AssertionCapture&) = delete;
  ~AssertionCapture() {
    Catch::getCurrentMutableContext().setResultCapture(&outer_);
    if (messages_pass_by && mode_ == Mode::nothing_is_shown) forget_unscoped_messages();
  }

  /// True if an assertion has failed and was shown.
  [[nodiscard]] bool has_failed() const { return has_failed_; }

  void handleExpr(const Catch::AssertionInfo& info, const Catch::ITransientExpression& expression,
                  Catch::AssertionReaction& reaction) {
    const bool passed = expression.getResult() != Catch::isFalseTest(info.resultDisposition);
    settle(info, passed, reaction, [&] { outer_.handleExpr(info, expression, reaction); });
  }
  void handleMessage(const Catch::AssertionInfo& info, Catch::ResultWas::OfType type, MessageText message,
                     Catch::AssertionReaction& reaction) {
    if (detail_capture::is_skip<Catch::ResultWas>(type)) {
      settle(info, false, reaction,
             [&] { say(info, Catch::ResultWas::ExplicitFailure, refusal_of("SKIP"), reaction); });
      return;
    }
    settle(info, !is_failure(type), reaction,
           [&] { outer_.handleMessage(info, type, static_cast<MessageText>(message), reaction); });
  }
  void handleNonExpr(const Catch::AssertionInfo& info, Catch::ResultWas::OfType type,
                     Catch::AssertionReaction& reaction) {
    settle(info, !is_failure(type), reaction, [&] { outer_.handleNonExpr(info, type, reaction); });
  }
  void handleUnexpectedExceptionNotThrown(const Catch::AssertionInfo& info, Catch::AssertionReaction& reaction) {
    settle(info, false, reaction, [&] { outer_.handleUnexpectedExceptionNotThrown(info, reaction); });
  }
  void handleUnexpectedInflightException(const Catch::AssertionInfo& info, ExceptionText message,
                                         Catch::AssertionReaction& reaction) {
    settle(info, false, reaction,
           [&] { outer_.handleUnexpectedInflightException(info, static_cast<ExceptionText>(message), reaction); });
  }
  void handleIncomplete(const Catch::AssertionInfo& info) {
    Catch::AssertionReaction none;
    settle(info, false, none, [&] { outer_.handleIncomplete(info); });
  }
  void handleFatalErrorCondition(Catch::StringRef message) { outer_.handleFatalErrorCondition(message); }

  void pushScopedMessage(PushedMessage message) {
    if (is_shown()) outer_.pushScopedMessage(static_cast<PushedMessage>(message));
  }
  void popScopedMessage(PoppedMessage message) {
    if (mode_ == Mode::first_failure_is_shown) outer_.popScopedMessage(static_cast<PoppedMessage>(message));
  }
  void emplaceUnscopedMessage(UnscopedMessage message) {
    if (is_shown()) outer_.emplaceUnscopedMessage(static_cast<UnscopedMessage>(message));
  }

  void notifyAssertionStarted(const Catch::AssertionInfo& info) {
    if (is_shown() && !is_unwinding()) detail_capture::pass_on_start(outer_, info);
  }
  bool lastAssertionPassed() { return last_has_passed_; }
  void assertionPassed() {
    last_has_passed_ = true;
    if (is_shown() && !is_unwinding()) detail_capture::pass_on_passed(outer_);
  }
  std::string getCurrentTestName() const { return outer_.getCurrentTestName(); }
  const Catch::AssertionResult* getLastResult() const { return outer_.getLastResult(); }
  void exceptionEarlyReported() { outer_.exceptionEarlyReported(); }

  bool sectionStarted(const Catch::SectionInfo&, Catch::Counts&) { refuse("SECTION"); }
  bool sectionStarted(Catch::StringRef, const Catch::SourceLineInfo&, Catch::Counts&) { refuse("SECTION"); }
  void sectionEnded(Parameter<&Catch2::sectionEnded, 0>) {}
  void sectionEndedEarly(Parameter<&Catch2::sectionEndedEarly, 0>) {}
  detail_capture::Returned<&Catch2::acquireGeneratorTracker> acquireGeneratorTracker(Catch::StringRef,
                                                                                     const Catch::SourceLineInfo&) {
    refuse("GENERATE");
  }
  Catch::IGeneratorTracker* createGeneratorTracker(Catch::StringRef, Catch::SourceLineInfo,
                                                   Catch::Generators::GeneratorBasePtr&&) {
    refuse("GENERATE");
  }
#if CATCH_VERSION_MAJOR >= 3 || defined(CATCH_CONFIG_ENABLE_BENCHMARKING)
  void benchmarkPreparing(Parameter<&Catch2::benchmarkPreparing, 0>) { refuse("BENCHMARK"); }
  void benchmarkStarting(const Catch::BenchmarkInfo&) {}
  void benchmarkEnded(const Catch::BenchmarkStats<>&) {}
  void benchmarkFailed(Parameter<&Catch2::benchmarkFailed, 0>) {}
#endif

 private:
  [[nodiscard]] static bool is_failure(Catch::ResultWas::OfType type) {
    return (type & Catch::ResultWas::FailureBit) != 0;
  }
  [[nodiscard]] static std::string refusal_of(const char* what) {
    return std::string{what} + " inside of what rouse::sim::check calls; it may stand around the call";
  }
  [[noreturn]] static void refuse(const char* what) { throw std::logic_error(refusal_of(what)); }
  [[nodiscard]] bool is_shown() const { return mode_ == Mode::first_failure_is_shown && !has_failed_; }
  [[nodiscard]] static bool is_unwinding() {
    const World* const world = World::running();
    return world != nullptr && world->is_unwinding();
  }

  template <class Show>
  void settle(const Catch::AssertionInfo& info, bool passed, Catch::AssertionReaction& reaction, Show show) {
    // What is thrown through an assertion when a run is unwound is caught there, and has to go on.
    const bool is_unwound = is_unwinding();
    if (!is_unwound && is_shown()) show();
    last_has_passed_ = passed;
    if (passed || (info.resultDisposition & Catch::ResultDisposition::SuppressFail) != 0) return;
    reaction.shouldDebugBreak = reaction.shouldDebugBreak && !is_unwound;
    reaction.shouldThrow = std::uncaught_exceptions() == 0;  // Not out of a destructor that is on the way.
    if (is_unwound) return;
    if (mode_ == Mode::first_failure_is_shown) has_failed_ = true;
    if (World* const world = World::running()) world->fail_assertion(place_of(info));
  }
  /// Without the directories, which differ from build to build.
  [[nodiscard]] static std::string place_of(const Catch::AssertionInfo& info) {
    const std::string_view path{info.lineInfo.file};
    return std::string{path.substr(path.rfind('/') + 1)} + ':' + std::to_string(info.lineInfo.line) + ": " +
           static_cast<std::string>(info.macroName) + "( " + static_cast<std::string>(info.capturedExpression) + " )";
  }

  void say(const Catch::AssertionInfo& info, Catch::ResultWas::OfType type, std::string text,
           Catch::AssertionReaction& reaction) {
    outer_.handleMessage(info, type, static_cast<MessageText>(std::move(text)), reaction);
  }
  /// What UNSCOPED_INFO has said in thousands of runs would all stand beside the one failure shown. Catch2 drops it
  /// with the next assertion, and an information is one that is not counted.
  void forget_unscoped_messages() {
    Catch::AssertionReaction none;
    say({Catch::StringRef(), Catch::SourceLineInfo(__FILE__, __LINE__), Catch::StringRef(),
         Catch::ResultDisposition::ContinueOnFailure},
        Catch::ResultWas::Info, "rouse::sim::check has explored", none);
  }

  const Mode mode_;
  Catch::IResultCapture& outer_;
  bool has_failed_ = false;
  bool last_has_passed_ = true;
};

// NOLINTEND(modernize-use-override, readability-identifier-naming)
#pragma GCC diagnostic pop

static_assert(!std::is_abstract_v<AssertionCapture>,
              "This Catch2 tells its assertions to an interface that rouse does not know");

}  // namespace rouse::inline v0::sim
