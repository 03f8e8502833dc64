#include <algorithm>
#include <boost/json.hpp>

#include "base/problem.h"
#include "base/time.h"
#include "features/chats/attached.h"
#include "features/chats/editor.h"
#include "features/chats/lean_output.h"
#include "features/chats/text.h"

/// Single messages: what people change by hand.
namespace antiphon::chats {
namespace {

using store::Sql;

constexpr Sql kTouch{"chats.touched", "UPDATE chat SET updated_at = $2 WHERE id = $1"};

/// The answer's items with this text instead of theirs: reasoning and tool calls stay.
std::optional<json::Value> with_text(const std::optional<json::Value>& output,
                                     const std::string& text) {
  if (!output || !output->is_array()) return std::nullopt;
  json::Array items;
  json::Object last{{"type", "message"}, {"role", "assistant"}, {"status", "completed"}};
  for (const json::Value& item : output->as_array()) {
    if (json::text_at(item, "type") == "message")
      last = item.as_object();
    else
      items.push_back(item);
  }
  last["content"] = json::Array{json::Object{{"type", "output_text"}, {"text", text}}};
  items.push_back(std::move(last));
  return json::Value(std::move(items));
}

/// Of the lists that events make longer.
constexpr std::size_t kMostKept = 500;

void append(std::optional<json::Value>& list, const json::Value& item) {
  json::Array items = list && list->is_array() ? list->as_array() : json::Array();
  if (items.size() < kMostKept) items.push_back(item);
  list = std::move(items);
}

void prepend(std::optional<json::Value>& list, const json::Array* fresh) {
  if (!fresh) return;
  json::Array items = *fresh;
  if (list && list->is_array())
    items.insert(items.end(), list->as_array().begin(), list->as_array().end());
  if (items.size() > kMostKept) items.resize(kMostKept);
  list = std::move(items);
}

/// False when the event is not of those that stay.
bool take_event(Message& m, std::string_view type, const json::Value& data) {
  if (type == "status") return append(m.status_history, data), true;
  if ((type == "source" || type == "citation") && json::text_at(data, "type").empty())
    return append(m.sources, data), true;
  if (type == "files") return prepend(m.files, json::array_at(data, "files")), true;
  if (type != "embeds") return false;
  if (json::bool_at(data, "replace")) m.embeds.reset();
  if (const json::Array* embeds = json::array_at(data, "embeds"))
    for (const json::Value& one : *embeds) append(m.embeds, one);
  return true;
}

}  // namespace

Task<> Editor::keep_event(const Chat& chat, std::string message_id, std::string type,
                          json::Value data) {
  static constexpr Sql kKeep{"chats.keep_event", R"(
      UPDATE chat_message SET status_history = $3, sources = $4, files = $5, embeds = $6, file_ids = $7
       WHERE chat_id = $1 AND id = $2)"};
  if (type == "message" || type == "replace") {
    auto found = co_await Chats(db_).message(chat.id.value, message_id);
    if (!found) co_return;
    std::string text = type == "message" ? plain_text(found->content) : std::string();
    text += json::text_at(data, "content");
    if (text.size() <= kMaxMessageText)
      (void)co_await edit_message(chat, std::move(message_id), std::move(text));
    co_return;
  }
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    auto found = co_await Chats::some(c, chat.id.value, {message_id});
    if (found.empty() || !take_event(found.front(), type, data)) co_return;
    const Message& m = found.front();
    co_await c.run(kKeep, chat.id, message_id, m.status_history, m.sources, m.files, m.embeds,
                   file_ids_of(m.files));
  });
}

Task<bool> Editor::edit_message(const Chat& chat, std::string message_id, std::string content) {
  static constexpr Sql kEdit{"chats.edit_message", R"(
      UPDATE chat_message SET content = $3, text = $4, output = $5, updated_at = $6
       WHERE chat_id = $1 AND id = $2 AND done)"};
  bool edited = false;
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    edited = false;
    auto found = co_await Chats::some(c, chat.id.value, {message_id});
    if (found.empty()) co_return;
    Message& m = found.front();
    m.content = json::Value(content);
    m.output = with_text(m.output, content);
    std::int64_t now = unix_seconds();
    edited = co_await c.run(kEdit, chat.id, message_id, m.content, words_of(content), lean_output(m),
                            now) == 1;
    if (edited) co_await c.run(kTouch, chat.id, now);
  });
  co_return edited;
}

Task<bool> Editor::set_voice(const Chat& chat, std::string message_id, json::Value voice) {
  static constexpr Sql kMeta{"chats.save_message_meta",
                             "UPDATE chat_message SET meta = $3 WHERE chat_id = $1 AND id = $2"};
  bool found = false;
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    found = false;
    auto messages = co_await Chats::some(c, chat.id.value, {message_id});
    if (messages.empty()) co_return;
    const auto& have = messages.front().meta;
    json::Object meta = have && have->is_object() ? have->as_object() : json::Object();
    meta["voice"] = voice;
    found = co_await c.run(kMeta, chat.id, message_id, json::Value(std::move(meta))) == 1;
  });
  co_return found;
}

Task<> Editor::go_to(const Chat& chat, std::string message_id) {
  static constexpr Sql kGoTo{"chats.go_to", "UPDATE chat SET current_message_id = $2 WHERE id = $1"};
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    auto now = co_await Chats::lock(c, chat.id.value);
    if (!now || (co_await Chats::some(c, chat.id.value, {message_id})).empty())
      throw not_found("Message");
    std::string leaf = co_await Chats::deepest_below(c, chat.id.value, message_id);
    if (leaf != now->current_message_id) co_await c.run(kGoTo, chat.id, leaf);
  });
}

Task<bool> Editor::delete_message(const Chat& chat, std::string message_id) {
  static constexpr Sql kAnswers{"chats.answers_to", R"(
      SELECT id AS value FROM chat_message
       WHERE chat_id = $1 AND parent_id = $2 AND role = 'assistant' ORDER BY position)"};
  static constexpr Sql kUnfinished{"chats.unfinished_there", R"(
      SELECT id AS value FROM chat_message WHERE chat_id = $1 AND (id = $2 OR parent_id = $2) AND NOT done)"};
  static constexpr Sql kAdopt{"chats.adopt_children", R"(
      UPDATE chat_message SET parent_id = $3 WHERE chat_id = $1 AND parent_id = $2)"};
  static constexpr Sql kDelete{"chats.delete_message",
                               "DELETE FROM chat_message WHERE chat_id = $1 AND id = $2"};
  static constexpr Sql kCurrent{
      "chats.save_current", "UPDATE chat SET updated_at = $2, current_message_id = $3 WHERE id = $1"};
  static constexpr Sql kLastRoot{"chats.last_root", R"(
      SELECT id AS value FROM chat_message WHERE chat_id = $1 AND parent_id IS NULL
       ORDER BY position DESC, id DESC LIMIT 1)"};
  bool deleted = false;
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    auto now = co_await Chats::lock(c, chat.id.value);
    auto found = co_await Chats::some(c, chat.id.value, {message_id});
    if (!now || found.empty()) co_return;
    const Message& message = found.front();
    std::vector<std::string> going{message_id};
    if (message.role == "user")
      for (TextRow& answer : co_await c.all<TextRow>(kAnswers, chat.id, message_id))
        going.push_back(answer.value);
    if (message.role == "user"
            ? (co_await c.first<TextRow>(kUnfinished, chat.id, message_id)).has_value()
            : !message.done)
      co_return;
    // The answers first: while they are there they are the question's own children.
    for (auto id = going.rbegin(); id != going.rend(); ++id) {
      co_await c.run(kDelete, chat.id, *id);
      co_await c.run(kAdopt, chat.id, *id, message.parent_id);
    }
    std::string current = now->current_message_id.value_or("");
    if (std::ranges::find(going, current) != going.end()) {
      std::optional<TextRow> root;
      if (!message.parent_id) root = co_await c.first<TextRow>(kLastRoot, chat.id);
      current = root ? root->value : message.parent_id.value_or("");
    }
    if (!current.empty()) current = co_await Chats::deepest_below(c, chat.id.value, current);
    co_await c.run(kCurrent, chat.id, unix_seconds(),
                   current.empty() ? std::nullopt : std::optional(current));
    deleted = true;
  });
  co_return deleted;
}

}  // namespace antiphon::chats
