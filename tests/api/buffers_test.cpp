// MutableBuffer and ConstBuffer: what counts as bytes to be filled or taken.
#include "rouse/buffers.hpp"

#include "../support/catch.hpp"

#include <array>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace rouse;

namespace {

struct Point {
  int x, y;
};

template <class From>
constexpr bool is_source = std::is_convertible_v<From, ConstBuffer>;
template <class From>
constexpr bool is_target = std::is_convertible_v<From, MutableBuffer>;

}  // namespace

TEST_CASE("Buffers: anything contiguous and trivially copyable is bytes to be taken", "[buffers]") {
  STATIC_REQUIRE(is_source<std::string>);
  STATIC_REQUIRE(is_source<std::string_view>);
  STATIC_REQUIRE(is_source<const char(&)[3]>);
  STATIC_REQUIRE(is_source<std::vector<Point>&>);
  STATIC_REQUIRE(is_source<const std::array<int, 2>&>);
  STATIC_REQUIRE(is_source<std::span<const std::byte>>);
  STATIC_REQUIRE(is_source<MutableBuffer>);
  STATIC_REQUIRE_FALSE(is_source<std::vector<std::string>&>);
  STATIC_REQUIRE_FALSE(is_source<std::list<char>&>);
  STATIC_REQUIRE_FALSE(is_source<const char*>);
  STATIC_REQUIRE_FALSE(is_source<int>);
}

TEST_CASE("Buffers: to be filled, it must not be constant", "[buffers]") {
  STATIC_REQUIRE(is_target<std::string&>);
  STATIC_REQUIRE(is_target<char(&)[3]>);
  STATIC_REQUIRE(is_target<std::vector<int>&>);
  STATIC_REQUIRE(is_target<std::span<int>>);
  STATIC_REQUIRE_FALSE(is_target<const std::string&>);
  STATIC_REQUIRE_FALSE(is_target<std::string_view>);
  STATIC_REQUIRE_FALSE(is_target<std::span<const int>>);
  STATIC_REQUIRE_FALSE(is_target<const int(&)[3]>);
  STATIC_REQUIRE_FALSE(is_target<ConstBuffer>);
}

TEST_CASE("Buffers: sizes are in bytes", "[buffers]") {
  std::array<int, 3> numbers{};
  const MutableBuffer target = numbers;
  CHECK(target.data() == numbers.data());
  CHECK(target.size() == sizeof numbers);
  const ConstBuffer source = target;
  CHECK(source.data() == numbers.data());
  CHECK(source.size() == sizeof numbers);
  CHECK(ConstBuffer{std::vector<Point>(5)}.size() == 5 * sizeof(Point));
  CHECK(ConstBuffer{"abc"}.size() == 4);  // With its NUL.
  CHECK(ConstBuffer{std::string_view("abc")}.size() == 3);
  CHECK(ConstBuffer{std::string()}.size() == 0);
  CHECK(ConstBuffer{numbers.data(), 2}.size() == 2);
}

TEST_CASE("Buffers: the rest of one starts after as many bytes", "[buffers]") {
  const std::string text = "abcdef";
  const ConstBuffer rest = ConstBuffer{text}.from(2);
  CHECK(rest.data() == text.data() + 2);
  CHECK(rest.size() == 4);
  CHECK(ConstBuffer{text}.from(0).size() == 6);
  CHECK(ConstBuffer{text}.from(6).size() == 0);
}
