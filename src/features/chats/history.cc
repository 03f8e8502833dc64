#include "features/chats/history.h"

#include <algorithm>
#include <boost/json.hpp>
#include <deque>
#include <map>
#include <tuple>
#include <unordered_map>

#include "base/problem.h"

namespace antiphon::chats {
namespace {

struct Node {
  Message message;
  const json::Value* client = nullptr;
  std::vector<std::string> children = {};
};
using Nodes = std::unordered_map<std::string, Node>;

/// The messages by id, and their ids as they came.
Nodes nodes_of(const json::Object& map, const std::string& chat_id, const std::string& user_id,
               std::vector<std::string>& order) {
  if (map.size() > History::kMaxMessages)
    throw Problem(Problem::Kind::too_large, "A chat may hold at most 20 000 messages in one write");
  Nodes nodes;
  for (const auto& [key, value] : map) {
    if (const json::Value* content = json::find(value, "content");
        content && plain_text(*content).size() > kMaxMessageText)
      throw Problem(Problem::Kind::too_large, "A message may hold at most 1 MiB of text");
    auto message = from_client(value, chat_id, user_id);
    if (!message || nodes.contains(message->id)) continue;
    std::string id = message->id;
    nodes.emplace(id, Node{std::move(*message), &value});
    order.push_back(std::move(id));
  }
  return nodes;
}

/// As the parent lists them; those it does not list come last, the oldest first.
void sort_children(Node& parent, const Nodes& nodes) {
  if (parent.children.size() < 2) return;
  std::unordered_map<std::string_view, std::size_t> rank;
  if (const json::Array* listed = json::array_at(*parent.client, "childrenIds"))
    for (const json::Value& id : *listed)
      if (id.is_string()) rank.emplace(json::view(id.as_string()), rank.size());
  auto key = [&](const std::string& id) {
    auto found = rank.find(id);
    return std::tuple(found == rank.end() ? rank.size() : found->second,
                      nodes.at(id).message.created_at, id);
  };
  std::ranges::sort(parent.children, {}, key);
}

std::string deepest(const Nodes& nodes, std::string id) {
  while (!nodes.at(id).children.empty()) id = nodes.at(id).children.back();
  return id;
}

}  // namespace

std::vector<std::string> History::ids() const {
  std::vector<std::string> out;
  out.reserve(entries.size());
  for (const Entry& entry : entries) out.push_back(entry.message.id);
  return out;
}

History History::read(const json::Value& chat, const std::string& chat_id, const std::string& user_id) {
  History out;
  const json::Value* history = json::find(chat, "history");
  const json::Object* map = history ? json::object_at(*history, "messages") : nullptr;
  if (history) out.current = json::text_at(*history, "currentId");
  if (!map) return out;
  std::vector<std::string> order;
  Nodes nodes = nodes_of(*map, chat_id, user_id, order);
  std::deque<std::string> ready;
  std::map<std::string, std::int64_t> roots;  // How many there are by parent, "" for none.
  for (const std::string& id : order) {
    const Message& m = nodes.at(id).message;
    if (m.parent_id == id) throw Problem(Problem::Kind::invalid, "A message cannot be its own parent");
    auto parent = m.parent_id ? nodes.find(*m.parent_id) : nodes.end();
    if (parent != nodes.end())
      parent->second.children.push_back(id);
    else
      ready.push_back(id);
  }
  for (const std::string& id : ready) {
    Message& m = nodes.at(id).message;
    m.position = ++roots[m.parent_id.value_or("")];
  }
  for (; !ready.empty(); ready.pop_front()) {
    Node& node = nodes.at(ready.front());
    sort_children(node, nodes);
    std::int64_t position = 0;
    for (const std::string& child : node.children) {
      nodes.at(child).message.position = ++position;
      ready.push_back(child);
    }
    out.entries.push_back({node.message, node.client});
  }
  if (out.entries.size() != nodes.size())
    throw Problem(Problem::Kind::invalid,
                  "The messages form a circle; every message needs a way back to a first one");
  if (nodes.contains(out.current)) out.leaf = deepest(nodes, out.current);
  return out;
}

}  // namespace antiphon::chats
