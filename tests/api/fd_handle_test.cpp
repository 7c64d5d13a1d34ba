// FdRef, OwnedFd and what all handles share: who closes, who borrows, and what is left after a move.
#include "../support/death.hpp"
#include "../support/file_limit.hpp"
#include "../support/thrown.hpp"

#include <type_traits>

using namespace rouse;
using test::Handles;
using test::thrown_by;

namespace {

/// A kernel that notes what is closed, and lets close fail.
struct ClosingBackend {
  struct Log {
    std::vector<int> closed;
    int error = 0;
  };
  Log* log;

  friend bool operator==(ClosingBackend, ClosingBackend) = default;

  SysResult<void> close(int fd) const {
    log->closed.push_back(fd);
    return log->error == 0 ? SysResult<void>{} : SysResult<void>::failure(log->error);
  }
  SysResult<int> fcntl(int, int, long) const { return SysResult<int>::failure(EMFILE); }
};
static_assert(FdBackend<ClosingBackend>);

using Owned = BasicOwnedFd<ClosingBackend>;
using Closed = std::vector<int>;

/// The smallest handle there can be.
class Thing : public Handle<Thing, ClosingBackend> {
 public:
  explicit Thing(Owned fd) : Handle(std::move(fd)) {}
  static constexpr char used_while_closed[] = "Thing: used while closed";
};

}  // namespace

TEST_CASE("OwnedFd: it closes what it owns, once", "[fd]") {
  ClosingBackend::Log log;
  const ClosingBackend backend{&log};
  {
    const Owned fd{backend, 5};
    CHECK(fd.is_open());
    CHECK(fd.get() == 5);
    CHECK(log.closed.empty());
  }
  CHECK(log.closed == Closed{5});
  {
    Owned fd{backend, 0};  // A number as good as any.
    CHECK(fd.close().ok());
    CHECK_FALSE(fd.is_open());
    CHECK(fd.get() == -1);
    CHECK(fd.close().ok());
  }
  CHECK(log.closed == Closed{5, 0});
  { const Owned none{backend}; }
  { const Owned none{backend, -1}; }
  CHECK(log.closed == Closed{5, 0});
}

TEST_CASE("OwnedFd: moving leaves nothing to close behind", "[fd]") {
  ClosingBackend::Log log;
  const ClosingBackend backend{&log};
  {
    Owned first{backend, 5};
    Owned second{std::move(first)};
    CHECK_FALSE(first.is_open());
    CHECK(second.get() == 5);
    Owned third{backend, 6};
    third = std::move(second);
    CHECK(log.closed == Closed{6});
    CHECK_FALSE(second.is_open());
    CHECK(third.get() == 5);
    Owned& same = third;
    third = std::move(same);
    CHECK(third.get() == 5);
    CHECK(log.closed == Closed{6});
    third = Owned{backend};
    CHECK(log.closed == Closed{6, 5});
  }
  CHECK(log.closed == Closed{6, 5});
}

TEST_CASE("OwnedFd: a move takes the kernel along", "[fd]") {
  ClosingBackend::Log here;
  ClosingBackend::Log there;
  {
    Owned first{ClosingBackend{&here}, 5};
    first = Owned{ClosingBackend{&there}, 7};
    CHECK(here.closed == Closed{5});
    CHECK(first.backend() == ClosingBackend{&there});
  }
  CHECK(here.closed == Closed{5});
  CHECK(there.closed == Closed{7});
}

TEST_CASE("OwnedFd: what it releases is somebody else's to close", "[fd]") {
  ClosingBackend::Log log;
  {
    Owned fd{ClosingBackend{&log}, 5};
    CHECK(fd.release() == 5);
    CHECK_FALSE(fd.is_open());
    CHECK(fd.release() == -1);
  }
  CHECK(log.closed.empty());
}

TEST_CASE("OwnedFd: a failed close is reported, and not tried again", "[fd]") {
  for (const int error : {EINTR, EIO}) {
    ClosingBackend::Log log{{}, error};
    {
      Owned fd{ClosingBackend{&log}, 5};
      CHECK(fd.close() == SysResult<void>::failure(error));
      CHECK_FALSE(fd.is_open());
    }
    CHECK(log.closed == Closed{5});
    { const Owned fd{ClosingBackend{&log}, 6}; }  // Nobody to report to.
    CHECK(log.closed == Closed{5, 6});
  }
}

TEST_CASE("OwnedFd: it is moved, never copied", "[fd]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<OwnedFd>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<OwnedFd>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<OwnedFd>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<OwnedFd>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<int, OwnedFd>);
  STATIC_REQUIRE(sizeof(OwnedFd) == sizeof(int));
}

TEST_CASE("FdRef: it names an fd and its kernel, and owns nothing", "[fd]") {
  ClosingBackend::Log log;
  ClosingBackend::Log other;
  {
    const Owned fd{ClosingBackend{&log}, 5};
    const BasicFdRef<ClosingBackend> ref = fd.ref();
    const BasicFdRef<ClosingBackend> copy = ref;
    CHECK(copy.get() == 5);
    CHECK(copy.backend() == fd.backend());
    CHECK(copy == ref);
    CHECK_FALSE(copy == BasicFdRef<ClosingBackend>{ClosingBackend{&log}, 6});
    CHECK_FALSE(copy == BasicFdRef<ClosingBackend>{ClosingBackend{&other}, 5});
    CHECK(log.closed.empty());
  }
  CHECK(log.closed == Closed{5});
  STATIC_REQUIRE(sizeof(FdRef) == sizeof(int));
  STATIC_REQUIRE(std::is_trivially_copyable_v<FdRef>);
  STATIC_REQUIRE(FdRef{3}.get() == 3);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<int, FdRef>);
}

TEST_CASE("Handle: close reports what the kernel says, by exception or by code", "[fd][handle]") {
  ClosingBackend::Log log{{}, EIO};
  Thing thing{Owned{ClosingBackend{&log}, 5}};
  CHECK(thrown_by([&] { thing.close(); }) == "close(fd 5): Input/output error");
  CHECK_FALSE(thing.is_open());
  CHECK(thrown_by([&] { thing.close(); }).empty());
  Thing second{Owned{ClosingBackend{&log}, 6}};
  std::error_code ec;
  second.close(ec);
  CHECK(ec == std::errc::io_error);
  second.close(ec);
  CHECK_FALSE(ec);
  CHECK(log.closed == Closed{5, 6});
}

TEST_CASE("Handle: a move, and releasing, leave it closed", "[fd][handle]") {
  ClosingBackend::Log log;
  {
    Thing thing{Owned{ClosingBackend{&log}, 5}};
    Thing moved{std::move(thing)};
    CHECK_FALSE(thing.is_open());
    CHECK(moved.fd() == 5);
    CHECK(moved.ref() == BasicFdRef<ClosingBackend>{ClosingBackend{&log}, 5});
    Owned fd = moved.release();
    CHECK_FALSE(moved.is_open());
    CHECK(fd.get() == 5);
    CHECK(log.closed.empty());
  }
  CHECK(log.closed == Closed{5});
}

TEST_CASE("Handle: a duplicate that cannot be made is an error that names the call", "[fd][handle]") {
  ClosingBackend::Log log;
  const Thing thing{Owned{ClosingBackend{&log}, 5}};
  CHECK(thrown_by([&] { static_cast<void>(thing.duplicate()); }) == "fcntl(dupfd_cloexec, fd 5): Too many open files");
  std::error_code ec;
  CHECK_FALSE(thing.duplicate(ec).is_open());
  CHECK(ec == std::errc::too_many_files_open);
  CHECK(log.closed.empty());
}

TEST_CASE("Handle: using a closed one ends the program with its name", "[fd][handle][death]") {
  if (!test::assertions_are_on) return;
  ClosingBackend::Log log;
  Thing thing{Owned{ClosingBackend{&log}}};
  const std::string text = "rouse: Thing: used while closed\n  assertion `";
  std::error_code ec;
  CHECK(test::last_words([&] { static_cast<void>(thing.fd()); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { static_cast<void>(thing.ref()); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { static_cast<void>(thing.duplicate()); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { static_cast<void>(thing.duplicate(ec)); }).rfind(text, 0) == 0);
  CHECK(test::last_words([&] { thing.close(); }) == "alive");
  CHECK(test::last_words([&] { static_cast<void>(thing.release()); }) == "alive");
}

TEST_CASE("Handle: no fd is borrowed from a temporary", "[fd][handle]") {
  using Ref = BasicFdRef<ClosingBackend>;
  STATIC_REQUIRE(std::is_convertible_v<Owned&, Ref>);
  STATIC_REQUIRE(std::is_convertible_v<const Owned&, Ref>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Owned, Ref>);
  STATIC_REQUIRE(std::is_convertible_v<Thing&, Ref>);
  STATIC_REQUIRE(std::is_convertible_v<const Thing&, Ref>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Thing, Ref>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<const Thing, Ref>);
}

TEMPLATE_LIST_TEST_CASE("OwnedFd: a duplicate is another number for the same file, close-on-exec", "[fd]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::OwnedFd fd{on.backend, on.backend.eventfd(3, EFD_NONBLOCK).value()};
  const typename Handles<TestType>::OwnedFd second{on.backend, fd.duplicate().value()};
  CHECK(second.get() != fd.get());
  CHECK(on.backend.fcntl(second.get(), F_GETFD) == FD_CLOEXEC);
  const int number = fd.get();
  CHECK(fd.close().ok());
  CHECK(on.backend.fcntl(number, F_GETFD) == SysResult<int>::failure(EBADF));
  std::uint64_t value = 0;
  CHECK(on.backend.read(second.get(), &value, 8) == 8);
  CHECK(value == 3);
  SysResult<int> refused = 0;
  {
    const test::FileLimit limit{on.backend, 1};
    refused = second.duplicate();
  }
  CHECK(refused == SysResult<int>::failure(EMFILE));
}

TEMPLATE_LIST_TEST_CASE("OwnedFd: it closes the number when it goes", "[fd]", test::AllBackends) {
  TestType on;
  int number = -1;
  {
    const typename Handles<TestType>::OwnedFd fd{on.backend, on.backend.eventfd(0, 0).value()};
    number = fd.get();
    CHECK(on.backend.fcntl(number, F_GETFD).ok());
  }
  CHECK(on.backend.fcntl(number, F_GETFD) == SysResult<int>::failure(EBADF));
}
