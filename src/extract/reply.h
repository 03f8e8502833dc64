#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "extract/document.h"
#include "extract/refused.h"

/// How a worker answers: frames of one byte that says what it is, four that say how long (little end
/// first), and at most kMostFrame bytes. The last is `z`, or `x`; what comes without one was cut off.
///
///     p  a property: a letter (f t a e: format, title, author, encoding; n: pages, in digits) and its
///     value s  a section begins: its page in four bytes, its place t  text of the section, whole
///     characters z  the end: one byte, 1 when limits cut it short x  refused: a Refusal
namespace antiphon::extract {

inline constexpr std::size_t kMostFrame = 64 << 10;
inline constexpr std::size_t kMostSections = 100'000;
inline constexpr std::size_t kMostPlace = 600;   ///< Bytes.
inline constexpr std::size_t kMostValue = 2000;  ///< Bytes of a property.

/// The worker's side: what readers of documents write to. What they give is cleaned: invalid UTF-8
/// becomes U+FFFD, control characters go, lines end with "\n".
class Sink {
 public:
  using Write = std::function<void(std::string_view frame)>;
  /// What text() throws when no more is wanted; the reader's caller ends the reply.
  struct Enough {};

  Sink(std::int64_t most_text, Write write) : room_(most_text), write_(std::move(write)) {}

  void format(std::string_view name) { property('f', name); }
  void title(std::string_view value) { property('t', value); }
  void author(std::string_view value) { property('a', value); }
  void encoding(std::string_view name) { property('e', name); }
  void pages(std::int64_t count) { property('n', std::to_string(count)); }
  void section(std::int64_t page, std::string_view place);
  /// Whole characters. Throws Enough.
  void text(std::string_view text);
  void end(bool cut);
  void refuse(Refusal why);
  std::int64_t room() const { return room_; }

 private:
  void property(char name, std::string_view value);
  void frame(char kind, std::string_view payload);

  std::int64_t room_;
  std::size_t sections_ = 0;
  Write write_;
};

/// Valid UTF-8 without control characters but tab and new line.
std::string cleaned(std::string_view text);

/// The server's side. A worker that was taken over may write anything, so everything is checked.
class ReplyReader {
 public:
  explicit ReplyReader(std::int64_t most_text) : room_(most_text) {}

  /// False from the first byte on that no worker writes.
  bool feed(std::string_view bytes);
  /// Whether the last frame is here.
  bool complete() const { return complete_; }
  std::optional<Refusal> refusal() const { return refusal_; }
  const Document& document() const { return document_; }
  Document take() { return std::move(document_); }

 private:
  bool take_frame(char kind, std::string_view payload);
  bool take_property(std::string_view payload);

  std::int64_t room_;
  std::string pending_;  ///< Less than one frame.
  bool complete_ = false;
  std::size_t begun_ = 0;  ///< Sections.
  std::optional<Refusal> refusal_;
  Document document_;
};

}  // namespace antiphon::extract
