#include "features/chats/finder.h"

#include <boost/json.hpp>
#include <map>

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(FindQuery)

/// Where a chat is.
struct FoundPlace {
  std::string id;
  bool pinned = false, shared = false;
  std::optional<std::string> folder;
};
ANTIPHON_DTO(FoundPlace, id, pinned, shared, folder)
ANTIPHON_DTO_DEFINE(FoundPlace)

struct FolderScope {
  std::string id, name;
};
ANTIPHON_DTO(FolderScope, id, name)
ANTIPHON_DTO_DEFINE(FolderScope)

namespace {

using store::Sql;

#define ANTIPHON_PLACES                                                                               \
  "SELECT chat.id, chat.pinned, chat.share_id IS NOT NULL AS shared, folder.name AS folder FROM chat" \
  " LEFT JOIN folder ON folder.id = chat.folder_id WHERE chat.id "
constexpr Sql kPlaces{"chats.found_places", ANTIPHON_PLACES "IN (SELECT value FROM json_each($1))",
                      ANTIPHON_PLACES "= ANY($1::text[])"};
constexpr Sql kScopes{"chats.search_scopes",
                      "SELECT id, name FROM folder WHERE user_id = $1 ORDER BY name, id LIMIT 1000"};

constexpr std::string_view kFolder = "folder:";

json::Object line(const Hit& hit, const FoundPlace& place) {
  const ChatTitle& chat = hit.chat;
  std::string text = chat.snippet.value_or("");
  return {{"id", "chat:" + chat.id},
          {"kind", "chat"},
          {"title", chat.title},
          {"context", place.folder.value_or("My chats")},
          {"snippet", text},
          {"preview", text},
          {"url", "/c/" + chat.id + (hit.message_id ? "?message=" + *hit.message_id : "")},
          {"updated_at", chat.updated_at},
          {"shared", place.shared},
          {"pinned", place.pinned}};
}

}  // namespace

Task<json::Value> Finder::find(std::string user_id, FindQuery q) const {
  SearchQuery wanted = SearchQuery::parse(q.q.value);
  const std::string& scope = q.scope.value;
  if (scope.starts_with(kFolder)) wanted.folder_ids.push_back(scope.substr(kFolder.size()));
  std::vector<Hit> hits;
  bool of_chats = q.kind.value == FindKind::all || q.kind.value == FindKind::chat;
  if (of_chats && q.sharing.value != FindSharing::shared)
    hits = co_await sidebar_.search(user_id, wanted, q.page);
  std::vector<std::string> ids;
  ids.reserve(hits.size());
  for (const Hit& hit : hits) ids.push_back(hit.chat.id);
  std::map<std::string, FoundPlace> places;
  for (FoundPlace& place : co_await db_.all<FoundPlace>(kPlaces, ids)) {
    std::string id = place.id;
    places[id] = std::move(place);
  }
  json::Array items, scopes;
  for (const Hit& hit : hits) items.push_back(line(hit, places[hit.chat.id]));
  for (const FolderScope& folder : co_await db_.all<FolderScope>(kScopes, user_id))
    scopes.push_back(json::Object{
        {"id", std::string(kFolder) + folder.id}, {"name", folder.name}, {"kind", "folder"}});
  co_return json::Object{{"items", std::move(items)},
                         {"has_more", static_cast<std::int64_t>(hits.size()) == Sidebar::kPage},
                         {"scopes", std::move(scopes)},
                         {"kinds", json::Array{"chat"}}};
}

}  // namespace antiphon::chats
