// Link: the way between two namespaces, or the loopback of one: how long it takes, what gets lost. All is off at first:
// what is sent arrives within the call that sends it.
#pragma once

#include "../detail/assert.hpp"
#include "../timeout.hpp"
#include "time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rouse::inline v0::kernel {

/// What is lost, as a ratio: `{1, 10}` is one datagram in ten.
struct Ratio {
  std::uint32_t part = 0;
  std::uint32_t whole = 1;
};

class Link {
 public:
  enum class Way { there, back };

  /// How long a packet takes, each way. What is under way keeps its time, and nothing overtakes. Precondition: a span.
  void set_latency(Timeout span) {
    ROUSE_ASSERT(!span.is_never(), "Link::set_latency: for ever is set_partitioned(true)");
    latency_ = span.nanoseconds();
  }
  /// How many bytes go through in a second, each way; 0 for any number. Headers count, as on Linux.
  void set_bandwidth(std::uint64_t bytes_per_second) { bytes_per_second_ = bytes_per_second; }
  /// Which part of the datagrams gets lost. TCP's packets are not: it would only send them again.
  /// Precondition: a ratio of at most 1.
  void set_loss(Ratio ratio) {
    ROUSE_ASSERT(ratio.whole > 0 && ratio.part <= ratio.whole, "Link::set_loss: a ratio is between 0 and 1");
    loss_ = ratio;
  }

  [[nodiscard]] Ratio loss() const { return loss_; }
  /// True if nothing gets through.
  [[nodiscard]] bool is_partitioned() const { return partitioned_; }

  /// When `n` bytes that leave `now` arrive; `now` itself if they take no time.
  [[nodiscard]] Time arrival(Way way, Time now, std::size_t n) {
    Direction& direction = directions_[static_cast<std::size_t>(way)];
    Time at = now;
    if (bytes_per_second_ != 0) {
      constexpr std::uint64_t second = 1'000'000'000;
      at = direction.free_at = std::max(direction.free_at, now) +
                               static_cast<Time>((n * second + bytes_per_second_ - 1) / bytes_per_second_);
    }
    direction.last_arrival = std::max(direction.last_arrival, time_after(at, latency_));
    return direction.last_arrival;
  }

 private:
  friend class Network;

  struct Direction {
    Time free_at = 0;
    Time last_arrival = 0;
  };

  Time latency_ = 0;
  std::uint64_t bytes_per_second_ = 0;
  Ratio loss_;
  bool partitioned_ = false;
  Direction directions_[2];
};

}  // namespace rouse::inline v0::kernel
