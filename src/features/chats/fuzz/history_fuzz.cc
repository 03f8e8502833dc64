// The tree of messages a client writes: refused, or put in an order in which every message comes after
// its parent; and a client that writes back what it read changes nothing.
#include <boost/json.hpp>
#include <set>

#include "base/fuzzing.h"
#include "base/problem.h"
#include "features/chats/chats.h"
#include "features/chats/history.h"

namespace {

using namespace antiphon;
using namespace antiphon::chats;
using fuzzing::must;

void check_order(const History& history) {
  std::set<std::string> seen, all;
  for (const auto& id : history.ids()) must(all.insert(id).second, "a message that is there twice");
  for (const History::Entry& entry : history.entries) {
    const Message& m = entry.message;
    if (m.parent_id && all.contains(*m.parent_id))
      must(seen.contains(*m.parent_id), "a child before its parent");
    must(m.position > 0 && entry.client != nullptr, "a message without a place");
    seen.insert(m.id);
  }
  must(history.leaf.empty() == !all.contains(history.current), "a branch without an end");
  for (const History::Entry& entry : history.entries)
    must(entry.message.parent_id != history.leaf || history.leaf.empty(), "an end that has children");
}

void check_again(const History& history) {
  std::vector<Message> messages;
  for (const History::Entry& entry : history.entries) {
    must(!changed_by(entry.message, to_client(entry.message, {})),
         "what was read changes when written");
    messages.push_back(entry.message);
  }
  Chat chat;
  chat.meta = json::Object();
  if (!history.current.empty()) chat.current_message_id = history.current;
  json::Value again = Chats::assemble(chat, messages);
  must(json::try_parse(json::serialize(again)).has_value(), "a chat that cannot be written");
  History second = History::read(again, "chat", "user");
  must(second.ids() == history.ids(), "the order of a chat changes by itself");
  must(second.leaf == history.leaf, "the end of the branch changes by itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto chat = json::try_parse(fuzzing::text_of(data, size));
  if (!chat) return 0;
  History history;
  try {
    history = History::read(*chat, "chat", "user");
  } catch (const Problem& p) {
    must(p.status() >= 400 && p.status() < 500, "a fault of ours");
    return 0;
  }
  check_order(history);
  check_again(history);
  return 0;
}
