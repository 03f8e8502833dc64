#include "features/chats/view.h"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <unordered_set>
#include <utility>

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

Task<json::Value> View::branch(const Chat& chat, const BranchQuery& query) const {
  const std::string& id = chat.id.value;
  std::string at = chat.current_message_id.value_or("");
  if (query.until)
    at = *query.until;
  else if (query.leaf)
    at = co_await chats_.deepest_below(id, *query.leaf);
  auto messages = co_await chats_.branch(id, at, query.limit);
  if (messages.empty() && query.leaf && !query.until && chat.current_message_id) {
    at = *chat.current_message_id;
    messages = co_await chats_.branch(id, at, query.limit);
  }
  // A walk that ended before its limit found no parent to go on to.
  bool complete = std::ssize(messages) < query.limit || !messages.front().parent_id;

  std::vector<std::string> ids, beside;
  for (const Message& m : messages) ids.push_back(m.id);
  std::unordered_set<std::string_view> on_branch(ids.begin(), ids.end());
  json::Object places;
  for (const PlaceRow& row : co_await chats_.beside(id, ids)) {
    if (!on_branch.contains(row.id)) beside.push_back(row.id);
    if (row.total > 1)
      places[row.id] = json::Object{{"index", row.place},
                                    {"count", row.total},
                                    {"previous", or_null(row.previous)},
                                    {"next", or_null(row.next)}};
  }
  if (!beside.empty()) {
    auto others = co_await chats_.some(id, std::move(beside));
    std::ranges::sort(others, {}, [](const Message& m) { return std::pair(m.position, m.id); });
    std::ranges::move(others, std::back_inserter(messages));
  }
  co_await overlay(id, messages);
  json::Array branch, others;
  for (const Message& m : messages) {
    json::Object shown = to_client(m, {});
    shown.erase("childrenIds");
    (branch.size() < ids.size() ? branch : others).push_back(std::move(shown));
  }
  json::Object out = response_of(chat, chat.data);
  out["branch"] = json::Object{{"messages", std::move(branch)},
                               {"beside", std::move(others)},
                               {"places", std::move(places)},
                               {"leaf", at},
                               {"complete", complete}};
  co_return out;
}

}  // namespace antiphon::chats
