#include "features/models/answers.h"

#include <algorithm>

namespace antiphon::models {
namespace {

constexpr std::size_t kLongestWords = 2000;

std::string shortened(std::string_view text) {
  if (text.size() <= kLongestWords) return std::string(text);
  std::size_t end = kLongestWords;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;  // Not inside a character.
  return std::string(text.substr(0, end)) + "…";
}

std::string words_in(const json::Value& value) {
  if (value.is_string()) return shortened(json::view(value.as_string()));
  if (const json::Array* list = value.if_array())  // Google wraps its errors in a list.
    return list->empty() ? std::string() : words_in(list->front());
  for (std::string_view key : {"error", "detail", "message"})
    if (const json::Value* inner = json::find(value, key))
      if (std::string words = words_in(*inner); !words.empty()) return words;
  return {};
}

}  // namespace

Task<std::string> read_all(client::Incoming& incoming, std::size_t limit) {
  std::string out;
  while (true) {
    std::string piece = co_await incoming.read();
    if (piece.empty()) co_return out;
    if (out.size() + piece.size() > limit)
      throw Problem(Problem::Kind::upstream, "The model's server sent too long an answer.");
    out += piece;
  }
}

std::string words_of(std::string_view body) {
  auto value = json::try_parse_mending(body);
  return value ? words_in(*value) : std::string();
}

Problem refusal(int status, std::string_view body) {
  std::string words = words_of(body);
  if (words.empty()) words = "The model's server answered with status " + std::to_string(status) + ".";
  int ours = status >= 400 && status < 600 ? status : 502;
  return Problem(Problem::Kind::upstream, std::move(words))
      .because("status " + std::to_string(status))
      .answering(ours);
}

Problem error_in_stream(const json::Value& error) {
  std::string words = words_in(error);
  if (words.empty()) words = "The model's server broke off its answer with an error.";
  return {Problem::Kind::upstream, std::move(words)};
}

Task<std::unique_ptr<client::Incoming>> open_accepted(client::Client& client, client::Request request) {
  auto incoming = co_await client.open(std::move(request));
  if (incoming->status() >= 200 && incoming->status() < 300) co_return incoming;
  std::string words;
  try {
    words = co_await read_all(*incoming, 1 << 20);
  } catch (const Problem&) {  // NOLINT(bugprone-empty-catch)
    // That it refuses is worth more than why the words did not come.
  }
  throw refusal(incoming->status(), words);
}

Task<json::Value> fetch_json(client::Client& client, client::Request request) {
  auto incoming = co_await open_accepted(client, std::move(request));
  auto value = json::try_parse_mending(co_await read_all(*incoming));
  if (!value) throw Problem(Problem::Kind::upstream, "The model's server did not answer with JSON.");
  co_return std::move(*value);
}

Task<json::Value> told_to_admin(Task<json::Value> answer) {
  try {
    co_return co_await std::move(answer);
  } catch (const Problem& p) {
    if (p.kind() != Problem::Kind::upstream) throw;
    throw Problem(Problem::Kind::upstream, p.detail()).because(p.cause());
  }
}

std::string media_type(const std::vector<client::Header>& headers) {
  auto lower = [](std::string text) {
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    return text;
  };
  for (const client::Header& h : headers) {
    if (lower(h.first) != "content-type") continue;
    std::string type = lower(h.second.substr(0, h.second.find(';')));
    while (type.ends_with(' ')) type.pop_back();
    return type;
  }
  return {};
}

}  // namespace antiphon::models
