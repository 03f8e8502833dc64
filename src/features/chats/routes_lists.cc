#include <boost/json.hpp>

#include "base/problem.h"
#include "base/time.h"
#include "config/admin_page.h"
#include "features/chats/activity.h"
#include "features/chats/finder.h"
#include "features/chats/routes_base.h"
#include "features/chats/stats.h"
#include "features/chats/text.h"
#include "features/chats/usage.h"

namespace antiphon::chats {

ANTIPHON_DTO_DEFINE(ListQuery)
ANTIPHON_DTO_DEFINE(SearchForm)
ANTIPHON_DTO_DEFINE(TagFilter)
ANTIPHON_DTO_DEFINE(UsageQuery)

namespace {

/// Whole chats one after the other, so that no export ever holds more than one of them.
class ChatWriter {
 public:
  enum class Form { lines, array };
  ChatWriter(http::Stream& stream, View view, Form form) : stream_(stream), view_(view), form_(form) {}

  Task<> begin() {
    std::string type = form_ == Form::lines ? "application/x-ndjson" : "application/json";
    co_await stream_.begin({.type = std::move(type)});
    if (form_ == Form::array) co_await stream_.write("[");
  }
  Task<> write(std::string id) {
    json::Value chat = co_await view_.whole(std::move(id));
    if (chat.is_null()) co_return;  // Deleted meanwhile.
    std::string text = json::serialize(chat);
    if (form_ == Form::lines) text += '\n';
    if (form_ == Form::array && !first_) text.insert(0, ",");
    first_ = false;
    co_await stream_.write(text);
  }
  Task<> end() {
    if (form_ == Form::array) co_await stream_.write("]");
  }

 private:
  http::Stream& stream_;
  View view_;
  Form form_;
  bool first_ = true;
};

void require_community(const RouteParts& p, const User& me) {
  if (!me.admin() && !p.community())
    throw Problem(Problem::Kind::forbidden, "Statistics are not exported here.").answering(401);
}

struct Lists : RouteBase {
  using Form = ChatWriter::Form;

  Task<Titles> list(const User& me, Query<ListQuery> q) {
    co_return co_await p.sidebar.recent(me.id.value, q.page, q.include_pinned, q.include_folders,
                                        Order::parse(q.sort_by, q.sort_dir));
  }
  Task<Titles> pinned(const User& me) { co_return co_await p.sidebar.pinned(me.id.value); }
  Task<Titles> archived(const User& me, Query<ListQuery> q) {
    co_return co_await p.sidebar.archived(me.id.value, q.page, q.query.value_or(""),
                                          Order::parse(q.order_by, q.direction));
  }
  Task<std::int64_t> archived_count(const User& me) {
    co_return co_await p.sidebar.count_archived(me.id.value);
  }
  Task<Titles> search(const User& me, Query<SearchForm> q) {
    Titles out;
    for (Hit& hit :
         co_await p.sidebar.search(me.id.value, SearchQuery::parse(q.text), q.page.value_or(1)))
      out.push_back(std::move(hit.chat));
    co_return out;
  }
  Task<json::Value> find(const User& me, Query<FindQuery> q) {
    co_return co_await Finder(p.db, p.sidebar).find(me.id.value, q);
  }
  Task<Titles> folder_list(const User& me, std::string folder, Query<ListQuery> q) {
    Order order = Order::parse(q.sort_by.value_or("unread_updated_at"), q.sort_dir);
    co_return co_await p.sidebar.in_folder(me.id.value, folder, q.page.value_or(1), 10, order);
  }
  Task<Titles> tagged(const User& me, Body<TagFilter> filter) {
    co_return co_await p.sidebar.tagged(me.id.value, tag_id(filter.name), filter.skip.value_or(0),
                                        filter.limit.value_or(50));
  }
  Task<std::vector<Tag>> tags(const User& me) { co_return co_await p.sidebar.tags(me.id.value); }
  Task<Titles> of_user(const Admin& me, std::string user_id, Query<ListQuery> q) {
    if (!p.guard.admin_access(me))
      throw Problem(Problem::Kind::forbidden, "Administrators may not look into chats here.")
          .answering(401);
    co_return co_await p.sidebar.everything(user_id, q.page.value_or(1), q.query.value_or(""),
                                            Order::parse(q.order_by, q.direction));
  }
  Task<json::Value> usage(const User& me, Query<UsageQuery> q) {
    co_return co_await usage_of(p.db, me.id.value, q.page, q.items_per_page);
  }

  Task<json::Value> activity(const User& me, Query<ActivityQuery> q) {
    co_return co_await activity_of(p.db, me.id.value, q, unix_seconds());
  }

  Task<> write_all(http::Call& call, std::string user_id, Kept kept, Form form) {
    ChatWriter out(call.stream, view(), form);
    co_await out.begin();
    for (std::string after;;) {
      auto ids = co_await p.sidebar.walk(user_id, kept, after);
      for (const std::string& id : ids) co_await out.write(id);
      if (ids.size() < Sidebar::kPage) break;
      after = ids.back();
    }
    co_await out.end();
  }
  Task<> export_mine(const User& me, http::Call& call) {
    co_await require(me, "chat.export");
    co_await write_all(call, me.id.value, Kept::all, Form::lines);
  }
  Task<> export_archived(const User& me, http::Call& call) {
    co_await require(me, "chat.export");
    co_await write_all(call, me.id.value, Kept::archived, Form::array);
  }
  Task<> export_everybody(const Admin&, http::Call& call) {
    if (!p.settings.admin_export())
      throw Problem(Problem::Kind::forbidden, "Exports are turned off here.").answering(401);
    co_await write_all(call, "", Kept::all, Form::array);
  }
  Task<> folder_chats(const User& me, std::string folder, http::Call& call) {
    ChatWriter out(call.stream, view(), Form::array);
    co_await out.begin();
    for (const std::string& id : co_await p.sidebar.ids_below(me.id.value, folder))
      co_await out.write(id);
    co_await out.end();
  }

  Task<json::Value> read_all(const User& me) {
    std::int64_t count = co_await p.unread.mark_all(me.id.value, std::nullopt);
    p.changed(me.id, "");
    co_return json::Object{{"updated_count", count},
                           {"folder_unread_counts", to_json(co_await p.unread.by_folder(me.id.value))}};
  }

  Task<std::optional<http::Response>> export_stats(const User& me, Query<StatsQuery> q,
                                                   http::Call& call) {
    require_community(p, me);
    Stats stats(p.db);
    std::int64_t since = q.updated_at.value_or(0);
    if (!q.stream)
      co_return http::json_response(json::dump(co_await stats.page(me.id.value, since, q.page)));
    co_await call.stream.begin({.type = "application/x-ndjson"});
    for (std::string after;;) {
      auto some = co_await stats.walk(me.id.value, since, after);
      for (const ChatStats& one : some) co_await call.stream.write(json::dump(one) + "\n");
      if (some.size() < Stats::kPage) co_return std::nullopt;
      after = some.back().id;
    }
  }

  config::AdminPage page() {
    const Settings& s = p.settings;
    return {p.config,
            {s.compaction_model, s.compaction, s.compaction_threshold, s.compaction_cap,
             s.compaction_retention, s.compaction_prompt, s.tool_permissions, s.tool_search,
             s.tool_search_threshold, s.tool_search_loaded, s.tool_search_builtin}};
  }
  Task<json::Value> show_config(const Admin&) { co_return page().show(); }
  Task<json::Value> change_config(const Admin&, json::Value form) {
    co_return co_await page().change(form);
  }
};

/// A chat's statistics: the owner's, and administrators' where they have access.
struct StatsApi : RouteBase {
  template <class G>
  Task<G> grant(const User& me, std::string id) {
    co_return co_await p.guard.administer(me, std::move(id));
  }
  Task<ChatStats> one(const User& me, Owned chat) {
    require_community(p, me);
    co_return co_await Stats(p.db).of(*chat);
  }
};

}  // namespace

void add_list_routes(http::Router& r, const RouteParts& parts) {
  Lists api{{parts}};
  auto on = [&](std::string_view method, std::string_view path, Cost cost, http::Endpoint e) {
    r.on(std::string(method) + " " + std::string(kRoutes) + std::string(path), cost, std::move(e));
  };
  r.on("GET /api/v1/search", Cost::search, bind<&Lists::find>(api));
  r.on("GET /api/v1/users/usage", Cost::search, bind<&Lists::activity>(api));
  on("GET", "/", Cost::read, bind<&Lists::list>(api));
  on("GET", "/list", Cost::read, bind<&Lists::list>(api));
  on("GET", "/list/user/{user_id}", Cost::search, bind<&Lists::of_user>(api));
  on("GET", "/pinned", Cost::read, bind<&Lists::pinned>(api));
  on("GET", "/archived", Cost::read, bind<&Lists::archived>(api));
  on("GET", "/archived/count", Cost::read, bind<&Lists::archived_count>(api));
  on("GET", "/search", Cost::search, bind<&Lists::search>(api));
  on("GET", "/folder/{folder_id}", Cost::search, bind<&Lists::folder_chats>(api));
  on("GET", "/folder/{folder_id}/list", Cost::read, bind<&Lists::folder_list>(api));
  on("GET", "/all", Cost::search, bind<&Lists::export_mine>(api));
  on("GET", "/all/archived", Cost::search, bind<&Lists::export_archived>(api));
  on("GET", "/all/db", Cost::search, bind<&Lists::export_everybody>(api));
  on("GET", "/all/tags", Cost::read, bind<&Lists::tags>(api));
  on("GET", "/stats/usage", Cost::search, bind<&Lists::usage>(api));
  on("GET", "/stats/export", Cost::search, bind<&Lists::export_stats>(api));
  on("GET", "/stats/export/{chat_id}", Cost::search, bind<&StatsApi::one>(StatsApi{{parts}}));
  on("GET", "/config", Cost::read, bind<&Lists::show_config>(api));
  on("POST", "/config", Cost::write, bind<&Lists::change_config>(api));
  on("POST", "/tags", Cost::read, bind<&Lists::tagged>(api));
  on("POST", "/read", Cost::write, bind<&Lists::read_all>(api));
}

}  // namespace antiphon::chats
