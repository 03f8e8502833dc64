#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/auth.h"
#include "blobs/test_blobs.h"
#include "config/general.h"
#include "config/registry.h"
#include "config/seal.h"
#include "config/store.h"
#include "features/auths/auths.h"
#include "features/users/groups.h"
#include "features/users/users.h"
#include "http/router.h"
#include "json/text.h"
#include "store/test_store.h"

namespace antiphon::testing {

/// What came back.
struct Reply {
  int status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};

  /// The body as JSON; fails the test when it is none.
  json::Value json() const;
  /// The member of the body at a path, as text: "a" for "a", 5 for "5", "" when absent.
  std::string at(std::initializer_list<std::string_view> path) const;
  std::string header(std::string_view name) const;
};

/// The server without sockets, on a database of its own: the real store, settings, identities and
/// router, with the routes of users and auths. A feature's test adds its own routes to `router`.
class TestApp {
 public:
  /// `persistent`: false as ENABLE_PERSISTENT_CONFIG=False has it.
  explicit TestApp(store::Engine engine = store::Engine::memory, bool persistent = true);
  ~TestApp();

  /// Sends requests as somebody, the way a client does: with a token, or with the cookie it was given.
  class Client {
   public:
    Reply get(std::string path) { return send("GET", std::move(path), ""); }
    Reply post(std::string path, std::string body = "") {
      return send("POST", std::move(path), std::move(body));
    }
    Reply del(std::string path) { return send("DELETE", std::move(path), ""); }
    Reply send(std::string method, std::string path, std::string body);

    Client with(std::string name, std::string value) const;  ///< Another header on every request.
    Client from(std::string address) const;                  ///< Another client address.
    Client behind_proxy() const;                             ///< As if a trusted proxy had sent it.

    std::string token = {};
    UserId id = {};

   private:
    friend class TestApp;
    explicit Client(TestApp& app) : app_(&app) {}
    TestApp* app_;
    std::multimap<std::string, std::string> headers_;
    std::string address_ = "192.0.2.1";
    bool proxied_ = false;
  };
  Client anonymous() { return Client(*this); }
  /// The administrator; the first user of all.
  Client admin() { return as("root", Role::admin); }
  /// A user of that name, made when there is none. His e-mail is name@x.io; he has no password.
  Client as(const std::string& name, Role role = Role::user);
  Client with_token(std::string token);

  store::Store store;
  auth::Settings settings;
  auth::PermissionDefaults permissions;
  config::General general;
  config::Registry registry;
  config::AesSealer sealer;
  std::optional<config::Store> config;
  std::optional<auth::Auth> auth;
  std::optional<blobs::TestBlobs> blobs;
  std::optional<users::Users> users;
  std::optional<users::Groups> groups;
  std::optional<auths::Auths> auths;
  http::Router router;
};

}  // namespace antiphon::testing
