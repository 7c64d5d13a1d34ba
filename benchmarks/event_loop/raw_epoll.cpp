// Raw epoll: the loop of a careful engineer who needs nothing else. Level-triggered, as the peers are by default.
#include "plain_links.hpp"

#include <deque>
#include <sys/epoll.h>

namespace event_loop {

namespace {

template <class Plain>
class RawEpoll final : public Loop {
 public:
  explicit RawEpoll(const Chain& chain) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) fail("epoll_create1");
    for (std::size_t i = 0; i < chain.length; ++i) {
      Link& link = links_.emplace_back();
      ::epoll_event interest{};
      interest.events = EPOLLIN;
      interest.data.ptr = &link;
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, link.fd(), &interest) != 0) fail("epoll_ctl");
    }
    begin(links_, chain.active);
  }
  ~RawEpoll() override { ::close(epoll_); }

  void run(std::uint64_t steps) override {
    const auto events = std::make_unique<::epoll_event[]>(events_per_wait);
    while (steps > 0) {
      const int n = ::epoll_wait(epoll_, events.get(), events_per_wait, -1);
      if (n < 0) [[unlikely]] {
        if (errno == EINTR) continue;
        fail("epoll_wait");
      }
      for (const ::epoll_event *at = events.get(), *end = at + n; at != end; ++at) {
        Link& link = *static_cast<Link*>(at->data.ptr);
        if (!link.take()) continue;
        link.next->put();
        --steps;
      }
    }
  }

 private:
  struct Link : Plain {
    Link* next = nullptr;
  };

  int epoll_;
  std::deque<Link> links_;
};

}  // namespace

Contender raw_epoll() {
  return {"raw epoll", "", "an array of epoll_event, data.ptr to the link",
          make_loop<RawEpoll, PlainSocketPair, PlainEventFd>};
}

}  // namespace event_loop
