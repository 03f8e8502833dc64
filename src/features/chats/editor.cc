#include "features/chats/editor.h"

#include <boost/json.hpp>
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(SharedChat)

namespace {

using store::Sql;

constexpr std::size_t kMaxTitle = 1024;

/// Members of the chat JSON that live elsewhere than in `data`.
bool kept_elsewhere(std::string_view key) {
  for (std::string_view name : {"id", "title", "history", "messages", "tags", "timestamp"})
    if (key == name) return true;
  return false;
}

std::string title_of(const json::Value& chat) {
  std::string title(json::text_at(chat, "title"));
  if (title.size() > kMaxTitle) title.resize(kMaxTitle);
  return title.empty() ? "New Chat" : title;
}

/// The messages of a client's history, roots first, each parent before its children. Throws for cycles,
/// parents that are themselves, and more than one write may hold.
std::vector<Message> messages_of(const json::Value& chat, const std::string& chat_id, const std::string& user_id) {
  std::vector<Message> out;
  const json::Value* history = json::find(chat, "history");
  const json::Object* map = history ? json::object_at(*history, "messages") : nullptr;
  if (!map) return out;
  if (map->size() > Editor::kMaxMessages)
    throw Problem(Problem::Kind::too_large, "A chat may hold at most 20 000 messages in one write");
  std::map<std::string, Message> all;
  for (const auto& [key, value] : *map)
    if (auto m = from_client(value, chat_id, user_id)) all.emplace(m->id, std::move(*m));
  std::map<std::string, std::vector<std::string>> children;
  std::vector<std::string> ready;
  for (const auto& [id, m] : all) {
    if (m.parent_id == id) throw Problem(Problem::Kind::invalid, "A message cannot be its own parent");
    if (m.parent_id && all.contains(*m.parent_id))
      children[*m.parent_id].push_back(id);
    else
      ready.push_back(id);
  }
  while (!ready.empty()) {
    std::string id = std::move(ready.back());
    ready.pop_back();
    for (std::string& child : children[id]) ready.push_back(std::move(child));
    out.push_back(std::move(all.at(id)));
  }
  if (out.size() != all.size())
    throw Problem(Problem::Kind::invalid, "The chat's messages form a circle; every message needs a way back to the first");
  std::ranges::sort(out, [](const Message& a, const Message& b) {
    return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
  });
  return out;
}

std::string current_of(const json::Value& chat) {
  const json::Value* history = json::find(chat, "history");
  return history ? std::string(json::text_at(*history, "currentId")) : std::string();
}

constexpr Sql kUpdateMessage{"chats.update_message", R"(
    UPDATE chat_message
       SET content = $3, text = $4, output = $5, model_id = $6, files = $7, sources = $8, embeds = $9,
           status_history = $10, error = $11, usage = $12, meta = $13, extra = $14, updated_at = $15
     WHERE chat_id = $1 AND id = $2 AND done)"};

store::Bound updating(const Message& m) {
  return {kUpdateMessage, m.chat_id, m.id,     m.content, plain_text(m.content), m.output, m.model_id, m.files, m.sources,
          m.embeds,       m.status_history, m.error, m.usage,    m.meta,  m.extra,   m.updated_at};
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
  chat.last_read_at = now;
  chat.pinned = draft.pinned;
  chat.archived = draft.archived;
  chat.folder_id = draft.folder_id;
  chat.variables = draft.variables;
  chat.meta = draft.meta.is_object() ? draft.meta : json::Value(json::Object());
  json::Object data;
  if (draft.chat.is_object())
    for (const auto& [key, value] : draft.chat.as_object())
      if (!kept_elsewhere(json::view(key))) data[key] = value;
  chat.data = std::move(data);
  auto messages = messages_of(draft.chat, chat.id.value, owner.value);
  std::string current = current_of(draft.chat);
  for (Message& m : messages) {
    m.done = true;  // Nobody is writing an imported message.
    if (m.id == current) chat.current_message_id = current;
  }
  if (!chat.current_message_id && !messages.empty()) chat.current_message_id = messages.back().id;
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await Chats::insert(c, chat);
    for (const Message& m : messages) co_await Chats::insert(c, m);
  });
  co_return chat.id.value;
}

Task<> Editor::merge(const Chat& chat, const json::Value& form) {
  static constexpr Sql kSave{"chats.save", R"(
      UPDATE chat SET title = $2, data = $3, current_message_id = $4, updated_at = $5 WHERE id = $1)"};
  if (!form.is_object()) throw Problem(Problem::Kind::invalid, "chat should be an object").answering(422);
  json::Object data = chat.data.is_object() ? chat.data.as_object() : json::Object();
  for (const auto& [key, value] : form.as_object())
    if (!kept_elsewhere(json::view(key))) data[key] = value;
  auto messages = messages_of(form, chat.id.value, chat.user_id);
  std::vector<std::string> ids;
  for (const Message& m : messages) ids.push_back(m.id);
  std::map<std::string, Message> have;
  for (Message& m : co_await chats_.some(chat.id.value, ids)) have.emplace(m.id, std::move(m));
  std::optional<std::string> current = chat.current_message_id;
  if (std::string wanted = current_of(form); !wanted.empty())
    if (have.contains(wanted) || std::ranges::find(ids, wanted) != ids.end() ||
        co_await chats_.message(chat.id.value, wanted))
      current = wanted;
  std::string title = json::find(form, "title") ? title_of(form) : chat.title;
  std::int64_t now = unix_seconds();
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    for (Message& m : messages) {
      auto known = have.find(m.id);
      if (known == have.end()) {
        m.done = true;
        co_await Chats::insert(c, m);
      } else if (known->second.done && known->second.user_id == m.user_id) {
        co_await c.run_bound(updating(m));
      }
    }
    co_await c.run(kSave, chat.id, title, json::Value(data), current, now);
  });
}

Task<> Editor::merge_params(const Chat& chat, const json::Value& params) {
  static constexpr Sql kData{"chats.save_data", "UPDATE chat SET data = $2 WHERE id = $1"};
  json::Object data = chat.data.is_object() ? chat.data.as_object() : json::Object();
  json::Value& have = data["params"];
  if (!have.is_object()) have = json::Object();
  if (params.is_object())
    for (const auto& [key, value] : params.as_object()) {
      if (value.is_null())
        have.as_object().erase(key);
      else
        have.as_object()[key] = value;
    }
  co_await db_.run(kData, chat.id, json::Value(data));
}

Task<bool> Editor::edit_message(const Chat& chat, std::string message_id, std::string content) {
  static constexpr Sql kEdit{"chats.edit_message", R"(
      UPDATE chat_message SET content = $3, text = $4, output = NULL, updated_at = $5
       WHERE chat_id = $1 AND id = $2 AND done)"};
  std::int64_t now = unix_seconds();
  co_return co_await db_.run(kEdit, chat.id, message_id, json::Value(content), content, now) == 1;
}

/// Its children go to its parent, so that no branch is lost with it.
Task<bool> Editor::delete_message(const Chat& chat, std::string message_id) {
  static constexpr Sql kAdopt{"chats.adopt_children", R"(
      UPDATE chat_message SET parent_id = (SELECT parent_id FROM chat_message p WHERE p.chat_id = $1 AND p.id = $2)
       WHERE chat_id = $1 AND parent_id = $2)"};
  static constexpr Sql kDelete{"chats.delete_message", "DELETE FROM chat_message WHERE chat_id = $1 AND id = $2 AND done"};
  static constexpr Sql kCurrent{"chats.repair_current", R"(
      UPDATE chat SET updated_at = $3, current_message_id =
        (SELECT id FROM chat_message WHERE chat_id = $1 ORDER BY created_at DESC, position DESC LIMIT 1)
       WHERE id = $1 AND current_message_id = $2)"};
  auto message = co_await chats_.message(chat.id.value, message_id);
  if (!message || !message->done) co_return false;
  std::vector<store::Bound> statements;
  statements.emplace_back(kAdopt, chat.id, message_id);
  statements.emplace_back(kDelete, chat.id, message_id);
  statements.emplace_back(kCurrent, chat.id, message_id, unix_seconds());
  co_await db_.batch(std::move(statements));
  co_return true;
}

Task<> Editor::remove(std::string chat_id) {
  static constexpr Sql kRemove{"chats.remove", "DELETE FROM chat WHERE id = $1"};
  co_await db_.run(kRemove, chat_id);
}

Task<> Editor::remove_all(const UserId& owner) {
  static constexpr Sql kRemove{"chats.remove_all", "DELETE FROM chat WHERE user_id = $1"};
  co_await db_.run(kRemove, owner);
}

Task<std::string> Editor::copy(const Chat& chat, const UserId& owner, std::optional<std::string> title,
                               std::optional<std::string> leaf, json::Object meta) {
  Chat fresh = chat;
  fresh.id = {uuid4()};
  fresh.user_id = owner.value;
  fresh.title = title.value_or(chat.title);
  fresh.share_id.reset();
  fresh.pinned = fresh.archived = false;
  if (owner.value != chat.user_id) fresh.folder_id.reset();
  fresh.created_at = fresh.updated_at = unix_seconds();
  for (const auto& [key, value] : chat.meta.is_object() ? chat.meta.as_object() : json::Object())
    if (!meta.contains(key)) meta[key] = value;
  fresh.meta = std::move(meta);
  auto messages = leaf ? co_await chats_.branch(chat.id.value, *leaf) : co_await chats_.messages(chat.id.value);
  if (leaf) fresh.current_message_id = *leaf;
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await Chats::insert(c, fresh);
    for (Message& m : messages) {
      m.chat_id = fresh.id.value;
      m.user_id = owner.value;
      m.done = true;
      co_await Chats::insert(c, m);
    }
  });
  co_return fresh.id.value;
}

Task<> Editor::set_flags(std::string chat_id, bool pinned, bool archived) {
  static constexpr Sql kFlags{"chats.set_flags", "UPDATE chat SET pinned = $2, archived = $3 WHERE id = $1"};
  co_await db_.run(kFlags, chat_id, pinned, archived);
}

Task<> Editor::set_all_archived(const UserId& owner, bool archived) {
  static constexpr Sql kAll{"chats.set_all_archived", "UPDATE chat SET archived = $2 WHERE user_id = $1"};
  co_await db_.run(kAll, owner, archived);
}

Task<> Editor::move(std::string chat_id, std::optional<std::string> folder_id) {
  static constexpr Sql kMove{"chats.move", "UPDATE chat SET folder_id = $2, pinned = FALSE WHERE id = $1"};
  co_await db_.run(kMove, chat_id, folder_id);
}

Task<> Editor::empty_folders(const UserId& owner, std::vector<std::string> folder_ids, bool and_delete) {
  static constexpr Sql kDelete{
      "chats.delete_in_folders",
      "DELETE FROM chat WHERE user_id = $1 AND folder_id IN (SELECT value FROM json_each($2))",
      "DELETE FROM chat WHERE user_id = $1 AND folder_id = ANY($2::text[])"};
  static constexpr Sql kLeave{
      "chats.leave_folders",
      "UPDATE chat SET folder_id = NULL WHERE user_id = $1 AND folder_id IN (SELECT value FROM json_each($2))",
      "UPDATE chat SET folder_id = NULL WHERE user_id = $1 AND folder_id = ANY($2::text[])"};
  co_await db_.run(and_delete ? kDelete : kLeave, owner, folder_ids);
}

Task<> Editor::mark_read(std::string chat_id, std::int64_t at) {
  static constexpr Sql kRead{"chats.mark_read", "UPDATE chat SET last_read_at = $2 WHERE id = $1"};
  co_await db_.run(kRead, chat_id, at);
}

Task<> Editor::add_tag(const Chat& chat, std::string name) {
  static constexpr Sql kNames{"chats.tag_names", R"(
      SELECT tag.name AS value FROM chat_tag JOIN tag ON tag.id = chat_tag.tag_id AND tag.user_id = chat_tag.user_id
       WHERE chat_tag.chat_id = $1)"};
  if (name.empty() || name.size() > 100) throw Problem(Problem::Kind::invalid, "A tag has 1 to 100 characters");
  std::vector<std::string> names;
  for (TextRow& row : co_await db_.all<TextRow>(kNames, chat.id)) names.push_back(std::move(row.value));
  if (names.size() >= 50) throw Problem(Problem::Kind::invalid, "A chat may have at most 50 tags");
  if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  co_await rename_tags(chat, std::move(names));
}

Task<> Editor::remove_tag(const Chat& chat, std::string name) {
  static constexpr Sql kNames{"chats.other_tag_names", R"(
      SELECT tag.name AS value FROM chat_tag JOIN tag ON tag.id = chat_tag.tag_id AND tag.user_id = chat_tag.user_id
       WHERE chat_tag.chat_id = $1 AND tag.name <> $2 AND tag.id <> $2)"};
  std::vector<std::string> names;
  for (TextRow& row : co_await db_.all<TextRow>(kNames, chat.id, name)) names.push_back(std::move(row.value));
  co_await rename_tags(chat, std::move(names));
}

Task<> Editor::rename_tags(const Chat& chat, std::vector<std::string> names) {
  co_await Chats(db_).set_tags(chat.id.value, chat.user_id, std::move(names));
}

// ---------------------------------------------------------------------------------------------
// Sharing by link: a snapshot, so later messages stay private.

Task<std::string> Editor::share(const Chat& chat, std::optional<std::string> mode) {
  static constexpr Sql kInsert{"chats.share", R"(
      INSERT INTO shared_chat (id, chat_id, user_id, title, chat, share_mode, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
      ON CONFLICT (id) DO UPDATE SET title = excluded.title, chat = excluded.chat,
                                     share_mode = excluded.share_mode, updated_at = excluded.updated_at)"};
  static constexpr Sql kMark{"chats.mark_shared", "UPDATE chat SET share_id = $2 WHERE id = $1"};
  std::string id = chat.share_id.value_or(uuid4());
  json::Value snapshot = Chats::assemble(chat, co_await chats_.messages(chat.id.value));
  std::vector<store::Bound> statements;
  statements.emplace_back(kInsert, id, chat.id, chat.user_id, chat.title, snapshot, mode, unix_seconds());
  statements.emplace_back(kMark, chat.id, id);
  co_await db_.batch(std::move(statements));
  co_return id;
}

Task<bool> Editor::unshare(const Chat& chat) {
  static constexpr Sql kDelete{"chats.unshare", "DELETE FROM shared_chat WHERE chat_id = $1"};
  static constexpr Sql kMark{"chats.mark_unshared", "UPDATE chat SET share_id = NULL WHERE id = $1"};
  if (!chat.share_id) co_return false;
  std::vector<store::Bound> statements;
  statements.emplace_back(kDelete, chat.id);
  statements.emplace_back(kMark, chat.id);
  co_await db_.batch(std::move(statements));
  co_return true;
}

Task<> Editor::unshare_all(const UserId& owner) {
  static constexpr Sql kDelete{"chats.unshare_all", "DELETE FROM shared_chat WHERE user_id = $1"};
  static constexpr Sql kMark{"chats.mark_all_unshared", "UPDATE chat SET share_id = NULL WHERE user_id = $1"};
  std::vector<store::Bound> statements;
  statements.emplace_back(kDelete, owner);
  statements.emplace_back(kMark, owner);
  co_await db_.batch(std::move(statements));
}

Task<std::optional<SharedChat>> Editor::shared(std::string share_id) const {
  static constexpr Sql kShared{"chats.shared", R"(
      SELECT id, chat_id, user_id, title, chat, share_mode, created_at, updated_at FROM shared_chat WHERE id = $1)"};
  co_return co_await db_.first<SharedChat>(kShared, share_id);
}

Task<std::vector<SharedChat>> Editor::shared_by(const UserId& owner) const {
  static constexpr Sql kShared{"chats.shared_by", R"(
      SELECT id, chat_id, user_id, title, 'null' AS chat, share_mode, created_at, updated_at
        FROM shared_chat WHERE user_id = $1 ORDER BY updated_at DESC LIMIT 1000)"};
  co_return co_await db_.all<SharedChat>(kShared, owner);
}

}  // namespace antiphon::chats
