#include "features/openai/backend.h"

#include <boost/json.hpp>

#include "base/log.h"
#include "client/sse.h"
#include "features/models/models.h"
#include "features/openai/protocol.h"

namespace antiphon::openai {
namespace {

using models::Asker;
using models::BaseModel;
using models::ConnectionPtr;
using models::Target;

/// More events than this that are no JSON, and the stream is none of ours.
constexpr int kMostMalformed = 100;

/// Server-sent events, read as chunks.
class Chunks final : public models::ChunkStream {
 public:
  explicit Chunks(std::unique_ptr<client::Incoming> incoming) : incoming_(std::move(incoming)) {}

  Task<std::optional<json::Value>> next() override {
    while (!ended_) {
      while (auto event = ending_ ? reader_.finish() : reader_.next()) {
        if (event->data == "[DONE]") {
          ended_ = true;
          co_return std::nullopt;
        }
        if (auto chunk = read(event->data)) co_return chunk;
      }
      if (ending_) break;
      std::string piece = co_await incoming_->read();
      if (piece.empty())
        ending_ = true;
      else
        reader_.feed(piece);
    }
    co_return std::nullopt;
  }

  void gather() override { incoming_->gather(); }
  void cancel() override { incoming_->cancel(); }

 private:
  /// Nothing for what is to be passed over.
  std::optional<json::Value> read(const std::string& data) {
    auto value = json::try_parse(data);
    if (!value || !value->is_object()) {
      log::warn("A model's server sent an event that is not JSON",
                {{"bytes", static_cast<std::int64_t>(data.size())}});
      if (++malformed_ > kMostMalformed)
        throw Problem(Problem::Kind::upstream,
                      "The model's server sent an answer that cannot be read.");
      return std::nullopt;
    }
    const json::Value* error = json::find(*value, "error");
    if (error && !error->is_null()) throw models::error_in_stream(*error);
    return value;
  }

  std::unique_ptr<client::Incoming> incoming_;
  client::SseReader reader_;
  bool ended_ = false, ending_ = false;
  int malformed_ = 0;
};

/// An answer that came whole.
class One final : public models::ChunkStream {
 public:
  explicit One(json::Value chunk) : chunk_(std::move(chunk)) {}
  Task<std::optional<json::Value>> next() override { co_return std::exchange(chunk_, std::nullopt); }
  void cancel() override {}

 private:
  std::optional<json::Value> chunk_;
};

json::Value whole_answer(std::string_view text) {
  auto value = json::try_parse(text);
  if (!value || !value->is_object())
    throw Problem(Problem::Kind::upstream, "The model's server sent an answer that cannot be read.");
  const json::Value* error = json::find(*value, "error");
  if (error && !error->is_null()) throw models::error_in_stream(*error);
  return std::move(*value);
}

}  // namespace

Task<json::Value> Backend::raw_list(ConnectionPtr c) {
  client::Request request = models::request_for(settings_, *c, list_address(*c), {});
  request.total_timeout = std::chrono::seconds(settings_.list_timeout());
  request.max_body = 16 << 20;
  co_return co_await models::fetch_json(client_, std::move(request));
}

Task<std::vector<BaseModel>> Backend::list(ConnectionPtr c) {
  if (!c->model_ids.empty()) co_return configured_models(c);
  co_return models_in(c, co_await raw_list(c));
}

client::Request Backend::chat_request(const Target& target, json::Object body,
                                      const Asker& asker) const {
  const models::Connection& c = *target.connection;
  prepare(body, c, target.upstream_id());
  client::Request request =
      models::request_for(settings_, c, address(c, "chat/completions", target.upstream_id()), asker);
  request.method = "POST";
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = json::serialize(body);
  return request;
}

Task<std::unique_ptr<models::ChunkStream>> Backend::stream(Target target, json::Object body,
                                                           Asker asker) {
  body["stream"] = true;
  auto incoming = co_await models::open_accepted(client_, chat_request(target, std::move(body), asker));
  if (models::media_type(incoming->headers()) == "application/json") {
    json::Value whole = whole_answer(co_await models::read_all(*incoming));
    co_return std::make_unique<One>(as_chunk(whole));
  }
  co_return std::make_unique<Chunks>(std::move(incoming));
}

Task<json::Value> Backend::complete(Target target, json::Object body, Asker asker) {
  body["stream"] = false;
  body.erase("stream_options");
  auto incoming = co_await models::open_accepted(client_, chat_request(target, std::move(body), asker));
  co_return whole_answer(co_await models::read_all(*incoming));
}

Task<std::optional<http::Response>> Backend::pass_on(Target target, json::Object body, Asker asker,
                                                     http::Stream& out) {
  return models::pass_on(client_, chat_request(target, std::move(body), asker), out);
}

}  // namespace antiphon::openai
