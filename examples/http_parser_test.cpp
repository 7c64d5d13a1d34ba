// What is a request, what is refused and why, however the bytes come.
#include "http_parser.hpp"

#include "../tests/support/catch.hpp"

using namespace std::string_literals;
using namespace std::string_view_literals;
using example::HttpParser;
using example::HttpRequest;
using example::HttpStatus;

namespace {

/// All that a parser makes of these bytes, as text: a line for each request, and what it refuses.
std::string parsed(std::string_view bytes, std::size_t piece, HttpParser::Limits limits = {}) {
  HttpParser parser{limits};
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    parser.feed(bytes.substr(at, piece));
    while (const auto request = parser.next()) {
      text += request->method + ' ' + request->target + (request->is_version_1_0 ? " 1.0" : " 1.1") +
              (request->keeps_alive ? " keep [" : " close [") + request->body + "]\n";
    }
    if (parser.take_expectation()) text += "expects\n";
  }
  if (parser.refusal()) return text + std::to_string(static_cast<int>(*parser.refusal()));
  return text + (parser.is_between_requests() ? "" : "more");
}

/// Whole or byte by byte, it must be the same.
std::string parsed(std::string_view bytes) {
  const std::string whole = parsed(bytes, bytes.size());
  CHECK(parsed(bytes, 1) == whole);
  CHECK(parsed(bytes, 7) == whole);
  return whole;
}

std::string with_fields(std::string_view fields, std::string_view version = "1.1") {
  return parsed("GET / HTTP/" + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n");
}

}  // namespace

TEST_CASE("HttpParser: requests one after the other", "[example][http]") {
  CHECK(parsed("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == "GET / 1.1 keep []\n");
  CHECK(parsed("GET /a?b HTTP/1.1\r\nHost:\r\n\r\nPOST /c HTTP/1.1\r\nhost: a\r\nCONTENT-LENGTH: 3\r\n\r\nabcHEAD / "
               "HTTP/1.0\r\n\r\n") == "GET /a?b 1.1 keep []\nPOST /c 1.1 keep [abc]\nHEAD / 1.0 close []\n");
  CHECK(parsed("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n") == "GET / 1.1 keep []\n");
  CHECK(parsed("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET") == "GET / 1.1 keep []\nmore");
  CHECK(parsed("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na") == "more");
  CHECK(parsed("GET / HTTP/1.9\r\nHost: a\r\n\r\n") == "GET / 1.1 keep []\n");
}

TEST_CASE("HttpParser: the target may name the host", "[example][http]") {
  CHECK(parsed("GET http://a:80/b/c HTTP/1.1\r\nHost: a\r\n\r\n") == "GET /b/c 1.1 keep []\n");
  CHECK(parsed("GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n") == "GET / 1.1 keep []\n");
  CHECK(parsed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == "OPTIONS * 1.1 keep []\n");
}

TEST_CASE("HttpParser: whether the connection is kept", "[example][http]") {
  CHECK(with_fields("Connection: close\r\n") == "GET / 1.1 close []\n");
  CHECK(with_fields("Connection: x, CLOSE ,y\r\n") == "GET / 1.1 close []\n");
  CHECK(with_fields("Connection: closed\r\n") == "GET / 1.1 keep []\n");
  CHECK(with_fields("Connection: keep-alive\r\n", "1.0") == "GET / 1.0 keep []\n");
  CHECK(with_fields("Connection: keep-alive\r\nConnection: close\r\n", "1.0") == "GET / 1.0 close []\n");
}

TEST_CASE("HttpParser: a body that waits to be asked for", "[example][http]") {
  const auto head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"s;
  CHECK(parsed(head, head.size()) == "expects\nmore");
  // It comes without having been asked for.
  CHECK(parsed(head + "ab", 100) == "POST / 1.1 keep [ab]\n");
  CHECK(with_fields("Expect: 100-continue\r\n") == "GET / 1.1 keep []\n");
  CHECK(with_fields("Expect: 100-continue\r\nContent-Length: 1\r\n", "1.0") == "more");
  CHECK(with_fields("Expect: a miracle\r\n") == "417");
  CHECK(with_fields("Expect: a miracle\r\n", "1.0") == "GET / 1.0 close []\n");
}

TEST_CASE("HttpParser: what is no request is refused", "[example][http]") {
  const auto line =
      GENERATE("\n", "GET\r\n", "GET /\r\n", "GET / \r\n", " GET / HTTP/1.1\r\n", "GET  / HTTP/1.1\r\n",
               "GET / HTTP/1.1 \r\n", "GET / http/1.1\r\n", "GET / HTTP/1\r\n", "GET / HTTP/1.11\r\n",
               "GET / HTTP/x.1\r\n", "GET / HTTP/1.1\n", "G\tT / HTTP/1.1\r\n", "G(T / HTTP/1.1\r\n",
               "GET /\x7f HTTP/1.1\r\n", "GET /\xff HTTP/1.1\r\n", "GET /\r HTTP/1.1\r\n", "GET / HTTP/1.1\r\r\n",
               "\x16\x03\x01\x02\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\n\r\n",
               "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n");
  CAPTURE(line);
  CHECK(parsed(line) == "400");
  CHECK(parsed("GET / HTTP/2.0\r\n") == "505");
  CHECK(parsed("GET /\0 HTTP/1.1\r\n"sv) == "400");
}

TEST_CASE("HttpParser: fields that are refused", "[example][http]") {
  const auto field =
      GENERATE("a\r\n", ": b\r\n", "a : b\r\n", " a: b\r\n", "\ta: b\r\n", "a: b\x01\r\n", "a: b\rc\r\n", "(a): b\r\n",
               "\xe4: b\r\n", "Content-Length:\r\n", "Content-Length: -1\r\n", "Content-Length: +1\r\n",
               "Content-Length: 1 \r\nContent-Length: 1\r\n", "Content-Length: 1, 1\r\n", "Content-Length: 0x1\r\n",
               "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n");
  CAPTURE(field);
  CHECK(with_fields(field) == "400");
  CHECK(with_fields("a:\tb \xe4 \r\n") == "GET / 1.1 keep []\n");
  CHECK(with_fields("Transfer-Encoding: chunked\r\n") == "501");
  CHECK(with_fields("Transfer-Encoding: chunked\r\n", "1.0") == "400");
}

TEST_CASE("HttpParser: sizes up to their limits, and no further", "[example][http]") {
  const HttpParser::Limits limits{.head = 100, .body = 4};
  const auto padded = [](std::string_view before, std::size_t n, std::string_view after) {
    return std::string(before) + std::string(n - before.size() - after.size(), 'x') + std::string(after);
  };
  const auto of_line = [&](std::size_t n) { return padded("GET /", n, " HTTP/1.0\r\n\r\n"); };
  const auto of_field = [&](std::size_t n) { return padded("GET / HTTP/1.0\r\na:", n, "\r\n\r\n"); };
  for (const std::size_t piece : {1u, 1000u}) {
    CHECK(parsed(of_line(100), piece, limits).ends_with("1.0 close []\n"));
    CHECK(parsed(of_line(103), piece, limits) == "414");
    CHECK(parsed(std::string(101, 'x'), piece, limits) == "414");
    CHECK(parsed(std::string(100, 'x'), piece, limits) == "more");
    CHECK(parsed(of_field(100), piece, limits) == "GET / 1.0 close []\n");
    CHECK(parsed(of_field(101), piece, limits) == "431");
    std::string blank;
    for (int i = 0; i < 51; ++i) blank += "\r\n";
    CHECK(parsed(blank, piece, limits) == "414");
    const auto of_body = [](std::string_view n) {
      return "POST / HTTP/1.0\r\nContent-Length: " + std::string(n) + "\r\n\r\nabcd";
    };
    CHECK(parsed(of_body("4"), piece, limits) == "POST / 1.0 close [abcd]\n");
    CHECK(parsed(of_body("5"), piece, limits) == "413");
    CHECK(parsed(of_body("18446744073709551616"), piece, limits) == "413");
    CHECK(parsed(of_body("0004"), piece, limits) == "POST / 1.0 close [abcd]\n");
  }
}

TEST_CASE("HttpParser: a refusal is the last word", "[example][http]") {
  HttpParser parser{{}};
  parser.feed("\n");
  CHECK(parser.next() == std::nullopt);
  parser.feed("GET / HTTP/1.0\r\n\r\n");
  CHECK(parser.next() == std::nullopt);
  CHECK(parser.refusal() == HttpStatus::bad_request);
}
