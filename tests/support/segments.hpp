// Segments: two machines that are connected, and what the client would send next, to be changed before it arrives.
#pragma once

#include "machines.hpp"
#include "rouse/kernel/tcp_segment.hpp"
#include "rouse/kernel/tcp_socket_file.hpp"

#include <memory>
#include <string>

namespace test {

struct Segments : Connection {
  [[nodiscard]] const rouse::kernel::TcpEndpoint& endpoint(const Fd& fd) const {
    return rouse::kernel::file_cast<rouse::kernel::TcpSocketFile>(on.kernel.file(fd.get()))->endpoint();
  }
  /// The next one that the client would send, of no bytes. Precondition: both ends have read everything.
  [[nodiscard]] std::unique_ptr<rouse::kernel::TcpSegment> next() const {
    const rouse::kernel::TcpEndpoint& client = endpoint(end);
    auto segment = std::make_unique<rouse::kernel::TcpSegment>();
    segment->from = client.local;
    segment->to = client.remote;
    segment->sequence = endpoint(accepted).read_at();
    segment->acknowledged = client.read_at();
    segment->window = 1'000'000;
    segment->ack = true;
    return segment;
  }
  void arrive(rouse::kernel::TcpSegment& segment) { arrive_at(server_net, segment); }
  void arrive_at(rouse::kernel::NetNamespace& net, rouse::kernel::TcpSegment& segment) {
    const rouse::detail::Hidden hidden;
    segment.arrive(net);
    network.settle();
  }
  void arrive(rouse::kernel::TcpSegment& segment, std::string bytes) {
    segment.bytes = std::move(bytes);
    arrive(segment);
  }
  void check_all_is_well() {
    CHECK(tcp.receive(accepted) == nothing(EAGAIN));
    CHECK(tcp.send(end, "abc") == std::size_t{3});
    CHECK(tcp.receive(accepted) == text("abc"));
    CHECK(tcp.send(accepted, "def") == std::size_t{3});
    CHECK(tcp.receive(end) == text("def"));
  }
};

}  // namespace test
