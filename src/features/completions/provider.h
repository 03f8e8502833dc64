#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "features/models/models.h"
#include "http/call.h"
#include "http/caller.h"
#include "json/text.h"

namespace antiphon::completions {

/// A model's answer as it comes.
class Chunks {
 public:
  virtual ~Chunks() = default;
  /// The next chunk in OpenAI's shape; nothing at the end. Throws Problem(upstream) with the provider's
  /// own words as detail when it refuses or breaks.
  virtual Task<std::optional<json::Value>> next() = 0;
  /// From now on chunks may come some 50 ms late, several at a time. Any thread.
  virtual void gather() {}
  /// Where the answer is taken up again, exactly behind the latest chunk; empty when it cannot be.
  virtual std::string cursor() const { return {}; }
  /// Closes the provider's connection now; next() then throws or ends. Any thread.
  virtual void cancel() = 0;
};

/// A model the caller may use.
struct Model {
  std::string id;  ///< As the caller named it.
  std::string name;
  json::Value params;                  ///< The preset's own parameters; object.
  json::Value meta;                    ///< Capabilities and so on; object.
  std::shared_ptr<const void> target;  ///< The provider's own.
  models::Takeover takeover = models::Takeover::keep;
  bool local = false;  ///< Answered by Ollama: decides which task model serves it.
};

/// What answers: features/models behind an interface of our own, so that tests can answer too.
class Provider {
 public:
  virtual ~Provider() = default;
  /// Throws Problem: "Model not found" when there is none, or the caller may not use it (row 68).
  virtual Task<Model> resolve(const User& me, std::string model_id) = 0;

  /// What a call is for; its ids go to servers that are told them.
  struct Errand {
    std::string chat_id, message_id;
    /// Takes what closes the call, as soon as there is one: also before the first byte has come.
    std::function<void(std::function<void()> close)> on_begin;
    /// Whether Chunks::cursor() is kept, so that a server may write the answer without a reader.
    bool keeps_cursor = false;
  };
  /// `body` in OpenAI's shape, without `model`.
  virtual Task<std::unique_ptr<Chunks>> stream(const User& me, const Model& model, json::Object body,
                                               Errand errand) = 0;
  /// Goes on with the answer behind `cursor` (Chunks::cursor()). Throws Problem, "not_found" when its
  /// server has it no more.
  virtual Task<std::unique_ptr<Chunks>> resume(const User& me, const Model& model, std::string cursor,
                                               Errand errand);
  /// Tells the server that nobody wants the rest of the answer at `cursor`. Throws Problem.
  virtual Task<> abandon(const User& me, const Model& model, std::string cursor);
  virtual Task<json::Value> complete(const User& me, const Model& model, json::Object body,
                                     Errand errand) = 0;
  /// Answers a program: events when `body` says `stream`, else JSON; the provider's own bytes and
  /// refusals where it speaks OpenAI's language. Yields nothing when it streamed.
  virtual Task<std::optional<http::Response>> pass_on(const User& me, const Model& model,
                                                      json::Object body, http::Stream& out) = 0;
  /// The model for titles, tags and follow-ups of a chat with `model`: an administrator's choice, or
  /// itself.
  virtual Task<Model> task_model(const User& me, Model model) = 0;
};

}  // namespace antiphon::completions
