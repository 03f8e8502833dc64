#include <boost/json.hpp>
#include <map>
#include <tuple>

#include "base/time.h"
#include "features/chats/chats.h"

namespace antiphon::chats {
namespace {

/// The message JSON's members that have columns. The rest is kept in `extra` as it came.
constexpr std::string_view kColumns[] = {
    "id",    "parentId",      "childrenIds", "role",      "content",        "output",
    "model", "done",          "files",       "error",     "sources",        "embeds",
    "usage", "statusHistory", "meta",        "timestamp", "contextSummary", "user_id"};

bool has_column(std::string_view key) {
  for (std::string_view column : kColumns)
    if (key == column) return true;
  return false;
}

void put(json::Object& out, std::string_view key, const std::optional<json::Value>& value) {
  if (value && !value->is_null()) out[key] = *value;
}

std::optional<json::Value> take(const json::Value& message, std::string_view key) {
  const json::Value* value = json::find(message, key);
  if (!value || value->is_null()) return std::nullopt;
  return *value;
}

}  // namespace

std::string plain_text(const json::Value& content) {
  if (content.is_string()) return std::string(json::view(content.as_string()));
  std::string out;
  if (!content.is_array()) return out;
  for (const json::Value& part : content.as_array()) {
    std::string_view text = json::text_at(part, "text");
    if (text.empty()) continue;
    if (!out.empty()) out += '\n';
    out += text;
  }
  return out;
}

json::Object to_client(const Message& m, const std::vector<std::string>& children) {
  json::Object out;
  if (m.extra && m.extra->is_object()) out = m.extra->as_object();
  out["id"] = m.id;
  out["parentId"] = m.parent_id ? json::Value(*m.parent_id) : json::Value(nullptr);
  json::Array ids;
  for (const std::string& child : children) ids.emplace_back(child);
  out["childrenIds"] = std::move(ids);
  out["role"] = m.role;
  out["content"] = m.content;
  out["timestamp"] = m.created_at;
  if (m.role == "assistant") out["done"] = m.done;
  if (m.model_id) out["model"] = *m.model_id;
  if (m.context_summary) out["contextSummary"] = *m.context_summary;
  out["user_id"] = m.user_id;
  put(out, "output", m.output);
  put(out, "files", m.files);
  put(out, "sources", m.sources);
  put(out, "embeds", m.embeds);
  put(out, "statusHistory", m.status_history);
  put(out, "error", m.error);
  put(out, "usage", m.usage);
  put(out, "meta", m.meta);
  return out;
}

std::optional<Message> from_client(const json::Value& in, const std::string& chat_id,
                                   const std::string& user_id) {
  if (!in.is_object()) return std::nullopt;
  Message m;
  m.chat_id = chat_id;
  m.id = json::text_at(in, "id");
  m.role = json::text_at(in, "role");
  if (m.id.empty() || m.id.size() > 128) return std::nullopt;
  if (m.role != "user" && m.role != "assistant" && m.role != "system") return std::nullopt;
  m.user_id = user_id;
  if (auto parent = json::text_at(in, "parentId"); !parent.empty()) m.parent_id = parent;
  m.content = take(in, "content").value_or(json::Value(""));
  if (!m.content.is_string() && !m.content.is_array()) m.content = "";
  if (plain_text(m.content).size() > kMaxMessageText) return std::nullopt;
  if (auto model = json::text_at(in, "model"); !model.empty()) m.model_id = model;
  if (auto summary = json::text_at(in, "contextSummary"); !summary.empty()) m.context_summary = summary;
  m.done = json::bool_at(in, "done", true);
  m.output = take(in, "output");
  m.files = take(in, "files");
  m.sources = take(in, "sources");
  m.embeds = take(in, "embeds");
  m.status_history = take(in, "statusHistory");
  m.error = take(in, "error");
  m.usage = take(in, "usage");
  m.meta = take(in, "meta");
  m.created_at = json::int_at(in, "timestamp", unix_seconds());
  m.updated_at = unix_seconds();
  json::Object rest;
  for (const auto& member : in.as_object())
    if (!has_column(json::view(member.key())) && !member.value().is_null())
      rest[member.key()] = member.value();
  if (!rest.empty()) m.extra = std::move(rest);
  return m;
}

std::optional<Message> changed_by(const Message& have, const json::Value& client) {
  if (!client.is_object()) return std::nullopt;
  json::Object merged = to_client(have, {});
  for (const auto& [key, value] : client.as_object())
    if (key != "content" || value.is_string() || value.is_array()) merged[key] = value;
  merged["id"] = have.id;
  merged["role"] = have.role;
  auto m = from_client(std::move(merged), have.chat_id, have.user_id);
  if (!m) return std::nullopt;
  m->parent_id = have.parent_id;
  m->done = have.done;
  m->position = have.position;
  m->created_at = have.created_at;
  auto content = [](const Message& x) {
    return std::tie(x.content, x.output, x.model_id, x.files, x.sources, x.embeds, x.status_history,
                    x.error, x.usage, x.context_summary, x.meta, x.extra);
  };
  if (content(*m) == content(have)) return std::nullopt;
  return m;
}

json::Object Chats::assemble(const Chat& chat, const std::vector<Message>& messages) {
  std::map<std::string_view, std::vector<std::string>> children;
  for (const Message& m : messages)
    if (m.parent_id) children[*m.parent_id].push_back(m.id);
  json::Object history_messages;
  for (const Message& m : messages) history_messages[m.id] = to_client(m, children[m.id]);
  json::Object out;
  if (chat.data.is_object()) out = chat.data.as_object();
  out["id"] = chat.id.value;
  out["title"] = chat.title;
  out["history"] =
      json::Object{{"messages", std::move(history_messages)},
                   {"currentId", chat.current_message_id ? json::Value(*chat.current_message_id)
                                                         : json::Value(nullptr)}};
  if (!out.contains("models")) out["models"] = json::Array();
  if (!out.contains("params")) out["params"] = json::Object();
  if (!out.contains("files")) out["files"] = json::Array();
  out["tags"] = json::array_at(chat.meta, "tags") ? json::Value(*json::array_at(chat.meta, "tags"))
                                                  : json::Value(json::Array());
  out["timestamp"] = chat.created_at * 1000;
  return out;
}

}  // namespace antiphon::chats
