#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "features/models/models.h"

/// The pure part: addresses, bodies and lists in OpenAI's shape.
namespace antiphon::openai {

/// Where `path` ("chat/completions", "embeddings") of a connection is asked for `model`. Azure's older
/// addresses have the model in them.
std::string address(const models::Connection& connection, std::string_view path,
                    std::string_view model);
/// Where its models are listed.
std::string list_address(const models::Connection& connection);

/// Makes `body` fit for the server: its model's own id, no members of ours, the names newer models
/// want.
void prepare(json::Object& body, const models::Connection& connection, std::string_view upstream_id);

/// Whether it is a model that takes max_completion_tokens instead of max_tokens.
bool reasons(std::string_view upstream_id);

/// The models in a server's list (`{"data":[…]}` or `[…]`), or the configured ones when there are such.
/// Throws Problem(upstream) for another shape.
std::vector<models::BaseModel> models_in(const models::ConnectionPtr& connection,
                                         const json::Value& list);
std::vector<models::BaseModel> configured_models(const models::ConnectionPtr& connection);

/// A whole answer as a chunk that says the same: for servers that do not stream.
json::Value as_chunk(const json::Value& completion);

}  // namespace antiphon::openai
