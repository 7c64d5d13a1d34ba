// TcpSegment: what the two ends of a TCP connection send each other. Sequence numbers are 64 bits wide, so that they
// are never used twice.
#pragma once

#include "network.hpp"

#include <string>

namespace rouse::inline v0::kernel {

struct TcpSegment final : Packet {
  IpEndpoint from;
  IpEndpoint to;
  std::uint64_t sequence = 0;      // Of the first byte; SYN and FIN count as one each.
  std::uint64_t acknowledged = 0;  // The next one that is expected. Means nothing without `ack`.
  std::size_t window = 0;          // Bytes there is room for beyond that.
  std::uint64_t urgent_end = 0;    // The one behind the urgent byte; 0 for none.
  bool syn = false;
  bool ack = false;
  bool fin = false;
  bool reset = false;
  std::string bytes;

  [[nodiscard]] std::uint64_t end() const { return sequence + bytes.size() + (syn ? 1u : 0u) + (fin ? 1u : 0u); }
  [[nodiscard]] std::size_t size() const override {
    constexpr std::size_t headers_v4 = 52;  // Of IP and TCP, with time stamps.
    constexpr std::size_t headers_v6 = 72;
    return bytes.size() + (to.address.is_v4() ? headers_v4 : headers_v6);
  }
  inline void arrive(NetNamespace& at) override;  // In tcp_input.hpp.
};

}  // namespace rouse::inline v0::kernel
