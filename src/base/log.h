#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
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

/// While it lives, a thread of its own writes the lines, so that whoever reads the log slowly, or not
/// at all, holds up nobody else. At most kMost bytes wait; what comes beyond is left out, and a later
/// line says how much. One at a time. Its end waits two seconds for the lines to leave.
class Background {
 public:
  static constexpr std::size_t kMost = 4 << 20;

  Background();
  ~Background();
  Background(const Background&) = delete;

 private:
  friend void write(Level, std::string_view, std::initializer_list<Field>);
  class Queue;

  struct Current;
  static Current& current();
  std::shared_ptr<Queue> queue_;
};

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
