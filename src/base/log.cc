#include "base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>

#include "base/encode.h"

namespace antiphon::log {
namespace {

std::atomic<int> minimum{static_cast<int>(Level::info)};
std::atomic<bool> json_lines{false};

/// To stderr: stdout belongs to what a command prints. The sink serialises the threads.
spdlog::sinks::stderr_sink_mt& sink() {
  static spdlog::sinks::stderr_sink_mt instance;
  static const bool once = (instance.set_pattern("%v"), true);
  (void)once;
  return instance;
}

const char* name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "";
}

}  // namespace

Field::Field(std::string_view k, std::string_view value) : key(k), json(json_quote(value)) {}
Field::Field(std::string_view k, std::int64_t value) : key(k), json(std::to_string(value)) {}
Field::Field(std::string_view k, double value) : key(k), json(fmt::format("{}", value)) {}
Field::Field(std::string_view k, bool value) : key(k), json(value ? "true" : "false") {}

void set_level(Level level) {
  minimum = static_cast<int>(level);
}
void set_json(bool on) {
  json_lines = on;
}
bool enabled(Level level) {
  return static_cast<int>(level) >= minimum;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::string line;
  if (json_lines) {
    line = fmt::format(R"({{"time":"{:%FT%T}Z","level":"{}","message":{})", now, name_of(level),
                       json_quote(message));
    for (const Field& f : fields) line += fmt::format(",{}:{}", json_quote(f.key), f.json);
    line += '}';
  } else {
    line = fmt::format("{:%F %T} {:<5} {}", now, name_of(level), message);
    for (const Field& f : fields) line += fmt::format("  {}={}", f.key, f.json);
  }
  sink().log(spdlog::details::log_msg("", spdlog::level::info, line));
  if (level >= Level::info) sink().flush();
}

}  // namespace antiphon::log
