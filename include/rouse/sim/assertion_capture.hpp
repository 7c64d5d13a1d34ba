// AssertionCapture: takes Catch2's assertions while tests are explored, so that one that fails ends its run, and so
// that thousands of failures on the way to the simplest one are not printed.
#pragma once

#include "world.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rouse::inline v0::sim {

/// Stands in Catch2's context for as long as it lives. Every assertion that fails throws, CHECK too.
class AssertionCapture final : public Catch::IResultCapture {
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
  ~AssertionCapture() override { Catch::getCurrentMutableContext().setResultCapture(&outer_); }

  /// True if an assertion has failed and was shown.
  [[nodiscard]] bool has_failed() const { return has_failed_; }

  void handleExpr(const Catch::AssertionInfo& info, const Catch::ITransientExpression& expression,
                  Catch::AssertionReaction& reaction) override {
    const bool passed = expression.getResult() != Catch::isFalseTest(info.resultDisposition);
    settle(info, passed, reaction, [&] { outer_.handleExpr(info, expression, reaction); });
  }
  void handleMessage(const Catch::AssertionInfo& info, Catch::ResultWas::OfType type, const Catch::StringRef& message,
                     Catch::AssertionReaction& reaction) override {
    settle(info, !is_failure(type), reaction, [&] { outer_.handleMessage(info, type, message, reaction); });
  }
  void handleNonExpr(const Catch::AssertionInfo& info, Catch::ResultWas::OfType type,
                     Catch::AssertionReaction& reaction) override {
    settle(info, !is_failure(type), reaction, [&] { outer_.handleNonExpr(info, type, reaction); });
  }
  void handleUnexpectedExceptionNotThrown(const Catch::AssertionInfo& info,
                                          Catch::AssertionReaction& reaction) override {
    settle(info, false, reaction, [&] { outer_.handleUnexpectedExceptionNotThrown(info, reaction); });
  }
  void handleUnexpectedInflightException(const Catch::AssertionInfo& info, const std::string& message,
                                         Catch::AssertionReaction& reaction) override {
    settle(info, false, reaction, [&] { outer_.handleUnexpectedInflightException(info, message, reaction); });
  }
  void handleIncomplete(const Catch::AssertionInfo& info) override {
    if (is_shown()) outer_.handleIncomplete(info);
  }
  void handleFatalErrorCondition(Catch::StringRef message) override { outer_.handleFatalErrorCondition(message); }

  void pushScopedMessage(const Catch::MessageInfo& message) override {
    if (is_shown()) outer_.pushScopedMessage(message);
  }
  void popScopedMessage(const Catch::MessageInfo& message) override {
    if (is_shown()) outer_.popScopedMessage(message);
  }
  void emplaceUnscopedMessage(const Catch::MessageBuilder& builder) override {
    if (is_shown()) outer_.emplaceUnscopedMessage(builder);
  }

  bool lastAssertionPassed() override { return !has_failed_; }
  void assertionPassed() override {
    if (is_shown()) outer_.assertionPassed();
  }
  std::string getCurrentTestName() const override { return outer_.getCurrentTestName(); }
  const Catch::AssertionResult* getLastResult() const override { return outer_.getLastResult(); }
  void exceptionEarlyReported() override { outer_.exceptionEarlyReported(); }

  bool sectionStarted(const Catch::SectionInfo&, Catch::Counts&) override { refuse("SECTION"); }
  void sectionEnded(const Catch::SectionEndInfo&) override {}
  void sectionEndedEarly(const Catch::SectionEndInfo&) override {}
  Catch::IGeneratorTracker& acquireGeneratorTracker(Catch::StringRef, const Catch::SourceLineInfo&) override {
    refuse("GENERATE");
  }
#if defined(CATCH_CONFIG_ENABLE_BENCHMARKING)
  void benchmarkPreparing(const std::string&) override { refuse("BENCHMARK"); }
  void benchmarkStarting(const Catch::BenchmarkInfo&) override {}
  void benchmarkEnded(const Catch::BenchmarkStats<>&) override {}
  void benchmarkFailed(const std::string&) override {}
#endif

 private:
  [[nodiscard]] static bool is_failure(Catch::ResultWas::OfType type) {
    return (type & Catch::ResultWas::FailureBit) != 0;
  }
  [[noreturn]] static void refuse(const char* what) {
    throw std::logic_error(std::string{what} + " inside of what rouse::sim::check calls; it may stand around the call");
  }
  [[nodiscard]] bool is_shown() const { return mode_ == Mode::first_failure_is_shown && !has_failed_; }

  template <class Show>
  void settle(const Catch::AssertionInfo& info, bool passed, Catch::AssertionReaction& reaction, Show show) {
    World* const world = World::running();
    const bool is_unwinding = world != nullptr && world->is_unwinding();
    // What is thrown through an assertion when a run is unwound is caught there, and has to go on.
    if (!is_unwinding && is_shown()) show();
    if (passed || (info.resultDisposition & Catch::ResultDisposition::SuppressFail) != 0) return;
    reaction.shouldDebugBreak = reaction.shouldDebugBreak && !is_unwinding;
    reaction.shouldThrow = std::uncaught_exceptions() == 0;  // Not out of a destructor that is on the way.
    if (is_unwinding) return;
    if (mode_ == Mode::first_failure_is_shown) has_failed_ = true;
    if (world != nullptr) world->fail_assertion(place_of(info));
  }
  /// Without the directories, which differ from build to build.
  [[nodiscard]] static std::string place_of(const Catch::AssertionInfo& info) {
    const std::string_view path{info.lineInfo.file};
    return std::string{path.substr(path.rfind('/') + 1)} + ':' + std::to_string(info.lineInfo.line) + ": " +
           static_cast<std::string>(info.macroName) + "( " + static_cast<std::string>(info.capturedExpression) + " )";
  }

  const Mode mode_;
  Catch::IResultCapture& outer_;
  bool has_failed_ = false;
};

}  // namespace rouse::inline v0::sim
