#include "rouse/unix_address.hpp"

#include "../support/catch.hpp"
#include "../support/thrown.hpp"

#include <sstream>

using namespace rouse;
using test::thrown_by;

namespace {

const std::string longest(unix_name_max, 'x');
const std::string too_long(unix_name_max + 1, 'x');
constexpr std::string_view with_nul{"a\0b", 3};

template <class T>
std::string streamed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// What a syscall would have told.
SocketAddress told(std::string_view name) {
  ::sockaddr_storage raw{};
  raw.ss_family = AF_UNIX;
  std::memcpy(reinterpret_cast<char*>(&raw) + sizeof raw.ss_family, name.data(), name.size());
  return *SocketAddress::from_raw(reinterpret_cast<const ::sockaddr*>(&raw),
                                  static_cast<::socklen_t>(sizeof raw.ss_family + name.size()));
}

}  // namespace

TEST_CASE("UnixPath: what is no path is refused with the reason", "[unix_address][errors]") {
  STATIC_REQUIRE(unix_name_max == 107);
  STATIC_REQUIRE(UnixPath::parse("a")->view() == "a");
  STATIC_REQUIRE_FALSE(UnixPath::parse(""));
  CHECK_FALSE(UnixPath::parse(with_nul));
  CHECK_FALSE(UnixPath::parse(too_long));
  CHECK(UnixPath::parse(longest)->view() == longest);
  CHECK(UnixPath(longest) == UnixPath::parse(longest));
  CHECK(std::strlen(UnixPath(longest).c_str()) == unix_name_max);
  CHECK(thrown_by([] { UnixPath{too_long}; }) == "UnixPath(more than 107 bytes): File name too long");
  CHECK(thrown_by([] { UnixPath{""}; }) == "UnixPath(empty): Invalid argument");
  CHECK(thrown_by([] { UnixPath{with_nul}; }) == "UnixPath(a NUL in it): Invalid argument");
  CHECK(to_string(UnixPath{"/run/a"}) == "/run/a");
  CHECK(streamed(UnixPath{"/run/a"}) == "/run/a");
  CHECK(UnixPath{"a"} < UnixPath{"b"});
  CHECK(UnixPath{"a"} != UnixPath{"aa"});
}

TEST_CASE("UnixAbstract: any bytes, if there are not too many", "[unix_address][errors]") {
  STATIC_REQUIRE(UnixAbstract::parse("")->view().empty());
  CHECK(UnixAbstract::parse(with_nul)->view() == with_nul);
  CHECK(UnixAbstract(longest) == UnixAbstract::parse(longest));
  CHECK_FALSE(UnixAbstract::parse(too_long));
  CHECK(thrown_by([] { UnixAbstract{too_long}; }) == "UnixAbstract(more than 107 bytes): File name too long");
  CHECK(to_string(UnixAbstract{"name"}) == "@name");
  CHECK(streamed(UnixAbstract{with_nul}) == "@a@b");
  CHECK(UnixAbstract{"a"} < UnixAbstract{"b"});
}

TEST_CASE("UnixAddress: a path, an abstract name, or none", "[unix_address]") {
  constexpr UnixAddress none;
  constexpr UnixAddress path = *UnixPath::parse("a");
  constexpr UnixAddress abstract = *UnixAbstract::parse("a");
  STATIC_REQUIRE(none.is_unnamed());
  STATIC_REQUIRE_FALSE(path.is_unnamed());
  STATIC_REQUIRE(path.path() == UnixPath::parse("a"));
  STATIC_REQUIRE(path.abstract() == std::nullopt);
  STATIC_REQUIRE(abstract.abstract() == UnixAbstract::parse("a"));
  STATIC_REQUIRE(abstract.path() == std::nullopt);
  STATIC_REQUIRE(none.path() == std::nullopt);
  STATIC_REQUIRE(none.abstract() == std::nullopt);
  STATIC_REQUIRE(none < path);
  STATIC_REQUIRE(path < abstract);
  STATIC_REQUIRE(path != abstract);
  CHECK(to_string(none) == "unnamed");
  CHECK(to_string(path) == "a");
  CHECK(streamed(abstract) == "@a");
  CHECK(UnixAddress::parse("a") == path);
  CHECK(UnixAddress::parse("@a") == abstract);
  CHECK(UnixAddress::parse("@") == UnixAddress{UnixAbstract{""}});
  CHECK_FALSE(UnixAddress::parse(""));
  CHECK_FALSE(UnixAddress::parse(too_long));
  CHECK_FALSE(UnixAddress::parse('@' + too_long));
  CHECK_FALSE(UnixAddress::parse(with_nul));
}

TEST_CASE("UnixAddress: to a SocketAddress and back", "[unix_address][socket_address]") {
  CHECK(SocketAddress{UnixPath{"/run/a"}} == *SocketAddress::unix_path("/run/a"));
  CHECK(SocketAddress{UnixPath{longest}} == *SocketAddress::unix_path(longest));
  CHECK(SocketAddress{UnixAbstract{with_nul}} == *SocketAddress::unix_abstract(with_nul));
  CHECK(SocketAddress{UnixAddress{}} == told(""));
  const UnixAddress all[] = {
      {}, UnixPath{"/run/a"}, UnixPath{longest}, UnixAbstract{""}, UnixAbstract{with_nul}, UnixAbstract{longest}};
  for (const UnixAddress& address : all) {
    CAPTURE(address);
    const SocketAddress untyped = address;
    CHECK(untyped.as<UnixAddress>() == address);
    CHECK(untyped.as<UnixPath>() == address.path());
    CHECK(untyped.as<UnixAbstract>() == address.abstract());
    CHECK(to_string(untyped) == to_string(address));
  }
  for (const SocketAddress& other : {SocketAddress{}, SocketAddress::ipv4_loopback(80)}) {
    CHECK_FALSE(other.as<UnixAddress>());
    CHECK_FALSE(other.as<UnixPath>());
    CHECK_FALSE(other.as<UnixAbstract>());
  }
}

TEST_CASE("UnixAddress: what the kernel tells may lack its end, or have one more", "[unix_address]") {
  CHECK(told("path").as<UnixAddress>() == UnixAddress{UnixPath{"path"}});
  CHECK(told({"path\0rest", 9}).as<UnixAddress>() == UnixAddress{UnixPath{"path"}});
  const auto whole = told(too_long + '\0').as<UnixAddress>();
  REQUIRE(whole);
  CHECK(to_string(*whole) == too_long);
  CHECK_FALSE(whole->path());  // Longer than what one can ask for.
  CHECK(SocketAddress{*whole} == told(too_long));
  CHECK_FALSE(told(too_long + 'x').as<UnixAddress>());
  CHECK_FALSE(told('\0' + too_long).as<UnixAddress>());
}
