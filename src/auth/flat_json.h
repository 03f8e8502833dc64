#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace antiphon::auth {

/// A JSON object of scalars, as token headers and claims are. Much stricter than JSON: no nesting,
/// no escapes, no fractions, no name twice (row 87); so two readers cannot disagree about it.
class FlatObject {
 public:
  using Scalar = std::variant<std::nullptr_t, bool, std::int64_t, std::string_view>;

  /// Views into `text`. Nothing when it is not such an object; at most 32 members.
  static std::optional<FlatObject> parse(std::string_view text);

  /// Null when there is no such member.
  const Scalar* find(std::string_view name) const;
  /// Its text; "" when it is absent or null; nothing when it is of another kind.
  std::optional<std::string_view> text(std::string_view name) const;
  /// Its number; 0 when it is absent or null; nothing when it is of another kind.
  std::optional<std::int64_t> number(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::size_t size() const { return members_.size(); }

 private:
  std::vector<std::pair<std::string_view, Scalar>> members_;
};

}  // namespace antiphon::auth
