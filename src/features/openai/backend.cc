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

Problem unreadable() {
  return {Problem::Kind::upstream, "The model's server sent an answer that cannot be read."};
}

bool is_error(const json::Value* error) {
  if (!error || error->is_null()) return false;
  return !(error->is_bool() && !error->as_bool()) &&
         !(error->is_string() && error->as_string().empty());
}

/// Server-sent events, read as chunks.
class Chunks final : public models::ChunkStream {
 public:
  Chunks(std::unique_ptr<client::Incoming> incoming, std::string_view begin)
      : incoming_(std::move(incoming)) {
    reader_.feed(begin);
  }

  Task<std::optional<json::Value>> next() override {
    while (!ended_) {
      while (auto event = ending_ ? reader_.finish() : reader_.next()) {
        if (event->data == "[DONE]") {
          ended_ = true;
          co_return std::nullopt;
        }
        if (auto chunk = read(*event)) co_return chunk;
      }
      if (ending_) break;
      std::string piece = co_await incoming_->read();
      if (piece.empty())
        ending_ = true;
      else
        reader_.feed(piece);
    }
    if (!ended_ && !any_) throw unreadable();  // A page, say.
    co_return std::nullopt;
  }

  void gather() override { incoming_->gather(); }
  void cancel() override { incoming_->cancel(); }

 private:
  /// Nothing for what is to be passed over.
  std::optional<json::Value> read(const client::SseReader::Event& event) {
    auto value = json::try_parse_mending(event.data);
    if (!value || !value->is_object()) {
      log::warn("A model's server sent an event that is not JSON",
                {{"bytes", static_cast<std::int64_t>(event.data.size())}});
      if (++malformed_ > kMostMalformed) throw unreadable();
      return std::nullopt;
    }
    any_ = true;
    if (const json::Value* error = json::find(*value, "error"); is_error(error))
      throw models::error_in_stream(*error);
    if (event.event == "error") throw models::error_in_stream(*value);
    return value;
  }

  std::unique_ptr<client::Incoming> incoming_;
  client::SseReader reader_;
  bool ended_ = false, ending_ = false, any_ = false;
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
  auto value = json::try_parse_mending(text);
  if (!value || !value->is_object()) throw unreadable();
  if (const json::Value* error = json::find(*value, "error"); is_error(error))
    throw models::error_in_stream(*error);
  return std::move(*value);
}

/// What comes first, up to something that is no blank.
Task<std::string> beginning(client::Incoming& incoming) {
  std::string out;
  do {
    std::string piece = co_await incoming.read();
    if (piece.empty()) break;
    out += piece;
  } while (out.find_first_not_of(" \t\r\n") == out.npos);
  co_return out;
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
  std::string begin = co_await beginning(*incoming);
  // An answer that came whole begins with a brace; what servers call it is not to be relied on.
  if (std::size_t at = begin.find_first_not_of(" \t\r\n"); at != begin.npos && begin[at] == '{') {
    json::Value whole = whole_answer(begin + co_await models::read_all(*incoming));
    co_return std::make_unique<One>(as_chunk(whole));
  }
  co_return std::make_unique<Chunks>(std::move(incoming), begin);
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
