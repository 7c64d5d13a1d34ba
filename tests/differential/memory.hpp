// Memory: what the calls of scripts write from and read into.
#pragma once

#include "names.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <vector>

namespace differential {

/// Memory that calls write from and read into. What is written depends on how much was written before, so that bytes
/// that come out mixed up show; what is read into is a pattern elsewhere, so that a byte too many shows.
class Memory {
 public:
  static constexpr std::size_t size_max = std::size_t{1} << 20;
  static constexpr std::size_t short_max = std::size_t{1} << 17;  ///< Most good bytes before memory ends.

  Memory() : source_(2 * size_max + phases), target_(2 * size_max + guard, untouched) {
    std::uint64_t state = 1;
    for (char& c : source_) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      c = static_cast<char>(state >> 56);
    }
    // One mapping for all scripts: the emulated kernel remembers which pages were good.
    constexpr std::size_t n = places * place_size;
    void* const memory = ::mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    guarded_ = static_cast<char*>(memory);
    for (std::size_t i = 1; i <= places; ++i) ::mprotect(guarded_ + i * place_size - page_size, page_size, PROT_NONE);
  }

  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { ::munmap(guarded_, places * place_size); }

  void restart() { phase_ = 0; }
  /// Which bytes come next: to be gone back to when a call was not made after all.
  [[nodiscard]] std::size_t phase() const { return phase_; }
  void go_back_to(std::size_t phase) { phase_ = phase; }
  /// The next bytes to write. They do not repeat soon.
  [[nodiscard]] const char* source(std::size_t n) {
    const char* const from = source_.data() + phase_;
    phase_ = (phase_ + n + 1) % phases;
    return from;
  }
  [[nodiscard]] char* target() { return target_.data(); }

  /// `n` bytes that end where memory does; there are several such places.
  [[nodiscard]] char* last_bytes(std::size_t place, std::size_t n) {
    return guarded_ + (place % places + 1) * place_size - page_size - std::min(n, short_max);
  }

  /// Appends what a call put at `offset`: length and a digest, after those the bytes if they are few. `asked` bytes
  /// were its to write.
  void take(std::string& to, std::size_t offset, std::size_t got, std::size_t asked) {
    char* const at = target_.data() + offset;
    if (got > asked) got = asked;
    if (got > 0) {
      to += ' ';
      if (got <= 8) {
        for (std::size_t i = 0; i < got; ++i) {
          const auto c = static_cast<unsigned char>(at[i]);
          to += digits[c >> 4];
          to += digits[c & 15];
        }
      } else {
        append_hex(to += "bytes ", digest(at, got));
      }
      std::memset(at, untouched, got);
    }
    for (std::size_t i = got; i < got + guard; ++i) {
      if (at[i] == untouched) continue;
      append_number(to += " and byte ", static_cast<std::int64_t>(i));
      std::memset(at + got, untouched, std::max(asked, got + guard) - got);
      return;
    }
  }

  static constexpr std::size_t guard = 32;
  static constexpr char untouched = '\x5a';

 private:
  static constexpr char digits[] = "0123456789abcdef";
  static constexpr std::size_t phases = 65521;
  static constexpr std::size_t page_size = 4096;
  static constexpr std::size_t places = 8;
  static constexpr std::size_t place_size = short_max + page_size;

  static std::uint64_t digest(const char* data, std::size_t n) {
    std::uint64_t sum = n;
    const auto mix = [&sum](std::uint64_t word) {
      sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
      sum ^= sum >> 29;
    };
    std::uint64_t word = 0;
    for (; n >= sizeof word; data += sizeof word, n -= sizeof word) {
      std::memcpy(&word, data, sizeof word);
      mix(word);
    }
    word = 0;
    std::memcpy(&word, data, n);
    mix(word);
    return sum;
  }

  std::vector<char> source_;
  std::vector<char> target_;
  std::size_t phase_ = 0;
  char* guarded_ = nullptr;
};

}  // namespace differential
