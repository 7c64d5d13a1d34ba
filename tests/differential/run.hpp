// Run: what one kernel goes through with a script, and the transcript of it: a line a call, with all that came back.
// Two kernels agree if their transcripts are the same text.
#pragma once

#include "inet_addresses.hpp"
#include "memory.hpp"
#include "rouse/backend/emulated.hpp"
#include "rouse/backend/linux.hpp"
#include "script.hpp"
#include "signals_seen.hpp"
#include "values.hpp"

#include <cstring>
#include <memory>
#include <span>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <unistd.h>

namespace differential {

using rouse::SysResult;

/// One line a step. Kept as one text, so that a run allocates little.
class Transcript {
 public:
  void clear() {
    text_.clear();
    ends_.clear();
  }
  /// What is appended here becomes the next line.
  [[nodiscard]] std::string& text() { return text_; }
  void end_line() { ends_.push_back(text_.size()); }

  [[nodiscard]] std::size_t lines() const { return ends_.size(); }
  [[nodiscard]] std::string_view line(std::size_t i) const {
    const std::size_t start = i == 0 ? 0 : ends_[i - 1];
    return std::string_view{text_}.substr(start, ends_[i] - start);
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

/// The names of sockets, as bytes. Paths are relative to an empty directory; abstract names are this program's own.
class SocketAddresses {
 public:
  [[nodiscard]] static std::string bytes(Address address) {
    switch (address) {
      case Address::none: return {};
      case Address::unnamed: return with_family(AF_UNIX, "");
      case Address::path_a: return with_family(AF_UNIX, std::string_view{"a\0", 2});
      case Address::path_b: return with_family(AF_UNIX, std::string_view{"b\0", 2});
      case Address::abstract_a: return with_family(AF_UNIX, abstract('a'));
      case Address::abstract_b: return with_family(AF_UNIX, abstract('b'));
      case Address::inet: return with_family(AF_INET, std::string(14, '\0'));
      case Address::tiny: return "x";
      case Address::huge: return with_family(AF_UNIX, std::string(109, 'x'));
    }
    return InetAddresses::bytes(static_cast<std::int64_t>(address));
  }

  /// Bytes as the calls give them back, without what differs from run to run. `length` is what the whole address has,
  /// of which there may have been no room for all.
  static void append(std::string& to, std::string_view address, std::size_t length) {
    for (const Name& name : address_names) {
      if (name.value != 0 && address == bytes(static_cast<Address>(name.value))) {
        to += name.name;
        return;
      }
    }
    if (InetAddresses::append_ephemeral(to, address)) return;
    constexpr std::size_t automatic = sizeof(::sa_family_t) + 6;
    if (length == automatic && address.size() > sizeof(::sa_family_t) && address[sizeof(::sa_family_t)] == '\0') {
      append_number(to += "@automatic:", static_cast<std::int64_t>(address.size()));  // Five digits of Linux's choice.
      return;
    }
    for (const char c : address) append_number(to += '.', static_cast<unsigned char>(c), 16);
  }

 private:
  static std::string with_family(int family, std::string_view rest) {
    const auto word = static_cast<::sa_family_t>(family);
    return std::string(reinterpret_cast<const char*>(&word), sizeof word).append(rest);
  }
  static std::string abstract(char name) {
    static const std::string prefix = std::string(1, '\0') + "rouse-differential-" + std::to_string(::getpid());
    return prefix + name;
  }
};

/// Where a call of the table finds the kernel, memory for its arguments, and the line its results go into.
template <class B>
class Run {
 public:
  static constexpr int fds_max = 256;  ///< Numbers from here on are made, but not looked at.
  static constexpr int events_max = 1024;

  Run(B the_backend, Memory& the_memory) : backend(the_backend), memory(the_memory), events_(events_max + 1, blank) {
    memory.restart();
  }

  B backend;
  Memory& memory;
  Transcript transcript;
  std::int64_t last = 0;  ///< What the last call returned: the value, or the errno negated.

  // -- results

  template <class T>
  void result(SysResult<T> result) {
    last = result.word();
    std::string& to = transcript.text();
    if (last >= 0) {
      append_number(to, last);
    } else {
      append_choice(to, -last, errno_names);
    }
  }
  /// The call made an fd.
  void new_fd(SysResult<int> made) {
    result(made);
    if (made.ok()) note_fd(made.value());
  }
  void new_fds(SysResult<void> made, const int (&fds)[2]) {
    result(made);
    if (!made.ok()) return;
    for (const int fd : fds) {
      append_number(transcript.text() += ' ', fd);
      note_fd(fd);
    }
  }
  void note_fd(int fd) {
    if (fd < fds_max) seen_[static_cast<std::size_t>(fd)].open = true;
  }
  void number(const char* name, std::int64_t value) {
    append_number(transcript.text().append(" ").append(name), value);
  }
  void bytes(std::size_t offset, std::size_t asked) {
    forget_senders({memory.target() + offset, std::min(moved(), asked)});
    memory.take(transcript.text(), offset, moved(), asked);
  }
  /// In what a signalfd told: who sent it is this process, which has another number and user on each kernel.
  void forget_senders(std::span<char> bytes) {
    constexpr std::size_t record = sizeof(::signalfd_siginfo);
    if (bytes.size() % record != 0) return;
    for (std::size_t at = 0; at < bytes.size(); at += record) {
      ::signalfd_siginfo info;
      std::memcpy(&info, bytes.data() + at, record);
      const bool is_ours = std::find(std::begin(script_signals), std::end(script_signals),
                                     static_cast<int>(info.ssi_signo)) != std::end(script_signals);
      if (!is_ours || info.ssi_pid != static_cast<std::uint32_t>(backend.getpid().value())) continue;
      info.ssi_pid = info.ssi_uid = 0;
      std::memcpy(bytes.data() + at, &info, record);
    }
  }

  // -- arguments

  /// `good`, or what a script means by a bad pointer.
  template <class T>
  [[nodiscard]] static T* pointer(std::int64_t which, T* good) {
    volatile std::uintptr_t number = 0;  // Lest the compiler warns of what it points to.
    switch (static_cast<Pointer>(which)) {
      case Pointer::good: return good;
      case Pointer::null: break;
      case Pointer::bad: number = 16; break;
      case Pointer::far: number = 0xffff'8000'0000'0000; break;
    }
    return reinterpret_cast<T*>(std::uintptr_t{number});
  }
  /// As pointer, of a buffer of `n` bytes that the call takes from. There are several places where memory ends.
  template <class T>
  [[nodiscard]] const T* input(std::int64_t which, const T* good, std::size_t n, std::size_t place = 0) {
    if (which < short_pointer) return pointer(which, good);
    const auto good_bytes = static_cast<std::size_t>(which - short_pointer);
    char* const to = memory.last_bytes(place, good_bytes);
    std::memcpy(to, good, std::min({n, good_bytes, Memory::short_max}));
    return reinterpret_cast<const T*>(to);
  }
  /// And of one that it fills.
  template <class T>
  [[nodiscard]] T* output(std::int64_t which, T* good, std::size_t place = 0) {
    if (which < short_pointer) return pointer(which, good);
    const auto good_bytes = static_cast<std::size_t>(which - short_pointer);
    char* const to = memory.last_bytes(place, good_bytes);
    std::memset(to, Memory::untouched, std::min(good_bytes, Memory::short_max));
    return reinterpret_cast<T*>(to);
  }
  /// After the call: what it put there, `n` bytes, comes to where it would be had the pointer been good.
  void fetch(std::int64_t which, void* good, std::size_t n, std::size_t place = 0) {
    if (which < short_pointer || n == 0) return;
    const auto good_bytes = static_cast<std::size_t>(which - short_pointer);
    std::memcpy(good, memory.last_bytes(place, good_bytes), std::min({n, good_bytes, Memory::short_max}));
  }
  /// How many bytes the last call said it moved.
  [[nodiscard]] std::size_t moved() const { return last > 0 ? static_cast<std::size_t>(last) : 0; }
  /// A length. What is longer than the memory there is, is cut, unless it reaches beyond any memory.
  [[nodiscard]] static std::size_t size(std::int64_t n) {
    constexpr std::int64_t beyond = std::int64_t{1} << 47;
    if (n >= static_cast<std::int64_t>(Memory::size_max) && n < beyond) return Memory::size_max;
    return static_cast<std::size_t>(n);
  }
  [[nodiscard]] static std::size_t present(std::int64_t n) { return std::min(size(n), Memory::size_max); }

  /// What a write sends: the same number all over, or bytes that depend on where they stand.
  [[nodiscard]] const char* source(std::int64_t n, std::int64_t value) {
    if (value == values::no_value || present(n) > sizeof words_) return memory.source(present(n));
    for (std::uint64_t& word : words_) word = static_cast<std::uint64_t>(value);
    return reinterpret_cast<const char*>(words_);
  }

  // -- waits

  [[nodiscard]] rouse::Event* events() { return events_.data(); }
  void take_events() {
    std::string& to = transcript.text();
    const std::size_t n = last > 0 ? static_cast<std::size_t>(last) : 0;
    for (std::size_t i = 0; i < n && i < events_max; ++i) {
      append_set(to += ' ', events_[i].flags().bits, event_names);
      append_hex(to += ':', events_[i].data().u64());
      events_[i] = blank;
    }
    if (events_[n] == blank) return;
    to += " and one event more";
    events_[n] = blank;
  }

  [[nodiscard]] std::vector<::pollfd>& polls() { return polls_; }

  // -- looking

  /// Appends the poll bits of every fd whose bits are not those of the last look.
  void look() {
    constexpr short all = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND |
                          short{EPOLLMSG} | short{EPOLLRDHUP};
    constexpr std::size_t at_once = 8;  // The limit on fd numbers is one on the length of the list as well.
    std::array<::pollfd, at_once> entries;
    std::size_t n = 0;
    const auto ask = [&] {
      const SysResult<int> got = backend.poll(entries.data(), n, 0);
      if (!got.ok()) {
        result(got);
        n = 0;
        return;
      }
      for (std::size_t i = 0; i < n; ++i) {
        Seen& seen = seen_[static_cast<std::size_t>(entries[i].fd)];
        if (seen.bits == entries[i].revents) continue;
        seen.bits = entries[i].revents;
        append_number(transcript.text() += ' ', entries[i].fd);
        append_set(transcript.text() += ':', entries[i].revents, event_names);
      }
      n = 0;
    };
    const std::int64_t last_before = last;  // It is what the call before returned.
    transcript.text() += " look";
    for (int fd = 3; fd < fds_max; ++fd) {
      if (!seen_[static_cast<std::size_t>(fd)].open) continue;
      entries[n++] = {fd, all, 0};
      if (n == at_once) ask();
    }
    if (n > 0) ask();
    last = last_before;
  }

 private:
  static constexpr rouse::Event blank{rouse::EventFlags{0x5a5a5a5a}, std::uint64_t{0x5a5a5a5a5a5a5a5a}};

  struct Seen {
    bool open = false;  // Or was.
    short bits = 0;
  };

  std::vector<rouse::Event> events_;
  std::vector<::pollfd> polls_;
  std::array<Seen, fds_max> seen_{};
  alignas(8) std::uint64_t words_[512] = {};
};

}  // namespace differential
