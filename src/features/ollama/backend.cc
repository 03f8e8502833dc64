#include "features/ollama/backend.h"

#include <boost/json.hpp>
#include <deque>
#include <set>

#include "base/ids.h"
#include "base/log.h"
#include "base/time.h"
#include "client/sse.h"
#include "features/models/models.h"
#include "features/ollama/convert.h"

namespace antiphon::ollama {
namespace {

using models::Asker;
using models::BaseModel;
using models::ConnectionPtr;
using models::Target;

constexpr int kMostMalformed = 100;

std::string answer_id() {
  return "chatcmpl-" + uuid4();
}

/// NDJSON, read as chunks.
class Chunks final : public models::ChunkStream {
 public:
  Chunks(std::unique_ptr<client::Incoming> incoming, std::string model)
      : incoming_(std::move(incoming)), mapper_(answer_id(), std::move(model), unix_seconds()) {}

  Task<std::optional<json::Value>> next() override {
    while (true) {
      if (!ready_.empty()) {
        json::Value out = std::move(ready_.front());
        ready_.pop_front();
        co_return out;
      }
      if (mapper_.done()) co_return std::nullopt;
      if (auto line = ending_ ? reader_.finish() : reader_.next()) {
        read(*line);
        continue;
      }
      if (ending_) co_return std::nullopt;
      std::string piece = co_await incoming_->read();
      if (piece.empty())
        ending_ = true;
      else
        reader_.feed(piece);
    }
  }

  void gather() override { incoming_->gather(); }
  void cancel() override { incoming_->cancel(); }

 private:
  void read(const std::string& line) {
    auto value = json::try_parse_mending(line);
    if (!value || !value->is_object()) {
      log::warn("A model's server sent a line that is not JSON",
                {{"bytes", static_cast<std::int64_t>(line.size())}});
      if (++malformed_ > kMostMalformed)
        throw Problem(Problem::Kind::upstream,
                      "The model's server sent an answer that cannot be read.");
      return;
    }
    for (json::Value& chunk : mapper_.chunks(*value)) ready_.push_back(std::move(chunk));
  }

  std::unique_ptr<client::Incoming> incoming_;
  client::LineReader reader_;
  Mapper mapper_;
  std::deque<json::Value> ready_;  ///< Of one line: at most two.
  bool ending_ = false;
  int malformed_ = 0;
};

BaseModel model_of(const ConnectionPtr& c, const json::Object& said, bool loaded) {
  std::string upstream_id(json::text_at(json::Value(said), "model"));
  std::string id = c->prefixed(upstream_id);
  json::Object own = said;
  own["model"] = id;
  own["name"] = id;
  own["connection_type"] = c->type;
  own["urls"] = json::Array{c->index};
  if (!c->tags.empty()) own["tags"] = c->tags;
  json::Object shown{{"id", id},
                     {"name", id},
                     {"object", "model"},
                     {"created", 0},
                     {"owned_by", "ollama"},
                     {"loaded", loaded},
                     {"connection_type", c->type},
                     {"tags", c->tags}};
  shown["ollama"] = std::move(own);
  return {.id = id,
          .upstream_id = upstream_id,
          .kind = models::Kind::ollama,
          .connections = {c},
          .shown = shown};
}

}  // namespace

std::vector<BaseModel> models_in(const ConnectionPtr& c, const json::Value& tags,
                                 const json::Value& running) {
  const json::Array* list = json::array_at(tags, "models");
  if (!list) throw Problem(Problem::Kind::upstream, "The server's list of models cannot be read.");
  std::set<std::string, std::less<>> loaded;
  if (const json::Array* now = json::array_at(running, "models"))
    for (const json::Value& m : *now) loaded.emplace(json::text_at(m, "model"));
  std::vector<BaseModel> out;
  for (const json::Value& m : *list) {
    std::string_view id = json::text_at(m, "model");
    if (!id.empty() && id.size() <= 512 && c->takes(id))
      out.push_back(model_of(c, m.as_object(), loaded.contains(id)));
  }
  return out;
}

client::Request Backend::request(const models::Connection& c, std::string_view path,
                                 const Asker& asker) const {
  return models::request_for(settings_, c, c.url + std::string(path), asker);
}

Task<json::Value> Backend::get(ConnectionPtr c, std::string path) {
  client::Request r = request(*c, path, {});
  r.total_timeout = std::chrono::seconds(settings_.list_timeout());
  r.max_body = 16 << 20;
  co_return co_await models::fetch_json(client_, std::move(r));
}

Task<json::Value> Backend::running(ConnectionPtr c) {
  try {
    co_return co_await get(c, "/api/ps");
  } catch (const Problem&) {
    co_return json::Value();  // Only says which ones are loaded.
  }
}

Task<std::vector<BaseModel>> Backend::list(ConnectionPtr c) {
  json::Value tags = co_await get(c, "/api/tags");
  co_return models_in(c, tags, co_await running(c));
}

client::Request Backend::chat_request(const Target& target, json::Object body,
                                      const Asker& asker) const {
  client::Request r = request(*target.connection, "/api/chat", asker);
  r.method = "POST";
  r.headers.emplace_back("Content-Type", "application/json");
  r.body = json::serialize(to_chat(std::move(body), target.upstream_id()));
  return r;
}

Task<std::unique_ptr<models::ChunkStream>> Backend::stream(Target target, json::Object body,
                                                           Asker asker) {
  body["stream"] = true;
  auto incoming = co_await models::open_accepted(client_, chat_request(target, std::move(body), asker));
  co_return std::make_unique<Chunks>(std::move(incoming), target.upstream_id());
}

Task<json::Value> Backend::complete(Target target, json::Object body, Asker asker) {
  body["stream"] = false;
  json::Value answer =
      co_await models::fetch_json(client_, chat_request(target, std::move(body), asker));
  co_return to_completion(answer, answer_id(), target.upstream_id(), unix_seconds());
}

}  // namespace antiphon::ollama
