#include <boost/json.hpp>

#include "base/problem.h"
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

Task<Model> Completions::resolve(const User& me, std::string model_id) {
  try {
    co_return co_await p_.provider.resolve(me, std::move(model_id));
  } catch (const Problem& p) {
    if (p.kind() != Problem::Kind::not_found) throw;
    throw Problem(p.kind(), p.detail()).answering(400);
  }
}

Task<std::optional<http::Response>> Completions::plain(const User& me, Turn turn, http::Stream& out) {
  Model model = co_await resolve(me, turn.wanted.front().model_id);
  co_await check_pictures(p_.pictures, me, turn.messages);
  co_await put_pictures(p_.pictures, me, turn.messages);
  co_return co_await p_.provider.pass_on(me, model, body_of(turn, model), out);
}

}  // namespace antiphon::completions
