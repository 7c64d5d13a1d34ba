// Values: what the generator puts in for numbers and flags: what is usual, and what finds the edges.
#pragma once

#include "script.hpp"

#include <climits>
#include <sys/resource.h>

namespace differential::values {

using std::int64_t;

inline constexpr int64_t epoll_sizes[] = {1, 10, INT_MAX};
inline constexpr int64_t epoll_sizes_bad[] = {0, -1, INT_MIN};
inline constexpr int64_t epoll_flags[] = {0, 0, EPOLL_CLOEXEC};
inline constexpr int64_t flags_bad[] = {1, O_NONBLOCK, O_CLOEXEC | 2, 0x40, -1};
inline constexpr int64_t operations[] = {EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD,
                                         EPOLL_CTL_MOD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
inline constexpr int64_t operations_bad[] = {0, 4, -1};

constexpr int64_t et = int64_t{1} << 31;
constexpr int64_t once = EPOLLONESHOT;
constexpr int64_t exclusive = int64_t{1} << 28;
inline constexpr int64_t masks[] = {
    EPOLLIN,
    EPOLLOUT,
    EPOLLIN | EPOLLOUT,
    EPOLLIN | et,
    EPOLLIN | et,
    EPOLLOUT | et,
    EPOLLIN | EPOLLOUT | et,
    EPOLLIN | EPOLLOUT | et,
    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | et,
    EPOLLIN | EPOLLRDHUP,
    EPOLLIN | once,
    EPOLLOUT | once,
    EPOLLIN | EPOLLOUT | once,
    EPOLLIN | EPOLLOUT | et | once,
    EPOLLIN | exclusive,
    EPOLLIN | EPOLLOUT | exclusive | et,
    EPOLLOUT | exclusive,
    0,
    et,
    once,
    EPOLLPRI | et,
    EPOLLRDNORM | et,
    EPOLLWRNORM | et,
    EPOLLWRBAND | EPOLLRDBAND | et,
    EPOLLRDHUP | et,
    EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND | EPOLLWRBAND,
};
inline constexpr int64_t masks_rare[] = {
    EPOLLERR,
    EPOLLHUP | once,
    exclusive,
    EPOLLIN | exclusive | once,
    EPOLLRDHUP | exclusive,
    EPOLLIN | (int64_t{1} << 29) | et,
    EPOLLMSG | et,
    0x20,
    0x00100000 | EPOLLIN,
    0x7fffffff,
    0xffffffff,
    EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | et | exclusive | (int64_t{1} << 29),
};
inline constexpr int64_t maxima[] = {1, 1, 2, 2, 3, 4, 10, 64};
inline constexpr int64_t maxima_rare[] = {0, -1, INT_MIN, 178956970, 178956971, INT_MAX};
inline constexpr int64_t timeouts[] = {0};
inline constexpr int64_t timeouts_rare[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, -1, INT_MIN};
inline constexpr int64_t seconds[] = {0};
inline constexpr int64_t seconds_rare[] = {0, 0, 0, -1};
inline constexpr int64_t nanoseconds[] = {0};
inline constexpr int64_t nanoseconds_rare[] = {0, 0, 0, 0, 1, 300000, -1, 1000000000, 999999999 + 1};

inline constexpr int64_t microseconds_rare[] = {0, 0, 1, 300, -1};

inline constexpr int64_t counts[] = {0, 0, 0, 1, 2, 3};
inline constexpr int64_t counts_rare[] = {0xffffffff, 0x7fffffff, 100};
inline constexpr int64_t eventfd_flags[] = {
    EFD_NONBLOCK, EFD_NONBLOCK, EFD_NONBLOCK | EFD_SEMAPHORE, EFD_NONBLOCK | EFD_CLOEXEC, 0, EFD_SEMAPHORE};
inline constexpr int64_t pipe_flags[] = {
    O_NONBLOCK, O_NONBLOCK, O_NONBLOCK, O_NONBLOCK | O_CLOEXEC, O_NONBLOCK | O_DIRECT, 0};
inline constexpr int64_t pipe_flags_bad[] = {O_EXCL, 1, O_APPEND, O_NONBLOCK | O_EXCL, 0x40000000, O_DIRECT};

/// Written: around slots, merges and the chunks of sockets.
inline constexpr int64_t lengths[] = {1,    1,    2,    8,    8,    8,    100,  192,  193,  700,  1000,
                                      2048, 2049, 3776, 3777, 4000, 4095, 4096, 4097, 5000, 8192, 16384};
inline constexpr int64_t lengths_rare[] = {0, 0, 7, 9, 16, 4192, 4193, 32767, 36544, 36545, 65536, 100000, 300000, -1};
/// Read: short, and all there is.
inline constexpr int64_t rooms[] = {1, 1, 8, 8, 8, 100, 1000, 4095, 4096, 4097, 65536, 65536, 300000};
inline constexpr int64_t record_rooms[] = {128, 128, 128, 256, 300, 1024, 127};
inline constexpr int64_t rooms_rare[] = {0, 0, 2, 3, 7, 9, 16, -1};
/// No number, but bytes that depend on where they stand.
inline constexpr int64_t no_value = INT64_MIN;
inline constexpr int64_t write_values[] = {1, 1, 1, 2, no_value, no_value, no_value, no_value};
inline constexpr int64_t write_values_rare[] = {0, 0, 0, 5, 0xfffffffe, INT64_MAX, -1, -2, -3};

inline constexpr int64_t targets[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20};
inline constexpr int64_t targets_rare[] = {63, 64, 65, 127, 128, -1, 1 << 30, INT_MAX, 200};
inline constexpr int64_t close_on_exec[] = {0, O_CLOEXEC};
inline constexpr int64_t minima[] = {0, 3, 5, 8, 12, 15};
inline constexpr int64_t minima_rare[] = {-1, 64, 100, 1024, 1 << 20};
inline constexpr int64_t status_flags[] = {O_NONBLOCK, O_NONBLOCK, O_NONBLOCK, O_NONBLOCK | O_APPEND};
inline constexpr int64_t status_flags_rare[] = {0,
                                                O_ASYNC | O_NONBLOCK,
                                                O_DIRECT | O_NONBLOCK,
                                                O_RDWR,
                                                O_NOATIME | O_NONBLOCK,
                                                O_CREAT | O_EXCL | O_TRUNC | O_NONBLOCK,
                                                O_CLOEXEC | O_NONBLOCK};
inline constexpr int64_t fd_flags[] = {0, 1};
inline constexpr int64_t fd_flags_rare[] = {2, 3, -1};
inline constexpr int64_t commands_bad[] = {-1, 99, 1000, 2000};
inline constexpr int64_t any_number[] = {0, 1, 7};
inline constexpr int64_t pipe_sizes[] = {4096, 4096, 8192, 8192, 16384, 65536, 65536};
inline constexpr int64_t pipe_sizes_rare[] = {0, 1, 4097, 12289, 131072, 1048576, 1048577, int64_t{1} << 31, -1};
inline constexpr int64_t requests[] = {FIONREAD, FIONREAD, SIOCOUTQ, FIONBIO, FIOCLEX, FIONCLEX, SIOCATMARK};
inline constexpr int64_t requests_rare[] = {FIOASYNC, 0x1234, 0, rouse::kernel::tfd_ioc_set_ticks};
inline constexpr int64_t switches[] = {1, 1, 1, 0};
inline constexpr int64_t offsets[] = {0, 1};
inline constexpr int64_t offsets_bad[] = {-1};
inline constexpr int64_t whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};
inline constexpr int64_t whences_bad[] = {-1, 5, 99};
inline constexpr int64_t open_flags[] = {O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_CLOEXEC, O_RDWR | O_NONBLOCK};
inline constexpr int64_t limits[] = {1024};
inline constexpr int64_t limits_bad[] = {1 << 30};
inline constexpr int64_t resources[] = {RLIMIT_NOFILE};
inline constexpr int64_t resources_bad[] = {-1, 99};

inline constexpr int64_t families[] = {AF_UNIX, AF_INET, AF_INET6};
inline constexpr int64_t families_bad[] = {AF_UNSPEC, -1, 46, 1000};
inline constexpr int64_t pair_families_bad[] = {AF_UNSPEC, AF_INET, AF_INET, -1, 46, 1000};
constexpr int64_t nonblocking = SOCK_NONBLOCK;
inline constexpr int64_t inet_addresses[] = {16, 16, 16, 17, 17, 18, 18, 19, 20, 21, 22, 22, 23, 24, 25, 26};
inline constexpr int64_t inet_addresses_rare[] = {27, 27, 28, 29, 29, 30, 30, 29, 30, 31,
                                                  32, 33, 34, 35, 36, 0,  7,  8,  1};
inline constexpr int64_t socket_types[] = {SOCK_DGRAM | nonblocking,
                                           SOCK_SEQPACKET | nonblocking,
                                           SOCK_DGRAM | nonblocking,
                                           SOCK_SEQPACKET,
                                           SOCK_STREAM | nonblocking,
                                           SOCK_STREAM | nonblocking,
                                           SOCK_STREAM | nonblocking | SOCK_CLOEXEC,
                                           SOCK_STREAM | nonblocking,
                                           SOCK_STREAM};
inline constexpr int64_t socket_types_bad[] = {0, 4, 11, 15, 0x10, 0x100000, -1, 6};
inline constexpr int64_t protocols[] = {0, 0, 0, 0, PF_UNIX};
inline constexpr int64_t protocols_bad[] = {2, -1, 99, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, 255, 263};
inline constexpr int64_t addresses[] = {2, 2, 3, 4, 4, 5};
inline constexpr int64_t addresses_rare[] = {0, 1, 1, 6, 7, 8};
inline constexpr int64_t backlogs[] = {0, 0, 1, 2};
inline constexpr int64_t backlogs_rare[] = {-1, 5, 4096, 5000};
inline constexpr int64_t accept_flags[] = {SOCK_NONBLOCK, SOCK_NONBLOCK, SOCK_NONBLOCK | SOCK_CLOEXEC, 0};
inline constexpr int64_t hows[] = {SHUT_RD, SHUT_WR, SHUT_WR, SHUT_RDWR};
inline constexpr int64_t hows_bad[] = {3, -1};
inline constexpr int64_t address_rooms[] = {128};
inline constexpr int64_t address_rooms_rare[] = {0, 1, 2, 3, 4, -1};
inline constexpr int64_t levels[] = {SOL_SOCKET};
inline constexpr int64_t levels_bad[] = {IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, -1, 2};
inline constexpr int64_t options_read[] = {SO_ERROR,     SO_ERROR,     SO_ERROR,     SO_SNDBUF,     SO_RCVBUF,
                                           SO_TYPE,      SO_DOMAIN,    SO_PROTOCOL,  SO_ACCEPTCONN, SO_SNDLOWAT,
                                           SO_OOBINLINE, SO_REUSEADDR, SO_REUSEPORT, SO_RCVLOWAT};
inline constexpr int64_t options_written[] = {SO_SNDBUF,    SO_SNDBUF,    SO_SNDBUF,    SO_RCVBUF,
                                              SO_OOBINLINE, SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST,
                                              SO_DONTROUTE, SO_REUSEPORT, SO_LINGER,    SO_RCVLOWAT};
inline constexpr int64_t options_bad[] = {-1, 1000, SO_TYPE, SO_ERROR, SO_ACCEPTCONN};
inline constexpr int64_t option_values[] = {0, 1, 2304, 2560, 4096, 10000, 50000, 212992};
inline constexpr int64_t option_values_rare[] = {-1, INT_MAX, INT_MIN, 8388608};
inline constexpr int64_t option_sizes[] = {4};
inline constexpr int64_t option_sizes_rare[] = {0, 1, 3, 5, 8, -1};
inline constexpr int64_t send_flags[] = {0, 0, MSG_NOSIGNAL, MSG_DONTWAIT, MSG_DONTWAIT | MSG_NOSIGNAL};
inline constexpr int64_t send_flags_rare[] = {MSG_OOB | MSG_DONTWAIT, MSG_OOB};
inline constexpr int64_t receive_flags[] = {0, 0, MSG_DONTWAIT, MSG_DONTWAIT, MSG_PEEK, MSG_PEEK | MSG_DONTWAIT};
inline constexpr int64_t receive_flags_rare[] = {MSG_OOB, MSG_OOB | MSG_PEEK, MSG_TRUNC | MSG_DONTWAIT,
                                                 MSG_WAITALL | MSG_DONTWAIT};
inline constexpr int64_t control_as_is[] = {no_value};
inline constexpr int64_t control_sizes[] = {0, 1, 15, 16, 17, 20, 24, 40, -1};
inline constexpr int64_t control_rooms[] = {64, 64, 64, 20, 24};
inline constexpr int64_t send_targets[] = {0, 0, 0, 0, 2, 4, 5};

inline constexpr int64_t set_sizes[] = {16, 16, 24, 64, 8};
// No more than the fd table holds at first: beyond, how large it is depends on what the process did before.
inline constexpr int64_t set_sizes_rare[] = {0, -1, 1, 3, 5, 63};
inline constexpr int64_t signals[] = {SIGUSR1, SIGUSR1, SIGUSR2, 35};
inline constexpr int64_t signals_bad[] = {0, -1, 65, 1000};
inline constexpr int64_t signal_sets[] = {0, 1, 1, 2, 4, 5, 7};
inline constexpr int64_t mask_hows[] = {SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK};
inline constexpr int64_t mask_hows_bad[] = {3, -1};

inline constexpr int64_t pointers[] = {0};
inline constexpr int64_t pointers_null[] = {1};
inline constexpr int64_t pointers_bad[] = {0, 1, 2, 2, 3};
/// Good bytes in front of where memory ends: around events, polls, eventfd numbers, pages and chunks.
inline constexpr int64_t short_sizes[] = {0,   1,    7,    8,    12,   15,   23,   24,   29,    100,
                                          500, 1000, 3777, 4095, 4096, 4100, 8191, 9000, 36544, 65536};
inline constexpr auto buffers_bad = [] {
  std::array<int64_t, std::size(short_sizes) + std::size(pointers_bad)> all{};
  std::copy(std::begin(pointers_bad), std::end(pointers_bad), all.begin());
  std::transform(std::begin(short_sizes), std::end(short_sizes), all.begin() + std::size(pointers_bad),
                 [](int64_t n) { return short_pointer + n; });
  return all;
}();

}  // namespace differential::values
