// The site that the HTTP example serves: a greeting, bytes in any number, and an echo.
#pragma once

#include "http_message.hpp"

#include <charconv>

namespace example {

/// GET / greets; GET /bytes/N is N bytes, at most bytes_max; POST /echo sends the body back.
[[nodiscard]] inline HttpResponse demo_site(const HttpRequest& request) {
  constexpr std::size_t bytes_max = 64 * 1024 * 1024;
  const auto not_allowed = [](const char* allow) {
    HttpResponse response = HttpResponse::of(HttpStatus::method_not_allowed);
    response.allow = allow;
    return response;
  };
  const std::string_view path = request.path();
  if (path == "/echo") {
    if (request.method != "POST") return not_allowed("POST");
    return {HttpStatus::ok, request.body};
  }
  constexpr std::string_view bytes = "/bytes/";
  std::size_t n = 0;
  if (path.starts_with(bytes)) {
    const std::string_view number = path.substr(bytes.size());
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), n);
    if (error != std::errc{} || end != number.data() + number.size() || n > bytes_max) {
      return HttpResponse::of(HttpStatus::not_found);
    }
  } else if (path != "/") {
    return HttpResponse::of(HttpStatus::not_found);
  }
  if (request.method == "POST") return not_allowed("GET, HEAD");
  return {HttpStatus::ok, path == "/" ? std::string("hello\n") : std::string(n, 'x')};
}

}  // namespace example
