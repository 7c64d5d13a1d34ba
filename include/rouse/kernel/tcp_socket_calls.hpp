// The bodies of TcpSocketFile that listen, connect and end, and its options. Included by its header.
#pragma once

#include "tcp_socket_file.hpp"

namespace rouse::inline v0::kernel {

inline SysResult<void> TcpSocketFile::listen(int backlog) {
  using Result = SysResult<void>;
  const TcpState state = endpoint_->state();
  if (state_ != State::unconnected) return Result::failure(EINVAL);
  const auto most = static_cast<unsigned>(net_.network().limits().somaxconn);
  const std::size_t length = std::min(static_cast<unsigned>(backlog), most);
  if (state == TcpState::closed && endpoint_->is_linked()) {
    if (!ports().may_have(*endpoint_)) return Result::failure(EADDRINUSE);
    ports().note(*endpoint_);
  } else if (state == TcpState::closed) {
    const SysResult<void> taken = take_port({endpoint_->local.address, 0}, PortTable::Parity::odd);
    if (!taken.ok()) return taken;
    endpoint_->is_implicit = true;
  }
  endpoint_->listen(length);
  return {};
}

inline SysResult<void> TcpSocketFile::accept(IfEmpty, FileRef& accepted) {
  // It may have stopped listening while the call slept.
  if (!listens()) return SysResult<void>::failure(EINVAL);
  if (endpoint_->pending() == 0) return SysResult<void>::failure(EAGAIN);
  acquire_edge(*endpoint_);
  const std::uint64_t id = net_.network().file_ids().next();
  // First, as it may run out of memory: then the connection stays.
  auto placeholder = std::make_shared<TcpEndpoint>(net_, InetOptions{});
  accepted = FileRef{new TcpSocketFile{id, net_, family_, O_RDWR, placeholder, State::connected}};
  auto& file = static_cast<TcpSocketFile&>(*accepted);
  file.endpoint_ = endpoint_->accept();
  file.endpoint_->set_queue(&file.queue);
  file.address_is_bound_ = address_is_bound_;
  for (const Direction direction : {Direction::read, Direction::write}) {
    file.set_wait_limit(direction, wait_limit(direction));
  }
  return {};
}

inline SysResult<void> TcpSocketFile::connect(std::string_view address, WaitQueue*&) {
  using Result = SysResult<void>;
  if (address.size() < sizeof(::sa_family_t)) return Result::failure(EINVAL);
  if (family_of(address) == AF_UNSPEC) {
    note_disconnected();
    disconnect();
    return {};
  }
  if (state_ == State::connected) return Result::failure(EISCONN);
  if (state_ == State::disconnecting) return Result::failure(EINVAL);
  const bool is_first = state_ == State::unconnected;
  if (is_first) {
    const SysResult<void> started = start_connect(address);
    if (!started.ok()) return started;
    net_.network().settle();
  }
  const bool waits = may_wait(Direction::write);
  if (is_first && !waits) return Result::failure(EINPROGRESS);
  if (!endpoint_->is_connecting()) return end_connect();
  is_first_connect_ = is_first;
  return Result::failure(waits ? EAGAIN : EALREADY);
}

inline SysResult<void> TcpSocketFile::start_connect(std::string_view address) {
  using Result = SysResult<void>;
  if (endpoint_->state() != TcpState::closed) return Result::failure(EISCONN);
  IpEndpoint target;
  const SysResult<void> parsed = parse_target(address, target, family_);
  if (!parsed.ok()) return parsed;
  if (detail_inet::is_of_many(target.address)) return Result::failure(ENETUNREACH);
  IpAddress source;
  const SysResult<void> found = find_source(target, source);
  if (!found.ok()) return found;

  TcpEndpoint& end = *endpoint_;
  const auto is_free = [&](std::uint16_t port) {
    const auto other = net_.connections.find({{source, port}, target});
    // What is over leaves its place on the loopback: nothing of it can be under way any more.
    return other == net_.connections.end() ||
           (other->second->state() == TcpState::time_wait && net_.has(target.address));
  };
  if (end.is_linked() && !is_free(end.local.port)) return Result::failure(EADDRNOTAVAIL);
  const IpEndpoint before = end.local;
  const bool takes_port = !end.is_linked();
  const auto may_share = [&](std::uint16_t port) { return is_free(port) && !ports().is_bound(port); };
  const std::uint16_t port = takes_port ? ports().unused(PortTable::Parity::even, may_share) : before.port;
  if (port == 0) return Result::failure(EADDRNOTAVAIL);
  end.local = {source, port};
  end.remote = target;
  end.error = 0;
  // An IPv6 socket that once went to IPv4 does not hear the first answer from IPv6: Linux takes it for one of IPv4's.
  const bool is_deaf = was_of_ipv4_ && !target.address.is_v4();
  was_of_ipv4_ = was_of_ipv4_ || target.address.is_v4();
  try {
    if (takes_port) ports().join(end);
    end.is_implicit = end.is_implicit || takes_port;
    end.connect(!is_deaf);
  } catch (const std::bad_alloc&) {
    if (takes_port) ports().remove(end);
    end.local = before;
    throw;
  }
  state_ = State::connecting;
  return {};
}

inline SysResult<void> TcpSocketFile::end_connect() {
  if (endpoint_->state() != TcpState::closed) {
    acquire_edge(*endpoint_);
    state_ = State::connected;
    return {};
  }
  const int error = endpoint_->take_error();
  disconnect();
  return SysResult<void>::failure(error != 0 ? error : ECONNABORTED);
}

inline void TcpSocketFile::disconnect() {
  const auto fresh = std::make_shared<TcpEndpoint>(net_, endpoint_->options);
  const std::shared_ptr<TcpEndpoint> last = std::exchange(endpoint_, fresh);
  const TcpState state = last->state();
  const bool is_cut = state != TcpState::closed && state != TcpState::listening;
  // One of the kernel's choice goes with the connection, if there was any.
  const bool keeps_port = last->is_linked() && (!last->is_implicit || state == TcpState::closed);
  fresh->local = last->local;
  if (keeps_port) ports().join(*fresh);  // Beside the last one, where it takes no memory.
  last->abort();
  fresh->share_as(*last);
  fresh->count_on_from(*last);
  fresh->error = is_cut ? ECONNRESET : last->error;
  if (!address_is_bound_) fresh->local.address = IpAddress::any(family_);
  fresh->is_implicit = last->is_implicit;
  fresh->set_queue(&queue);
  state_ = State::unconnected;
  net_.network().settle();  // The peer is told first.
  queue.wake(EventFlags::err);
}

inline SysResult<void> TcpSocketFile::shutdown(int how) {
  using Result = SysResult<void>;
  if (how < SHUT_RD || how > SHUT_RDWR) return Result::failure(EINVAL);
  const bool read = how != SHUT_WR;
  const bool write = how != SHUT_RD;
  const TcpState state = endpoint_->state();
  if (state_ == State::connecting) {
    const bool is_made = state != TcpState::closed && !endpoint_->is_connecting();
    state_ = is_made ? State::connected : State::disconnecting;
  }
  release_edge(*endpoint_);
  Result result;
  if (state == TcpState::syn_sent || (state == TcpState::listening && read)) {
    disconnect();
  } else if (state != TcpState::listening) {
    if (state == TcpState::closed) result = Result::failure(ENOTCONN);
    endpoint_->read_shut = endpoint_->read_shut || read;
    endpoint_->write_shut = endpoint_->write_shut || write;
    if (write) endpoint_->shut_write();
  }
  net_.network().settle();  // The peer is told first.
  queue.wake_all();
  return result;
}

inline AddressBytes TcpSocketFile::peer_address() const {
  const TcpState state = endpoint_->state();
  const bool has_peer = state != TcpState::closed && state != TcpState::listening && state != TcpState::syn_sent;
  return has_peer ? address_bytes(family_, endpoint_->remote) : AddressBytes{};
}

inline SysResult<int> TcpSocketFile::protocol_option(int level, int name) {
  const InetOptions& with = endpoint_->options;
  switch (name) {
    case TCP_NODELAY: return with.no_delay ? 1 : 0;
    case TCP_CORK: return with.cork ? 1 : 0;
    case TCP_KEEPIDLE: return int{with.keep_idle};
    case TCP_KEEPINTVL: return int{with.keep_interval};
    case TCP_KEEPCNT: return int{with.keep_count};
    case TCP_SYNCNT: return with.syn_retries != 0 ? with.syn_retries : 6;
    case TCP_USER_TIMEOUT: return static_cast<int>(with.user_timeout);
    default: return no_option("getsockopt", level, name);
  }
}

inline SysResult<void> TcpSocketFile::set_protocol_option(int level, int name, int value) {
  using Result = SysResult<void>;
  InetOptions& with = endpoint_->options;
  const auto set = [value](int& option, int most) {
    if (value < 1 || value > most) return Result::failure(EINVAL);
    option = value;
    return Result{};
  };
  constexpr int seconds_max = 32767;
  constexpr int count_max = 127;
  switch (name) {
    case TCP_NODELAY:
    case TCP_CORK: {
      const bool on = value != 0;
      (name == TCP_CORK ? with.cork : with.no_delay) = on;
      if (on != (name == TCP_CORK)) endpoint_->push();
      net_.network().settle();
      return {};
    }
    case TCP_KEEPIDLE: return set(with.keep_idle, seconds_max);
    case TCP_KEEPINTVL: return set(with.keep_interval, seconds_max);
    case TCP_KEEPCNT: return set(with.keep_count, count_max);
    case TCP_SYNCNT: return set(with.syn_retries, count_max);
    case TCP_USER_TIMEOUT:
      if (value < 0) return Result::failure(EINVAL);
      with.user_timeout = static_cast<unsigned>(value);
      return {};
    case TCP_QUICKACK: return {};  // Only changes when acknowledgements go: here they go at once.
    default: return no_option("setsockopt", level, name);
  }
}

}  // namespace rouse::inline v0::kernel
