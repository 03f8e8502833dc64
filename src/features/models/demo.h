#pragma once

#include "features/models/backend.h"

namespace antiphon::models {

/// A model that is none: shows that everything works before a real one is connected. It says what it is
/// wherever it appears.
class Demo final : public Backend {
 public:
  static constexpr std::string_view kId = "antiphon-demo";

  static BaseModel model();
  /// What it answers to the last user message of `body`. Pure.
  static std::string answer_to(const json::Object& body);

  Task<std::vector<BaseModel>> list(ConnectionPtr connection) override;
  Task<std::unique_ptr<ChunkStream>> stream(Target target, json::Object body, Asker asker) override;
  Task<json::Value> complete(Target target, json::Object body, Asker asker) override;
};

}  // namespace antiphon::models
