// UnixNames: the names that an empty bind gives, and who may take and leave which name.
#include "rouse/kernel/unix_names.hpp"

#include "../support/backends.hpp"

using namespace rouse;
using kernel::UnixNames;

namespace {

struct Sockets {
  kernel::Kernel kernel;
  EmulatedBackend backend{kernel};
  kernel::UnixSocketFile& first = make();
  kernel::UnixSocketFile& second = make();

 private:
  kernel::UnixSocketFile& make() const {
    return static_cast<kernel::UnixSocketFile&>(*kernel.file(backend.socket(AF_UNIX, SOCK_STREAM, 0).value()));
  }
};

std::string abstract(const std::string& text) { return std::string(1, '\0') + text; }

}  // namespace

TEST_CASE("UnixNames: an empty bind gets the next five hexadecimal digits that nobody has", "[unix_names]") {
  Sockets sockets;
  UnixNames names;
  CHECK(names.unused_abstract(SOCK_STREAM) == abstract("00001"));
  CHECK(names.unused_abstract(SOCK_STREAM) == abstract("00002"));
  CHECK(names.take(UnixNames::key(SOCK_STREAM, abstract("00003")), sockets.first).ok());
  CHECK(names.take(UnixNames::key(SOCK_DGRAM, abstract("00005")), sockets.first).ok());
  CHECK(names.unused_abstract(SOCK_STREAM) == abstract("00004"));
  CHECK(names.unused_abstract(SOCK_STREAM) == abstract("00005"));
  // Round once, past those that are taken.
  std::string last;
  for (int i = 6; i <= 0xfffff; ++i) last = names.unused_abstract(SOCK_STREAM);
  CHECK(last == abstract("fffff"));
  CHECK(names.unused_abstract(SOCK_STREAM) == abstract("00000"));
  CHECK(names.unused_abstract(SOCK_STREAM) == abstract("00001"));
}

TEST_CASE("UnixNames: paths are shared by all types, and stay; abstract names are per type, and go", "[unix_names]") {
  Sockets sockets;
  UnixNames names;
  const UnixNames::Key path = UnixNames::key(SOCK_STREAM, "/path");
  CHECK(path == UnixNames::key(SOCK_DGRAM, "/path"));
  CHECK(UnixNames::key(SOCK_STREAM, "") == UnixNames::key(SOCK_DGRAM, ""));
  const UnixNames::Key name = UnixNames::key(SOCK_STREAM, abstract("name"));
  CHECK(name != UnixNames::key(SOCK_DGRAM, abstract("name")));
  names.leave(path, sockets.first);
  CHECK_FALSE(names.is_taken(path));
  CHECK(names.take(path, sockets.first).ok());
  CHECK(names.take(name, sockets.first).ok());
  names.leave(path, sockets.second);
  CHECK(names.owner(path) == &sockets.first);
  names.leave(path, sockets.first);
  names.leave(name, sockets.first);
  CHECK(names.owner(path) == nullptr);
  CHECK(names.is_taken(path));
  CHECK_FALSE(names.is_taken(name));
  names.unlink(path);
  CHECK_FALSE(names.is_taken(path));
}

TEST_CASE("UnixNames: of a path, what means nothing is left out", "[unix_names]") {
  for (const auto& [path, plain] : {std::pair{"./a", "a"},
                                    {"b//./c", "b/c"},
                                    {"/a", "/a"},
                                    {"//a", "/a"},
                                    {"/./a/", "/a/"},
                                    {".//a", "a"},
                                    {".", ""},
                                    {"a/.", "a/"},
                                    {"a/", "a/"},
                                    {"", ""},
                                    {"..", ".."},
                                    {".a", ".a"},
                                    {"a./b", "a./b"},
                                    {"/", "/"}}) {
    CAPTURE(path);
    CHECK(UnixNames::key(SOCK_STREAM, path) == UnixNames::Key{0, plain});
  }
}
