#include "base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

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

void put(const std::string& line) {
  sink().log(spdlog::details::log_msg("", spdlog::level::info, line));
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

std::string line_of(Level level, std::string_view message, std::initializer_list<Field> fields) {
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
  return line;
}

}  // namespace

/// Belongs to the thread too, which nothing can end while a full pipe holds it.
class Background::Queue {
 public:
  void add(std::string line) {
    std::scoped_lock lock(mutex_);
    if (bytes_ + line.size() > kMost) {
      ++lost_;
      return;
    }
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    came_.notify_one();
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      came_.wait(lock, [&] { return ending_ || !lines_.empty(); });
      if (lines_.empty()) break;
      std::vector<std::string> taken = std::exchange(lines_, {});
      auto lost = static_cast<std::int64_t>(std::exchange(lost_, 0));
      lock.unlock();
      std::size_t size = 0;
      for (const std::string& line : taken) {
        put(line);
        size += line.size();
      }
      if (lost > 0) put(line_of(Level::warn, "Lines of the log were left out", {{"lines", lost}}));
      sink().flush();
      lock.lock();
      bytes_ -= size;
    }
    ended_ = true;
    left_.notify_all();
  }

  void end(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    ending_ = true;
    came_.notify_one();
    left_.wait_for(lock, patience, [&] { return ended_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_, left_;
  std::vector<std::string> lines_;  ///< Guarded by mutex_, as all below.
  std::size_t bytes_ = 0;           ///< Of lines_ and of what is being written.
  std::size_t lost_ = 0;
  bool ending_ = false, ended_ = false;
};

struct Background::Current {
  std::mutex mutex;
  std::shared_ptr<Queue> queue;  ///< Guarded by mutex.

  std::shared_ptr<Queue> get() {
    std::scoped_lock lock(mutex);
    return queue;
  }
  void set(std::shared_ptr<Queue> next) {
    std::scoped_lock lock(mutex);
    queue = std::move(next);
  }
};

Background::Current& Background::current() {
  static Current* one = new Current;  // Never destroyed: others may log to the very end.
  return *one;
}

Background::Background() : queue_(std::make_shared<Queue>()) {
  std::thread([queue = queue_] { queue->work(); }).detach();
  current().set(queue_);
}

Background::~Background() {
  current().set(nullptr);
  queue_->end(std::chrono::seconds(2));
}

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
  std::string line = line_of(level, message, fields);
  if (auto queue = Background::current().get()) return queue->add(std::move(line));
  put(line);
  if (level >= Level::info) sink().flush();
}

}  // namespace antiphon::log
