#pragma once

#include <boost/describe/enum.hpp>

#include "features/chats/sidebar.h"
#include "json/types.h"

namespace antiphon::chats {

enum class FindKind { all, chat, message, note };
BOOST_DESCRIBE_ENUM(FindKind, all, chat, message, note)
enum class FindSharing { all, mine, shared };
BOOST_DESCRIBE_ENUM(FindSharing, all, mine, shared)

/// GET /api/v1/search: what the search window of Open WebUI's client asks.
struct FindQuery {
  json::Defaulted<std::string> q;
  json::Defaulted<FindKind> kind{FindKind::all};
  json::Defaulted<FindSharing> sharing{FindSharing::all};
  json::Defaulted<std::string> scope;  ///< "folder:<id>", or empty.
  json::Number<1, 1, 1'000'000> page;
};
ANTIPHON_DTO(FindQuery, q, kind, sharing, scope, page)

/// Finds chats by title and text, and says where they are. Only chats are found: there is nothing else
/// yet, and nothing that others share.
class Finder {
 public:
  Finder(store::Db& db, const Sidebar& sidebar) : db_(db), sidebar_(sidebar) {}
  Task<json::Value> find(std::string user_id, FindQuery query) const;

 private:
  store::Db& db_;
  const Sidebar& sidebar_;
};

}  // namespace antiphon::chats
