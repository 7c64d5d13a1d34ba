// IntrusiveList: a doubly linked list whose links live in its elements: no allocation, removal without a search.
#pragma once

#include "assert.hpp"

#include <cstddef>
#include <utility>

namespace rouse::inline v0::detail {

/// A link in a list of `T`. An object that is in several lists at once derives from a link per list, told apart by
/// `Tag`. Unlinks itself when destroyed; neither copied nor moved.
template <class T, class Tag = T>
class ListLink {
 public:
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { unlink(); }

  [[nodiscard]] bool is_linked() const { return next_ != nullptr; }
  /// Does nothing if it is in no list.
  void unlink() {
    if (next_ == nullptr) return;
    ListLink* const next = std::exchange(next_, nullptr);
    ListLink* const previous = std::exchange(previous_, nullptr);
    previous->next_ = next;
    next->previous_ = previous;
  }

 private:
  template <class, class>
  friend class IntrusiveList;

  ListLink* next_ = nullptr;
  ListLink* previous_ = nullptr;
};

/// Elements in order; owns none of them. Elements still linked when the list goes are unlinked.
template <class T, class Tag = T>
class IntrusiveList {
  using Link = ListLink<T, Tag>;

 public:
  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) head_.next_->unlink();
    head_.next_ = nullptr;
  }

  [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
  [[nodiscard]] T* front() const { return object(head_.next_); }
  /// True with no element, or with one.
  [[nodiscard]] bool has_at_most_one() const { return head_.next_ == head_.previous_; }
  /// The element behind `element`, or null.
  [[nodiscard]] T* next(const T& element) const { return object(static_cast<const Link&>(element).next_); }

  /// Precondition: `element` is not in a list of this tag.
  void push_front(T& element) { insert(element, *head_.next_); }
  void push_back(T& element) { insert(element, head_); }

  template <class Visit>
  void for_each(Visit visit) const {
    for (T* at = front(); at != nullptr; at = next(*at)) visit(*at);
  }

 private:
  // By reference: a pointer would be tested for null at each step.
  T* object(Link* link) const { return link == &head_ ? nullptr : &static_cast<T&>(*link); }

  static void insert(T& element, Link& before) {
    Link& link = element;
    ROUSE_ASSERT(!link.is_linked(), "IntrusiveList: the element is in a list already");
    Link* const previous = std::exchange(before.previous_, &link);
    link.next_ = &before;
    link.previous_ = previous;
    previous->next_ = &link;
  }

  Link head_;
};

}  // namespace rouse::inline v0::detail
