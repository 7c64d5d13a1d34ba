// SysResult: a syscall's value or its errno, in one word.
#include "rouse/sys_result.hpp"

#include "../support/catch.hpp"
#include "../support/death.hpp"

#include <sstream>
#include <type_traits>

using namespace rouse;

namespace {

using Int = SysResult<int>;
using Size = SysResult<std::size_t>;
using Void = SysResult<void>;

template <class Result>
std::string printed(Result result) {
  std::ostringstream text;
  text << result;
  return text.str();
}

constexpr Size failing_read() { return Int::failure(EIO); }

}  // namespace

TEST_CASE("SysResult: it holds a value", "[sys_result]") {
  constexpr Int result = 7;
  STATIC_REQUIRE(result.ok());
  STATIC_REQUIRE(result.value() == 7);
  STATIC_REQUIRE(result.error() == 0);
  STATIC_REQUIRE(result.word() == 7);
  STATIC_REQUIRE_FALSE(result.would_block());
  STATIC_REQUIRE(Int{0}.ok());
  STATIC_REQUIRE(Size{SIZE_MAX / 2}.value() == SIZE_MAX / 2);
  STATIC_REQUIRE(Void{}.ok());
  STATIC_REQUIRE(Void{}.error() == 0);
  STATIC_REQUIRE(Void{}.word() == 0);
  STATIC_REQUIRE(std::is_same_v<decltype(Size{1}.value()), std::size_t>);
}

TEST_CASE("SysResult: or it holds an errno", "[sys_result]") {
  constexpr Int result = Int::failure(EBADF);
  STATIC_REQUIRE_FALSE(result.ok());
  STATIC_REQUIRE(result.error() == EBADF);
  STATIC_REQUIRE(result.word() == -EBADF);
  STATIC_REQUIRE_FALSE(result.would_block());
  STATIC_REQUIRE(Size::failure(EAGAIN).would_block());
  STATIC_REQUIRE(Void::failure(EWOULDBLOCK).would_block());
  STATIC_REQUIRE(Void::failure(EPERM).error() == EPERM);
}

TEST_CASE("SysResult: results compare as values", "[sys_result]") {
  STATIC_REQUIRE(Int{7} == 7);
  STATIC_REQUIRE_FALSE(Int{7} == 8);
  STATIC_REQUIRE(Int::failure(EBADF) == Int::failure(EBADF));
  STATIC_REQUIRE_FALSE(Int::failure(EBADF) == Int::failure(EINVAL));
  STATIC_REQUIRE_FALSE(Int::failure(EPERM) == 1);
  STATIC_REQUIRE(Void{} == Void{});
  STATIC_REQUIRE_FALSE(Void{} == Void::failure(EIO));
}

TEST_CASE("SysResult: the C library says -1 and leaves the rest in errno", "[sys_result]") {
  errno = EMFILE;
  CHECK(Int::from_libc(-1) == Int::failure(EMFILE));
  CHECK(Int::from_libc(0) == 0);
  CHECK(Int::from_libc(5) == 5);
  CHECK(Size::from_libc(std::int64_t{1} << 40) == std::int64_t{1} << 40);
  CHECK(Void::from_libc(0).ok());
  CHECK(Void::from_libc(-1) == Void::failure(EMFILE));
}

TEST_CASE("SysResult: a failure becomes another call's, a value does not", "[sys_result]") {
  STATIC_REQUIRE(failing_read() == Size::failure(EIO));
  const Void from_size = Size::failure(EPIPE);
  CHECK(from_size == Void::failure(EPIPE));
  if (!test::assertions_are_on) return;
  const std::string text = "rouse: SysResult: only a failure turns into another call's result";
  CHECK(test::last_words([] { static_cast<void>(static_cast<Size>(Int{7})); }).rfind(text, 0) == 0);
}

TEST_CASE("SysResult: asking a failure for its value is misuse", "[sys_result][death]") {
  if (!test::assertions_are_on) return;
  const std::string text = "rouse: SysResult::value() of a call that failed";
  CHECK(test::last_words([] { static_cast<void>(Int::failure(EIO).value()); }).rfind(text, 0) == 0);
  CHECK(test::last_words([] { Void::failure(EIO).value(); }).rfind(text, 0) == 0);
  CHECK(test::last_words([] { Void{}.value(); }) == "alive");
}

TEST_CASE("SysResult: it prints", "[sys_result]") {
  CHECK(printed(Int{7}) == "7");
  CHECK(printed(Size::failure(11)) == "errno 11");
  CHECK(printed(Void{}) == "0");
}

TEST_CASE("SysResult: it is one word, copied as one", "[sys_result]") {
  STATIC_REQUIRE(sizeof(Int) == 8);
  STATIC_REQUIRE(sizeof(Void) == 8);
  STATIC_REQUIRE(std::is_trivially_copyable_v<Int>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<Int>);
}
