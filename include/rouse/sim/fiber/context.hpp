// Context: where a suspended fiber goes on, and the switch from one to another: our own on x86-64 and aarch64, else the
// C library's ucontext, or where ROUSE_UCONTEXT asks for it.
//
// The switch is an ordinary function around one asm statement that declares every register it does not save lost. So
// the compiler saves what its callers need, and writes the tables by which a debugger and an exception find their way.
// Not switched: the floating-point environment (rounding, flags) and thread_local, which all fibers of a thread share.
#pragma once

#include "../../detail/assert.hpp"

#include <cstddef>
#include <cstdint>

#if defined(ROUSE_UCONTEXT) || !(defined(__x86_64__) || defined(__aarch64__))
#define ROUSE_UCONTEXT 1
#include <ucontext.h>
#endif

namespace rouse::inline v0::sim {

/// What a fiber begins with. Must not return, and lets no exception out.
using FiberEntry = void (*)(void* argument);

#ifdef ROUSE_UCONTEXT

struct Context {
  ::ucontext_t state{};
  FiberEntry entry = nullptr;
  void* argument = nullptr;
};

namespace detail_context {

// makecontext passes ints.
inline void enter(unsigned high, unsigned low) {
  const std::uintptr_t address = std::uintptr_t{high} << 16 << 16 | low;
  auto* const context = reinterpret_cast<Context*>(address);
  context->entry(context->argument);
}

}  // namespace detail_context

/// Makes `context` begin with `entry(argument)` on the stack of `size` bytes that starts at `bottom`.
inline void prepare_context(Context& context, void* bottom, std::size_t size, FiberEntry entry, void* argument) {
  context.entry = entry;
  context.argument = argument;
  const int got = ::getcontext(&context.state);  // Fails only for a bad pointer.
  ROUSE_ASSERT(got == 0, "prepare_context: getcontext failed");
  static_cast<void>(got);
  context.state.uc_stack.ss_sp = bottom;
  context.state.uc_stack.ss_size = size;
  context.state.uc_link = nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(&context);
  ::makecontext(&context.state, reinterpret_cast<void (*)()>(&detail_context::enter), 2,
                static_cast<unsigned>(address >> 16 >> 16), static_cast<unsigned>(address));
}

/// Leaves off here, in `from`, and goes on in `to`. Returns when somebody switches back.
__attribute__((noinline, no_sanitize("thread"))) inline void switch_context(Context& from, Context& to) {
  ::swapcontext(&from.state, &to.state);
}

#else

struct Context {
  void* stack = nullptr;
  void* frame = nullptr;
  void* resume = nullptr;
  // Handed over in the register of a first parameter: for the entry, which is only jumped to.
  void* argument = nullptr;
};

/// Makes `context` begin with `entry(argument)` on the stack of `size` bytes that starts at `bottom`.
inline void prepare_context(Context& context, void* bottom, std::size_t size, FiberEntry entry, void* argument) {
  auto top = (reinterpret_cast<std::uintptr_t>(bottom) + size) & ~std::uintptr_t{15};
#ifdef __x86_64__
  // As if called from nowhere: a null return address, at which unwinders and debuggers stop.
  top -= 8;
  *reinterpret_cast<void**>(top) = nullptr;
#endif
  context.stack = reinterpret_cast<void*>(top);
  context.frame = nullptr;
  context.resume = reinterpret_cast<void*>(entry);
  context.argument = argument;
}

/// Leaves off here, in `from`, and goes on in `to`. Returns when somebody switches back. Not seen by ThreadSanitizer,
/// which takes it for the other fiber's already.
#ifdef __clang__
__attribute__((noinline, no_sanitize("thread")))
#else
__attribute__((noipa, no_sanitize("thread")))  // The compiler may not guess from the body which registers survive.
#endif
inline void
switch_context(Context& from_context, Context& to_context) {
  Context* from = &from_context;
  Context* to = &to_context;
  void* argument = to->argument;
#ifdef __x86_64__
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rsp, 0(%[from])\n\t"
      "movq %%rbp, 8(%[from])\n\t"
      "movq %%rax, 16(%[from])\n\t"
      "movq 0(%[to]), %%rsp\n\t"
      "movq 8(%[to]), %%rbp\n\t"
      "jmpq *16(%[to])\n"
      "1:\tendbr64"
      : [from] "+S"(from), [to] "+d"(to), "+D"(argument)
      :
      : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3",
        "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
#ifdef __AVX512F__
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27",
        "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7",
#endif
        "cc", "memory");
#else
  register Context* in_x1 asm("x1") = from;
  register Context* in_x2 asm("x2") = to;
  register void* in_x0 asm("x0") = argument;
  asm volatile(
      "adr x16, 1f\n\t"
      "mov x17, sp\n\t"
      "stp x17, x29, [x1]\n\t"
      "str x16, [x1, #16]\n\t"
      "ldp x17, x29, [x2]\n\t"
      "ldr x16, [x2, #16]\n\t"
      "mov sp, x17\n\t"
      "mov x30, xzr\n\t"
      "br x16\n"
      "1:\thint #36"  // A place that a branch may go to, where the processor checks that.
      : "+r"(in_x0), "+r"(in_x1), "+r"(in_x2)
      :
      : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x19", "x20",
        "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",
        "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23",
        "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
#endif
}

#endif

}  // namespace rouse::inline v0::sim
