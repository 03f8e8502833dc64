#include "client/sse.h"

#include <algorithm>

#include "base/problem.h"

namespace antiphon::client {
namespace {

[[noreturn]] void too_long() {
  throw Problem(Problem::Kind::upstream, "The model's server sent a message that is too long.");
}

/// Drops what was read, when that is cheap: nothing is left, or much more was read than is left.
void compact(std::string& buffer, std::size_t& at, std::size_t& scanned) {
  if (at < buffer.size() && at < 64 * 1024) return;
  buffer.erase(0, at);
  scanned -= std::min(scanned, at);
  at = 0;
}

/// Callers take all events after each piece, so more than this is a caller that does not.
void append(std::string& buffer, std::size_t at, std::string_view bytes, std::size_t limit) {
  if (buffer.size() - at + bytes.size() > 2 * limit + (1 << 20)) too_long();
  buffer.append(bytes);
}

}  // namespace

void SseReader::feed(std::string_view bytes) {
  compact(buffer_, at_, scanned_);
  append(buffer_, at_, bytes, max_event_);
}

std::optional<std::string_view> SseReader::line() {
  if (skip_newline_ && at_ < buffer_.size()) {
    if (buffer_[at_] == '\n') ++at_;
    scanned_ = std::max(scanned_, at_);
    skip_newline_ = false;
  }
  std::size_t end = buffer_.find_first_of("\r\n", scanned_);
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    if (buffer_.size() - at_ + current_.data.size() > max_event_) too_long();
    return std::nullopt;
  }
  std::string_view out(buffer_.data() + at_, end - at_);
  skip_newline_ = buffer_[end] == '\r';
  at_ = scanned_ = end + 1;
  if (out.size() + current_.data.size() > max_event_) too_long();
  if (first_line_ && out.starts_with("\xef\xbb\xbf")) out.remove_prefix(3);
  first_line_ = false;
  return out;
}

void SseReader::take_field(std::string_view text) {
  std::size_t colon = text.find(':');
  std::string_view name = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") current_.event = value;
  if (name != "data") return;
  if (has_data_) current_.data += '\n';
  current_.data += value;
  has_data_ = true;
}

std::optional<SseReader::Event> SseReader::next() {
  while (auto text = line()) {
    if (!text->empty()) {
      take_field(*text);
      continue;
    }
    Event done = std::exchange(current_, {});
    if (std::exchange(has_data_, false)) return done;
  }
  return std::nullopt;
}

std::optional<SseReader::Event> SseReader::finish() {
  feed("\n\n");
  return next();
}

void LineReader::feed(std::string_view bytes) {
  compact(buffer_, at_, scanned_);
  append(buffer_, at_, bytes, max_line_);
}

std::optional<std::string> LineReader::next() {
  while (true) {
    std::size_t end = buffer_.find('\n', scanned_);
    std::size_t length = std::min(end, buffer_.size()) - at_;
    if (length > max_line_) too_long();
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    std::string_view text(buffer_.data() + at_, length);
    at_ = scanned_ = end + 1;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.find_first_not_of(" \t") != std::string_view::npos) return std::string(text);
  }
}

std::optional<std::string> LineReader::finish() {
  feed("\n");
  return next();
}

}  // namespace antiphon::client
