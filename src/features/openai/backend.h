#pragma once

#include "client/client.h"
#include "features/models/models.h"

/// Servers that speak OpenAI's protocol, Azure's manner of it included: chat completions, or the
/// Responses API where the connection says so.
namespace antiphon::openai {

class Backend final : public models::Backend {
 public:
  Backend(client::Client& client, const models::Settings& settings)
      : client_(client), settings_(settings) {}

  Task<std::vector<models::BaseModel>> list(models::ConnectionPtr connection) override;
  Task<std::unique_ptr<models::ChunkStream>> stream(models::Target target, json::Object body,
                                                    models::Asker asker) override;
  Task<std::unique_ptr<models::ChunkStream>> resume(models::Target target, std::string cursor,
                                                    models::Asker asker) override;
  Task<> abandon(models::Target target, std::string cursor, models::Asker asker) override;
  Task<std::optional<http::Response>> pass_on(models::Target target, json::Object body,
                                              models::Asker asker, http::Stream& out) override;
  Task<json::Value> complete(models::Target target, json::Object body, models::Asker asker) override;

  /// What the connection's server lists, as it said it.
  Task<json::Value> raw_list(models::ConnectionPtr connection);

 private:
  /// GET, or a POST of what is given, of something below /responses.
  client::Request responses_request(const models::Target& target, std::string_view below,
                                    const models::Asker& asker, const json::Object* body = {}) const;
  std::function<client::Request(const std::string& id, std::int64_t seen)> attaching(
      models::Target target, models::Asker asker) const;
  Task<std::unique_ptr<models::ChunkStream>> respond(models::Target target, json::Object body,
                                                     models::Asker asker);
  client::Request chat_request(const models::Target& target, json::Object body,
                               const models::Asker& asker) const;

  client::Client& client_;
  const models::Settings& settings_;
};

}  // namespace antiphon::openai
