// Edge-triggered reports: one for every wakeup that says what was asked for, if it holds when a wait looks.
#include "../support/edges.hpp"
#include "../support/events.hpp"
#include "../support/sigpipe.hpp"
#include "../support/wake_keys.hpp"

#include <functional>

using namespace rouse;
using namespace std::literals;
using test::Edges;
using test::Events;
using test::Handles;
using test::reported;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags out = EventFlags::out;
constexpr EventFlags pri = EventFlags::pri;
constexpr EventFlags et = EventFlags::et;
constexpr EventFlags none{};

/// What is done, and what each mask reports then.
struct Step {
  const char* what;
  std::function<void()> act;
  const char* reports;
};

template <class On>
void follow(Edges<On>& edges, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    CAPTURE(step.what);
    step.act();
    CHECK(edges.take() == step.reports);
  }
}

/// Sends all of it at once.
void send(auto& socket, std::string_view bytes) { CHECK(socket.try_send(bytes) == bytes.size()); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("Edge: every write of an eventfd says in, every read says out", "[epoll][edge]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend};
  auto dup = event.duplicate();
  std::error_code ec;
  const auto write_bytes = [&](std::size_t n) {
    const char bytes[16] = {};
    CHECK(on.backend.write(event.fd(), bytes, n).error() == EINVAL);
  };
  Edges edges{on, event.fd(), {in, out, in | out, EventFlags::rdnorm | EventFlags::wrnorm, none}};
  follow(edges, {
                    {"the first write", [&] { event.write(1); }, "in - in|out - -"},
                    {"a write when readable", [&] { event.write(1); }, "in - in|out - -"},
                    {"a write of 0 when readable", [&] { event.write(0); }, "in - in|out - -"},
                    {"a read", [&] { event.drain(); }, "- out out - -"},
                    {"a read of nothing", [&] { event.drain(); }, "- - - - -"},
                    {"a write of 0 when empty", [&] { event.write(0); }, "- - out - -"},
                    {"two writes", [&] { event.write(1), event.write(1); }, "in - in|out - -"},
                    {"a write and a read", [&] { event.write(1), event.drain(); }, "- out out - -"},
                    {"a write to the brim", [&] { event.write(event_fd_max); }, "in - in - -"},
                    {"a write that does not fit", [&] { CHECK_FALSE(event.try_write(1)); }, "- - - - -"},
                    {"a write of 0 at the brim", [&] { event.write(0); }, "in - in - -"},
                    {"a write of too much", [&] { event.write(~0ull, ec); }, "- - - - -"},
                    {"a write of the wrong size", [&] { write_bytes(4), write_bytes(16); }, "- - - - -"},
                    {"a read at the brim", [&] { event.drain(); }, "- out out - -"},
                    {"the end of a duplicate", [&] { dup.close(); }, "- - - - -"},
                });
}

TEMPLATE_LIST_TEST_CASE("Edge: a semaphore says out for every one that is taken", "[epoll][edge]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::EventFd event{on.backend, 2, EventFdFlags::semaphore | EventFdFlags::nonblock};
  Edges edges{on, event.fd(), {in, out, in | out}};
  follow(edges, {
                    {"the first", [&] { CHECK(event.try_read() == 1u); }, "- out in|out"},
                    {"the last", [&] { CHECK(event.try_read() == 1u); }, "- out out"},
                    {"none", [&] { CHECK_FALSE(event.try_read()); }, "- - -"},
                });
}

TEMPLATE_LIST_TEST_CASE("Edge: every write to a pipe says in to its reader, also one that found it full",
                        "[epoll][edge]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  auto second_writer = pipe.writer.duplicate();
  const auto read = [&](std::size_t n) {
    std::string bytes(n, '\0');
    CHECK(pipe.reader.try_read(bytes) == n);
  };
  const auto fill = [&] {
    const std::string page(4096, 'x');
    while (pipe.writer.try_write(page)) {
    }
  };
  Edges edges{on, pipe.reader.fd(), {in, in | out, EventFlags::rdnorm, pri, none}};
  follow(edges,
         {
             {"the first write", [&] { pipe.writer.write("abc"sv); }, "in in rdnorm - -"},
             {"a write when readable", [&] { pipe.writer.write("def"sv); }, "in in rdnorm - -"},
             {"a write of nothing", [&] { pipe.writer.write(""sv); }, "- - - - -"},
             {"a read of a part", [&] { read(2); }, "- - - - -"},
             {"a read of the rest", [&] { read(4); }, "- - - - -"},
             {"a read of nothing", [&] { read(0); }, "- - - - -"},
             {"writes until it is full", [&] { fill(); }, "in in rdnorm - -"},
             {"a write that does not fit", [&] { CHECK_FALSE(pipe.writer.try_write("x"sv)); }, "in in rdnorm - -"},
             {"the end of one writer", [&] { second_writer.close(); }, "- - - - -"},
             {"the end of the last", [&] { pipe.writer.close(); }, "in|hup in|hup hup|rdnorm hup hup"},
             {"a read after that", [&] { read(65536); }, "- - - - -"},
             {"a read at the end", [&] { read(0); }, "- - - - -"},
         });
  typename Handles<TestType>::Pipe empty{on.backend};
  Edges of_empty{on, empty.reader.fd(), {in, pri, none}};
  follow(of_empty, {{"the end of the last writer", [&] { empty.writer.close(); }, "hup hup hup"}});
}

TEMPLATE_LIST_TEST_CASE("Edge: a pipe says out to its writer when it stops being full", "[epoll][edge]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  auto second_reader = pipe.reader.duplicate();
  const auto read = [&](std::size_t n) {
    std::string bytes(n, '\0');
    CHECK(pipe.reader.try_read(bytes) == n);
  };
  const auto fill = [&] {
    const std::string page(4096, 'x');
    while (pipe.writer.try_write(page)) {
    }
  };
  Edges edges{on, pipe.writer.fd(), {out, in | out, EventFlags::wrnorm, pri, none}};
  std::error_code ec;
  follow(edges, {
                    {"a write", [&] { pipe.writer.write("abc"sv); }, "- - - - -"},
                    {"a read of all", [&] { read(3); }, "- - - - -"},
                    {"writes until it is full", [&] { fill(); }, "- - - - -"},
                    {"a write that does not fit", [&] { CHECK_FALSE(pipe.writer.try_write("x"sv)); }, "- - - - -"},
                    {"a read of a part of a page", [&] { read(4095); }, "- - - - -"},
                    {"a read of the rest of it", [&] { read(1); }, "out out wrnorm - -"},
                    {"a read of another page", [&] { read(4096); }, "- - - - -"},
                    {"full again, and a read of two", [&] { fill(), read(8192); }, "out out wrnorm - -"},
                    {"full again, and a read of all", [&] { fill(), read(65536); }, "out out wrnorm - -"},
                    {"the end of one reader", [&] { second_reader.close(); }, "- - - - -"},
                    {"the end of the last", [&] { pipe.reader.close(); }, "out|err out|err err|wrnorm err err"},
                    {"a write after that", [&] { pipe.writer.write("x"sv, ec); }, "- - - - -"},
                });
  CHECK(ec.value() == EPIPE);
  typename Handles<TestType>::Pipe full{on.backend};
  while (full.writer.try_write(std::string(4096, 'x'))) {
  }
  Edges of_full{on, full.writer.fd(), {out, pri, none}};
  follow(of_full, {{"the end of the last reader", [&] { full.reader.close(); }, "err err err"}});
}

TEMPLATE_LIST_TEST_CASE("Edge: every send to a unix socket says in, and every chunk its peer takes says out",
                        "[epoll][edge]", test::AllBackends) {
  TestType on;
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  auto& socket = ends.first;
  auto& peer = ends.second;
  const auto receive = [](auto& from, std::size_t n, MessageFlags flags = {}) {
    std::string bytes(n, '\0');
    CHECK(from.try_receive(bytes, flags) == n);
  };
  const auto fill = [&] {
    while (socket.try_send(std::string(1000, 'x'))) {
    }
  };
  Edges edges{on, socket.fd(), {in, out, in | out, pri | out, EventFlags::rdhup, none}};
  follow(edges, {
                    {"the first send", [&] { send(peer, "abc"sv); }, "in - in|out out - -"},
                    {"a send when readable", [&] { send(peer, "def"sv); }, "in - in|out out - -"},
                    {"a send of nothing", [&] { send(peer, ""sv); }, "- - - - - -"},
                    {"a peek", [&] { receive(socket, 6, MessageFlags::peek); }, "- - - - - -"},
                    {"a read of a part", [&] { receive(socket, 2); }, "- - - - - -"},
                    {"a read of the rest", [&] { receive(socket, 4); }, "- - - - - -"},
                    {"a send of its own", [&] { send(socket, "abc"sv); }, "- - - - - -"},
                    {"the peer reads a part", [&] { receive(peer, 1); }, "- - - - - -"},
                    {"the peer peeks", [&] { receive(peer, 2, MessageFlags::peek); }, "- - - - - -"},
                    {"the peer reads the rest", [&] { receive(peer, 2); }, "- out out out - -"},
                    {"sends until it is full", [&] { fill(); }, "- - - - - -"},
                    {"the peer reads a chunk of many", [&] { receive(peer, 1000); }, "- - - - - -"},
                    {"the peer reads most", [&] { receive(peer, 80000); }, "- out out out - -"},
                    {"the peer's chunk when readable",
                     [&] {
                       send(peer, "abc"sv);
                       receive(peer, 1000);
                       receive(socket, 3);
                     },
                     "- out out out - -"},
                });
}

TEMPLATE_LIST_TEST_CASE("Edge: every shutdown of a unix socket tells both ends, whatever they asked for",
                        "[epoll][edge]", test::AllBackends) {
  TestType on;
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  auto& socket = ends.first;
  auto& peer = ends.second;
  Edges edges{on, socket.fd(), {in, out, in | out, EventFlags::rdhup, none}};
  Edges of_peer{on, peer.fd(), {in, out, EventFlags::rdhup, none}};
  struct Row {
    bool by_peer;
    ShutdownHow how;
    const char* reports;
    const char* peer_reports;
  };
  const auto how_read = ShutdownHow::read;
  const auto how_write = ShutdownHow::write;
  for (const Row& row : {
           Row{true, how_read, "- out out - -", "in out rdhup -"},
           Row{true, how_read, "- out out - -", "in out rdhup -"},
           Row{false, how_write, "- out out - -", "in out rdhup -"},
           Row{true, how_write, "in|hup out|hup in|out|hup hup|rdhup hup", "in|hup out|hup hup|rdhup hup"},
           Row{true, ShutdownHow::both, "in|hup out|hup in|out|hup hup|rdhup hup", "in|hup out|hup hup|rdhup hup"},
       }) {
    CAPTURE(row.by_peer, static_cast<int>(row.how));
    (row.by_peer ? peer : socket).shutdown(row.how);
    CHECK(edges.take() == row.reports);
    CHECK(of_peer.take() == row.peer_reports);
  }
}

TEMPLATE_LIST_TEST_CASE("Edge: a unix socket hangs up when its peer is closed, and says so once", "[epoll][edge]",
                        test::AllBackends) {
  TestType on;
  const bool loses_bytes = GENERATE(false, true);
  CAPTURE(loses_bytes);
  auto ends = Handles<TestType>::Socket::pair(on.backend);
  auto& socket = ends.first;
  auto& peer = ends.second;
  auto second = peer.duplicate();
  if (loses_bytes) send(socket, "unread"sv);
  send(peer, "abc"sv);
  Edges edges{on, socket.fd(), {in, out, EventFlags::rdhup, none}};
  std::error_code ec;
  std::string bytes(3, '\0');
  follow(edges, {
                    {"the end of a duplicate", [&] { peer.close(); }, "- - - -"},
                    {"the end of the last", [&] { second.close(); },
                     loses_bytes ? "in|err|hup out|err|hup err|hup|rdhup err|hup" : "in|hup out|hup hup|rdhup hup"},
                    {"a send after that", [&] { CHECK_FALSE(socket.try_send("x"sv, {}, ec)); }, "- - - -"},
                    {"a read of what is left", [&] { CHECK(socket.try_receive(bytes) == 3); }, "- - - -"},
                    {"asking for the error", [&] { CHECK((socket.take_error() != 0) == loses_bytes); }, "- - - -"},
                });
  CHECK(ec.value() == EPIPE);
}

TEMPLATE_LIST_TEST_CASE("Edge: an inner epoll says in when something in it is told something", "[epoll][edge][nesting]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll inner{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::EventFd second{on.backend};
  typename Handles<TestType>::EventFd third{on.backend, 1};
  inner.add(event, in, 1);
  inner.add(second, in, 2);
  Edges edges{on, inner.fd(), {in, in | out, EventFlags::rdnorm, out, none}};
  follow(edges, {
                    {"a wakeup", [&] { event.write(1); }, "in in - - -"},
                    {"a wakeup of what is due", [&] { event.write(1); }, "in in - - -"},
                    {"a wakeup beside what is due", [&] { second.write(1); }, "in in - - -"},
                    {"a wakeup nobody asked for", [&] { second.drain(); }, "- - - - -"},
                    {"a wait that goes over all",
                     [&] {
                       CHECK(reported(inner) == Events{{in, 1}});
                     },
                     "- - - - -"},
                    {"a wakeup and a wait that leaves some",
                     [&] {
                       second.write(1);
                       CHECK(reported(inner, 1) == Events{{in, 1}});
                     },
                     "in in - - -"},
                    {"a further wait",
                     [&] {
                       CHECK(reported(inner, 1) == Events{{in, 2}});
                     },
                     "- - - - -"},
                    {"the ADD of what is ready", [&] { inner.add(third, in | et, 3); }, "in in - - -"},
                    {"the MOD of what is due", [&] { inner.modify(third, in | et, 3); }, "- - - - -"},
                    {"the MOD of what was reported",
                     [&] {
                       CHECK(reported(inner) == Events{{in, 1}, {in, 2}, {in, 3}});
                       inner.modify(third, in | et, 3);
                     },
                     "in in - - -"},
                    {"the MOD to what does not hold", [&] { inner.modify(second, pri, 2); }, "- - - - -"},
                    {"the DEL of what is due", [&] { inner.remove(third); }, "- - - - -"},
                    {"the end of something", [&] { second.close(); }, "- - - - -"},
                    {"what was due is not ready any more", [&] { event.drain(); }, "- - - - -"},
                    {"the ADD of what is not ready", [&] { third.drain(), inner.add(third, in, 3); }, "- - - - -"},
                    {"a wakeup that leaves nothing ready", [&] { event.write(0); }, "- - - - -"},
                });
  // It is readable in the sense of `rdnorm` too, but never says so: whoever asks when adding is told.
  event.write(1);
  typename Handles<TestType>::Epoll late{on.backend};
  late.add(inner, EventFlags::rdnorm | out | et, 9);
  CHECK(reported(late) == Events{{EventFlags::rdnorm, 9}});
}

TEMPLATE_LIST_TEST_CASE("Edge: an inner epoll wakes with in alone", "[epoll][edge][nesting]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll inner{on.backend};
  typename Handles<TestType>::Pipe pipe{on.backend};
  inner.add(pipe.reader, in | et, 1);
  test::WakeKeys keys{on, inner.fd()};
  pipe.writer.write("x");
  CHECK(keys.take() == in);
  inner.modify(pipe.reader, in | et, 1);
  CHECK(keys.take().empty());
  CHECK(reported(inner) == Events{{in, 1}});
  CHECK(keys.take().empty());
  inner.modify(pipe.reader, in | et, 1);
  CHECK(keys.take() == in);
  // Not even a hang-up below says more.
  pipe.writer.close();
  CHECK(keys.take() == in);
}

TEMPLATE_LIST_TEST_CASE("Edge: a report takes all edges there were", "[epoll][edge]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  epoll.add(event, in | et, 1);
  for (int i = 0; i < 3; ++i) event.write(1);
  CHECK(reported(epoll) == Events{{in, 1}});
  CHECK(reported(epoll).empty());
  CHECK(event.read() == 3);
}
