#include "auth/accounts.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "auth/rows.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "store/db.h"

namespace antiphon::auth {

ANTIPHON_DTO_DEFINE(Account)

namespace {

using store::Connection;
using store::Sql;

constexpr std::size_t kMaxEmail = 320;
constexpr std::size_t kMaxName = 100;
constexpr std::int64_t kCountEvery = 300;  ///< Seconds.

/// Well formed, and the hash of nothing: all digits of the digest are zero.
constexpr std::string_view kSlowNothing =
    "$2b$12$AAAAAAAAAAAAAAAAAAAAAOAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
constexpr std::string_view kNothing =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#define ANTIPHON_ACCOUNT                                                              \
  "SELECT u.id, u.name, u.email, u.role, u.profile_image_url, a.password, a.active, " \
  "a.session_stamp, u.created_at FROM \"user\" u JOIN auth a ON a.id = u.id "

constexpr Sql kFind{"accounts.find", ANTIPHON_ACCOUNT "WHERE u.id = $1"};
constexpr Sql kByEmail{"accounts.by_email", ANTIPHON_ACCOUNT "WHERE lower(u.email) = $1"};
constexpr Sql kList{"accounts.list", ANTIPHON_ACCOUNT "ORDER BY u.created_at, u.email LIMIT 10000"};
constexpr Sql kAny{"accounts.any",
                   R"(SELECT COUNT(*) AS number FROM (SELECT 1 FROM "user" LIMIT 1) AS few)"};
constexpr Sql kSlow{"accounts.slow", R"(
    SELECT COALESCE(SUM(CASE WHEN password LIKE '$2%' THEN 1000 ELSE 0 END) / COUNT(*), 0) AS number
      FROM auth)"};
constexpr Sql kPrimary{"accounts.primary", R"(
    SELECT COALESCE(c.primary_admin,
                    (SELECT id FROM "user" WHERE role = 'admin' ORDER BY created_at, id LIMIT 1),
                    '') AS text
      FROM cluster c
     WHERE c.id = 1)"};

/// The row lock makes simultaneous sign-ups wait here; the second finds the first's name.
constexpr Sql kClaim{"accounts.claim", R"(
    UPDATE cluster
       SET primary_admin = $1
     WHERE id = 1 AND primary_admin IS NULL
       AND NOT EXISTS (SELECT 1 FROM "user"))"};
constexpr Sql kAddUser{"accounts.add_user", R"(
    INSERT INTO "user" (id, name, email, role, profile_image_url, last_active_at, updated_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6, $6)
    ON CONFLICT DO NOTHING)"};
constexpr Sql kAddAuth{"accounts.add_auth", R"(
    INSERT INTO auth (id, email, password, active, session_stamp)
    VALUES ($1, $2, $3, TRUE, $4))"};
constexpr Sql kJoin{"accounts.join", R"(
    INSERT INTO group_member (id, group_id, user_id, created_at, updated_at)
    SELECT $1, id, $3, $4, $4
      FROM "group"
     WHERE id = $2
    ON CONFLICT DO NOTHING)",
                    R"(
    INSERT INTO group_member (id, group_id, user_id, created_at, updated_at)
    SELECT $1::text, id, $3::text, $4::bigint, $4::bigint
      FROM "group"
     WHERE id = $2
    ON CONFLICT DO NOTHING)"};

constexpr Sql kSetPassword{"accounts.set_password",
                           "UPDATE auth SET password = $2, session_stamp = $3 WHERE id = $1"};
constexpr Sql kRehash{"accounts.rehash", "UPDATE auth SET password = $2 WHERE id = $1"};
constexpr Sql kRestamp{"accounts.restamp", "UPDATE auth SET session_stamp = $2 WHERE id = $1"};
constexpr Sql kEdit{"accounts.edit", R"(
    UPDATE "user"
       SET role = COALESCE($2, role), name = COALESCE($3, name), email = COALESCE($4, email),
           profile_image_url = COALESCE($5, profile_image_url), updated_at = $6
     WHERE id = $1
       AND NOT EXISTS (SELECT 1 FROM "user" other WHERE lower(other.email) = $4 AND other.id <> $1))"};
constexpr Sql kEditAuth{"accounts.edit_auth", "UPDATE auth SET email = $2 WHERE id = $1"};

/// Whoever makes something of the user's waits here for the end and then finds him gone; who came
/// before is waited for, and what he made goes too.
constexpr Sql kHold{"accounts.hold", R"(SELECT id AS text FROM "user" WHERE id = $1)",
                    R"(SELECT id AS text FROM "user" WHERE id = $1 FOR UPDATE)"};
constexpr Sql kRemovals[] = {
    {"accounts.remove_keys", "DELETE FROM api_key WHERE user_id = $1"},
    {"accounts.remove_member", "DELETE FROM group_member WHERE user_id = $1"},
    {"accounts.remove_grants",
     "DELETE FROM access_grant WHERE principal_type = 'user' AND principal_id = $1"},
    {"accounts.remove_primary", "UPDATE cluster SET primary_admin = NULL WHERE primary_admin = $1"},
    {"accounts.remove_auth", "DELETE FROM auth WHERE id = $1"},
};
constexpr Sql kRemoveUser{"accounts.remove_user", R"(DELETE FROM "user" WHERE id = $1)"};

[[noreturn]] void refuse(std::string why) {
  throw Problem(Problem::Kind::invalid, std::move(why)).answering(400);
}

/// C0, DEL and, as UTF-8 writes them, C1 and the line and paragraph separators.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (c < 0x20 || c == 0x7F || (c == 0xC2 && next >= 0x80 && next < 0xA0)) return true;
    if (c == 0xE2 && next == 0x80 && i + 2 < text.size() &&
        (static_cast<unsigned char>(text[i + 2]) & 0xFE) == 0xA8)
      return true;
  }
  return false;
}

Change ended(const UserId& id) {
  return {.kind = Change::Kind::user, .user = id};
}

}  // namespace

std::string normal_email(std::string_view email) {
  while (!email.empty() && email.front() == ' ') email.remove_prefix(1);
  while (!email.empty() && email.back() == ' ') email.remove_suffix(1);
  std::string out(email);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

void check_email(std::string_view email) {
  std::size_t at = email.find('@');
  bool fine = email.size() <= kMaxEmail && at != email.npos && at > 0 && at + 1 < email.size() &&
              email.find('@', at + 1) == email.npos &&
              email.find_first_of(" \"<>()[]\\,;:") == email.npos && !has_control(email) &&
              valid_utf8(email) && email.back() != '.' && email[at + 1] != '.';
  if (!fine) refuse("This is not an e-mail address.");
}

void check_name(std::string_view name) {
  bool blank = name.find_first_not_of(' ') == name.npos;
  if (blank || name.size() > kMaxName || has_control(name) || !valid_utf8(name))
    refuse("A name has 1 to 100 characters and no control characters.");
}

Task<std::optional<Account>> Accounts::find(UserId id) const {
  co_return co_await db_.first<Account>(kFind, id);
}

Task<std::optional<Account>> Accounts::by_email(std::string_view email) const {
  std::string normal = normal_email(email);
  co_return co_await db_.first<Account>(kByEmail, normal);
}

Accounts::Accounts(store::Db& db, Principals& principals)
    : db_(db), principals_(principals), salt_(random_bytes(16)) {}

Task<std::string> Accounts::stand_in(std::string_view email) {
  std::string subject = normal_email(email);
  std::int64_t now = unix_seconds();
  if (now - counted_at_ > kCountEvery) {
    counted_at_ = now;
    if (auto row = co_await db_.first<NumberRow>(kSlow)) slow_permille_ = row->number;
  }
  std::string digest = hmac_sha256(salt_, subject);
  int place =
      (static_cast<unsigned char>(digest[0]) << 8 | static_cast<unsigned char>(digest[1])) % 1000;
  co_return std::string(place < slow_permille_ ? kSlowNothing : kNothing);
}

Task<bool> Accounts::any() const {
  auto row = co_await db_.first<NumberRow>(kAny);
  co_return row && row->number > 0;
}

Task<std::vector<Account>> Accounts::list() const {
  co_return co_await db_.all<Account>(kList);
}

Task<std::optional<UserId>> Accounts::primary_admin() const {
  auto row = co_await db_.first<TextRow>(kPrimary);
  if (!row || row->text.empty()) co_return std::nullopt;
  co_return UserId{std::move(row->text)};
}

Task<Created> Accounts::create(NewAccount form, std::function<Task<bool>(Connection&)> may_join,
                               std::function<Task<>(Connection&)> on_first) {
  UserId id{uuid4()};
  Created out;
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<Change>> {
    std::vector<Change> changes;
    bool first = co_await tx.run(kClaim, id) == 1;
    out.outcome = first ? Creation::first_admin : Creation::made;
    if (!first && may_join && !co_await may_join(tx)) {
      out.outcome = Creation::refused;
      co_return changes;
    }
    std::string email = normal_email(form.email);
    Role role = first ? Role::admin : form.role;
    std::int64_t added = co_await tx.run(kAddUser, id, form.name, email, name_of(role),
                                         form.profile_image_url, unix_seconds());
    if (added == 0) {
      out.outcome = Creation::email_taken;
      co_return changes;
    }
    co_await tx.run(kAddAuth, id, email, form.password_hash, uuid4());
    if (!form.group_id.empty()) co_await tx.run(kJoin, uuid4(), form.group_id, id, unix_seconds());
    if (first && on_first) co_await on_first(tx);
    co_return changes;
  });
  if (out.outcome == Creation::made || out.outcome == Creation::first_admin)
    out.account = co_await find(id);
  co_return out;
}

Task<> Accounts::set_password(UserId id, std::string hash, bool keep_sessions) {
  if (keep_sessions) {
    co_await db_.run(kRehash, id, hash);
    co_return;
  }
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<Change>> {
    co_await tx.run(kSetPassword, id, hash, uuid4());
    co_return std::vector{ended(id)};
  });
}

Task<bool> Accounts::edit(UserId id, Edit edit) {
  std::optional<std::string> role, email;
  if (edit.role) role = std::string(name_of(*edit.role));
  if (edit.email) email = normal_email(*edit.email);
  bool done = false;
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<Change>> {
    std::vector<Change> changes;
    std::optional<Account> before = co_await tx.first<Account>(kFind, id);
    done = before && co_await tx.run(kEdit, id, role, edit.name, email, edit.profile_image_url,
                                     unix_seconds()) == 1;
    if (!done) co_return changes;
    if (email) co_await tx.run(kEditAuth, id, *email);
    if (edit.password_hash) co_await tx.run(kSetPassword, id, *edit.password_hash, uuid4());
    // Who waited had no rights to lose: the page in which he waits goes on.
    bool other_role = role && *role != before->role && before->role != name_of(Role::pending);
    if (other_role && !edit.password_hash) co_await tx.run(kRestamp, id, uuid4());
    bool ends = other_role || edit.password_hash.has_value();
    changes.push_back({.kind = ends ? Change::Kind::user : Change::Kind::refresh, .user = id});
    co_return changes;
  });
  co_return done;
}

Task<> Accounts::revoke_sessions(UserId id) {
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<Change>> {
    co_await tx.run(kRestamp, id, uuid4());
    co_return std::vector{ended(id)};
  });
}

Task<bool> Accounts::remove(UserId id) {
  bool done = false;
  co_await principals_.commit([&](Connection& tx) -> Task<std::vector<Change>> {
    (void)co_await tx.first<TextRow>(kHold, id);
    for (const Removal& removal : removals_) co_await removal(tx, id);
    for (const Sql& statement : kRemovals) co_await tx.run(statement, id);
    done = co_await tx.run(kRemoveUser, id) == 1;
    co_return done ? std::vector{ended(id)} : std::vector<Change>{};
  });
  co_return done;
}

}  // namespace antiphon::auth
