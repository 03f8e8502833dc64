#include "features/completions/composer.h"

#include <boost/json.hpp>
#include <limits>

#include "base/ids.h"
#include "base/time.h"

namespace antiphon::completions {
namespace {

constexpr std::size_t kMaxLead = 1024;
constexpr std::size_t kMostBytes = 8 << 20;
constexpr std::size_t kMostItems = 1024;
constexpr std::size_t kMostCounts = 64;  ///< Members of a usage.
constexpr std::string_view kBlanks = " \t\r\n";

json::Value event(std::string_view type, json::Object data) {
  return json::Object{{"type", type}, {"data", std::move(data)}};
}

/// What a provider counts is its own: a sum stops at the ends of its range.
std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (!__builtin_add_overflow(a, b, &out)) return out;
  return a > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

/// `more` over `all`: whole numbers add up, in objects within too; of all else the newer counts.
void add(json::Object& all, const json::Object& more) {
  for (const auto& [key, value] : more) {
    json::Value& have = all[key];
    if (value.is_int64() && have.is_int64())
      have = sum(have.as_int64(), value.as_int64());
    else if (value.is_object() && have.is_object())
      add(have.as_object(), value.as_object());
    else
      have = value;
  }
}

std::int64_t first_of(const json::Value& usage, std::initializer_list<std::string_view> keys) {
  for (std::string_view key : keys)
    if (json::find(usage, key)) return json::int_at(usage, key);
  return 0;
}

}  // namespace

Composer::Composer(Emit emit, TagScanner tags, json::Array items)
    : emit_(std::move(emit)), tags_(std::move(tags)) {
  for (json::Value& item : items)
    if (item.is_object()) output_.items().push_back(std::move(item));
}

void Composer::send(std::string_view type, json::Object data) {
  data["type"] = type;
  sent_ = true;
  if (const json::Value* more = data.if_contains("delta"); more && more->is_string())
    bytes_ += more->as_string().size();
  json::Value made = event("response:completion", std::move(data));
  output_.apply(made);
  emit_(std::move(made));
}

void Composer::delta(std::string_view type, const OpenItem& item, std::string_view text) {
  send(type,
       {{"item_id", item.id}, {"output_index", item.index}, {"content_index", 0}, {"delta", text}});
}

bool Composer::full() const {
  return bytes_ > kMostBytes || output_.items().size() > kMostItems;
}

json::Object* Composer::item(const std::string& id) {
  if (id.empty()) return nullptr;
  for (json::Value& value : output_.items())
    if (json::text_at(value, "id") == id) return &value.as_object();
  return nullptr;
}

void Composer::take(const json::Value& chunk) {
  auto note_usage = [this](const json::Value* usage) {
    if (usage && usage->is_object())
      for (const auto& [key, value] : usage->as_object())
        if (round_usage_.size() < kMostCounts || round_usage_.contains(key)) round_usage_[key] = value;
  };
  note_usage(json::find(chunk, "usage"));
  note_usage(json::find(chunk, "timings"));            // llama.cpp
  note_usage(json::find(chunk, {"x_groq", "usage"}));  // Groq
  const json::Array* choices = json::array_at(chunk, "choices");
  if (!choices) return;
  for (const json::Value& choice : *choices) {
    if (json::int_at(choice, "index") != 0) continue;  // One answer is wanted, whatever was asked for.
    note_usage(json::find(choice, "usage"));           // Moonshot
    if (std::string_view reason = json::text_at(choice, "finish_reason"); !reason.empty())
      finish_reason_ = reason;
    const json::Value* delta = json::find(choice, "delta");
    if (!delta) continue;
    if (std::string_view thought = models::thought_in(*delta); !thought.empty())
      reasoning(thought, "<think>", "</think>");
    if (const json::Value* said = json::find(*delta, "content")) content(*said);
    if (const json::Array* calls = json::array_at(*delta, "tool_calls"))
      for (const json::Value& call : *calls) tool_delta(call);
  }
}

/// Text, or parts of text and thoughts, as Mistral sends them.
void Composer::content(const json::Value& said) {
  if (said.is_string()) return scan(tags_.feed(json::view(said.as_string())));
  if (!said.is_array()) return;
  for (const json::Value& part : said.as_array()) {
    if (json::text_at(part, "type") != "thinking") {
      scan(tags_.feed(json::text_at(part, "text")));
      continue;
    }
    std::string thought(json::text_at(part, "thinking"));
    if (const json::Array* inner = json::array_at(part, "thinking"))
      for (const json::Value& piece : *inner) thought += json::text_at(piece, "text");
    if (!thought.empty()) reasoning(thought, "<think>", "</think>");
  }
}

void Composer::take_whole(const json::Value& completion) {
  if (!completion.is_object()) return;
  json::Object chunk = completion.as_object();
  if (const json::Array* choices = json::array_at(completion, "choices");
      choices && !choices->empty()) {
    json::Object choice = choices->front().is_object() ? choices->front().as_object() : json::Object();
    if (const json::Value* message = json::find(choices->front(), "message"))
      choice["delta"] = *message;
    choice.erase("index");
    chunk["choices"] = json::Array{std::move(choice)};
  }
  take(chunk);
}

void Composer::continue_text() {
  for (std::size_t i = output_.items().size(); i-- != 0;) {
    std::string_view type = json::text_at(output_.items()[i], "type");
    if (type == "message") resumed_ = {std::string(json::text_at(output_.items()[i], "id")), i};
    if (type != "reasoning") return;
  }
}

void Composer::take_up(json::Value usage) {
  usage_ = std::move(usage);
  for (std::size_t i = 0; i != output_.items().size(); ++i) {
    const json::Value& left = output_.items()[i];
    if (json::text_at(left, "type") != "reasoning" || json::text_at(left, "status") != "in_progress")
      continue;
    reasoning_ = {std::string(json::text_at(left, "id")), i};
    close_reasoning("incomplete");
  }
  continue_text();
  sent_ = false;
}

void Composer::read_on(json::Value usage) {
  usage_ = std::move(usage);
  const json::Array& items = output_.items();
  for (std::size_t i = 0; i != items.size(); ++i) {
    bool open = json::text_at(items[i], "status") == "in_progress";
    OpenItem here{std::string(json::text_at(items[i], "id")), i};
    std::string_view type = json::text_at(items[i], "type");
    bool last = i + 1 == items.size();
    if (open && type == "function_call") {
      json::Value piece = json::Object{{"id", json::text_at(items[i], "call_id")}};
      if (auto place = places_.of(piece)) calls_.push_back({*place, here});
    }
    if (open && last && type == "message") message_ = here;
    if (open && last && type == "reasoning") reasoning_ = here;
  }
  if (!message_ && !reasoning_ && calls_.empty()) continue_text();
  sent_ = false;
}

void Composer::leave_tags() {
  if (!std::exchange(scans_tags_, false)) return;
  scan(tags_.finish());
  tags_ = TagScanner(std::vector<std::pair<std::string, std::string>>{});
}

void Composer::say(std::string_view words) {
  text(words);
}

void Composer::scan(const std::vector<TagScanner::Piece>& pieces) {
  for (const TagScanner::Piece& piece : pieces) switch (piece.kind) {
      case TagScanner::Piece::Kind::text:
        text(piece.text);
        break;
      case TagScanner::Piece::Kind::open:
        if (reasoning_) close_reasoning("completed");
        close_text("completed");
        open_reasoning(piece.text, {});
        break;
      case TagScanner::Piece::Kind::reasoning:
        if (!reasoning_) open_reasoning("<think>", "</think>");
        delta("response.reasoning_text.delta", reasoning_, piece.text);
        break;
      case TagScanner::Piece::Kind::close:
        if (json::Object* open = item(reasoning_.id)) (*open)["end_tag"] = piece.text;
        close_reasoning("completed");
        break;
    }
}

void Composer::text(std::string_view words) {
  if (reasoning_) close_reasoning("completed");
  if (!message_ && resumed_) {
    bool thought_again = resumed_.index + 1 != output_.items().size();
    if (thought_again) words.remove_prefix(std::min(words.find_first_not_of("\r\n"), words.size()));
    if (words.empty()) return;
    message_ = std::exchange(resumed_, {});
  }
  if (message_) return delta("response.output_text.delta", message_, words);
  lead_ += words;
  // Line feeds between the reasoning and the answer belong to neither.
  auto skip_line_feeds = [&] {
    lead_.erase(0, std::min(lead_.find_first_not_of("\r\n"), lead_.size()));
  };
  skip_line_feeds();
  std::size_t blanks = std::min(lead_.find_first_not_of(kBlanks), lead_.size());
  if (blanks > kMaxLead) {
    lead_.erase(0, blanks - kMaxLead);
    skip_line_feeds();
  }
  if (lead_.find_first_not_of(kBlanks) == lead_.npos) return;
  message_ = {"msg_" + random_hex(4), output_.items().size()};
  delta("response.output_text.delta", message_, std::exchange(lead_, {}));
}

void Composer::reasoning(std::string_view words, std::string_view start_tag, std::string_view end_tag) {
  if (!reasoning_) {
    close_text("completed");
    open_reasoning(start_tag, end_tag);
  }
  delta("response.reasoning_text.delta", reasoning_, words);
}

void Composer::open_reasoning(std::string_view start_tag, std::string_view end_tag) {
  reasoning_ = {"r_" + random_hex(4), output_.items().size()};
  send("response.output_item.added",
       {{"output_index", reasoning_.index},
        {"item", json::Object{{"type", "reasoning"},
                              {"id", reasoning_.id},
                              {"status", "in_progress"},
                              {"start_tag", start_tag},
                              {"end_tag", end_tag},
                              {"attributes", json::Object{{"type", "reasoning_content"}}},
                              {"content", json::Array()},
                              {"summary", nullptr},
                              {"started_at", unix_seconds()}}}});
}

void Composer::close_reasoning(std::string_view status) {
  json::Object* open = item(reasoning_.id);
  std::size_t index = reasoning_.index;
  reasoning_ = {};
  if (!open) return;
  json::Object closed = *open;
  std::int64_t now = unix_seconds();
  closed["status"] = status;
  closed["ended_at"] = now;
  closed["duration"] = now - json::int_at(*open, "started_at", now);
  send("response.output_item.done", {{"output_index", index}, {"item", std::move(closed)}});
}

void Composer::close_text(std::string_view status) {
  if (json::Object* open = item(message_.id)) (*open)["status"] = status;
  message_ = {};
  lead_.clear();
}

/// The item of the call a piece belongs to, begun when it is new; none when there are too many.
Composer::OpenItem Composer::call_for(const json::Value& call) {
  auto place = places_.of(call);
  if (!place) return {};
  for (const OpenCall& open : calls_)
    if (open.place == *place) return open.item;
  if (reasoning_) close_reasoning("completed");
  close_text("completed");
  resumed_ = {};
  OpenItem made{"fc_" + random_hex(12), output_.items().size()};
  calls_.push_back({*place, made});
  std::string id(json::text_at(call, "id"));
  send("response.output_item.added",
       {{"output_index", made.index},
        {"item", json::Object{{"type", "function_call"},
                              {"id", made.id},
                              {"call_id", id.empty() ? "call_" + random_hex(12) : id},
                              {"name", models::name_in(call)},
                              {"arguments", ""},
                              {"status", "in_progress"}}}});
  return made;
}

void Composer::tool_delta(const json::Value& call) {
  if (!call.is_object()) return;
  OpenItem open = call_for(call);
  if (!open) return;
  if (json::Object* begun = item(open.id); begun && json::text_at(*begun, "name").empty())
    (*begun)["name"] = models::name_in(call);  // Clients learn it when the call is complete.
  if (std::string arguments = models::arguments_in(call); !arguments.empty())
    send("response.function_call_arguments.delta",
         {{"item_id", open.id}, {"output_index", open.index}, {"delta", arguments}});
}

void Composer::close_calls(std::string_view status) {
  for (const OpenCall& open : calls_) {
    json::Object* call = item(open.item.id);
    if (!call || json::text_at(*call, "status") != "in_progress") continue;
    std::string arguments(json::text_at(*call, "arguments"));
    send("response.function_call_arguments.done",
         {{"item_id", open.item.id}, {"output_index", open.item.index}, {"arguments", arguments}});
    json::Object closed = *item(open.item.id);
    closed["status"] = status;
    send("response.output_item.done", {{"output_index", open.item.index}, {"item", std::move(closed)}});
  }
}

void Composer::end_round(std::string_view status) {
  scan(tags_.finish());
  if (reasoning_) close_reasoning(status);
  if (resumed_) message_ = std::exchange(resumed_, {});
  close_text(status);
  close_calls(status);
  count_usage();
}

std::vector<ToolCall> Composer::calls() const {
  std::vector<ToolCall> out;
  for (const OpenCall& open : calls_)
    for (const json::Value& item : output_.items())
      if (json::text_at(item, "id") == open.item.id)
        out.push_back({open.item.id, std::string(json::text_at(item, "call_id")),
                       std::string(json::text_at(item, "name")),
                       std::string(json::text_at(item, "arguments"))});
  return out;
}

void Composer::tool_result(const ToolCall& call, std::string_view words) {
  std::erase_if(calls_, [&](const auto& open) { return open.item.id == call.item_id; });
  if (calls_.empty()) places_ = {};
  send("response.output_item.done",
       {{"output_index", output_.items().size()},
        {"item",
         json::Object{{"type", "function_call_output"},
                      {"id", "fco_" + random_hex(12)},
                      {"call_id", call.call_id},
                      {"output", json::Array{json::Object{{"type", "input_text"}, {"text", words}}}},
                      {"status", "completed"}}}});
}

void Composer::count_usage() {
  if (round_usage_.empty()) return;
  json::Object all = usage_.is_object() ? usage_.as_object() : json::Object();
  add(all, std::exchange(round_usage_, {}));
  json::Value now(std::move(all));
  std::int64_t in = first_of(now, {"prompt_tokens", "input_tokens", "prompt_n"});
  std::int64_t out = first_of(now, {"completion_tokens", "output_tokens", "predicted_n"});
  now.as_object()["input_tokens"] = in;
  now.as_object()["output_tokens"] = out;
  now.as_object()["total_tokens"] = sum(in, out);
  usage_ = std::move(now);
  json::Value made = event("chat:completion", {{"usage", usage_}});
  output_.apply(made);
  emit_(std::move(made));
}

}  // namespace antiphon::completions
