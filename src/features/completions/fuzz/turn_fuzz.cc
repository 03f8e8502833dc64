// The body of POST /api/chat/completions: refused in words, or read into a turn whose plan survives
// being stored, and from which a provider's body can be made.
#include <boost/json.hpp>

#include "base/fuzzing.h"
#include "base/problem.h"
#include "features/completions/completions.h"
#include "features/completions/prompt.h"

namespace {

using namespace antiphon;
using namespace antiphon::completions;
using fuzzing::must;

void prompt(const Turn& turn) {
  json::Object body;
  body["messages"] = turn.messages;
  if (turn.user_message)
    if (auto question = chats::from_client(*turn.user_message, "chat", "user"))
      body["messages"] = provider_messages({*question});
  put_preset_system(body, turn.params);
  put_system(body["messages"].as_array(), fill_in("{{USER_NAME}} {{x}}", turn.variables));
  apply_params(body, turn.params);
  for (const auto& [key, value] : turn.provider) body[key] = value;
  must(json::try_parse(json::serialize(body)).has_value(), "a body that cannot be written");
}

void stored(const Turn& turn) {
  Plan plan{.user = {"user"},
            .chat_id = turn.chat_id,
            .message_id = turn.wanted.front().message_id,
            .model_id = turn.wanted.front().model_id,
            .guidance = turn.guidance,
            .messages = turn.messages,
            .provider = turn.provider,
            .params = turn.params};
  std::string text = plan.text();
  auto again = Plan::parse(text);
  must(again && again->text() == text, "a plan that does not come back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzzing::text_of(data, size);
  (void)Plan::parse(text);
  auto body = json::try_parse(text);
  if (!body) return 0;
  try {
    Turn turn = Turn::read(*body);
    must(!turn.wanted.empty() && turn.wanted.size() <= 16, "a turn that wants nothing, or everything");
    must(turn.kind == Turn::Kind::plain || !turn.wanted.front().message_id.empty(),
         "an answer without a place");
    stored(turn);
    prompt(turn);
  } catch (const Problem& p) {
    must(p.status() >= 400 && p.status() < 500 && !p.detail().empty(), "a fault of ours");
  }
  return 0;
}
