#include <cstdio>
#include <filesystem>

#include "app/parts.h"
#include "base/log.h"

namespace antiphon::app {

std::string Process::store_url() const {
  if (std::string url = database_url(); !url.empty()) return url;
  return "sqlite:///" + (std::filesystem::absolute(data_dir()) / "antiphon.db").string();
}

Declared::Declared() {
  registry.add(process);
  registry.add(general);
  registry.add(configs);
  registry.add(auth);
  registry.add(permissions);
  registry.add(models);
  registry.add(chats);
  registry.add(tasks);
  registry.add(evaluations);
  registry.add(analytics);
}

bool load(Declared& declared, const Environment& environment) {
  config::EnvReport report = declared.registry.load_env(environment);
  declared.models.own_port = declared.process.port();
  const std::string level = declared.process.log_level();
  log::set_json(declared.process.log_format() == "json");
  if (level == "DEBUG") log::set_level(log::Level::debug);
  if (level == "WARNING") log::set_level(log::Level::warn);
  if (level == "ERROR" || level == "CRITICAL") log::set_level(log::Level::error);
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
