#include "features/chats/chats.h"

#include <boost/json.hpp>

#include "base/problem.h"
#include "base/time.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(Chat)
ANTIPHON_DTO_DEFINE(Message)
ANTIPHON_DTO_DEFINE(TextRow)
ANTIPHON_DTO_DEFINE(ChildRow)

namespace {

using store::Sql;

#define ANTIPHON_MESSAGE_COLUMNS                                                                    \
  "chat_id, id, parent_id, user_id, role, content, output, model_id, done, files, sources, embeds, " \
  "status_history, error, usage, context_summary, meta, extra, position, created_at, updated_at"

#define ANTIPHON_MESSAGE_COLUMNS_OF(t)                                                               \
  t ".chat_id, " t ".id, " t ".parent_id, " t ".user_id, " t ".role, " t ".content, " t ".output, " \
  t ".model_id, " t ".done, " t ".files, " t ".sources, " t ".embeds, " t ".status_history, " t     \
    ".error, " t ".usage, " t ".context_summary, " t ".meta, " t ".extra, " t ".position, " t       \
    ".created_at, " t ".updated_at"

/// "My Tag" and "my tag" are one: upstream's ids are lower case with underscores.
std::string tag_id(std::string_view name) {
  std::string out;
  for (char c : name) out += c == ' ' ? '_' : (c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c;
  return out;
}

}  // namespace

Task<std::optional<Chat>> Chats::find(std::string id) const {
  static constexpr Sql kFind{"chats.find", R"(
      SELECT id, user_id, title, created_at, updated_at, archived, pinned, folder_id, share_id,
             last_read_at, current_message_id, meta, data, variables, tasks, summary
        FROM chat WHERE id = $1)"};
  co_return co_await db_.first<Chat>(kFind, id);
}

Task<std::optional<Message>> Chats::message(std::string chat_id, std::string id) const {
  static constexpr Sql kMessage{"chats.message", "SELECT " ANTIPHON_MESSAGE_COLUMNS
                                                 " FROM chat_message WHERE chat_id = $1 AND id = $2"};
  co_return co_await db_.first<Message>(kMessage, chat_id, id);
}

Task<std::vector<Message>> Chats::branch(std::string chat_id, std::string leaf, std::int64_t limit) const {
  // UNION ALL with a depth bound: a cycle (row 120) costs at most `limit` steps.
  static constexpr Sql kBranch{"chats.branch",
                               "WITH RECURSIVE up(id, parent_id, depth) AS ("
                               " SELECT id, parent_id, 1 FROM chat_message WHERE chat_id = $1 AND id = $2"
                               " UNION ALL"
                               " SELECT m.id, m.parent_id, up.depth + 1 FROM up"
                               " JOIN chat_message m ON m.chat_id = $1 AND m.id = up.parent_id"
                               " WHERE up.depth < $3)"
                               " SELECT " ANTIPHON_MESSAGE_COLUMNS_OF("m")
                               " FROM up JOIN chat_message m ON m.chat_id = $1 AND m.id = up.id"
                               " ORDER BY up.depth DESC"};
  co_return co_await db_.all<Message>(kBranch, chat_id, leaf, limit);
}

Task<std::vector<Message>> Chats::messages(std::string chat_id) const {
  static constexpr Sql kMessages{"chats.messages", "SELECT " ANTIPHON_MESSAGE_COLUMNS
                                                   " FROM chat_message WHERE chat_id = $1 ORDER BY position, id"};
  co_return co_await db_.all<Message>(kMessages, chat_id);
}

Task<std::vector<Message>> Chats::some(std::string chat_id, std::vector<std::string> ids) const {
  static constexpr Sql kSome{"chats.some",
                             "SELECT " ANTIPHON_MESSAGE_COLUMNS
                             " FROM chat_message WHERE chat_id = $1 AND id IN (SELECT value FROM json_each($2))",
                             "SELECT " ANTIPHON_MESSAGE_COLUMNS
                             " FROM chat_message WHERE chat_id = $1 AND id = ANY($2::text[])"};
  co_return co_await db_.all<Message>(kSome, chat_id, ids);
}

Task<std::vector<ChildRow>> Chats::children(std::string chat_id, std::vector<std::string> parents,
                                            bool roots) const {
  static constexpr Sql kChildren{"chats.children", R"(
      SELECT id, parent_id FROM chat_message
       WHERE chat_id = $1 AND parent_id IN (SELECT value FROM json_each($2))
      UNION ALL
      SELECT id, parent_id FROM chat_message WHERE chat_id = $1 AND parent_id IS NULL AND $3 = 1)",
                                 R"(
      SELECT id, parent_id FROM chat_message
       WHERE chat_id = $1 AND (parent_id = ANY($2::text[]) OR (parent_id IS NULL AND $3::int = 1))
       ORDER BY position, id)"};
  co_return co_await db_.all<ChildRow>(kChildren, chat_id, parents, roots);
}

Task<std::string> Chats::deepest_below(std::string chat_id, std::string id) const {
  static constexpr Sql kDeepest{"chats.deepest_below", R"(
      WITH RECURSIVE down(id, depth) AS (
        SELECT id, 1 FROM chat_message WHERE chat_id = $1 AND id = $2
        UNION ALL
        SELECT (SELECT m.id FROM chat_message m WHERE m.chat_id = $1 AND m.parent_id = down.id
                 ORDER BY m.position DESC LIMIT 1), down.depth + 1
          FROM down WHERE down.id IS NOT NULL AND down.depth < 10000)
      SELECT id AS value FROM down WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1)"};
  auto row = co_await db_.first<TextRow>(kDeepest, chat_id, id);
  co_return row ? row->value : id;
}

Task<> Chats::insert(store::Connection& c, const Chat& chat) {
  static constexpr Sql kInsert{"chats.insert", R"(
      INSERT INTO chat (id, user_id, title, created_at, updated_at, archived, pinned, folder_id,
                        last_read_at, current_message_id, meta, data, variables)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13))"};
  co_await c.run(kInsert, chat.id, chat.user_id, chat.title, chat.created_at, chat.updated_at,
                 chat.archived, chat.pinned, chat.folder_id, chat.last_read_at, chat.current_message_id,
                 chat.meta, chat.data, chat.variables);
}

Task<> Chats::insert(store::Connection& c, const Message& m) {
  static constexpr Sql kInsert{"chats.insert_message", R"(
      INSERT INTO chat_message (chat_id, id, parent_id, user_id, role, content, text, output, model_id,
                                done, files, sources, embeds, status_history, error, usage,
                                context_summary, meta, extra, position, created_at, updated_at)
      SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
             COALESCE(MAX(position), 0) + 1, $20, $21
        FROM chat_message WHERE chat_id = $1 AND (parent_id = $3 OR (parent_id IS NULL AND $3 IS NULL)))",
                               R"(
      INSERT INTO chat_message (chat_id, id, parent_id, user_id, role, content, text, output, model_id,
                                done, files, sources, embeds, status_history, error, usage,
                                context_summary, meta, extra, position, created_at, updated_at)
      SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text,
             $10::boolean, $11::text, $12::text, $13::text, $14::text, $15::text, $16::text, $17::text,
             $18::text, $19::text, COALESCE(MAX(position), 0) + 1, $20::bigint, $21::bigint
        FROM chat_message WHERE chat_id = $1::text AND parent_id IS NOT DISTINCT FROM $3::text)"};
  co_await c.run(kInsert, m.chat_id, m.id, m.parent_id, m.user_id, m.role, m.content,
                 plain_text(m.content), m.output, m.model_id, m.done, m.files, m.sources, m.embeds,
                 m.status_history, m.error, m.usage, m.context_summary, m.meta, m.extra, m.created_at,
                 m.updated_at);
}

Task<> Chats::finish_message(store::Connection& c, const Message& m) {
  static constexpr Sql kFinish{"chats.finish_message", R"(
      UPDATE chat_message
         SET content = $3, text = $4, output = $5, usage = $6, error = $7, done = $8, updated_at = $9
       WHERE chat_id = $1 AND id = $2)"};
  static constexpr Sql kTouch{"chats.touch", "UPDATE chat SET updated_at = $2 WHERE id = $1"};
  co_await c.run(kFinish, m.chat_id, m.id, m.content, plain_text(m.content), m.output, m.usage, m.error,
                 m.done, m.updated_at);
  co_await c.run(kTouch, m.chat_id, m.updated_at);
}

Task<> Chats::advance(store::Connection& c, const std::string& chat_id, const std::string& current,
                      const json::Value& data, std::int64_t now) {
  static constexpr Sql kAdvance{"chats.advance", R"(
      UPDATE chat SET current_message_id = $2, data = $3, updated_at = $4 WHERE id = $1)"};
  co_await c.run(kAdvance, chat_id, current, data, now);
}

Task<bool> Chats::reopen_message(store::Connection& c, const std::string& chat_id, const std::string& id,
                                 const std::string& run_id) {
  static constexpr Sql kReopen{"chats.reopen_message", R"(
      UPDATE chat_message SET done = FALSE, error = NULL, meta = $3
       WHERE chat_id = $1 AND id = $2 AND role = 'assistant')"};
  json::Value meta = json::Object{{"task_id", run_id}};
  co_return co_await c.run(kReopen, chat_id, id, meta) == 1;
}

Task<> Chats::set_title(std::string chat_id, std::string title) {
  static constexpr Sql kTitle{"chats.set_title", "UPDATE chat SET title = $2 WHERE id = $1"};
  co_await db_.run(kTitle, chat_id, title);
}

Task<bool> Chats::name_unnamed(std::string chat_id, std::string title) {
  static constexpr Sql kName{"chats.name_unnamed",
                             "UPDATE chat SET title = $2 WHERE id = $1 AND title = 'New Chat'"};
  co_return co_await db_.run(kName, chat_id, title) == 1;
}

Task<> Chats::close_open_messages(std::string chat_id) {
  static constexpr Sql kClose{"chats.close_open_messages", R"(
      UPDATE chat_message SET done = TRUE
       WHERE chat_id = $1 AND NOT done
         AND NOT EXISTS (SELECT 1 FROM run WHERE run.chat_id = chat_message.chat_id
                            AND run.message_id = chat_message.id AND run.state < 10))"};
  co_await db_.run(kClose, chat_id);
}

Task<> Chats::set_tags(std::string chat_id, std::string user_id, std::vector<std::string> names) {
  static constexpr Sql kClear{"chats.clear_tags", "DELETE FROM chat_tag WHERE chat_id = $1"};
  static constexpr Sql kTag{"chats.add_tag", R"(
      INSERT INTO tag (id, name, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING)"};
  static constexpr Sql kLink{"chats.link_tag", R"(
      INSERT INTO chat_tag (user_id, tag_id, chat_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING)"};
  static constexpr Sql kSave{"chats.save_meta", "UPDATE chat SET meta = $2 WHERE id = $1"};
  auto chat = co_await find(chat_id);
  if (!chat) co_return;
  json::Array ids;
  std::vector<store::Bound> statements{{kClear, chat_id}};
  for (const std::string& name : names) {
    std::string id = tag_id(name);
    ids.emplace_back(id);
    statements.emplace_back(kTag, id, name, user_id);
    statements.emplace_back(kLink, user_id, id, chat_id);
  }
  if (!chat->meta.is_object()) chat->meta = json::Object();
  chat->meta.as_object()["tags"] = std::move(ids);
  statements.emplace_back(kSave, chat_id, chat->meta);
  co_await db_.batch(std::move(statements));
}

Task<> Chats::merge_extra(std::string chat_id, std::string id, json::Object members) {
  static constexpr Sql kSave{"chats.save_extra",
                             "UPDATE chat_message SET extra = $3 WHERE chat_id = $1 AND id = $2"};
  auto have = co_await message(chat_id, id);
  if (!have) co_return;
  json::Value extra = have->extra && have->extra->is_object() ? *have->extra : json::Value(json::Object());
  for (auto& member : members) extra.as_object()[member.key()] = std::move(member.value());
  co_await db_.run(kSave, chat_id, id, extra);
}

// ---------------------------------------------------------------------------------------------

Task<Chat> Guard::owned(const User& me, std::string id) const {
  auto chat = co_await chats_.find(std::move(id));
  if (!chat || chat->user_id != me.id.value) throw not_found("Chat").answering(401);
  co_return std::move(*chat);
}
Task<Granted<Chat, Right::read>> Guard::read(const User& me, std::string id) const {
  co_return Granted<Chat, Right::read>::after_check(co_await owned(me, std::move(id)));
}
Task<Granted<Chat, Right::write>> Guard::write(const User& me, std::string id) const {
  co_return Granted<Chat, Right::write>::after_check(co_await owned(me, std::move(id)));
}
Task<Granted<Chat, Right::own>> Guard::own(const User& me, std::string id) const {
  co_return Granted<Chat, Right::own>::after_check(co_await owned(me, std::move(id)));
}

}  // namespace antiphon::chats
