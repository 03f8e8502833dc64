#pragma once

#include <string>
#include <string_view>

#include "json/text.h"

namespace antiphon::runs {

/// What an answer amounts to after the events so far: a pure fold over the log. The run's owner, a
/// reader of the log and whoever takes a run over all use it, so they cannot disagree.
///
/// Events are what clients receive: `{"type": "response:completion" | "chat:completion" | …,
/// "data": {…}}` (chat-flow.md §3, §4).
class Output {
 public:
  /// Applies one event. Unknown types change nothing. Never throws for odd input.
  void apply(const json::Value& event);

  const json::Array& items() const { return items_; }
  json::Array& items() { return items_; }
  /// The last usage object, or null.
  const json::Value& usage() const { return usage_; }
  /// `{"content": …}` when the answer ended in an error, or null.
  const json::Value& error() const { return error_; }
  bool done() const { return done_; }
  /// True once there is any text, reasoning or tool call to keep.
  bool begun() const { return !items_.empty(); }

  /// The texts of the message items, one under the other; blank ones are left out.
  std::string text() const;
  /// Marks what is still in progress as `status` ("incomplete" when stopped).
  void close_items(std::string_view status);

 private:
  void apply_response(const json::Value& data);
  void apply_snapshot(const json::Value& data);
  json::Object& item_for(const json::Value& data, std::string_view type);

  json::Array items_;
  json::Value usage_;
  json::Value error_;
  bool done_ = false;
};

/// The text that a message item's or reasoning item's `content` list holds.
std::string item_text(const json::Value& item);

/// True when `next` continues the text of `last` (same kind, item and part): then last's delta has
/// grown by next's and next need not be kept.
bool merge_delta(json::Value& last, const json::Value& next);

}  // namespace antiphon::runs
