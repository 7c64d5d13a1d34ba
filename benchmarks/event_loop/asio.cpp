// Asio: an asynchronous read per link, started anew by its handler. Asio tries that read before it waits, which fails
// here, and costs a syscall; async_wait would cost another one, an epoll_ctl. No locks, as nothing is shared between
// threads.
#include "plain_links.hpp"

#include <array>
#include <asio.hpp>
#include <deque>
#include <string>

namespace event_loop {

namespace {

template <class Plain>
class AsioLoop final : public Loop {
 public:
  explicit AsioLoop(const Chain& chain) {
    for (std::size_t i = 0; i < chain.length; ++i) links_.emplace_back(*this).start_read();
    begin(links_, chain.active);
  }

  void run(std::uint64_t steps) override {
    steps_left_ = steps;
    context_.restart();
    context_.run();
  }

 private:
  struct Link : Plain {
    explicit Link(AsioLoop& owner) : loop(owner), descriptor(owner.context_, this->fd()) {}
    ~Link() { descriptor.release(); }  // It would close the fd, which is Plain's.

    void start_read() {
      descriptor.async_read_some(asio::buffer(token), [this](const asio::error_code& error, std::size_t) {
        if (error == asio::error::operation_aborted) return;
        if (error) fail("async_read_some");
        next->put();
        start_read();
        if (--loop.steps_left_ == 0) loop.context_.stop();
      });
    }

    AsioLoop& loop;
    asio::posix::stream_descriptor descriptor;
    Link* next = nullptr;
    std::array<char, Plain::token_size> token;
  };

  std::uint64_t steps_left_ = 0;
  asio::io_context context_{ASIO_CONCURRENCY_HINT_UNSAFE};
  std::deque<Link> links_;
};

const char* version() {
  static const std::string text = std::to_string(ASIO_VERSION / 100000) + '.' +
                                  std::to_string(ASIO_VERSION / 100 % 1000) + '.' + std::to_string(ASIO_VERSION % 100);
  return text.c_str();
}

}  // namespace

Contender asio_reads() {
  return {"Asio", version(), "async_read_some started anew by its handler",
          make_loop<AsioLoop, PlainSocketPair, PlainEventFd>};
}

}  // namespace event_loop
