#include "features/chats/editor.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <unordered_set>

#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "features/chats/attached.h"
#include "features/chats/history.h"
#include "features/chats/lean_output.h"
#include "features/chats/text.h"

namespace antiphon::chats {
namespace {

using store::Sql;

/// Members of the chat JSON that live elsewhere than in `data`.
bool kept_elsewhere(std::string_view key) {
  for (std::string_view name : {"id", "title", "history", "messages", "tags", "timestamp"})
    if (key == name) return true;
  return false;
}

void put_data(json::Object& data, const json::Value& client) {
  if (!client.is_object()) return;
  for (const auto& [key, value] : client.as_object())
    if (!kept_elsewhere(json::view(key))) data[key] = value;
}

std::string title_of(const json::Value& chat) {
  std::string_view title = utf8_prefix(json::text_at(chat, "title"), kMaxTitle);
  return title.empty() ? "New Chat" : std::string(title);
}

json::Object object_or_empty(const json::Value& value) {
  return value.is_object() ? value.as_object() : json::Object();
}

std::vector<std::string> texts_at(const json::Value& value, std::string_view key) {
  std::vector<std::string> out;
  if (const json::Array* list = json::array_at(value, key))
    for (const json::Value& text : *list)
      if (text.is_string()) out.emplace_back(json::view(text.as_string()));
  return out;
}

constexpr Sql kUpdateMessage{"chats.update_message", R"(
    UPDATE chat_message
       SET content = $3, text = $4, output = $5, model_id = $6, files = $7, sources = $8, embeds = $9,
           status_history = $10, error = $11, usage = $12, meta = $13, extra = $14, context_summary = $15,
           updated_at = $16, file_ids = $17
     WHERE chat_id = $1 AND id = $2 AND done)"};

store::Bound updating(const Message& m) {
  return {kUpdateMessage,
          m.chat_id,
          m.id,
          m.content,
          words_of(plain_text(m.content)),
          lean_output(m),
          m.model_id,
          m.files,
          m.sources,
          m.embeds,
          m.status_history,
          m.error,
          m.usage,
          m.meta,
          m.extra,
          m.context_summary,
          m.updated_at,
          file_ids_of(m.files)};
}

/// What was said stays; what is said of it (ratings, variants, …) may change.
void keep_words(Message& changed, const Message& known) {
  changed.content = known.content;
  changed.output = known.output;
  changed.files = known.files;
}

Task<Chat> locked(store::Connection& c, std::string id) {
  auto chat = co_await Chats::lock(c, std::move(id));
  if (!chat) throw not_found("Chat");
  co_return std::move(*chat);
}

}  // namespace

Task<std::string> Editor::create(const UserId& owner, const ChatDraft& draft) {
  Chat chat;
  chat.id = {uuid4()};
  chat.user_id = owner.value;
  chat.title = title_of(draft.chat);
  std::int64_t now = unix_seconds();
  chat.created_at = draft.created_at.value_or(now);
  chat.updated_at = draft.updated_at.value_or(now);
  chat.last_read_at = std::max(now, chat.updated_at);
  chat.pinned = draft.pinned;
  chat.archived = draft.archived;
  chat.folder_id = draft.folder_id;
  chat.variables = draft.variables;
  json::Object data;
  put_data(data, draft.chat);
  chat.data = std::move(data);
  History history = History::read(draft.chat, chat.id.value, owner.value);
  std::unordered_set<std::string_view> there;
  for (History::Entry& entry : history.entries) {
    Message& m = entry.message;
    if (m.parent_id && !there.contains(*m.parent_id))
      m.parent_id.reset();  // Its parent was left behind.
    m.done = true;          // Nobody is writing an imported message.
    there.insert(m.id);
  }
  if (!history.leaf.empty())
    chat.current_message_id = history.leaf;
  else if (!history.entries.empty())
    chat.current_message_id = history.entries.back().message.id;
  json::Object meta = object_or_empty(draft.meta);
  auto tags = Chats::tagging(chat, texts_at(draft.meta, "tags"), meta);
  if (meta["tags"].as_array().empty()) meta.erase("tags");
  chat.meta = std::move(meta);
  std::vector<store::Bound> statements{Chats::inserting(chat)};
  for (const History::Entry& entry : history.entries)
    statements.push_back(Chats::inserting(entry.message));
  for (store::Bound& tag : tags) statements.push_back(std::move(tag));
  co_await db_.batch(std::move(statements));
  co_return chat.id.value;
}

Task<> Editor::merge(const Chat& chat, const json::Value& form, bool may_edit) {
  static constexpr Sql kSave{"chats.save", R"(
      UPDATE chat SET title = $2, title_folded = $3, data = $4, current_message_id = $5, updated_at = $6
       WHERE id = $1)"};
  if (!form.is_object())
    throw Problem(Problem::Kind::invalid, "chat should be an object").answering(422);
  History history = History::read(form, chat.id.value, chat.user_id);
  std::vector<std::string> ids = history.ids();
  if (!history.current.empty()) ids.push_back(history.current);
  for (const History::Entry& entry : history.entries)
    if (entry.message.parent_id) ids.push_back(*entry.message.parent_id);
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    Chat now = co_await locked(c, chat.id.value);
    bool spoke = false;  // A new name, say, does not move the chat to the top of the list.
    std::map<std::string, Message> have;
    if (!ids.empty())
      for (Message& m : co_await Chats::some(c, now.id.value, ids)) have.emplace(m.id, std::move(m));
    for (const History::Entry& entry : history.entries) {
      if (auto known = have.find(entry.message.id); known != have.end()) {
        if (!known->second.done) continue;
        auto changed = changed_by(known->second, *entry.client);
        if (changed && !may_edit) keep_words(*changed, known->second);
        if (changed) {
          co_await c.run_bound(updating(*changed));
          spoke = true;
        }
        continue;
      }
      Message m = entry.message;
      if (m.parent_id && !have.contains(*m.parent_id)) m.parent_id.reset();
      m.done = true;
      (void)co_await c.run_bound(Chats::appending(m));
      have.emplace(m.id, m);
      spoke = true;
    }
    std::optional<std::string> current = now.current_message_id;
    if (have.contains(history.current))
      current = co_await Chats::deepest_below(c, now.id.value, history.current);
    std::string title = json::find(form, "title") ? title_of(form) : now.title;
    json::Object data = object_or_empty(now.data);
    put_data(data, form);
    co_await c.run(kSave, now.id, title, fold(title), json::Value(std::move(data)), current,
                   spoke ? unix_seconds() : now.updated_at);
  });
}

Task<> Editor::set_variables(const Chat& chat, const json::Value& variables) {
  static constexpr Sql kVariables{"chats.save_variables",
                                  "UPDATE chat SET variables = $2 WHERE id = $1"};
  co_await db_.run(kVariables, chat.id, variables);
}

Task<json::Object> Editor::merge_params(const Chat& chat, const json::Value& params) {
  static constexpr Sql kData{"chats.save_data", "UPDATE chat SET data = $2 WHERE id = $1"};
  if (!params.is_object())
    throw Problem(Problem::Kind::invalid, "The parameters should be an object").answering(422);
  json::Object out;
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    Chat now = co_await locked(c, chat.id.value);
    json::Object data = object_or_empty(now.data);
    out = object_or_empty(data["params"]);
    for (const auto& [key, value] : params.as_object()) {
      if (value.is_null())
        out.erase(key);
      else
        out[key] = value;
    }
    data["params"] = out;
    co_await c.run(kData, now.id, json::Value(std::move(data)));
  });
  co_return out;
}

Task<std::string> Editor::copy(const Chat& chat, const UserId& owner, CopyDraft draft) {
  Chat fresh = chat;
  fresh.id = {uuid4()};
  fresh.user_id = owner.value;
  fresh.title = utf8_prefix(draft.title, kMaxTitle);
  fresh.share_id.reset();
  fresh.pinned = fresh.archived = false;
  if (owner.value != chat.user_id) fresh.folder_id.reset();
  fresh.created_at = fresh.updated_at = unix_seconds();
  fresh.last_read_at = fresh.updated_at;
  fresh.current_message_id = draft.current;
  json::Object data = object_or_empty(chat.data);
  data["originalChatId"] = chat.id.value;
  if (draft.current) data["branchPointMessageId"] = *draft.current;
  fresh.data = std::move(data);
  auto tags = Chats::tagging(fresh, texts_at(chat.meta, "tags"), draft.meta);
  if (draft.meta["tags"].as_array().empty()) draft.meta.erase("tags");
  fresh.meta = std::move(draft.meta);
  std::vector<store::Bound> statements{Chats::inserting(fresh)};
  for (Message& m : draft.messages) {
    m.chat_id = fresh.id.value;
    m.user_id = owner.value;
    m.done = true;
    statements.push_back(Chats::inserting(m));
  }
  for (store::Bound& tag : tags) statements.push_back(std::move(tag));
  co_await db_.batch(std::move(statements));
  co_return fresh.id.value;
}

}  // namespace antiphon::chats
