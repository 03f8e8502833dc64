#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// Structured logging: a message that never changes, and fields that do. One JSON object a line
/// (LOG_FORMAT=json) or text for people. Control characters are escaped (row 119). Any thread.
namespace antiphon::log {

enum class Level { debug, info, warn, error };

/// A named value. Never pass a secret: Secret<T> does not convert.
struct Field {
  Field(std::string_view key, std::string_view value);
  Field(std::string_view key, const std::string& value) : Field(key, std::string_view(value)) {}
  Field(std::string_view key, const char* value) : Field(key, std::string_view(value)) {}
  Field(std::string_view key, std::int64_t value);
  Field(std::string_view key, int value) : Field(key, static_cast<std::int64_t>(value)) {}
  Field(std::string_view key, std::uint64_t value) : Field(key, static_cast<std::int64_t>(value)) {}
  Field(std::string_view key, double value);
  Field(std::string_view key, bool value);

  std::string_view key;
  std::string json;  ///< The value, as JSON text.
};

void set_level(Level level);
void set_json(bool json_lines);
bool enabled(Level level);
void write(Level level, std::string_view message, std::initializer_list<Field> fields);

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::debug)) write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, message, fields);
}
inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warn, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, message, fields);
}

}  // namespace antiphon::log
