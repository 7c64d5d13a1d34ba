// TcpSocketFile: a stream socket of tcp(7), over IPv4 or IPv6: what the calls say in each state. What the protocol does
// is TcpEndpoint's.
#pragma once

#include "inet_socket_file.hpp"
#include "tcp_endpoint.hpp"

#include <memory>

namespace rouse::inline v0::kernel {

class TcpSocketFile final : public InetSocketFile {
 public:
  static constexpr FileKind file_kind{
      .name = "tcp socket", .gathers_writes = true, .is_socket = true, .is_inet = true, .takes_async = true};

  TcpSocketFile(std::uint64_t id, NetNamespace& net, int family, int status_flags)
      : TcpSocketFile(id, net, family, status_flags,
                      std::make_shared<TcpEndpoint>(net, default_options(net.network().limits())), State::unconnected) {
    endpoint_->local.address = IpAddress::any(family);
  }

  /// Leaves a note that room is wanted, if there is none.
  [[nodiscard]] inline EventFlags readiness(EventFlags asked) override;
  [[nodiscard]] inline WaitStyle wait_style(Direction direction) const override;
  [[nodiscard]] inline std::string describe() const override;

  inline SysResult<void> listen(int backlog) override;
  [[nodiscard]] bool listens() const override { return endpoint_->state() == TcpState::listening; }
  inline SysResult<void> accept(IfEmpty if_empty, FileRef& accepted) override;
  inline SysResult<void> connect(std::string_view address, WaitQueue*&) override;
  SysResult<void> connect_again(std::string_view, WaitQueue*&) override {
    return endpoint_->is_connecting() ? SysResult<void>::failure(EAGAIN) : end_connect();
  }
  [[nodiscard]] int connect_unfinished() const override { return is_first_connect_ ? EINPROGRESS : EALREADY; }
  inline SysResult<void> shutdown(int how) override;
  [[nodiscard]] inline AddressBytes peer_address() const override;
  [[nodiscard]] AddressBytes accepted_address() const override { return address_bytes(family_, endpoint_->remote); }

  inline SysResult<std::size_t> receive(UserOutput& to, Incoming& message) override;
  inline SysResult<std::size_t> send(UserInput& from, Outgoing& message) override;
  [[nodiscard]] bool waits_once_for_nothing() const override { return true; }
  inline SysResult<int> ioctl(unsigned long request, void* argument) override;

  bool begins_to_leave() override {
    if (linger().l_linger == 0 || endpoint_->has_unread()) return false;
    endpoint_->read_shut = endpoint_->write_shut = true;
    endpoint_->shut_write();
    net_.network().settle();
    return !has_left();
  }
  [[nodiscard]] bool has_left() const override {
    const TcpState state = endpoint_->state();
    return state != TcpState::fin_wait_1 && state != TcpState::closing && state != TcpState::last_ack;
  }

  [[nodiscard]] const TcpEndpoint& endpoint() const { return *endpoint_; }
  [[nodiscard]] const PortUser& user() const override { return *endpoint_; }
  [[nodiscard]] const InetOptions& options() const override { return endpoint_->options; }

 private:
  /// As Linux's `struct socket` has it, beside the state of the protocol.
  enum class State { unconnected, connecting, connected, disconnecting };

  TcpSocketFile(std::uint64_t id, NetNamespace& net, int family, int status_flags,
                std::shared_ptr<TcpEndpoint> endpoint, State state)
      : InetSocketFile(file_kind, id, net, family, SOCK_STREAM, IPPROTO_TCP, status_flags),
        endpoint_(std::move(endpoint)),
        state_(state) {
    endpoint_->family = family;
    endpoint_->set_queue(&queue);
  }
  ~TcpSocketFile() override = default;
  void last_close() override {
    endpoint_->close();
    net_.network().settle();
  }

  static InetOptions default_options(const Limits& limits) {
    InetOptions options;
    options.send_buffer = limits.tcp_wmem_default;
    options.receive_buffer = limits.tcp_rmem_default;
    return options;
  }

  [[nodiscard]] PortTable& ports() const override { return net_.tcp_ports; }
  [[nodiscard]] PortTable::Parity bind_parity() const override { return PortTable::Parity::odd; }
  [[nodiscard]] bool may_bind() const override { return !endpoint_->is_linked(); }
  int take_error() override { return endpoint_->take_error(); }
  void send_buffer_changed() override { endpoint_->tell_of_room(); }
  void receive_least_changed() override {
    // The buffer grows with it: if its size was set, it is no more than half of that.
    InetOptions& with = endpoint_->options;
    with.receive_buffer = std::max(with.receive_buffer, 2 * static_cast<int>(with.receive_least));
    endpoint_->tell_of_bytes();
  }
  void keepalive_changed() override { endpoint_->note_partition(); }
  inline SysResult<int> protocol_option(int level, int name) override;
  inline SysResult<void> set_protocol_option(int level, int name, int value) override;

  SysResult<void> start_connect(std::string_view address);
  SysResult<void> end_connect();
  /// What is left is a socket that was never connected, with its options, and the address that bind(2) gave it.
  void disconnect();
  SysResult<std::size_t> receive_urgent(UserOutput& to, Incoming& message);

  std::shared_ptr<TcpEndpoint> endpoint_;
  State state_;
  bool was_of_ipv4_ = false;       // Has connected to IPv4 once.
  bool is_first_connect_ = false;  // The call that began it is the one that waits.
};

}  // namespace rouse::inline v0::kernel

#include "tcp_socket_bytes.hpp"
#include "tcp_socket_calls.hpp"
