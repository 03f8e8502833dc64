#include "runs/output.h"

#include <boost/json.hpp>

namespace antiphon::runs {
namespace {

constexpr std::size_t kMaxItems = 4096;

std::string_view kind_of(const json::Value& data) {
  return json::text_at(data, "type");
}

/// The kind of item a delta belongs to, so that one whose `added` was never sent can be made.
std::string_view item_type_of(std::string_view delta_type) {
  if (delta_type.starts_with("response.reasoning")) return "reasoning";
  if (delta_type.starts_with("response.function_call")) return "function_call";
  return "message";
}

void append_text(json::Object& item, std::size_t part, const boost::json::string& delta) {
  auto& content = item["content"];
  if (!content.is_array()) content = json::Array();
  auto& parts = content.as_array();
  part = std::min<std::size_t>(part, parts.size());
  if (part == parts.size()) parts.emplace_back(json::Object{{"type", "output_text"}, {"text", ""}});
  if (!parts[part].is_object()) parts[part] = json::Object{{"type", "output_text"}, {"text", ""}};
  auto& text = parts[part].as_object()["text"];
  if (!text.is_string()) text = "";
  text.as_string().append(delta);
}

}  // namespace

std::string item_text(const json::Value& item) {
  std::string out;
  if (const json::Array* parts = json::array_at(item, "content"))
    for (const json::Value& part : *parts) out += json::text_at(part, "text");
  return out;
}

bool merge_delta(json::Value& last, const json::Value& next) {
  if (json::text_at(last, "type") != "response:completion" ||
      json::text_at(next, "type") != "response:completion")
    return false;
  const json::Value* a = json::find(last, "data");
  const json::Value* b = json::find(next, "data");
  if (!a || !b || kind_of(*a) != kind_of(*b) || !kind_of(*a).ends_with(".delta")) return false;
  if (json::text_at(*a, "item_id") != json::text_at(*b, "item_id")) return false;
  if (json::int_at(*a, "output_index") != json::int_at(*b, "output_index")) return false;
  if (json::int_at(*a, "content_index") != json::int_at(*b, "content_index")) return false;
  std::string_view more = json::text_at(*b, "delta");
  auto& delta = last.as_object()["data"].as_object()["delta"];
  if (!delta.is_string()) return false;
  delta.as_string().append(boost::json::string_view(more.data(), more.size()));
  return true;
}

void Output::apply(const json::Value& event) {
  std::string_view type = json::text_at(event, "type");
  const json::Value* data = json::find(event, "data");
  if (!data) return;
  if (type == "response:completion") return apply_response(*data);
  if (type == "chat:completion") return apply_snapshot(*data);
  if (type == "chat:tasks:cancel") {
    apply_snapshot(*data);
    done_ = true;
  }
  if (type == "chat:message:error") {
    if (const json::Value* error = json::find(*data, "error")) error_ = *error;
    done_ = true;
  }
}

json::Object& Output::item_for(const json::Value& data, std::string_view type) {
  std::string_view id = json::text_at(data, "item_id");
  if (!id.empty())
    for (json::Value& item : items_)
      if (json::text_at(item, "id") == id) return item.as_object();
  auto index = static_cast<std::size_t>(std::max<std::int64_t>(0, json::int_at(data, "output_index")));
  if (index < items_.size() && items_[index].is_object() &&
      (id.empty() || json::text_at(items_[index], "id").empty()))
    return items_[index].as_object();
  if (items_.size() >= kMaxItems) return items_.back().as_object();
  json::Object fresh{{"type", type}, {"id", id}, {"status", "in_progress"}};
  if (type == "message") fresh["role"] = "assistant";
  if (type == "function_call") fresh["arguments"] = "";
  items_.emplace_back(std::move(fresh));
  return items_.back().as_object();
}

void Output::apply_response(const json::Value& data) {
  std::string_view kind = kind_of(data);
  if (kind == "response.output_item.added" || kind == "response.output_item.done") {
    const json::Object* item = json::object_at(data, "item");
    if (!item) return;
    std::string_view id = json::text_at(*json::find(data, "item"), "id");
    for (json::Value& have : items_)
      if (!id.empty() && json::text_at(have, "id") == id) {
        have = *item;
        return;
      }
    if (items_.size() < kMaxItems) items_.emplace_back(*item);
    return;
  }
  const json::Value* delta = json::find(data, "delta");
  if (kind == "response.function_call_arguments.delta" && delta && delta->is_string()) {
    auto& arguments = item_for(data, "function_call")["arguments"];
    if (!arguments.is_string()) arguments = "";
    arguments.as_string().append(delta->as_string());
  } else if (kind == "response.function_call_arguments.done") {
    item_for(data, "function_call")["arguments"] = json::text_at(data, "arguments");
  } else if (kind.ends_with("_text.delta") && delta && delta->is_string()) {
    auto part =
        static_cast<std::size_t>(std::max<std::int64_t>(0, json::int_at(data, "content_index")));
    append_text(item_for(data, item_type_of(kind)), part, delta->as_string());
  }
}

void Output::apply_snapshot(const json::Value& data) {
  if (const json::Array* output = json::array_at(data, "output")) {
    items_.clear();
    for (const json::Value& item : *output)
      if (item.is_object() && items_.size() < kMaxItems) items_.push_back(item);
  }
  if (const json::Value* usage = json::find(data, "usage")) usage_ = *usage;
  if (const json::Value* error = json::find(data, "error"); error && !error->is_null()) error_ = *error;
  if (json::bool_at(data, "done")) done_ = true;
}

std::string Output::text() const {
  std::string out;
  for (const json::Value& item : items_) {
    if (json::text_at(item, "type") != "message") continue;
    std::string text = item_text(item);
    if (text.find_first_not_of(" \t\r\n") == text.npos) continue;
    if (!out.empty()) out += '\n';
    out += text;
  }
  return out;
}

void Output::close_items(std::string_view status) {
  for (json::Value& item : items_)
    if (json::text_at(item, "status") == "in_progress") item.as_object()["status"] = status;
}

}  // namespace antiphon::runs
