#pragma once

#include "features/models/backend.h"

/// A preset's parameters in a program's own call. Pure.
namespace antiphon::models {

/// Puts the target's system prompt and parameters into an OpenAI body. What the caller said himself
/// counts; an empty place gets the preset's. `{{USER_NAME}}` and its like in the prompt are filled in,
/// once (row 13).
void apply_preset(json::Object& body, const Target& target, const Asker& asker);

/// Members of Open WebUI's parameters that are for the server or the client, not for providers.
bool for_providers(std::string_view parameter);

}  // namespace antiphon::models
