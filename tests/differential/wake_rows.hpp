// WakeRows: how often each row of the edge-triggered wake table was met: the operation, on a file whose other end (or
// itself) has an edge-triggered registration, with the key that the table says.
#pragma once

#include "counters.hpp"
#include "wake_table.hpp"

#include <optional>

namespace differential {

// clang-format off
enum class WakeRow {
  eventfd_write, eventfd_write_readable, eventfd_write_to_max, eventfd_write_0_readable, eventfd_write_0_empty,
  eventfd_read, eventfd_semaphore_read, eventfd_read_eagain, eventfd_write_eagain, eventfd_einval,
  eventfd_write_and_read, eventfd_close_dup,

  pipe_write, pipe_write_nonempty, pipe_write_partial, pipe_write_eagain, pipe_write_0,
  pipe_read_partial, pipe_read_to_empty, pipe_read_writer_closed, pipe_writer_closes, pipe_writer_closes_with_data,
  pipe_one_of_writers_closes,

  pipe_read_frees_when_full, pipe_read_frees_not_full, pipe_read_part_of_slot_when_full, pipe_own_write,
  pipe_own_failed_write, pipe_own_epipe, pipe_read_0, pipe_reader_closes, pipe_reader_closes_full,
  pipe_grow_when_full, pipe_resize,

  unix_send, unix_send_readable, unix_send_0, unix_read_part, unix_read_all, unix_peek, unix_own_send, unix_own_eagain,
  unix_peer_reads_chunk, unix_peer_reads_part, unix_peer_peeks, unix_peer_reads_not_writable,
  unix_peer_shuts_rd, unix_peer_shuts_wr, unix_peer_shuts_rdwr, unix_peer_shuts_again, unix_own_shutdown,
  unix_peer_closes, unix_peer_closes_unread, unix_epipe, unix_so_error, unix_read_after_close, unix_sndbuf_enlarged,
  unix_new_connection, unix_second_connection, unix_accept,

  nested_item_woken, nested_queued_item_woken, nested_woken_when_readable, nested_add, nested_mod,
  nested_wait, nested_del, nested_mod_queued, nested_read_makes_stale,
  count
};

inline constexpr std::array<const char*, Counters<WakeRow>::size> wake_row_names = {
  "eventfd: write(v>0): IN",
  "eventfd: write(v>0) when already readable: IN",
  "eventfd: write(v>0) up to the largest count: IN",
  "eventfd: write(0) with count > 0: IN",
  "eventfd: write(0) with count 0: IN",
  "eventfd: successful read: OUT",
  "eventfd: semaphore read: OUT",
  "eventfd: read EAGAIN: -",
  "eventfd: write EAGAIN: -",
  "eventfd: any EINVAL: -",
  "eventfd: write + read before wait: both",
  "eventfd: close of one dup: -",

  "pipe, read end: write n>0: IN,RDNORM",
  "pipe, read end: write n>0 onto a non-empty pipe: IN,RDNORM",
  "pipe, read end: write, partial: IN,RDNORM",
  "pipe, read end: write that fails with EAGAIN on a full pipe: IN,RDNORM",
  "pipe, read end: write of 0 bytes: -",
  "pipe, read end: read by this end, partial: -",
  "pipe, read end: read by this end, to empty: -",
  "pipe, read end: read by this end, after writer closed: -",
  "pipe, read end: last writer closes: any",
  "pipe, read end: last writer closes, with data: any",
  "pipe, read end: closing one of several writer fds: -",

  "pipe, write end: read that frees a slot while all slots were in use: OUT,WRNORM",
  "pipe, write end: read when not all slots were in use: -",
  "pipe, write end: read of a part of the first page, all slots in use: -",
  "pipe, write end: own write: -",
  "pipe, write end: failed write: -",
  "pipe, write end: EPIPE write: -",
  "pipe, write end: read of 0 bytes: -",
  "pipe, write end: last reader closes: any",
  "pipe, write end: last reader closes, all slots in use: any",
  "pipe, write end: F_SETPIPE_SZ growing a full pipe: any",
  "pipe, write end: F_SETPIPE_SZ otherwise",

  "unix S: peer sends n>0: IN,PRI,RDNORM,RDBAND",
  "unix S: peer sends n>0 when already readable: IN,PRI,RDNORM,RDBAND",
  "unix S: peer sends 0 bytes: -",
  "unix S: reads part: -",
  "unix S: reads all: -",
  "unix S: peeks: -",
  "unix S: sends: -",
  "unix S: gets EAGAIN: -",
  "unix S: peer finishes reading a chunk, then writable: OUT,WRNORM,WRBAND",
  "unix S: peer reads part of a chunk: -",
  "unix S: peer peeks: -",
  "unix S: peer finishes reading a chunk, still not writable: -",
  "unix S: shutdown by peer, RD: any",
  "unix S: shutdown by peer, WR: any",
  "unix S: shutdown by peer, RDWR: any",
  "unix S: shutdown by peer, repeated: any",
  "unix S: shutdown by itself: any",
  "unix S: peer closed: any",
  "unix S: peer closed, unread data was dropped: any",
  "unix S: send to closed peer, EPIPE: -",
  "unix S: SO_ERROR fetch: -",
  "unix S: reading remaining data of a closed peer: -",
  "unix S: SO_SNDBUF enlarged: OUT,WRNORM,WRBAND",
  "unix listener: a connection waits: IN",
  "unix listener: a second connection waits: IN",
  "unix listener: accept: -",

  "nested epoll: an item receives a matching wakeup: IN",
  "nested epoll: an item that was already queued receives one: IN",
  "nested epoll: one does when other items made it readable already: IN",
  "nested epoll: ADD that newly queues a ready item: IN",
  "nested epoll: MOD that newly queues a ready item: IN",
  "nested epoll: epoll_wait on inner: -",
  "nested epoll: DEL: -",
  "nested epoll: MOD of an already queued item: -",
  "nested epoll: a read that makes an item stale: -",
};
// clang-format on

class WakeRows : private WakeTable {
 public:
  /// For a new script.
  void start() { last_written_ = 0; }

  /// What has to be known before the call.
  void before(kernel::Kernel& kernel, const std::vector<OpenFd>& fds, const Step& step);
  /// `result` is what the call returned: the value, or the errno negated.
  void after(kernel::Kernel& kernel, const Step& step, std::int64_t result, const WakeProbes& probes);

  int print(std::uint64_t least) const { return rows_.print("The wake table", wake_row_names, least); }

 private:
  /// An epoll that an edge-triggered registration watches.
  struct Inner {
    std::uint64_t id;
    bool is_readable;
    std::vector<std::uint64_t> queued;  // The files of its queued registrations.
    std::vector<std::uint64_t> due;     // And of those that are due.
  };

  void see_inners(const std::vector<OpenFd>& fds);
  void eventfd(const Step& step, std::int64_t result);
  void pipe(kernel::Kernel& kernel, const Step& step, std::int64_t result);
  void reader_of_pipe(const Step& step, std::int64_t result);
  void unix_stream(kernel::Kernel& kernel, const Step& step, std::int64_t result);
  void reader_of_stream(const Step& step, std::int64_t result, const kernel::UnixStreamFile& file);
  void nested(kernel::Kernel& kernel, const Step& step, std::int64_t result);

  Counters<WakeRow> rows_;

  enum class What { other, eventfd, pipe, unix_stream };
  What what_ = What::other;
  bool is_reader_ = false;
  bool is_semaphore_ = false;
  bool read_shut_ = false;
  bool peer_is_gone_ = false;
  std::vector<Inner> inners_;
  std::vector<std::uint64_t> crowded_;  // Listeners at which a connection waits.
  std::uint64_t last_written_ = 0;      // The eventfd that was written last, if nothing else was done since.
};

}  // namespace differential

#include "wake_rows_calls.hpp"
