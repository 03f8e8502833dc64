#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "auth/access.h"
#include "auth/accounts.h"
#include "auth/principals.h"
#include "auth/settings.h"
#include "blobs/test_blobs.h"
#include "client/client.h"
#include "config/seal.h"
#include "config/store.h"
#include "features/models/models.h"
#include "http/testing.h"
#include "store/migrate.h"
#include "store/test_store.h"

/// For tests of features/models, openai and ollama: models on a real database behind a real router,
/// without sockets. Whoever uses it says which backends answer.
namespace antiphon::testing {

class ModelsApp {
 public:
  struct Reply {
    int status = 0;
    std::string body;
    json::Value json() const { return json::try_parse(body).value_or(json::Value()); }
    std::string detail() const { return std::string(json::text_at(json(), "detail")); }
  };

  explicit ModelsApp(store::Engine engine)
      : store(engine, 2), principals(*store.db), accounts(*store.db, principals) {
    run([&] { return store::migrate(*store.db); });
    run([&] { return principals.load(); });
    for (config::Group* group :
         std::initializer_list<config::Group*>{&settings, &auth_settings, &defaults})
      registry.add(*group);
    config.emplace(*store.db, registry, &sealer);
    run([&] { return config->load(); });
    settings.openai_keys.set({""});
    settings.enable_ollama.set(false);
    settings.discover.set(false);
  }

  ~ModelsApp() {
    if (models) run([&] { return models->close(); });
    run([&] { return client->close(); });
  }

  void start(models::Backend& openai, models::Backend& ollama) {
    models.emplace(models::Models::Parts{.db = *store.db,
                                         .settings = settings,
                                         .openai = openai,
                                         .ollama = ollama,
                                         .access = access,
                                         .principals = principals,
                                         .auth_settings = auth_settings,
                                         .store = *config,
                                         .loops = store.loops,
                                         .blobs = blobs.blobs});
    models::add_routes(router, *models);
  }

  /// "admin" is the first user and an administrator; others are users. Made when first named.
  const User& user(const std::string& name) {
    if (users.empty()) add("admin", Role::admin);
    if (!users.contains(name)) add(name, Role::user);  // References to the others stay good.
    return users.at(name);
  }

  Reply call(const std::string& who, const std::string& method, const std::string& target,
             std::string body = {}) {
    http::Request request = http::testing::request(method, target);
    request.raw_path = request.path;
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    http::testing::StringStream stream;
    Caller caller = who.empty() ? Caller() : Caller(user(who));
    auto response = http::testing::serve(router, std::move(request), std::move(caller), &stream);
    if (!response) return {stream.head_.status, stream.text_};
    return {response->status,
            response->fixed_body.empty() ? response->body : std::string(response->fixed_body)};
  }
  Reply get(const std::string& who, const std::string& target) { return call(who, "GET", target); }
  Reply post(const std::string& who, const std::string& target, std::string body) {
    return call(who, "POST", target, std::move(body));
  }

  /// Ids of the models that /api/models shows.
  std::vector<std::string> shown(const std::string& who) {
    std::vector<std::string> out;
    json::Value reply = get(who, "/api/models").json();
    if (const json::Array* data = json::array_at(reply, "data"))
      for (const json::Value& m : *data) out.emplace_back(json::text_at(m, "id"));
    return out;
  }

  store::Store store;
  models::Settings settings;
  auth::Settings auth_settings;
  auth::PermissionDefaults defaults;
  config::Registry registry;
  config::AesSealer sealer{{Secret(std::string(32, 'k'))}};
  auth::Principals principals;
  auth::Accounts accounts;
  auth::Access access{principals, auth_settings, defaults};
  std::optional<config::Store> config;
  blobs::TestBlobs blobs{*store.db};
  std::unique_ptr<client::Client> client =
      client::make_client({.proxies = client::Proxies{}}, store.loops);
  http::Router router;
  std::optional<models::Models> models;
  std::map<std::string, User> users;

 private:
  void add(const std::string& name, Role role) {
    auth::NewAccount form{.name = name, .email = name + "@x.io", .password_hash = "-", .role = role};
    auto made = run([&] { return accounts.create(form, nullptr, nullptr); });
    User out;
    out.id = {made.account.value().id};
    out.name = name;
    out.role = role;
    out.via = Caller::Via::session;
    users.emplace(name, out);
  }
};

}  // namespace antiphon::testing
