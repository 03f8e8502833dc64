#include "features/completions/models_provider.h"

#include <boost/json.hpp>

namespace antiphon::completions {
namespace {

class Passed final : public Chunks {
 public:
  explicit Passed(std::unique_ptr<models::ChunkStream> stream) : stream_(std::move(stream)) {}
  Task<std::optional<json::Value>> next() override { return stream_->next(); }
  void gather() override { stream_->gather(); }
  std::string cursor() const override { return stream_->cursor(); }
  void cancel() override { stream_->cancel(); }

 private:
  std::unique_ptr<models::ChunkStream> stream_;
};

Model model_of(models::Target target, const models::Settings& settings) {
  Model m;
  m.id = target.id;
  m.name = target.name;
  m.params = target.params;
  m.meta = target.meta;
  m.local = target.local();
  auto wanted = target.connection ? target.connection->takeover : std::nullopt;
  m.takeover =
      wanted ? *wanted : models::takeover_of(settings.takeover()).value_or(models::Takeover::keep);
  m.target = std::make_shared<models::Target>(std::move(target));
  return m;
}

const models::Target& target_of(const Model& model) {
  return *static_cast<const models::Target*>(model.target.get());
}

models::Asker asker_for(const User& me, Provider::Errand errand) {
  models::Asker out = models::asker(me, std::move(errand.chat_id), std::move(errand.message_id));
  out.on_begin = std::move(errand.on_begin);
  out.keeps_cursor = errand.keeps_cursor;
  return out;
}

}  // namespace

Task<std::unique_ptr<Chunks>> Provider::resume(const User&, const Model&, std::string, Errand) {
  throw not_found("Answer");
  co_return nullptr;
}

Task<> Provider::abandon(const User&, const Model&, std::string) {
  co_return;
}

Task<Model> ModelsProvider::resolve(const User& me, std::string model_id) {
  co_return model_of(co_await models_.resolve(me, std::move(model_id)), models_.parts().settings);
}

Task<std::unique_ptr<Chunks>> ModelsProvider::stream(const User& me, const Model& model,
                                                     json::Object body, Errand errand) {
  body.erase("stream");
  models::Asker asker = asker_for(me, std::move(errand));
  auto stream = co_await models_.stream(target_of(model), std::move(body), std::move(asker));
  co_return std::make_unique<Passed>(std::move(stream));
}

Task<std::unique_ptr<Chunks>> ModelsProvider::resume(const User& me, const Model& model,
                                                     std::string cursor, Errand errand) {
  models::Asker asker = asker_for(me, std::move(errand));
  auto stream = co_await models_.resume(target_of(model), std::move(cursor), std::move(asker));
  co_return std::make_unique<Passed>(std::move(stream));
}

Task<> ModelsProvider::abandon(const User& me, const Model& model, std::string cursor) {
  co_await models_.abandon(target_of(model), std::move(cursor), models::asker(me));
}

Task<json::Value> ModelsProvider::complete(const User& me, const Model& model, json::Object body,
                                           Errand errand) {
  body.erase("stream");
  models::Asker asker = asker_for(me, std::move(errand));
  co_return co_await models_.complete(target_of(model), std::move(body), std::move(asker));
}

Task<std::optional<http::Response>> ModelsProvider::pass_on(const User& me, const Model& model,
                                                            json::Object body, http::Stream& out) {
  co_return co_await models_.pass_on(target_of(model), std::move(body), models::asker(me), out);
}

Task<Model> ModelsProvider::task_model(const User& me, Model model) {
  co_return model_of(co_await models_.task_model(me, target_of(model)), models_.parts().settings);
}

}  // namespace antiphon::completions
