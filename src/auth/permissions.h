#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "json/types.h"

/// The tree of permissions (`user.permissions`) and how it is resolved. Pure functions.
namespace antiphon::auth {

/// Names of leaves: "chat.delete".
using PermissionSet = std::set<std::string, std::less<>>;

/// A leaf of the tree as Open WebUI 0.12 has it.
struct PermissionLeaf {
  std::string_view branch;    ///< "chat"
  std::string_view name;      ///< "delete"
  bool allowed;               ///< When nobody says otherwise.
  std::string_view variable;  ///< "USER_PERMISSIONS_CHAT_DELETE", which seeds it.
};
const std::vector<PermissionLeaf>& permission_leaves();

/// `tree` with every leaf it lacks taken from `defaults`, and whatever else it holds kept as it is.
/// What is no boolean counts as absent.
json::Value complete_permissions(const json::Value& tree, const json::Value& defaults);

/// Adds the names of the leaves that are true.
void collect_allowed(const json::Value& tree, PermissionSet& out);

/// What one user may, resolved: the defaults OR what his groups allow; the most permissive wins.
class Permissions {
 public:
  /// `base` is complete.
  Permissions(json::Value base, const PermissionSet& allowed);
  /// Whether "chat.delete" and the like is allowed; false for what nobody knows.
  bool allows(std::string_view leaf) const;
  /// As clients get it.
  const json::Value& tree() const { return tree_; }

 private:
  json::Value tree_;
};

}  // namespace antiphon::auth
