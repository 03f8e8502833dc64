#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>

#include "app/app.h"

extern char** environ;

namespace {

antiphon::app::Environment environment_with(
    const std::vector<std::pair<std::string, std::string>>& flags) {
  antiphon::app::Environment out;
  for (char** e = environ; *e; ++e)
    if (const char* eq = std::strchr(*e, '=')) {
      std::string name(*e, static_cast<std::size_t>(eq - *e));
      bool overridden =
          std::any_of(flags.begin(), flags.end(), [&](const auto& f) { return f.first == name; });
      if (!overridden) out.emplace_back(std::move(name), eq + 1);
    }
  out.insert(out.end(), flags.begin(), flags.end());
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace antiphon;
  CLI::App cli("Antiphon: a self-hosted AI chat platform for teams");
  cli.require_subcommand(1);
  // A flag means the same as the variable, and wins over it.
  std::vector<std::pair<std::string, std::string>> flags;
  auto flag = [&](const char* name, const char* variable, const char* help) {
    cli.add_option_function<std::string>(
        name, [&flags, variable](const std::string& value) { flags.emplace_back(variable, value); },
        help);
  };
  flag("--host", "HOST", "Address to listen on");
  flag("--port", "PORT", "Port to listen on");
  flag("--data-dir", "DATA_DIR", "Folder for the database and files");
  flag("--database-url", "DATABASE_URL", "postgresql://… or sqlite:///path");
  flag("--log-format", "LOG_FORMAT", "json: one JSON object a line");
  cli.fallthrough();
  auto* serve = cli.add_subcommand("serve", "Serves until SIGTERM, then lets answers under way end");
  auto* check =
      cli.add_subcommand("check", "Checks everything serving needs, a line each, without serving");
  auto* migrate = cli.add_subcommand("migrate", "Upgrades the database and says what it did");
  auto* user = cli.add_subcommand("user", "add | list | role | reset-password …");
  std::vector<std::string> words;
  user->add_option("words", words, "list, add, role or reset-password, and what they need");
  std::string role;
  user->add_option("--role", role, "Of the account to add: pending, user or admin");
  auto* settings = cli.add_subcommand("settings", "Prints the manual of all settings");
  auto* openapi = cli.add_subcommand("openapi", "Prints the API's description");
  auto* routes = cli.add_subcommand("routes", "Prints every route, who may call it and what it costs");
  auto* version = cli.add_subcommand("version", "Prints the version");
  CLI11_PARSE(cli, argc, argv);
  auto environment = environment_with(flags);
  if (*serve) return app::serve(environment);
  if (*check) return app::check(environment);
  if (*migrate) return app::migrate(environment);
  if (!role.empty()) words.insert(words.end(), {"--role", role});
  if (*user) return app::user(environment, words);
  if (*settings) return app::settings();
  if (*openapi) return app::openapi(environment);
  if (*routes) return app::routes();
  if (*version) std::puts("antiphon " ANTIPHON_VERSION);
  return 0;
}
