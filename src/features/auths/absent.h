#pragma once

namespace antiphon::http {
class Router;
}

namespace antiphon::auths {

/// LDAP, OAuth and second factors, which are not here: their routes answer as where they are turned
/// off.
void add_absent_routes(http::Router& router);

}  // namespace antiphon::auths
