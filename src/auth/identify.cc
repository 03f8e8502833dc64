#include "auth/identify.h"

#include <algorithm>
#include <utility>

#include "auth/api_keys.h"
#include "base/encode.h"
#include "base/time.h"

namespace antiphon::auth {
namespace {

constexpr std::string_view kExpired = "Your session has ended. Please sign in again.";

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return (x | 0x20) == (y | 0x20);  // ASCII letters only; both sides are scheme names.
  });
}

/// "" for another scheme: a proxy's own Basic credentials are none of ours.
std::string_view bearer_in(std::string_view header) {
  std::size_t space = header.find(' ');
  if (space == header.npos || !same_word(header.substr(0, space), "bearer")) return {};
  std::string_view rest = header.substr(space + 1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return rest;
}

Caller refused(std::string_view why, int status = 401) {
  Caller out;
  out.failure = why;
  out.failure_status = status;
  return out;
}

Caller caller_of(const Principal& who, Caller::Via via) {
  Caller out;
  out.via = via;
  out.id = who.id;
  out.name = who.name;
  out.email = who.email;
  out.role = who.role;
  out.session_stamp = who.session_stamp;
  return out;
}

/// Whether `path` is one of the paths in the comma list, or below one.
bool listed(std::string_view list, std::string_view path) {
  while (!list.empty()) {
    std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ') || item.ends_with('/')) item.remove_suffix(1);
    if (item.empty() || !path.starts_with(item)) continue;
    if (path.size() == item.size() || path[item.size()] == '/') return true;
  }
  return false;
}

}  // namespace

std::string session_token_in(const http::Request& request) {
  if (std::string_view bearer = bearer_in(request.headers.get("authorization")); !bearer.empty())
    return std::string(bearer);
  return request.own_cookie("token").value_or("");
}

std::optional<Identify::Credential> Identify::credential_in(const http::Request& request,
                                                            std::string& cookie) const {
  if (std::string_view bearer = bearer_in(request.headers.get("authorization")); !bearer.empty())
    return Credential{.text = bearer};
  if (std::optional<std::string> token = request.own_cookie("token"); token && !token->empty()) {
    cookie = std::move(*token);
    return Credential{.text = cookie, .by_cookie = true};
  }
  std::string header = settings_.api_key_header();
  if (std::string_view key = request.headers.get(header); !header.empty() && !key.empty())
    return Credential{.text = key};
  return std::nullopt;
}

Task<Caller> Identify::operator()(const http::Request& request) {
  std::string cookie;
  std::optional<Credential> credential = credential_in(request, cookie);
  if (!credential) co_return Caller{};
  if (credential->text.size() > kMaxTokenBytes) co_return refused(kExpired);
  Caller out = credential->text.starts_with(kKeyPrefix)
                   ? co_await by_key(request, credential->text)
                   : co_await by_session(request, credential->text);
  // A dead cookie gives no rights, so it needs no check of who made the browser send it.
  out.by_cookie = credential->by_cookie && out.via != Caller::Via::nothing;
  co_return out;
}

Task<Caller> Identify::by_session(const http::Request& request, std::string_view token) {
  std::optional<KnownSession> session = co_await sessions_.verify(token);
  if (!session) co_return refused(kExpired);
  if (other_user_in_proxy(request, *session->principal))
    co_return refused("You have signed in as somebody else. Please sign in again.");
  Caller out = caller_of(*session->principal, Caller::Via::session);
  out.token_id = std::move(session->claims.jti);
  out.expires_at = session->claims.exp;
  principals_.seen(*session->principal, "");
  co_return out;
}

bool Identify::other_user_in_proxy(const http::Request& request, const Principal& who) const {
  if (!request.from_proxy) return false;  // Anybody else may claim to be anybody (row 89).
  std::string header = settings_.trusted_email_header();
  if (header.empty()) return false;
  std::string_view email = request.headers.get(header);
  return !email.empty() && normal_email(email) != normal_email(who.email);
}

Task<Caller> Identify::by_key(const http::Request& request, std::string_view key) {
  // Looked up by its hash, so the time of the look-up tells nothing about keys.
  std::string hash = key_hash(key);
  std::shared_ptr<const Principal> who = co_await principals_.find_by_key(hash);
  if (!who) co_return refused("This API key is not known.");
  auto known = std::ranges::find(who->keys, hash, &KnownKey::hash);
  if (known == who->keys.end() || !who->active || who->role == Role::pending)
    co_return refused("This API key is not known.");
  if (known->expires_at != 0 && known->expires_at <= unix_seconds())
    co_return refused("This API key has expired.");
  if (std::string why = co_await refusal_of_key(request, *who, *known); !why.empty())
    co_return refused(why, 403);

  Caller out = caller_of(*who, Caller::Via::api_key);
  if (out.role == Role::admin && !scopes_keep_admin(known->scopes)) out.role = Role::user;
  out.token_id = known->id;
  out.expires_at = known->expires_at;
  out.scopes = known->scopes;
  principals_.seen(*who, known->id);
  co_return out;
}

Task<std::string> Identify::refusal_of_key(const http::Request& request, const Principal& who,
                                           const KnownKey& key) const {
  if (!settings_.enable_api_keys()) co_return "API keys are turned off.";
  User user;
  static_cast<Caller&>(user) = caller_of(who, Caller::Via::api_key);
  if (!co_await access_.permits(user, "features.api_keys")) co_return "You may not use API keys.";
  if (settings_.restrict_api_keys() && !listed(settings_.api_key_endpoints(), request.path))
    co_return "API keys may not be used here.";
  if (!scopes_allow(key.scopes, request.method, request.path))
    co_return "This API key may not do this.";
  co_return "";
}

Task<std::optional<Caller>> Identify::session(std::string token) {
  std::optional<KnownSession> session = co_await sessions_.verify(token);
  if (!session) co_return std::nullopt;
  Caller out = caller_of(*session->principal, Caller::Via::session);
  out.token_id = std::move(session->claims.jti);
  out.expires_at = session->claims.exp;
  principals_.seen(*session->principal, "");
  co_return out;
}

Task<std::optional<Caller>> Identify::renew(Caller session) {
  if (session.via != Caller::Via::session) co_return std::nullopt;
  if (session.expires_at != 0 && session.expires_at <= unix_seconds()) co_return std::nullopt;
  std::shared_ptr<const Principal> who = co_await principals_.find(session.id);
  bool holds = who && who->active && who->role != Role::pending &&
               who->session_stamp == session.session_stamp && !principals_.revoked(session.token_id);
  if (!holds) co_return std::nullopt;
  session.name = who->name;
  session.email = who->email;
  session.role = who->role;
  co_return session;
}

}  // namespace antiphon::auth
