#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>

#include "app/app.h"
#include "base/version.h"
#include "extract/worker.h"

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

/// A number below 3 that is closed would go to the next file or socket, which then gets what is
/// printed.
void open_standard_streams() {
  for (int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(number, F_GETFD) < 0)
      (void)open("/dev/null", number == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

using Flags = std::vector<std::pair<std::string, std::string>>;

/// A flag means the same as the variable, and wins over it.
void take_flags(CLI::App& command, Flags& flags) {
  auto flag = [&](const char* name, const char* variable, const char* help) {
    command.add_option_function<std::string>(
        name, [&flags, variable](const std::string& value) { flags.emplace_back(variable, value); },
        help);
  };
  flag("--host", "HOST", "Address to listen on");
  flag("--port", "PORT", "Port to listen on");
  flag("--data-dir", "DATA_DIR", "Folder for the database and files");
  flag("--database-url", "DATABASE_URL", "postgresql://… or sqlite:///path");
  flag("--log-format", "LOG_FORMAT", "json: one JSON object a line");
}

int refuse(const CLI::App& cli, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return cli.exit(error);  // Help was asked for.
  std::vector<std::string> strange = cli.remaining();
  std::string what = error.what();
  if (cli.get_subcommands().empty())
    what = strange.empty() ? "which command?" : "there is no command " + strange.front();
  std::fprintf(stderr, "antiphon: %s\n", what.c_str());
  std::fprintf(stderr, "          (antiphon --help tells what there is)\n");
  constexpr int kMisused = 2;
  return kMisused;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace antiphon;
  if (argc == 2 && argv[1] == extract::kWorkerCommand) return extract::worker_main();
  open_standard_streams();
  const std::string version_line = "antiphon " + std::string(kAntiphonVersion);
  CLI::App cli("Antiphon: a self-hosted AI chat platform for teams", "antiphon");
  cli.require_subcommand(1);
  cli.set_version_flag("--version", version_line);
  auto* serve = cli.add_subcommand("serve", "Serves until SIGTERM, then lets answers under way end");
  auto* check =
      cli.add_subcommand("check", "Checks everything serving needs, a line each, without serving");
  auto* migrate = cli.add_subcommand("migrate", "Upgrades the database and says what it did");
  auto* user = cli.add_subcommand("user", "Lists and adds accounts, changes roles and passwords");
  user->footer(app::user_usage());
  std::vector<std::string> words;
  user->add_option("words", words, "list, add, role or reset-password, and what they need");
  std::string role;
  user->add_option("--role", role, "Of the account to add: pending, user or admin");
  auto* keys = cli.add_subcommand("keys", "Lists secret keys, gives up one that is lost");
  keys->footer(app::keys_usage());
  keys->add_option("words", words, "list, forget or drop-sealed, and what they need");
  auto* extract = cli.add_subcommand("extract", "Prints the text of a document as the server reads it");
  std::string document;
  extract->add_option("file", document, "The document")->required();
  auto* codes = cli.add_subcommand("codes", "Prints what messages with a code mean");
  auto* settings = cli.add_subcommand("settings", "Prints the manual of all settings");
  auto* openapi = cli.add_subcommand("openapi", "Prints the API's description");
  auto* routes = cli.add_subcommand("routes", "Prints every route, who may call it and what it costs");
  auto* version = cli.add_subcommand("version", "Prints the version");
  Flags flags;
  for (CLI::App* command : {&cli, serve, check, migrate, user, keys, extract})
    take_flags(*command, flags);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return refuse(cli, error);
  }
  auto environment = environment_with(flags);
  if (*serve) return app::serve(environment);
  if (*check) return app::check(environment);
  if (*migrate) return app::migrate(environment);
  if (!role.empty()) words.insert(words.end(), {"--role", role});
  if (*user) return app::user(environment, words);
  if (*keys) return app::keys(environment, words);
  if (*extract) return app::extract(environment, document);
  if (*codes) return app::codes();
  if (*settings) return app::settings();
  if (*openapi) return app::openapi();
  if (*routes) return app::routes();
  if (*version) std::puts(version_line.c_str());
  return 0;
}
