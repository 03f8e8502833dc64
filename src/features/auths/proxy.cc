#include <algorithm>
#include <utility>
#include <vector>

#include "auth/rows.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "features/auths/auths.h"
#include "store/db.h"

/// Signing in as a trusted proxy says (WEBUI_AUTH_TRUSTED_…): only what comes from one counts (row 89).
namespace antiphon::auths {
namespace {

using store::Sql;

constexpr Sql kLeaveOthers{"auths.leave_groups", R"(
    DELETE FROM group_member
     WHERE user_id = $1
       AND group_id NOT IN (SELECT id FROM "group" WHERE name IN (SELECT value FROM json_each($2))))",
                           R"(
    DELETE FROM group_member
     WHERE user_id = $1
       AND group_id NOT IN (SELECT id FROM "group" WHERE name = ANY($2)))"};
constexpr Sql kGroupIds{
    "auths.group_ids",
    R"(SELECT id AS text FROM "group" WHERE name IN (SELECT value FROM json_each($1)))",
    R"(SELECT id AS text FROM "group" WHERE name = ANY($1))"};
constexpr Sql kJoin{"auths.join_group", R"(
    INSERT INTO group_member (id, group_id, user_id, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT DO NOTHING)"};

std::vector<std::string> names_in(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty() && out.size() < 1000) {
    std::size_t comma = list.find(',');
    std::string_view name = list.substr(0, comma);
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (!name.empty()) out.emplace_back(name);
  }
  return out;
}

std::string header(const http::Request& request, const std::string& name) {
  return name.empty() ? std::string() : std::string(request.headers.get(name));
}

}  // namespace

Task<Entry> Auths::sign_in_by_proxy(const http::Request& request) {
  std::string email = header(request, parts_.settings.trusted_email_header());
  if (!request.from_proxy || email.empty())
    throw Problem(Problem::Kind::invalid,
                  "Sign in at the proxy in front of this server: it did not say who you are. If it is "
                  "one, list its "
                  "address in FORWARDED_ALLOW_IPS.")
        .answering(400);
  email = auth::normal_email(email);
  auth::check_email(email);
  std::optional<auth::Account> account = co_await parts_.auth.accounts.by_email(email);
  if (!account) account = co_await from_proxy(request, email);
  co_await sync_proxy_groups(request, *account);
  std::string role = header(request, parts_.settings.trusted_role_header());
  if (role == name_of(role_of(role)) && role != account->role) {
    co_await parts_.auth.accounts.edit({account->id}, {.role = role_of(role)});
    account = co_await parts_.auth.accounts.find({account->id});
  }
  co_return co_await enter(std::move(account.value()), "trusted_header");
}

Task<auth::Account> Auths::from_proxy(const http::Request& request, const std::string& email) {
  std::string encoded = header(request, parts_.settings.trusted_name_header());
  std::string name = percent_decode(encoded).value_or(encoded);
  if (name.empty()) name = utf8_prefix(email, 100);
  auth::check_name(name);
  auth::NewAccount form{.name = std::move(name),
                        .email = email,
                        .role = role_of(parts_.settings.default_user_role()),
                        .group_id = parts_.settings.default_group_id()};
  form.password_hash = co_await parts_.auth.passwords.hash(Secret(random_hex(32)));
  auto close = [this](store::Connection& tx) { return close_sign_up(tx); };
  auth::Created created = co_await parts_.auth.accounts.create(std::move(form), nullptr, close);
  // Somebody else's request may have made it a moment ago.
  if (!created.account) created.account = co_await parts_.auth.accounts.by_email(email);
  if (created.outcome == auth::Creation::first_admin) co_await sign_up_is_closed();
  co_return std::move(created.account.value());
}

Task<> Auths::sync_proxy_groups(const http::Request& request, const auth::Account& account) {
  std::string name = parts_.settings.trusted_groups_header();
  if (name.empty() || request.headers.get(name).empty()) co_return;
  store::Strings wanted = names_in(request.headers.get(name));
  co_await parts_.auth.principals.commit([&](store::Connection& tx) -> Task<std::vector<auth::Change>> {
    co_await tx.run(kLeaveOthers, account.id, wanted);
    for (const auth::TextRow& group : co_await tx.all<auth::TextRow>(kGroupIds, wanted))
      co_await tx.run(kJoin, uuid4(), group.text, account.id, unix_seconds());
    co_return std::vector{auth::Change{.kind = auth::Change::Kind::refresh, .user = {account.id}}};
  });
}

}  // namespace antiphon::auths
