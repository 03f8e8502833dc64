#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principals.h"
#include "base/task.h"
#include "http/caller.h"
#include "json/dto.h"

namespace antiphon::auth {

/// What signing in needs to know of a user.
struct Account {
  std::string id;
  std::string name;
  std::string email;
  std::string role;
  std::string profile_image_url;
  std::string password;  ///< Its hash.
  bool active = false;
  std::optional<std::string> session_stamp;
  std::int64_t created_at = 0;
};
ANTIPHON_DTO(Account, id, name, email, role, profile_image_url, password, active, session_stamp,
             created_at)

struct NewAccount {
  std::string name;
  std::string email;
  std::string password_hash;
  std::string profile_image_url = "/user.png";
  Role role = Role::pending;  ///< Of all but the first.
  std::string group_id = {};  ///< Joined on creation, when there is such a group.
};

/// What came of creating an account.
enum class Creation {
  first_admin,  ///< It is the first of all and so the administrator.
  made,
  email_taken,
  refused,  ///< The condition did not hold once it was known not to be the first.
};
struct Created {
  Creation outcome = Creation::refused;
  std::optional<Account> account = {};
};

/// E-mail addresses are compared in this form: ASCII letters in lower case, no space around them.
std::string normal_email(std::string_view email);

/// Throws Problem (400) unless it looks like an address: at most 320 bytes, one @ with something on
/// both sides, no space and no control character (U3).
void check_email(std::string_view email);
/// Throws Problem (400) unless it is 1 to 100 bytes of valid UTF-8 without control characters.
void check_name(std::string_view name);

/// The accounts of the deployment: rows of `user` and `auth`. Everything that takes rights away ends
/// sessions at once, by Principals. Any thread.
class Accounts {
 public:
  /// Part of the transaction that removes a user; deletes what he owns.
  using Removal = std::function<Task<>(store::Connection&, const UserId&)>;

  Accounts(store::Db& db, Principals& principals);

  Task<std::optional<Account>> find(UserId id) const;
  Task<std::optional<Account>> by_email(std::string_view email) const;
  Task<bool> any() const;
  /// A hash that no password matches and that takes as long to try as those of accounts do. Imported
  /// accounts have slower hashes than ours until they sign in; the share of addresses without an
  /// account that get a slow one is the same, and each always gets the same (row 84).
  Task<std::string> stand_in(std::string_view email);
  /// Oldest first; at most 10 000.
  Task<std::vector<Account>> list() const;
  /// The administrator whom no other may demote or remove.
  Task<std::optional<UserId>> primary_admin() const;

  /// One statement decides who is first, so exactly one of any number of simultaneous sign-ups is
  /// (row 72). `may_join` is asked in the transaction when it is not the first, and `on_first`
  /// runs in it when it is; either may be null.
  Task<Created> create(NewAccount form, std::function<Task<bool>(store::Connection&)> may_join,
                       std::function<Task<>(store::Connection&)> on_first);

  /// Ends all sessions of the user. `keep_sessions` for a hash renewed on sign-in.
  Task<> set_password(UserId id, std::string hash, bool keep_sessions = false);
  /// What an administrator edits. Ends all sessions when the role or the password changes. False
  /// when the e-mail belongs to another user.
  struct Edit {
    std::optional<Role> role = {};
    std::optional<std::string> name = {};
    std::optional<std::string> email = {};
    std::optional<std::string> profile_image_url = {};
    std::optional<std::string> password_hash = {};
  };
  Task<bool> edit(UserId id, Edit edit);
  /// Ends all sessions of the user, everywhere.
  Task<> revoke_sessions(UserId id);
  /// False when there is no such user.
  Task<bool> remove(UserId id);
  /// What other folders delete with a user. Called by main before serving.
  void on_remove(Removal removal) { removals_.push_back(std::move(removal)); }

 private:
  store::Db& db_;
  Principals& principals_;
  std::vector<Removal> removals_;
  const std::string salt_;                    ///< So that nobody can compute which address gets which.
  std::atomic<std::int64_t> counted_at_ = 0;  ///< Unix seconds.
  std::atomic<std::int64_t> slow_permille_ = 0;  ///< Of accounts with an imported hash.
};

}  // namespace antiphon::auth
