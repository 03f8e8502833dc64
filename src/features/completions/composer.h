#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "features/completions/tags.h"
#include "features/models/models.h"
#include "runs/output.h"

namespace antiphon::completions {

/// A call the model asks for.
struct ToolCall {
  std::string item_id;
  std::string call_id;
  std::string name;
  std::string arguments;  ///< JSON text, as the model wrote it.
};

/// Turns a provider's chunks (OpenAI's chat.completion.chunk) into the events clients receive, and
/// keeps what they amount to. One answer has one composer over all its rounds; pure, not shared.
class Composer {
 public:
  using Emit = std::function<void(json::Value)>;

  /// `items`: what the message holds already (Continue, or a run taken over).
  Composer(Emit emit, TagScanner tags, json::Array items = {});

  /// One chunk. Odd members are ignored.
  void take(const json::Value& chunk);
  /// A whole chat.completion, as if it had come in one chunk.
  void take_whole(const json::Value& completion);
  /// The text that comes next belongs to the last message item (Continue), even if the model thinks
  /// again before it writes.
  void continue_text();
  /// Goes on with what another process left, whose usage so far was `usage`: thoughts that were under
  /// way are closed, and the text that comes next belongs to the last message item.
  void take_up(json::Value usage);
  /// Goes on with what another process left, whose provider goes on too, in the middle of an item even.
  void read_on(json::Value usage);
  /// Nothing is kept back: the events are all that came of the chunks.
  bool settled() const { return lead_.empty() && !scans_tags_; }
  /// From here on tags are text: whatever an answer is read on behind must be an event already.
  void leave_tags();
  /// Whether text is to go on with an item that is there.
  bool resumes() const { return static_cast<bool>(resumed_); }
  /// Whether anything came yet; what was there before does not count.
  bool begun() const { return sent_; }
  /// The provider's stream has ended: closes what is open, as `status` ("completed", "incomplete").
  void end_round(std::string_view status = "completed");
  /// Text that is not from a provider.
  void say(std::string_view text);

  /// The calls of the round that ended; empty when the model has answered.
  std::vector<ToolCall> calls() const;
  /// A tool's answer becomes an item of its own.
  void tool_result(const ToolCall& call, std::string_view text);

  /// More than an answer may hold: whoever writes it should end it.
  bool full() const;

  const runs::Output& output() const { return output_; }
  const std::string& finish_reason() const { return finish_reason_; }
  /// Summed over the rounds that ended, with input_tokens, output_tokens and total_tokens added; null
  /// when the provider gave none.
  const json::Value& usage() const { return usage_; }

 private:
  struct OpenItem {
    std::string id;
    std::size_t index = 0;
    explicit operator bool() const { return !id.empty(); }
  };
  struct OpenCall {
    std::size_t place;
    OpenItem item;
  };
  void text(std::string_view text);
  void reasoning(std::string_view text, std::string_view start_tag, std::string_view end_tag);
  void open_reasoning(std::string_view start_tag, std::string_view end_tag);
  void close_reasoning(std::string_view status);
  void scan(const std::vector<TagScanner::Piece>& pieces);
  void content(const json::Value& content);
  void tool_delta(const json::Value& call);
  OpenItem call_for(const json::Value& call);
  void close_calls(std::string_view status);
  void close_text(std::string_view status);
  void count_usage();
  void send(std::string_view type, json::Object data);
  void delta(std::string_view type, const OpenItem& item, std::string_view text);
  json::Object* item(const std::string& id);

  Emit emit_;
  TagScanner tags_;
  runs::Output output_;
  bool scans_tags_ = true;
  std::string lead_;  ///< Blanks so far, while no message is open: they count once a word follows.
  OpenItem message_;
  OpenItem resumed_;  ///< What the next text goes on with.
  OpenItem reasoning_;
  models::CallPlaces places_;
  std::vector<OpenCall> calls_;  ///< Of this round.
  bool sent_ = false;
  std::size_t bytes_ = 0;  ///< Of all deltas.
  std::string finish_reason_;
  json::Object round_usage_;  ///< The latest of this round: many providers count on in every chunk.
  json::Value usage_;
};

}  // namespace antiphon::completions
