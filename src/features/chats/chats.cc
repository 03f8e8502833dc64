#include "features/chats/chats.h"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <unordered_set>

#include "base/encode.h"
#include "base/problem.h"
#include "base/time.h"
#include "features/chats/attached.h"
#include "features/chats/lean_output.h"
#include "features/chats/text.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(Chat)
ANTIPHON_DTO_DEFINE(Message)
ANTIPHON_DTO_DEFINE(TextRow)
ANTIPHON_DTO_DEFINE(PlaceRow)

namespace {

using store::Sql;

#define ANTIPHON_MESSAGE_COLUMNS                                                                     \
  "chat_id, id, parent_id, user_id, role, content, output, model_id, done, files, sources, embeds, " \
  "status_history, error, usage, context_summary, meta, extra, position, created_at, updated_at"

#define ANTIPHON_MESSAGE_COLUMNS_OF(t)                                                                \
  t ".chat_id, " t ".id, " t ".parent_id, " t ".user_id, " t ".role, " t ".content, " t ".output, " t \
    ".model_id, " t ".done, " t ".files, " t ".sources, " t ".embeds, " t ".status_history, " t       \
    ".error, " t ".usage, " t ".context_summary, " t ".meta, " t ".extra, " t ".position, " t         \
    ".created_at, " t ".updated_at"

#define ANTIPHON_CHAT_COLUMNS                                                                         \
  "id, user_id, title, created_at, updated_at, archived, pinned, folder_id, share_id, last_read_at, " \
  "current_message_id, meta, data, variables, tasks, summary"

// The numbered arguments are those of message_args().
#define ANTIPHON_INSERT_MESSAGE(position)                                                             \
  "INSERT INTO chat_message (chat_id, id, parent_id, user_id, role, content, text, output, model_id," \
  " done, files, sources, embeds, status_history, error, usage, context_summary, meta, extra,"        \
  " created_at, updated_at, file_ids, position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"     \
  " $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, " position ")"

constexpr Sql kInsertHere{"chats.insert_message_here", ANTIPHON_INSERT_MESSAGE("$23")};
// One form for roots and one for the rest, because only so both engines find the last one by the index.
constexpr Sql kInsertRoot{
    "chats.insert_root",
    ANTIPHON_INSERT_MESSAGE("COALESCE((SELECT MAX(position) FROM chat_message WHERE chat_id = $1"
                            " AND parent_id IS NULL), 0) + 1")};
constexpr Sql kInsertChild{
    "chats.insert_child",
    ANTIPHON_INSERT_MESSAGE("COALESCE((SELECT MAX(position) FROM chat_message WHERE chat_id = $1"
                            " AND parent_id = $3), 0) + 1")};

std::string searched(const json::Value& content) {
  return words_of(plain_text(content));
}

std::vector<Message> filled(std::vector<Message> rows) {
  std::ranges::for_each(rows, fill_output);
  return rows;
}

}  // namespace

Task<std::optional<Chat>> Chats::find(std::string id) const {
  static constexpr Sql kFind{"chats.find", "SELECT " ANTIPHON_CHAT_COLUMNS " FROM chat WHERE id = $1"};
  co_return co_await db_.first<Chat>(kFind, id);
}

Task<std::optional<Message>> Chats::message(std::string chat_id, std::string id) const {
  static constexpr Sql kMessage{"chats.message", "SELECT " ANTIPHON_MESSAGE_COLUMNS
                                                 " FROM chat_message WHERE chat_id = $1 AND id = $2"};
  auto row = co_await db_.first<Message>(kMessage, chat_id, id);
  if (row) fill_output(*row);
  co_return row;
}

Task<std::vector<Message>> Chats::branch(std::string chat_id, std::string leaf,
                                         std::int64_t limit) const {
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
  auto branch = co_await db_.all<Message>(kBranch, chat_id, leaf, limit);
  // Where a circle closed, all but its last round goes.
  std::unordered_set<std::string_view> seen;
  auto first = branch.end();
  while (first != branch.begin() && seen.insert(std::prev(first)->id).second) --first;
  if (first != branch.begin()) branch.erase(branch.begin(), first);
  co_return filled(std::move(branch));
}

Task<std::vector<Message>> Chats::messages(std::string chat_id) const {
  static constexpr Sql kMessages{"chats.messages",
                                 "SELECT " ANTIPHON_MESSAGE_COLUMNS
                                 " FROM chat_message WHERE chat_id = $1 ORDER BY position, id"};
  co_return filled(co_await db_.all<Message>(kMessages, chat_id));
}

Task<std::vector<Message>> Chats::some(store::Connection& c, std::string chat_id,
                                       std::vector<std::string> ids) {
  static constexpr Sql kSome{
      "chats.some",
      "SELECT " ANTIPHON_MESSAGE_COLUMNS
      " FROM chat_message WHERE chat_id = $1 AND id IN (SELECT value FROM json_each($2))",
      "SELECT " ANTIPHON_MESSAGE_COLUMNS
      " FROM chat_message WHERE chat_id = $1 AND id = ANY($2::text[])"};
  co_return filled(co_await c.all<Message>(kSome, chat_id, ids));
}

Task<std::vector<PlaceRow>> Chats::beside(std::string chat_id, std::vector<std::string> ids) const {
// The column of an answer; spelled as in the index chat_message_alternatives, which serves all of this.
#define ANTIPHON_LANE_SQLITE(t)                       \
  "COALESCE(CAST(substr(" t ".extra, NULLIF(instr(" t \
  ".extra, '\"modelIdx\":'), 0) + 11, 9)"             \
  " AS INTEGER), 0)"
#define ANTIPHON_LANE_POSTGRES(t) \
  "COALESCE(substring(" t ".extra FROM '\"modelIdx\":([0-9]{1,9})')::int, 0)"
#define ANTIPHON_ANSWERS(kin)                                                      \
  " FROM chat_message s WHERE s.chat_id = $1 AND COALESCE(s.parent_id, '') = " kin \
  " AND s.role = 'assistant'"
#define ANTIPHON_ALTERNATIVES(lane)                                                  \
  " FROM chat_message s WHERE s.chat_id = $1 AND COALESCE(s.parent_id, '') = me.kin" \
  " AND s.role = me.role AND " lane("s") " = me.lane"
#define ANTIPHON_BESIDE(among, lane) \
  "WITH RECURSIVE shown AS ("                                                                        \
  "  SELECT m.id, COALESCE(m.parent_id, '') AS kin, m.role, " lane("m") " AS own"                    \
  "    FROM chat_message m WHERE m.chat_id = $1 AND m.id " among "),"                                \
  " lanes(kin, own, lane, depth) AS ("                                                               \
  "  SELECT kin, own, (SELECT " lane("s") ANTIPHON_ANSWERS("shown.kin")                              \
  "                     ORDER BY " lane("s") " LIMIT 1), 1 FROM shown WHERE role = 'assistant'"      \
  "  UNION ALL"                                                                                      \
  "  SELECT kin, own, (SELECT " lane("s") ANTIPHON_ANSWERS("lanes.kin") " AND " lane("s")            \
  "                     > lanes.lane ORDER BY " lane("s") " LIMIT 1), depth + 1"                     \
  "    FROM lanes WHERE lane IS NOT NULL AND depth < $3),"                                           \
  " ids AS ("                                                                                        \
  "  SELECT id FROM shown"                                                                           \
  "  UNION"                                                                                          \
  "  SELECT (SELECT s.id" ANTIPHON_ANSWERS("lanes.kin") " AND " lane("s") " = lanes.lane"            \
  "           ORDER BY s.position DESC, s.id DESC LIMIT 1) FROM lanes WHERE lane <> own"             \
  "  UNION"                                                                                          \
  "  SELECT id FROM chat_message WHERE chat_id = $1 AND NOT done),"                                  \
  " me AS ("                                                                                         \
  "  SELECT m.id, COALESCE(m.parent_id, '') AS kin, m.role, " lane("m") " AS lane, m.position"       \
  "    FROM ids JOIN chat_message m ON m.chat_id = $1 AND m.id = ids.id)"                            \
  " SELECT me.id, (SELECT count(*)" ANTIPHON_ALTERNATIVES(lane) ") AS total,"                        \
  " (SELECT count(*)" ANTIPHON_ALTERNATIVES(lane) " AND (s.position, s.id) < (me.position, me.id))"  \
  "   AS place,"                                                                                     \
  " (SELECT s.id" ANTIPHON_ALTERNATIVES(lane) " AND (s.position, s.id) < (me.position, me.id)"       \
  "   ORDER BY s.position DESC, s.id DESC LIMIT 1) AS previous,"                                     \
  " (SELECT s.id" ANTIPHON_ALTERNATIVES(lane) " AND (s.position, s.id) > (me.position, me.id)"       \
  "   ORDER BY s.position, s.id LIMIT 1) AS next FROM me"
  static constexpr Sql kBeside{
      "chats.beside", ANTIPHON_BESIDE("IN (SELECT value FROM json_each($2))", ANTIPHON_LANE_SQLITE),
      ANTIPHON_BESIDE("= ANY($2::text[])", ANTIPHON_LANE_POSTGRES)};
  co_return co_await db_.all<PlaceRow>(kBeside, chat_id, ids, kColumns);
}

Task<std::string> Chats::deepest_below(store::Connection& c, std::string chat_id, std::string id) {
  static constexpr Sql kDeepest{"chats.deepest_below", R"(
      WITH RECURSIVE down(id, depth) AS (
        SELECT id, 1 FROM chat_message WHERE chat_id = $1 AND id = $2
        UNION ALL
        SELECT (SELECT m.id FROM chat_message m WHERE m.chat_id = $1 AND m.parent_id = down.id
                 ORDER BY m.position DESC, m.id DESC LIMIT 1), down.depth + 1
          FROM down WHERE down.id IS NOT NULL AND down.depth < 10000)
      SELECT id AS value FROM down WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1)"};
  auto row = co_await c.first<TextRow>(kDeepest, chat_id, id);
  co_return row ? row->value : id;
}

Task<std::optional<Chat>> Chats::lock(store::Connection& c, std::string id) {
  static constexpr Sql kLock{"chats.lock", "SELECT " ANTIPHON_CHAT_COLUMNS " FROM chat WHERE id = $1",
                             "SELECT " ANTIPHON_CHAT_COLUMNS " FROM chat WHERE id = $1 FOR UPDATE"};
  co_return co_await c.first<Chat>(kLock, id);
}

store::Bound Chats::inserting(const Chat& chat) {
  static constexpr Sql kInsert{"chats.insert", R"(
      INSERT INTO chat (id, user_id, title, title_folded, created_at, updated_at, archived, pinned, folder_id,
                        last_read_at, current_message_id, meta, data, variables)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14))"};
  return {kInsert,          chat.id,         chat.user_id,      chat.title,
          fold(chat.title), chat.created_at, chat.updated_at,   chat.archived,
          chat.pinned,      chat.folder_id,  chat.last_read_at, chat.current_message_id,
          chat.meta,        chat.data,       chat.variables};
}

store::Bound Chats::inserting(const Message& m) {
  return {kInsertHere,
          m.chat_id,
          m.id,
          m.parent_id,
          m.user_id,
          m.role,
          m.content,
          searched(m.content),
          lean_output(m),
          m.model_id,
          m.done,
          m.files,
          m.sources,
          m.embeds,
          m.status_history,
          m.error,
          m.usage,
          m.context_summary,
          m.meta,
          m.extra,
          m.created_at,
          m.updated_at,
          file_ids_of(m.files),
          m.position};
}

store::Bound Chats::appending(const Message& m) {
  return {m.parent_id ? kInsertChild : kInsertRoot,
          m.chat_id,
          m.id,
          m.parent_id,
          m.user_id,
          m.role,
          m.content,
          searched(m.content),
          lean_output(m),
          m.model_id,
          m.done,
          m.files,
          m.sources,
          m.embeds,
          m.status_history,
          m.error,
          m.usage,
          m.context_summary,
          m.meta,
          m.extra,
          m.created_at,
          m.updated_at,
          file_ids_of(m.files)};
}

std::vector<store::Bound> Chats::finishing(const Message& m) {
  static constexpr Sql kFinish{"chats.finish_message", R"(
      UPDATE chat_message
         SET content = $3, text = $4, output = $5, usage = $6, error = $7, done = $8, updated_at = $9
       WHERE chat_id = $1 AND id = $2)"};
  static constexpr Sql kTouch{"chats.touch", "UPDATE chat SET updated_at = $2 WHERE id = $1"};
  return {{kFinish, m.chat_id, m.id, m.content, searched(m.content), lean_output(m), m.usage, m.error,
           m.done, m.updated_at},
          {kTouch, m.chat_id, m.updated_at}};
}

store::Bound Chats::advancing(const std::string& chat_id, const std::string& current,
                              const json::Value& data, std::int64_t now) {
  static constexpr Sql kAdvance{"chats.advance", R"(
      UPDATE chat SET current_message_id = $2, data = $3, updated_at = $4 WHERE id = $1)"};
  return {kAdvance, chat_id, current, data, now};
}

store::Bound Chats::reopening(const std::string& chat_id, const std::string& id,
                              const std::string& run_id) {
  static constexpr Sql kReopen{"chats.reopen_message", R"(
      UPDATE chat_message SET done = FALSE, error = NULL, meta = $3
       WHERE chat_id = $1 AND id = $2 AND role = 'assistant')"};
  return {kReopen, chat_id, id, json::Value(json::Object{{"task_id", run_id}})};
}

Task<> Chats::set_title(std::string chat_id, std::string title) {
  static constexpr Sql kTitle{"chats.set_title",
                              "UPDATE chat SET title = $2, title_folded = $3 WHERE id = $1"};
  title = utf8_prefix(title, kMaxTitle);
  co_await db_.run(kTitle, chat_id, title, fold(title));
}

Task<bool> Chats::name_unnamed(std::string chat_id, std::string title) {
  static constexpr Sql kName{
      "chats.name_unnamed",
      "UPDATE chat SET title = $2, title_folded = $3 WHERE id = $1 AND title = 'New Chat'"};
  title = utf8_prefix(title, kMaxTitle);
  co_return co_await db_.run(kName, chat_id, title, fold(title)) == 1;
}

Task<> Chats::close_open_messages(std::string chat_id) {
  static constexpr Sql kClose{"chats.close_open_messages", R"(
      UPDATE chat_message SET done = TRUE
       WHERE chat_id = $1 AND NOT done
         AND NOT EXISTS (SELECT 1 FROM run WHERE run.chat_id = chat_message.chat_id
                            AND run.message_id = chat_message.id AND run.state < 10))"};
  co_await db_.run(kClose, chat_id);
}

std::vector<store::Bound> Chats::tagging(const Chat& chat, const std::vector<std::string>& names,
                                         json::Object& meta) {
  static constexpr Sql kClear{"chats.clear_tags", "DELETE FROM chat_tag WHERE chat_id = $1"};
  static constexpr Sql kTag{"chats.add_tag", R"(
      INSERT INTO tag (id, name, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING)"};
  static constexpr Sql kLink{"chats.link_tag", R"(
      INSERT INTO chat_tag (user_id, tag_id, chat_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING)"};
  json::Array ids;
  std::vector<store::Bound> statements{{kClear, chat.id}};
  for (const std::string& name : names) {
    std::string id = tag_id(name);
    if (id.empty() || ids.size() == kMaxTags || std::ranges::find(ids, json::Value(id)) != ids.end())
      continue;
    statements.emplace_back(kTag, id, name, chat.user_id);
    statements.emplace_back(kLink, chat.user_id, id, chat.id);
    ids.emplace_back(std::move(id));
  }
  meta["tags"] = std::move(ids);
  return statements;
}

Task<> Chats::set_tags(std::string chat_id, std::vector<std::string> names) {
  static constexpr Sql kSave{"chats.save_meta", "UPDATE chat SET meta = $2 WHERE id = $1"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    auto chat = co_await lock(c, chat_id);
    if (!chat) co_return;
    json::Object meta = chat->meta.is_object() ? chat->meta.as_object() : json::Object();
    for (store::Bound& statement : tagging(*chat, names, meta))
      co_await c.run_bound(std::move(statement));
    co_await c.run(kSave, chat_id, json::Value(std::move(meta)));
  });
}

Task<> Chats::add_status(std::string chat_id, std::string id, json::Object status) {
  static constexpr Sql kSave{
      "chats.save_status",
      "UPDATE chat_message SET status_history = $3 WHERE chat_id = $1 AND id = $2"};
  auto have = co_await message(chat_id, id);
  if (!have) co_return;
  json::Array history;
  if (have->status_history && have->status_history->is_array())
    history = have->status_history->as_array();
  history.emplace_back(std::move(status));
  co_await db_.run(kSave, chat_id, id, json::Value(std::move(history)));
}

Task<> Chats::merge_extra(std::string chat_id, std::string id, json::Object members) {
  static constexpr Sql kSave{"chats.save_extra",
                             "UPDATE chat_message SET extra = $3 WHERE chat_id = $1 AND id = $2"};
  auto have = co_await message(chat_id, id);
  if (!have) co_return;
  json::Value extra =
      have->extra && have->extra->is_object() ? *have->extra : json::Value(json::Object());
  for (auto& member : members) extra.as_object()[member.key()] = std::move(member.value());
  co_await db_.run(kSave, chat_id, id, extra);
}

// ---------------------------------------------------------------------------------------------

namespace {

/// The chat as a reader of its folder gets it.
Chat without_owners(Chat chat) {
  if (json::Object* data = chat.data.if_object()) {
    for (std::string_view own : kOwnersMembers) data->erase(own);
    (*data)["params"] = json::Object();
  }
  chat.variables.reset();
  chat.tasks.reset();
  chat.share_id.reset();
  chat.last_read_at.reset();
  return chat;
}

}  // namespace

Task<std::optional<Chat>> Guard::mine(const User& me, std::string id, bool admins) const {
  auto chat = co_await chats_.find(std::move(id));
  if (chat && chat->user_id != me.id.value && !(admins && admin_access(me))) chat.reset();
  co_return chat;
}
Task<Chat> Guard::owned(const User& me, std::string id, int status, bool admins) const {
  auto chat = co_await mine(me, std::move(id), admins);
  if (!chat) throw not_found("Chat").answering(status);
  co_return std::move(*chat);
}
Task<bool> Guard::may_read(const User& me, std::string id) const {
  co_return (co_await mine(me, std::move(id), false)).has_value();
}
Task<Granted<Chat, Right::read>> Guard::read(const User& me, std::string id) const {
  co_return Granted<Chat, Right::read>::after_check(co_await owned(me, std::move(id), 401, false));
}
Task<Granted<Chat, Right::read>> Guard::look(const User& me, std::string id) const {
  auto chat = co_await chats_.find(std::move(id));
  bool whole = chat && (chat->user_id == me.id.value || admin_access(me));
  // What is archived is in no folder's list either.
  bool shown = whole || (chat && chat->folder_id && !chat->archived && rules_.may_see_folder &&
                         co_await rules_.may_see_folder(me, *chat->folder_id));
  if (!shown) throw not_found("Chat").answering(401);
  if (!whole) *chat = without_owners(std::move(*chat));
  co_return Granted<Chat, Right::read>::after_check(std::move(*chat));
}
Task<Granted<Chat, Right::write>> Guard::write(const User& me, std::string id, int status) const {
  co_return Granted<Chat, Right::write>::after_check(co_await owned(me, std::move(id), status, false));
}
Task<Granted<Chat, Right::own>> Guard::own(const User& me, std::string id, int status) const {
  co_return Granted<Chat, Right::own>::after_check(co_await owned(me, std::move(id), status, false));
}
Task<Granted<Chat, Right::own>> Guard::administer(const User& me, std::string id, int status) const {
  co_return Granted<Chat, Right::own>::after_check(co_await owned(me, std::move(id), status, true));
}

}  // namespace antiphon::chats
