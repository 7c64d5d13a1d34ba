// What HTTP/1.1 requests and responses are made of, once parsed and before they are written. RFC 9110, 9112.
#pragma once

#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

namespace example {

enum class HttpStatus : int {
  ok = 200,
  bad_request = 400,
  not_found = 404,
  method_not_allowed = 405,
  request_timeout = 408,
  content_too_large = 413,
  uri_too_long = 414,
  expectation_failed = 417,
  fields_too_large = 431,
  internal_error = 500,
  not_implemented = 501,
  version_not_supported = 505,
};

[[nodiscard]] constexpr const char* reason_of(HttpStatus status) {
  switch (status) {
    case HttpStatus::ok: return "OK";
    case HttpStatus::bad_request: return "Bad Request";
    case HttpStatus::not_found: return "Not Found";
    case HttpStatus::method_not_allowed: return "Method Not Allowed";
    case HttpStatus::request_timeout: return "Request Timeout";
    case HttpStatus::content_too_large: return "Content Too Large";
    case HttpStatus::uri_too_long: return "URI Too Long";
    case HttpStatus::expectation_failed: return "Expectation Failed";
    case HttpStatus::fields_too_large: return "Request Header Fields Too Large";
    case HttpStatus::internal_error: return "Internal Server Error";
    case HttpStatus::not_implemented: return "Not Implemented";
    case HttpStatus::version_not_supported: return "HTTP Version Not Supported";
  }
  return "";
}

struct HttpRequest {
  std::string method;
  std::string target;  ///< From its first slash on, as it was sent: nothing is decoded.
  bool is_version_1_0 = false;
  bool keeps_alive = true;  ///< More may follow on the same connection.
  std::string body = {};

  /// The target without its query.
  [[nodiscard]] std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

struct HttpResponse {
  HttpStatus status = HttpStatus::ok;
  std::string body = {};
  std::string allow = {};  ///< Which methods there are, if it was none of them.

  /// One that says no more than its status.
  [[nodiscard]] static HttpResponse of(HttpStatus status) {
    return {status, std::to_string(static_cast<int>(status)) + ' ' + reason_of(status) + '\n'};
  }
};

/// As in `Thu, 01 Jan 1970 00:00:00 GMT`, whatever the locale.
[[nodiscard]] inline std::string http_date(std::time_t time) {
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  ::tm utc{};
  ::gmtime_r(&time, &utc);
  const auto padded = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return std::string(days[utc.tm_wday]) + ", " + padded(utc.tm_mday) + ' ' + months[utc.tm_mon] + ' ' +
         std::to_string(utc.tm_year + 1900) + ' ' + padded(utc.tm_hour) + ':' + padded(utc.tm_min) + ':' +
         padded(utc.tm_sec) + " GMT";
}

/// What becomes of the connection after a response.
enum class AfterResponse { keep_alive, keep_alive_of_version_1_0, close };

/// Everything of a response before its body.
[[nodiscard]] inline std::string head_of(const HttpResponse& response, std::string_view date, AfterResponse after) {
  std::string head = "HTTP/1.1 " + std::to_string(static_cast<int>(response.status)) + ' ';
  head.append(reason_of(response.status)).append("\r\nDate: ").append(date);
  head.append("\r\nContent-Type: text/plain\r\nContent-Length: ").append(std::to_string(response.body.size()));
  if (!response.allow.empty()) head.append("\r\nAllow: ").append(response.allow);
  // HTTP/1.1 keeps alive unless it says otherwise, HTTP/1.0 the other way round.
  if (after == AfterResponse::close) head.append("\r\nConnection: close");
  if (after == AfterResponse::keep_alive_of_version_1_0) head.append("\r\nConnection: keep-alive");
  return head.append("\r\n\r\n");
}

}  // namespace example
