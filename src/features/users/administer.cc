#include <optional>
#include <utility>

#include "base/problem.h"
#include "features/users/avatar.h"
#include "features/users/users.h"

/// What administrators do to other users.
namespace antiphon::users {
namespace {

[[noreturn]] void throw_restricted() {
  throw Problem(Problem::Kind::forbidden, "This is not possible, for safety's sake.");
}

[[noreturn]] void refuse(std::string why) {
  throw Problem(Problem::Kind::invalid, std::move(why)).answering(400);
}

Role role_in(const std::string& name) {
  if (name == "pending" || name == "user" || name == "admin") return role_of(name);
  refuse("A role is pending, user or admin.");
}

}  // namespace

Task<> Users::guard_primary(const Admin& by, const UserId& id, bool loses_role) const {
  std::optional<UserId> primary = co_await auth_.accounts.primary_admin();
  if (!primary || *primary != id) co_return;
  if (by.id != id || loses_role) throw_restricted();
}

Task<std::optional<UserModel>> Users::update(const Admin& by, UserId id, UpdateForm form) {
  std::optional<UserModel> before = co_await find(id);
  if (!before) throw_nothing_there();
  auth::Accounts::Edit edit{.name = form.name, .email = form.email};
  if (form.role) edit.role = role_in(*form.role);
  co_await guard_primary(by, id, edit.role && *edit.role != Role::admin);
  if (form.name) auth::check_name(*form.name);
  if (form.email) auth::check_email(auth::normal_email(*form.email));
  if (form.profile_image_url)
    check_image_url(*form.profile_image_url, id, settings_.image_types(), max_image());
  if (form.password && !form.password->empty()) {
    auth::check_password(settings_.password_policy(), *form.password);
    edit.password_hash = co_await auth_.passwords.hash(Secret(*form.password));
  }
  if (form.profile_image_url && !is_own_image(*form.profile_image_url, id))
    edit.profile_image_url = co_await keep_image(id, *form.profile_image_url);
  if (!co_await auth_.accounts.edit(id, std::move(edit)))
    refuse("This e-mail address belongs to another account.");
  co_return co_await find(id);
}

Task<bool> Users::remove(const Admin& by, UserId id) {
  if (by.id == id) throw_restricted();
  co_await guard_primary(by, id, true);
  (void)co_await auth_.accounts.remove(id);
  // Whoever is not there any more is what was asked for.
  co_return true;
}

}  // namespace antiphon::users
