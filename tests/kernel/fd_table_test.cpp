#include "rouse/kernel/fd_table.hpp"

#include "../support/backends.hpp"
#include "../support/death.hpp"
#include "../support/random.hpp"

#include <cstdint>
#include <set>

using namespace rouse;
using kernel::FdTable;
using kernel::FileRef;
using kernel::NewFd;
using test::Random;

namespace {

constexpr std::uint64_t no_limit = 1 << 20;

FileRef make_file(std::uint64_t id) { return FileRef{new kernel::PlainFile{id, O_RDWR, "file"}}; }

/// The same table, slowly.
class Model {
 public:
  void take(int fd) { taken_.insert(fd); }
  void give_back(int fd) { taken_.erase(fd); }
  [[nodiscard]] int lowest_free(std::uint64_t limit, int from) const {
    int fd = from;
    while (taken_.count(fd) != 0) ++fd;
    return static_cast<std::uint64_t>(fd) < limit ? fd : -1;
  }
  [[nodiscard]] const std::set<int>& taken() const { return taken_; }

 private:
  std::set<int> taken_;
};

std::vector<int> open_numbers(const FdTable& table) {
  std::vector<int> all;
  table.for_each([&](int fd, kernel::File&) { all.push_back(fd); });
  return all;
}

}  // namespace

TEST_CASE("Fd table: it grows to powers of two, as numbers need it", "[fd_table]") {
  kernel::FdTable table;
  for (const auto& [fd, size] : {std::pair{0, 64u}, {63, 64u}, {64, 128u}, {127, 128u}, {128, 256u}, {511, 512u}}) {
    CAPTURE(fd);
    table.make_room(fd);
    CHECK(table.size() == size);
  }
  table.make_room(3);
  CHECK(table.size() == 512);
}

TEST_CASE("FdTable: nothing is open at first", "[fd_table]") {
  const FdTable table;
  for (const int fd : {0, 1, 63, 64, 100000, -1, INT_MIN, INT_MAX}) {
    CAPTURE(fd);
    CHECK(table.file(fd) == nullptr);
    CHECK_FALSE(table.is_open(fd));
    CHECK_FALSE(table.is_reserved(fd));
  }
  CHECK(table.lowest_free(no_limit) == 0);
  CHECK(table.lowest_free(no_limit, 100) == 100);
  CHECK(table.lowest_free(100, 100) == -1);
  CHECK(table.lowest_free(0) == -1);
}

TEST_CASE("FdTable: the lowest free number is found as a plain search finds it", "[fd_table]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    FdTable table;
    Model model;
    Random random{seed};
    const int width = 40 * static_cast<int>(seed);
    for (std::uint64_t i = 0; i < 1500; ++i) {
      CAPTURE(seed, i);
      const int number = random.below(width);
      switch (random.below(4)) {
        case 0:
        case 1: {
          const int from = random.below(3) == 0 ? random.below(width) : 0;
          const int fd = table.lowest_free(no_limit, static_cast<std::size_t>(from));
          REQUIRE(fd == model.lowest_free(no_limit, from));
          table.install(fd, make_file(i), random.below(2) == 0);
          model.take(fd);
          break;
        }
        case 2:
          if (!table.is_open(number)) break;
          REQUIRE(table.remove(number));
          model.give_back(number);
          break;
        default: {
          const auto limit = static_cast<std::uint64_t>(random.below(width));
          const int from = random.below(width);
          REQUIRE(table.lowest_free(limit, static_cast<std::size_t>(from)) == model.lowest_free(limit, from));
        }
      }
      REQUIRE(table.is_open(number) == (model.taken().count(number) != 0));
    }
    CHECK(open_numbers(table) == std::vector<int>(model.taken().begin(), model.taken().end()));
    table.clear();
    CHECK(open_numbers(table).empty());
    CHECK(table.lowest_free(no_limit) == 0);
  }
}

TEST_CASE("FdTable: close-on-exec belongs to the number", "[fd_table]") {
  FdTable table;
  const FileRef file = make_file(1);
  table.install(0, file, true);
  table.install(1, file, false);
  CHECK(table.file(0) == table.file(1));
  CHECK(table.close_on_exec(0));
  CHECK_FALSE(table.close_on_exec(1));
  table.set_close_on_exec(1, true);
  table.set_close_on_exec(0, false);
  CHECK_FALSE(table.close_on_exec(0));
  CHECK(table.close_on_exec(1));
  static_cast<void>(table.remove(1));
  table.install(1, file, false);
  CHECK_FALSE(table.close_on_exec(1));
}

TEST_CASE("FdTable: a number is free before its file is let go", "[fd_table]") {
  FdTable table;
  table.install(0, make_file(7), false);
  const FileRef taken = table.remove(0);
  CHECK(taken->id() == 7);
  CHECK_FALSE(table.is_open(0));
  CHECK(table.lowest_free(no_limit) == 0);
}

TEST_CASE("FdTable: a reserved number is neither open nor free", "[fd_table]") {
  FdTable table;
  {
    NewFd first{table, no_limit, 0};
    const NewFd second{table, no_limit, 0};
    CHECK(first.number() == 0);
    CHECK(second.number() == 1);
    CHECK_FALSE(table.is_open(0));
    CHECK(table.is_reserved(0));
    CHECK(table.lowest_free(no_limit) == 2);
    CHECK(first.install(make_file(1), true) == 0);
    CHECK_FALSE(table.is_reserved(0));
  }
  CHECK(table.is_open(0));
  CHECK(table.close_on_exec(0));
  CHECK(table.lowest_free(no_limit) == 1);  // The second was given back.
  CHECK_FALSE(NewFd{table, 1, 0});
}

TEST_CASE("FdTable: a number is reserved by itself, wherever it stands", "[fd_table]") {
  FdTable table;
  for (const int fd : {63, 64, 127, 128, 200}) {
    CHECK_FALSE(table.is_reserved(fd));
    REQUIRE(table.reserve_lowest(no_limit, static_cast<std::size_t>(fd)) == fd);
    CHECK(table.is_reserved(fd));
    CHECK_FALSE(table.is_reserved(fd + 1));
    CHECK(table.lowest_free(no_limit, static_cast<std::size_t>(fd)) == fd + 1);
    table.unreserve(fd);
    CHECK_FALSE(table.is_reserved(fd));
    CHECK(table.lowest_free(no_limit, static_cast<std::size_t>(fd)) == fd);
  }
  CHECK(table.lowest_free(no_limit, 255) == 255);
  CHECK(table.lowest_free(no_limit, 256) == 256);
  CHECK(table.lowest_free(no_limit, 1000) == 1000);
  CHECK(table.lowest_free(1000, 1000) == -1);
}

TEST_CASE("FdTable: opening a number that is open is misuse", "[fd_table][death]") {
  if (!test::assertions_are_on) return;
  FdTable table;
  table.install(3, make_file(1), false);
  CHECK(test::last_words([&] {
          table.install(3, make_file(2), false);
        }).rfind("rouse: FdTable: the number is taken", 0) == 0);
}
