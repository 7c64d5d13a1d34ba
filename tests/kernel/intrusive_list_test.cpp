#include "rouse/detail/intrusive_list.hpp"

#include "../support/catch.hpp"
#include "../support/death.hpp"

#include <vector>

using rouse::detail::IntrusiveList;
using rouse::detail::ListLink;

namespace {

struct Other;

/// Can be in two lists at once.
struct Node : ListLink<Node>, ListLink<Node, Other> {
  explicit Node(int i) : id(i) {}
  const int id;
};

template <class Tag>
std::vector<int> ids(const IntrusiveList<Node, Tag>& list) {
  std::vector<int> all;
  list.for_each([&](const Node& node) { all.push_back(node.id); });
  return all;
}

using Ids = std::vector<int>;

}  // namespace

TEST_CASE("IntrusiveList: elements stand in the order they were put", "[intrusive_list]") {
  Node a{1}, b{2}, c{3}, d{4};
  IntrusiveList<Node> list;
  CHECK(list.empty());
  CHECK(list.front() == nullptr);
  CHECK(list.has_at_most_one());
  list.push_back(a);
  CHECK(list.has_at_most_one());
  list.push_back(b);
  CHECK_FALSE(list.has_at_most_one());
  list.push_front(c);
  list.push_front(d);
  CHECK(ids(list) == Ids{4, 3, 1, 2});
  CHECK(list.front() == &d);
  CHECK(list.next(d) == &c);
  CHECK(list.next(b) == nullptr);
  CHECK_FALSE(list.empty());
}

TEST_CASE("IntrusiveList: an element leaves from anywhere, and may come back", "[intrusive_list]") {
  Node a{1}, b{2}, c{3};
  IntrusiveList<Node> list;
  for (Node* const node : {&a, &b, &c}) list.push_back(*node);
  b.ListLink<Node>::unlink();
  CHECK(ids(list) == Ids{1, 3});
  CHECK_FALSE(b.ListLink<Node>::is_linked());
  b.ListLink<Node>::unlink();
  CHECK(ids(list) == Ids{1, 3});
  a.ListLink<Node>::unlink();
  CHECK(ids(list) == Ids{3});
  c.ListLink<Node>::unlink();
  CHECK(list.empty());
  list.push_back(b);
  CHECK(ids(list) == Ids{2});
  CHECK(b.ListLink<Node>::is_linked());
}

TEST_CASE("IntrusiveList: an element that is destroyed leaves its list", "[intrusive_list]") {
  Node a{1}, c{3};
  IntrusiveList<Node> list;
  list.push_back(a);
  {
    Node b{2};
    list.push_back(b);
    list.push_back(c);
    CHECK(ids(list) == Ids{1, 2, 3});
  }
  CHECK(ids(list) == Ids{1, 3});
}

TEST_CASE("IntrusiveList: a list that is destroyed lets its elements go", "[intrusive_list]") {
  Node a{1}, b{2};
  {
    IntrusiveList<Node> list;
    list.push_back(a);
    list.push_back(b);
  }
  CHECK_FALSE(a.ListLink<Node>::is_linked());
  CHECK_FALSE(b.ListLink<Node>::is_linked());
  IntrusiveList<Node> next;
  next.push_back(b);
  CHECK(ids(next) == Ids{2});
}

TEST_CASE("IntrusiveList: lists of different tags do not know of each other", "[intrusive_list]") {
  Node a{1}, b{2};
  IntrusiveList<Node> first;
  IntrusiveList<Node, Other> second;
  first.push_back(a);
  first.push_back(b);
  second.push_back(b);
  second.push_back(a);
  CHECK(ids(first) == Ids{1, 2});
  CHECK(ids(second) == Ids{2, 1});
  a.ListLink<Node>::unlink();
  CHECK(ids(first) == Ids{2});
  CHECK(ids(second) == Ids{2, 1});
}

TEST_CASE("IntrusiveList: an element in two lists of one tag is misuse", "[intrusive_list][death]") {
  if (!test::assertions_are_on) return;
  Node a{1};
  IntrusiveList<Node> first;
  IntrusiveList<Node> second;
  first.push_back(a);
  const std::string text = "rouse: IntrusiveList: the element is in a list already";
  CHECK(test::last_words([&] { second.push_back(a); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { first.push_front(a); }).rfind(text, 0) == 0);
}
