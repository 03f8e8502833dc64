#include "auth/access.h"

#include <utility>

#include "base/problem.h"
#include "json/text.h"

namespace antiphon::auth {

json::Value Access::everybody() const {
  return complete_permissions(*settings_.user_permissions.share(), defaults_.tree());
}

bool Access::everybody_may(std::string_view leaf) const {
  std::size_t dot = leaf.find('.');
  if (dot == leaf.npos) return false;
  std::shared_ptr<const json::Value> tree = settings_.user_permissions.share();
  const json::Value* said = json::find(*tree, {leaf.substr(0, dot), leaf.substr(dot + 1)});
  return said && said->is_bool() ? said->as_bool() : defaults_.allows(leaf);
}

Task<Permissions> Access::of(const UserId& id) const {
  std::shared_ptr<const Principal> principal = co_await principals_.find(id);
  co_return Permissions(everybody(), principal ? principal->allowed : PermissionSet{});
}

Task<bool> Access::permits(const User& who, std::string_view leaf) const {
  if (who.admin() || everybody_may(leaf)) co_return true;
  std::shared_ptr<const Principal> principal = co_await principals_.find(who.id);
  co_return principal && principal->allowed.contains(leaf);
}

Task<> Access::require(const User& who, std::string_view leaf, int status) const {
  if (co_await permits(who, leaf)) co_return;
  throw Problem(Problem::Kind::forbidden,
                "You do not have permission to do this. Ask an administrator for it.")
      .answering(status);
}

Task<std::set<std::string, std::less<>>> Access::groups(const UserId& id) const {
  std::shared_ptr<const Principal> principal = co_await principals_.find(id);
  if (!principal) co_return std::set<std::string, std::less<>>{};
  co_return principal->groups;
}

}  // namespace antiphon::auth
