// PortTable, ByteQueue, Chance and Link: the small parts of the network.
#include "rouse/kernel/port_table.hpp"

#include "../support/catch.hpp"
#include "rouse/detail/chance.hpp"
#include "rouse/kernel/byte_queue.hpp"
#include "rouse/kernel/link.hpp"

#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <vector>

using namespace rouse::kernel;
using namespace std::chrono_literals;

namespace {

constexpr auto never = [](std::uint16_t) { return false; };

struct User : PortUser {
  User(const char* address, std::uint16_t port) { local = {IpAddress::parse(address).value(), port}; }
};

}  // namespace

TEST_CASE("PortTable: it is in there until it is taken out", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  User a{"127.0.0.1", 1000};
  User b{"127.0.0.1", 1000};
  CHECK(table.may_have(a));
  table.take(a);
  CHECK(table.is_used(1000));
  CHECK_FALSE(table.is_used(1001));
  CHECK(table.may_have(a));
  CHECK_FALSE(table.may_have(b));
  b.local.port = 1001;
  CHECK(table.may_have(b));
  b.local.port = 1000;
  std::vector<PortUser*> seen;
  table.take(b);
  table.for_each(1000, [&](PortUser& each) { seen.push_back(&each); });
  CHECK(seen == std::vector<PortUser*>{&a, &b});
  User c{"127.0.0.1", 1000};
  table.join(c);
  seen.clear();
  table.for_each(1000, [&](PortUser& each) { seen.push_back(&each); });
  CHECK(seen == std::vector<PortUser*>{&a, &b, &c});
  table.remove(a);
  table.remove(a);
  table.remove(c);
  CHECK(table.is_used(1000));
  table.remove(b);
  table.remove(b);
  CHECK_FALSE(table.is_used(1000));
}

TEST_CASE("PortTable: when all of one parity have gone, those of the other come in their own turn", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  using Parity = PortTable::Parity;
  std::deque<User> users;
  for (int port = 32769; port <= 60999; port += 2) {
    users.emplace_back("0.0.0.0", static_cast<std::uint16_t>(port));
    table.take(users.back());
  }
  CHECK(table.unused(Parity::any, never) == 32768);
  CHECK(table.unused(Parity::odd, never) == 32768);
  CHECK(table.unused(Parity::odd, never) == 32770);
  CHECK(table.unused(Parity::even, never) == 32772);
}

TEST_CASE("PortTable: one may be given that nobody overlaps, whoever comes first", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  User first{"127.0.0.1", 1000};
  User second{"127.0.0.2", 1000};
  table.take(first);
  table.take(second);
  for (const auto& [address, may] :
       {std::pair{"127.0.0.1", false}, std::pair{"127.0.0.2", false}, std::pair{"127.0.0.3", true}}) {
    CAPTURE(address);
    CHECK(table.may_be_given(User{address, 1000}) == may);
  }
}

TEST_CASE("PortTable: who of several gets what comes from a peer is the same one on every machine", "[port_table]") {
  // FNV-1a of the address and the port, in 32 bits, folded.
  constexpr std::size_t n = 1'000'003;
  CHECK(spread({IpAddress::parse("127.0.0.1").value(), 40'000}, n) == 982'935);
  CHECK(spread({IpAddress::parse("10.1.2.3").value(), 80}, n) == 589'575);
  CHECK(spread({IpAddress::parse("fd00::1:2").value(), 65'535}, n) == 124'822);
}

TEST_CASE("PortTable: unused ports come in turn, by parity", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  using Parity = PortTable::Parity;
  CHECK(table.unused(Parity::odd, never) == 32769);
  CHECK(table.unused(Parity::odd, never) == 32771);
  CHECK(table.unused(Parity::even, never) == 32768);
  CHECK(table.unused(Parity::any, never) == 32768);
  CHECK(table.unused(Parity::any, never) == 32769);
  User taken{"0.0.0.0", 32770};
  table.take(taken);
  CHECK(table.unused(Parity::any, never) == 32771);
  CHECK(table.unused(Parity::even, never) == 32772);
  table.remove(taken);
}

TEST_CASE("PortTable: when there are none left, they are shared, or there is none", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  std::vector<std::unique_ptr<User>> users;
  for (int i = 0; i < (60999 - 32768 + 1) / 2; ++i) {
    const std::uint16_t port = table.unused(PortTable::Parity::even, never);
    REQUIRE(port % 2 == 0);
    users.push_back(std::make_unique<User>("127.0.0.1", port));
    table.take(*users.back());
  }
  CHECK(users.back()->local.port == 60998);
  CHECK(table.unused(PortTable::Parity::even, [](std::uint16_t port) { return port >= 50000; }) == 50000);
  CHECK(table.unused(PortTable::Parity::odd, never) == 32769);
  CHECK(table.unused(PortTable::Parity::even, never) == 32771);
  for (auto& each : users) table.remove(*each);
  CHECK(table.unused(PortTable::Parity::even, never) == 50002);
  for (int port = 32768; port <= 60999; ++port) {
    users.push_back(std::make_unique<User>("127.0.0.1", static_cast<std::uint16_t>(port)));
    table.take(*users.back());
  }
  CHECK(table.unused(PortTable::Parity::even, never) == 0);
  CHECK(table.unused(PortTable::Parity::odd, never) == 0);
  CHECK(table.unused(PortTable::Parity::any, never) == 0);
  for (auto& each : users) table.remove(*each);
}

TEST_CASE("PortTable: a port that somebody was bound to stays one until all have left", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  User bound{"127.0.0.1", 1000};
  User connected{"127.0.0.1", 1000};
  CHECK_FALSE(table.is_bound(1000));
  table.join(connected);
  CHECK_FALSE(table.is_bound(1000));
  table.take(bound);
  table.remove(bound);
  CHECK(table.is_bound(1000));
  table.remove(connected);
  CHECK_FALSE(table.is_bound(1000));
}

TEST_CASE("PortTable: the last of a parity is followed by the first", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  std::uint16_t last = 0;
  for (int i = 0; i < 60999 - 32768 + 1; ++i) last = table.unused(PortTable::Parity::any, never);
  CHECK(last == 60999);
  CHECK(table.unused(PortTable::Parity::any, never) == 32768);
}

TEST_CASE("PortTable: UDP asks the last one first, up to one that shares by SO_REUSEPORT", "[port_table]") {
  PortTable table{PortTable::Of::udp};
  User plain{"127.0.0.1", 1000};
  User sharing{"127.0.0.1", 1000};
  User next{"127.0.0.1", 1000};
  sharing.reuse_port = next.reuse_port = true;
  table.take(plain);
  table.take(sharing);
  CHECK(table.may_have(next));
  table.remove(plain);
  table.take(plain);
  CHECK_FALSE(table.may_have(next));
  next.reuse_address = plain.reuse_address = true;
  CHECK(table.may_have(next));
}

TEST_CASE("PortTable: UDP asks those of IPv6 that share by SO_REUSEPORT last", "[port_table]") {
  PortTable table{PortTable::Of::udp};
  User plain{"127.0.0.1", 1000};
  User sharing{"::1", 1000};
  User next{"::", 1000};
  sharing.family = next.family = AF_INET6;
  sharing.reuse_port = next.reuse_port = true;
  table.take(plain);
  table.take(sharing);
  CHECK_FALSE(table.may_have(next));
  table.remove(plain);
  CHECK(table.may_have(next));
}

TEST_CASE("PortTable: TCP lets in who shares with the last that did", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  User plain{"127.0.0.1", 1000};
  User sharing{"127.0.0.2", 1000};
  User next{"127.0.0.2", 1000};
  sharing.reuse_port = next.reuse_port = true;
  table.take(plain);
  CHECK(table.may_have(next));
  table.take(sharing);
  CHECK(table.may_have(next));
  next.local.address = IpAddress::any(AF_INET);
  CHECK_FALSE(table.may_have(next));
  table.remove(plain);
  CHECK(table.may_have(next));
  sharing.reuse_port = false;
  next.local.address = sharing.local.address;
  CHECK(table.may_have(next));  // What the port remembers.
  User other{"127.0.0.3", 1000};
  table.take(other);
  CHECK_FALSE(table.may_have(next));
}

TEST_CASE("PortTable: UDP remembers nothing of who shared", "[port_table]") {
  PortTable table{PortTable::Of::udp};
  User sharing{"127.0.0.2", 1000};
  User next{"127.0.0.2", 1000};
  sharing.reuse_port = next.reuse_port = true;
  table.take(sharing);
  CHECK(table.may_have(next));
  sharing.reuse_port = false;
  CHECK_FALSE(table.may_have(next));
}

TEST_CASE("PortTable: TCP remembers whether the last that shared was for IPv6 alone", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  User plain{"0.0.0.0", 1000};
  User last{"::", 1000};
  User next{"0.0.0.0", 1000};
  last.family = AF_INET6;
  last.reuse_port = next.reuse_port = true;
  last.v6_only = GENERATE(false, true);
  table.take(plain);
  table.take(last);
  CHECK(table.may_have(next) == !last.v6_only);
}

TEST_CASE("PortTable: TCP compares with the last that shared, as that one takes addresses", "[port_table]") {
  PortTable table{PortTable::Of::tcp};
  User last{"127.0.0.1", 1000};
  User next{"0.0.0.0", 1000};
  last.reuse_port = next.reuse_port = true;
  table.take(last);
  last.reuse_port = false;
  CHECK_FALSE(table.may_have(next));  // It has to ask, and is told so.
  next.local.address = last.local.address;
  CHECK(table.may_have(next));
  next.v6_only = true;
  CHECK_FALSE(table.may_have(next));

  PortTable other_table{PortTable::Of::tcp};
  User any{"0.0.0.0", 1000};
  User plain{"::1", 1000};
  User both{"::", 1000};
  plain.family = both.family = AF_INET6;
  any.reuse_port = both.reuse_port = plain.v6_only = true;
  other_table.take(plain);
  CHECK_FALSE(other_table.may_have(both));
  other_table.take(any);
  CHECK(other_table.may_have(both));  // It is one of IPv4's any address, as far as that goes.
}

TEST_CASE("PortTable: an IPv6 address of a connection is in the way of IPv4's any address", "[port_table]") {
  for (const PortTable::Of protocol : {PortTable::Of::tcp, PortTable::Of::udp}) {
    PortTable table{protocol};
    User connected{"::1", 1000};
    connected.family = AF_INET6;
    User any{"0.0.0.0", 1000};
    User one{"127.0.0.1", 1000};
    table.take(connected);
    CHECK_FALSE(table.may_have(any));
    CHECK(table.may_have(one));
    connected.v6_only = true;  // It was bound.
    CHECK(table.may_have(any));
  }
}

TEST_CASE("PortUser: what a listener shares", "[port_table]") {
  User a{"127.0.0.1", 1000};
  User b{"127.0.0.1", 1000};
  CHECK_FALSE(a.may_share(b));
  a.reuse_address = b.reuse_address = true;
  CHECK(a.may_share(b));
  b.listens = true;
  CHECK_FALSE(a.may_share(b));
  CHECK(b.may_share(a));
  a.reuse_port = b.reuse_port = true;
  CHECK(a.may_share(b));
}

TEST_CASE("PortTable: who shares is chosen by the peer", "[port_table]") {
  std::set<std::size_t> chosen;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const IpEndpoint from{IpAddress::v4(0x7f000001), port};
    CHECK(spread(from, 3) == spread(from, 3));
    chosen.insert(spread(from, 3));
    CHECK(spread(from, 1) == 0);
  }
  CHECK(chosen == std::set<std::size_t>{0, 1, 2});
}

TEST_CASE("ByteQueue: what was taken is let go when it is more than what is left, and not before", "[byte_queue]") {
  ByteQueue queue;
  queue.push(std::string(100, 'x') + std::string(100, 'y'));
  const char* const start = queue.view().data();
  queue.pop(100);
  CHECK(queue.view().data() == start + 100);
  queue.pop(1);
  CHECK(queue.view().data() == start);
  CHECK(queue.view() == std::string(99, 'y'));
}

TEST_CASE("ByteQueue: bytes in order", "[byte_queue]") {
  ByteQueue queue;
  CHECK(queue.empty());
  queue.push("abc");
  queue.push("def");
  CHECK(queue.view() == "abcdef");
  queue.pop(2);
  CHECK(queue.view() == "cdef");
  CHECK(queue.size() == 4);
  std::memcpy(queue.extend(5), "ghi--", 5);
  queue.shrink(2);
  CHECK(queue.view() == "cdefghi");
  queue.pop(7);
  CHECK(queue.empty());
  queue.push("xyz");
  CHECK(queue.view() == "xyz");
  queue.pop(1);
  queue.clear();
  CHECK(queue.empty());
  queue.push("a");
  CHECK(queue.view() == "a");
}

TEST_CASE("Chance: the same numbers for a seed, everywhere", "[chance]") {
  using rouse::detail::Chance;
  Chance chance{1};
  CHECK(chance.next() == 0x910a2dec89025cc1);
  Chance again{1};
  CHECK(again.next() == 0x910a2dec89025cc1);
  CHECK(Chance{2}.next() != 0x910a2dec89025cc1);
  int counts[5] = {};
  for (int i = 0; i < 5000; ++i) ++counts[chance.below(5)];
  for (const int count : counts) {
    CHECK(count > 850);
    CHECK(count < 1150);
  }
  CHECK(chance.below(1) == 0);
}

TEST_CASE("Link: when bytes arrive", "[link]") {
  Link link;
  using Way = Link::Way;
  CHECK(link.arrival(Way::there, 5, 1000) == 5);
  CHECK_FALSE(link.is_partitioned());
  link.set_latency(10ns);
  CHECK(link.arrival(Way::there, 5, 1000) == 15);
  link.set_latency(3ns);
  CHECK(link.arrival(Way::there, 6, 1000) == 15);  // Nothing overtakes.
  CHECK(link.arrival(Way::back, 6, 1000) == 9);
  CHECK(link.arrival(Way::there, 20, 0) == 23);

  Link slow;
  slow.set_bandwidth(3);
  CHECK(slow.arrival(Way::there, 0, 1) == 333'333'334);
  CHECK(slow.arrival(Way::there, 0, 3) == 1'333'333'334);
  CHECK(slow.arrival(Way::back, 0, 3) == 1'000'000'000);
  slow.set_latency(1s);
  CHECK(slow.arrival(Way::there, 5'000'000'000, 6) == 8'000'000'000);
  slow.set_bandwidth(0);
  CHECK(slow.arrival(Way::there, 9'000'000'000, 6) == 10'000'000'000);

  link.set_loss({2, 7});
  CHECK(link.loss().part == 2);
  CHECK(link.loss().whole == 7);
}
