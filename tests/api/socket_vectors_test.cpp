// Several buffers at once: what handles over connections have in common.
#include "../support/tcp_pair.hpp"
#include "../support/threads.hpp"
#include "../support/thrown.hpp"

#include <vector>

using namespace rouse;
using namespace std::string_view_literals;
using test::bytes_from;
using test::Handles;
using test::stale;
using test::system_error;
using test::thrown_by;

namespace {

/// Letters in buffers of these sizes.
struct Pieces {
  explicit Pieces(const std::vector<std::size_t>& sizes) {
    for (const std::size_t size : sizes) {
      pieces.emplace_back(size, static_cast<char>('a' + pieces.size() % 26));
      whole += pieces.back();
    }
    for (const std::string& piece : pieces) buffers.emplace_back(piece);
  }
  std::vector<std::string> pieces;
  std::vector<ConstBuffer> buffers;
  std::string whole;
};

}  // namespace

TEST_CASE("ConstBuffer: several of them are not taken for bytes", "[buffers][vectors]") {
  STATIC_REQUIRE(std::is_convertible_v<std::vector<char>&, ConstBuffer>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::vector<ConstBuffer>&, ConstBuffer>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<MutableBuffer(&)[2], MutableBuffer>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<const std::vector<MutableBuffer>&, ConstBuffer>);
  constexpr ConstBuffer none{nullptr, 0};
  STATIC_REQUIRE(none.size() == 0);
}

TEMPLATE_LIST_TEST_CASE("Vectors: several buffers are sent as one and received into several", "[vectors]",
                        test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::UnixStream::pair(on.backend);
  const ConstBuffer parts[] = {"ab"sv, ""sv, "cde"sv};
  char first[1], second[3], third[3];
  const MutableBuffer into[] = {first, second, third};
  std::error_code ec = stale();
  CHECK(b.try_receive(into) == std::nullopt);
  CHECK(b.try_receive(into, ec) == std::nullopt);
  CHECK_FALSE(ec);
  CHECK(a.send(parts) == 5);
  CHECK(b.receive(into) == 5);
  CHECK(std::string(first, 1) + std::string(second, 3) + std::string(third, 1) == "abcde");
  ec = stale();
  CHECK(a.send(parts, ec) == 5);
  CHECK_FALSE(ec);
  CHECK(a.try_send(parts) == 5);
  ec = stale();
  CHECK(a.try_send(parts, ec) == 5);
  CHECK_FALSE(ec);
  CHECK(b.try_receive(into, MessageFlags::peek) == 7);
  ec = stale();
  CHECK(b.receive(into, ec) == 7);
  CHECK_FALSE(ec);
  CHECK(b.try_receive(into) == 7);
  ec = stale();
  CHECK(b.try_receive(into, ec) == 1);
  CHECK_FALSE(ec);
  CHECK(a.send(std::span<const ConstBuffer>{}) == 0);
  CHECK(a.send(std::vector<ConstBuffer>{"x"sv, "y"sv}) == 2);
  CHECK(bytes_from(b) == "xy");
  a.shutdown(ShutdownHow::write);
  CHECK(b.receive(into) == 0);
}

TEMPLATE_LIST_TEST_CASE("Vectors: the untyped Socket has them too", "[vectors][socket]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::Socket::pair(on.backend, SocketType::seqpacket);
  const ConstBuffer parts[] = {"ab"sv, "cde"sv};
  CHECK(a.send(parts) == 5);
  CHECK(bytes_from(b) == "abcde");
}

TEMPLATE_LIST_TEST_CASE("Vectors: more than the kernel takes", "[vectors][errors]", test::AllBackends) {
  TestType on;
  auto [a, b] = Handles<TestType>::UnixStream::pair(on.backend);
  const std::vector<ConstBuffer> parts(1025, ConstBuffer{"x"sv});
  std::error_code ec;
  CHECK(a.send(std::span{parts}.first(1024)) == 1024);
  CHECK(thrown_by([&] { a.send(parts); }) == "sendmsg(fd " + std::to_string(a.fd()) + "): Message too long");
  CHECK(a.try_send(parts, ec) == std::nullopt);
  CHECK(ec == system_error(EMSGSIZE));
}

TEMPLATE_LIST_TEST_CASE("Vectors: send goes on where a part of them ended", "[vectors][threads]",
                        test::AllThreadBackends) {
  TestType on;
  auto ends = Handles<TestType>::UnixStream::pair(on.backend);
  ends.first.set(option::send_buffer, 1);  // The kernel makes it the least there is: a few hundred bytes at a time.
  // Short and long ones, empty ones, and more of them than are prepared at a time.
  std::vector<std::size_t> sizes = {1, 5000, 0, 3, 20000};
  for (std::size_t i = 0; i < 100; ++i) sizes.push_back(i * 7 % 400);
  const Pieces pieces{sizes};
  auto sender = on.spawn([&] { return ends.first.send(pieces.buffers); });
  on.wait_until_blocked(sender);
  std::string got;
  char bytes[997];
  while (got.size() < pieces.whole.size()) got.append(bytes, ends.second.receive(bytes));
  CHECK(got == pieces.whole);
  CHECK(sender.result() == pieces.whole.size());
}

TEMPLATE_LIST_TEST_CASE("Vectors: a send that is cut short says how much went, if it does not throw",
                        "[vectors][threads][errors]", test::AllThreadBackends) {
  TestType on;
  auto ends = Handles<TestType>::UnixStream::pair(on.backend);
  const Pieces pieces{{400000, 400000}};
  std::error_code ec;
  auto sender = on.spawn([&] { return ends.first.send(pieces.buffers, ec); });
  on.wait_until_blocked(sender);
  ends.second.close();
  const std::size_t sent = sender.result();
  CHECK(sent > 0);
  CHECK(sent < pieces.whole.size());
  CHECK(ec == system_error(EPIPE));
}
