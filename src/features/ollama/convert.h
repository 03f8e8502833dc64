#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/text.h"

/// Between OpenAI's shape and Ollama's own. Pure, but for the ids and the time a Mapper is given.
namespace antiphon::ollama {

/// The body of POST /api/chat that says what the OpenAI body says. Pictures that are not data: URLs are
/// left out: Ollama takes no addresses. Members nobody knows go to `options`, where a server ignores
/// them.
json::Object to_chat(json::Object body, std::string_view model);

/// Messages alone.
json::Array to_messages(const json::Array& messages);

/// `usage` from the counts of a last line.
json::Object usage_of(const json::Value& line);

/// Turns the lines of an answer into chunks.
class Mapper {
 public:
  Mapper(std::string id, std::string model, std::int64_t created)
      : id_(std::move(id)), model_(std::move(model)), created_(created) {}
  /// Throws Problem(upstream) when the line is an error.
  std::vector<json::Value> chunks(const json::Value& line);
  bool done() const { return done_; }

 private:
  json::Object chunk(json::Object delta, const json::Value& finish_reason);

  std::string id_, model_;
  std::int64_t created_;
  bool begun_ = false, done_ = false;
  std::int64_t calls_ = 0;
};

/// A whole answer as a chat.completion.
json::Value to_completion(const json::Value& answer, std::string id, std::string_view model,
                          std::int64_t created);

}  // namespace antiphon::ollama
