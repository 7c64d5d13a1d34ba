// The limit on registrations (max_user_watches). On Linux it is one number for all of a user's programs, which a test
// does not lower: these cases run on the emulated kernel only.
#include "../support/events.hpp"

using rouse::EventFlags;
using test::Events;
using test::reported;

namespace {

using Epoll = test::Handles<test::OnEmulated>::Epoll;
using EventFd = test::Handles<test::OnEmulated>::EventFd;

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags exclusive = EventFlags::exclusive;

/// A kernel with room for so many registrations.
struct Limited : test::OnEmulated {
  explicit Limited(std::uint64_t watches) { kernel.limits.max_user_watches = watches; }
};

/// The error of watching `fd`, or 0.
template <class Fd>
int error_of_add(Epoll& epoll, const Fd& fd, EventFlags flags = in) {
  std::error_code ec;
  epoll.add(fd, flags, ec);
  return ec.value();
}

}  // namespace

TEST_CASE("Epoll: registrations of all epolls together are limited", "[epoll][limit][emulated]") {
  Limited on{4};
  Epoll one{on.backend};
  Epoll two{on.backend};
  EventFd event{on.backend};
  const auto dup = event.duplicate();
  CHECK(error_of_add(one, event) == 0);
  CHECK(error_of_add(one, dup) == 0);
  CHECK(error_of_add(two, event) == 0);
  // A nested epoll is one, too.
  CHECK(error_of_add(two, one) == 0);
  CHECK(error_of_add(two, dup) == ENOSPC);
  event.write(1);
  CHECK(reported(two) == Events{{in, event.fd()}, {in, one.fd()}});
}

TEST_CASE("Epoll: a registration that goes makes room, however it goes", "[epoll][limit][emulated]") {
  Limited on{2};
  Epoll epoll{on.backend};
  EventFd kept{on.backend};
  EventFd wanted{on.backend};
  CHECK(error_of_add(epoll, kept) == 0);
  SECTION("by being removed") {
    EventFd event{on.backend};
    CHECK(error_of_add(epoll, event) == 0);
    CHECK(error_of_add(epoll, wanted) == ENOSPC);
    epoll.remove(event);
  }
  SECTION("with its file, though not with its number") {
    EventFd event{on.backend};
    auto dup = event.duplicate();
    CHECK(error_of_add(epoll, event) == 0);
    event.close();
    CHECK(error_of_add(epoll, wanted) == ENOSPC);
    dup.close();
  }
  SECTION("with its epoll") {
    Epoll another{on.backend};
    CHECK(error_of_add(another, kept) == 0);
    CHECK(error_of_add(epoll, wanted) == ENOSPC);
    another.close();
  }
  CHECK(error_of_add(epoll, wanted) == 0);
  EventFd too_many{on.backend};
  CHECK(error_of_add(epoll, too_many) == ENOSPC);
}

TEST_CASE("Epoll: what is registered already needs no more room", "[epoll][limit][emulated]") {
  Limited on{1};
  Epoll epoll{on.backend};
  EventFd event{on.backend, 1};
  CHECK(error_of_add(epoll, event) == 0);
  epoll.modify(event, in | EventFlags::oneshot, 5);
  CHECK(reported(epoll) == Events{{in, 5}});
  epoll.modify(event, in, 6);
  CHECK(reported(epoll) == Events{{in, 6}});
}

TEST_CASE("Epoll: the limit is looked at after all else but the ways upwards", "[epoll][limit][emulated]") {
  Limited on{2};
  Epoll epoll{on.backend};
  Epoll inner{on.backend};
  EventFd event{on.backend};
  EventFd absent{on.backend};
  CHECK(error_of_add(epoll, inner) == 0);
  CHECK(error_of_add(inner, event) == 0);
  CHECK(error_of_add(inner, epoll) == ELOOP);
  CHECK(error_of_add(inner, event) == EEXIST);
  CHECK(error_of_add(inner, absent, in | exclusive | EventFlags::pri) == EINVAL);
  CHECK(error_of_add(inner, absent) == ENOSPC);
  std::error_code ec;
  inner.modify(absent, in, 0, ec);
  CHECK(ec.value() == ENOENT);
}

TEST_CASE("Epoll: a registration refused for its ways upwards takes no room", "[epoll][limit][emulated]") {
  // Eleven epolls over a chain of four: one way too many of length five.
  Limited on{3 + 11 + 1};
  std::vector<Epoll> chain;
  for (int i = 0; i < 4; ++i) chain.emplace_back(on.backend);
  for (std::size_t i = 1; i < 4; ++i) CHECK(error_of_add(chain[i], chain[i - 1]) == 0);
  std::vector<Epoll> outermost;
  for (int i = 0; i < 11; ++i) {
    outermost.emplace_back(on.backend);
    CHECK(error_of_add(outermost.back(), chain.back()) == 0);
  }
  EventFd event{on.backend};
  for (int i = 0; i < 3; ++i) CHECK(error_of_add(chain.front(), event) == EINVAL);
  Epoll aside{on.backend};
  CHECK(error_of_add(aside, event) == 0);
  // Without room the limit speaks first.
  CHECK(error_of_add(chain.front(), event) == ENOSPC);
}
