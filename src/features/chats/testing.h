#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "auth/access.h"
#include "auth/grants.h"
#include "auth/principals.h"
#include "auth/settings.h"
#include "config/registry.h"
#include "config/store.h"
#include "features/chats/editor.h"
#include "features/chats/routes.h"
#include "features/chats/view.h"
#include "http/testing.h"
#include "runs/runs.h"
#include "store/migrate.h"
#include "store/test_store.h"

/// What the tests of this folder share: everything behind the routes, on an empty database.
namespace antiphon::chats::testing {

using json::Array;
using json::Object;
using json::Value;

/// A message as clients write it.
inline Object message(std::string id, std::string parent, std::string role, std::string content) {
  Object out{{"id", id},
             {"role", role},
             {"content", content},
             {"timestamp", 1'700'000'000},
             {"childrenIds", Array()}};
  out["parentId"] = parent.empty() ? Value(nullptr) : Value(parent);
  return out;
}

/// A chat's JSON with these messages.
inline Value chat_json(std::string title, const std::vector<Object>& messages, std::string current) {
  Object map;
  for (const Object& m : messages) map[m.at("id").as_string()] = m;
  return Object{{"title", title},
                {"models", Array{"model"}},
                {"history", Object{{"messages", std::move(map)}, {"currentId", current}}}};
}

/// A question and its answer.
inline std::vector<Object> exchange(std::string question = "Question", std::string answer = "Answer") {
  return {message("u1", "", "user", question), message("a1", "u1", "assistant", answer)};
}

struct World {
  explicit World(store::Engine engine)
      : store(engine, 2),
        principals(*store.db),
        access(principals, auth_settings, permissions),
        grants(*store.db, access),
        runs(*store.db, {.node_name = "test"}, store.loops),
        chats(*store.db),
        editor(*store.db),
        sidebar(*store.db),
        unread(*store.db),
        sharing(*store.db, grants),
        guard(chats, {.admin_access = [this] { return settings.admin_access(); },
                      .may_see_folder = [this](const User& me, std::string id) -> Task<bool> {
                        co_return std::ranges::find(seen, me.id.value + " sees " + id) != seen.end();
                      }}) {
    registry.add(settings);
    config.emplace(*store.db, registry, nullptr);
    antiphon::run([&] { return store::migrate(*store.db); });
    for (const char* name : {"alice", "bob"}) store::add_user(store, name);
    add_routes(router, parts());
  }

  RouteParts parts() {
    return {.db = *store.db,
            .chats = chats,
            .editor = editor,
            .sidebar = sidebar,
            .unread = unread,
            .sharing = sharing,
            .runs = runs,
            .guard = guard,
            .settings = settings,
            .config = *config,
            .permitted = [this](const User&, std::string_view name) -> Task<bool> {
              co_return std::ranges::find(denied, name) == denied.end();
            },
            .community = [this] { return community; },
            .may_file = [](const User& me, std::string id) -> Task<bool> {
              co_return id == "folder of " + me.id.value;
            },
            .changed = [](const UserId&, const std::string&) {},
            .emit = [this](const UserId& user,
                           Value envelope) { emitted.emplace_back(user.value, std::move(envelope)); }};
  }

  static Caller caller(std::string name, Role role = Role::user) {
    Caller out{.via = Caller::Via::session, .role = role};
    out.id.value = name;
    out.name = name;
    return out;
  }
  static Caller admin() { return caller("root", Role::admin); }

  struct Reply {
    int status;
    Value body;
    std::string text;
  };
  /// `path` may carry a query, with nothing in it to decode.
  Reply ask(Caller who, std::string method, std::string path, std::optional<Value> body = {}) {
    if (known.insert(who.id.value).second) store::add_user(store, who.id.value);
    http::Request request = http::testing::request(method, path.substr(0, path.find('?')));
    if (auto at = path.find('?'); at != path.npos)
      for (std::string rest = path.substr(at + 1); !rest.empty();) {
        std::string one = rest.substr(0, rest.find('&'));
        rest.erase(0, one.size() + 1);
        std::size_t equals = std::min(one.find('='), one.size());
        request.query.emplace(one.substr(0, equals), one.substr(std::min(equals + 1, one.size())));
      }
    if (body) request.body = json::serialize(*body);
    http::testing::StringStream stream;
    auto response = http::testing::serve(router, std::move(request), std::move(who), &stream);
    std::string text = response ? response->body : stream.text_;
    auto parsed = json::try_parse(text);
    return {response ? response->status : stream.head_.status, parsed.value_or(nullptr), text};
  }
  Reply as(const std::string& name, std::string method, std::string path,
           std::optional<Value> body = {}) {
    return ask(caller(name), std::move(method), "/api/v1/chats" + path, std::move(body));
  }

  /// The id of a new chat.
  std::string add(const std::string& owner, std::string title,
                  std::vector<Object> messages = exchange(), std::string current = "a1",
                  Object more = {}) {
    Object form{{"chat", chat_json(title, messages, current)}};
    for (auto& [key, value] : more) form[key] = value;
    Reply reply = as(owner, "POST", "/new", Value(form));
    EXPECT_EQ(reply.status, 200) << reply.text;
    return std::string(json::text_at(reply.body, "id"));
  }
  /// The chat's history as its owner reads it.
  Object history(const std::string& owner, const std::string& id) {
    Reply reply = as(owner, "GET", "/" + id);
    const Value* history = json::find(reply.body, {"chat", "history"});
    return history ? history->as_object() : Object();
  }
  Object messages(const std::string& owner, const std::string& id) {
    return history(owner, id).at("messages").as_object();
  }
  /// Titles, or what else a list's lines have there.
  static std::vector<std::string> column(const Reply& reply, std::string_view key = "title") {
    std::vector<std::string> out;
    if (reply.body.is_array())
      for (const Value& line : reply.body.as_array()) out.emplace_back(json::text_at(line, key));
    return out;
  }
  void script(const std::string& sql) { store.script(sql); }
  /// Somebody is writing an answer: `message` of the chat, which it is about to get.
  std::shared_ptr<runs::Run> begin_answer(const std::string& owner, const std::string& chat,
                                          const std::string& message) {
    runs::NewRun fresh{uuid4(), chat, message, owner, {}, "{}"};
    antiphon::run([&]() -> Task<> { (void)co_await store.db->run_bound(runs.creating(fresh)); });
    return runs.begin(fresh);
  }

  store::Store store;
  std::set<std::string> known;  ///< Whoever has asked is a user.
  auth::Settings auth_settings;
  auth::PermissionDefaults permissions;
  auth::Principals principals;
  auth::Access access;
  auth::Grants grants;
  config::Registry registry;
  Settings settings;
  std::optional<config::Store> config;
  runs::Runs runs;
  Chats chats;
  Editor editor;
  Sidebar sidebar;
  Unread unread;
  Sharing sharing;
  Guard guard;
  http::Router router;
  bool community = true;
  std::vector<std::string> seen;    ///< "bob sees folder of alice": shared folders.
  std::vector<std::string> denied;  ///< Permissions nobody has.
  std::vector<std::pair<std::string, Value>> emitted;
};

class OnEngines : public ::testing::TestWithParam<store::Engine> {};
#define ANTIPHON_ON_ENGINES(Suite)                                                \
  class Suite : public OnEngines {};                                              \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite, ::testing::ValuesIn(store::engines()), \
                           [](const auto& engine) { return store::engine_name(engine.param); })

}  // namespace antiphon::chats::testing
