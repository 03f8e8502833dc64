#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace antiphon::client {

/// Splits a byte stream into server-sent events (WHATWG, `data` and `event` fields). A pure state
/// machine: feed bytes in any pieces and take what is complete after each. An event is at most
/// `max_event` bytes; a longer one throws Problem(upstream). Fuzzed (rows: hostile model server).
class SseReader {
 public:
  struct Event {
    std::string event;  ///< "" when the stream names none.
    std::string data;
  };
  explicit SseReader(std::size_t max_event = 8 << 20) : max_event_(max_event) {}
  void feed(std::string_view bytes);
  /// The next complete event, if any.
  std::optional<Event> next();
  /// At the end of the stream: what is left without its blank line, as lenient clients take it.
  std::optional<Event> finish();

 private:
  /// The next whole line, without its end; valid until the next feed().
  std::optional<std::string_view> line();
  void take_field(std::string_view line);

  std::size_t max_event_;
  std::string buffer_;
  std::size_t at_ = 0;       ///< Start of the line that is not read yet.
  std::size_t scanned_ = 0;  ///< No line end before this.
  bool first_line_ = true;
  bool skip_newline_ = false;  ///< The last line ended with CR; an LF that follows belongs to it.
  Event current_;
  bool has_data_ = false;
};

/// Newline-delimited JSON (Ollama). Empty lines are skipped.
class LineReader {
 public:
  explicit LineReader(std::size_t max_line = 8 << 20) : max_line_(max_line) {}
  void feed(std::string_view bytes);
  std::optional<std::string> next();
  std::optional<std::string> finish();

 private:
  std::size_t max_line_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t scanned_ = 0;
};

}  // namespace antiphon::client
