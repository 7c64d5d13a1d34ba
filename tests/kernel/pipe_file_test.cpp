// PipeEnd with threads that were woken and have not run yet: the kernel's lock is held meanwhile. On Linux the same
// happens when all of them share one processor.
#include "rouse/kernel/pipe_file.hpp"

#include "../support/threads.hpp"

using namespace rouse;
using kernel::PipeEnd;

namespace {

/// A pipe of an emulated kernel, and what is done to it while no other thread can run in the kernel.
class HeldPipe {
 public:
  explicit HeldPipe(test::ThreadsOnEmulated& on) : on_(on), pipe_(on.backend, PipeFlags{}) {}

  /// Runs `body` as one call.
  template <class Body>
  void at_once(Body body) {
    const detail::Hidden as_within_a_call;
    on_.host.lock();
    body();
    on_.host.unlock();
  }
  /// Within at_once.
  void write(std::string_view text) {
    kernel::UserInput from{text.data(), text.size()};
    CHECK(end(pipe_.writer.fd()).write(from) == text.size());
  }
  void take(std::size_t n) {
    std::string bytes(n, '-');
    kernel::UserOutput to{bytes.data(), n};
    CHECK(end(pipe_.reader.fd()).read(to) == n);
  }

  auto blocked_reader(std::size_t n) {
    auto worker = on_.spawn([this, n] {
      std::string bytes(n, '-');
      bytes.resize(pipe_.reader.read(bytes));
      return bytes;
    });
    on_.wait_until_blocked(worker);
    return worker;
  }

  BasicPipe<EmulatedBackend>& handle() { return pipe_; }

 private:
  PipeEnd& end(int fd) const { return *kernel::file_cast<PipeEnd>(on_.kernel.file(fd)); }

  test::ThreadsOnEmulated& on_;
  BasicPipe<EmulatedBackend> pipe_;
};

}  // namespace

TEST_CASE("PipeEnd: a woken reader that finds its byte taken goes to the tail", "[pipe_file]") {
  test::ThreadsOnEmulated on;
  HeldPipe pipe{on};
  auto first = pipe.blocked_reader(1);
  auto second = pipe.blocked_reader(1);
  pipe.at_once([&] {
    pipe.write("x");
    pipe.take(1);
  });
  on.wait_until_blocked(first);
  pipe.handle().writer.write(std::string_view("a"));
  CHECK(second.result() == "a");
  on.wait_until_blocked(first);
  CHECK_FALSE(first.is_done());
  pipe.handle().writer.write(std::string_view("b"));
  CHECK(first.result() == "b");
}

TEST_CASE("PipeEnd: a write onto what is there wakes no reader, as long as nobody has polled the pipe", "[pipe_file]") {
  test::ThreadsOnEmulated on;
  HeldPipe pipe{on};
  auto first = pipe.blocked_reader(100);
  auto second = pipe.blocked_reader(1);
  auto third = pipe.blocked_reader(1);
  pipe.at_once([&] {
    pipe.write("a");
    pipe.write("b");
  });
  CHECK(first.result() == "ab");
  // Had the second been woken too, it would stand behind the third now, or have taken a byte.
  pipe.handle().writer.write(std::string_view("c"));
  CHECK(second.result() == "c");
  pipe.handle().writer.write(std::string_view("d"));
  CHECK(third.result() == "d");
}

TEST_CASE("PipeEnd: two writes before anybody runs wake two readers, once somebody has polled the pipe",
          "[pipe_file]") {
  test::ThreadsOnEmulated on;
  HeldPipe pipe{on};
  ::pollfd other_end{pipe.handle().writer.fd(), POLLIN, 0};
  CHECK(on.backend.poll(&other_end, 1, 0) == 0);
  auto first = pipe.blocked_reader(1);
  auto second = pipe.blocked_reader(1);
  pipe.at_once([&] {
    pipe.write("a");
    pipe.write("b");
  });
  CHECK((first.result() + second.result()).size() == 2);
}

TEST_CASE("PipeEnd: a reader that slept and leaves bytes behind is an edge, one that did not sleep is none",
          "[pipe_file][edge]") {
  test::ThreadsOnEmulated on;
  HeldPipe pipe{on};
  BasicEpoll<EmulatedBackend> epoll{on.backend};
  epoll.add(pipe.handle().reader, EventFlags::in | EventFlags::et, 7);
  EventArray<4> events;
  auto reader = pipe.blocked_reader(1);
  pipe.at_once([&] {
    pipe.write("abc");
    // The edge of the write itself is fetched before the reader runs.
    CHECK(kernel::file_cast<kernel::EpollFile>(on.kernel.file(epoll.fd()))->deliver(events.data(), 4) == 1);
  });
  CHECK(reader.result() == "a");
  CHECK(epoll.wait(events, Timeout::now) == 1);
  char byte = 0;
  CHECK(pipe.handle().reader.read({&byte, 1}) == 1);
  CHECK(epoll.wait(events, Timeout::now) == 0);
}
