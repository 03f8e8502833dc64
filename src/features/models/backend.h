#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "features/models/connection.h"
#include "http/call.h"
#include "json/text.h"

/// What a kind of model server can do for us. features/openai and features/ollama each bring one.
namespace antiphon::models {

/// A model as its server offers it. Immutable.
struct BaseModel {
  std::string id;           ///< As clients know it, prefix included.
  std::string upstream_id;  ///< As its server knows it.
  Kind kind = Kind::openai;
  std::vector<ConnectionPtr> connections;  ///< At least one, but for the demonstration model.
  json::Object shown;                      ///< What /api/models says of it.
};
using BaseModelPtr = std::shared_ptr<const BaseModel>;

/// A model that somebody may use, and where it is answered.
struct Target {
  std::string id;    ///< As the caller named it.
  std::string name;  ///< For people.
  BaseModelPtr base;
  ConnectionPtr connection;  ///< Null for the demonstration model.
  json::Object params;       ///< The preset's, over the defaults.
  json::Object meta;

  Kind kind() const { return base->kind; }
  const std::string& upstream_id() const { return base->upstream_id; }
  /// Answered on a machine of the operator's own: decides which task model serves it.
  bool local() const {
    return base->kind == Kind::ollama || (connection && connection->type == "local");
  }
};

/// A model's answer as it comes. One coroutine reads.
class ChunkStream {
 public:
  virtual ~ChunkStream() = default;
  /// The next chunk, in OpenAI's shape; nothing at the end. Throws Problem(upstream) with the
  /// provider's own words as detail when it refuses or breaks.
  virtual Task<std::optional<json::Value>> next() = 0;
  /// Where the answer is taken up again, exactly behind the latest chunk (Backend::resume): a text to
  /// be kept, at most 1 KiB. Empty when its server cannot, or the asker does not keep it.
  virtual std::string cursor() const { return {}; }
  /// From now on chunks may come some 50 ms late, several at a time. Any thread.
  virtual void gather() {}
  /// Closes the provider's connection now; next() then throws. Any thread.
  virtual void cancel() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  /// The models of a connection, filtered and prefixed. Throws Problem.
  virtual Task<std::vector<BaseModel>> list(ConnectionPtr connection) = 0;
  /// `body` in OpenAI's shape, without `model` and `stream`. Throws what the provider says when it
  /// refuses; the status is the provider's.
  virtual Task<std::unique_ptr<ChunkStream>> stream(Target target, json::Object body, Asker asker) = 0;
  /// Goes on with the answer behind `cursor`, without asking anew. Throws Problem "not_found" when its
  /// server, or the connection to it, is gone or has it no more.
  virtual Task<std::unique_ptr<ChunkStream>> resume(Target target, std::string cursor, Asker asker);
  /// Tells the server that nobody wants the rest of the answer at `cursor`. Throws Problem.
  virtual Task<> abandon(Target target, std::string cursor, Asker asker);
  /// The whole answer, an OpenAI `chat.completion`.
  virtual Task<json::Value> complete(Target target, json::Object body, Asker asker) = 0;
  /// Answers a program: events when `body` says `stream`, else JSON. A server that speaks OpenAI's
  /// language itself answers with its own bytes, refusals included. Ends the exchange when the client
  /// leaves. Yields nothing when it streamed.
  virtual Task<std::optional<http::Response>> pass_on(Target target, json::Object body, Asker asker,
                                                      http::Stream& out);
};

}  // namespace antiphon::models
