#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/problem.h"
#include "client/client.h"
#include "features/models/backend.h"

/// Reading what model servers answer: shared by all backends.
namespace antiphon::models {

/// Reads to the end, at most `limit` bytes.
Task<std::string> read_all(client::Incoming& incoming, std::size_t limit = 64 << 20);

/// What a provider's error says for people: `error.message`, `error`, `detail` or `message` of its
/// JSON, or "" when it is none. Never the bytes of what is not JSON (row 16).
std::string words_of(std::string_view body);

/// A refusal: the provider's words as detail, its status as ours.
Problem refusal(int status, std::string_view body);

/// An error that came inside a stream.
Problem error_in_stream(const json::Value& error);

/// Opens the request; throws refusal() unless the status is 2xx.
Task<std::unique_ptr<client::Incoming>> open_accepted(client::Client& client, client::Request request);

/// fetch() of JSON; throws refusal(), and Problem(upstream) for what is no JSON.
Task<json::Value> fetch_json(client::Client& client, client::Request request);

/// What an administrator asked of a server, with its refusals as 502: a provider's 401 is not ours.
Task<json::Value> told_to_admin(Task<json::Value> answer);

/// The type without its parameters, in small letters: "text/event-stream".
std::string media_type(const std::vector<client::Header>& headers);

}  // namespace antiphon::models
