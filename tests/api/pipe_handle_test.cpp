// The handles Pipe, PipeReader and PipeWriter, over both modes of the descriptors.
#include "../support/bad_pointers.hpp"
#include "../support/death.hpp"
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/sigpipe.hpp"
#include "../support/threads.hpp"
#include "../support/thrown.hpp"

#include <array>
#include <optional>
#include <string_view>

using namespace rouse;
using namespace std::string_view_literals;
using test::Handles;
using test::thrown_by;

namespace {

std::error_code stale() { return {EIO, std::system_category()}; }
std::error_code system_error(int error) { return {error, std::system_category()}; }

}  // namespace

TEMPLATE_LIST_TEST_CASE("Pipe: its ends are made non-blocking and close-on-exec", "[pipe][handle]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  CHECK(pipe.reader.fd() < pipe.writer.fd());
  CHECK(on.backend.fcntl(pipe.reader.fd(), F_GETFL) == (O_RDONLY | O_NONBLOCK));
  CHECK(on.backend.fcntl(pipe.writer.fd(), F_GETFL) == (O_WRONLY | O_NONBLOCK));
  CHECK(on.backend.fcntl(pipe.reader.fd(), F_GETFD) == FD_CLOEXEC);
  CHECK(on.backend.fcntl(pipe.writer.fd(), F_GETFD) == FD_CLOEXEC);
}

TEMPLATE_LIST_TEST_CASE("Pipe: its ends can be bound apart", "[pipe][handle]", test::AllBackends) {
  TestType on;
  auto [reader, writer] = typename Handles<TestType>::Pipe{on.backend};
  CHECK(writer.write("abc"sv) == 3);
  std::array<char, 8> got{};
  CHECK(reader.read(got) == 3);
  CHECK(std::string_view(got.data(), 3) == "abc");
}

TEMPLATE_LIST_TEST_CASE("Pipe: buffers are anything contiguous", "[pipe][handle][buffers]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  const int numbers[] = {1, 2, 3};
  CHECK(pipe.writer.write(numbers) == sizeof numbers);
  std::vector<int> into(4);
  CHECK(pipe.reader.read(into) == sizeof numbers);
  CHECK(into == std::vector<int>{1, 2, 3, 0});
  const char text[] = "ab";
  CHECK(pipe.writer.write(text) == 3);  // With its NUL.
  CHECK(pipe.writer.write(std::string("cd")) == 2);
  CHECK(pipe.writer.write({text, 1}) == 1);
  std::string all(8, '-');
  CHECK(pipe.reader.read({all.data(), 6}) == 6);
  CHECK(all == "ab\0cda--"sv);
}

TEMPLATE_LIST_TEST_CASE("Pipe: the try_ forms say nothing where there is nothing", "[pipe][handle]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  std::array<char, 4> got{};
  CHECK(pipe.reader.try_read(got) == std::nullopt);
  std::error_code ec = stale();
  CHECK(pipe.reader.try_read(got, ec) == std::nullopt);
  CHECK_FALSE(ec);
  const std::vector<char> large(70000);
  CHECK(pipe.writer.try_write(large) == 65536);
  CHECK(pipe.writer.try_write(large) == std::nullopt);
  ec = stale();
  CHECK(pipe.writer.try_write(large, ec) == std::nullopt);
  CHECK_FALSE(ec);
  ec = stale();
  CHECK(pipe.reader.try_read(got, ec) == 4);
  CHECK_FALSE(ec);
  CHECK(pipe.reader.try_read(got) == 4);
}

TEMPLATE_LIST_TEST_CASE("Pipe: 0 is the end, not an error", "[pipe][handle]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  std::error_code ec = stale();
  CHECK(pipe.writer.write("a"sv, ec) == 1);
  CHECK_FALSE(ec);
  pipe.writer.close();
  std::array<char, 4> got{};
  ec = stale();
  CHECK(pipe.reader.read(got, ec) == 1);
  CHECK_FALSE(ec);
  CHECK(pipe.reader.try_read(got) == std::size_t{0});
  CHECK(pipe.reader.read(got) == 0);
  ec = stale();
  CHECK(pipe.reader.read(got, ec) == 0);
  CHECK_FALSE(ec);
}

TEMPLATE_LIST_TEST_CASE("Pipe: writing when nobody reads is an error that names the call", "[pipe][handle][errors]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  pipe.reader.close();
  const std::string text = "write(fd " + std::to_string(pipe.writer.fd()) + "): Broken pipe";
  CHECK(thrown_by([&] { pipe.writer.write("a"sv); }) == text);
  CHECK(thrown_by([&] { static_cast<void>(pipe.writer.try_write("a"sv)); }) == text);
  std::error_code ec;
  CHECK(pipe.writer.write("a"sv, ec) == 0);
  CHECK(ec == system_error(EPIPE));
  ec.clear();
  CHECK(pipe.writer.try_write("a"sv, ec) == std::nullopt);
  CHECK(ec == system_error(EPIPE));
  CHECK(ec == std::errc::broken_pipe);
}

TEMPLATE_LIST_TEST_CASE("Pipe: a bad buffer is an error of the read", "[pipe][handle][errors]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  pipe.writer.write("a"sv);
  const std::string text = "read(fd " + std::to_string(pipe.reader.fd()) + "): Bad address";
  CHECK(thrown_by([&] { pipe.reader.read({test::unmapped(), 1}); }) == text);
  CHECK(thrown_by([&] { static_cast<void>(pipe.reader.try_read({test::unmapped(), 1})); }) == text);
  std::error_code ec;
  CHECK(pipe.reader.try_read({test::unmapped(), 1}, ec) == std::nullopt);
  CHECK(ec == system_error(EFAULT));
}

TEMPLATE_LIST_TEST_CASE("Pipe: making one fails with an exception, or with a code and two closed ends",
                        "[pipe][handle][errors]", test::AllBackends) {
  TestType on;
  using Handle = typename Handles<TestType>::Pipe;
  CHECK(thrown_by([&] { Handle(on.backend, PipeFlags{O_APPEND}); }) == "pipe2(): Invalid argument");
  std::error_code ec;
  bool open[2];
  {
    const test::FileLimit limit{on.backend, 0};
    const Handle none = Handle::create(on.backend, default_pipe_flags, ec);
    open[0] = none.reader.is_open();
    open[1] = none.writer.is_open();
  }
  CHECK(ec == system_error(EMFILE));
  CHECK_FALSE(open[0]);
  CHECK_FALSE(open[1]);
  Handle pipe = Handle::create(on.backend, default_pipe_flags, ec);
  CHECK_FALSE(ec);
  CHECK(pipe.writer.write("a"sv) == 1);
}

TEMPLATE_LIST_TEST_CASE("Pipe: in packet mode a write is a read", "[pipe][handle][packets]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend, default_pipe_flags | PipeFlags::direct};
  pipe.writer.write("abc"sv);
  pipe.writer.write("defg"sv);
  std::array<char, 100> got{};
  CHECK(pipe.reader.try_read(got) == 3);
  CHECK(pipe.reader.try_read({got.data(), 2}) == 2);
  CHECK(pipe.reader.try_read(got) == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("Pipe: an epoll watches its ends themselves", "[pipe][handle]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::Pipe pipe{on.backend};
  epoll.add(pipe.reader, EventFlags::in, 1);
  epoll.add(pipe.writer, EventFlags::out | EventFlags::et, 2);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::out, 2}});
  pipe.writer.write("a"sv);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 1}});
  pipe.writer.close();
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in | EventFlags::hup, 1}});
}

TEMPLATE_LIST_TEST_CASE("Pipe: an end takes over an fd and asks for its mode", "[pipe][handle]", test::AllBackends) {
  TestType on;
  int fds[2] = {-1, -1};
  REQUIRE(on.backend.pipe2(fds, 0).ok());
  REQUIRE(on.backend.fcntl(fds[0], F_SETFL, O_NONBLOCK).ok());
  using Fd = typename Handles<TestType>::OwnedFd;
  BasicPipeReader<typename TestType::Backend> reader{Fd{on.backend, fds[0]}};
  BasicPipeWriter<typename TestType::Backend> writer{Fd{on.backend, fds[1]}};
  std::array<char, 4> got{};
  CHECK(reader.try_read(got) == std::nullopt);
  CHECK(writer.write("abc"sv) == 3);
  auto second = reader.duplicate();
  CHECK(second.try_read(got) == 3);
  if (!test::assertions_are_on) return;
  std::error_code ec;
  const std::string text = "on a handle that was made blocking";
  CHECK(test::last_words([&] { static_cast<void>(writer.try_write("a"sv)); }).find(text) != std::string::npos);
  CHECK(test::last_words([&] { static_cast<void>(writer.try_write("a"sv, ec)); }).find(text) != std::string::npos);
}

TEMPLATE_LIST_TEST_CASE("Pipe: using a closed end is named", "[pipe][handle][death]", test::AllBackends) {
  if (!test::assertions_are_on) return;
  TestType on;
  typename Handles<TestType>::Pipe pipe{on.backend};
  pipe.reader.close();
  pipe.writer.close();
  std::array<char, 4> got{};
  std::error_code ec;
  const std::string reader = "rouse: PipeReader: used while closed or after being moved from";
  const std::string writer = "rouse: PipeWriter: used while closed or after being moved from";
  CHECK(test::last_words([&] { pipe.reader.read(got); }).rfind(reader, 0) == 0);
  CHECK(test::last_words([&] { static_cast<void>(pipe.reader.try_read(got, ec)); }).rfind(reader, 0) == 0);
  CHECK(test::last_words([&] { pipe.writer.write("a"sv, ec); }).rfind(writer, 0) == 0);
  CHECK(test::last_words([&] { static_cast<void>(pipe.writer.try_write("a"sv)); }).rfind(writer, 0) == 0);
}

TEMPLATE_LIST_TEST_CASE("Pipe: read and write wait, on descriptors of either mode", "[pipe][handle][threads]",
                        test::AllThreadBackends) {
  TestType on;
  for (const PipeFlags flags : {PipeFlags::nonblock, PipeFlags{}}) {
    CAPTURE(flags);
    typename Handles<TestType>::Pipe pipe{on.backend, flags};
    auto reader = on.spawn([&] {
      std::array<char, 4> got{};
      return pipe.reader.read(got);
    });
    on.wait_until_blocked(reader);
    CHECK(pipe.writer.write("abc"sv) == 3);
    CHECK(reader.result() == 3);
    const std::vector<char> page(4096);
    for (int i = 0; i < 16; ++i) REQUIRE(pipe.writer.write(page) == 4096);
    auto writer = on.spawn([&] {
      std::error_code ec;
      return pipe.writer.write("abc"sv, ec);
    });
    on.wait_until_blocked(writer);
    std::vector<char> into(4096);
    CHECK(pipe.reader.read(into) == 4096);
    CHECK(writer.result() == 3);
  }
}

TEMPLATE_LIST_TEST_CASE("Pipe: a write waits until all is in, on descriptors of either mode", "[pipe][handle][threads]",
                        test::AllThreadBackends) {
  TestType on;
  const std::vector<char> large(200000);
  for (const PipeFlags flags : {PipeFlags::nonblock, PipeFlags{}}) {
    CAPTURE(flags);
    typename Handles<TestType>::Pipe pipe{on.backend, flags};
    auto writer = on.spawn([&] { return pipe.writer.write(large); });
    on.wait_until_blocked(writer);
    std::vector<char> into(200000);
    std::size_t got = 0;
    while (got < large.size()) got += pipe.reader.read({into.data(), 50000});
    CHECK(got == large.size());
    CHECK(writer.result() == large.size());
  }
}

TEMPLATE_LIST_TEST_CASE("Pipe: a write that is cut short by the reader's end says how far it came",
                        "[pipe][handle][threads]", test::AllThreadBackends) {
  TestType on;
  const std::vector<char> large(200000);
  for (const PipeFlags flags : {PipeFlags::nonblock, PipeFlags{}}) {
    CAPTURE(flags);
    typename Handles<TestType>::Pipe pipe{on.backend, flags};
    auto writer = on.spawn([&] {
      std::error_code ec = stale();
      const std::size_t wrote = pipe.writer.write(large, ec);
      return std::pair{wrote, ec};
    });
    on.wait_until_blocked(writer);
    pipe.reader.close();
    CHECK(writer.result() == std::pair{std::size_t{65536}, system_error(EPIPE)});
  }
}
