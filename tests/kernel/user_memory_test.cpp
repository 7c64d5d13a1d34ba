#include "rouse/kernel/user_memory.hpp"

#include "../support/bad_pointers.hpp"
#include "../support/catch.hpp"
#include "../support/guarded.hpp"

#include <string>
#include <vector>

using namespace rouse;
using kernel::UserInput;
using kernel::UserOutput;

namespace {

const void* at(std::uintptr_t address) { return reinterpret_cast<const void*>(address); }

constexpr std::uintptr_t end = kernel::user_space_end;

/// `bytes` in pieces of these sizes.
std::vector<::iovec> pieces(std::string& bytes, const std::vector<std::size_t>& sizes) {
  std::vector<::iovec> vectors;
  std::size_t done = 0;
  for (const std::size_t n : sizes) {
    vectors.push_back({bytes.data() + done, n});
    done += n;
  }
  return vectors;
}

}  // namespace

TEST_CASE("User memory: a range is in user space or not, by arithmetic", "[user_memory]") {
  struct Row {
    std::uintptr_t start;
    std::size_t size;
    bool in_user_space;
  };
  for (const Row row : {Row{0, 0, true},
                        {0, 1, true},
                        {4096, end - 4096, true},
                        {4096, end - 4095, false},
                        {4097, end - 4096, false},
                        {end - 1, 1, true},
                        {end - 1, 2, false},
                        {end, 0, true},
                        {end, 1, false},
                        {end + 1, 0, false},
                        {0, end, true},
                        {0, end + 1, false},
                        {4096, SIZE_MAX, false},
                        {SIZE_MAX, 1, false},
                        {SIZE_MAX, SIZE_MAX, false}}) {
    CAPTURE(row.start, row.size);
    CHECK(kernel::is_user_range(at(row.start), row.size) == row.in_user_space);
    CHECK(kernel::can_read_user(at(row.start), row.size) == (row.size == 0));
    CHECK(kernel::can_write_user(const_cast<void*>(at(row.start)), row.size) == (row.size == 0));
  }
}

TEST_CASE("User memory: what cannot be touched is known, page by page", "[user_memory]") {
  const test::Guarded memory{100};
  const std::size_t all = 100 * test::Guarded::page;
  for (int round = 0; round < 2; ++round) {  // The second time, much of it is remembered.
    CHECK(kernel::can_write_user(memory.last(1), 1));
    CHECK_FALSE(kernel::can_write_user(memory.last(1), 2));
    CHECK_FALSE(kernel::can_read_user(memory.last(1), 2));
    CHECK(kernel::can_write_user(memory.last(4097), 4097));
    CHECK(kernel::can_write_user(memory.start(), all));
    CHECK_FALSE(kernel::can_write_user(memory.start(), all + 1));
    CHECK_FALSE(kernel::can_write_user(memory.end(), 1));
  }
  const test::Guarded constant;
  constant.make_read_only();
  CHECK(kernel::can_read_user(constant.start(), 4096));
  CHECK_FALSE(kernel::can_write_user(constant.start(), 1));
  CHECK_FALSE(kernel::can_write_user(const_cast<char*>("text"), 1));
  CHECK(kernel::can_read_user("text", 4));
  CHECK_FALSE(kernel::can_read_user(nullptr, 1));
}

TEST_CASE("User memory: which pages were good is remembered", "[user_memory]") {
  constexpr std::uintptr_t size = kernel::page_size;
  kernel::KnownPages known;
  CHECK(!known.has(5 * size, 1));
  CHECK(!known.has_pages(5, 6));
  CHECK(known.has_pages(5, 5));
  known.add_pages(5, 8);
  CHECK(known.has_pages(5, 8));
  CHECK(known.has_pages(6, 7));
  CHECK(!known.has_pages(4, 8));
  CHECK(!known.has_pages(5, 9));
  CHECK(!known.has_pages(9, 10));
  // Within a page, or not.
  CHECK(known.has(5 * size, 1));
  CHECK(known.has(5 * size, size));
  CHECK(known.has(6 * size - 1, 1));
  CHECK(known.has(5 * size + 100, size - 100));
  CHECK(!known.has(5 * size, size + 1));
  CHECK(!known.has(5 * size + 100, size - 99));
  CHECK(!known.has(5 * size, SIZE_MAX));
  CHECK(!known.has(5 * size - 1, 1));
  CHECK(!known.has(8 * size, 1));
  // A page takes the place of the one so far away.
  known.add_pages(69, 70);
  CHECK(known.has_pages(69, 70));
  CHECK(!known.has_pages(5, 6));
  CHECK(known.has_pages(6, 8));
  known.add_pages(0, 64);
  CHECK(known.has_pages(0, 64));
  CHECK(!known.has_pages(64, 128));
}

TEST_CASE("User memory: the second page may be the program's", "[user_memory]") {
  constexpr std::size_t page = test::Guarded::page;
  char* const second = test::pointer_to<char>(page);
  constexpr int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  void* const mapped = ::mmap(second, page, PROT_READ | PROT_WRITE, fixed, -1, 0);
  if (mapped != second) return;  // Linux may be set up to keep it for nobody: vm.mmap_min_addr.
  CHECK(kernel::can_read_user(second, page));
  CHECK(kernel::can_write_user(second, page));
  CHECK_FALSE(kernel::can_read_user(second - 1, 2));
  CHECK(::munmap(mapped, page) == 0);
  kernel::UserPages::forget();
}

TEST_CASE("User memory: of pages that were good, Linux is asked no more", "[user_memory]") {
  constexpr std::size_t size = 2 * test::Guarded::page;
  void* const mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(mapped != MAP_FAILED);
  CHECK(kernel::can_read_user(mapped, size));
  CHECK(kernel::can_write_user(mapped, size));
  REQUIRE(::munmap(mapped, size) == 0);
  CHECK(kernel::can_read_user(mapped, size));
  CHECK(kernel::can_write_user(mapped, size));
  kernel::UserPages::forget();
  CHECK_FALSE(kernel::can_read_user(mapped, size));
  CHECK_FALSE(kernel::can_write_user(mapped, size));
}

TEST_CASE("User memory: of a page that is trusted, Linux is not asked", "[user_memory]") {
  const test::Guarded memory;
  kernel::UserPages::trust_page_before(memory.end() + test::Guarded::page);
  CHECK(kernel::can_read_user(memory.end(), test::Guarded::page));
  CHECK(kernel::can_write_user(memory.end(), test::Guarded::page));
  kernel::UserPages::forget();
  CHECK_FALSE(kernel::can_read_user(memory.end(), 1));
  CHECK_FALSE(kernel::can_write_user(memory.end(), 1));
}

TEST_CASE("User memory: asking leaves errno alone", "[user_memory]") {
  const test::Guarded memory;
  errno = ENOTTY;
  CHECK_FALSE(kernel::can_read_user(memory.end(), 1));
  CHECK(kernel::can_read_user(memory.start(), 1));
  CHECK(errno == ENOTTY);
}

TEST_CASE("User memory: objects are copied whole or not at all", "[user_memory]") {
  const detail::Hidden as_within_a_call;
  std::uint64_t there = 5;
  std::uint64_t here = 7;
  CHECK(kernel::get_user(here, &there));
  CHECK(here == 5);
  here = 9;
  CHECK(kernel::put_user(&there, here));
  CHECK(there == 9);
  CHECK_FALSE(kernel::get_user(here, nullptr));
  CHECK_FALSE(kernel::get_user(here, test::unmapped()));
  CHECK_FALSE(kernel::put_user(test::in_kernel_space(), here));
  CHECK(here == 9);
}

TEST_CASE("UserInput: bytes come from one span after the other, however they are asked for", "[user_memory]") {
  const detail::Hidden as_within_a_call;
  const std::string text = "abcdefghijklmnopqrstuvwxyz";
  const std::vector<std::vector<std::size_t>> splits{{26}, {13, 13}, {0, 26, 0}, {1, 0, 0, 24, 1}, {5, 5, 5, 5, 6}};
  for (const auto& split : splits) {
    for (const std::size_t step : std::initializer_list<std::size_t>{1, 2, 5, 7, 13, 26, 100}) {
      CAPTURE(split.size(), step);
      std::string bytes = text;
      const auto vectors = pieces(bytes, split);
      UserInput input{vectors, text.size()};
      std::string got;
      while (input.left() > 0) {
        std::string part(step, '-');
        const std::size_t n = input.get(part.data(), step);
        REQUIRE(n == std::min(step, text.size() - got.size()));
        got += part.substr(0, n);
        CHECK(input.moved() == got.size());
        CHECK(input.left() == text.size() - got.size());
      }
      CHECK(got == text);
      char more = 0;
      CHECK(input.get(&more, 1) == 0);
    }
  }
}

TEST_CASE("UserOutput: bytes go into one span after the other", "[user_memory]") {
  const detail::Hidden as_within_a_call;
  std::string bytes(10, '-');
  const auto vectors = pieces(bytes, {3, 0, 4, 3});
  UserOutput output{vectors, 9};  // One less than there is.
  CHECK(output.put("ab", 2) == 2);
  CHECK(output.put("cdefg", 5) == 5);
  CHECK(output.put("hijk", 4) == 2);
  CHECK(bytes == "abcdefghi-");
  CHECK(output.left() == 0);
}

TEST_CASE("User spans: a bad address ends a transfer at the span that has it", "[user_memory]") {
  const detail::Hidden as_within_a_call;
  std::string good = "abcdef";
  const std::vector<::iovec> vectors{{good.data(), 4}, {test::unmapped(), 4}, {good.data() + 4, 2}};
  UserInput input{vectors, 10};
  std::string got(10, '-');
  CHECK(input.get(got.data(), 2) == 2);
  CHECK(input.get(got.data() + 2, 8) == 2);
  CHECK(got == "abcd------");
  CHECK(input.moved() == 4);
  CHECK(input.left() == 6);
  CHECK(input.get(got.data(), 1) == 0);
  UserOutput output{vectors, 10};
  CHECK(output.put("ABCDEFGH", 8) == 4);
  CHECK(good == "ABCDef");
}

TEST_CASE("User spans: an empty span may lie anywhere", "[user_memory]") {
  const detail::Hidden as_within_a_call;
  std::string bytes = "ab";
  const std::vector<::iovec> vectors{{test::unmapped(), 0}, {bytes.data(), 1}, {nullptr, 0}, {bytes.data() + 1, 1}};
  UserInput input{vectors, 2};
  std::string got(2, '-');
  CHECK(input.get(got.data(), 2) == 2);
  CHECK(got == "ab");
}

TEST_CASE("User spans: looking and putting in place do not move on", "[user_memory]") {
  const detail::Hidden as_within_a_call;
  std::uint64_t value = 0x1122334455667788;
  char* const bytes = reinterpret_cast<char*>(&value);
  const std::vector<::iovec> whole{{bytes, 8}};
  const std::vector<::iovec> cut{{bytes, 3}, {bytes + 3, 5}};
  const std::vector<::iovec> broken{{bytes, 3}, {test::unmapped(), 5}};
  const std::vector<::iovec> shorter{{bytes, 7}, {bytes + 7, 1}};  // The second is none of the call's.
  std::uint64_t got = 0;
  for (const auto& vectors : {whole, cut}) {
    const UserInput input{vectors, 8};
    CHECK(input.peek(&got, 8));
    CHECK(got == value);
    CHECK(input.left() == 8);
    CHECK(input.moved() == 0);
    const std::uint64_t next = got + 1;
    const UserOutput output{vectors, 8};
    CHECK(output.poke(&next, 8));
    CHECK(value == next);
    CHECK(output.left() == 8);
  }
  CHECK_FALSE(UserInput(broken, 8).peek(&got, 8));
  CHECK_FALSE(UserOutput(broken, 8).poke(&got, 8));
  CHECK_FALSE(UserInput(std::span{shorter}.first(1), 7).peek(&got, 8));
  CHECK_FALSE(UserInput(static_cast<const void*>(nullptr), 8).peek(&got, 8));
}

TEST_CASE("User spans: whether the call has slept is remembered", "[user_memory]") {
  char byte = 0;
  UserInput input{&byte, 1};
  CHECK_FALSE(input.has_slept());
  input.set_slept();
  CHECK(input.has_slept());
}
