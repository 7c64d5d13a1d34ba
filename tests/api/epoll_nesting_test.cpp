// Epolls that watch epolls: how long a chain may be, no cycles, and how many ways a wakeup may take upwards.
#include "../support/events.hpp"
#include "../support/file_limit.hpp"

#include <memory>

using namespace rouse;
using test::Events;
using test::Handles;
using test::reported;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags et = EventFlags::et;

/// The longest chain of epolls.
constexpr std::size_t chain_max = 5;

template <class On>
using Epolls = std::vector<typename Handles<On>::Epoll>;

template <class On>
Epolls<On> epolls(On& on, std::size_t n) {
  Epolls<On> made;
  for (std::size_t i = 0; i < n; ++i) made.emplace_back(on.backend);
  return made;
}

/// The error of letting `outer` watch `inner`, or 0.
template <class Epoll, class Fd>
int error_of_add(Epoll& outer, const Fd& inner) {
  std::error_code ec;
  outer.add(inner, in, ec);
  return ec.value();
}

/// A chain of `n`, each watching the one before it.
template <class On>
Epolls<On> chain(On& on, std::size_t n) {
  Epolls<On> made = epolls(on, n);
  for (std::size_t i = 1; i < n; ++i) made[i].add(made[i - 1], in, i - 1);
  return made;
}

/// Checking all of a kernel with hundreds of epolls after each of hundreds of calls takes long.
template <class On>
void check_only_at_the_end(On& on) {
  if constexpr (On::is_emulated) on.kernel.check_every_call(nullptr);
}
template <class On>
void check_now(const On& on) {
  if constexpr (On::is_emulated) rouse::kernel::check_invariants(on.kernel);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Epoll: a chain holds five, whichever end is extended", "[epoll][nesting]", test::AllBackends) {
  TestType on;
  for (const bool with_a_file_below : {false, true}) {
    CAPTURE(with_a_file_below);
    auto links = chain(on, chain_max);
    typename Handles<TestType>::EventFd event{on.backend};
    typename Handles<TestType>::Epoll sixth{on.backend};
    if (with_a_file_below) links[0].add(event, in);
    CHECK(error_of_add(sixth, links[4]) == ELOOP);
    CHECK(error_of_add(links[0], sixth) == ELOOP);
    // In the middle it makes no chain longer.
    CHECK(error_of_add(sixth, links[3]) == 0);
    CHECK(error_of_add(links[1], sixth) == ELOOP);
    CHECK(error_of_add(sixth, event) == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: two chains are joined if they hold five together", "[epoll][nesting]",
                        test::AllBackends) {
  TestType on;
  for (std::size_t lower_n = 1; lower_n <= chain_max; ++lower_n) {
    for (std::size_t upper_n = 1; upper_n <= chain_max; ++upper_n) {
      CAPTURE(lower_n, upper_n);
      auto lower = chain(on, lower_n);
      auto upper = chain(on, upper_n);
      CHECK(error_of_add(upper.front(), lower.back()) == (lower_n + upper_n <= chain_max ? 0 : ELOOP));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: the longest branch counts", "[epoll][nesting]", test::AllBackends) {
  TestType on;
  auto shorter = chain(on, 1);
  auto longer = chain(on, 3);
  typename Handles<TestType>::Epoll top{on.backend};
  top.add(shorter.back(), in);
  top.add(longer.back(), in);
  auto above = chain(on, 2);
  CHECK(error_of_add(above.front(), top) == ELOOP);
  typename Handles<TestType>::Epoll single{on.backend};
  CHECK(error_of_add(single, top) == 0);
  CHECK(error_of_add(shorter.front(), above.back()) == 0);
}

TEMPLATE_LIST_TEST_CASE("Epoll: a cycle of any length is refused", "[epoll][nesting]", test::AllBackends) {
  TestType on;
  for (std::size_t n = 2; n <= chain_max; ++n) {
    CAPTURE(n);
    auto links = chain(on, n);
    CHECK(error_of_add(links.front(), links.back()) == ELOOP);
    typename Handles<TestType>::EventFd event{on.backend, 1};
    links.front().add(event, in);
    CHECK(reported(links.back()).size() == 1);
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: a cycle is refused through any branch", "[epoll][nesting]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll top{on.backend};
  typename Handles<TestType>::Epoll left{on.backend};
  typename Handles<TestType>::Epoll right{on.backend};
  typename Handles<TestType>::Epoll bottom{on.backend};
  top.add(left, in);
  top.add(right, in);
  right.add(bottom, in);
  CHECK(error_of_add(bottom, top) == ELOOP);
  CHECK(error_of_add(bottom, right) == ELOOP);
  CHECK(error_of_add(bottom, left) == 0);
  CHECK(error_of_add(left, right) == ELOOP);
}

TEMPLATE_LIST_TEST_CASE("Epoll: a diamond is no cycle", "[epoll][nesting]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::Epoll bottom{on.backend};
  typename Handles<TestType>::Epoll left{on.backend};
  typename Handles<TestType>::Epoll right{on.backend};
  typename Handles<TestType>::Epoll top{on.backend};
  bottom.add(event, in, 1);
  left.add(bottom, in, 2);
  right.add(bottom, in, 3);
  top.add(left, in, 4);
  top.add(right, in, 5);
  CHECK(error_of_add(top, bottom) == 0);
  CHECK(reported(top).empty());
  event.write(1);
  // The last one that was added to the bottom is told first.
  CHECK(reported(top) == Events{{in, bottom.fd()}, {in, 5}, {in, 4}});
  CHECK(reported(left) == Events{{in, 2}});
  event.drain();
  CHECK(reported(top).empty());
}

TEMPLATE_LIST_TEST_CASE("Epoll: diamonds upon diamonds are walked once each", "[epoll][nesting]", test::AllBackends) {
  // Four layers of forty, all watching all below: 2.5 million ways, of which none is walked twice.
  TestType on;
  const auto room = test::FileLimit<typename TestType::Backend>::room_for(on.backend, 200);
  check_only_at_the_end(on);
  constexpr std::size_t width = 40;
  auto layers = epolls(on, 4 * width);
  for (std::size_t layer = 1; layer < 4; ++layer) {
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        layers[layer * width + i].add(layers[(layer - 1) * width + j], in);
      }
    }
  }
  CHECK(error_of_add(layers.front(), layers.back()) == ELOOP);
  typename Handles<TestType>::Epoll fifth{on.backend};
  CHECK(error_of_add(fifth, layers.back()) == 0);
  typename Handles<TestType>::Epoll sixth{on.backend};
  CHECK(error_of_add(sixth, fifth) == ELOOP);
  check_now(on);
}

TEMPLATE_LIST_TEST_CASE("Epoll: an event goes up a chain of five", "[epoll][nesting]", test::AllBackends) {
  TestType on;
  auto links = chain(on, chain_max);
  typename Handles<TestType>::EventFd event{on.backend};
  links[0].add(event, in, 100);
  for (auto& link : links) CHECK(reported(link).empty());
  event.write(1);
  for (std::size_t i = chain_max; i-- > 1;) CHECK(reported(links[i]) == Events{{in, i - 1}});
  CHECK(reported(links[0]) == Events{{in, 100}});
  event.drain();
  for (auto& link : links) CHECK(reported(link).empty());
}

TEMPLATE_LIST_TEST_CASE("Epoll: what leaves a chain makes room for another", "[epoll][nesting]", test::AllBackends) {
  TestType on;
  auto links = chain(on, chain_max);
  typename Handles<TestType>::Epoll sixth{on.backend};
  CHECK(error_of_add(sixth, links[4]) == ELOOP);
  links[4].remove(links[3]);
  CHECK(error_of_add(sixth, links[4]) == 0);
  // Without its middle a chain is two.
  links[2].close();
  CHECK(error_of_add(links[0], sixth) == 0);
  CHECK(error_of_add(links[3], links[1]) == 0);
  CHECK(error_of_add(links[4], links[3]) == ELOOP);
}

TEMPLATE_LIST_TEST_CASE("Epoll: a duplicate of an epoll is watched on its own", "[epoll][nesting]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 1};
  typename Handles<TestType>::Epoll inner{on.backend};
  typename Handles<TestType>::Epoll outer{on.backend};
  inner.add(event, in, 1);
  const auto dup = inner.duplicate();
  outer.add(inner, in, 2);
  outer.add(dup, in, 3);
  CHECK(error_of_add(outer, inner) == EEXIST);
  CHECK(reported(outer) == Events{{in, 2}, {in, 3}});
}

TEMPLATE_LIST_TEST_CASE("Epoll: ways from a file to an outermost epoll are limited by their length",
                        "[epoll][nesting][paths]", test::AllBackends) {
  TestType on;
  const auto room = test::FileLimit<typename TestType::Backend>::room_for(on.backend, 700);
  check_only_at_the_end(on);
  struct Row {
    std::size_t length;
    std::size_t most;
  };
  for (const Row& row : {Row{2, 500}, {3, 100}, {4, 50}, {5, 10}}) {
    CAPTURE(row.length);
    typename Handles<TestType>::EventFd event{on.backend, 1};
    auto below = chain(on, row.length - 1);
    below.front().add(event, in);
    auto outermost = epolls(on, row.most + 1);
    std::size_t added = 0;
    int error = 0;
    for (auto& outer : outermost) {
      error = error_of_add(outer, below.back());
      if (error != 0) break;
      ++added;
    }
    CHECK(added == row.most);
    CHECK(error == EINVAL);
    // The one too many was not left behind, and the others are none the worse.
    std::error_code ec;
    outermost.back().remove(below.back(), ec);
    CHECK(ec.value() == ENOENT);
    CHECK(reported(outermost.back()).empty());
    CHECK(reported(outermost.front()) == Events{{in, below.back().fd()}});
    outermost.front().remove(below.back());
    CHECK(error_of_add(outermost.back(), below.back()) == 0);
    CHECK(error_of_add(outermost.front(), below.back()) == EINVAL);
    check_now(on);
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: any number of epolls may watch a file directly", "[epoll][nesting][paths]",
                        test::AllBackends) {
  TestType on;
  const auto room = test::FileLimit<typename TestType::Backend>::room_for(on.backend, 700);
  check_only_at_the_end(on);
  typename Handles<TestType>::EventFd event{on.backend};
  auto watching = epolls(on, 600);
  int errors = 0;
  for (auto& epoll : watching) errors += error_of_add(epoll, event);
  CHECK(errors == 0);
  // They do not count when the file is watched from further up as well.
  typename Handles<TestType>::Epoll outer{on.backend};
  outer.add(watching.front(), in);
  CHECK(error_of_add(watching.front(), event) == EEXIST);
  watching.front().remove(event);
  CHECK(error_of_add(watching.front(), event) == 0);
  event.write(1);
  CHECK(reported(watching.front()).size() == 1);
  CHECK(reported(watching.back()).size() == 1);
  check_now(on);
}

TEMPLATE_LIST_TEST_CASE("Epoll: too many ways are noticed when a file is added below them", "[epoll][nesting][paths]",
                        test::AllBackends) {
  TestType on;
  const auto room = test::FileLimit<typename TestType::Backend>::room_for(on.backend, 700);
  check_only_at_the_end(on);
  typename Handles<TestType>::EventFd event{on.backend, 1};
  typename Handles<TestType>::Epoll inner{on.backend};
  auto outermost = epolls(on, 600);
  // There is nothing below yet that could be woken.
  int errors = 0;
  for (auto& outer : outermost) errors += error_of_add(outer, inner);
  CHECK(errors == 0);
  CHECK(error_of_add(inner, event) == EINVAL);
  std::error_code ec;
  inner.remove(event, ec);
  CHECK(ec.value() == ENOENT);
  CHECK(reported(inner).empty());
  for (std::size_t i = 500; i < outermost.size(); ++i) outermost[i].close();
  CHECK(error_of_add(inner, event) == 0);
  CHECK(reported(outermost.front()).size() == 1);
  check_now(on);
}

TEMPLATE_LIST_TEST_CASE("Epoll: each registration on the way makes another way", "[epoll][nesting][paths]",
                        test::AllBackends) {
  TestType on;
  const auto room = test::FileLimit<typename TestType::Backend>::room_for(on.backend, 400);
  check_only_at_the_end(on);
  typename Handles<TestType>::EventFd event{on.backend, 1};
  const auto dup = event.duplicate();
  typename Handles<TestType>::Epoll inner{on.backend};
  inner.add(event, in);
  auto outermost = epolls(on, 251);
  int errors = 0;
  for (auto& outer : outermost) errors += error_of_add(outer, inner);
  CHECK(errors == 0);
  // Twice 251 is more than 500, twice 250 is not.
  CHECK(error_of_add(inner, dup) == EINVAL);
  outermost.back().close();
  CHECK(error_of_add(inner, dup) == 0);
}

TEMPLATE_LIST_TEST_CASE("Epoll: the limits of different lengths do not add up", "[epoll][nesting][paths]",
                        test::AllBackends) {
  TestType on;
  const auto room = test::FileLimit<typename TestType::Backend>::room_for(on.backend, 200);
  check_only_at_the_end(on);
  typename Handles<TestType>::EventFd event{on.backend, 1};
  auto below = chain(on, 4);
  below.front().add(event, in);
  auto long_ways = epolls(on, 11);
  auto short_ways = epolls(on, 50);
  int errors = 0;
  for (std::size_t i = 0; i < 10; ++i) errors += error_of_add(long_ways[i], below[3]);
  for (auto& outer : short_ways) errors += error_of_add(outer, below[2]);
  CHECK(errors == 0);
  CHECK(error_of_add(long_ways.back(), below[3]) == EINVAL);
  CHECK(error_of_add(long_ways.back(), below[2]) == EINVAL);
  CHECK(error_of_add(long_ways.back(), below[1]) == 0);
}

TEMPLATE_LIST_TEST_CASE("Epoll: a check of a chain does not follow each of millions of ways", "[epoll][nesting]",
                        test::AllBackends) {
  constexpr std::size_t levels = chain_max;
  constexpr std::size_t width = 48;
  constexpr std::size_t last = 30;  // Of the last level, so many: enough to be noticed.
  const bool from_above = GENERATE(false, true);
  TestType on;
  const auto room = test::FileLimit<typename TestType::Backend>::room_for(on.backend, levels * width);
  check_only_at_the_end(on);
  std::vector<Epolls<TestType>> level;
  for (std::size_t i = 0; i < levels; ++i) level.push_back(epolls(on, width));
  int errors = 0;
  const auto watch_all = [&](Epolls<TestType>& outer, Epolls<TestType>& inner, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        errors += error_of_add(from_above ? outer[j] : outer[i], from_above ? inner[i] : inner[j]);
      }
    }
  };
  for (std::size_t i = 0; i + 1 < levels; ++i) {
    const std::size_t outer = from_above ? i : levels - 2 - i;
    watch_all(level[outer], level[outer + 1], i + 2 < levels ? width : last);
  }
  CHECK(errors == 0);
}

TEMPLATE_LIST_TEST_CASE("Epoll: an edge of the inner one is an edge of the outer one", "[epoll][nesting][edge]",
                        test::AllBackends) {
  TestType on;
  struct Row {
    EventFlags inner;
    EventFlags outer;
    std::vector<int> counts;  // What outer, outer, inner, inner, outer report, one after the other.
  };
  for (const Row& row : {Row{in, in, {1, 1, 1, 1, 1}},
                         {in | et, in, {1, 1, 1, 0, 0}},
                         {in, in | et, {1, 0, 1, 1, 0}},
                         {in | et, in | et, {1, 0, 1, 0, 0}},
                         {in, EventFlags::out, {0, 0, 1, 1, 0}},
                         {in, EventFlags::rdnorm, {0, 0, 1, 1, 0}}}) {
    CAPTURE(row.inner, row.outer);
    typename Handles<TestType>::EventFd event{on.backend};
    typename Handles<TestType>::Epoll inner{on.backend};
    typename Handles<TestType>::Epoll outer{on.backend};
    inner.add(event, row.inner);
    outer.add(inner, row.outer);
    // A second write is a second edge all the way up.
    for (int round = 0; round < 2; ++round) {
      CAPTURE(round);
      event.write(1);
      std::vector<int> counts;
      for (auto* epoll : {&outer, &outer, &inner, &inner, &outer}) {
        counts.push_back(static_cast<int>(reported(*epoll).size()));
      }
      CHECK(counts == row.counts);
    }
    event.drain();
    CHECK(reported(outer).empty());
  }
}
