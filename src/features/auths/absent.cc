#include "features/auths/absent.h"

#include <string>

#include "base/problem.h"
#include "features/auths/dto.h"
#include "http/bind.h"
#include "json/text.h"

namespace antiphon::auths {
namespace {

using http::bind;
using http::Body;
using http::Cost;

constexpr std::string_view kLdapServer = R"({"label":"LDAP Server","host":"localhost","port":389,
  "attribute_for_mail":"mail","default_email_domain":"","attribute_for_username":"uid","app_dn":"",
  "app_dn_password":"","search_base":"","search_filters":"","use_tls":true,"certificate_path":"",
  "validate_cert":true,"ciphers":"ALL","enable_group_management":false,"enable_group_creation":false,
  "attribute_for_groups":"memberOf"})";
constexpr std::string_view kOauth = R"({"ENABLE_OAUTH":false,"ENABLE_OAUTH_SIGNUP":false,
  "OAUTH_MERGE_ACCOUNTS_BY_EMAIL":false,"OAUTH_AUTO_REDIRECT":false,"ENABLE_OAUTH_ROLE_MANAGEMENT":false,
  "ENABLE_OAUTH_GROUP_MANAGEMENT":false,"ENABLE_OAUTH_GROUP_CREATION":false,"OAUTH_PROVIDER_NAME":"SSO",
  "OPENID_PROVIDER_URL":"","OAUTH_CLIENT_ID":"","OAUTH_CLIENT_SECRET":"","OPENID_REDIRECT_URI":"",
  "OAUTH_SCOPES":"openid email profile","ENABLE_OAUTH_PERSISTENT_CONFIG":false})";

[[noreturn]] void off(std::string what, int status) {
  throw Problem(Problem::Kind::invalid, std::move(what)).answering(status);
}

struct Api {
  Task<json::Value> ldap(Anyone, Body<LdapForm>) { off("LDAP authentication is not enabled", 400); }
  Task<json::Value> ldap_switch(const Admin&) {
    co_return json::parse_value(R"({"ENABLE_LDAP":false})");
  }
  Task<json::Value> set_ldap_switch(const Admin&, json::Value body) {
    if (json::bool_at(body, "enable_ldap")) off("LDAP is not available in this version.", 400);
    co_return json::parse_value(R"({"ENABLE_LDAP":false})");
  }
  Task<json::Value> ldap_server(const Admin&) { co_return json::parse_value(kLdapServer); }
  Task<json::Value> set_ldap_server(const Admin&, json::Value) {
    off("LDAP is not available in this version.", 400);
  }
  Task<json::Value> oauth(const Admin&) { co_return json::parse_value(kOauth); }
  Task<json::Value> set_oauth(const Admin&, json::Value) {
    off("OAuth is not available in this version.", 400);
  }
  Task<json::Value> exchange(Anyone, std::string) { off("Token exchange is disabled", 403); }
  Task<json::Value> drop_oauth_session(const User&, std::string) {
    off("There is no such session.", 404);
  }
  Task<MfaStatus> mfa(const PendingHuman&) { co_return MfaStatus{}; }
  Task<json::Value> mfa_step(Anyone) { off("MFA is disabled.", 403); }
  Task<json::Value> mfa_change(const PendingHuman&) { off("MFA is disabled.", 403); }
};

}  // namespace

void add_absent_routes(http::Router& r) {
  Api api;
  r.on("POST /api/v1/auths/ldap", Cost::hash, bind<&Api::ldap>(api));
  r.on("GET /api/v1/auths/admin/config/ldap", Cost::read, bind<&Api::ldap_switch>(api));
  r.on("POST /api/v1/auths/admin/config/ldap", Cost::write, bind<&Api::set_ldap_switch>(api));
  r.on("GET /api/v1/auths/admin/config/ldap/server", Cost::read, bind<&Api::ldap_server>(api));
  r.on("POST /api/v1/auths/admin/config/ldap/server", Cost::write, bind<&Api::set_ldap_server>(api));
  r.on("GET /api/v1/auths/admin/config/oauth", Cost::read, bind<&Api::oauth>(api));
  r.on("POST /api/v1/auths/admin/config/oauth", Cost::write, bind<&Api::set_oauth>(api));
  r.on("POST /api/v1/auths/oauth/{provider}/token/exchange", Cost::hash, bind<&Api::exchange>(api));
  r.on("DELETE /api/v1/auths/oauth/sessions/{provider}", Cost::write,
       bind<&Api::drop_oauth_session>(api));
  r.on("GET /api/v1/auths/mfa/status", Cost::read, bind<&Api::mfa>(api));
  for (const char* step : {"challenge", "enroll/start", "enroll/confirm", "verify", "recover"})
    r.on("POST /api/v1/auths/mfa/" + std::string(step), Cost::hash, bind<&Api::mfa_step>(api));
  for (const char* change : {"replace", "recovery/codes"})
    r.on("POST /api/v1/auths/mfa/" + std::string(change), Cost::hash, bind<&Api::mfa_change>(api));
}

}  // namespace antiphon::auths
