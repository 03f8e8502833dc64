#pragma once

#include "auth/access.h"
#include "auth/accounts.h"
#include "auth/api_keys.h"
#include "auth/grants.h"
#include "auth/identify.h"
#include "auth/keys.h"
#include "auth/limits.h"
#include "auth/password.h"
#include "auth/principals.h"
#include "auth/sessions.h"
#include "auth/settings.h"

namespace antiphon::auth {

/// Where the settings say the secret keys are.
KeySources key_sources(const Settings& settings);

/// Everything about who is who, wired together. Features take the parts they need. Any thread.
struct Auth {
  /// The settings and the database must outlive it.
  Auth(store::Db& db, KeyRing ring, const Settings& settings, const PermissionDefaults& defaults);

  /// After migrating, before the first request.
  Task<> load() { return principals.load(); }
  /// Keeps up with other replicas and tidies, until the scope closes.
  void follow(Scope& scope, Executor where);

  KeyRing keys;
  WorkerPool pool;
  Passwords passwords;
  Principals principals;
  Accounts accounts;
  ApiKeys api_keys;
  Access access;
  Grants grants;
  Sessions sessions;
  Identify identify;
  SignInLimits limits;
};

}  // namespace antiphon::auth
