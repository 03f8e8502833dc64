#pragma once

#include <string>
#include <vector>

#include "features/chats/routes.h"
#include "features/chats/routes_dto.h"
#include "features/chats/view.h"
#include "http/bind.h"

/// What the three files of routes share.
namespace antiphon::chats {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;

inline constexpr http::Options kWholeChat{.body_limit = 64 << 20};
inline constexpr std::string_view kRoutes = "/api/v1/chats";
using Titles = std::vector<ChatTitle>;

struct RouteBase {
  RouteParts p;

  using Readable = Granted<Chat, Right::read>;
  using Writable = Granted<Chat, Right::write>;
  using Owned = Granted<Chat, Right::own>;

  /// The object and the right to it, by this feature's one guard.
  template <class G>
  Task<G> grant(const User& me, std::string id) {
    if constexpr (G::right == Right::read)
      co_return co_await p.guard.read(me, std::move(id));
    else if constexpr (G::right == Right::write)
      co_return co_await p.guard.write(me, std::move(id));
    else
      co_return co_await p.guard.own(me, std::move(id));
  }

  View view() const { return View(p.chats, p.runs); }
  Task<json::Value> shown(std::string id) { co_return co_await view().whole(std::move(id)); }
  /// Tells the owner's windows, and shows the chat as it is now.
  Task<json::Value> changed(const User& me, std::string id) {
    p.changed(me.id, id);
    co_return co_await shown(std::move(id));
  }
  Task<> require(const User& me, std::string_view permission);
  Task<> require_folder(const User& me, const std::optional<std::string>& folder);
};

/// Throws 422 for a `chat` that is no object.
void require_object(const json::Value& chat);

void add_list_routes(http::Router& r, const RouteParts& parts);
void add_share_routes(http::Router& r, const RouteParts& parts);

}  // namespace antiphon::chats
