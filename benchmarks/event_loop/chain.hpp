// The chain, which event loops are compared by: links in a ring, each a file to read from and one to write to. Tokens
// travel in it: whoever is readable takes one and puts it into the next link. So an event costs what the loop does for
// it, and a read and a write that are the same for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace event_loop {

enum class Kind {
  socket_pairs,  ///< A token is a byte, sent by one end and received at the other.
  eventfds,      ///< A token is a 1 in a counter, which is read one at a time.
};

struct Chain {
  Kind kind;
  std::size_t length;
  std::size_t active;  ///< How many tokens are under way at a time; at most `length`.
};

/// A chain with its tokens in it, registered with an event loop.
class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop() = default;

  /// Returns when the tokens have made so many steps in all: an event each. Precondition: a multiple of `active`, so
  /// that all tokens have made the same number, and none waits in an array of events that is given up.
  virtual void run(std::uint64_t steps) = 0;
};

struct Contender {
  const char* name;
  const char* version;
  const char* per_event;  ///< What it does for each event, beside taking a token and putting it on.
  std::unique_ptr<Loop> (*make)(const Chain&);
};

Contender raw_epoll();
Contender rouse_epoll();
// Null if the peer is not installed: its file is not compiled then.
[[gnu::weak]] Contender libevent();
[[gnu::weak]] Contender libuv();
[[gnu::weak]] Contender asio_reads();

/// How many events one wait is asked for by those that choose it themselves.
inline constexpr std::size_t events_per_wait = 256;

[[noreturn, gnu::cold, gnu::noinline]] inline void fail(const char* call) {
  std::perror(call);
  std::abort();
}

/// Makes a ring of the links, and puts tokens into those that are equally far from each other.
template <class Links>
void begin(Links& links, std::size_t active) {
  for (std::size_t i = 0; i < links.size(); ++i) links[i].next = &links[(i + 1) % links.size()];
  for (std::size_t i = 0; i < active; ++i) links[i * links.size() / active].put();
}

/// The loop for the chain's kind of links.
template <template <class Link> class LoopOf, class SocketPair, class EventFd>
std::unique_ptr<Loop> make_loop(const Chain& chain) {
  if (chain.kind == Kind::socket_pairs) return std::make_unique<LoopOf<SocketPair>>(chain);
  return std::make_unique<LoopOf<EventFd>>(chain);
}

}  // namespace event_loop
