// The bodies of WakeRows: which row a call is. Included by its header.
#pragma once

#include "wake_rows.hpp"

namespace differential {

inline void WakeRows::before(kernel::Kernel& kernel, const std::vector<OpenFd>& fds, const Step& step) {
  what_ = What::other;
  see_inners(fds);
  crowded_.clear();
  if (step.is_look()) return;
  const Signature& signature = all_signatures()[step.call];
  call_ = signature.call;
  if (signature.params.empty() || signature.params[0].kind != Kind::fd) return;
  kernel::File* const file = kernel.file(int_of(step, 0));
  if (file == nullptr) return;
  own_ = see(file);
  peer_ = {};
  is_last_ = std::count_if(fds.begin(), fds.end(), [&](const OpenFd& open) { return open.file == file; }) == 1;
  if (const auto* const eventfd = kernel::file_cast<kernel::EventFdFile>(file)) {
    what_ = What::eventfd;
    own_.amount = eventfd->count();
    is_semaphore_ = eventfd->describe().ends_with("semaphore");
  } else if (const auto* const pipe = kernel::file_cast<kernel::PipeEnd>(file)) {
    what_ = What::pipe;
    is_reader_ = file->is_readable();
    const kernel::PipeRing& ring = pipe->ring();
    peer_ = see(is_reader_ ? ring.writer : ring.reader);
    peer_is_gone_ = peer_.id == 0;
    own_.amount = ring.slots.size();
    own_.first = ring.slots.empty() ? 0 : ring.slots.front().left();
    if (ring.is_full()) own_.bits |= EventFlags{EPOLLMSG};  // Which no pipe has: stands for "all slots in use".
  } else if (const auto* const socket = kernel::file_cast<kernel::UnixStreamFile>(file)) {
    what_ = What::unix_stream;
    kernel::UnixSocketFile* const peer = socket->peer();
    peer_ = see(peer);
    peer_is_gone_ = peer == nullptr;
    peer_.amount = peer != nullptr ? peer->used() : 0;
    read_shut_ = own_.bits.has(EventFlags::rdhup);
    if (call_ == Call::connect) find_crowded(fds, crowded_);
  }
}

inline void WakeRows::see_inners(const std::vector<OpenFd>& fds) {
  inners_.clear();
  for (const OpenFd& open : fds) {
    const auto* const epoll = kernel::file_cast<kernel::EpollFile>(open.file);
    if (epoll == nullptr || !is_watched_for_edges(*epoll)) continue;
    Inner& inner = inners_.emplace_back(Inner{epoll->id(), false, {}, {}});
    epoll->for_each_queued([&](const kernel::Registration& r) {
      inner.queued.push_back(r.file().id());
      // An inner epoll is not asked: that would tidy it up.
      const bool is_due = kernel::file_cast<kernel::EpollFile>(&r.file()) == nullptr && !quietly_due(r).empty();
      if (is_due) inner.due.push_back(r.file().id());
      inner.is_readable = inner.is_readable || is_due;
    });
  }
}

inline void WakeRows::after(kernel::Kernel& kernel, const Step& step, std::int64_t result, const WakeProbes& probes) {
  probes_ = &probes;
  if (!step.is_look()) nested(kernel, step, result);
  switch (what_) {
    case What::eventfd: eventfd(step, result); break;
    case What::pipe: pipe(kernel, step, result); break;
    case What::unix_stream: unix_stream(kernel, step, result); break;
    case What::other: break;
  }
  const bool wrote = what_ == What::eventfd && call_ == Call::write && result == 8;
  if (!step.is_look()) last_written_ = wrote ? own_.id : 0;
}

inline void WakeRows::eventfd(const Step& step, std::int64_t result) {
  const bool writes = call_ == Call::write;
  const bool reads = call_ == Call::read;
  if (call_ == Call::close && !is_last_) rows_.met_if(silent(own_), WakeRow::eventfd_close_dup);
  if (!writes && !reads) return;
  if (result == -EINVAL) rows_.met_if(silent(own_), WakeRow::eventfd_einval);
  if (result == -EAGAIN) {
    rows_.met_if(silent(own_), writes ? WakeRow::eventfd_write_eagain : WakeRow::eventfd_read_eagain);
  }
  if (result != 8) return;
  constexpr std::uint64_t most = 0xfffffffffffffffe;
  const auto amount = static_cast<std::uint64_t>(step.args[2]);
  if (writes && woken(own_, EventFlags::in)) {
    if (amount == 0) rows_.met(own_.amount > 0 ? WakeRow::eventfd_write_0_readable : WakeRow::eventfd_write_0_empty);
    if (amount != 0) rows_.met(own_.amount > 0 ? WakeRow::eventfd_write_readable : WakeRow::eventfd_write);
    rows_.met_if(amount != 0 && own_.amount + amount == most, WakeRow::eventfd_write_to_max);
  }
  if (reads && woken(own_, EventFlags::out)) {
    rows_.met(is_semaphore_ ? WakeRow::eventfd_semaphore_read : WakeRow::eventfd_read);
    rows_.met_if(last_written_ == own_.id, WakeRow::eventfd_write_and_read);
  }
}

inline void WakeRows::pipe(kernel::Kernel& kernel, const Step& step, std::int64_t result) {
  const bool was_full = own_.bits.has(EventFlags{EPOLLMSG});
  if (call_ == Call::read) return reader_of_pipe(step, result);
  if (call_ == Call::write && !is_reader_) {
    const bool empties = step.args[1] == 0;
    if (result > 0 && woken(peer_, in_key)) {
      rows_.met(own_.amount > 0 ? WakeRow::pipe_write_nonempty : WakeRow::pipe_write);
      rows_.met_if(result < static_cast<std::int64_t>(step.args[1]), WakeRow::pipe_write_partial);
    }
    rows_.met_if(result == -EAGAIN && woken(peer_, in_key), WakeRow::pipe_write_eagain);
    rows_.met_if(result == 0 && empties && silent(peer_), WakeRow::pipe_write_0);
    rows_.met_if(result > 0 && silent(own_), WakeRow::pipe_own_write);
    rows_.met_if((result == -EAGAIN || result == -EFAULT) && silent(own_), WakeRow::pipe_own_failed_write);
    rows_.met_if(result == -EPIPE && silent(own_), WakeRow::pipe_own_epipe);
  }
  if (call_ == Call::close && result == 0) {
    if (!is_reader_ && !is_last_) rows_.met_if(silent(peer_), WakeRow::pipe_one_of_writers_closes);
    if (is_last_ && woken(peer_, kernel::any_key)) {
      if (!is_reader_) rows_.met(own_.amount > 0 ? WakeRow::pipe_writer_closes_with_data : WakeRow::pipe_writer_closes);
      if (is_reader_) rows_.met(was_full ? WakeRow::pipe_reader_closes_full : WakeRow::pipe_reader_closes);
    }
  }
  if (step.call == index_of<FcntlSetPipeSize> && result > 0) {
    const Seen& writer = is_reader_ ? peer_ : own_;
    const auto* const end = kernel::file_cast<kernel::PipeEnd>(kernel.file(int_of(step, 0)));
    const bool grew = was_full && end != nullptr && !end->ring().is_full();
    rows_.met_if(writer.is_watched, grew ? WakeRow::pipe_grow_when_full : WakeRow::pipe_resize);
  }
}

inline void WakeRows::reader_of_pipe(const Step& step, std::int64_t result) {
  if (!is_reader_ || result < 0) return;
  const bool was_full = own_.bits.has(EventFlags{EPOLLMSG});
  rows_.met_if(step.args[1] == 0 && silent(peer_), WakeRow::pipe_read_0);
  if (result == 0) return;
  const bool frees = static_cast<std::size_t>(result) >= own_.first;
  const bool empties = own_.amount == 1 && frees;
  rows_.met_if(silent(own_), empties ? WakeRow::pipe_read_to_empty : WakeRow::pipe_read_partial);
  rows_.met_if(peer_is_gone_ && silent(own_), WakeRow::pipe_read_writer_closed);
  if (was_full && frees) rows_.met_if(woken(peer_, out_key), WakeRow::pipe_read_frees_when_full);
  if (was_full && !frees) rows_.met_if(silent(peer_), WakeRow::pipe_read_part_of_slot_when_full);
  if (!was_full) rows_.met_if(silent(peer_), WakeRow::pipe_read_frees_not_full);
}

inline void WakeRows::unix_stream(kernel::Kernel& kernel, const Step& step, std::int64_t result) {
  const bool sends = call_ == Call::write || call_ == Call::sendto;
  if (sends) {
    if (result > 0 && woken(peer_, data_key)) {
      rows_.met(peer_.bits.has(EventFlags::in) ? WakeRow::unix_send_readable : WakeRow::unix_send);
    }
    rows_.met_if(result == 0 && silent(peer_), WakeRow::unix_send_0);
    rows_.met_if(result > 0 && silent(own_), WakeRow::unix_own_send);
    rows_.met_if(result == -EAGAIN && silent(own_), WakeRow::unix_own_eagain);
    rows_.met_if(result == -EPIPE && peer_is_gone_ && silent(own_), WakeRow::unix_epipe);
  }
  if (call_ == Call::shutdown && result == 0) {
    rows_.met_if(woken(own_, kernel::any_key), WakeRow::unix_own_shutdown);
    if (woken(peer_, kernel::any_key)) {
      constexpr WakeRow how[] = {WakeRow::unix_peer_shuts_rd, WakeRow::unix_peer_shuts_wr,
                                 WakeRow::unix_peer_shuts_rdwr};
      rows_.met(how[step.args[1]]);
      rows_.met_if(read_shut_ || peer_.bits.has(EventFlags::rdhup), WakeRow::unix_peer_shuts_again);
    }
  }
  if (call_ == Call::close && is_last_ && peer_.id != 0 && probes_->key_of(peer_.id) == kernel::any_key) {
    rows_.met_if(peer_.is_watched, peer_.amount > 0 ? WakeRow::unix_peer_closes_unread : WakeRow::unix_peer_closes);
  }
  if (call_ == Call::getsockopt && result == 0 && step.args[2] == SO_ERROR) {
    rows_.met_if(silent(own_), WakeRow::unix_so_error);
  }
  if (call_ == Call::setsockopt && result == 0 && step.args[2] == SO_SNDBUF) {
    rows_.met_if(woken(own_, room_key), WakeRow::unix_sndbuf_enlarged);
  }
  if (call_ == Call::accept4 && result >= 0) rows_.met_if(silent(own_), WakeRow::unix_accept);
  const auto* const file = kernel::file_cast<kernel::UnixStreamFile>(kernel.file(int_of(step, 0)));
  const bool receives = call_ == Call::read || call_ == Call::recvfrom;
  if (receives && result > 0 && file != nullptr) reader_of_stream(step, result, *file);
  if (call_ == Call::connect && result == 0) {
    // The listener is whoever was told of it.
    for (const WakeProbes::Wake& wake : probes_->wakes()) {
      if (wake.key != data_key) continue;
      rows_.met(std::find(crowded_.begin(), crowded_.end(), wake.file) != crowded_.end()
                    ? WakeRow::unix_second_connection
                    : WakeRow::unix_new_connection);
    }
  }
}

inline void WakeRows::reader_of_stream(const Step& step, std::int64_t result, const kernel::UnixStreamFile& file) {
  const bool peeks = call_ == Call::recvfrom && (step.args[2] & MSG_PEEK) != 0;
  if (peeks) {
    rows_.met_if(silent(own_), WakeRow::unix_peek);
    rows_.met_if(silent(peer_), WakeRow::unix_peer_peeks);
    return;
  }
  rows_.met_if(silent(own_), file.chunks().empty() ? WakeRow::unix_read_all : WakeRow::unix_read_part);
  rows_.met_if(peer_is_gone_ && result > 0 && silent(own_), WakeRow::unix_read_after_close);
  if (peer_is_gone_ || file.peer() == nullptr) return;  // It may have been an fd in what was read.
  const std::size_t used = file.peer()->used();
  if (used == peer_.amount) return rows_.met_if(silent(peer_), WakeRow::unix_peer_reads_part);
  const bool told = woken(peer_, room_key);
  rows_.met_if(told, WakeRow::unix_peer_reads_chunk);
  rows_.met_if(silent(peer_), WakeRow::unix_peer_reads_not_writable);
}

inline void WakeRows::nested(kernel::Kernel& kernel, const Step& step, std::int64_t result) {
  const auto has = [](const std::vector<std::uint64_t>& all, std::uint64_t id) {
    return std::find(all.begin(), all.end(), id) != all.end();
  };
  for (const Inner& inner : inners_) {
    const EventFlags key = probes_->key_of(inner.id);
    kernel::File* const first = kernel.file(int_of(step, 0));
    const bool is_about_it = first != nullptr && first->id() == inner.id;
    if (call_ == Call::epoll_ctl && is_about_it && result == 0) {
      kernel::File* const file = kernel.file(int_of(step, 2));
      const bool was_queued = file != nullptr && has(inner.queued, file->id());
      const std::int64_t operation = step.args[1];
      if (key == EventFlags::in && operation == EPOLL_CTL_ADD) rows_.met(WakeRow::nested_add);
      if (key == EventFlags::in && operation == EPOLL_CTL_MOD) rows_.met(WakeRow::nested_mod);
      if (key.empty() && operation == EPOLL_CTL_MOD && was_queued) rows_.met(WakeRow::nested_mod_queued);
      if (key.empty() && operation == EPOLL_CTL_DEL) rows_.met(WakeRow::nested_del);
      continue;
    }
    if (call_ == Call::epoll_wait && is_about_it && result > 0) rows_.met_if(key.empty(), WakeRow::nested_wait);
    if (call_ == Call::read && result > 0 && key.empty() && has(inner.due, own_.id) && first != nullptr) {
      rows_.met_if(!first->readiness({}).has(EventFlags::in), WakeRow::nested_read_makes_stale);
    }
    if (key != EventFlags::in || call_ == Call::epoll_ctl) continue;
    rows_.met(WakeRow::nested_item_woken);
    bool queued = false;
    bool others = false;
    for (const WakeProbes::Wake& wake : probes_->wakes()) queued = queued || has(inner.queued, wake.file);
    for (const std::uint64_t id : inner.due) others = others || probes_->key_of(id).empty();
    rows_.met_if(queued, WakeRow::nested_queued_item_woken);
    rows_.met_if(others, WakeRow::nested_woken_when_readable);
  }
}

}  // namespace differential
