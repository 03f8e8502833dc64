#include "auth/settings.h"

#include <charconv>
#include <limits>
#include <stdexcept>

#include "auth/permissions.h"
#include "json/text.h"

namespace antiphon::auth {
namespace {

constexpr std::int64_t kMostSeconds = 100LL * 365 * 86'400;

/// Milliseconds in a unit; 0 for what is none.
std::int64_t unit_ms(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s" || unit.empty()) return 1'000;
  if (unit == "m") return 60'000;
  if (unit == "h") return 3'600'000;
  if (unit == "d") return 86'400'000;
  return unit == "w" ? 7 * 86'400'000LL : 0;
}

}  // namespace

std::optional<std::int64_t> parse_duration(std::string_view text) {
  if (text == "-1" || text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double total_ms = 0;
  while (!text.empty()) {
    if (text[0] < '0' || text[0] > '9') return std::nullopt;
    double number = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    std::size_t letters = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz");
    std::int64_t unit = unit_ms(text.substr(0, letters));
    if (unit == 0) return std::nullopt;
    text.remove_prefix(letters == text.npos ? text.size() : letters);
    total_ms += number * static_cast<double>(unit);
  }
  if (total_ms < 1'000 || total_ms > static_cast<double>(kMostSeconds) * 1'000) return std::nullopt;
  return static_cast<std::int64_t>(total_ms / 1'000);
}

Settings::Settings() : Group("Accounts") {}

void Settings::check(const config::Values& values) const {
  if (!parse_duration(jwt_expires_in(values)))
    throw std::invalid_argument("JWT_EXPIRES_IN: expected a duration such as 30m, 12h or 4w, or -1");
  if (enable_password_validation(values) && !valid_pattern(password_pattern(values)))
    throw std::invalid_argument(
        "PASSWORD_VALIDATION_REGEX_PATTERN: not understood; use (?=…) and (?!…) at the start, then a "
        "POSIX expression");
}

std::int64_t Settings::session_seconds() const {
  return parse_duration(jwt_expires_in()).value_or(28 * 86'400);
}

PasswordPolicy Settings::password_policy() const {
  return {.match_pattern = enable_password_validation(),
          .pattern = password_pattern(),
          .hint = password_hint()};
}

PermissionDefaults::PermissionDefaults() : Group("Permissions") {
  for (const PermissionLeaf& leaf : permission_leaves()) {
    const config::Bool& setting = leaves_.emplace_back(
        env(leaf.variable, leaf.allowed).help("Default of a permission of all users."));
    by_name_.emplace(std::string(leaf.branch) + "." + std::string(leaf.name), &setting);
  }
}

bool PermissionDefaults::allows(std::string_view leaf) const {
  auto it = by_name_.find(leaf);
  return it != by_name_.end() && (*it->second)();
}

json::Value PermissionDefaults::tree() const {
  json::Value out = json::Object{};
  const auto& leaves = permission_leaves();
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    json::Value& branch = out.as_object()[leaves[i].branch];
    if (!branch.is_object()) branch = json::Object{};
    branch.as_object()[leaves[i].name] = leaves_[i]();
  }
  return out;
}

}  // namespace antiphon::auth
