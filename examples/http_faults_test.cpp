// The HTTP server among things that go wrong: each call of a visit fails once in every way it may, and visits under
// random schedules with random faults. Whatever happens, a response that is whole is right, the server ends when it is
// told to, and nothing is left open.
//
// ROUSE_HTTP_RUNS says how many random runs to make.
#include "../tests/support/catch.hpp"
#include "http_server.hpp"
#include "http_site.hpp"
#include "http_world.hpp"
#include <rouse/catch2.hpp>
#include <rouse/sim/for_each_fault.hpp>
#include <rouse/sim/thread.hpp>

#include <cstdlib>
#include <string>
#include <system_error>

using namespace rouse;
using namespace std::chrono_literals;
using example::get;
using example::HttpServer;
using example::post;
using example::summary;

namespace {

/// Says this, and hears what comes until the connection ends; whatever goes wrong ends it, too.
std::string visit(EmulatedBackend backend, const Ip& address, const std::string& text) {
  std::string got;
  try {
    auto stream = BasicTcpStream<EmulatedBackend>::connect(backend, address);
    stream.send(text);
    char buffer[1024];
    while (const std::size_t n = stream.receive(buffer)) got.append(buffer, n);
  } catch (const std::system_error&) {
    // It has got what it has got.
  }
  return got;
}

void require_beginning(const std::string& whole, const std::string& got) {
  // What is cut off in the middle of a response is no response; all that is whole is as it should be.
  const std::string told = summary(got);
  std::string responses = told.substr(0, told.rfind('\n') + 1);
  // Who took too long is told so at the end.
  if (const auto late = responses.rfind("408 "); late != responses.npos) responses.resize(late);
  if (!whole.starts_with(responses)) throw std::logic_error("a wrong response: " + told);
}

/// A server, two clients, and SIGTERM when they are gone.
void serve_and_stop(sim::World& world) {
  const EmulatedBackend backend = world.backend();
  try {
    const BasicSignalBlock<EmulatedBackend> everywhere{backend, SignalSet::of(SIGTERM)};
    HttpServer<EmulatedBackend> server{
        backend, example::demo_site, {.idle = 1s, .request = 1s, .sending = 1s, .linger = 1s, .grace = 1s}};
    const Ip address = server.listen(Ipv4::loopback(8080));
    std::string first, second;
    sim::thread clients{[&] {
      sim::thread other{
          [&] { second = visit(backend, address, post("/echo", std::string(3000, 'x'), "Connection: close\r\n")); }};
      first = visit(backend, address, get("/") + get("/nowhere", "Connection: close\r\n"));
      other.join();
      while (backend.kill(kernel::process_id, SIGTERM).error() != 0) {
      }
    }};
    try {
      server.run();
    } catch (const std::system_error& error) {
      clients.join();
      struct ::sigaction nothing {};
      nothing.sa_handler = SIG_IGN;
      static_cast<void>(backend.sigaction(SIGTERM, &nothing, nullptr));  // Nobody is there to take it.
      throw std::logic_error(std::string{"the server gave up: "} + error.what());
    }
    clients.join();
    require_beginning("200 [hello]\n404 Connection: close [404 Not Found]\n", first);
    require_beginning("200 Connection: close [3000]\n", second);
  } catch (const std::system_error&) {
    // It did not even begin: for want of fds or memory, or as the port was taken.
  }
}

std::uint64_t runs() {
  const char* const text = std::getenv("ROUSE_HTTP_RUNS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 1'000;
}

}  // namespace

TEST_CASE("HttpServer: survives everything that may go wrong with one call", "[example][http][faults]") {
  const sim::FaultExploration all = sim::for_each_fault(serve_and_stop);
  INFO(all.fault);
  if (all.failure) FAIL(all.failure->text);
  CHECK(all.calls > 40);
  CHECK(all.runs > 150);
}

TEST_CASE("HttpServer: survives random schedules with faults", "[example][http][faults]") {
  const auto test = [](sim::World& world) {
    FaultPlan& faults = world.faults();
    faults.on(CallSet::transfers).one_in(20, Fault::short_count(1));
    faults.on(CallSet::reads | CallSet::writes | Call::accept4).one_in(40, Fault::not_ready());
    faults.on(CallSet::waits).one_in(20, Fault::error(EINTR));
    faults.on(CallSet::reads).of_kind("tcp socket").one_in(60, Fault::error(ECONNRESET));
    faults.on(CallSet::writes).of_kind("tcp socket").one_in(60, Fault::error(EPIPE));
    faults.on(Call::accept4).one_in(10, Fault::error(EMFILE));
    faults.on(Call::accept4).one_in(10, Fault::error(ECONNABORTED));
    faults.on(Call::epoll_ctl).one_in(20, Fault::error(ENOMEM));
    faults.on(Call::setsockopt).one_in(20, Fault::error(ENOBUFS));
    faults.on(CallSet::all).one_in(200, Fault::delay(700ms));
    serve_and_stop(world);
  };
  sim::Mixed policy{1};
  const sim::Exploration exploration = sim::explore(policy, {.runs_max = runs()}, test);
  if (exploration.failure) FAIL(exploration.failure->text << "\n" << exploration.failure->schedule.text());
  CHECK(exploration.runs == runs());
}
