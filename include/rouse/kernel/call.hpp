// Op, CallArguments, CallEnd: one call, as those see it who watch: what it is about, what it is given, how it ends.
#pragma once

#include "../call.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace rouse::inline v0::kernel {

using rouse::Call;
using rouse::name_of;

/// A call about to be made, and the fd it is about; -1 for none.
struct Op {
  Call call;
  int fd = -1;
};

/// What a call is given beside its fd, in the manual's order and as raw as a processor's registers: numbers, and where
/// in the caller's memory something is. Apart from the Op, which calls keep: this is made only if somebody watches.
class CallArguments {
 public:
  static constexpr std::size_t max = 6;

  template <class... Values>
  [[gnu::always_inline]] constexpr CallArguments(Values... values) : words_{word_of(values)...} {}

  /// A copy made word by word: where there is only this one, compilers make the original in no other place either.
  [[gnu::always_inline]] constexpr CallArguments copy() const {
    return CallArguments{words_[0], words_[1], words_[2], words_[3], words_[4], words_[5]};
  }
  [[nodiscard]] constexpr std::uint64_t word(std::size_t i) const { return words_[i]; }
  [[nodiscard]] constexpr int number(std::size_t i) const { return static_cast<int>(words_[i]); }
  [[nodiscard]] const void* address(std::size_t i) const { return reinterpret_cast<const void*>(words_[i]); }

 private:
  [[gnu::always_inline]] static constexpr std::uint64_t word_of(std::integral auto number) {
    return static_cast<std::uint64_t>(number);
  }
  [[gnu::always_inline]] static std::uint64_t word_of(const void* address) {
    return reinterpret_cast<std::uintptr_t>(address);
  }

  std::array<std::uint64_t, max> words_;
};

/// How a call came out, or one round of it.
struct CallEnd {
  enum class Kind : std::uint8_t {
    returned,  ///< With `word`: the value, or the errno negated.
    restarts,  ///< A signal has interrupted it, and it begins again.
    thrown,    ///< An exception leaves it: a simulated run ends, or a signal kills the program.
  };

  Kind kind = Kind::returned;
  std::int64_t word = 0;
};

/// What takes_resources() is to be told.
[[nodiscard]] constexpr int operation_of(const Op& op, const CallArguments& arguments) {
  return op.call == Call::signalfd4 ? op.fd : arguments.number(0);
}

}  // namespace rouse::inline v0::kernel
