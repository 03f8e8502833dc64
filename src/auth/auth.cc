#include "auth/auth.h"

#include <utility>

namespace antiphon::auth {

KeySources key_sources(const Settings& settings) {
  return {.secret = settings.secret_key(),
          .file = settings.secret_key_file(),
          .previous_keys = settings.previous_keys()};
}

Auth::Auth(store::Db& db, KeyRing ring, const Settings& settings, const PermissionDefaults& defaults)
    : keys(std::move(ring)),
      passwords(pool),
      principals(db),
      accounts(db, principals),
      api_keys(db, principals),
      access(principals, settings, defaults),
      grants(db, access),
      sessions(keys, principals, settings),
      identify(sessions, principals, access, settings),
      limits(db) {}

void Auth::follow(Scope& scope, Executor where) {
  principals.follow(scope, where, [this]() -> Task<> { co_await limits.tidy(); });
}

}  // namespace antiphon::auth
