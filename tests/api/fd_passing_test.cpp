// Fds that go along with bytes: UnixStream and UnixDatagram.
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/tcp_pair.hpp"
#include "../support/thrown.hpp"

#include <vector>

using namespace rouse;
using namespace std::string_view_literals;
using test::Handles;
using test::stale;
using test::system_error;
using test::thrown_by;

namespace {

template <class On>
struct Pairs {
  using Fds = std::vector<typename Handles<On>::OwnedFd>;
  using FdRef = typename Handles<On>::FdRef;
  using EventFd = typename Handles<On>::EventFd;
  using Stream = typename Handles<On>::UnixStream;
  using Datagram = typename Handles<On>::UnixDatagram;

  On on;
  std::pair<Stream, Stream> streams = Stream::pair(on.backend);
  std::pair<Datagram, Datagram> datagrams = Datagram::pair(on.backend);
  EventFd event{on.backend, 7};
  EventFd other{on.backend, 8};
  Fds fds;
  char bytes[100] = {};

  [[nodiscard]] std::vector<FdRef> several(std::size_t n) const { return std::vector<FdRef>(n, event.ref()); }
  /// What the eventfd behind a passed fd holds.
  std::uint64_t value_behind(std::size_t i) { return EventFd{std::move(fds[i])}.read(); }
};

using With = ReceivedWithFds;

}  // namespace

TEMPLATE_LIST_TEST_CASE("FdPassing: fds go along with bytes, and are close-on-exec", "[fd_passing]",
                        test::AllBackends) {
  Pairs<TestType> s;
  auto& [a, b] = s.streams;
  std::error_code ec = stale();
  CHECK(b.try_receive_with(s.bytes, s.fds) == std::nullopt);
  CHECK(b.try_receive_with(s.bytes, s.fds, 1, {}, ec) == std::nullopt);
  CHECK_FALSE(ec);
  const typename Pairs<TestType>::FdRef both[] = {s.event, s.other};
  CHECK(a.send_with("abc"sv, both) == 3);
  s.event.notify();  // 8 now, and seen by who gets it.
  CHECK(b.receive_with(s.bytes, s.fds) == With{3, 2, false, false});
  CHECK(std::string(s.bytes, 3) == "abc");
  REQUIRE(s.fds.size() == 2);
  CHECK(s.fds[0].get() != s.event.fd());
  CHECK(s.on.backend.fcntl(s.fds[0].get(), F_GETFD) == SysResult<int>{FD_CLOEXEC});
  CHECK(s.value_behind(0) == 8);
  CHECK(s.value_behind(1) == 8);
  s.fds.clear();
  ec = stale();
  CHECK(a.send_with("d"sv, s.event, {}, ec) == 1);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(b.receive_with(s.bytes, s.fds, ec) == With{1, 1, false, false});
  CHECK_FALSE(ec);
  CHECK(a.try_send_with("e"sv, both) == 1);
  CHECK(b.try_receive_with(s.bytes, s.fds) == With{1, 2, false, false});
  CHECK(s.fds.size() == 3);  // Added to what was there.
  CHECK(a.send_with("f"sv, {}) == 1);
  CHECK(b.receive_with(s.bytes, s.fds) == With{1, 0, false, false});
  a.close();
  CHECK(b.receive_with(s.bytes, s.fds) == With{});
}

TEMPLATE_LIST_TEST_CASE("FdPassing: what was not asked for is closed, and said to be", "[fd_passing]",
                        test::AllBackends) {
  Pairs<TestType> s;
  auto& [a, b] = s.streams;
  a.send_with("abc"sv, s.several(5));
  CHECK(b.receive_with(s.bytes, s.fds, 3) == With{3, 3, false, true});
  CHECK(s.fds.size() == 3);
  a.send_with("abc"sv, s.several(2));
  CHECK(b.receive_with(s.bytes, s.fds, 1) == With{3, 1, false, true});
  a.send_with("abc"sv, s.several(2));
  CHECK(b.receive_with(s.bytes, s.fds, 0) == With{3, 0, false, true});
  a.send_with("abc"sv, s.several(2));
  CHECK(b.receive_with(s.bytes, s.fds, 2) == With{3, 2, false, false});
  CHECK(s.fds.size() == 6);
}

TEMPLATE_LIST_TEST_CASE("FdPassing: without free numbers the bytes come alone", "[fd_passing][errors]",
                        test::AllBackends) {
  Pairs<TestType> s;
  auto& [a, b] = s.streams;
  a.send_with("abc"sv, s.several(2));
  const With got = test::under_file_limit(s.on.backend, 0, [&] { return b.receive_with(s.bytes, s.fds); });
  CHECK(got == With{3, 0, false, true});
  CHECK(s.fds.empty());
}

TEMPLATE_LIST_TEST_CASE("FdPassing: a stream's fds keep to their bytes", "[fd_passing]", test::AllBackends) {
  Pairs<TestType> s;
  auto& [a, b] = s.streams;
  a.send("before"sv);
  a.send_with("with"sv, s.event);
  a.send("after"sv);
  CHECK(b.receive_with(s.bytes, s.fds) == With{10, 1, false, false});
  CHECK(b.receive_with(s.bytes, s.fds) == With{5, 0, false, false});
  a.send_with("ab"sv, s.event);
  CHECK(b.receive_with(MutableBuffer{s.bytes, 1}, s.fds) == With{1, 1, false, false});
  CHECK(b.receive_with(MutableBuffer{s.bytes, 1}, s.fds) == With{1, 0, false, false});
  a.send_with("ab"sv, s.event);
  CHECK(b.receive(s.bytes) == 2);  // Who does not ask for fds gets none.
  CHECK(b.try_receive(s.bytes) == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("FdPassing: a part of the bytes takes all of the fds", "[fd_passing]", test::AllBackends) {
  Pairs<TestType> s;
  auto& [a, b] = s.streams;
  const std::string much(500000, 'x');
  std::error_code ec = stale();
  const std::optional<std::size_t> part = a.try_send_with(much, s.several(2));
  REQUIRE(part);
  CHECK(*part < much.size());
  CHECK(a.try_send_with(much, s.several(2)) == std::nullopt);
  CHECK(a.try_send_with(much, s.several(2), {}, ec) == std::nullopt);
  CHECK_FALSE(ec);
  std::string into(much.size(), '\0');
  std::size_t got = 0;
  while (const auto more = b.try_receive_with(into, s.fds)) got += more->size;
  CHECK(got == *part);
  CHECK(s.fds.size() == 2);
}

TEMPLATE_LIST_TEST_CASE("FdPassing: up to 253 go at once", "[fd_passing][errors]", test::AllBackends) {
  Pairs<TestType> s;
  auto& [a, b] = s.streams;
  std::error_code ec;
  CHECK(a.send_with("x"sv, s.several(passed_fds_max)) == 1);
  CHECK(b.receive_with(s.bytes, s.fds) == With{1, passed_fds_max, false, false});
  s.fds.clear();
  CHECK(thrown_by([&] { a.send_with("x"sv, s.several(passed_fds_max + 1)); }) ==
        "sendmsg(fd " + std::to_string(a.fd()) + "): Invalid argument");
  CHECK(a.send_with("x"sv, s.several(passed_fds_max + 1), ec) == 0);
  CHECK(ec == system_error(EINVAL));
  CHECK(b.try_receive(s.bytes) == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("FdPassing: a datagram carries fds too, and needs no bytes for it", "[fd_passing]",
                        test::AllBackends) {
  Pairs<TestType> s;
  auto& [a, b] = s.datagrams;
  a.send_with(""sv, s.event);
  a.send_with("abcde"sv, s.several(2));
  CHECK(b.receive_with(s.bytes, s.fds) == With{0, 1, false, false});
  CHECK(b.receive_with(MutableBuffer{s.bytes, 3}, s.fds, 1) == With{3, 1, true, true});
  CHECK(s.fds.size() == 2);
  CHECK(s.value_behind(0) == 7);
}

TEMPLATE_LIST_TEST_CASE("FdPassing: a message keeps its files open", "[fd_passing]", test::AllBackends) {
  Pairs<TestType> s;
  auto& [a, b] = s.streams;
  typename Handles<TestType>::Pipe pipe{s.on.backend};
  a.send_with("x"sv, pipe.writer);
  pipe.writer.close();
  CHECK(pipe.reader.try_read(s.bytes) == std::nullopt);
  CHECK(b.receive_with(s.bytes, s.fds).fds == 1);
  CHECK(pipe.reader.try_read(s.bytes) == std::nullopt);
  s.fds.clear();
  CHECK(pipe.reader.try_read(s.bytes) == 0);
}

TEST_CASE("FdPassing: other control messages are passed over", "[fd_passing][real]") {
  Pairs<test::OnLinux> s;
  auto& [a, b] = s.streams;
  b.set_option(SOL_SOCKET, SO_PASSCRED, 1);  // The sender's ids come first then.
  a.send_with("abc"sv, s.several(2));
  CHECK(b.receive_with(s.bytes, s.fds) == With{3, 2, false, false});
  CHECK(s.value_behind(1) == 7);
}
