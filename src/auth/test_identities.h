#pragma once

#include <gtest/gtest.h>

#include "auth/accounts.h"
#include "auth/api_keys.h"
#include "auth/principals.h"
#include "store/migrate.h"
#include "store/test_store.h"

/// What the tests of this folder share: a migrated database, and identities on it.
namespace antiphon::auth {

/// One replica's view of a database.
struct Replica {
  explicit Replica(store::Db& db) : principals(db), accounts(db, principals), api_keys(db, principals) {
    principals.watch([this](const Change& change) { changes.push_back(change); });
    run([&] { return principals.load(); });
  }
  Principals principals;
  Accounts accounts;
  ApiKeys api_keys;
  std::vector<Change> changes;
};

class Identities : public ::testing::TestWithParam<store::Engine> {
 protected:
  Identities() : store(GetParam()) {
    run([&] { return store::migrate(*store.db); });
    here.emplace(*store.db);
  }

  Created add(const std::string& name, Role role = Role::user) {
    NewAccount form{.name = name, .email = name + "@x.io", .password_hash = "-", .role = role};
    return run([&] { return here->accounts.create(form, nullptr, nullptr); });
  }
  UserId id_of(const Created& created) { return {created.account.value().id}; }
  std::shared_ptr<const Principal> who(Replica& replica, const UserId& id) {
    return run([&] { return replica.principals.find(id); });
  }

  store::Store store;
  std::optional<Replica> here;
};

}  // namespace antiphon::auth
