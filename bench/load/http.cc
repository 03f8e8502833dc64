#include "http.h"

#include <fmt/core.h>
#include <strings.h>

#include <charconv>
#include <utility>

namespace bench {

std::string_view field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
    std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    line.remove_prefix(name.size() + 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    return line;
  }
  return {};
}

void HttpClient::post(std::string_view path, std::string_view token, std::string_view body,
                      std::function<void(std::optional<Reply>)> done) {
  done_ = std::move(done);
  reply_ = {};
  send(
      fmt::format("POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n"
                  "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                  path, token, body.size(), body));
}

void HttpClient::closed() {
  if (on_closed) on_closed();
  if (auto done = std::exchange(done_, nullptr)) done(std::nullopt);
}

void HttpClient::finish() {
  in_body_ = false;
  if (auto done = std::exchange(done_, nullptr)) done(std::move(reply_));
}

/// False when more bytes are needed.
bool HttpClient::take_chunk(std::string_view bytes, std::size_t& at) {
  std::size_t end = bytes.find("\r\n", at);
  if (end == bytes.npos) return false;
  std::size_t size = 0;
  std::from_chars(bytes.data() + at, bytes.data() + end, size, 16);
  if (bytes.size() < end + 2 + size + 2) return false;
  std::string_view piece = bytes.substr(end + 2, size);
  at = end + 2 + size + 2;
  if (size == 0) {
    finish();
  } else if (on_piece) {
    on_piece(piece);
  } else {
    reply_.body += piece;
  }
  return true;
}

std::size_t HttpClient::received(std::string_view bytes) {
  std::size_t at = 0;
  if (!in_body_) {
    std::size_t end = bytes.find("\r\n\r\n");
    if (end == bytes.npos) return 0;
    std::string_view head = bytes.substr(0, end + 2);
    std::from_chars(head.data() + 9, head.data() + 12, reply_.status);
    chunked_ = field(head, "transfer-encoding") == "chunked";
    left_ = 0;
    std::string_view length = field(head, "content-length");
    std::from_chars(length.data(), length.data() + length.size(), left_);
    in_body_ = true;
    at = end + 4;
  }
  if (chunked_) {
    while (in_body_ && take_chunk(bytes, at)) {
    }
    return at;
  }
  if (bytes.size() - at < left_) return at;
  reply_.body = bytes.substr(at, left_);
  at += left_;
  finish();
  return at;
}

}  // namespace bench
