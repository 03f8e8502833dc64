#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "features/models/models.h"

/// OpenAI's Responses API in the words of chat completions, which is what the pipeline speaks. Pure.
namespace antiphon::openai {

/// Where something of the connection's answers is: `below` "", "/{id}", "/{id}/cancel" …
std::string responses_address(const models::Connection& connection, std::string_view below);

/// A body of chat completions as one of POST /responses. What that API does not know is left out
/// (stop, seed, n, penalties). Nothing stays at the server (`store`), unless `body` says so.
json::Object to_responses(json::Object body, const models::Connection& connection,
                          std::string_view upstream_id);

/// A whole response as a `chat.completion`. Throws Problem(upstream) when it says that it failed.
json::Value from_response(const json::Value& response);

/// A stream of typed events, read as chunks. Calls are passed on whole, when their item is done, so
/// that no cursor points into one.
class ResponseEvents {
 public:
  /// `numbered`: the events' numbers count. `id` and `seen`: of an answer that is taken up.
  explicit ResponseEvents(bool numbered, std::string id = {}, std::int64_t seen = -1)
      : numbered_(numbered), id_(std::move(id)), seen_(seen) {}

  /// Nothing for what says nothing, is not known, or was seen before. Throws Problem(upstream) with the
  /// server's words when it failed, or when the event is not what its type says.
  std::optional<json::Value> take(const json::Value& event);

  /// The answer is complete.
  bool ended() const { return ended_; }
  /// Empty until the server has said it.
  const std::string& id() const { return id_; }
  /// Up to which number all was passed on, but for the end, which can be told again; -1 when the server
  /// does not number its events.
  std::int64_t seen() const { return seen_; }

 private:
  std::optional<json::Value> read(std::string_view type, const json::Value& event);
  json::Value chunk(json::Object delta) const;
  json::Value last_chunk(std::string_view type, const json::Value& event);

  bool numbered_;
  std::string id_;
  std::int64_t seen_;
  bool ended_ = false;
  bool called_ = false;  ///< It asked for a tool.
};

/// Where a response is taken up.
struct ResponseCursor {
  std::string connection;  ///< server_mark() of the one it is kept at.
  std::string id;
  std::int64_t seen = -1;

  std::string text() const;
  static std::optional<ResponseCursor> parse(std::string_view text);
};
/// Tells servers apart without saying where they are.
std::string server_mark(const models::Connection& connection);

}  // namespace antiphon::openai
