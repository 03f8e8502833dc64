#include <algorithm>

#include "base/problem.h"
#include "base/time.h"
#include "features/analytics/analytics.h"
#include "http/bind.h"

namespace antiphon::analytics {

ANTIPHON_DTO_DEFINE(SpanQuery)
ANTIPHON_DTO_DEFINE(UsersQuery)
ANTIPHON_DTO_DEFINE(DailyQuery)
ANTIPHON_DTO_DEFINE(MessagesQuery)
ANTIPHON_DTO_DEFINE(ModelChatsQuery)
ANTIPHON_DTO_DEFINE(OverviewQuery)
ANTIPHON_DTO_DEFINE(ModelUses)
ANTIPHON_DTO_DEFINE(UserUses)
ANTIPHON_DTO_DEFINE(TokenUses)
ANTIPHON_DTO_DEFINE(Earlier)
ANTIPHON_DTO_DEFINE(Stretch)
ANTIPHON_DTO_DEFINE(Stretches)
ANTIPHON_DTO_DEFINE(ModelChat)
ANTIPHON_DTO_DEFINE(ModelChats)
ANTIPHON_DTO_DEFINE(VotesOfDay)
ANTIPHON_DTO_DEFINE(Overview)

namespace {

using http::bind;
using http::Cost;
using http::Query;

struct Api {
  RouteParts p;

  /// Turned off, there is nothing here.
  void require() const {
    if (!p.settings.enable()) throw not_found("Page");
  }
  Task<ModelUses> models(const Admin&, Query<SpanQuery> q) {
    require();
    co_return co_await p.analytics.models(q);
  }
  Task<UserUses> users(const Admin&, Query<UsersQuery> q) {
    require();
    co_return co_await p.analytics.users(q);
  }
  Task<std::vector<MessageRow>> messages(const Admin&, Query<MessagesQuery> q) {
    require();
    if (!p.chat_access())
      throw Problem(Problem::Kind::forbidden, "Administrators may not look into chats here.")
          .answering(401);
    co_return co_await p.analytics.messages(q);
  }
  Task<Summary> summary(const Admin&, Query<SpanQuery> q) {
    require();
    co_return co_await p.analytics.summary(q);
  }
  Task<Stretches> daily(const Admin&, Query<DailyQuery> q) {
    require();
    co_return co_await p.analytics.daily(q, unix_seconds());
  }
  Task<TokenUses> tokens(const Admin&, Query<SpanQuery> q) {
    require();
    co_return co_await p.analytics.tokens(q);
  }
  Task<ModelChats> chats(const Admin&, std::string model_id, Query<ModelChatsQuery> q) {
    require();
    co_return co_await p.analytics.chats(std::move(model_id), q, p.chat_access());
  }
  Task<Overview> overview(const Admin&, std::string model_id, Query<OverviewQuery> q) {
    require();
    constexpr std::int64_t kMostDays = 365;
    std::int64_t days = q.days ? std::min<std::int64_t>(q.days, kMostDays) : kMostDays;
    Overview out;
    out.history = co_await p.votes(model_id, days + 1);  // Today, and so many before it.
    out.tags = co_await p.analytics.tags(model_id, unix_seconds() - days * 86'400);
    co_return out;
  }
};

}  // namespace

void add_routes(http::Router& r, const RouteParts& parts) {
  Api api{parts};
  auto get = [&](std::string_view path, http::Endpoint e) {
    r.on("GET /api/v1/analytics" + std::string(path), Cost::search, std::move(e));
  };
  get("/models", bind<&Api::models>(api));
  get("/users", bind<&Api::users>(api));
  get("/messages", bind<&Api::messages>(api));
  get("/summary", bind<&Api::summary>(api));
  get("/daily", bind<&Api::daily>(api));
  get("/tokens", bind<&Api::tokens>(api));
  get("/models/{model_id}/chats", bind<&Api::chats>(api));
  get("/models/{model_id}/overview", bind<&Api::overview>(api));
}

}  // namespace antiphon::analytics
