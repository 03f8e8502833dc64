#include "features/auths/auths.h"

#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "base/problem.h"
#include "json/text.h"
#include "store/db.h"

namespace antiphon::auths {

ANTIPHON_DTO_DEFINE(SigninForm)
ANTIPHON_DTO_DEFINE(SignupForm)
ANTIPHON_DTO_DEFINE(AddForm)
ANTIPHON_DTO_DEFINE(PasswordForm)
ANTIPHON_DTO_DEFINE(ProfileForm)
ANTIPHON_DTO_DEFINE(TimezoneForm)
ANTIPHON_DTO_DEFINE(SessionReply)
ANTIPHON_DTO_DEFINE(SessionInfo)
ANTIPHON_DTO_DEFINE(Profile)
ANTIPHON_DTO_DEFINE(Done)
ANTIPHON_DTO_DEFINE(SignedOut)
ANTIPHON_DTO_DEFINE(Contact)
ANTIPHON_DTO_DEFINE(OneKey)
ANTIPHON_DTO_DEFINE(KeyForm)
ANTIPHON_DTO_DEFINE(NewKey)
ANTIPHON_DTO_DEFINE(LdapForm)
ANTIPHON_DTO_DEFINE(MfaStatus)

namespace {

using auth::Account;
using auth::Creation;

[[noreturn]] void refuse(std::string why, int status = 400) {
  throw Problem(Problem::Kind::invalid, std::move(why)).answering(status);
}
std::vector<config::Change> no_sign_up() {
  return {{.key = "ui.enable_signup", .value = false}};
}
[[noreturn]] void wrong_credentials() {
  refuse("The e-mail address or the password is wrong.");
}
[[noreturn]] void not_allowed() {
  throw Problem(Problem::Kind::forbidden, "You may not do this here. Ask an administrator.");
}
[[noreturn]] void email_taken() {
  refuse("This e-mail address belongs to an account already. Sign in, or use another one.");
}

constexpr std::string_view kTheOnlyUser = "admin@localhost";

/// What is said of an account that was not made; otherwise the account.
Account made(auth::Created created) {
  if (created.outcome == Creation::email_taken) email_taken();
  if (!created.account) not_allowed();
  return std::move(*created.account);
}

/// The image that is to become a picture once there is an account: whom nobody lets in stores nothing.
std::string taken_out(auth::NewAccount& wanted) {
  if (!wanted.profile_image_url.starts_with("data:")) return {};
  return std::exchange(wanted.profile_image_url, "/user.png");
}

}  // namespace

Task<> Auths::prepare() {
  const auth::Settings& s = parts_.settings;
  if (co_await parts_.auth.accounts.any()) {
    met_an_account_ = parts_.config.registry().from_environment(s.enable_signup);
    co_await close_behind_the_first();
  }
  std::string email = s.admin_email_at_start();
  if (!s.webui_auth()) {
    bool others =
        co_await parts_.auth.accounts.any() && !co_await parts_.auth.accounts.by_email(kTheOnlyUser);
    if (others)
      throw Problem(
          Problem::Kind::internal,
          "WEBUI_AUTH=False is for a fresh installation, but there are accounts here. Unset it, or use "
          "another database.");
    co_return;
  }
  if (email.empty() || s.admin_password_at_start().empty() || co_await parts_.auth.accounts.any())
    co_return;
  std::string password = s.admin_password_at_start().reveal();
  auth::check_email(auth::normal_email(email));
  auth::NewAccount form{.name = s.admin_name_at_start(), .email = email, .role = Role::admin};
  form.password_hash = co_await parts_.auth.passwords.hash(Secret(password));
  auto nobody_else = [](store::Connection&) -> Task<bool> { co_return false; };
  auto close = [this](store::Connection& tx) { return close_sign_up(tx); };
  auth::Created created = co_await parts_.auth.accounts.create(std::move(form), nobody_else, close);
  if (created.outcome != Creation::first_admin) co_return;
  co_await sign_up_is_closed();
  log::info("created the first administrator", {{"email", created.account->email}});
}

Task<Entry> Auths::enter(Account account, std::string_view method) {
  auth::Session session = parts_.auth.sessions.begin(account, method);
  co_return Entry{std::move(account), std::move(session)};
}

Task<bool> Auths::may_sign_up(bool first) const {
  const auth::Settings& s = parts_.settings;
  if (!s.webui_auth() || !s.enable_password_auth() || !s.trusted_email_header().empty())
    co_return false;
  bool open = s.enable_signup() && s.enable_login_form();
  co_return open || (first && s.enable_initial_admin_signup());
}

Task<> Auths::close_sign_up(store::Connection& tx) {
  return parts_.config.set_within(tx, no_sign_up());
}

Task<> Auths::sign_up_is_closed() {
  co_await parts_.config.refresh();
  co_await close_behind_the_first();
}

/// With ENABLE_PERSISTENT_CONFIG=False no row says that sign-up is closed. So each process closes it
/// when it first meets an account, be it at its start; only there ENABLE_SIGNUP=True keeps it open.
Task<> Auths::close_behind_the_first() {
  if (parts_.config.persistent() || met_an_account_) co_return;
  co_await parts_.config.set(no_sign_up());
  met_an_account_ = true;
}

Task<Entry> Auths::sign_up(SignupForm form) {
  const auth::Settings& s = parts_.settings;
  bool first = !co_await parts_.auth.accounts.any();
  // The first account closed the door in its own transaction, whether or not word of it has come here.
  if (!first) co_await sign_up_is_closed();
  if (!co_await may_sign_up(first)) not_allowed();
  auth::NewAccount wanted{.name = form.name,
                          .email = auth::normal_email(form.email),
                          .profile_image_url = form.profile_image_url.value_or("/user.png"),
                          .role = role_of(s.default_user_role()),
                          .group_id = s.default_group_id()};
  auth::check_email(wanted.email);
  auth::check_name(wanted.name);
  users::check_image_url(wanted.profile_image_url, {}, s.image_types());
  std::string image = taken_out(wanted);
  auth::check_password(s.password_policy(), form.password);
  wanted.password_hash = co_await parts_.auth.passwords.hash(Secret(std::move(form.password)));

  // Whoever came to be the first and was not finds the door closed, as it is from then on.
  auto may_join = [first](store::Connection&) -> Task<bool> { co_return !first; };
  auto close = [this](store::Connection& tx) { return close_sign_up(tx); };
  auth::Created created = co_await parts_.auth.accounts.create(std::move(wanted), may_join, close);
  if (created.outcome == Creation::first_admin) co_await sign_up_is_closed();
  auth::Account account = co_await with_image(made(std::move(created)), std::move(image));
  co_return co_await enter(std::move(account), "password");
}

Task<Entry> Auths::sign_in(const http::Request& request, SigninForm form) {
  if (!parts_.settings.webui_auth()) co_return co_await sign_in_as_the_only_user();
  if (!parts_.settings.trusted_email_header().empty()) co_return co_await sign_in_by_proxy(request);
  if (!parts_.settings.enable_password_auth()) not_allowed();
  co_return co_await sign_in_by_password(request.remote, std::move(form));
}

Task<bool> Auths::matches(const std::optional<Account>& account, const std::string& email,
                          const std::string& password) {
  // Always asked, so that its cost does not tell whether there is an account.
  std::string hash = co_await parts_.auth.accounts.stand_in(email);
  bool real = account && account->active;
  if (real) hash = account->password;
  bool same = co_await parts_.auth.passwords.verify(Secret(password), std::move(hash));
  co_return real&& same;
}

Task<Entry> Auths::sign_in_by_password(const std::string& address, SigninForm form) {
  parts_.auth.passwords.check_room();
  std::string email = auth::normal_email(form.email.substr(0, 1024));
  co_await parts_.auth.limits.check(address, email);
  std::optional<Account> account = co_await parts_.auth.accounts.by_email(email);
  if (!co_await matches(account, email, form.password)) {
    co_await parts_.auth.limits.failed(address, email);
    wrong_credentials();
  }
  co_await parts_.auth.limits.succeeded(address, email);
  if (auth::Passwords::outdated(account->password)) {
    std::string hash = co_await parts_.auth.passwords.hash(Secret(form.password));
    co_await parts_.auth.accounts.set_password({account->id}, std::move(hash), true);
  }
  co_return co_await enter(std::move(*account), "password");
}

Task<Entry> Auths::sign_in_as_the_only_user() {
  std::optional<Account> account = co_await parts_.auth.accounts.by_email(kTheOnlyUser);
  if (!account) {
    // A password nobody knows: it is not what anybody signs in with.
    auth::NewAccount form{.name = "User", .email = std::string(kTheOnlyUser), .role = Role::admin};
    form.password_hash = co_await parts_.auth.passwords.hash(Secret(random_hex(32)));
    auto nobody_else = [](store::Connection&) -> Task<bool> { co_return false; };
    account = made(co_await parts_.auth.accounts.create(std::move(form), nobody_else, nullptr));
  }
  co_return co_await enter(std::move(*account), "system");
}

Task<Account> Auths::add(AddForm form) {
  const auth::Settings& s = parts_.settings;
  std::string role = form.role.value_or("pending");
  if (role != name_of(role_of(role))) refuse("A role is pending, user or admin.");
  auth::NewAccount wanted{.name = form.name,
                          .email = auth::normal_email(form.email),
                          .profile_image_url = form.profile_image_url.value_or("/user.png"),
                          .role = role_of(role),
                          .group_id = s.default_group_id()};
  auth::check_email(wanted.email);
  auth::check_name(wanted.name);
  users::check_image_url(wanted.profile_image_url, {}, s.image_types());
  std::string image = taken_out(wanted);
  auth::check_password(s.password_policy(), form.password);
  wanted.password_hash = co_await parts_.auth.passwords.hash(Secret(std::move(form.password)));
  auth::Created created = co_await parts_.auth.accounts.create(std::move(wanted), nullptr, nullptr);
  co_return co_await with_image(made(std::move(created)), std::move(image));
}

Task<Account> Auths::with_image(Account account, std::string url) {
  if (url.empty()) co_return account;
  co_await parts_.users.set_image({account.id}, std::move(url));
  auto now = co_await parts_.auth.accounts.find({account.id});
  co_return now ? std::move(*now) : std::move(account);
}

Task<> Auths::change_password(const PendingHuman& me, const http::Request& request, PasswordForm form) {
  const auth::Settings& s = parts_.settings;
  if (!s.webui_auth() || !s.trusted_email_header().empty()) refuse("Passwords are not kept here.");
  co_await parts_.auth.limits.check(request.remote, me.email);
  std::optional<Account> account = co_await parts_.auth.accounts.find(me.id);
  if (!co_await matches(account, me.email, form.password)) {
    co_await parts_.auth.limits.failed(request.remote, me.email);
    refuse("The current password is wrong.");
  }
  auth::check_password(s.password_policy(), form.new_password);
  std::string hash = co_await parts_.auth.passwords.hash(Secret(std::move(form.new_password)));
  co_await parts_.auth.accounts.set_password(me.id, std::move(hash));
}

Task<Contact> Auths::contact() const {
  if (!parts_.settings.show_admin_details()) not_allowed();
  std::optional<std::string> email = parts_.settings.admin_email();
  std::optional<Account> admin;
  if (email && !email->empty()) {
    admin = co_await parts_.auth.accounts.by_email(*email);
  } else if (std::optional<UserId> primary = co_await parts_.auth.accounts.primary_admin()) {
    admin = co_await parts_.auth.accounts.find(*primary);
    if (admin) email = admin->email;
  }
  std::optional<std::string> name;
  if (admin) name = admin->name;
  co_return Contact{std::move(name), std::move(email)};
}

}  // namespace antiphon::auths
