#include "features/users/users.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <map>
#include <utility>

#include "auth/rows.h"
#include "base/encode.h"
#include "base/problem.h"
#include "base/time.h"
#include "blobs/blobs.h"
#include "features/users/avatar.h"
#include "features/users/user_settings.h"
#include "features/users/users_sql.h"
#include "json/json.h"
#include "json/text.h"
#include "store/db.h"
#include "store/like.h"

namespace antiphon::users {

ANTIPHON_DTO_DEFINE(UserModel)
ANTIPHON_DTO_DEFINE(GroupName)
ANTIPHON_DTO_DEFINE(ListedUser)
ANTIPHON_DTO_DEFINE(UserPage)
ANTIPHON_DTO_DEFINE(UserInfo)
ANTIPHON_DTO_DEFINE(InfoPage)
ANTIPHON_DTO_DEFINE(UserDetails)
ANTIPHON_DTO_DEFINE(UserName)
ANTIPHON_DTO_DEFINE(ListOptions)
ANTIPHON_DTO_DEFINE(UpdateForm)
ANTIPHON_DTO_DEFINE(StatusForm)
ANTIPHON_DTO_DEFINE(Variables)
ANTIPHON_DTO_DEFINE(VariablesForm)
ANTIPHON_DTO_DEFINE(Active)
ANTIPHON_DTO_DEFINE(InheritedOption)

struct ValueRow {
  json::Value value;
};
ANTIPHON_DTO(ValueRow, value)
ANTIPHON_DTO_DEFINE(ValueRow)

struct MembershipRow {
  std::string user_id;
  std::string id;
  std::string name;
};
ANTIPHON_DTO(MembershipRow, user_id, id, name)
ANTIPHON_DTO_DEFINE(MembershipRow)

namespace {

constexpr std::int64_t kPageSize = 30;
constexpr std::int64_t kEverybody = 10'000;
constexpr std::int64_t kActiveFor = 180;  ///< Seconds.
constexpr std::size_t kMaxInfo = 64 * 1024;
constexpr std::size_t kMaxVariables = 100;
constexpr std::size_t kMaxVariable = 4096;
constexpr std::array<std::string_view, 6> kOrders = {"name",       "email",      "role",
                                                     "created_at", "updated_at", "last_active_at"};

[[noreturn]] void refuse(std::string why, int status = 400) {
  throw Problem(Problem::Kind::invalid, std::move(why)).answering(status);
}

struct Order {
  std::string_view column = "created_at";
  std::string_view direction = "desc";
};

/// Unknown columns and directions are the default, not an error and not SQL (U4).
Order order_of(const ListOptions& options) {
  Order out;
  auto known = std::ranges::find(kOrders, options.order_by.value_or(""));
  if (known == kOrders.end()) return out;
  out.column = *known;
  out.direction = options.direction == "desc" ? "desc" : "asc";
  return out;
}

std::int64_t offset_of(const ListOptions& options) {
  return std::max<std::int64_t>(0, options.page - 1) * kPageSize;
}

/// Moves all members that both have.
template <class To>
To to(UserModel from) {
  To out;
  out.id = std::move(from.id);
  out.email = std::move(from.email);
  out.username = std::move(from.username);
  out.role = std::move(from.role);
  out.name = std::move(from.name);
  out.profile_image_url = shown_image(out.id, std::move(from.profile_image_url));
  out.profile_banner_image_url = std::move(from.profile_banner_image_url);
  out.bio = std::move(from.bio);
  out.gender = std::move(from.gender);
  out.date_of_birth = std::move(from.date_of_birth);
  out.timezone = std::move(from.timezone);
  out.presence_state = std::move(from.presence_state);
  out.status_emoji = std::move(from.status_emoji);
  out.status_message = std::move(from.status_message);
  out.status_expires_at = from.status_expires_at;
  out.info = std::move(from.info);
  out.settings = std::move(from.settings);
  out.oauth = std::move(from.oauth);
  out.scim = std::move(from.scim);
  out.last_active_at = from.last_active_at;
  out.updated_at = from.updated_at;
  out.created_at = from.created_at;
  return out;
}

store::Strings ids_of(const std::vector<UserModel>& users) {
  store::Strings out;
  for (const UserModel& user : users) out.push_back(user.id);
  return out;
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name[0] < 'a' || name[0] > 'z') return false;
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_active(const UserModel& user, const Users::IsOnline& online) {
  return online(user.id) || unix_seconds() - user.last_active_at < kActiveFor;
}

}  // namespace

Users::Users(store::Db& db, auth::Auth& auth, const auth::Settings& settings, blobs::Blobs& blobs)
    : db_(db), auth_(auth), settings_(settings), blobs_(blobs) {
  blobs_.referenced_by(sql::kPictures);
}

void throw_nothing_there(int status) {
  throw Problem(Problem::Kind::not_found, "There is nothing here.").answering(status);
}

Task<std::optional<UserModel>> Users::find(UserId id) const {
  co_return co_await db_.first<UserModel>(sql::kFind, id);
}

Task<std::vector<UserName>> Users::names(std::vector<std::string> ids) const {
  if (ids.size() > 1000) ids.resize(1000);
  co_return co_await db_.all<UserName>(sql::kNames, ids);
}

Task<json::Value> Users::column(UserId id, store::Sql statement) const {
  auto row = co_await db_.first<ValueRow>(statement, id);
  co_return row ? std::move(row->value) : json::Value(nullptr);
}

Task<json::Value> Users::stored_settings(UserId id) const {
  co_return co_await column(std::move(id), sql::kSettings);
}

Task<json::Value> Users::settings(UserId id) const {
  json::Value stored = co_await column(std::move(id), sql::kSettings);
  if (!stored.is_object()) co_return json::Object{};
  co_return stored;
}

std::size_t Users::max_image() const {
  auto bytes = static_cast<std::size_t>(
      std::max<std::int64_t>(0, settings_.image_bytes().value_or(kMaxImageUrl)));
  return std::min(bytes, kMaxImageUrl);
}

Task<Users::IsOnline> Users::online_now() const {
  if (online_) co_return co_await online_();
  co_return [](const std::string&) { return false; };
}

Task<bool> Users::active(UserId id) const {
  std::optional<UserModel> user = co_await find(id);
  if (!user) co_return false;
  IsOnline online = co_await online_now();
  co_return is_active(*user, online);
}

Task<UserPage> Users::page(ListOptions options) const {
  std::string pattern = store::containing(options.query.value_or(""));
  Order order = order_of(options);
  auto users = co_await db_.all<UserModel>(sql::kPage, pattern, order.column, order.direction,
                                           kPageSize, offset_of(options));
  auto memberships = co_await db_.all<MembershipRow>(sql::kGroups, ids_of(users));
  UserPage out;
  for (UserModel& user : users) {
    ListedUser& listed = out.users.emplace_back(to<ListedUser>(std::move(user)));
    for (const MembershipRow& m : memberships)
      if (m.user_id == listed.id) listed.group_ids.push_back(m.id);
  }
  out.total = (co_await db_.first<auth::NumberRow>(sql::kCount, pattern)).value().number;
  co_return out;
}

Task<std::vector<UserInfo>> Users::with_groups(std::vector<UserModel> users) const {
  std::multimap<std::string, GroupName> groups;
  for (MembershipRow& m : co_await db_.all<MembershipRow>(sql::kGroups, ids_of(users)))
    groups.emplace(m.user_id, GroupName{m.id, m.name});
  IsOnline online = co_await online_now();
  std::vector<UserInfo> out;
  for (UserModel& user : users) {
    UserInfo& info = out.emplace_back();
    auto [first, last] = groups.equal_range(user.id);
    for (; first != last; ++first) info.groups.push_back(first->second);
    info.is_active = is_active(user, online);
    info.status_emoji = std::move(user.status_emoji);
    info.status_message = std::move(user.status_message);
    info.status_expires_at = user.status_expires_at;
    info.id = std::move(user.id);
    info.name = std::move(user.name);
    info.email = std::move(user.email);
    info.role = std::move(user.role);
    info.bio = std::move(user.bio);
    info.last_active_at = user.last_active_at;
    info.timezone = std::move(user.timezone);
  }
  co_return out;
}

Task<InfoPage> Users::infos(ListOptions options, bool everybody) const {
  std::string pattern = store::containing(options.query.value_or(""));
  Order order = order_of(options);
  auto users = co_await db_.all<UserModel>(sql::kPage, pattern, order.column, order.direction,
                                           everybody ? kEverybody : kPageSize,
                                           everybody ? 0 : offset_of(options));
  InfoPage out;
  out.users = co_await with_groups(std::move(users));
  out.total = (co_await db_.first<auth::NumberRow>(sql::kCount, pattern)).value().number;
  co_return out;
}

Task<std::optional<UserInfo>> Users::info(UserId id) const {
  std::optional<UserModel> user = co_await find(id);
  if (!user) co_return std::nullopt;
  std::vector<UserModel> one;
  one.push_back(std::move(*user));
  std::vector<UserInfo> infos = co_await with_groups(std::move(one));
  co_return std::move(infos.front());
}

Task<std::optional<UserDetails>> Users::details(UserId id) const {
  std::optional<UserInfo> shown = co_await info(id);
  std::optional<UserModel> user = co_await find(id);
  if (!user || !shown) co_return std::nullopt;
  UserDetails out = to<UserDetails>(std::move(*user));
  out.groups = std::move(shown->groups);
  out.is_active = shown->is_active;
  co_return out;
}

Task<json::Value> Users::update_settings(const User& me, json::Value change) {
  auth::Permissions mine = co_await auth_.access.of(me.id);
  auto permits = [&](std::string_view leaf) { return me.admin() || mine.allows(leaf); };
  json::Value merged;
  co_await db_.transact([&](store::Connection& tx) -> Task<> {
    auto row = co_await tx.first<ValueRow>(sql::kLockSettings, me.id);
    merged = merge_settings(row ? row->value : json::Value(nullptr), change, permits);
    co_await tx.run(sql::kSetSettings, me.id, merged);
  });
  co_return merged;
}

Task<json::Value> Users::details_of_his_own(UserId id) const {
  co_return co_await column(std::move(id), sql::kInfo);
}

Task<json::Value> Users::update_info(const User& me, json::Value change) {
  if (!change.is_object()) refuse("This is an object.", 422);
  json::Value merged;
  co_await db_.transact([&](store::Connection& tx) -> Task<> {
    auto row = co_await tx.first<ValueRow>(sql::kLockInfo, me.id);
    merged = row && row->value.is_object() ? row->value : json::Value(json::Object{});
    for (const auto& [name, value] : change.as_object()) merged.as_object()[name] = value;
    if (json::serialize(merged).size() > kMaxInfo) refuse("This takes more than 64 KiB.", 413);
    co_await tx.run(sql::kSetInfo, me.id, merged);
  });
  co_return merged;
}

Task<json::Value> Users::variables(UserId id) const {
  json::Value stored = co_await column(std::move(id), sql::kVariables);
  if (!stored.is_object()) co_return json::Object{};
  co_return stored;
}

Task<json::Value> Users::set_variables(const User& me, json::Value variables) {
  if (!variables.is_object())
    json::refuse({{.type = "dict_type",
                   .loc = R"(["body","variables"])",
                   .message = "Input should be a valid dictionary",
                   .input = "null",
                   .context = {}}});
  if (variables.as_object().size() > kMaxVariables) refuse("There may be 100 variables.");
  for (const auto& [name, value] : variables.as_object()) {
    if (!is_variable_name(json::view(name)))
      refuse("Invalid user variable key: " + std::string(name).substr(0, 100));
    if (!value.is_string()) refuse("User variable must be a string: " + std::string(name));
    if (value.as_string().size() > kMaxVariable)
      refuse("User variable is too long: " + std::string(name));
  }
  co_await db_.run(sql::kSetVariables, me.id, variables);
  co_return variables;
}

Task<std::optional<UserModel>> Users::set_status(const User& me, StatusForm form) {
  std::optional<std::string> emoji, message;
  std::optional<std::int64_t> until;
  if (form.status_emoji) emoji = form.status_emoji->value;
  if (form.status_message) message = form.status_message->value;
  if (form.status_expires_at) until = *form.status_expires_at;
  co_await db_.run(sql::kSetStatus, me.id, emoji, message, until);
  co_return co_await find(me.id);
}

}  // namespace antiphon::users
