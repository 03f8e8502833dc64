#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

#include "auth/auth.h"
#include "base/task.h"
#include "config/general.h"
#include "config/store.h"
#include "features/auths/dto.h"
#include "features/users/users.h"
#include "http/call.h"

namespace antiphon::http {
class Router;
}

/// Signing up, in and out, one's own account, and the administrator's settings of all that.
namespace antiphon::auths {

/// What the feature needs. All must outlive it.
struct Parts {
  auth::Auth& auth;
  users::Users& users;
  const auth::Settings& settings;
  const config::General& general;
  config::Store& config;
};

/// A session that was begun for an account.
struct Entry {
  auth::Account account;
  auth::Session session;
};

class Auths {
 public:
  explicit Auths(Parts parts) : parts_(parts) {}

  /// Before serving: creates the administrator the environment names when there is nobody yet. Throws
  /// Problem when WEBUI_AUTH=False meets accounts of several people.
  Task<> prepare();

  /// Throws Problem: 400 for a form that does not do, 403 when accounts cannot be created.
  Task<Entry> sign_up(SignupForm form);
  /// By password, or as the proxy or WEBUI_AUTH=False say. Throws Problem: 400, 403, 429, 503.
  Task<Entry> sign_in(const http::Request& request, SigninForm form);
  /// As an administrator. Nobody is signed in by it (U17).
  Task<auth::Account> add(AddForm form);

  /// Throws Problem (400) when the old one is wrong. All sessions end.
  Task<> change_password(const PendingHuman& me, const http::Request& request, PasswordForm form);

  /// Whom waiting users may ask. Throws Problem (403) when that is not to be shown.
  Task<Contact> contact() const;

 private:
  Task<Entry> enter(auth::Account account, std::string_view method);
  /// Gives an account that was just made its picture.
  Task<auth::Account> with_image(auth::Account account, std::string url);
  Task<Entry> sign_in_by_password(const std::string& address, SigninForm form);
  Task<Entry> sign_in_by_proxy(const http::Request& request);
  Task<Entry> sign_in_as_the_only_user();
  Task<auth::Account> from_proxy(const http::Request& request, const std::string& email);
  Task<> sync_proxy_groups(const http::Request& request, const auth::Account& account);
  Task<bool> matches(const std::optional<auth::Account>& account, const std::string& email,
                     const std::string& password);
  Task<bool> may_sign_up(bool first) const;
  /// With the transaction that makes the first account, so that nobody comes in between.
  Task<> close_sign_up(store::Connection& tx);
  /// What that transaction changed counts here from now on.
  Task<> sign_up_is_closed();
  Task<> close_behind_the_first();

  Parts parts_;
  std::atomic<bool> met_an_account_ = false;
};

void add_routes(http::Router& router, Auths& auths, Parts parts);

}  // namespace antiphon::auths
