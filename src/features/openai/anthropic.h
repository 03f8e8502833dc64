#pragma once

#include <string>
#include <vector>

#include "features/models/models.h"
#include "json/text.h"

/// Between Anthropic's Messages shape and OpenAI's, for programs that speak the former. Pure.
namespace antiphon::openai {

/// The OpenAI body that says what an Anthropic one says. Throws Problem (400) when it has no messages.
json::Object from_anthropic(const json::Value& body);

/// An OpenAI answer as an Anthropic message.
json::Value to_anthropic(const json::Value& completion, std::string_view model, std::string id);

/// What Anthropic's clients read when a call fails; `detail` is for ours.
json::Value to_anthropic_error(int status, std::string_view message);

/// Chunks as Anthropic's events: text ready to be sent.
class AnthropicEvents {
 public:
  AnthropicEvents(std::string id, std::string model) : id_(std::move(id)), model_(std::move(model)) {}
  std::string begin();
  std::string take(const json::Value& chunk);
  std::string end();

 private:
  enum class Block { none, thinking, text, tool };
  struct Call {
    std::string id, name;
    std::string arguments;  ///< What has not been sent yet.
    bool sent = false;      ///< Its block was opened.
  };
  void open(std::string& out, Block kind, json::Object block);
  void close(std::string& out);
  void delta(std::string& out, json::Object what) const;
  void take_call(std::string& out, const json::Value& piece);
  void send_call(std::string& out, Call& call);

  std::string id_, model_;
  Block block_ = Block::none;
  std::int64_t index_ = -1;  ///< Of the open block.
  models::CallPlaces places_;
  std::vector<Call> calls_;  ///< Blocks do not overlap: while one is open, the others wait for the end.
  std::size_t open_call_ = 0;
  std::string stop_ = "end_turn";
  std::int64_t input_ = 0, output_ = 0;
};

/// About how many tokens a body holds: a quarter of its letters. Nobody's tokenizer is here.
std::int64_t estimated_tokens(const json::Value& body);

}  // namespace antiphon::openai
