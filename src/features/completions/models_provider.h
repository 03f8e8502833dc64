#pragma once

#include "features/completions/provider.h"
#include "features/models/models.h"

namespace antiphon::completions {

/// The connected model servers, as the pipeline wants them.
class ModelsProvider final : public Provider {
 public:
  explicit ModelsProvider(models::Models& models) : models_(models) {}

  Task<Model> resolve(const User& me, std::string model_id) override;
  Task<std::unique_ptr<Chunks>> stream(const User& me, const Model& model, json::Object body,
                                       Errand errand) override;
  Task<std::unique_ptr<Chunks>> resume(const User& me, const Model& model, std::string cursor,
                                       Errand errand) override;
  Task<> abandon(const User& me, const Model& model, std::string cursor) override;
  Task<std::optional<http::Response>> pass_on(const User& me, const Model& model, json::Object body,
                                              http::Stream& out) override;
  Task<json::Value> complete(const User& me, const Model& model, json::Object body,
                             Errand errand) override;
  Task<Model> task_model(const User& me, Model model) override;

 private:
  models::Models& models_;
};

}  // namespace antiphon::completions
