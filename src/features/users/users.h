#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/auth.h"
#include "base/task.h"
#include "config/general.h"
#include "config/store.h"
#include "features/users/dto.h"
#include "http/call.h"

namespace antiphon::store {
class Db;
}
namespace antiphon::blobs {
class Blobs;
}
namespace antiphon::http {
class Router;
}

/// The people of the deployment: profiles, settings, groups, and what each may do.
/// Other features use Users; nothing outside this folder and src/auth writes its tables.
namespace antiphon::users {

/// Throws Problem (400): what Open WebUI says of a user or thing that is not there.
[[noreturn]] void throw_nothing_there(int status = 400);

inline constexpr std::size_t kMaxImageUrl = 1 << 20;

/// Throws Problem (422) unless `url` may be a user's picture: nothing, our own default, his own
/// image's address, a raster data: URL, or an https address, which is kept but never shown.
void check_image_url(std::string_view url, const UserId& owner, const std::vector<std::string>& types,
                     std::size_t max_bytes = kMaxImageUrl);

/// Where clients find the picture of a user. What is stored of one that is a blob is this and
/// "?v=" and the blob's id.
std::string image_path(const UserId& id);
/// Whether it is where his own picture is found: no picture, but what clients were given and send back.
bool is_own_image(std::string_view url, const UserId& owner);
/// What is shown as profile_image_url: what is stored, unless that is on another server.
std::string shown_image(const std::string& id, std::string stored);

/// What users change of themselves. Absent is left as it is, but for the last three, which are cleared.
struct ProfileChange {
  std::string name;
  std::string profile_image_url;
  std::optional<std::string> bio = {};
  std::optional<std::string> gender = {};
  std::optional<std::string> date_of_birth = {};
};

class Users {
 public:
  /// Says whether a user has an open socket, at any replica, as things stand.
  using IsOnline = std::function<bool(const std::string& id)>;
  using Online = std::function<Task<IsOnline>()>;

  Users(store::Db& db, auth::Auth& auth, const auth::Settings& settings, blobs::Blobs& blobs);

  /// For other features.
  Task<std::optional<UserModel>> find(UserId id) const;
  /// Of those ids that are users. At most 1000 at a time.
  Task<std::vector<UserName>> names(std::vector<std::string> ids) const;
  /// What he has set for himself: `{"ui":{…},…}`; an empty object when nothing.
  Task<json::Value> settings(UserId id) const;
  Task<auth::Permissions> permissions(const User& who) const { return auth_.access.of(who.id); }
  void show_online_by(Online online) { online_ = std::move(online); }

  Task<UserPage> page(ListOptions options) const;
  /// Others' names, for choosing whom to share with. `everybody` ignores pages: at most 10 000.
  Task<InfoPage> infos(ListOptions options, bool everybody) const;
  Task<std::optional<UserInfo>> info(UserId id) const;
  Task<std::optional<UserDetails>> details(UserId id) const;
  /// Whether he is here, or has been in the last three minutes.
  Task<bool> active(UserId id) const;

  /// As stored; null when he has set nothing.
  Task<json::Value> stored_settings(UserId id) const;
  Task<json::Value> update_settings(const User& me, json::Value change);
  Task<json::Value> details_of_his_own(UserId id) const;
  Task<json::Value> update_info(const User& me, json::Value change);
  Task<json::Value> variables(UserId id) const;
  /// Replaces them. Throws Problem (400) for names that are none.
  Task<json::Value> set_variables(const User& me, json::Value variables);
  Task<std::optional<UserModel>> set_status(const User& me, StatusForm form);

  /// His own name, picture and the like. Throws Problem (400, 422) for what does not do.
  Task<UserModel> change_profile(const User& me, ProfileChange change);
  Task<> change_timezone(UserId id, std::string timezone);
  /// What to store of a picture that may be one: the image in a data: URL becomes a blob.
  Task<std::string> keep_image(UserId owner, std::string url);
  /// Gives a new account its picture; the row as it is then.
  Task<> set_image(UserId owner, std::string url);
  /// The bytes; of him who has none, a letter.
  Task<http::Response> image(const UserModel& user) const;

  /// As an administrator. Throws Problem: 400 nobody there, 403 for the primary administrator.
  Task<std::optional<UserModel>> update(const Admin& by, UserId id, UpdateForm form);
  Task<bool> remove(const Admin& by, UserId id);

 private:
  struct Columns;
  std::size_t max_image() const;
  Task<IsOnline> online_now() const;
  Task<std::vector<UserInfo>> with_groups(std::vector<UserModel> users) const;
  Task<json::Value> column(UserId id, store::Sql sql) const;
  Task<> guard_primary(const Admin& by, const UserId& id, bool loses_role) const;

  store::Db& db_;
  auth::Auth& auth_;
  const auth::Settings& settings_;
  blobs::Blobs& blobs_;
  Online online_;
};

class Groups;

/// Ids and names.
using UsableModels = std::vector<std::pair<std::string, std::string>>;

/// What the routes need. All must outlive the router.
struct Parts {
  Users& users;
  Groups& groups;
  auth::Auth& auth;
  const auth::Settings& settings;
  const auth::PermissionDefaults& defaults;
  const config::General& general;
  config::Store& config;
  /// What somebody of these groups may use; the id is empty for nobody in particular.
  std::function<Task<UsableModels>(UserId, bool admin, std::set<std::string, std::less<>> groups)>
      usable_models;
};
void add_routes(http::Router& router, Parts parts);

}  // namespace antiphon::users
