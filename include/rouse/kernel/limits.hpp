// Limits: every bound of the emulated kernel, with the name Linux gives it. Change them before or between calls.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rouse::inline v0::kernel {

struct Limits {
  std::uint64_t nofile_soft = 1024;          ///< RLIMIT_NOFILE: numbers from here on are refused with EMFILE.
  std::uint64_t nofile_hard = 1048576;       ///< As far as the soft limit may be raised.
  std::uint64_t max_user_watches = 5000000;  ///< fs.epoll.max_user_watches: registrations of all epolls.
  std::size_t pipe_max_size = 1048576;       ///< fs.pipe-max-size: the most that F_SETPIPE_SZ gives.
  int somaxconn = 4096;                      ///< net.core.somaxconn: the longest backlog.
  int wmem_default = 212992;                 ///< net.core.wmem_default: a socket's SO_SNDBUF.
  int rmem_default = 212992;                 ///< net.core.rmem_default: a socket's SO_RCVBUF.
  int wmem_max = 4194304;                    ///< net.core.wmem_max: what SO_SNDBUF is capped at, before doubling.
  int rmem_max = 4194304;                    ///< net.core.rmem_max: what SO_RCVBUF is capped at, before doubling.
  int tcp_wmem_default = 16384;              ///< net.ipv4.tcp_wmem: SO_SNDBUF of a TCP socket before it is connected.
  int tcp_rmem_default = 131072;             ///< net.ipv4.tcp_rmem: its SO_RCVBUF.
  std::uint16_t ip_unprivileged_port_start = 1024;  ///< net.ipv4.ip_unprivileged_port_start: ports below are EACCES.
  std::size_t optmem_max = 131072;  ///< net.core.optmem_max: control messages of one sendmsg are shorter.
  std::size_t max_dgram_qlen = 10;  ///< net.unix.max_dgram_qlen: messages from others than the peer, less one.
};

inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t pipe_default_slots = 16;    ///< PIPE_DEF_BUFFERS.
inline constexpr std::size_t rw_count_max = 0x7ffff000;  ///< MAX_RW_COUNT: the most that one read or write moves.
inline constexpr int iov_max = 1024;                     ///< UIO_MAXIOV.
inline constexpr int epoll_nests_max = 5;                ///< The longest chain of epolls that watch each other.

}  // namespace rouse::inline v0::kernel
