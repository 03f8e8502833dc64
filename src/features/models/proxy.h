#pragma once

#include <functional>
#include <optional>

#include "client/client.h"
#include "features/models/service.h"
#include "http/call.h"
#include "json/text.h"

/// Passing a model server's answer on to a program.
namespace antiphon::models {

/// Sends the request and passes status and body on: streams (events, NDJSON, sound) as they come, JSON
/// whole. Anything else is not passed on: it would let whoever sets the URL read what is no model
/// server (row 16). Ends the exchange when the client leaves. Yields nothing when it streamed.
Task<std::optional<http::Response>> pass_on(client::Client& client, client::Request request,
                                            http::Stream& out);

/// Gives the request a JSON body.
client::Request with_json(client::Request request, const json::Value& body);

/// The path of a `{rest...}` route, encoded again, with the request's query.
std::string encoded_path(std::string_view path, const http::Request& request);

/// The body as an object; Problem (422) when it is none.
json::Object object_of(json::Value body);

}  // namespace antiphon::models
