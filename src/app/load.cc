#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "app/parts.h"
#include "base/log.h"

namespace antiphon::app {

std::string Process::store_url() const {
  if (std::string url = database_url(); !url.empty()) return url;
  return "sqlite:///" + (std::filesystem::absolute(data_dir()) / "antiphon.db").string();
}

int Process::pool_size() const {
  return static_cast<int>(std::clamp<std::int64_t>(database_connections(), 2, 4));
}

std::string Process::name_of_node() const {
  if (std::string name = node_name(); !name.empty()) return name;
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 && *name ? name : "node";
}

std::string Process::address_of_node() const {
  if (std::string address = advertise(); !address.empty()) return address;
  return (certificate().empty() ? "http://" : "https://") + name_of_node() + ":" +
         std::to_string(port());
}

namespace {

/// By Python's names, as Open WebUI has them; nothing for any other.
std::optional<log::Level> level_of(std::string name) {
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (name == "DEBUG" || name == "NOTSET") return log::Level::debug;
  if (name == "INFO" || name.empty()) return log::Level::info;
  if (name == "WARNING" || name == "WARN") return log::Level::warn;
  if (name == "ERROR" || name == "CRITICAL" || name == "FATAL") return log::Level::error;
  return std::nullopt;
}

}  // namespace

void Process::check(const config::Values& values) const {
  if (!level_of(log_level(values)))
    throw std::invalid_argument("GLOBAL_LOG_LEVEL: expected DEBUG, INFO, WARNING, ERROR or CRITICAL");
}

Declared::Declared() {
  registry.add(process);
  registry.add(redis);
  registry.add(general);
  registry.add(configs);
  registry.add(auth);
  registry.add(permissions);
  registry.add(models);
  registry.add(blobs);
  registry.add(documents);
  registry.add(files);
  registry.add(knowledge);
  registry.add(chats);
  registry.add(tasks);
  registry.add(evaluations);
  registry.add(analytics);
}

bool load(Declared& declared, const Environment& environment) {
  config::EnvReport report = declared.registry.load_env(environment);
  declared.models.own_port = declared.process.port();
  log::set_json(declared.process.log_format() == "json");
  if (auto level = level_of(declared.process.log_level())) log::set_level(*level);
  for (const std::string& complaint : report.strange)
    log::warn("A variable looks misspelt", {{"variable", complaint}});
  for (const std::string& name : report.ignored)
    log::warn("A variable of Open WebUI is set that Antiphon does not honour", {{"variable", name}});
  for (const std::string& error : report.errors) std::fprintf(stderr, "antiphon: %s\n", error.c_str());
  return report.errors.empty();
}

int settings() {
  Declared declared;
  std::fputs(declared.registry.markdown().c_str(), stdout);
  return 0;
}

}  // namespace antiphon::app
