// HttpParser: makes requests of bytes that come in pieces of any size. Line by line, each looked at once, so that a
// client gains nothing by sending single bytes. RFC 9112.
//
// Strict, as what one parser lets pass and the next one takes differently is how requests get smuggled: lines end with
// CRLF, fields are not folded, there is one Host, a length is digits and said once. Chunked bodies are not implemented.
#pragma once

#include "http_message.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace example {

class HttpParser {
 public:
  struct Limits {
    std::size_t head = 8 * 1024;  ///< Bytes of a request line and its fields.
    std::size_t body = 64 * 1024;
  };

  explicit HttpParser(Limits limits) : limits_(limits) {}

  void feed(std::string_view bytes) {
    input_.erase(0, std::exchange(at_, 0));
    input_.append(bytes);
  }

  /// The next request; nothing if more of it has to come, or if what came is none: see refusal().
  [[nodiscard]] std::optional<HttpRequest> next() {
    while (!refusal_ && stage_ != Stage::body) {
      const std::optional<std::string_view> line = take_line();
      if (!line) return std::nullopt;
      take(*line);
    }
    if (refusal_ || rest().size() < body_size()) return std::nullopt;
    request_.body = rest().substr(0, body_size());
    at_ += body_size();
    return std::exchange(*this, HttpParser{limits_, std::move(input_), at_}).request_;
  }

  /// Why nothing more can be made of what came: where the next request begins is not known. Asked after next().
  [[nodiscard]] std::optional<HttpStatus> refusal() const { return refusal_; }
  /// True if nothing of a next request has come.
  [[nodiscard]] bool is_between_requests() const { return stage_ == Stage::request_line && rest().empty(); }
  /// True once for a request whose body is held back until somebody wants it.
  [[nodiscard]] bool take_expectation() {
    return stage_ == Stage::body && rest().size() < body_size() && std::exchange(expects_continue_, false);
  }

 private:
  enum class Stage { request_line, fields, body };

  HttpParser(Limits limits, std::string input, std::size_t at) : limits_(limits), input_(std::move(input)), at_(at) {}

  [[nodiscard]] std::string_view rest() const { return std::string_view(input_).substr(at_); }
  [[nodiscard]] std::size_t body_size() const { return static_cast<std::size_t>(content_length_.value_or(0)); }
  void refuse(HttpStatus status) {
    if (!refusal_) refusal_ = status;
  }

  /// A line without its end; nothing if that has not come, or too late.
  std::optional<std::string_view> take_line() {
    const std::string_view input = rest();
    const std::size_t end = input.find('\n', searched_);
    const std::size_t size = end == input.npos ? input.size() : end + 1;
    if (head_size_ + size > limits_.head) {
      refuse(stage_ == Stage::request_line ? HttpStatus::uri_too_long : HttpStatus::fields_too_large);
      return std::nullopt;
    }
    if (end == input.npos) {
      searched_ = size;
      return std::nullopt;
    }
    searched_ = 0;
    head_size_ += size;
    at_ += size;
    if (end == 0 || input[end - 1] != '\r') {
      refuse(HttpStatus::bad_request);
      return std::nullopt;
    }
    return input.substr(0, end - 1);
  }

  void take(std::string_view line) {
    if (stage_ == Stage::fields) return line.empty() ? end_head() : take_field(line);
    // Some clients send an empty line after a body: it belongs to nothing.
    if (!line.empty()) take_request_line(line);
  }

  void take_request_line(std::string_view line) {
    stage_ = Stage::fields;
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == line.npos || first == last) return refuse(HttpStatus::bad_request);
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (!is_token(method) || !std::all_of(target.begin(), target.end(), is_visible)) {
      return refuse(HttpStatus::bad_request);
    }
    const bool is_version = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
                            version[6] == '.' && is_digit(version[7]);
    if (!is_version) return refuse(HttpStatus::bad_request);
    if (version[5] != '1') return refuse(HttpStatus::version_not_supported);
    request_.method = method;
    request_.target = without_authority(target);
    request_.is_version_1_0 = version[7] == '0';
    request_.keeps_alive = !request_.is_version_1_0;
  }

  void take_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    // A folded line begins with a space, which no name has; nor has it one before the colon.
    if (colon == line.npos || !is_token(line.substr(0, colon))) return refuse(HttpStatus::bad_request);
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (!std::all_of(value.begin(), value.end(), is_text)) return refuse(HttpStatus::bad_request);
    if (is_same(name, "host")) {
      ++hosts_;
    } else if (is_same(name, "content-length")) {
      take_length(value);
    } else if (is_same(name, "transfer-encoding")) {
      has_transfer_encoding_ = true;
    } else if (is_same(name, "connection")) {
      for_each_item(value, [this](std::string_view item) {
        says_close_ |= is_same(item, "close");
        says_keep_alive_ |= is_same(item, "keep-alive");
      });
    } else if (is_same(name, "expect")) {
      expects_continue_ = is_same(value, "100-continue");
      expects_else_ |= !expects_continue_;
    }
  }

  void take_length(std::string_view value) {
    const bool is_number = !value.empty() && std::all_of(value.begin(), value.end(), is_digit);
    if (!is_number || content_length_) return refuse(HttpStatus::bad_request);
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (error != std::errc{} || length > limits_.body) return refuse(HttpStatus::content_too_large);
    content_length_ = length;
  }

  void end_head() {
    stage_ = Stage::body;
    const bool is_old = request_.is_version_1_0;
    if (hosts_ > 1 || (hosts_ == 0 && !is_old)) return refuse(HttpStatus::bad_request);
    // With both, or before there was such a thing, somebody on the way may have seen another end of the body.
    if (has_transfer_encoding_ && (content_length_ || is_old)) return refuse(HttpStatus::bad_request);
    if (has_transfer_encoding_) return refuse(HttpStatus::not_implemented);
    if (expects_else_ && !is_old) return refuse(HttpStatus::expectation_failed);
    if (is_old) expects_continue_ = false;
    if (says_keep_alive_) request_.keeps_alive = true;
    if (says_close_) request_.keeps_alive = false;
  }

  static constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static constexpr bool is_visible(char c) { return c > ' ' && c < '\x7f'; }
  static constexpr bool is_text(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f'); }
  static constexpr bool is_token(std::string_view text) {
    constexpr auto is_part = [](char c) {
      return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
             std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), is_part);
  }
  static constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
  /// Whatever the case. Precondition: `small` is in small letters.
  static constexpr bool is_same(std::string_view text, std::string_view small) {
    return std::equal(text.begin(), text.end(), small.begin(), small.end(),
                      [](char a, char b) { return lower(a) == b; });
  }
  static constexpr std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
  }
  template <class Visit>
  static void for_each_item(std::string_view list, Visit visit) {
    for (;;) {
      const std::size_t comma = list.find(',');
      visit(trimmed(list.substr(0, comma)));
      if (comma == list.npos) return;
      list.remove_prefix(comma + 1);
    }
  }
  /// Proxies are sent `http://host/path`, and a server takes that too.
  static constexpr std::string_view without_authority(std::string_view target) {
    constexpr std::string_view scheme = "http://";
    if (!is_same(target.substr(0, scheme.size()), scheme)) return target;
    const std::size_t slash = target.find('/', scheme.size());
    return slash == target.npos ? std::string_view("/") : target.substr(slash);
  }

  Limits limits_;
  std::string input_;
  std::size_t at_ = 0;        // Where what is not parsed yet begins.
  std::size_t searched_ = 0;  // How far from there on there is no end of a line.
  std::size_t head_size_ = 0;
  Stage stage_ = Stage::request_line;
  HttpRequest request_;
  std::optional<HttpStatus> refusal_;
  std::optional<std::uint64_t> content_length_;
  int hosts_ = 0;
  bool has_transfer_encoding_ = false;
  bool says_close_ = false;
  bool says_keep_alive_ = false;
  bool expects_continue_ = false;
  bool expects_else_ = false;
};

}  // namespace example
