#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "json/types.h"

/// JSON text to values and back. Strict in what it reads: depth at most 64, no lone surrogate, no
/// U+0000, no number outside double, valid UTF-8 only; of equal keys the last counts. Pure.
namespace antiphon::json {

using Object = boost::json::object;
using Array = boost::json::array;

inline constexpr std::size_t kMaxDepth = 64;
/// Values one text may hold: each takes 24 bytes and more, whatever little it takes to write it.
inline constexpr std::size_t kMaxValues = 4'000'000;

/// Nothing when `text` is not JSON, or not JSON we take.
std::optional<Value> try_parse(std::string_view text);

/// For what other servers say: as try_parse, but what cannot be kept costs no more than itself. Invalid
/// UTF-8, lone surrogates and U+0000 become U+FFFD, the numbers JSON does not know (NaN) null.
std::optional<Value> try_parse_mending(std::string_view text);

/// As try_parse; throws a Problem (422, FastAPI's `json_invalid`) instead.
Value parse_value(std::string_view text);

/// Compact text. Qualify the call (json::serialize) where <boost/json.hpp> is included: Boost has one
/// too. Numbers print as people and JavaScript print them (0.7, not 7E-1); non-finite as null.
std::string serialize(const Value& value);
void serialize(const Value& value, std::string& out);

/// `text` as a JSON string, quotes included. Invalid UTF-8 becomes U+FFFD.
void quote(std::string_view text, std::string& out);

/// What is at `key`, or null when `value` is no object or has no such key. Never throws.
const Value* find(const Value& value, std::string_view key);
/// find() along a path: find(v, {"usage", "total_tokens"}).
const Value* find(const Value& value, std::initializer_list<std::string_view> path);

/// The text at `key`; "" when absent or no text.
std::string_view text_at(const Value& value, std::string_view key);
/// The whole number at `key` (numbers with fraction are cut); `fallback` when absent or no number.
std::int64_t int_at(const Value& value, std::string_view key, std::int64_t fallback = 0);
bool bool_at(const Value& value, std::string_view key, bool fallback = false);
/// The object or array at `key`; null when absent or of another kind.
const Object* object_at(const Value& value, std::string_view key);
const Array* array_at(const Value& value, std::string_view key);

inline std::string_view view(boost::json::string_view s) {
  return {s.data(), s.size()};
}

}  // namespace antiphon::json
