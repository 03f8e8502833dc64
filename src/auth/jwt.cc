#include "auth/jwt.h"

#include <array>

#include "auth/flat_json.h"
#include "base/encode.h"

namespace antiphon::auth {
namespace {

constexpr std::string_view kIssuer = "antiphon";

void member(std::string& out, std::string_view name, std::string_view value) {
  out.append(out.empty() ? "{" : ",").append(json_quote(name)).append(":").append(json_quote(value));
}
void member(std::string& out, std::string_view name, std::int64_t value) {
  out.append(out.empty() ? "{" : ",").append(json_quote(name)).append(":");
  out.append(std::to_string(value));
}
void member(std::string& out, std::string_view name, bool value) {
  out.append(out.empty() ? "{" : ",").append(json_quote(name)).append(value ? ":true" : ":false");
}

std::string payload_of(Purpose purpose, const Claims& c) {
  std::string out;
  member(out, "id", c.id);
  member(out, "typ", c.typ);
  if (!c.auth_method.empty()) member(out, "auth_method", c.auth_method);
  if (c.auth_time) member(out, "auth_time", c.auth_time);
  if (!c.session_stamp.empty()) member(out, "session_stamp", c.session_stamp);
  member(out, "mfa_verified", c.mfa_verified);
  if (c.exp) member(out, "exp", c.exp);
  member(out, "jti", c.jti);
  member(out, "iat", c.iat);
  member(out, "iss", kIssuer);
  member(out, "aud", name_of(purpose));
  return out + "}";
}

/// The three parts of a token; nothing when there are not exactly three.
std::optional<std::array<std::string_view, 3>> split(std::string_view token) {
  std::size_t first = token.find('.');
  if (first == token.npos) return std::nullopt;
  std::size_t second = token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  return std::array{token.substr(0, first), token.substr(first + 1, second - first - 1),
                    token.substr(second + 1)};
}

/// The header's kid; "" when it has none; nothing for a header we do not take: another algorithm or
/// type, or any member besides (jku, x5u, crit…).
std::optional<std::string> kid_in(std::string_view encoded) {
  std::optional<std::string> text = base64url_decode(encoded);
  if (!text) return std::nullopt;
  std::optional<FlatObject> header = FlatObject::parse(*text);
  if (!header || header->text("alg") != "HS256") return std::nullopt;
  if (header->has("typ") && header->text("typ") != "JWT") return std::nullopt;
  auto kid = header->text("kid");
  std::size_t known = 1 + header->has("typ") + header->has("kid");
  if (!kid || header->size() != known) return std::nullopt;
  if (header->has("kid") && kid->empty()) return std::nullopt;
  return std::string(*kid);
}

bool signed_by(std::string_view key, std::string_view signing_input, std::string_view signature) {
  return equal_in_constant_time(hmac_sha256(key, signing_input), signature);
}

/// Whose signature it is decides what else must hold: ours names a purpose, Open WebUI's is always a
/// session.
bool genuine(const KeyRing& ring, Purpose purpose, const std::string& kid, std::string_view input,
             std::string_view signature) {
  if (!kid.empty()) {
    const RingKey* key = ring.find(kid);
    return key && signed_by(ring.derived(*key, purpose).reveal(), input, signature);
  }
  if (purpose != Purpose::session) return false;
  for (const RingKey& key : ring.keys())
    if (signed_by(key.secret.reveal(), input, signature)) return true;
  return false;
}

std::optional<Claims> claims_in(const FlatObject& in) {
  auto id = in.text("id"), typ = in.text("typ"), stamp = in.text("session_stamp"), jti = in.text("jti"),
       method = in.text("auth_method");
  auto exp = in.number("exp"), iat = in.number("iat"), auth_time = in.number("auth_time");
  if (!id || !typ || !stamp || !jti || !method || !exp || !iat || !auth_time) return std::nullopt;
  if (id->empty() || jti->empty() || (in.has("exp") && *exp <= 0)) return std::nullopt;
  const auto* mfa = in.find("mfa_verified");
  const bool* verified = mfa ? std::get_if<bool>(mfa) : nullptr;
  return Claims{.id = std::string(*id),
                .typ = std::string(*typ),
                .auth_method = std::string(*method),
                .auth_time = *auth_time,
                .session_stamp = std::string(*stamp),
                .mfa_verified = verified && *verified,
                .exp = *exp,
                .jti = std::string(*jti),
                .iat = *iat};
}

bool timely(const FlatObject& in, const Claims& c, std::int64_t now) {
  auto nbf = in.number("nbf");
  if (!nbf || *nbf > now + kClockLeeway || c.iat > now + kClockLeeway) return false;
  return c.exp == 0 || now < c.exp;
}

bool addressed(const FlatObject& in, Purpose purpose, bool ours) {
  if (ours) return in.text("iss") == kIssuer && in.text("aud") == name_of(purpose);
  return !in.has("iss") && !in.has("aud");
}

}  // namespace

std::string sign(const KeyRing& ring, Purpose purpose, const Claims& claims) {
  std::string header;
  member(header, "alg", std::string_view("HS256"));
  member(header, "typ", std::string_view("JWT"));
  member(header, "kid", std::string_view(ring.signing().kid));
  std::string input = base64url(header + "}") + "." + base64url(payload_of(purpose, claims));
  return input + "." + base64url(hmac_sha256(ring.derived(purpose).reveal(), input));
}

std::optional<Claims> verify(const KeyRing& ring, Purpose purpose, std::string_view token,
                             std::int64_t now) {
  if (token.size() > kMaxTokenBytes) return std::nullopt;
  auto parts = split(token);
  if (!parts) return std::nullopt;
  std::optional<std::string> kid = kid_in((*parts)[0]);
  std::optional<std::string> signature = base64url_decode((*parts)[2]);
  if (!kid || !signature) return std::nullopt;
  std::string_view input = token.substr(0, (*parts)[0].size() + 1 + (*parts)[1].size());
  if (!genuine(ring, purpose, *kid, input, *signature)) return std::nullopt;

  std::optional<std::string> payload = base64url_decode((*parts)[1]);
  if (!payload) return std::nullopt;
  std::optional<FlatObject> object = FlatObject::parse(*payload);
  if (!object || !addressed(*object, purpose, !kid->empty())) return std::nullopt;
  std::optional<Claims> claims = claims_in(*object);
  if (!claims || !timely(*object, *claims, now)) return std::nullopt;
  return claims;
}

}  // namespace antiphon::auth
