#pragma once

#include <optional>

#include "features/chats/dto.h"

/// An answer's text stands in its `content` and again in the items of its `output`. The row holds it
/// once. Pure functions.
namespace antiphon::chats {

/// The output as its row holds it: where a text part says what the content says, a reference to that.
std::optional<json::Value> lean_output(const Message& message);

/// The message as it was, from its row.
void fill_output(Message& message);

}  // namespace antiphon::chats
