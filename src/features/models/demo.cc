#include "features/models/demo.h"

#include <atomic>
#include <boost/json.hpp>

#include "base/async.h"
#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"

namespace antiphon::models {
namespace {

using namespace std::chrono_literals;

constexpr auto kPause = 33ms;  // About 30 words a second.
constexpr std::size_t kMostEcho = 160;

constexpr std::string_view kText =
    "This is Antiphon's built-in **demonstration model**. It does not think: it always says these "
    "words, so that "
    "you can see an answer being written before a real model is connected.\n\n"
    "To get real answers, an administrator adds a connection under *Administration → Connections*:\n\n"
    "1. the address of any OpenAI-compatible server, with its key, or\n"
    "2. the address of an Ollama server.\n\n"
    "As soon as one of them offers a model, this one disappears. Until then you can try everything "
    "around it: "
    "stop this answer, write it anew, edit your question, rename the chat, search for it.\n";

std::string_view last_question(const json::Object& body) {
  auto found = body.find("messages");
  if (found == body.end() || !found->value().is_array()) return {};
  const json::Array& messages = found->value().as_array();
  for (std::size_t i = messages.size(); i-- != 0;) {
    if (json::text_at(messages[i], "role") != "user") continue;
    const json::Array* parts = json::array_at(messages[i], "content");
    if (!parts) return json::text_at(messages[i], "content");
    for (const json::Value& part : *parts)
      if (json::text_at(part, "type") == "text") return json::text_at(part, "text");
  }
  return {};
}

/// The beginning of the question, on one line, as a quotation. Without braces: who asks for a title as
/// JSON would find in it the example of the question.
std::string quoted(std::string_view question) {
  std::string out;
  for (char c : question) {
    bool whole = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (out.size() >= kMostEcho && whole) return out + "…";
    if (c == '{' || c == '}') continue;
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

json::Object usage(const json::Object& body, const std::string& answer) {
  auto words = [](std::string_view text) {
    return static_cast<std::int64_t>(std::count(text.begin(), text.end(), ' ') + 1);
  };
  std::int64_t in = words(last_question(body)), out = words(answer);
  return {{"prompt_tokens", in}, {"completion_tokens", out}, {"total_tokens", in + out}};
}

json::Value chunk(const std::string& id, json::Object delta, const json::Value& reason) {
  json::Object choice{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", reason}};
  return json::Object{{"id", id},
                      {"object", "chat.completion.chunk"},
                      {"created", unix_seconds()},
                      {"model", Demo::kId},
                      {"choices", json::Array{std::move(choice)}}};
}

class Words final : public ChunkStream {
 public:
  Words(std::string text, json::Object usage)
      : text_(std::move(text)), usage_(std::move(usage)), id_("chatcmpl-" + uuid4()) {}

  Task<std::optional<json::Value>> next() override {
    if (finished_) co_return std::nullopt;
    if (cancelled_) throw Problem(Problem::Kind::upstream, "The answer was cancelled.");
    if (at_ != 0) co_await sleep_for(kPause);
    if (at_ >= text_.size()) {
      finished_ = true;
      json::Value last = chunk(id_, {}, "stop");
      last.as_object()["usage"] = usage_;
      co_return last;
    }
    std::size_t end = text_.find(' ', at_ + 1);
    std::string word = text_.substr(at_, end - at_);
    json::Object delta{{"content", word}};
    if (at_ == 0) delta["role"] = "assistant";
    at_ += word.size();
    co_return chunk(id_, std::move(delta), nullptr);
  }
  void cancel() override { cancelled_ = true; }

 private:
  std::string text_;
  json::Object usage_;
  std::string id_;
  std::size_t at_ = 0;
  bool finished_ = false;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace

BaseModel Demo::model() {
  json::Object shown{{"id", kId},
                     {"name", "Demonstration (no real model)"},
                     {"object", "model"},
                     {"created", 0},
                     {"owned_by", "antiphon"},
                     {"connection_type", "internal"},
                     {"provider", ""},
                     {"tags", json::Array{json::Object{{"name", "demonstration"}}}}};
  shown["info"] = json::Object{
      {"meta", json::Object{{"description",
                             "Built in. Shows how Antiphon works until a real model is connected."}}}};
  return {.id = std::string(kId),
          .upstream_id = std::string(kId),
          .kind = Kind::demo,
          .connections = {},
          .shown = shown};
}

std::string Demo::answer_to(const json::Object& body) {
  std::string question = quoted(last_question(body));
  if (question.empty()) return std::string(kText);
  return "You wrote: “" + question + "”\n\n" + std::string(kText);
}

Task<std::vector<BaseModel>> Demo::list(ConnectionPtr) {
  std::vector<BaseModel> out;
  out.push_back(model());
  co_return out;
}

Task<std::unique_ptr<ChunkStream>> Demo::stream(Target, json::Object body, Asker) {
  std::string text = answer_to(body);
  json::Object counts = usage(body, text);
  co_return std::make_unique<Words>(std::move(text), std::move(counts));
}

Task<json::Value> Demo::complete(Target, json::Object body, Asker) {
  std::string text = answer_to(body);
  json::Object counts = usage(body, text);
  json::Object message{{"role", "assistant"}, {"content", std::move(text)}};
  json::Object choice{{"index", 0}, {"message", std::move(message)}, {"finish_reason", "stop"}};
  co_return json::Object{{"id", "chatcmpl-" + uuid4()},
                         {"object", "chat.completion"},
                         {"created", unix_seconds()},
                         {"model", kId},
                         {"choices", json::Array{std::move(choice)}},
                         {"usage", std::move(counts)}};
}

}  // namespace antiphon::models
