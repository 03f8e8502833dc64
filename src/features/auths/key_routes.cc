#include "features/auths/key_routes.h"

#include <utility>

#include "base/problem.h"
#include "base/time.h"
#include "http/bind.h"

namespace antiphon::auths {
namespace {

using http::bind;
using http::Body;
using http::Cost;

/// Only people make keys (U6): a key must not outlive itself by making another.
struct Api {
  Parts parts;

  Task<> need_permission(const PendingHuman& me) const {
    User user;
    static_cast<Caller&>(user) = me;
    bool on = parts.settings.enable_api_keys();
    if (!on || !co_await parts.auth.access.permits(user, "features.api_keys"))
      throw Problem(Problem::Kind::forbidden, "You may not use API keys here.");
  }

  Task<OneKey> make_default(const PendingHuman& me) {
    co_await need_permission(me);
    auth::ApiKeys::Made made = co_await parts.auth.api_keys.replace_default(me.id);
    co_return OneKey{made.key.reveal()};
  }
  Task<OneKey> show_default(const PendingHuman& me) {
    co_await need_permission(me);
    std::optional<auth::ApiKeyView> key = co_await parts.auth.api_keys.find_default(me.id);
    co_return OneKey{key ? std::optional(key->hint) : std::nullopt};
  }
  Task<bool> remove_default(const PendingHuman& me) {
    co_await need_permission(me);
    co_return co_await parts.auth.api_keys.remove_default(me.id);
  }

  Task<std::vector<auth::ApiKeyView>> list(const PendingHuman& me) {
    co_await need_permission(me);
    co_return co_await parts.auth.api_keys.list(me.id);
  }
  Task<NewKey> make(const PendingHuman& me, Body<KeyForm> form) {
    co_await need_permission(me);
    auth::check_name(form.name.value);
    if (form.expires_at && *form.expires_at <= unix_seconds())
      throw Problem(Problem::Kind::invalid, "A key must expire later than now.").answering(400);
    // In milliseconds, as JavaScript has it, the key of an hour would be one for ever.
    constexpr std::int64_t kYear10000 = 253'402'300'800;
    if (form.expires_at && *form.expires_at >= kYear10000)
      throw Problem(Problem::Kind::invalid, "expires_at is in seconds since 1970.").answering(400);
    auth::ApiKeys::Form wanted{.name = std::move(form.name.value), .expires_at = form.expires_at};
    if (form.scopes) wanted.scopes = std::move(form.scopes->value);
    auth::ApiKeys::Made made = co_await parts.auth.api_keys.add(me.id, std::move(wanted));
    co_return NewKey{made.key.reveal(), std::move(made.view)};
  }
  /// One's own key can be taken away even where keys are turned off.
  Task<bool> remove(const PendingHuman& me, std::string id) {
    if (!co_await parts.auth.api_keys.remove(me.id, std::move(id))) users::throw_nothing_there(404);
    co_return true;
  }
};

}  // namespace

void add_key_routes(http::Router& r, Parts parts) {
  Api api{parts};
  r.on("POST /api/v1/auths/api_key", Cost::write, bind<&Api::make_default>(api));
  r.on("GET /api/v1/auths/api_key", Cost::read, bind<&Api::show_default>(api));
  r.on("DELETE /api/v1/auths/api_key", Cost::write, bind<&Api::remove_default>(api));
  r.on("GET /api/v1/auths/api_keys", Cost::read, bind<&Api::list>(api));
  r.on("POST /api/v1/auths/api_keys", Cost::write, bind<&Api::make>(api));
  r.on("DELETE /api/v1/auths/api_keys/{id}", Cost::write, bind<&Api::remove>(api));
}

}  // namespace antiphon::auths
