// libevent: a persistent event per link. No locks, as nothing is shared between threads here.
#include "plain_links.hpp"

#include <deque>
#include <event2/event.h>

namespace event_loop {

namespace {

template <class Plain>
class Libevent final : public Loop {
 public:
  explicit Libevent(const Chain& chain) : base_(make_base()) {
    for (std::size_t i = 0; i < chain.length; ++i) {
      Link& link = links_.emplace_back();
      link.loop = this;
      link.event = ::event_new(base_, link.fd(), EV_READ | EV_PERSIST, &Libevent::on_readable, &link);
      if (link.event == nullptr || ::event_add(link.event, nullptr) != 0) fail("event_add");
    }
    begin(links_, chain.active);
  }
  ~Libevent() override {
    for (Link& link : links_) ::event_free(link.event);
    ::event_base_free(base_);
  }

  void run(std::uint64_t steps) override {
    steps_left_ = steps;
    if (::event_base_dispatch(base_) != 0) fail("event_base_dispatch");
  }

 private:
  struct Link : Plain {
    Link* next = nullptr;
    Libevent* loop = nullptr;
    ::event* event = nullptr;
  };

  static ::event_base* make_base() {
    ::event_config* config = ::event_config_new();
    if (config == nullptr || ::event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) != 0) fail("event_config");
    ::event_base* base = ::event_base_new_with_config(config);
    ::event_config_free(config);
    if (base == nullptr) fail("event_base_new_with_config");
    return base;
  }

  static void on_readable(int, short, void* data) {
    Link& link = *static_cast<Link*>(data);
    Libevent& loop = *link.loop;
    if (!link.take()) return;
    link.next->put();
    if (--loop.steps_left_ == 0) ::event_base_loopbreak(loop.base_);
  }

  ::event_base* base_;
  std::uint64_t steps_left_ = 0;
  std::deque<Link> links_;
};

}  // namespace

Contender libevent() {
  return {"libevent", ::event_get_version(), "a persistent event and its callback",
          make_loop<Libevent, PlainSocketPair, PlainEventFd>};
}

}  // namespace event_loop
