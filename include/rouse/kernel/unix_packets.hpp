// UnixPacket: a message of a datagram or seqpacket socket, with boundaries, sender and files.
#pragma once

#include "unix_socket_file.hpp"

#include <string>

namespace rouse::inline v0::kernel {

/// What Linux allocates for a message of `n` bytes: in one piece, and pages for what is beyond.
struct UnixPacketSize {
  static constexpr std::size_t linear_usual = 16064;
  static constexpr std::size_t pages_max = 17;

  explicit constexpr UnixPacketSize(std::size_t n)
      : pages(std::min((n - std::min(n, linear_usual) + page_size - 1) / page_size, pages_max)) {
    const std::size_t in_pages = std::min(n, pages * page_size);
    constexpr std::size_t line = 64;
    constexpr std::size_t lines_more = 5;  // What the kernel keeps about it, behind the bytes.
    while (linear < ((n - in_pages + line - 1) / line + lines_more) * line) linear *= 2;
  }
  /// What it costs its sender's buffer.
  [[nodiscard]] constexpr std::size_t cost() const { return 256 + linear + pages * page_size; }
  /// False if it is too much for one piece.
  [[nodiscard]] constexpr bool can_be_made() const { return linear <= std::size_t{1} << 22; }

  std::size_t pages;
  std::size_t linear = 512;
};

/// Counts in its sender's buffer as long as it is there.
struct UnixPacket final : HeldMessage {
  explicit UnixPacket(std::shared_ptr<UnixIdentity> from, std::size_t n)
      : cost(UnixPacketSize{n}.cost()), sender(std::move(from)) {
    sender->file->charge(cost);
  }
  ~UnixPacket() override {
    if (sender->file != nullptr) sender->file->give_back(cost);
  }

  const std::size_t cost;
  const std::shared_ptr<UnixIdentity> sender;
  std::string bytes;
  UnixRights rights;
  std::shared_ptr<UnixIdentity> target;  // Who is to get it, while it waits to be sent.
};

}  // namespace rouse::inline v0::kernel
