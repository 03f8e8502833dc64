#include <utility>

#include "base/problem.h"
#include "features/auths/absent.h"
#include "features/auths/admin_page.h"
#include "features/auths/auths.h"
#include "features/auths/cookie.h"
#include "features/auths/key_routes.h"
#include "http/bind.h"
#include "http/described.h"

namespace antiphon::auths {
namespace {

using http::bind;
using http::Body;
using http::Call;
using http::Cost;

std::optional<std::int64_t> or_never(std::int64_t expires_at) {
  return expires_at ? std::optional(expires_at) : std::nullopt;
}

struct Api {
  Auths& auths;
  Parts parts;

  Task<SessionReply> greet(Call& call, Entry entry) {
    set_session_cookie(call, parts.settings, entry.session.token, entry.session.expires_at);
    auth::Permissions mine = co_await parts.auth.access.of({entry.account.id});
    co_return SessionReply{.id = entry.account.id,
                           .name = entry.account.name,
                           .role = entry.account.role,
                           .email = entry.account.email,
                           .profile_image_url = users::image_path({entry.account.id}),
                           .token = std::move(entry.session.token),
                           .token_type = "Bearer",
                           .expires_at = or_never(entry.session.expires_at),
                           .permissions = mine.tree()};
  }

  Task<SessionReply> sign_up(Anyone, Call& call, Body<SignupForm> form) {
    co_return co_await greet(call, co_await auths.sign_up(std::move(form)));
  }
  Task<SessionReply> sign_in(Anyone, Call& call, Body<SigninForm> form) {
    co_return co_await greet(call, co_await auths.sign_in(call.request, std::move(form)));
  }

  Task<SignedOut> sign_out(Anyone who, Call& call) {
    if (who.caller.via == Caller::Via::session) co_await parts.auth.sessions.end(who.caller);
    clear_session_cookies(call, parts.settings);
    SignedOut out;
    if (std::string url = parts.settings.signout_redirect_url(); !url.empty())
      out.redirect_url = std::move(url);
    co_return out;
  }

  Task<SessionInfo> show(const PendingHuman& me, Call& call) {
    std::optional<users::UserModel> user = co_await parts.users.find(me.id);
    if (!user) users::throw_nothing_there(401);
    std::string token = auth::session_token_in(call.request);
    set_session_cookie(call, parts.settings, token, me.expires_at);
    co_return SessionInfo{
        .status_emoji = std::move(user->status_emoji),
        .status_message = std::move(user->status_message),
        .status_expires_at = user->status_expires_at,
        .id = user->id,
        .name = std::move(user->name),
        .role = std::move(user->role),
        .email = std::move(user->email),
        .profile_image_url = users::shown_image(user->id, std::move(user->profile_image_url)),
        .token = std::move(token),
        .token_type = "Bearer",
        .expires_at = or_never(me.expires_at),
        .permissions = (co_await parts.auth.access.of(me.id)).tree(),
        .bio = std::move(user->bio),
        .gender = std::move(user->gender),
        .date_of_birth = std::move(user->date_of_birth)};
  }

  Task<bool> change_password(const PendingHuman& me, Call& call, Body<PasswordForm> form) {
    co_await auths.change_password(me, call.request, std::move(form));
    // The sessions of programs and other browsers have ended; this browser goes on.
    std::optional<auth::Account> account = co_await parts.auth.accounts.find(me.id);
    if (me.by_cookie && account) {
      auth::Session session = parts.auth.sessions.begin(*account, "password");
      set_session_cookie(call, parts.settings, session.token, session.expires_at);
    }
    co_return true;
  }

  Task<Profile> change_profile(const User& me, Body<ProfileForm> form) {
    users::ProfileChange change{.name = std::move(form.name),
                                .profile_image_url = std::move(form.profile_image_url)};
    if (form.bio) change.bio = std::move(form.bio->value);
    if (form.gender) change.gender = std::move(form.gender->value);
    change.date_of_birth = std::move(form.date_of_birth);
    users::UserModel user = co_await parts.users.change_profile(me, std::move(change));
    co_return Profile{user.id, user.name, user.role, user.email,
                      users::shown_image(user.id, user.profile_image_url)};
  }
  Task<Done> change_timezone(const SignedIn& me, Body<TimezoneForm> form) {
    co_await parts.users.change_timezone(me.id, std::move(form.timezone.value));
    co_return Done{};
  }

  Task<Profile> add(const Admin&, Body<AddForm> form) {
    auth::Account account = co_await auths.add(std::move(form));
    co_return Profile{account.id, account.name, account.role, account.email,
                      users::image_path({account.id})};
  }
  Task<Contact> contact(const SignedIn&) { co_return co_await auths.contact(); }

  Task<json::Value> admin_config(const Admin&) { co_return show_admin_config(parts); }
  Task<json::Value> set_admin_config(const Admin&, json::Value body) {
    co_return co_await change_admin_config(parts, std::move(body));
  }
};

constexpr http::Options kSmall{.body_limit = 64 * 1024};
constexpr http::Options kWithImage{.body_limit = 2 << 20};

}  // namespace

void add_routes(http::Router& r, Auths& auths, Parts parts) {
  Api api{auths, parts};
  r.on("POST /api/v1/auths/signup", Cost::hash, bind<&Api::sign_up>(api), kWithImage);
  r.on("POST /api/v1/auths/signin", Cost::hash, bind<&Api::sign_in>(api), kSmall);
  r.on("POST /api/v1/auths/signout", Cost::write, bind<&Api::sign_out>(api), kSmall);
  r.on("GET /api/v1/auths/", Cost::read, bind<&Api::show>(api));
  r.on("POST /api/v1/auths/update/password", Cost::hash, bind<&Api::change_password>(api), kSmall);
  r.on("POST /api/v1/auths/update/profile", Cost::write, bind<&Api::change_profile>(api), kWithImage);
  r.on("POST /api/v1/auths/update/timezone", Cost::write, bind<&Api::change_timezone>(api), kSmall);
  r.on("POST /api/v1/auths/add", Cost::hash, bind<&Api::add>(api), kWithImage);
  r.on("GET /api/v1/auths/admin/details", Cost::read, bind<&Api::contact>(api));
  using Members = std::map<std::string, json::Value>;
  r.on("GET /api/v1/auths/admin/config", Cost::read,
       http::answering<Members>(bind<&Api::admin_config>(api)));
  r.on("POST /api/v1/auths/admin/config", Cost::write,
       http::taking<Members>(http::answering<Members>(bind<&Api::set_admin_config>(api))));
  add_key_routes(r, parts);
  add_absent_routes(r);
}

}  // namespace antiphon::auths
