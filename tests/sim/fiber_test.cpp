// Fiber: what a switch takes along, and what it leaves.
#include "rouse/sim/fiber/fiber.hpp"

#include "../support/catch.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace rouse;

namespace {

/// Fibers whose bodies are ordinary functions. They may pause; when one is over, the root goes on.
class Fibers {
 public:
  void start(std::size_t i, std::function<void()> body) {
    if (i >= all_.size()) all_.resize(i + 1);
    all_[i] = std::make_unique<One>(One{pool.root(), std::move(body)});
    all_[i]->fiber = &pool.take(&One::run, all_[i].get());
  }
  void resume(std::size_t i) { pool.switch_to(*all_[i]->fiber); }
  void pause() { pool.switch_to(pool.root()); }

  sim::FiberPool pool;

 private:
  struct One {
    sim::Fiber& root;
    std::function<void()> body;
    sim::Fiber* fiber = nullptr;

    static sim::Fiber& run(void* self) {
      const detail::Visible visible;
      auto& one = *static_cast<One*>(self);
      one.body();
      return one.root;
    }
  };
  std::vector<std::unique_ptr<One>> all_;
};

/// An object whose destructor pauses while an exception is in flight.
class PausesOnTheWay {
 public:
  explicit PausesOnTheWay(Fibers& fibers) : fibers_(fibers) {}
  PausesOnTheWay(const PausesOnTheWay&) = delete;
  PausesOnTheWay& operator=(const PausesOnTheWay&) = delete;
  ~PausesOnTheWay() { fibers_.pause(); }

 private:
  Fibers& fibers_;
};

}  // namespace

TEST_CASE("Fiber: bodies run to their pauses and on", "[fiber]") {
  Fibers fibers;
  std::string trace;
  for (std::size_t i = 0; i < 3; ++i) {
    fibers.start(i, [&fibers, &trace, i] {
      for (int step = 0; step < 2; ++step) {
        trace += static_cast<char>('a' + i);
        trace += std::to_string(step) + ' ';
        fibers.pause();
      }
    });
  }
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < 3; ++i) fibers.resume(i);
  }
  CHECK(trace == "a0 b0 c0 a1 b1 c1 ");
  CHECK(fibers.pool.size() == 3);
}

TEST_CASE("Fiber: those whose body is over are taken again", "[fiber]") {
  Fibers fibers;
  int runs = 0;
  for (int i = 0; i < 100; ++i) {
    fibers.start(0, [&runs] { ++runs; });
    fibers.resume(0);
  }
  CHECK(runs == 100);
  CHECK(fibers.pool.size() == 1);
}

TEST_CASE("Fiber: one may go on in another", "[fiber]") {
  sim::FiberPool pool;
  struct Chain {
    sim::FiberPool& pool;
    std::string trace;
    sim::Fiber* last = nullptr;
  } chain{pool, {}};
  chain.last = &pool.take(
      [](void* argument) -> sim::Fiber& {
        auto& on = *static_cast<Chain*>(argument);
        on.trace += "second";
        return on.pool.root();
      },
      &chain);
  pool.switch_to(pool.take(
      [](void* argument) -> sim::Fiber& {
        auto& on = *static_cast<Chain*>(argument);
        on.trace += "first ";
        return *on.last;
      },
      &chain));
  CHECK(chain.trace == "first second");
}

TEST_CASE("Fiber: what is held in registers survives", "[fiber]") {
  Fibers fibers;
  const auto work = [&fibers](unsigned seed, unsigned& sum, double& total) {
    unsigned a = seed, b = seed * 3, c = seed * 5, d = seed * 7, e = seed * 11, f = seed * 13, g = seed * 17;
    double x = seed, y = seed * 0.5, z = seed * 0.25;
    for (int i = 0; i < 50; ++i) {
      a = a * 31 + b, b = b * 37 + c, c = c * 41 + d, d = d * 43 + e, e = e * 47 + f, f = f * 53 + g, g = g * 59 + a;
      x += y * 0.5, y += z * 0.25, z += x * 0.125;
      fibers.pause();
    }
    sum = a ^ b ^ c ^ d ^ e ^ f ^ g;
    total = x + y + z;
  };
  constexpr std::size_t n = 4;
  unsigned sums[n] = {}, sums_alone[n] = {};
  double totals[n] = {}, totals_alone[n] = {};
  for (std::size_t i = 0; i < n; ++i) {
    fibers.start(i, [&, i] { work(static_cast<unsigned>(i) + 1, sums_alone[i], totals_alone[i]); });
    for (int step = 0; step <= 50; ++step) fibers.resume(i);
  }
  for (std::size_t i = 0; i < n; ++i) {
    fibers.start(i, [&, i] { work(static_cast<unsigned>(i) + 1, sums[i], totals[i]); });
  }
  for (int step = 0; step <= 50; ++step) {
    for (std::size_t i = 0; i < n; ++i) fibers.resume(i);
  }
  for (std::size_t i = 0; i < n; ++i) {
    CHECK(sums[i] == sums_alone[i]);
    CHECK(sums[i] != 0);
    CHECK_FALSE(totals[i] < totals_alone[i]);
    CHECK_FALSE(totals[i] > totals_alone[i]);
  }
}

TEST_CASE("Fiber: its stack is aligned as any function may expect", "[fiber]") {
  Fibers fibers;
  char text[32] = {};
  fibers.start(0, [&text] {
    alignas(16) volatile double pair[2] = {1.5, 2.5};
    CHECK(reinterpret_cast<std::uintptr_t>(&pair) % 16 == 0);
    std::snprintf(text, sizeof text, "%.2f %.2Lf", pair[0] + pair[1], 0.25L);
  });
  fibers.resume(0);
  CHECK(std::string{text} == "4.00 0.25");
}

TEST_CASE("Fiber: each has its own errno", "[fiber]") {
  Fibers fibers;
  errno = ENOENT;
  fibers.start(0, [&fibers] {
    errno = EBADF;
    fibers.pause();
    CHECK(errno == EBADF);
  });
  fibers.resume(0);
  CHECK(errno == ENOENT);
  fibers.resume(0);
  CHECK(errno == ENOENT);
}

TEST_CASE("Fiber: a switch inside a handler leaves the exception to its fiber", "[fiber]") {
  Fibers fibers;
  std::vector<std::string> caught(2);
  for (std::size_t i = 0; i < 2; ++i) {
    fibers.start(i, [&fibers, &caught, i] {
      try {
        try {
          throw std::runtime_error(i == 0 ? "of the first" : "of the second");
        } catch (const std::runtime_error&) {
          fibers.pause();
          throw;
        }
      } catch (const std::exception& error) {
        fibers.pause();
        caught[i] = error.what();
      }
    });
  }
  for (int round = 0; round < 3; ++round) {
    fibers.resume(0);
    fibers.resume(1);
  }
  CHECK(caught[0] == "of the first");
  CHECK(caught[1] == "of the second");
  CHECK(std::current_exception() == nullptr);
}

TEST_CASE("Fiber: a switch while an exception is in flight leaves it to its fiber", "[fiber]") {
  Fibers fibers;
  std::string caught;
  fibers.start(0, [&] {
    try {
      const PausesOnTheWay pauses{fibers};
      throw std::runtime_error("in flight");
    } catch (const std::exception& error) {
      caught = error.what();
    }
    CHECK(std::uncaught_exceptions() == 0);
  });
  fibers.resume(0);
  CHECK(std::uncaught_exceptions() == 0);
  fibers.start(1, [&fibers] {
    CHECK(std::uncaught_exceptions() == 0);
    fibers.pause();
  });
  fibers.resume(1);
  CHECK_THROWS_AS(throw std::logic_error("of the root"), std::logic_error);
  fibers.resume(0);
  fibers.resume(1);
  CHECK(caught == "in flight");
}

TEST_CASE("Fiber: exceptions are caught inside as anywhere", "[fiber]") {
  Fibers fibers;
  int depth = 0;
  const std::function<void(int)> fall = [&](int n) {
    ++depth;
    if (n == 0) throw n;
    fall(n - 1);
  };
  fibers.start(0, [&] { CHECK_THROWS_AS(fall(100), int); });
  fibers.resume(0);
  CHECK(depth == 101);
}

#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // They say it in words of their own, and at length.
TEST_CASE("Fiber: running over the end of the stack is a crash, not a corruption", "[fiber]") {
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);  // The test framework's handler would report the case as failed.
    Fibers fibers;
    volatile char* touched = nullptr;
    const std::function<void()> fall = [&] {
      volatile char frame[1024];
      frame[0] = 1;
      touched = &frame[0];
      fall();
    };
    fibers.start(0, fall);
    fibers.resume(0);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSEGV);
}
#endif
