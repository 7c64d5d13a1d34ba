// Scripts as text: what is printed reads as the same script, and what cannot be read is said clearly.
#include "../support/catch.hpp"
#include "calls.hpp"

using namespace differential;

namespace {

Script parsed(std::string_view text) { return parse_script(text, all_signatures()); }

std::string complaint(std::string_view text) {
  try {
    static_cast<void>(parsed(text));
  } catch (const BadScript& bad) {
    return bad.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("Script: is printed as it is read", "[script]") {
  constexpr std::string_view text =
      "look after every call\n"
      "epoll_create1 CLOEXEC\n"
      "eventfd 0 SEMAPHORE|NONBLOCK\n"
      "epoll_ctl 3 ADD 4 in|et|0x100000 data=7\n"
      "epoll_ctl 3 DEL 4 0 event=null\n"
      "look\n"
      "write 4 8 value=1\n"
      "write 4 8 value=-1 buffer=bad\n"
      "epoll_wait 3 10 -1 events=far\n"
      "read 4 8 buffer=short:7\n"
      "poll 0 3:in|out 4:0 -1:in\n"
      "readv 4 good:4 null:0 short:100:200\n"
      "socketpair UNIX STREAM|NONBLOCK 0\n"
      "socket UNIX SEQPACKET 0\n"
      "bind 5 @a\n"
      "ioctl 4 FIONBIO value=1\n";
  CHECK(to_text(parsed(text), all_signatures()) == text);
}

TEST_CASE("Script: comments, blank lines and blanks mean nothing", "[script]") {
  CHECK(parsed("# first\n\n  close   3  # and this\n") == parsed("look at the end\nclose 3\n"));
}

TEST_CASE("Script: every call of the table reads as it is written", "[script]") {
  for (const Signature& signature : all_signatures()) {
    INFO(signature.name);
    Step step;
    step.call = static_cast<std::size_t>(&signature - all_signatures().data());
    for (std::size_t i = 0; i < signature.params.size(); ++i) step.args[i] = static_cast<std::int64_t>(i) + 1;
    CHECK(parse_step(to_text(step, all_signatures()), all_signatures()) == step);
  }
}

TEST_CASE("Script: says which line is wrong, and why", "[script]") {
  CHECK(complaint("close 3\nfly 3\n") == "line 2: \"fly 3\": there is no call fly");
  CHECK(complaint("close\n") == "line 1: \"close\": the fd is missing");
  CHECK(complaint("close 3 4\n") == "line 1: \"close 3 4\": \"4\" is one argument too many");
  CHECK(complaint("close x\n") == "line 1: \"close x\": \"x\" is no fd");
  CHECK(complaint("epoll_ctl 3 ADD 4 in|fast\n") == "line 1: \"epoll_ctl 3 ADD 4 in|fast\": \"in|fast\" is no events");
  CHECK(complaint("poll 0 3\n") == "line 1: \"poll 0 3\": \"3\" is no entry of its list");
  CHECK(complaint("look now\n") == "line 1: \"look now\": look when?");
  CHECK(complaint("close 3\nlook at the end\n") == "line 2: when to look is said once, and first");
}
