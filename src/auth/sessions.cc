#include "auth/sessions.h"

#include <limits>
#include <utility>

#include "base/ids.h"
#include "base/time.h"

namespace antiphon::auth {

Session Sessions::begin(const Account& account, std::string_view method) const {
  std::int64_t now = unix_seconds(), lasts = settings_.session_seconds();
  Claims claims{.id = account.id,
                .typ = std::string(kTyp),
                .auth_method = std::string(method),
                .auth_time = now,
                .session_stamp = account.session_stamp.value_or(""),
                .exp = lasts ? now + lasts : 0,
                .jti = uuid4(),
                .iat = now};
  return {.token = sign(keys_, Purpose::session, claims), .expires_at = claims.exp};
}

Task<std::optional<KnownSession>> Sessions::verify(std::string_view token) {
  std::optional<Claims> claims = auth::verify(keys_, Purpose::session, token, unix_seconds());
  if (!claims || claims->typ != kTyp) co_return std::nullopt;
  std::shared_ptr<const Principal> principal = co_await principals_.find({claims->id});
  if (!principal || !principal->active || principal->session_stamp != claims->session_stamp)
    co_return std::nullopt;
  // Asked last: find() has just made sure that what is remembered as revoked is recent.
  if (principals_.revoked(claims->jti)) co_return std::nullopt;
  co_return KnownSession{.claims = std::move(*claims), .principal = std::move(principal)};
}

Task<> Sessions::end(const Caller& session) {
  constexpr std::int64_t kForEver = std::numeric_limits<std::int64_t>::max();
  Change change{.kind = Change::Kind::session,
                .user = session.id,
                .jti = session.token_id,
                .exp = session.expires_at ? session.expires_at : kForEver};
  co_await principals_.commit(
      [&](store::Connection&) -> Task<std::vector<Change>> { co_return std::vector{change}; });
}

}  // namespace antiphon::auth
