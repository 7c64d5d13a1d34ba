// UnixStreamFile: a stream socket of unix(7): bytes without boundaries, one of them urgent now and then. What it has in
// common with the other types is in unix_socket_file.hpp.
#pragma once

#include "unix_chunks.hpp"
#include "unix_socket_file.hpp"

namespace rouse::inline v0::kernel {

class UnixStreamFile final : public UnixSocketFile {
 public:
  static constexpr FileKind file_kind{
      .name = "unix stream socket", .gathers_writes = true, .is_socket = true, .takes_async = true};

  UnixStreamFile(int status_flags, const UnixDomain& domain)
      : UnixSocketFile(file_kind, SOCK_STREAM, status_flags, domain) {}

  [[nodiscard]] EventFlags readiness(EventFlags asked) override {
    const EventFlags bits = UnixSocketFile::readiness(asked);
    return chunks_.has_urgent() ? bits | EventFlags::pri : bits;
  }
  inline SysResult<std::size_t> receive(UserOutput& to, Incoming& message) override;
  inline SysResult<std::size_t> send(UserInput& from, Outgoing& message) override;

  [[nodiscard]] const UnixChunks& chunks() const { return chunks_; }

 private:
  ~UnixStreamFile() override = default;

  [[nodiscard]] FileRef fresh() const override { return FileRef{new UnixStreamFile{O_RDWR, domain_}}; }
  [[nodiscard]] bool has_messages() const override { return !chunks_.empty(); }
  [[nodiscard]] bool has_unread() const override { return chunks_.has_unread(); }
  [[nodiscard]] std::size_t readable_bytes() const override { return chunks_.readable_bytes(); }
  [[nodiscard]] bool is_at_mark() const override { return chunks_.is_at_mark(); }
  void add_files_in_messages(std::vector<File*>& files) const override { chunks_.add_files_to(files); }
  void discard_own_messages() override {
    chunks_.clear([this](std::size_t cost) {
      if (peer() != nullptr) peer()->give_back(cost);
    });
  }

  SysResult<std::size_t> receive_urgent(UserOutput& to, int flags);
  SysResult<bool> send_chunk(UserInput& from, std::size_t n, bool urgent, Outgoing& message);

  UnixChunks chunks_;  // What came from the peer.
};

}  // namespace rouse::inline v0::kernel

#include "unix_stream_calls.hpp"
