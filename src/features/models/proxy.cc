#include "features/models/proxy.h"

#include <boost/json.hpp>

#include "base/encode.h"
#include "features/models/answers.h"
#include "http/bind.h"

namespace antiphon::models {
namespace {

bool streams(std::string_view type) {
  return type == "text/event-stream" || type == "application/x-ndjson" || type == "application/jsonl" ||
         type.starts_with("audio/");
}

bool is_json(std::string_view type) {
  return type == "application/json" || type.ends_with("+json");
}

Task<> copy(client::Incoming& from, http::Stream& out, std::string type) {
  http::Response head{.status = from.status(), .type = std::move(type)};
  head.header("Cache-Control", "no-cache").header("X-Accel-Buffering", "no");
  co_await out.begin(std::move(head));
  while (true) {
    std::string piece = co_await from.read();
    if (piece.empty()) co_return;
    co_await out.write(piece);
  }
}

}  // namespace

Task<std::optional<http::Response>> pass_on(client::Client& client, client::Request request,
                                            http::Stream& out) {
  request.on_begin = [&out](std::function<void()> cancel) { out.on_gone(std::move(cancel)); };
  std::unique_ptr<client::Incoming> incoming = co_await client.open(std::move(request));
  std::string type = media_type(incoming->headers());
  bool good = incoming->status() >= 200 && incoming->status() < 300;
  if (good && streams(type)) {
    co_await copy(*incoming, out, type);
    co_return std::nullopt;
  }
  std::string body = co_await read_all(*incoming);
  // Ollama answers some calls with 200 and nothing at all.
  if (good && body.empty()) co_return http::Response{.body = "true"};
  if ((good && is_json(type)) || json::try_parse_mending(body))
    co_return http::Response{.status = incoming->status(), .body = std::move(body)};
  if (!good) throw refusal(incoming->status(), {});
  throw Problem(Problem::Kind::upstream, "The model's server did not answer with JSON.");
}

Task<std::unique_ptr<ChunkStream>> Backend::resume(Target, std::string, Asker) {
  throw Problem(Problem::Kind::not_found, "This model's server keeps no answers.");
  co_return nullptr;
}

Task<> Backend::abandon(Target, std::string, Asker) {
  co_return;
}

Task<std::optional<http::Response>> Backend::pass_on(Target target, json::Object body, Asker asker,
                                                     http::Stream& out) {
  bool streamed = json::bool_at(json::Value(body), "stream");
  for (const char* key : {"stream", "model"}) body.erase(key);
  asker.on_begin = [&out](std::function<void()> close) { out.on_gone(std::move(close)); };
  if (!streamed) {
    json::Value whole = co_await complete(std::move(target), std::move(body), std::move(asker));
    co_return http::json_response(json::serialize(whole));
  }
  auto chunks = co_await stream(std::move(target), std::move(body), std::move(asker));
  http::Events events(out);
  while (auto chunk = co_await chunks->next()) co_await events.send(json::serialize(*chunk));
  co_await events.done();
  co_return std::nullopt;
}

client::Request with_json(client::Request request, const json::Value& body) {
  request.method = "POST";
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = json::serialize(body);
  return request;
}

std::string encoded_path(std::string_view path, const http::Request& request) {
  std::string out;
  while (!path.empty()) {
    std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
    out += "/" + percent_encode(segment);
  }
  char mark = '?';
  for (const auto& [name, value] : request.query) {
    out += std::exchange(mark, '&') + percent_encode(name) + "=" + percent_encode(value);
  }
  return out;
}

json::Object object_of(json::Value body) {
  if (!body.is_object())
    throw Problem(Problem::Kind::invalid, "The body must be a JSON object.").answering(422);
  return std::move(body.as_object());
}

}  // namespace antiphon::models
