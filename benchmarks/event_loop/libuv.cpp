// libuv: a uv_poll_t per link, its interface for fds that are not its own.
#include "plain_links.hpp"

#include <deque>
#include <uv.h>

namespace event_loop {

namespace {

void check(int result, const char* call) {
  if (result == 0) return;
  errno = -result;
  fail(call);
}

template <class Plain>
class Libuv final : public Loop {
 public:
  explicit Libuv(const Chain& chain) {
    check(::uv_loop_init(&loop_), "uv_loop_init");
    for (std::size_t i = 0; i < chain.length; ++i) {
      Link& link = links_.emplace_back();
      link.poll.data = &link;
      link.loop = this;
      check(::uv_poll_init(&loop_, &link.poll, link.fd()), "uv_poll_init");
      check(::uv_poll_start(&link.poll, UV_READABLE, &Libuv::on_readable), "uv_poll_start");
    }
    begin(links_, chain.active);
  }
  ~Libuv() override {
    for (Link& link : links_) ::uv_close(reinterpret_cast<::uv_handle_t*>(&link.poll), nullptr);
    check(::uv_run(&loop_, UV_RUN_DEFAULT), "uv_run");  // Closing takes a turn of the loop.
    check(::uv_loop_close(&loop_), "uv_loop_close");
  }

  void run(std::uint64_t steps) override {
    steps_left_ = steps;
    ::uv_run(&loop_, UV_RUN_DEFAULT);
  }

 private:
  struct Link : Plain {
    Link* next = nullptr;
    Libuv* loop = nullptr;
    ::uv_poll_t poll{};
  };

  static void on_readable(::uv_poll_t* poll, int status, int) {
    check(status, "uv_poll");
    Link& link = *static_cast<Link*>(poll->data);
    Libuv& loop = *link.loop;
    if (!link.take()) return;
    link.next->put();
    if (--loop.steps_left_ == 0) ::uv_stop(&loop.loop_);
  }

  ::uv_loop_t loop_{};
  std::uint64_t steps_left_ = 0;
  std::deque<Link> links_;
};

}  // namespace

Contender libuv() {
  return {"libuv", ::uv_version_string(), "a uv_poll_t and its callback",
          make_loop<Libuv, PlainSocketPair, PlainEventFd>};
}

}  // namespace event_loop
