#include <boost/json.hpp>

#include "features/completions/completions.h"
#include "features/completions/prompt.h"

namespace antiphon::completions {
namespace {

/// A program's call: its messages as given; presets and parameters apply.
json::Object body_of(const Turn& turn, const Model& model) {
  json::Object body;
  body["messages"] = turn.messages;
  put_preset_system(body, model.params);
  apply_params(body, model.params);
  apply_params(body, turn.params);
  for (const auto& [key, value] : turn.provider) body[key] = value;
  body["stream"] = turn.stream;
  return body;
}

}  // namespace

Task<json::Value> Completions::plain(const User& me, Turn turn) {
  Model model = co_await p_.provider.resolve(me, turn.wanted.front().model_id);
  co_return co_await p_.provider.complete(me, model, body_of(turn, model), nullptr);
}

Task<std::unique_ptr<Chunks>> Completions::plain_stream(const User& me, Turn turn) {
  Model model = co_await p_.provider.resolve(me, turn.wanted.front().model_id);
  co_return co_await p_.provider.stream(me, model, body_of(turn, model), nullptr);
}

}  // namespace antiphon::completions
