#include <algorithm>
#include <string>
#include <utility>

#include "base/problem.h"
#include "base/time.h"
#include "blobs/blobs.h"
#include "features/users/avatar.h"
#include "features/users/users.h"
#include "features/users/users_sql.h"
#include "store/db.h"

/// What users change of themselves.
namespace antiphon::users {
namespace {

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9')) return false;
  int month = (text[5] - '0') * 10 + (text[6] - '0'), day = (text[8] - '0') * 10 + (text[9] - '0');
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool is_zone(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  });
}

[[noreturn]] void refuse(std::string why) {
  throw Problem(Problem::Kind::invalid, std::move(why)).answering(422);
}

}  // namespace

Task<UserModel> Users::change_profile(const User& me, ProfileChange change) {
  auth::check_name(change.name);
  check_image_url(change.profile_image_url, me.id, settings_.image_types(), max_image());
  if (change.date_of_birth && !is_date(*change.date_of_birth))
    refuse("A date of birth is like 2001-12-31.");
  std::optional<UserModel> before = co_await find(me.id);
  if (!before) throw_nothing_there();
  if (change.profile_image_url.empty() || is_own_image(change.profile_image_url, me.id))
    change.profile_image_url = before->profile_image_url;
  else
    change.profile_image_url = co_await keep_image(me.id, std::move(change.profile_image_url));
  co_await auth_.principals.commit([&](store::Connection& tx) -> Task<std::vector<auth::Change>> {
    co_await tx.run(sql::kProfile, me.id, change.name, change.profile_image_url, change.bio,
                    change.gender, change.date_of_birth, unix_seconds());
    co_return std::vector{auth::Change{.kind = auth::Change::Kind::refresh, .user = me.id}};
  });
  co_return (co_await find(me.id)).value();
}

Task<std::string> Users::keep_image(UserId owner, std::string url) {
  std::optional<DataImage> image = data_image(url);
  if (!image) co_return url;
  blobs::Blob kept = co_await blobs_.put(std::move(image->bytes));
  co_return image_path(owner) + "?v=" + kept.id.value;
}

Task<> Users::set_image(UserId owner, std::string url) {
  if (!data_image(url)) co_return;
  (void)co_await auth_.accounts.edit(owner,
                                     {.profile_image_url = co_await keep_image(owner, std::move(url))});
}

Task<http::Response> Users::image(const UserModel& user) const {
  std::optional<std::string> kept;
  if (auto blob = blob_in(user.profile_image_url, {user.id})) kept = co_await blobs_.read(*blob);
  co_return picture(user.id, user.name, user.profile_image_url, settings_.image_types(),
                    std::move(kept));
}

Task<> Users::change_timezone(UserId id, std::string timezone) {
  if (!is_zone(timezone)) refuse("A time zone is like Europe/Berlin.");
  co_await db_.run(sql::kTimezone, id, timezone);
}

}  // namespace antiphon::users
