// EpollTopology: random graphs of epolls, which the emulated kernel has to judge as Linux does.
#include "../support/file_limit.hpp"
#include "../support/threads.hpp"

#include <random>

using namespace rouse;
using test::Handles;

namespace {

/// Epolls in layers, and eventfds: what may be watched, by index.
template <class On>
class Graph {
 public:
  Graph(On& on, std::size_t epolls, std::size_t files) {
    for (std::size_t i = 0; i < epolls; ++i) epolls_.emplace_back(on.backend);
    for (std::size_t i = 0; i < files; ++i) files_.emplace_back(on.backend);
  }

  /// The error of letting `outer` watch `inner` or stop watching it, or 0.
  int change(bool add, std::size_t outer, std::size_t inner) {
    const BasicFdRef<typename On::Backend> fd =
        inner < epolls_.size() ? epolls_[inner].ref() : files_[inner - epolls_.size()].ref();
    std::error_code ec;
    if (add) {
      epolls_[outer].add(fd, EventFlags::in, ec);
    } else {
      epolls_[outer].remove(fd, ec);
    }
    return ec.value();
  }

 private:
  std::vector<typename Handles<On>::Epoll> epolls_;
  std::vector<typename Handles<On>::EventFd> files_;
};

/// The errors that come up, each at least so often, or the graphs are too tame.
struct Seen {
  int errors[256] = {};
  int of(int error) const { return errors[error]; }
};

}  // namespace

TEST_CASE("EpollTopology: random graphs are judged as Linux judges them", "[epoll][nesting][random]") {
  const std::uint32_t seed = GENERATE(range(1u, 9u));
  CAPTURE(seed);
  test::OnLinux on_linux;
  test::OnEmulated on_emulated;
  constexpr std::size_t epolls = 12;
  constexpr std::size_t files = 3;
  Graph<test::OnLinux> expected{on_linux, epolls, files};
  Graph<test::OnEmulated> actual{on_emulated, epolls, files};
  std::mt19937 random{seed};
  Seen seen;
  for (int step = 0; step < 2000; ++step) {
    const bool add = random() % 8 != 0;
    const std::size_t outer = random() % epolls;
    const std::size_t inner = random() % (epolls + files);
    const int error = expected.change(add, outer, inner);
    ++seen.errors[error];
    CAPTURE(step, add, outer, inner);
    REQUIRE(actual.change(add, outer, inner) == error);
  }
  CHECK(seen.of(0) > 100);
  CHECK(seen.of(ELOOP) > 100);
  CHECK(seen.of(EEXIST) > 10);
  CHECK(seen.of(ENOENT) > 10);
}

TEST_CASE("EpollTopology: random ways upwards are counted as Linux counts them", "[epoll][nesting][paths][random]") {
  const std::uint32_t seed = GENERATE(range(1u, 5u));
  CAPTURE(seed);
  test::OnLinux on_linux;
  test::OnEmulated on_emulated;
  // Five layers, each watching mostly the one below, so that long ways are common.
  constexpr std::size_t width = 5;
  constexpr std::size_t epolls = 5 * width;
  constexpr std::size_t files = 2;
  Graph<test::OnLinux> expected{on_linux, epolls, files};
  Graph<test::OnEmulated> actual{on_emulated, epolls, files};
  std::mt19937 random{seed};
  int refused = 0;
  for (int step = 0; step < 3000; ++step) {
    const bool add = random() % 3 != 0;
    const std::size_t layer = random() % 5;
    const std::size_t outer = layer * width + random() % width;
    const std::size_t inner = layer == 0 ? epolls + random() % files : (layer - 1) * width + random() % width;
    const int error = expected.change(add, outer, inner);
    if (error == EINVAL) ++refused;
    CAPTURE(step, add, outer, inner);
    REQUIRE(actual.change(add, outer, inner) == error);
  }
  CHECK(refused > 50);
}

TEST_CASE("EpollTopology: it does not matter which thread asks", "[epoll][nesting][random][threads]") {
  test::ThreadsOnLinux on_linux;
  test::ThreadsOnEmulated on_emulated;
  constexpr std::size_t epolls = 10;
  Graph<test::ThreadsOnLinux> expected{on_linux, epolls, 1};
  Graph<test::ThreadsOnEmulated> actual{on_emulated, epolls, 1};
  std::mt19937 random{1};
  for (int step = 0; step < 1000; ++step) {
    const bool add = random() % 8 != 0;
    const std::size_t outer = random() % epolls;
    const std::size_t inner = random() % (epolls + 1);
    const int error = expected.change(add, outer, inner);
    auto worker = on_emulated.spawn([&] { return actual.change(add, outer, inner); });
    CAPTURE(step, add, outer, inner);
    REQUIRE(worker.result() == error);
  }
}
