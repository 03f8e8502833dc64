#include "http/caller.h"

namespace antiphon {

std::string_view name_of(Role role) {
  switch (role) {
    case Role::pending:
      return "pending";
    case Role::user:
      return "user";
    case Role::admin:
      return "admin";
  }
  __builtin_unreachable();
}

Role role_of(std::string_view name) {
  if (name == "admin") return Role::admin;
  return name == "user" ? Role::user : Role::pending;
}

}  // namespace antiphon
