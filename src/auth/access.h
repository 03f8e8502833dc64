#pragma once

#include <string_view>

#include "auth/permissions.h"
#include "auth/principals.h"
#include "auth/settings.h"
#include "base/task.h"

namespace antiphon::auth {

/// What users may do (auth.md §13). Any thread; asks the database only for users it has not seen.
class Access {
 public:
  Access(Principals& principals, const Settings& settings, const PermissionDefaults& defaults)
      : principals_(principals), settings_(settings), defaults_(defaults) {}

  /// The tree that applies to the user; the administrator's too, who is not bound by it.
  Task<Permissions> of(const UserId& id) const;
  /// What everybody may: `user.permissions`, completed.
  json::Value everybody() const;

  /// Whether the user may do what `leaf` ("chat.delete") says. Administrators always may.
  Task<bool> permits(const User& who, std::string_view leaf) const;
  /// Throws Problem (401, as Open WebUI answers; or `status`) unless the user may.
  Task<> require(const User& who, std::string_view leaf, int status = 401) const;

  /// Groups of the user, with those above them. Empty for nobody.
  Task<std::set<std::string, std::less<>>> groups(const UserId& id) const;

 private:
  bool everybody_may(std::string_view leaf) const;

  Principals& principals_;
  const Settings& settings_;
  const PermissionDefaults& defaults_;
};

}  // namespace antiphon::auth
