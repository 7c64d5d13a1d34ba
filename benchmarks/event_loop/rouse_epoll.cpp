// rouse: its handles as the README shows them, on the real kernel. What raw_epoll.cpp does, line by line.
#include "chain.hpp"
#include "rouse/backend/linux.hpp"
#include "rouse/rouse.hpp"
#include "rouse/version.hpp"

#include <deque>

namespace event_loop {

namespace {

using rouse::BasicEpoll;
using rouse::BasicEventFd;
using rouse::BasicSocket;
using rouse::EventFdFlags;
using rouse::EventFlags;
using rouse::LinuxBackend;

class SocketPair {
 public:
  [[nodiscard]] const BasicSocket<LinuxBackend>& readable() const { return ends_.first; }

  bool take() {
    char byte;
    std::optional<std::size_t> got = ends_.first.try_receive({&byte, 1});
    if (!got) return false;
    if (*got == 0) [[unlikely]]
      fail("the end of the stream");
    return true;
  }
  void put() {
    const char byte = 1;
    if (!ends_.second.try_send({&byte, 1})) [[unlikely]]
      fail("no room");
  }

 private:
  std::pair<BasicSocket<LinuxBackend>, BasicSocket<LinuxBackend>> ends_ = BasicSocket<LinuxBackend>::pair();
};

class EventFd {
 public:
  [[nodiscard]] const BasicEventFd<LinuxBackend>& readable() const { return counter_; }

  bool take() { return counter_.try_read().has_value(); }
  void put() { counter_.notify(); }

 private:
  BasicEventFd<LinuxBackend> counter_{0, EventFdFlags::semaphore | EventFdFlags::nonblock | EventFdFlags::cloexec};
};

template <class Handles>
class RouseEpoll final : public Loop {
 public:
  explicit RouseEpoll(const Chain& chain) {
    for (std::size_t i = 0; i < chain.length; ++i) {
      Link& link = links_.emplace_back();
      epoll_.add(link.readable(), EventFlags::in, &link);
    }
    begin(links_, chain.active);
  }

  void run(std::uint64_t steps) override {
    rouse::EventVec events(events_per_wait);
    while (steps > 0) {
      epoll_.wait_restarting(events);
      for (auto [flags, data] : events) {
        Link& link = *data.template ptr<Link>();
        if (!link.take()) continue;
        link.next->put();
        --steps;
      }
    }
  }

 private:
  struct Link : Handles {
    Link* next = nullptr;
  };

  BasicEpoll<LinuxBackend> epoll_;
  std::deque<Link> links_;
};

}  // namespace

Contender rouse_epoll() {
  return {"rouse", "", "range-for over an EventVec, a typed pointer to the link",
          make_loop<RouseEpoll, SocketPair, EventFd>};
}

}  // namespace event_loop
