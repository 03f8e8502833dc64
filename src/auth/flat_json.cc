#include "auth/flat_json.h"

#include <charconv>
#include <utility>

namespace antiphon::auth {
namespace {

constexpr std::size_t kMaxMembers = 32;

class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool take(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::optional<std::string_view> text() {
    if (!take('"')) return std::nullopt;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      auto c = static_cast<unsigned char>(rest_[i]);
      if (c == '"') {
        std::string_view out = rest_.substr(0, i);
        rest_.remove_prefix(i + 1);
        return out;
      }
      if (c < 0x20 || c >= 0x7F || c == '\\') return std::nullopt;
    }
    return std::nullopt;
  }
  std::optional<std::int64_t> number() {
    skip_space();
    std::int64_t out = 0;
    bool negative = rest_.starts_with('-');
    std::string_view digits = rest_.substr(negative);
    if (digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
      return std::nullopt;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    if (error != std::errc{}) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    if (!rest_.empty() && (rest_[0] == '.' || rest_[0] == 'e' || rest_[0] == 'E')) return std::nullopt;
    return out;
  }
  bool at_end() {
    skip_space();
    return rest_.empty();
  }
  char peek() {
    skip_space();
    return rest_.empty() ? '\0' : rest_[0];
  }

 private:
  void skip_space() {
    while (!rest_.empty() &&
           (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\r' || rest_[0] == '\t'))
      rest_.remove_prefix(1);
  }
  std::string_view rest_;
};

std::optional<FlatObject::Scalar> scalar(Cursor& in) {
  if (in.peek() == '"') {
    auto text = in.text();
    if (!text) return std::nullopt;
    return FlatObject::Scalar(*text);
  }
  if (in.take("true")) return FlatObject::Scalar(true);
  if (in.take("false")) return FlatObject::Scalar(false);
  if (in.take("null")) return FlatObject::Scalar(nullptr);
  auto number = in.number();
  if (!number) return std::nullopt;
  return FlatObject::Scalar(*number);
}

}  // namespace

std::optional<FlatObject> FlatObject::parse(std::string_view text) {
  Cursor in(text);
  FlatObject out;
  if (!in.take('{')) return std::nullopt;
  if (in.take('}')) return in.at_end() ? std::optional(out) : std::nullopt;
  do {
    auto name = in.text();
    if (!name || out.has(*name) || out.members_.size() == kMaxMembers) return std::nullopt;
    if (!in.take(':')) return std::nullopt;
    auto value = scalar(in);
    if (!value) return std::nullopt;
    out.members_.emplace_back(*name, *value);
  } while (in.take(','));
  if (!in.take('}') || !in.at_end()) return std::nullopt;
  return out;
}

const FlatObject::Scalar* FlatObject::find(std::string_view name) const {
  for (const auto& [key, value] : members_)
    if (key == name) return &value;
  return nullptr;
}

std::optional<std::string_view> FlatObject::text(std::string_view name) const {
  const Scalar* value = find(name);
  if (!value || std::holds_alternative<std::nullptr_t>(*value)) return std::string_view{};
  if (auto* text = std::get_if<std::string_view>(value)) return *text;
  return std::nullopt;
}

std::optional<std::int64_t> FlatObject::number(std::string_view name) const {
  const Scalar* value = find(name);
  if (!value || std::holds_alternative<std::nullptr_t>(*value)) return 0;
  if (auto* number = std::get_if<std::int64_t>(value)) return *number;
  return std::nullopt;
}

}  // namespace antiphon::auth
