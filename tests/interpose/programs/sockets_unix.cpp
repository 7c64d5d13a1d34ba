// Unix sockets with paths that other calls see, with abstract names and with names that Linux picks.
#include "show.hpp"

#include <cstddef>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

using namespace programs;

namespace {

struct Name {
  ::sockaddr_un address{};
  ::socklen_t n = 0;

  Name() { address.sun_family = AF_UNIX; }
  explicit Name(const std::string& path) : Name() {
    std::memcpy(address.sun_path, path.data(), path.size());
    n = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + path.size() + (path[0] != '\0'));
  }
  [[nodiscard]] const ::sockaddr* get() const { return reinterpret_cast<const ::sockaddr*>(&address); }
  ::sockaddr* get() { return reinterpret_cast<::sockaddr*>(&address); }
};

void print_name(const char* what, const Name& name) {
  const std::size_t n = name.n > 2 ? name.n - 2 : 0;
  say("%s: family %d, %u bytes, ", what, name.address.sun_family, name.n);
  for (std::size_t i = 0; i < n; ++i) {
    const char letter = name.address.sun_path[i];
    say("%c", letter == '\0' ? '@' : letter);
  }
  say("\n");
}
void print_names(const char* what, int fd) {
  Name name;
  name.n = sizeof name.address;
  const int result = ::getsockname(fd, name.get(), &name.n);
  result == 0 ? print_name(what, name) : static_cast<void>(show(what, result));
  name.n = sizeof name.address;
  const int peer = ::getpeername(fd, name.get(), &name.n);
  peer == 0 ? print_name("  its peer", name) : static_cast<void>(show("  its peer", peer));
}

int make(int type) { return must("socket", ::socket(AF_UNIX, type, 0)); }
int bind_to(int fd, const std::string& path) {
  const Name name{path};
  return ::bind(fd, name.get(), name.n);
}
int connect_to(int fd, const std::string& path) {
  const Name name{path};
  return ::connect(fd, name.get(), name.n);
}

void stat_of(const char* path) {
  struct ::stat found {};
  const int result = ::stat(path, &found);
  if (result != 0) {
    show(path, result);
    return;
  }
  say("%s: a socket %d, mode %o\n", path, S_ISSOCK(found.st_mode), found.st_mode & 07777);
}

void by_path(int type) {
  say("-- by path, type %d\n", type);
  ::umask(027);
  const int server = make(type);
  print_names("unbound", server);
  show("bind", bind_to(server, "socket"));
  print_names("bound", server);
  stat_of("socket");
  show("chmod", ::chmod("socket", 0600));
  stat_of("socket");
  show("bind again", bind_to(server, "other"));
  show("bind of another", bind_to(make(type), "socket"));
  const int early = make(type);
  show("connect", connect_to(early, "socket"));
  if (type != SOCK_DGRAM) {
    show("listen", ::listen(server, 2));
    show("connect", connect_to(early, "socket"));
    show("connect again", connect_to(early, "socket"));
    print_names("client", early);
    Name peer;
    peer.n = sizeof peer.address;
    const int connection = show("accept", ::accept(server, peer.get(), &peer.n)) >= 0 ? 1 : 0;
    say("accepted %d\n", connection);
    print_name("from", peer);
    const int named = make(type);
    show("bind", bind_to(named, "client"));
    show("connect by another path", connect_to(named, "./folder/../socket"));
    peer.n = sizeof peer.address;
    const int second = ::accept(server, peer.get(), &peer.n);
    print_name("from", peer);
    print_names("accepted", second);
    show("unlink", ::unlink("client"));
  } else {
    show("send", ::send(early, "abc", 3, 0));
    char bytes[8];
    Name from;
    from.n = sizeof from.address;
    show("recvfrom", ::recvfrom(server, bytes, 8, 0, from.get(), &from.n));
    print_name("from", from);
    const int named = make(type);
    show("bind", bind_to(named, "client"));
    const Name to{"socket"};
    show("sendto", ::sendto(named, "abcd", 4, 0, to.get(), to.n));
    from.n = sizeof from.address;
    show("recvfrom", ::recvfrom(server, bytes, 8, 0, from.get(), &from.n));
    print_name("from", from);
    show("unlink", ::unlink("client"));
    show("sendto", ::sendto(server, "abcd", 4, 0, from.get(), from.n));
  }
  show("rename", ::rename("socket", "renamed"));
  show("connect to the old name", connect_to(make(type), "socket"));
  show("connect to the new one", connect_to(make(type), "renamed"));
  ::close(server);
  stat_of("renamed");
  show("connect to a left path", connect_to(make(type), "renamed"));
  show("bind to a left path", bind_to(make(type), "renamed"));
  show("unlink", ::unlink("renamed"));
  stat_of("renamed");
  show("connect to none", connect_to(make(type), "renamed"));
  show("bind", bind_to(make(type), "renamed"));
  show("unlink", ::unlink("renamed"));
}

void failing_paths() {
  say("-- paths that do not do\n");
  const int fd = make(SOCK_STREAM);
  show("no such folder", bind_to(fd, "nowhere/socket"));
  show("a file as folder", bind_to(fd, "file/socket"));
  show("a file is there", bind_to(fd, "file"));
  show("connect to a file", connect_to(fd, "file"));
  show("connect to a folder", connect_to(fd, "folder"));
  show("connect in no folder", connect_to(fd, "nowhere/socket"));
  show("stream to datagram", (bind_to(make(SOCK_DGRAM), "datagram"), connect_to(fd, "datagram")));
  show("datagram to stream", (bind_to(make(SOCK_STREAM), "stream"), connect_to(make(SOCK_DGRAM), "stream")));
  const Name empty{"x"};
  show("too short an address", ::bind(fd, empty.get(), 1));
  show("too long an address", ::bind(fd, empty.get(), 200));
  Name other{"x"};
  other.address.sun_family = AF_INET;
  show("another family", ::bind(fd, other.get(), other.n));
  show("listen of a datagram socket", ::listen(make(SOCK_DGRAM), 1));
  show("listen of an unbound one", ::listen(make(SOCK_STREAM), 1));
  show("the longest path", bind_to(make(SOCK_STREAM), std::string(10, '.') + "/" + std::string(90, 'y')));
  show("a path that fills it", bind_to(make(SOCK_STREAM), std::string(107, 'z')));
  // Whoever is root may do everything: the child is nobody.
  must("mkdir", ::mkdir("closed", 0700));
  must("chmod", ::chmod(".", 0755));
  if (::geteuid() == 0) {
    must("seteuid", ::seteuid(65534));
    show("bind in a closed folder", bind_to(make(SOCK_STREAM), "closed/socket"));
    show("connect in a closed folder", connect_to(make(SOCK_STREAM), "closed/socket"));
    must("seteuid", ::seteuid(0));
    show("bind", bind_to(make(SOCK_STREAM), "closed/socket"));
    const int listener = make(SOCK_STREAM);
    show("bind", bind_to(listener, "private"));
    show("listen", ::listen(listener, 1));
    show("chmod", ::chmod("private", 0600));
    must("seteuid", ::seteuid(65534));
    show("connect to what is another's", connect_to(make(SOCK_STREAM), "private"));
    must("seteuid", ::seteuid(0));
    show("connect", connect_to(make(SOCK_STREAM), "private"));
  }
}

void without_paths() {
  say("-- abstract names\n");
  const std::string name = std::string(1, '\0') + "rouse test " + std::to_string(::getpid());
  const int server = make(SOCK_STREAM);
  show("bind", bind_to(server, name));
  show("bind of another", bind_to(make(SOCK_STREAM), name));
  show("listen", ::listen(server, 1));
  show("connect", connect_to(make(SOCK_STREAM), name));
  show("connect to a longer one", connect_to(make(SOCK_STREAM), name + std::string(1, '\0')));
  show("accept", ::accept(server, nullptr, nullptr) >= 0);
  ::close(server);
  show("connect", connect_to(make(SOCK_STREAM), name));
  show("bind", bind_to(make(SOCK_DGRAM), name));

  const int picked = make(SOCK_DGRAM);
  const Name none;
  show("bind to what is picked", ::bind(picked, none.get(), sizeof(::sa_family_t)));
  Name given;
  given.n = sizeof given.address;
  show("getsockname", ::getsockname(picked, given.get(), &given.n));
  say("family %d, %u bytes, abstract %d\n", given.address.sun_family, given.n, given.address.sun_path[0] == '\0');
}

void peers() {
  say("-- who is there\n");
  int pair[2];
  must("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  print_names("one of a pair", pair[0]);
  ::ucred who{};
  ::socklen_t n = sizeof who;
  show("SO_PEERCRED", ::getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &who, &n));
  say("%u bytes, this process %d, user %d, group %d\n", n, who.pid == ::getpid(), who.uid == ::geteuid(),
      who.gid == ::getegid());
  const int alone = make(SOCK_STREAM);
  n = sizeof who;
  show("SO_PEERCRED of one alone", ::getsockopt(alone, SOL_SOCKET, SO_PEERCRED, &who, &n));
  say("process %d, user %d\n", who.pid, static_cast<int>(who.uid));
  struct ::stat found {};
  show("fstat", ::fstat(alone, &found));
  say("a socket %d\n", S_ISSOCK(found.st_mode));
}

}  // namespace

int main() {
  print_by_lines();
  must("mkdir", ::mkdir("folder", 0700));
  ::close(must("open", ::open("file", O_CREAT | O_RDWR, 0600)));
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) by_path(type);
  failing_paths();
  without_paths();
  peers();
}
