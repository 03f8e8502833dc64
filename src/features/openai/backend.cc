#include "features/openai/backend.h"

#include <boost/json.hpp>

#include "base/async.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/problem.h"
#include "client/sse.h"
#include "features/models/models.h"
#include "features/openai/protocol.h"
#include "features/openai/response_stream.h"

namespace antiphon::openai {
namespace {

using models::Asker;
using models::BaseModel;
using models::ConnectionPtr;
using models::Target;

/// More events than this that are no JSON, and the stream is none of ours.
constexpr int kMostMalformed = 100;

/// A server that is to stop writing an answer.
constexpr auto kLongestCancel = std::chrono::seconds(10);
constexpr int kMostCancels = 3;

/// When an answer that begins now is read on no more.
std::chrono::steady_clock::time_point end_of_reading(const models::Settings& settings) {
  auto most = settings.upstream_timeout();
  if (!most || *most <= 0) return std::chrono::steady_clock::time_point::max();
  return std::chrono::steady_clock::now() + std::chrono::seconds(*most);
}

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

/// Where the response is kept. Throws Problem(not_found) when that is no connection of the model's.
ResponseCursor found_again(Target& target, const std::string& text) {
  auto cursor = ResponseCursor::parse(text);
  if (cursor)
    for (const ConnectionPtr& c : target.base->connections)
      if (c->responses && server_mark(*c) == cursor->connection) {
        target.connection = c;
        return std::move(*cursor);
      }
  throw Problem(Problem::Kind::not_found,
                "The server that wrote this answer is not connected any more.");
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

client::Request Backend::responses_request(const Target& target, std::string_view below,
                                           const Asker& asker, const json::Object* body) const {
  const models::Connection& c = *target.connection;
  client::Request request = models::request_for(settings_, c, responses_address(c, below), asker);
  return body ? models::with_json(std::move(request), *body) : request;
}

Task<std::unique_ptr<models::ChunkStream>> Backend::respond(Target target, json::Object body,
                                                            Asker asker) {
  bool background = target.connection->background && asker.keeps_cursor;
  json::Object request = to_responses(std::move(body), *target.connection, target.upstream_id());
  request["stream"] = true;
  if (background) request["background"] = request["store"] = true;
  auto until = end_of_reading(settings_);
  auto incoming =
      co_await models::open_accepted(client_, responses_request(target, "", asker, &request));
  std::string begin = co_await beginning(*incoming);
  if (std::size_t at = begin.find_first_not_of(" \t\r\n"); at != begin.npos && begin[at] == '{') {
    json::Value whole = whole_answer(begin + co_await models::read_all(*incoming));
    co_return std::make_unique<One>(as_chunk(from_response(whole)));
  }
  if (!background) co_return std::make_unique<ResponseStream>(std::move(incoming), begin);
  std::string mark = server_mark(*target.connection);
  co_return std::make_unique<ResponseStream>(client_, attaching(std::move(target), std::move(asker)),
                                             std::move(mark), ResponseEvents(true), until,
                                             std::move(incoming), begin);
}

ResponseStream::Attach Backend::attaching(Target target, Asker asker) const {
  return [this, target = std::move(target), asker = std::move(asker)](const std::string& id,
                                                                      std::int64_t seen) {
    return responses_request(
        target, "/" + percent_encode(id) + "?stream=true&starting_after=" + std::to_string(seen),
        asker);
  };
}

Task<std::unique_ptr<models::ChunkStream>> Backend::resume(Target target, std::string cursor,
                                                           Asker asker) {
  ResponseCursor at = found_again(target, cursor);
  auto on_begin = std::exchange(asker.on_begin, nullptr);
  auto out = std::make_unique<ResponseStream>(client_, attaching(std::move(target), std::move(asker)),
                                              at.connection, ResponseEvents(true, at.id, at.seen),
                                              end_of_reading(settings_));
  if (on_begin) on_begin(out->canceller());
  co_await out->attach();
  co_return out;
}

Task<> Backend::abandon(Target target, std::string cursor, Asker asker) {
  ResponseCursor at = found_again(target, cursor);
  client::Request request = models::with_json(
      responses_request(target, "/" + percent_encode(at.id) + "/cancel", asker), json::Object());
  request.total_timeout = kLongestCancel;
  for (int tries = 1;; ++tries) {
    client::Response response;
    std::exception_ptr failed;
    try {
      response = co_await client_.fetch(request);
    } catch (const Problem&) {
      failed = std::current_exception();
    }
    if (!failed && response.status < 500 && response.status != 429) co_return;  // Or it had ended.
    if (tries == kMostCancels) {
      if (failed) std::rethrow_exception(failed);
      throw models::refusal(response.status, response.body);
    }
    co_await sleep_for(std::chrono::seconds(tries));
  }
}

Task<std::unique_ptr<models::ChunkStream>> Backend::stream(Target target, json::Object body,
                                                           Asker asker) {
  if (target.connection->responses)
    co_return co_await respond(std::move(target), std::move(body), std::move(asker));
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
  if (target.connection->responses) {
    json::Object request = to_responses(std::move(body), *target.connection, target.upstream_id());
    request["stream"] = false;
    auto incoming =
        co_await models::open_accepted(client_, responses_request(target, "", asker, &request));
    co_return from_response(whole_answer(co_await models::read_all(*incoming)));
  }
  body["stream"] = false;
  body.erase("stream_options");
  auto incoming = co_await models::open_accepted(client_, chat_request(target, std::move(body), asker));
  co_return whole_answer(co_await models::read_all(*incoming));
}

Task<std::optional<http::Response>> Backend::pass_on(Target target, json::Object body, Asker asker,
                                                     http::Stream& out) {
  if (target.connection->responses)
    return models::Backend::pass_on(std::move(target), std::move(body), std::move(asker), out);
  return models::pass_on(client_, chat_request(target, std::move(body), asker), out);
}

}  // namespace antiphon::openai
