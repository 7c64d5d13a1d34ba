// In which order events are reported: first come, first served, with level-triggered ones going round.
#include "../support/events.hpp"

#include <memory>
#include <string>

using namespace rouse;
using test::Events;
using test::Handles;
using test::reported;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags et = EventFlags::et;
constexpr EventFlags oneshot = EventFlags::oneshot;
constexpr EventFlags exclusive = EventFlags::exclusive;

/// An epoll and event fds by letter: `A` is the first.
template <class On>
class Letters {
 public:
  explicit Letters(On& on) : epoll(on.backend), on_(on) {}

  /// Adds the next letter.
  void add(EventFlags flags, unsigned count = 0) {
    fds_.push_back(std::make_unique<typename Handles<On>::EventFd>(on_.backend, count));
    epoll.add(*fds_.back(), flags, 'A' + fds_.size() - 1);
  }
  typename Handles<On>::EventFd& operator[](char letter) { return *fds_[static_cast<std::size_t>(letter - 'A')]; }

  void write(std::string_view letters) {
    for (const char letter : letters) (*this)[letter].write(1);
  }
  void drain(std::string_view letters) {
    for (const char letter : letters) (*this)[letter].drain();
  }

  /// The letters that one wait reports.
  std::string fetch(std::size_t max = 16) {
    std::string letters;
    for (const Event& event : reported(epoll, max)) letters += static_cast<char>(event.data().u64());
    return letters;
  }

  typename Handles<On>::Epoll epoll;

 private:
  On& on_;
  std::vector<std::unique_ptr<typename Handles<On>::EventFd>> fds_;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("Epoll: events come in the order of their first wakeup", "[epoll][order]", test::AllBackends) {
  TestType on;
  const EventFlags flags = GENERATE(as<EventFlags>{}, in, in | et, in | oneshot);
  CAPTURE(flags);
  Letters<TestType> letters{on};
  for (int i = 0; i < 5; ++i) letters.add(flags);
  // More of the same changes nothing.
  letters.write("DBEBDDA");
  CHECK(letters.fetch() == "DBEA");
}

TEMPLATE_LIST_TEST_CASE("Epoll: what is ready when added takes its place then", "[epoll][order]", test::AllBackends) {
  TestType on;
  Letters<TestType> letters{on};
  letters.add(in);
  letters.add(in | et, 1);
  letters.add(in);
  letters.write("C");
  letters.add(in, 1);
  letters.write("AB");
  CHECK(letters.fetch() == "BCDA");
}

TEMPLATE_LIST_TEST_CASE("Epoll: level-triggered events go round when there is not room for all", "[epoll][order]",
                        test::AllBackends) {
  TestType on;
  struct Row {
    std::size_t max;
    std::vector<std::string> fetches;
  };
  for (const Row& row :
       {Row{1, {"A", "B", "C", "D", "A", "B"}}, Row{2, {"AB", "CD", "AB", "CD"}},
        Row{3, {"ABC", "DAB", "CDA", "BCD", "ABC"}}, Row{4, {"ABCD", "ABCD", "ABCD"}}, Row{5, {"ABCD", "ABCD"}}}) {
    CAPTURE(row.max);
    Letters<TestType> letters{on};
    for (int i = 0; i < 4; ++i) letters.add(in, 1);
    for (const std::string& fetch : row.fetches) CHECK(letters.fetch(row.max) == fetch);
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: a new event comes after what was left over and before nothing", "[epoll][order]",
                        test::AllBackends) {
  TestType on;
  Letters<TestType> letters{on};
  for (int i = 0; i < 4; ++i) letters.add(in);
  letters.write("ABC");
  CHECK(letters.fetch(1) == "A");
  letters.write("D");
  CHECK(letters.fetch() == "BCAD");
  CHECK(letters.fetch() == "BCAD");
}

TEMPLATE_LIST_TEST_CASE("Epoll: edges leave the round, levels stay in it", "[epoll][order]", test::AllBackends) {
  TestType on;
  Letters<TestType> letters{on};
  for (int i = 0; i < 3; ++i) {
    letters.add(in, 1);
    letters.add(in | et, 1);
  }
  CHECK(letters.fetch(4) == "ABCD");
  CHECK(letters.fetch(4) == "EFAC");
  CHECK(letters.fetch(4) == "EAC");
  letters.write("B");
  CHECK(letters.fetch(4) == "EACB");
  CHECK(letters.fetch(4) == "EAC");
}

TEMPLATE_LIST_TEST_CASE("Epoll: one-shot events leave the round", "[epoll][order][oneshot]", test::AllBackends) {
  TestType on;
  Letters<TestType> letters{on};
  letters.add(in | oneshot, 1);
  letters.add(in, 1);
  letters.add(in | oneshot | et, 1);
  CHECK(letters.fetch(2) == "AB");
  CHECK(letters.fetch(2) == "CB");
  letters.epoll.modify(letters['A'], in | oneshot, 'A');
  CHECK(letters.fetch() == "BA");
  CHECK(letters.fetch() == "B");
}

TEMPLATE_LIST_TEST_CASE("Epoll: a place is kept until a wait goes over it", "[epoll][order]", test::AllBackends) {
  TestType on;
  const EventFlags flags = GENERATE(as<EventFlags>{}, in, in | et);
  CAPTURE(flags);
  SECTION("emptied and filled again in between: kept") {
    Letters<TestType> letters{on};
    for (int i = 0; i < 3; ++i) letters.add(flags);
    letters.write("ABC");
    letters.drain("A");
    letters.write("A");
    CHECK(letters.fetch() == "ABC");
  }
  SECTION("visited while empty: lost") {
    Letters<TestType> letters{on};
    for (int i = 0; i < 3; ++i) letters.add(in);
    letters.write("ABC");
    letters.drain("A");
    CHECK(letters.fetch() == "BC");
    letters.write("A");
    CHECK(letters.fetch() == "BCA");
  }
  SECTION("not reached while empty: kept") {
    Letters<TestType> letters{on};
    for (int i = 0; i < 3; ++i) letters.add(in);
    letters.write("ABC");
    letters.drain("B");
    CHECK(letters.fetch(1) == "A");
    letters.write("B");
    CHECK(letters.fetch() == "BCA");
  }
  SECTION("removed and added: lost") {
    Letters<TestType> letters{on};
    for (int i = 0; i < 3; ++i) letters.add(flags);
    letters.write("ABC");
    letters.epoll.remove(letters['A']);
    letters.epoll.add(letters['A'], flags, 'A');
    CHECK(letters.fetch() == "BCA");
  }
  SECTION("modified: kept") {
    Letters<TestType> letters{on};
    for (int i = 0; i < 3; ++i) letters.add(flags);
    letters.write("ABC");
    letters.epoll.modify(letters['A'], in, 'A');
    CHECK(letters.fetch() == "ABC");
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: what turns out not to be ready takes no room", "[epoll][order]", test::AllBackends) {
  TestType on;
  Letters<TestType> letters{on};
  for (int i = 0; i < 5; ++i) letters.add(in | et);
  letters.write("ABCDE");
  letters.drain("ABD");
  CHECK(letters.fetch(2) == "CE");
  letters.write("DBA");
  CHECK(letters.fetch() == "DBA");
}

TEMPLATE_LIST_TEST_CASE("Epoll: MOD of a ready file that is not due puts it at the end", "[epoll][order]",
                        test::AllBackends) {
  TestType on;
  Letters<TestType> letters{on};
  for (int i = 0; i < 3; ++i) letters.add(in | et, 1);
  CHECK(letters.fetch() == "ABC");
  letters.epoll.modify(letters['C'], in | et, 'C');
  letters.epoll.modify(letters['A'], in | et, 'A');
  letters.epoll.modify(letters['C'], in | et, 'C');
  letters.write("B");
  CHECK(letters.fetch() == "CAB");
}

TEMPLATE_LIST_TEST_CASE("Epoll: one wakeup reaches the newest duplicate first, and exclusive ones last",
                        "[epoll][order]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  struct Row {
    EventFlags flags;
    std::uint64_t data;
  };
  const Row rows[] = {{in | et, 1}, {in | et | exclusive, 2}, {in | et, 3}, {in | et | exclusive, 4}, {in | et, 5}};
  std::vector<typename Handles<TestType>::EventFd> dups;
  for (const Row& row : rows) {
    dups.push_back(event.duplicate());
    epoll.add(dups.back(), row.flags, row.data);
  }
  const Events expected{{in, 5}, {in, 3}, {in, 1}, {in, 2}, {in, 4}};
  event.write(1);
  CHECK(reported(epoll) == expected);
  // MOD does not change the place among them, removing and adding does.
  epoll.modify(dups[0], EventFlags::pri | et, 1);
  epoll.modify(dups[0], in | et, 1);
  CHECK(reported(epoll) == Events{{in, 1}});
  event.write(1);
  CHECK(reported(epoll) == expected);
  epoll.remove(dups[0]);
  epoll.remove(dups[1]);
  event.drain();
  epoll.add(dups[0], in | et, 1);
  epoll.add(dups[1], in | et | exclusive, 2);
  event.write(1);
  CHECK(reported(epoll) == Events{{in, 1}, {in, 5}, {in, 3}, {in, 4}, {in, 2}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: looking at an epoll drops what is not ready from its front", "[epoll][order][nesting]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll outer{on.backend};
  typename Handles<TestType>::Epoll not_looking{on.backend};
  Letters<TestType> letters{on};
  for (int i = 0; i < 4; ++i) letters.add(in);
  const int epfd = letters.epoll.fd();
  outer.add(letters.epoll, in | et, 9);
  not_looking.add(letters.epoll, in | et, 9);
  CHECK(reported(outer).empty());
  enum class Look { poll, outer_wait, outer_add, outer_modify, modify_to_other_mask };
  for (const Look look :
       {Look::poll, Look::outer_wait, Look::outer_add, Look::outer_modify, Look::modify_to_other_mask}) {
    CAPTURE(static_cast<int>(look));
    letters.write("ABCD");
    letters.drain("AC");
    // A is dropped, the look stops at B, so that C keeps its place behind it.
    switch (look) {
      case Look::poll: {
        ::pollfd entry{epfd, POLLIN, 0};
        CHECK(on.backend.poll(&entry, 1, 0) == SysResult<int>{1});
        CHECK(entry.revents == POLLIN);
        break;
      }
      case Look::outer_wait: CHECK(reported(outer) == Events{{in, 9}}); break;
      case Look::outer_add: {
        typename Handles<TestType>::Epoll another{on.backend};
        another.add(letters.epoll, in, 9);
        break;
      }
      case Look::outer_modify: outer.modify(letters.epoll, in | et, 9); break;
      case Look::modify_to_other_mask: not_looking.modify(letters.epoll, EventFlags::out | et, 9); break;
    }
    letters.write("AC");
    CHECK(letters.fetch() == "BCDA");
    letters.drain("ABCD");
    CHECK(letters.fetch().empty());
    static_cast<void>(reported(outer));
  }
}
