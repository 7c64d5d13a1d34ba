// epoll_ctl(2): the order in which it finds fault, what it keeps of a mask, one-shot, and what MOD fires again.
#include "../support/bad_pointers.hpp"
#include "../support/events.hpp"

using namespace rouse;
using test::Events;
using test::Handles;
using test::reported;

namespace {

constexpr EventFlags in = EventFlags::in;
constexpr EventFlags out = EventFlags::out;
constexpr EventFlags hup = EventFlags::hup;
constexpr EventFlags err = EventFlags::err;
constexpr EventFlags et = EventFlags::et;
constexpr EventFlags oneshot = EventFlags::oneshot;
constexpr EventFlags exclusive = EventFlags::exclusive;
constexpr EventFlags none{};

constexpr int unknown_op = 99;

/// What a row of the table of errors names. All of it is in one process at once.
enum class Fd { negative, closed, plain, event, watched, watched_exclusively, epoll, epoll_dup, inner, outer };

template <class On>
struct Cast {
  explicit Cast(On& on)
      : backend(on.backend),
        plain(on.backend, on.backend.open("/dev/null", O_RDWR).value()),
        event(on.backend),
        watched(on.backend),
        watched_exclusively(on.backend),
        epoll(on.backend),
        epoll_dup(epoll.duplicate()),
        inner(on.backend),
        outer(on.backend),
        closed(epoll.duplicate().fd()) {
    epoll.add(watched, in, 1);
    epoll.add(watched_exclusively, in | exclusive, 2);
    epoll.add(inner, in, 3);
    outer.add(epoll, in, 4);
  }

  int number(Fd fd) const {
    switch (fd) {
      case Fd::negative: return -1;
      case Fd::closed: return closed;
      case Fd::plain: return plain.get();
      case Fd::event: return event.fd();
      case Fd::watched: return watched.fd();
      case Fd::watched_exclusively: return watched_exclusively.fd();
      case Fd::epoll: return epoll.fd();
      case Fd::epoll_dup: return epoll_dup.fd();
      case Fd::inner: return inner.fd();
      case Fd::outer: return outer.fd();
    }
    return -1;
  }

  typename On::Backend backend;
  typename Handles<On>::OwnedFd plain;
  typename Handles<On>::EventFd event;
  typename Handles<On>::EventFd watched;
  typename Handles<On>::EventFd watched_exclusively;
  typename Handles<On>::Epoll epoll;
  typename Handles<On>::Epoll epoll_dup;
  typename Handles<On>::Epoll inner;
  typename Handles<On>::Epoll outer;
  int closed;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("epoll_ctl: finds fault in a fixed order", "[epoll][ctl]", test::AllBackends) {
  TestType on;
  Cast<TestType> cast{on};
  constexpr int add = EPOLL_CTL_ADD;
  constexpr int mod = EPOLL_CTL_MOD;
  constexpr int del = EPOLL_CTL_DEL;
  struct Row {
    int operation;
    Fd epfd;
    Fd fd;
    EventFlags flags;
    int error;
  };
  // Each row but the plain ones is wrong in two ways; the earlier check decides.
  const Row rows[] = {
      // The epoll's number, then the other one.
      {add, Fd::closed, Fd::event, in, EBADF},
      {add, Fd::negative, Fd::plain, in, EBADF},
      {del, Fd::closed, Fd::plain, in, EBADF},
      {unknown_op, Fd::closed, Fd::plain, in, EBADF},
      {add, Fd::event, Fd::closed, in, EBADF},
      {mod, Fd::plain, Fd::negative, in, EBADF},
      {del, Fd::event, Fd::closed, in, EBADF},
      {unknown_op, Fd::epoll, Fd::closed, in, EBADF},
      // What cannot be polled, whatever is to be done with it.
      {add, Fd::epoll, Fd::plain, in, EPERM},
      {mod, Fd::epoll, Fd::plain, in | exclusive, EPERM},
      {del, Fd::epoll, Fd::plain, in, EPERM},
      {unknown_op, Fd::epoll, Fd::plain, in, EPERM},
      {add, Fd::event, Fd::plain, in, EPERM},
      {del, Fd::plain, Fd::plain, in, EPERM},
      // No epoll, or the epoll itself: neither ELOOP nor ENOENT.
      {add, Fd::event, Fd::watched, in, EINVAL},
      {del, Fd::event, Fd::watched, in, EINVAL},
      {mod, Fd::plain, Fd::event, in, EINVAL},
      {add, Fd::epoll, Fd::epoll, in, EINVAL},
      {mod, Fd::epoll, Fd::epoll, in, EINVAL},
      {del, Fd::epoll, Fd::epoll, in, EINVAL},
      {add, Fd::epoll, Fd::epoll_dup, in, EINVAL},
      {mod, Fd::epoll, Fd::epoll_dup, in, EINVAL},
      {del, Fd::epoll_dup, Fd::epoll, in, EINVAL},
      // Masks that do not go with `exclusive`: neither ENOENT nor EEXIST nor ELOOP.
      {mod, Fd::epoll, Fd::event, in | exclusive, EINVAL},
      {mod, Fd::epoll, Fd::watched, in | exclusive, EINVAL},
      {add, Fd::epoll, Fd::watched, in | oneshot | exclusive, EINVAL},
      {add, Fd::epoll, Fd::outer, in | exclusive, EINVAL},
      {add, Fd::epoll, Fd::inner, exclusive, EINVAL},
      {del, Fd::epoll, Fd::event, in | oneshot | exclusive, ENOENT},
      // Cycles, which only an ADD can make.
      {add, Fd::epoll, Fd::outer, in, ELOOP},
      {add, Fd::inner, Fd::outer, in, ELOOP},
      {mod, Fd::epoll, Fd::outer, in, ENOENT},
      {del, Fd::epoll, Fd::outer, in, ENOENT},
      // What is there and what is not.
      {add, Fd::epoll, Fd::watched, in, EEXIST},
      {add, Fd::epoll, Fd::watched_exclusively, in | exclusive, EEXIST},
      {add, Fd::epoll_dup, Fd::inner, in, EEXIST},
      {mod, Fd::epoll, Fd::event, in, ENOENT},
      {del, Fd::epoll, Fd::event, in, ENOENT},
      {del, Fd::outer, Fd::inner, in, ENOENT},
      {mod, Fd::epoll, Fd::watched_exclusively, in, EINVAL},
      {unknown_op, Fd::epoll, Fd::event, in, EINVAL},
      {unknown_op, Fd::epoll, Fd::watched, in, EINVAL},
      {0, Fd::epoll, Fd::event, in, EINVAL},
      {-1, Fd::epoll, Fd::watched, in, EINVAL},
  };
  for (const Row& row : rows) {
    CAPTURE(row.operation, row.epfd, row.fd, row.flags, &row - rows);
    const Event event{row.flags, 9};
    CHECK(on.backend.epoll_ctl(cast.number(row.epfd), row.operation, cast.number(row.fd), &event) ==
          SysResult<void>::failure(row.error));
  }
  // None of them left a trace.
  cast.event.write(1);
  cast.watched.write(1);
  cast.watched_exclusively.write(1);
  CHECK(reported(cast.epoll) == Events{{in, 1}, {in, 2}});
  CHECK(reported(cast.outer) == Events{{in, 4}});
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: looks at the event before anything else, except to remove", "[epoll][ctl]",
                        test::AllBackends) {
  TestType on;
  Cast<TestType> cast{on};
  for (const Event* const bad :
       {static_cast<Event*>(nullptr), test::unmapped<Event>(), test::in_kernel_space<Event>()}) {
    CAPTURE(bad);
    for (const int operation : {EPOLL_CTL_ADD, EPOLL_CTL_MOD, unknown_op, 0, -1}) {
      CAPTURE(operation);
      for (const Fd epfd : {Fd::negative, Fd::closed, Fd::event, Fd::epoll}) {
        CHECK(on.backend.epoll_ctl(cast.number(epfd), operation, -1, bad).error() == EFAULT);
        CHECK(on.backend.epoll_ctl(cast.number(epfd), operation, cast.watched.fd(), bad).error() == EFAULT);
      }
    }
    CHECK(on.backend.epoll_ctl(-1, EPOLL_CTL_DEL, -1, bad).error() == EBADF);
    CHECK(on.backend.epoll_ctl(cast.epoll.fd(), EPOLL_CTL_DEL, cast.event.fd(), bad).error() == ENOENT);
    cast.epoll.add(cast.event, in);
    CHECK(on.backend.epoll_ctl(cast.epoll.fd(), EPOLL_CTL_DEL, cast.event.fd(), bad).ok());
  }
}

// A path cannot be opened on the emulated kernel.
TEST_CASE("epoll_ctl: an fd that stands for a path only is none", "[epoll][ctl][real]") {
  Epoll epoll;
  EventFd event;
  const OwnedFd path{::open("/", O_PATH | O_CLOEXEC)};
  const Event wanted{in, 0};
  Event room;
  CHECK(LinuxBackend{}.epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, path.get(), &wanted).error() == EBADF);
  CHECK(LinuxBackend{}.epoll_ctl(path.get(), EPOLL_CTL_ADD, event.fd(), &wanted).error() == EBADF);
  CHECK(LinuxBackend{}.epoll_wait(path.get(), &room, 1, 0).error() == EBADF);
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: a file is watched once per number, and a duplicate is another number",
                        "[epoll][ctl]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  auto dup = event.duplicate();
  std::error_code ec;
  epoll.add(event, in, 1);
  epoll.add(event, in, 1, ec);
  CHECK(ec.value() == EEXIST);
  epoll.add(dup, in | et, 2);
  event.write(1);
  CHECK(reported(epoll) == Events{{in, 2}, {in, 1}});
  CHECK(reported(epoll) == Events{{in, 1}});
  epoll.modify(event, out, 3);
  CHECK(reported(epoll) == Events{{out, 3}});
  epoll.remove(event);
  event.write(1);
  CHECK(reported(epoll) == Events{{in, 2}});
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: `exclusive` goes with in, out, err, hup, wakeup and et only", "[epoll][ctl]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend};
  typename Handles<TestType>::EventFd watched{on.backend};
  epoll.add(watched, in);
  for (int i = 0; i < 32; ++i) {
    const EventFlags bit{1u << i};
    CAPTURE(bit);
    std::error_code ec;
    epoll.add(event, exclusive | bit, 0, ec);
    CHECK(ec.value() == (is_addable(exclusive | bit) ? 0 : EINVAL));
    if (!ec) epoll.remove(event);
    epoll.add(watched, exclusive | bit, 0, ec);
    CHECK(ec.value() == (is_addable(exclusive | bit) ? EEXIST : EINVAL));
    epoll.modify(watched, exclusive | bit, 0, ec);
    CHECK(ec.value() == EINVAL);
  }
  // What is_addable says, written out.
  CHECK(is_addable(in | out | err | hup | EventFlags::wakeup | et | exclusive));
  for (const EventFlags bit : {EventFlags::pri, EventFlags::rdhup, EventFlags::rdnorm, EventFlags::rdband,
                               EventFlags::wrnorm, EventFlags::wrband, EventFlags::msg, oneshot, EventFlags{0x20}}) {
    CAPTURE(bit);
    CHECK_FALSE(is_addable(exclusive | bit));
  }
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: what was added with `exclusive` is changed by removing and adding", "[epoll][ctl]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  std::error_code ec;
  epoll.add(event, exclusive, 1);
  CHECK(reported(epoll).empty());
  epoll.modify(event, in, 2, ec);
  CHECK(ec.value() == EINVAL);
  CHECK(reported(epoll).empty());
  epoll.remove(event);
  epoll.add(event, in | exclusive, 3);
  CHECK(reported(epoll) == Events{{in, 3}});
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: bits without a meaning are taken and never reported", "[epoll][ctl]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  typename Handles<TestType>::Pipe pipe{on.backend};
  for (int i = 0; i < 32; ++i) {
    const EventFlags bit{1u << i};
    if (bit == exclusive) continue;
    CAPTURE(bit);
    std::error_code ec;
    epoll.add(event, bit, 1, ec);
    CHECK_FALSE(ec);
    epoll.modify(event, in | bit, 2, ec);
    CHECK_FALSE(ec);
    CHECK(reported(epoll) == Events{{bit == out ? in | out : in, 2}});
    epoll.remove(event);
  }
  const EventFlags all = ~(exclusive | oneshot | et);
  epoll.add(event, all, 1);
  epoll.add(pipe.reader, all, 2);
  epoll.add(pipe.writer, all, 3);
  CHECK(reported(epoll) == Events{{in | out, 1}, {out | EventFlags::wrnorm, 3}});
  pipe.writer.write("x");
  CHECK(reported(epoll) == Events{{in | out, 1}, {out | EventFlags::wrnorm, 3}, {in | EventFlags::rdnorm, 2}});
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: hang-ups and errors are reported whatever is asked for", "[epoll][ctl]",
                        test::AllBackends) {
  TestType on;
  struct Row {
    EventFlags flags;
    bool again;
  };
  for (const Row& row : {Row{none, true},
                         {et, false},
                         {oneshot, false},
                         {EventFlags::wakeup, true},
                         {et | oneshot, false},
                         {EventFlags::pri, true}}) {
    CAPTURE(row.flags);
    typename Handles<TestType>::Epoll epoll{on.backend};
    typename Handles<TestType>::Pipe hung_up{on.backend};
    typename Handles<TestType>::Pipe broken{on.backend};
    epoll.add(hung_up.reader, row.flags, 1);
    epoll.add(broken.writer, row.flags, 2);
    CHECK(reported(epoll).empty());
    hung_up.writer.close();
    broken.reader.close();
    CHECK(reported(epoll) == Events{{hup, 1}, {err, 2}});
    CHECK(reported(epoll) == (row.again ? Events{{hup, 1}, {err, 2}} : Events{}));
  }
}

TEMPLATE_LIST_TEST_CASE("Epoll: a one-shot report disarms unreported bits too", "[epoll][ctl][oneshot]",
                        test::AllBackends) {
  TestType on;
  for (const EventFlags mode : {oneshot, oneshot | et}) {
    CAPTURE(mode);
    typename Handles<TestType>::Epoll epoll{on.backend};
    typename Handles<TestType>::EventFd event{on.backend};
    typename Handles<TestType>::Pipe pipe{on.backend};
    epoll.add(event, in | out | mode, 1);
    epoll.add(pipe.reader, in | mode, 2);
    CHECK(reported(epoll) == Events{{out, 1}});
    pipe.writer.write("x");
    event.write(1);
    CHECK(reported(epoll) == Events{{in, 2}});
    // Not even a hang-up gets through.
    pipe.writer.close();
    event.write(1);
    CHECK(reported(epoll).empty());
    epoll.modify(pipe.reader, in | mode, 3);
    epoll.modify(event, in | mode, 4);
    CHECK(reported(epoll) == Events{{in | hup, 3}, {in, 4}});
    CHECK(reported(epoll).empty());
    // An empty mask is armed for errors and hang-ups.
    epoll.modify(pipe.reader, none, 5);
    CHECK(reported(epoll) == Events{{hup, 5}});
    CHECK(reported(epoll) == Events{{hup, 5}});
  }
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: a ready file is due at once when added, edge-triggered or not", "[epoll][ctl]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd level{on.backend, 1};
  typename Handles<TestType>::EventFd edge{on.backend, 1};
  typename Handles<TestType>::EventFd once{on.backend, 1};
  typename Handles<TestType>::EventFd idle{on.backend};
  epoll.add(level, in, 1);
  epoll.add(edge, in | et, 2);
  epoll.add(once, in | oneshot, 3);
  epoll.add(idle, in, 4);
  CHECK(reported(epoll) == Events{{in, 1}, {in, 2}, {in, 3}});
  CHECK(reported(epoll) == Events{{in, 1}});
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: MOD with the same mask fires an edge again", "[epoll][ctl][edge]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd event{on.backend, 1};
  epoll.add(event, in | et, 1);
  CHECK(reported(epoll) == Events{{in, 1}});
  CHECK(reported(epoll).empty());
  epoll.modify(event, in | et, 1);
  CHECK(reported(epoll) == Events{{in, 1}});
  event.drain();
  epoll.modify(event, in | et, 1);
  CHECK(reported(epoll).empty());
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: MOD changes the data of an event that is due already", "[epoll][ctl]",
                        test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd first{on.backend};
  typename Handles<TestType>::EventFd second{on.backend};
  epoll.add(first, in | et, 1);
  epoll.add(second, in | et, 2);
  first.write(1);
  second.write(1);
  epoll.modify(first, in | et, 0xffff'ffff'ffff'ffff);
  CHECK(reported(epoll) == Events{{in, 0xffff'ffff'ffff'ffff}, {in, 2}});
  CHECK(reported(epoll).empty());
}

TEMPLATE_LIST_TEST_CASE("epoll_ctl: MOD to what does not hold leaves the event in its place until a visit",
                        "[epoll][ctl]", test::AllBackends) {
  TestType on;
  typename Handles<TestType>::Epoll epoll{on.backend};
  typename Handles<TestType>::EventFd first{on.backend};
  typename Handles<TestType>::EventFd second{on.backend};
  epoll.add(first, in | et, 1);
  epoll.add(second, in | et, 2);
  first.write(1);
  second.write(1);
  // Back in time: it kept its place in front.
  epoll.modify(first, EventFlags::pri | et, 3);
  epoll.modify(first, in | et, 4);
  CHECK(reported(epoll) == Events{{in, 4}, {in, 2}});
  // Too late: a wait went over it.
  epoll.modify(first, in | et, 5);
  epoll.modify(second, in | et, 6);
  epoll.modify(first, EventFlags::pri | et, 7);
  CHECK(reported(epoll) == Events{{in, 6}});
  CHECK(reported(epoll).empty());
  epoll.modify(second, in | et, 8);
  epoll.modify(first, in | et, 9);
  CHECK(reported(epoll) == Events{{in, 8}, {in, 9}});
}
