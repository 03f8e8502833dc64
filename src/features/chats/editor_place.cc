#include <algorithm>

#include "base/problem.h"
#include "features/chats/editor.h"
#include "features/chats/text.h"

/// Where chats are: pinned, archived, in a folder, under tags, or gone.
namespace antiphon::chats {

using store::Sql;

Task<> Editor::remove(std::string chat_id) {
  static constexpr Sql kRemove{"chats.remove", "DELETE FROM chat WHERE id = $1"};
  co_await db_.run(kRemove, chat_id);
}

Task<> Editor::remove_all(store::Connection& c, const UserId& owner) {
  static constexpr Sql kChats{"chats.remove_all", "DELETE FROM chat WHERE user_id = $1"};
  // Messages before their chats, as answers that end have it: the other way round two would wait for
  // one another.
  static constexpr Sql kMessages{
      "chats.remove_all_messages",
      "DELETE FROM chat_message WHERE chat_id IN (SELECT id FROM chat WHERE user_id = $1)"};
  static constexpr Sql kTags{"chats.remove_all_tags", "DELETE FROM tag WHERE user_id = $1"};
  co_await c.run(kMessages, owner);
  co_await c.run(kChats, owner);
  co_await c.run(kTags, owner);
}

Task<> Editor::set_pinned(std::string chat_id, bool pinned) {
  static constexpr Sql kPinned{"chats.set_pinned", "UPDATE chat SET pinned = $2 WHERE id = $1"};
  co_await db_.run(kPinned, chat_id, pinned);
}

Task<> Editor::set_archived(std::string chat_id, bool archived) {
  static constexpr Sql kArchived{"chats.set_archived", "UPDATE chat SET archived = $2 WHERE id = $1"};
  co_await db_.run(kArchived, chat_id, archived);
}

Task<> Editor::set_all_archived(const UserId& owner, bool archived) {
  static constexpr Sql kAll{"chats.set_all_archived",
                            "UPDATE chat SET archived = $2 WHERE user_id = $1"};
  co_await db_.run(kAll, owner, archived);
}

Task<> Editor::move(std::string chat_id, std::optional<std::string> folder_id) {
  static constexpr Sql kMove{"chats.move",
                             "UPDATE chat SET folder_id = $2, pinned = FALSE WHERE id = $1"};
  co_await db_.run(kMove, chat_id, folder_id);
}

Task<> Editor::empty_folders(const UserId& owner, std::vector<std::string> folder_ids,
                             bool and_delete) {
  static constexpr Sql kDelete{
      "chats.delete_in_folders",
      "DELETE FROM chat WHERE user_id = $1 AND folder_id IN (SELECT value FROM json_each($2))",
      "DELETE FROM chat WHERE user_id = $1 AND folder_id = ANY($2::text[])"};
  static constexpr Sql kLeave{
      "chats.leave_folders",
      "UPDATE chat SET folder_id = NULL WHERE folder_id IN (SELECT value FROM json_each($1))",
      "UPDATE chat SET folder_id = NULL WHERE folder_id = ANY($1::text[])"};
  std::vector<store::Bound> statements;
  if (and_delete) statements.emplace_back(kDelete, owner, folder_ids);
  statements.emplace_back(kLeave, folder_ids);
  co_await db_.batch(std::move(statements));
}

Task<> Editor::add_tag(const Chat& chat, std::string name) {
  static constexpr Sql kNames{"chats.tag_names", R"(
      SELECT tag.name AS value FROM chat_tag JOIN tag ON tag.id = chat_tag.tag_id AND tag.user_id = chat_tag.user_id
       WHERE chat_tag.chat_id = $1 ORDER BY tag.name)"};
  if (words_of(name).empty() || name.size() > 100)
    throw Problem(Problem::Kind::invalid,
                  "A tag has 1 to 100 characters, a letter or digit among them");
  if (tag_id(name) == "none")
    throw Problem(Problem::Kind::invalid,
                  "\"none\" cannot be a tag: it stands for chats without tags in searches");
  std::vector<std::string> names;
  for (TextRow& row : co_await db_.all<TextRow>(kNames, chat.id)) names.push_back(std::move(row.value));
  if (std::ranges::any_of(names, [&](const std::string& n) { return tag_id(n) == tag_id(name); }))
    co_return;
  if (names.size() >= Chats::kMaxTags)
    throw Problem(Problem::Kind::invalid, "A chat may have at most 50 tags");
  names.push_back(std::move(name));
  co_await Chats(db_).set_tags(chat.id.value, std::move(names));
}

Task<> Editor::remove_tag(const Chat& chat, std::string name) {
  static constexpr Sql kNames{"chats.other_tag_names", R"(
      SELECT tag.name AS value FROM chat_tag JOIN tag ON tag.id = chat_tag.tag_id AND tag.user_id = chat_tag.user_id
       WHERE chat_tag.chat_id = $1 AND tag.id <> $2 ORDER BY tag.name)"};
  std::vector<std::string> names;
  for (TextRow& row : co_await db_.all<TextRow>(kNames, chat.id, tag_id(name)))
    names.push_back(std::move(row.value));
  co_await Chats(db_).set_tags(chat.id.value, std::move(names));
}

}  // namespace antiphon::chats
