// What the server says and when it closes, on Linux and on the emulated kernel.
#include "http_world.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using namespace std::string_view_literals;
using example::get;
using example::HttpLimits;
using example::HttpWorld;
using example::post;
using example::summary;

namespace {

/// Sends all of this, reads on until the server closes, and tells what came.
template <class On>
std::string answer_to(HttpWorld<On>& world, std::string text) {
  auto& client = world.connect(std::move(text));
  CHECK(world.run_until_ended(client));
  CHECK(client.error == 0);
  world.close(client);
  return summary(client.got);
}

constexpr auto last = "Connection: close\r\n"sv;

}  // namespace

TEMPLATE_LIST_TEST_CASE("HttpServer: a response, byte for byte", "[example][http]", test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  auto& client = world.connect(get("/"));
  const std::string_view before = "HTTP/1.1 200 OK\r\nDate: ";
  const std::string_view after = "\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";
  constexpr std::size_t date = 29;
  REQUIRE(world.run_until_got(client, before.size() + date + after.size()));
  CHECK(client.got.substr(0, before.size()) == before);
  CHECK(client.got.substr(before.size() + date) == after);
  if constexpr (TestType::is_emulated) {
    CHECK(client.got.substr(before.size(), date) == "Sat, 01 Jan 2000 00:00:00 GMT");
    world.on.kernel.set_realtime(std::chrono::seconds(951'782'399));
    CHECK(answer_to(world, get("/", last)).starts_with("200"));
    auto& later = world.connect(get("/"));
    REQUIRE(world.run_until_got(later, client.got.size()));
    CHECK(later.got.substr(before.size(), date) == "Mon, 28 Feb 2000 23:59:59 GMT");
  }
}

TEMPLATE_LIST_TEST_CASE("HttpServer: answers on one connection, in the order of the requests", "[example][http]",
                        test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  CHECK(answer_to(world, get("/") + get("/bytes/5?q") + post("/echo", "abc") + get("/nobody") + get("/bytes/x") +
                             get("/echo") + post("/", "") + get("/", "", "PUT") + get("/", "", "put") + get("*") +
                             get("/", last) + get("/never")) ==
        "200 [hello]\n"
        "200 [xxxxx]\n"
        "200 [abc]\n"
        "404 [404 Not Found]\n"
        "404 [404 Not Found]\n"
        "405 Allow: POST [405 Method Not Allowed]\n"
        "405 Allow: GET, HEAD [405 Method Not Allowed]\n"
        "405 Allow: GET, HEAD, POST [405 Method Not Allowed]\n"
        "501 [501 Not Implemented]\n"
        "400 [400 Bad Request]\n"
        "200 Connection: close [hello]\n");
}

TEMPLATE_LIST_TEST_CASE("HttpServer: HEAD is GET without the body", "[example][http]", test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  CHECK(answer_to(world, get("/bytes/5", last, "HEAD")) == "200 Connection: close and 0 of 5");
  CHECK(answer_to(world, get("/echo", last, "HEAD")) == "405 Allow: POST Connection: close and 0 of 23");
}

TEMPLATE_LIST_TEST_CASE("HttpServer: what is no request is refused, and ends the connection", "[example][http]",
                        test::AllBackends) {
  HttpWorld<TestType> world{{.sizes = {.head = 200, .body = 1000}}};
  world.start();
  CHECK(answer_to(world, "GET\r\n") == "400 Connection: close [400 Bad Request]\n");
  CHECK(answer_to(world, get("/") + "nonsense\r\n" + get("/")) ==
        "200 [hello]\n400 Connection: close [400 Bad Request]\n");
  CHECK(answer_to(world, get(std::string(300, '/'))) == "414 Connection: close [414 URI Too Long]\n");
  CHECK(answer_to(world, get("/", std::string(300, 'a'))).starts_with("431 Connection: close"));
  CHECK(answer_to(world, get("/", "Transfer-Encoding: chunked\r\n")).starts_with("501 Connection: close"));
  // It is sent a lot that it does not read: the refusal arrives all the same, and no reset.
  CHECK(answer_to(world, post("/echo", std::string(300'000, 'x'))) ==
        "413 Connection: close [413 Content Too Large]\n");
}

TEMPLATE_LIST_TEST_CASE("HttpServer: HTTP/1.0", "[example][http]", test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  CHECK(answer_to(world, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n") ==
        "200 Connection: keep-alive [hello]\n200 Connection: close [hello]\n");
}

TEMPLATE_LIST_TEST_CASE("HttpServer: tells who asks first that the body may come", "[example][http]",
                        test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  auto& client = world.connect(get("/echo", "Content-Length: 3\r\nExpect: 100-continue\r\n", "POST"));
  const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  REQUIRE(world.run_until_got(client, go_on.size()));
  CHECK(client.got == go_on);
  client.got.clear();
  world.say(client, "abc" + get("/", last));
  REQUIRE(world.run_until_ended(client));
  CHECK(summary(client.got) == "200 [abc]\n200 Connection: close [hello]\n");
}

TEMPLATE_LIST_TEST_CASE("HttpServer: answers a client that asks no more", "[example][http]", test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  auto& client = world.connect(get("/") + get("/bytes/3") + "GET /half");
  REQUIRE(world.run_until([&] { return !client.got.empty(); }));
  client.stream.shutdown(ShutdownHow::write);
  REQUIRE(world.run_until_ended(client));
  CHECK(summary(client.got) == "200 [hello]\n200 [xxx]\n");
  CHECK(client.error == 0);
  CHECK(world.server().connections() == 0);
}

TEMPLATE_LIST_TEST_CASE("HttpServer: who asks faster than he reads is slowed down, and loses nothing",
                        "[example][http]", test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  auto& client = world.connect();
  world.set_reading(client, false);
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    world.say(client, get("/bytes/" + std::to_string(50'000 + i)));
    expected += "200 [" + std::to_string(50'000 + i) + "]\n";
  }
  world.say(client, get("/", last));
  world.run_for(50ms);
  CHECK(client.got.empty());
  world.set_reading(client, true);
  REQUIRE(world.run_until_ended(client));
  CHECK(summary(client.got) == expected + "200 Connection: close [hello]\n");
}

TEMPLATE_LIST_TEST_CASE("HttpServer: clients that break off do not hurt others", "[example][http]", test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  auto& rude = world.connect(get("/bytes/9000000"));
  auto& ruder = world.connect(get("/bytes/9000000"));
  REQUIRE(world.run_until([&] { return rude.got.size() > 1000 && ruder.got.size() > 1000; }));
  world.close(rude);
  world.close(ruder, true);
  CHECK(answer_to(world, get("/", last)) == "200 Connection: close [hello]\n");
  CHECK(world.run_until([&] { return world.server().connections() == 0; }));
  CHECK(world.server().served() == 3);
}

TEMPLATE_LIST_TEST_CASE("HttpServer: a site that throws is an internal error", "[example][http]", test::AllBackends) {
  HttpWorld<TestType> world;
  world.start(Ipv4::loopback(0),
              [](const example::HttpRequest&) -> example::HttpResponse { throw std::runtime_error("no"); });
  CHECK(answer_to(world, get("/") + get("/", last)) ==
        "500 [500 Internal Server Error]\n500 Connection: close [500 Internal Server Error]\n");
}

TEMPLATE_LIST_TEST_CASE("HttpServer: IPv6, and several addresses", "[example][http]", test::AllBackends) {
  HttpWorld<TestType> world;
  std::error_code ec;
  using Listener = BasicTcpListener<typename TestType::Backend>;
  static_cast<void>(Listener::bind(world.on.backend, Ipv6::loopback(0), {}, ec));
  if (ec) return;  // A machine without IPv6.
  world.start(Ipv6::loopback(0));
  const Ip other = world.server().listen(Ipv4::loopback(0));
  CHECK(answer_to(world, get("/", last)) == "200 Connection: close [hello]\n");
  auto& client = world.connect_to(other, get("/", last));
  REQUIRE(world.run_until_ended(client));
  CHECK(summary(client.got) == "200 Connection: close [hello]\n");
}

TEMPLATE_LIST_TEST_CASE("HttpServer: has no more connections than it is to have", "[example][http]",
                        test::AllBackends) {
  HttpWorld<TestType> world{{.connections = 2}};
  world.start();
  auto& first = world.connect(get("/"));
  auto& second = world.connect(get("/"));
  auto& third = world.connect(get("/", last));
  REQUIRE(world.run_until([&] { return !first.got.empty() && !second.got.empty(); }));
  // It waits in the backlog.
  world.run_for(250ms);
  CHECK(third.got.empty());
  CHECK_FALSE(world.server().is_accepting());
  world.close(first);
  REQUIRE(world.run_until_ended(third));
  CHECK(summary(third.got) == "200 Connection: close [hello]\n");
  CHECK(world.server().served() == 3);
}

// -- the end

namespace {

template <class On>
void send_sigterm(HttpWorld<On>& world) {
  REQUIRE(world.on.backend.kill(world.on.backend.getpid().value(), SIGTERM).ok());
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("HttpServer: on SIGTERM finishes what is in flight, and ends", "[example][http][signal]",
                        test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  auto& idle = world.connect(get("/"));
  auto& asking = world.connect("GET / HT");
  auto& reading = world.connect(get("/bytes/9000000"));
  auto& silent = world.connect();
  world.set_reading(reading, false);
  REQUIRE(world.run_until([&] { return world.server().served() == 4 && !idle.got.empty(); }));
  world.run_for(10ms);
  // Its request is there, but nobody has looked yet; and this one's connection as well.
  send_sigterm(world);
  world.say(silent, get("/") + get("/bytes/1"));
  auto& waiting = world.connect(get("/bytes/2"));
  REQUIRE(world.run_until_ended(idle));
  REQUIRE(world.run_until_ended(silent));
  REQUIRE(world.run_until_ended(waiting));
  CHECK(summary(idle.got) == "200 [hello]\n");
  CHECK(summary(silent.got) == "200 [hello]\n200 Connection: close [x]\n");
  CHECK(summary(waiting.got) == "200 Connection: close [xx]\n");
  CHECK(world.server().is_stopping());
  auto& late = world.connect();
  CHECK(world.run_until_ended(late));
  CHECK(late.error == ECONNREFUSED);

  CHECK_FALSE(world.server().is_over());
  world.say(asking, "TP/1.1\r\nHost: a\r\n\r\n");
  world.set_reading(reading, true);
  REQUIRE(world.run_until_ended(asking));
  REQUIRE(world.run_until_ended(reading));
  CHECK(summary(asking.got) == "200 Connection: close [hello]\n");
  CHECK(summary(reading.got) == "200 [9000000]\n");
  for (auto* const client : {&idle, &asking, &reading, &silent, &waiting}) {
    CHECK(client->error == 0);
    world.close(*client);
  }
  world.server().run();
  CHECK(world.server().cut_off() == 0);
}

TEMPLATE_LIST_TEST_CASE("HttpServer: a second SIGTERM ends it at once", "[example][http][signal]", test::AllBackends) {
  HttpWorld<TestType> world;
  world.start();
  auto& client = world.connect("GET /");
  REQUIRE(world.run_until([&] { return world.server().connections() == 1; }));
  world.run_for(10ms);
  send_sigterm(world);
  REQUIRE(world.run_until([&] { return world.server().is_stopping(); }));
  CHECK(world.server().connections() == 1);
  send_sigterm(world);
  world.server().run();
  CHECK(world.server().cut_off() == 1);
  REQUIRE(world.run_until_ended(client));
  CHECK(client.error == ECONNRESET);
}
