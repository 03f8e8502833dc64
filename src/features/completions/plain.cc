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

Provider& Completions::provider_of(const json::Value& direct) {
  if (direct.is_null()) return p_.provider;
  return p_.direct;
}

Task<Model> Completions::resolve(const User& me, const Turn& turn, const Wanted& wanted) {
  if (json::Value direct = turn.direct_of(wanted); !direct.is_null())
    co_return p_.direct.model(direct, turn.session_id);
  try {
    co_return co_await p_.provider.resolve(me, wanted.model_id);
  } catch (const Problem& p) {
    if (p.kind() != Problem::Kind::not_found) throw;
    throw Problem(p.kind(), p.detail()).answering(400);
  }
}

Task<std::optional<http::Response>> Completions::plain(const User& me, Turn turn, http::Stream& out) {
  const Wanted& wanted = turn.wanted.front();
  Model model = co_await resolve(me, turn, wanted);
  co_await check_pictures(p_.pictures, me, turn.messages);
  co_await put_pictures(p_.pictures, me, turn.messages);
  Provider& provider = provider_of(turn.direct_of(wanted));
  co_return co_await provider.pass_on(me, model, body_of(turn, model), out);
}

}  // namespace antiphon::completions
