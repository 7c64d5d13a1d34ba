// The server and its clients on different machines, and what networks do to them: slow links, partitions, resets,
// clients that take their time. On virtual time, so that limits are met to the nanosecond, and hours take no time.
#include "http_world.hpp"

#include <ctime>

using namespace rouse;
using namespace std::chrono_literals;
using namespace std::string_view_literals;
using example::get;
using example::HttpLimits;
using example::post;
using example::summary;

namespace {

/// A server, and clients on a machine of their own. What is sent takes no time unless the link is told otherwise.
struct World : example::HttpWorld<test::OnEmulated> {
  explicit World(const HttpLimits& limits = {}, const char* address = "[fd00::1]:8080") : HttpWorld(limits) {
    const kernel::InNamespace here{on.kernel, server_machine};
    start(*Ip::parse(address));
  }

  [[nodiscard]] kernel::Link& link() { return on.kernel.network.link(server_machine, client_machine); }
  void set_partitioned(bool partitioned) {
    on.kernel.network.set_partitioned(server_machine, client_machine, partitioned);
  }
  /// The time since the test began; and when this client's connection ended.
  [[nodiscard]] std::chrono::nanoseconds now() const { return clock.now().time_since_epoch(); }
  [[nodiscard]] static std::chrono::nanoseconds end_of(const Client& client) {
    return client.ended_at.value().time_since_epoch();
  }

  kernel::NetNamespace& server_machine = on.kernel.network.add("server", {"10.0.0.1", "fd00::1"});
  kernel::NetNamespace& client_machine = on.kernel.network.add("client", {"10.0.0.2", "fd00::2"});
  /// Clients are made here; the server's connections are where its listener is.
  kernel::InNamespace there{on.kernel, client_machine};
};

}  // namespace

TEST_CASE("HttpServer in a network: latency and bandwidth add up", "[example][http][network]") {
  World world{{}, GENERATE("10.0.0.1:8080", "[fd00::1]:8080")};
  world.link().set_latency(10ms);
  auto& client = world.connect(get("/"));
  REQUIRE(world.run_until_got(client, 1));
  // There and back to connect, there and back to ask.
  CHECK(world.now() == 40ms);
  CHECK(summary(client.got) == "200 [hello]\n");
  client.got.clear();
  world.link().set_bandwidth(1'000'000);
  world.say(client, get("/bytes/1000000", "Connection: close\r\n"));
  REQUIRE(world.run_until_ended(client));
  CHECK(summary(client.got) == "200 Connection: close [1000000]\n");
  CHECK(world.now() > 1060ms);
  CHECK(world.now() < 1200ms);
}

TEST_CASE("HttpServer in a network: an idle connection is closed to the nanosecond", "[example][http][network]") {
  World world{{.idle = 60s}};
  world.link().set_latency(5ms);
  auto& silent = world.connect();
  auto& once = world.connect(get("/"));
  auto& again = world.connect(get("/"));
  REQUIRE(world.run_until([&] { return world.server().connections() == 3; }));
  // The connection stands when the handshake has come back: 15 ms.
  CHECK(world.now() == 15ms);
  world.run_for(30s - 15ms);
  world.say(again, get("/"));
  REQUIRE(world.run_until_ended(silent));
  CHECK(World::end_of(silent) == 15ms + 60s + 5ms);
  REQUIRE(world.run_until_ended(once));
  CHECK(World::end_of(once) == 15ms + 60s + 5ms);
  CHECK(world.server().connections() == 1);
  REQUIRE_FALSE(world.run_until([&] { return world.server().connections() == 0; }, 30s - 10ms - 6ms));
  CHECK(world.now() == 30s + 60s + 4ms);
  world.run_for(1ms - 1ns);
  CHECK(world.server().connections() == 1);
  world.run_for(1ns);
  CHECK(world.server().connections() == 0);
  REQUIRE(world.run_until_ended(again));
  CHECK(World::end_of(again) == 30s + 5ms + 60s + 5ms);
  CHECK(summary(again.got) == "200 [hello]\n200 [hello]\n");
  CHECK(summary(silent.got).empty());
  for (auto* const client : {&silent, &once, &again}) CHECK(client->error == 0);
}

TEST_CASE("HttpServer in a network: who never comes to the end of a request is told so", "[example][http][network]") {
  World world{{.request = 20s}};
  const auto text = GENERATE_COPY(get("/"), post("/echo", std::string(1000, 'x')));
  auto& slow = world.connect();
  world.run_for(7s);
  for (std::size_t i = 0; !slow.ended_at && i < text.size(); ++i) {
    world.say(slow, text.substr(i, 1));
    world.run_for(900ms);
  }
  // Twenty seconds from the first byte on, however many came.
  CHECK(World::end_of(slow) == 7s + 20s);
  CHECK(summary(slow.got) == "408 Connection: close [408 Request Timeout]\n");
  CHECK(slow.error == 0);
  // It does not close, and is not waited for any longer than this.
  world.run_for(29s - 1ns - world.now());
  CHECK(world.server().connections() == 1);
  world.run_for(1ns);
  CHECK(world.server().connections() == 0);
}

TEST_CASE("HttpServer in a network: a slow request that comes in time is answered", "[example][http][network]") {
  World world{{.request = 20s}};
  const std::string text = get("/") + get("/bytes/1");
  auto& slow = world.connect();
  for (const char byte : text) {
    world.say(slow, std::string(1, byte));
    world.run_for(20s / get("/bytes/1").size());
  }
  CHECK(summary(slow.got) == "200 [hello]\n200 [x]\n");
}

TEST_CASE("HttpServer in a network: who reads slowly is waited for as long as he reads", "[example][http][network]") {
  World world{{.sending = 30s}};
  auto& slow = world.connect(get("/bytes/4000000"));
  auto& stuck = world.connect(get("/bytes/4000000"));
  world.set_reading(slow, false);
  world.set_reading(stuck, false);
  world.run_for(30s - 1ns);
  CHECK(world.server().connections() == 2);
  world.set_reading(slow, true);
  for (std::size_t n = 1'000'000; n <= 4'000'000; n += 1'000'000) {
    // As much as makes the window open again, then a pause.
    REQUIRE(world.run_until_got(slow, n));
    world.set_reading(slow, false);
    world.run_for(29s);
    world.set_reading(slow, true);
  }
  world.run_for(0ns);
  CHECK(summary(slow.got) == "200 [4000000]\n");
  CHECK(world.now() > 2min);
  // The other one was cut off, and what it left unread is dropped.
  CHECK(world.server().connections() == 1);
  world.set_reading(stuck, true);
  REQUIRE(world.run_until_ended(stuck));
  CHECK(stuck.error == ECONNRESET);
}

TEST_CASE("HttpServer in a network: a partition in the middle of a response heals", "[example][http][network]") {
  World world;
  world.link().set_latency(10ms);
  world.link().set_bandwidth(1'000'000);
  auto& client = world.connect(get("/bytes/3000000"));
  REQUIRE(world.run_until_got(client, 1'000'000));
  world.set_partitioned(true);
  world.run_for(20s);
  const std::size_t before = client.got.size();
  CHECK(before < 1'200'000);
  world.run_for(5s);
  CHECK(client.got.size() == before);
  world.set_partitioned(false);
  REQUIRE(world.run_until([&] { return client.got.size() > 3'000'000; }, 2min));
  CHECK(summary(client.got) == "200 [3000000]\n");
  CHECK(world.server().connections() == 1);
}

TEST_CASE("HttpServer in a network: a partition that lasts ends the connection", "[example][http][network]") {
  World world{{.sending = 30s}};
  world.link().set_latency(10ms);
  world.link().set_bandwidth(1'000'000);
  auto& client = world.connect(get("/bytes/3000000"));
  REQUIRE(world.run_until_got(client, 1'000'000));
  world.set_partitioned(true);
  world.run_for(31s);
  CHECK(world.server().connections() == 0);
  // The reset never came. What the client says next is answered by one.
  world.set_partitioned(false);
  CHECK_FALSE(client.ended_at);
  world.say(client, get("/"));
  REQUIRE(world.run_until_ended(client));
  CHECK(client.error == ECONNRESET);
}

TEST_CASE("HttpServer in a network: connections that are reset are forgotten, in every phase",
          "[example][http][network]") {
  World world;
  auto& idle = world.connect(get("/"));
  auto& asking = world.connect("GET");
  auto& reading = world.connect(get("/bytes/4000000"));
  auto& refused = world.connect("\n");
  world.set_reading(reading, false);
  world.run_for(1s);
  CHECK(world.server().connections() == 4);
  world.on.kernel.network.reset_connections(world.server_machine, world.client_machine);
  world.set_reading(reading, true);
  world.run_for(0ns);
  CHECK(world.server().connections() == 0);
  for (auto* const client : {&idle, &asking, &reading}) CHECK(client->error == ECONNRESET);
  CHECK(summary(refused.got) == "400 Connection: close [400 Bad Request]\n");
  auto& next = world.connect(get("/", "Connection: close\r\n"));
  REQUIRE(world.run_until_ended(next));
  CHECK(summary(next.got) == "200 Connection: close [hello]\n");
}

TEST_CASE("HttpServer in a network: out of fds it does not spin, and accepts again once there are some",
          "[example][http][network]") {
  World world;
  auto& first = world.connect(get("/"));
  REQUIRE(world.run_until_got(first, 1));
  auto& second = world.connect();
  world.on.kernel.limits.nofile_soft = 3;
  world.run_for(50ms);
  CHECK_FALSE(world.server().is_accepting());
  CHECK(world.server().served() == 1);
  world.say(second, get("/"));
  SECTION("a connection ends") {
    world.close(first);
    world.on.kernel.limits.nofile_soft = 1024;
    world.run_for(0ns);
    CHECK(world.server().served() == 2);
  }
  SECTION("somebody else's fds were closed") {
    world.on.kernel.limits.nofile_soft = 1024;
    world.run_for(50ms - 1ns);
    CHECK(world.server().served() == 1);
    world.run_for(1ns);
    CHECK(world.server().served() == 2);
  }
  CHECK(summary(second.got) == "200 [hello]\n");
  CHECK(world.server().is_accepting());
}

TEST_CASE("HttpServer in a network: at the end, what has come but was not read yet is answered as well",
          "[example][http][network]") {
  World world;
  world.link().set_latency(10ms);
  auto& client = world.connect_unreading(get("/bytes/200000"));
  world.run_for(1s);
  // So much is unsent that this stays in the server's socket for the time being.
  world.say(client, get("/"));
  world.run_for(1s);
  REQUIRE(world.on.backend.kill(world.on.backend.getpid().value(), SIGTERM).ok());
  world.run_for(1s);
  CHECK(world.server().is_stopping());
  CHECK(world.server().connections() == 1);
  world.set_reading(client, true);
  REQUIRE(world.run_until_ended(client));
  CHECK(client.error == 0);
  CHECK(summary(client.got) == "200 [200000]\n200 Connection: close [hello]\n");
  world.close(client);
  world.server().run();
  CHECK(world.server().cut_off() == 0);
}

TEST_CASE("HttpServer in a network: the grace time-out ends what does not end", "[example][http][network]") {
  World world{{.grace = 10s}};
  auto& client = world.connect("GET /");
  world.run_for(1s);
  REQUIRE(world.on.backend.kill(world.on.backend.getpid().value(), SIGTERM).ok());
  world.server().run();
  CHECK(world.now() == 11s);
  CHECK(world.server().cut_off() == 1);
  REQUIRE(world.run_until_ended(client));
  CHECK(client.error == ECONNRESET);
}

TEST_CASE("HttpServer in a network: an hour, with clients of all kinds", "[example][http][network]") {
  const std::clock_t started = std::clock();
  World world;
  // The other cases have the kernel's invariants checked; this one is for the time it takes.
  world.on.kernel.check_every_call(nullptr);
  world.link().set_latency(20ms);
  world.link().set_bandwidth(10'000'000);
  auto& steady = world.connect();
  std::size_t asked = 0;
  std::string expected;
  for (int minute = 0; minute < 60; ++minute) {
    // One that asks every 30 s; one that connects and says nothing; one that sends a byte every second; one that asks
    // for more than it reads; one that goes without a word, or with a reset.
    auto& silent = world.connect();
    auto& slow = world.connect();
    auto& stuck = world.connect_unreading(get("/bytes/200000"));
    auto& rude = world.connect(get("/bytes/20000"));
    for (int second = 0; second < 60; ++second) {
      if (second % 30 == 0) {
        world.say(steady, get("/bytes/" + std::to_string(++asked)));
        expected += "200 [" + (asked > 40 ? std::to_string(asked) : std::string(asked, 'x')) + "]\n";
      }
      if (second == 1) world.close(rude, minute % 2 == 0);
      if (!slow.ended_at) world.say(slow, "x");
      world.run_for(1s);
    }
    CHECK_FALSE(silent.ended_at);
    world.set_reading(stuck, true);
    REQUIRE(world.run_until_ended(stuck));
    CHECK(stuck.error == ECONNRESET);
    CHECK(slow.ended_at);
    CHECK(summary(slow.got) == "408 Connection: close [408 Request Timeout]\n");
  }
  CHECK(world.now() >= 1h);
  world.run_for(20s);
  CHECK(world.server().connections() == 1);
  CHECK(world.server().served() == 1 + 60 * 4);
  CHECK(summary(steady.got) == expected);
  // A tenth of a second or two of this processor's time. Sanitizers take their share.
  const double seconds = static_cast<double>(std::clock() - started) / CLOCKS_PER_SEC;
  INFO("in seconds: " << seconds);
  CHECK(seconds < 5);
}
