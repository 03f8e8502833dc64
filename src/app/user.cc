#include <unistd.h>

#include <cstdio>

#include "app/application.h"
#include "features/auths/command.h"

namespace antiphon::app {
namespace {

/// Not from the command line: that is in everybody's process list.
Secret password_from_stdin(const std::vector<std::string>& words) {
  bool wanted = !words.empty() && (words[0] == "add" || words[0] == "reset-password");
  if (!wanted || isatty(STDIN_FILENO)) return Secret();
  char text[2048] = {};
  if (!std::fgets(text, sizeof text, stdin)) return Secret();
  std::string password(text);
  while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) password.pop_back();
  return Secret(std::move(password));
}

}  // namespace

std::string user_usage() {
  return std::string(auths::kUserUsage);
}

/// On PostgreSQL beside a running server, which sees the change within a second; on SQLite while it is
/// stopped.
int user(const Environment& environment, const std::vector<std::string>& words) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  return perform([&] {
    make_data_folder(declared.process);
    Loops loops(1);
    loops.start();
    auto db = open_store(declared.process, loops);
    run([&] { return bring_schema(declared.process, *db); });
    auth::KeyRing keys(run([&] { return auth::load_keys(*db, auth::key_sources(declared.auth)); }));
    auths::CommandResult result;
    {
      auth::Auth auth(*db, std::move(keys), declared.auth, declared.permissions);
      Secret password = password_from_stdin(words);
      config::Store config(*db, declared.registry, nullptr, declared.process.persistent_config());
      result = run(
          [&] { return auths::user_command(auth, declared.auth, config, words, std::move(password)); });
    }
    run([&] { return db->close(); });
    std::fputs(result.output.c_str(), result.code == 0 ? stdout : stderr);
    return result.code;
  });
}

}  // namespace antiphon::app
