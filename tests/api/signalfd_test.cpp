// signalfd(2) by its raw calls: what it accepts, in which order it refuses, which signals a read takes, what poll says
// and when it wakes.
#include "../support/bad_pointers.hpp"
#include "../support/events.hpp"
#include "../support/file_limit.hpp"
#include "../support/poll_bits.hpp"
#include "../support/signals.hpp"
#include "../support/wake_keys.hpp"

#include <array>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace rouse;
using test::Handles;

namespace {

using Size = SysResult<std::size_t>;
using Int = SysResult<int>;

constexpr Size would_block() { return Size::failure(EAGAIN); }
constexpr int queued = 34;  // The first signal that queues and that a program may use.

/// A signalfd by its number. The signals of the cases are blocked as long as it is there, and taken at its end.
template <class On>
class Signals {
 public:
  explicit Signals(const On& on, SignalSet mask = SignalSet::of(SIGUSR1, SIGUSR2, queued), int flags = SFD_NONBLOCK)
      : backend_(on.backend), block_(on.backend, all()), fd_(on.backend, make(-1, mask, flags).value()) {}
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() {
    static_cast<void>(set(all()));
    while (!take().empty()) {
    }
  }

  [[nodiscard]] int fd() const { return fd_.get(); }
  Int make(int fd, SignalSet mask, int flags) const {
    const ::sigset_t set = mask.to_sigset();
    return backend_.signalfd(fd, &set, flags);
  }
  Int set(SignalSet mask) const { return make(fd(), mask, 0); }
  /// Reads into room for so many; the numbers of the signals, in order.
  std::vector<int> take(std::size_t room = 8) const {
    std::vector<::signalfd_siginfo> records(room);
    const Size got = backend_.read(fd(), records.data(), room * sizeof records[0]);
    std::vector<int> numbers;
    for (std::size_t i = 0; got.ok() && i < got.value() / sizeof records[0]; ++i) {
      numbers.push_back(static_cast<int>(records[i].ssi_signo));
    }
    return numbers;
  }
  void send_to_process(int signal) const { REQUIRE(backend_.kill(backend_.getpid().value(), signal).ok()); }
  void send_to_thread(int signal) const { test::raise(backend_, signal); }

  static SignalSet all() { return SignalSet::of(SIGUSR1, SIGUSR2, SIGCHLD, SIGURG, queued, queued + 1); }

 private:
  typename On::Backend backend_;
  typename Handles<On>::SignalBlock block_;
  typename Handles<On>::OwnedFd fd_;
};

using Numbers = std::vector<int>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("signalfd: two flags are known", "[signalfd][errors]", test::AllBackends) {
  TestType on;
  const ::sigset_t none = SignalSet{}.to_sigset();
  for (int bit = 0; bit < 32; ++bit) {
    const int flag = static_cast<int>(1u << bit);
    CAPTURE(bit);
    const Int made = on.backend.signalfd(-1, &none, flag);
    CHECK(made.error() == ((flag & (SFD_NONBLOCK | SFD_CLOEXEC)) != 0 ? 0 : EINVAL));
    if (!made.ok()) continue;
    CHECK(on.backend.fcntl(made.value(), F_GETFL) == (O_RDWR | (flag & SFD_NONBLOCK)));
    CHECK(on.backend.fcntl(made.value(), F_GETFD) == (flag == SFD_CLOEXEC ? FD_CLOEXEC : 0));
    CHECK(on.backend.close(made.value()).ok());
  }
}

TEMPLATE_LIST_TEST_CASE("signalfd: it is refused for its mask, its flags, its fd, the limit on fds",
                        "[signalfd][errors]", test::AllBackends) {
  TestType on;
  const Signals signals{on};
  const typename Handles<TestType>::EventFd other{on.backend};
  const ::sigset_t set = SignalSet::of(SIGUSR1).to_sigset();
  CHECK(on.backend.signalfd(99999, test::unmapped<::sigset_t>(), 7) == Int::failure(EFAULT));
  CHECK(on.backend.signalfd(-1, test::null<::sigset_t>(), 0) == Int::failure(EFAULT));
  CHECK(on.backend.signalfd(99999, &set, 7) == Int::failure(EINVAL));
  CHECK(on.backend.signalfd(99999, &set, 0) == Int::failure(EBADF));
  CHECK(on.backend.signalfd(-2, &set, 0) == Int::failure(EBADF));
  CHECK(on.backend.signalfd(other.fd(), &set, 0) == Int::failure(EINVAL));
  CHECK(on.backend.signalfd(signals.fd(), &set, 7) == Int::failure(EINVAL));
  // The flags of one that there is, mean nothing.
  CHECK(on.backend.signalfd(signals.fd(), &set, SFD_CLOEXEC) == signals.fd());
  CHECK(on.backend.fcntl(signals.fd(), F_GETFD) == 0);
  CHECK(on.backend.fcntl(signals.fd(), F_GETFL) == (O_RDWR | O_NONBLOCK));
  const auto [bad_flags, no_room, another] = test::under_file_limit(on.backend, 0, [&] {
    return std::tuple{on.backend.signalfd(-1, &set, 7), on.backend.signalfd(-1, &set, 0),
                      on.backend.signalfd(signals.fd(), &set, 0)};
  });
  CHECK(bad_flags == Int::failure(EINVAL));
  CHECK(no_room == Int::failure(EMFILE));
  CHECK(another == signals.fd());
}

TEMPLATE_LIST_TEST_CASE("signalfd: it has no write, no position and no unread bytes to ask for", "[signalfd][errors]",
                        test::AllBackends) {
  TestType on;
  const Signals signals{on};
  std::uint64_t value = 1;
  CHECK(on.backend.write(signals.fd(), &value, 8) == Size::failure(EINVAL));
  CHECK(on.backend.write(signals.fd(), test::in_kernel_space(), 8) == Size::failure(EINVAL));
  CHECK(on.backend.pread(signals.fd(), &value, 8, 0) == Size::failure(ESPIPE));
  CHECK(on.backend.lseek(signals.fd(), 100, SEEK_SET) == 0);
  CHECK(on.backend.ioctl(signals.fd(), FIONREAD, &value) == Int::failure(ENOTTY));
}

TEMPLATE_LIST_TEST_CASE("signalfd: a read wants room for a record, then a signal, then a good address",
                        "[signalfd][read][errors]", test::AllBackends) {
  TestType on;
  const Signals signals{on};
  struct Row {
    void* buffer;
    std::size_t size;
    bool sent;
    int error;
    bool taken;
  };
  for (const Row row : {Row{test::unmapped(), 127, false, EINVAL, false},
                        {test::unmapped(), 127, true, EINVAL, false},
                        {test::null(), 0, true, EINVAL, false},
                        {test::unmapped(), 128, false, EAGAIN, false},
                        {test::unmapped(), 128, true, EFAULT, true},
                        {test::in_kernel_space(), 128, false, EFAULT, false},
                        {test::in_kernel_space(), 128, true, EFAULT, false}}) {
    CAPTURE(row.buffer, row.size, row.sent);
    if (row.sent) signals.send_to_process(SIGUSR1);
    CHECK(on.backend.read(signals.fd(), row.buffer, row.size) == Size::failure(row.error));
    CHECK(signals.take() == (row.sent && !row.taken ? Numbers{SIGUSR1} : Numbers{}));
  }
}

TEMPLATE_LIST_TEST_CASE("signalfd: a read that may wait does not wait for more signals than there are",
                        "[signalfd][read]", test::AllBackends) {
  TestType on;
  const Signals signals{on, SignalSet::of(SIGUSR1, SIGUSR2), 0};
  signals.send_to_process(SIGUSR1);
  CHECK(signals.take(2) == Numbers{SIGUSR1});
  REQUIRE(on.backend.fcntl(signals.fd(), F_SETFL, O_NONBLOCK).ok());
}

TEMPLATE_LIST_TEST_CASE("signalfd: a record is whole or lost, and ends the read", "[signalfd][read][vectors]",
                        test::AllBackends) {
  TestType on;
  const Signals signals{on};
  std::array<char, 512> bytes{};
  struct Row {
    std::vector<::iovec> vectors;
    Size result;
    Numbers left;
  };
  char* const to = bytes.data();
  const std::vector<Row> rows{{{{to, 64}, {to + 64, 64}}, 128, {SIGUSR2}},
                              {{{to, 100}, {to + 100, 100}, {to + 200, 100}}, 256, {}},
                              {{{to, 64}, {test::unmapped(), 64}}, Size::failure(EFAULT), {SIGUSR2}},
                              {{{to, 128}, {test::unmapped(), 128}}, 128, {}},
                              {{{to, 192}, {test::unmapped(), 64}}, 128, {}},
                              {{{to, 64}, {to, 63}}, Size::failure(EINVAL), {SIGUSR1, SIGUSR2}}};
  for (const Row& row : rows) {
    CAPTURE(row.vectors[0].iov_len, row.vectors[1].iov_len);
    signals.send_to_process(SIGUSR2);
    signals.send_to_process(SIGUSR1);
    CHECK(on.backend.readv(signals.fd(), row.vectors.data(), static_cast<int>(row.vectors.size())) == row.result);
    CHECK(signals.take() == row.left);
  }
}

TEMPLATE_LIST_TEST_CASE("signalfd: a record tells who sent the signal, and how", "[signalfd][read]",
                        test::AllBackends) {
  TestType on;
  const Signals signals{on};
  ::signalfd_siginfo record;
  for (const int signal : {SIGUSR1 + 0, queued}) {
    for (const bool to_thread : {false, true}) {
      CAPTURE(signal, to_thread);
      if (to_thread) {
        signals.send_to_thread(signal);
      } else {
        signals.send_to_process(signal);
      }
      std::memset(&record, 0xff, sizeof record);
      REQUIRE(on.backend.read(signals.fd(), &record, sizeof record) == sizeof record);
      ::signalfd_siginfo expected{};
      expected.ssi_signo = static_cast<std::uint32_t>(signal);
      expected.ssi_code = to_thread ? SI_TKILL : SI_USER;
      expected.ssi_pid = static_cast<std::uint32_t>(on.backend.getpid().value());
      expected.ssi_uid = TestType::is_emulated ? 0 : ::getuid();
      CHECK(std::memcmp(&record, &expected, sizeof record) == 0);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("signalfd: the lowest number comes first, standard signals once, others as often as sent",
                        "[signalfd][read]", test::AllBackends) {
  TestType on;
  const Signals signals{on};
  for (const int signal : {queued, SIGUSR2 + 0, queued, SIGUSR2 + 0, SIGUSR1 + 0}) signals.send_to_process(signal);
  CHECK(signals.take(1) == Numbers{SIGUSR1});
  CHECK(signals.take() == Numbers{SIGUSR2, queued, queued});
  CHECK(signals.take() == Numbers{});
}

TEMPLATE_LIST_TEST_CASE("signalfd: those of the thread come before those of the process", "[signalfd][read]",
                        test::AllBackends) {
  TestType on;
  const Signals signals{on};
  signals.send_to_process(SIGUSR1);
  signals.send_to_thread(SIGUSR2);
  signals.send_to_thread(SIGUSR1);
  CHECK(signals.take() == Numbers{SIGUSR1, SIGUSR2, SIGUSR1});
}

TEMPLATE_LIST_TEST_CASE("signalfd: what is not in its mask stays pending", "[signalfd][read]", test::AllBackends) {
  TestType on;
  const Signals signals{on, SignalSet::of(SIGUSR1)};
  signals.send_to_process(SIGUSR2);
  CHECK(test::poll_bits(on.backend, signals.fd()) == EventFlags{});
  CHECK(signals.take() == Numbers{});
  CHECK(test::pending_now(on.backend) == "12");
  REQUIRE(signals.set(SignalSet::of(SIGUSR2)).ok());
  CHECK(test::poll_bits(on.backend, signals.fd()) == EventFlags::in);
  CHECK(signals.take() == Numbers{SIGUSR2});
  CHECK(test::pending_now(on.backend).empty());
}

TEMPLATE_LIST_TEST_CASE("signalfd: what cannot be blocked is passed over", "[signalfd]", test::AllBackends) {
  TestType on;
  const Signals signals{on, SignalSet::of(SIGKILL, SIGSTOP, SIGUSR1)};
  signals.send_to_process(SIGUSR1);
  CHECK(signals.take() == Numbers{SIGUSR1});
}

TEMPLATE_LIST_TEST_CASE("signalfd: several see the same signals, and one takes them", "[signalfd]", test::AllBackends) {
  TestType on;
  const Signals first{on};
  const Signals second{on};
  first.send_to_process(SIGUSR1);
  CHECK(test::poll_bits(on.backend, first.fd()) == EventFlags::in);
  CHECK(test::poll_bits(on.backend, second.fd()) == EventFlags::in);
  CHECK(second.take() == Numbers{SIGUSR1});
  CHECK(test::poll_bits(on.backend, first.fd()) == EventFlags{});
  CHECK(first.take() == Numbers{});
}

TEMPLATE_LIST_TEST_CASE("signalfd: a signal that is read runs no handler, and one that is handled is not read",
                        "[signalfd][handler]", test::AllBackends) {
  TestType on;
  test::Handlers handlers{on.backend};
  handlers.handle(SIGUSR1);
  const Signals signals{on};
  signals.send_to_process(SIGUSR1);
  CHECK(signals.take() == Numbers{SIGUSR1});
  handlers.block({});
  CHECK(handlers.take().empty());
  signals.send_to_process(SIGUSR1);
  CHECK(handlers.take() == handlers.seen("10(10)"));
  CHECK(signals.take() == Numbers{});
}

TEMPLATE_LIST_TEST_CASE("signalfd: a signal that is ignored is read if it was blocked when it came",
                        "[signalfd][handler]", test::AllBackends) {
  TestType on;
  test::Handlers handlers{on.backend};
  const Signals signals{on};
  handlers.set(SIGUSR1, SIG_IGN);
  signals.send_to_process(SIGUSR1);
  CHECK(signals.take() == Numbers{SIGUSR1});
  signals.send_to_process(SIGUSR1);
  handlers.set(SIGUSR1, SIG_IGN);  // Which forgets it.
  CHECK(signals.take() == Numbers{});
  handlers.block({});
  signals.send_to_process(SIGUSR1);
  CHECK(signals.take() == Numbers{});
}

TEMPLATE_LIST_TEST_CASE("signalfd: any signal that becomes pending is an edge without a key, in its mask or not",
                        "[signalfd][wake]", test::AllBackends) {
  TestType on;
  const Signals signals{on, SignalSet::of(SIGUSR1)};
  test::WakeKeys<TestType> keys{on, signals.fd()};
  constexpr EventFlags none{};
  const EventFlags any = test::WakeKeys<TestType>::any;
  signals.send_to_process(SIGUSR1);
  CHECK(keys.take() == any);
  signals.send_to_process(SIGUSR1);
  CHECK(keys.take() == none);  // It was.
  signals.send_to_thread(SIGUSR1);
  CHECK(keys.take() == any);  // For the thread, it was not.
  signals.send_to_process(SIGUSR2);
  CHECK(keys.take() == any);
  for (int i = 0; i < 2; ++i) {
    signals.send_to_process(queued);
    CHECK(keys.take() == any);
  }
  REQUIRE(on.backend.kill(on.backend.getpid().value(), 0).ok());
  CHECK(keys.take() == none);
  CHECK(signals.take(1) == Numbers{SIGUSR1});
  CHECK(keys.take() == none);
}

TEMPLATE_LIST_TEST_CASE("signalfd: of signals that are not blocked, those that are handled are edges, ignored ones not",
                        "[signalfd][wake][handler]", test::AllBackends) {
  TestType on;
  test::Handlers handlers{on.backend};
  handlers.handle(SIGUSR2);
  const Signals signals{on, SignalSet::of(SIGUSR1)};
  test::WakeKeys<TestType> keys{on, signals.fd()};
  handlers.block({});
  signals.send_to_process(SIGUSR2);
  CHECK(handlers.take() == handlers.seen("12(12)"));
  CHECK(keys.take() == test::WakeKeys<TestType>::any);
  signals.send_to_process(SIGURG);
  CHECK(keys.take() == EventFlags{});
}

TEMPLATE_LIST_TEST_CASE("signalfd: another mask is an edge for all signalfds", "[signalfd][wake]", test::AllBackends) {
  TestType on;
  const Signals first{on};
  const Signals second{on};
  test::WakeKeys<TestType> keys{on, first.fd()};
  REQUIRE(first.set(SignalSet::of(SIGUSR1)).ok());
  CHECK(keys.take() == test::WakeKeys<TestType>::any);
  REQUIRE(second.set(SignalSet::of(SIGUSR1)).ok());
  CHECK(keys.take() == test::WakeKeys<TestType>::any);
}

TEMPLATE_LIST_TEST_CASE("signalfd: all of a process have one queue: the last that was added reports first",
                        "[signalfd][order]", test::AllBackends) {
  TestType on;
  const Signals a{on};
  const Signals b{on};
  const Signals c{on};
  typename Handles<TestType>::Epoll epoll{on.backend};
  const auto add = [&](const Signals<TestType>& signals, std::uint64_t data) {
    epoll.add(BasicFdRef<typename TestType::Backend>{on.backend, signals.fd()}, EventFlags::in, data);
  };
  add(b, 2);
  add(a, 1);
  add(c, 3);
  a.send_to_process(SIGUSR1);
  CHECK(test::reported(epoll) == test::Events{{EventFlags::in, 3}, {EventFlags::in, 1}, {EventFlags::in, 2}});
  CHECK(b.take() == Numbers{SIGUSR1});
  CHECK(test::reported(epoll).empty());
}

TEMPLATE_LIST_TEST_CASE("signalfd: a signal sent by the kernel is read, too", "[signalfd]", test::AllBackends) {
  TestType on;
  test::Handlers handlers{on.backend};
  handlers.handle(SIGPIPE);
  handlers.block({SIGPIPE});
  const ::sigset_t set = SignalSet::of(SIGPIPE).to_sigset();
  const typename Handles<TestType>::OwnedFd fd{on.backend, on.backend.signalfd(-1, &set, SFD_NONBLOCK).value()};
  typename Handles<TestType>::Pipe pipe{on.backend};
  pipe.reader.close();
  CHECK(on.backend.write(pipe.writer.fd(), "x", 1) == Size::failure(EPIPE));
  ::signalfd_siginfo record{};
  REQUIRE(on.backend.read(fd.get(), &record, sizeof record) == sizeof record);
  CHECK(record.ssi_signo == SIGPIPE);
  CHECK(record.ssi_code == SI_USER);
  CHECK(record.ssi_pid == static_cast<std::uint32_t>(on.backend.getpid().value()));
  CHECK(on.backend.read(fd.get(), &record, sizeof record) == would_block());
}
