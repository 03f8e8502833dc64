#include "features/chats/view.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "runs/output.h"

namespace antiphon::chats {
namespace {

template <class T>
json::Value or_null(const std::optional<T>& value) {
  return value ? json::Value(*value) : json::Value(nullptr);
}

}  // namespace

json::Object response_of(const Chat& chat, json::Value content) {
  return {{"id", chat.id.value},
          {"user_id", chat.user_id},
          {"title", chat.title},
          {"chat", std::move(content)},
          {"updated_at", chat.updated_at},
          {"created_at", chat.created_at},
          {"share_id", or_null(chat.share_id)},
          {"archived", chat.archived},
          {"pinned", chat.pinned},
          {"meta", chat.meta.is_object() ? chat.meta : json::Value(json::Object())},
          {"variables", chat.variables && chat.variables->is_object() ? *chat.variables
                                                                      : json::Value(json::Object())},
          {"folder_id", or_null(chat.folder_id)},
          {"tasks", or_null(chat.tasks)},
          {"summary", or_null(chat.summary)},
          {"last_read_at", or_null(chat.last_read_at)},
          {"current_message_id", or_null(chat.current_message_id)},
          {"context_usage", nullptr}};
}

Task<> View::overlay(const std::string& chat_id, std::vector<Message>& messages) const {
  if (std::ranges::all_of(messages, &Message::done)) co_return;
  for (const runs::RunRow& run : co_await runs_.live_of_chat(chat_id)) {
    auto message = std::ranges::find(messages, run.message_id, &Message::id);
    if (message == messages.end()) continue;
    runs::Output output;
    for (const runs::LoggedEvent& e : co_await runs_.events(run.run_id)) output.apply(e.event);
    if (!output.begun()) continue;
    message->output = output.items();
    message->content = output.text();
    message->done = false;
  }
}

Task<std::vector<Message>> View::messages(const Chat& chat,
                                          const std::optional<std::string>& leaf) const {
  auto messages =
      leaf ? co_await chats_.branch(chat.id.value, *leaf) : co_await chats_.messages(chat.id.value);
  co_await overlay(chat.id.value, messages);
  co_return messages;
}

Task<json::Value> View::whole(const Chat& chat) const {
  co_return response_of(chat, Chats::assemble(chat, co_await messages(chat, std::nullopt)));
}

Task<json::Value> View::whole(std::string chat_id) const {
  auto chat = co_await chats_.find(chat_id);
  if (!chat) co_return nullptr;
  co_return co_await whole(*chat);
}

Task<json::Value> View::branch(const Chat& chat, std::optional<std::string> leaf,
                               std::int64_t limit) const {
  std::string at = leaf.value_or(chat.current_message_id.value_or(""));
  if (leaf) at = co_await chats_.deepest_below(chat.id.value, *leaf);
  auto messages = co_await chats_.branch(chat.id.value, at, limit);
  co_await overlay(chat.id.value, messages);
  bool complete = messages.empty() || !messages.front().parent_id;
  std::vector<std::string> ids, parents;
  for (const Message& m : messages) {
    ids.push_back(m.id);
    if (m.parent_id) parents.push_back(*m.parent_id);
  }
  std::map<std::string, std::vector<SiblingRow>> families;
  for (SiblingRow& row : co_await chats_.siblings(chat.id.value, ids, parents, complete, kSiblings)) {
    auto& family = families[row.parent_id];
    family.push_back(std::move(row));
  }
  json::Array list;
  for (const Message& m : messages) {
    json::Object shown = to_client(m, {});
    shown.erase("childrenIds");
    json::Array siblings;
    for (const SiblingRow& row : families[m.parent_id.value_or("")]) {
      if (row.id == m.id) shown["siblingIndex"] = row.place - 1;
      shown["siblingCount"] = row.total;
      siblings.emplace_back(row.id);
    }
    shown["siblings"] = std::move(siblings);
    list.push_back(std::move(shown));
  }
  json::Object out = response_of(chat, chat.data);
  out["branch"] = json::Object{{"messages", std::move(list)}, {"leaf", at}, {"complete", complete}};
  co_return out;
}

}  // namespace antiphon::chats
