#pragma once

#include "client/client.h"
#include "features/models/models.h"

/// Ollama's native protocol.
namespace antiphon::ollama {

class Backend final : public models::Backend {
 public:
  Backend(client::Client& client, const models::Settings& settings)
      : client_(client), settings_(settings) {}

  Task<std::vector<models::BaseModel>> list(models::ConnectionPtr connection) override;
  Task<std::unique_ptr<models::ChunkStream>> stream(models::Target target, json::Object body,
                                                    models::Asker asker) override;
  Task<json::Value> complete(models::Target target, json::Object body, models::Asker asker) override;

  /// GET of a path ("/api/tags") within the time for lists.
  Task<json::Value> get(models::ConnectionPtr connection, std::string path);
  /// A request to a path; the caller sets method and body.
  client::Request request(const models::Connection& connection, std::string_view path,
                          const models::Asker& asker) const;

 private:
  Task<json::Value> running(models::ConnectionPtr connection);
  client::Request chat_request(const models::Target& target, json::Object body,
                               const models::Asker& asker) const;

  client::Client& client_;
  const models::Settings& settings_;
};

/// The models of /api/tags; `running` is what /api/ps said.
std::vector<models::BaseModel> models_in(const models::ConnectionPtr& connection,
                                         const json::Value& tags, const json::Value& running);

}  // namespace antiphon::ollama
