#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iterator>

#include "app/application.h"
#include "base/ids.h"

namespace antiphon::app {
namespace {

struct Line {
  std::string email;
  std::string name;
  std::string role;
};
ANTIPHON_DTO(Line, email, name, role)
ANTIPHON_DTO_DEFINE(Line)

constexpr std::string_view kUsage =
    "antiphon user list\n"
    "antiphon user add EMAIL NAME [user|admin|pending]    the password is read from standard input\n"
    "antiphon user role EMAIL user|admin|pending\n"
    "antiphon user reset-password EMAIL                    the password is read from standard input\n";

/// Not from the command line: that is in everybody's process list.
std::string read_password() {
  if (isatty(STDIN_FILENO)) std::fputs("Password: ", stderr);
  char text[2048] = {};
  if (!std::fgets(text, sizeof text, stdin)) throw Problem(Problem::Kind::invalid, "Give the password on standard input");
  std::string password(text);
  while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) password.pop_back();
  return password;
}

Role role_named(const std::string& name) {
  if (name != "user" && name != "admin" && name != "pending")
    throw Problem(Problem::Kind::invalid, "A role is user, admin or pending");
  return role_of(name);
}

/// The parts that concern people, without a server.
struct Desk {
  store::Db& db;
  auth::Auth& auth;
  const auth::Settings& settings;

  Task<> list() {
    auto rows = co_await db.all<Line>({"app.users", R"(SELECT email, name, role FROM "user" ORDER BY created_at)"});
    for (const Line& l : rows) std::printf("%-8s %-40s %s\n", l.role.c_str(), l.email.c_str(), l.name.c_str());
  }
  Task<UserId> known(std::string email) {
    auto account = co_await auth.accounts.by_email(auth::normal_email(email));
    if (!account) throw Problem(Problem::Kind::not_found, "There is no user " + email + "; see: antiphon user list");
    co_return UserId{account->id};
  }
  Task<std::string> hashed(std::string password) {
    auth::check_password(settings.password_policy(), password);
    co_return co_await auth.passwords.hash(Secret(std::move(password)));
  }
  Task<> add(std::string email, std::string name, Role role, std::string password) {
    auth::check_email(auth::normal_email(email));
    auth::check_name(name);
    auth::NewAccount form{.name = name, .email = auth::normal_email(email), .role = role};
    form.password_hash = co_await hashed(std::move(password));
    auto made = co_await auth.accounts.create(form, nullptr, nullptr);
    if (made.outcome == auth::Creation::email_taken)
      throw Problem(Problem::Kind::conflict, "This e-mail address has an account already");
    std::printf("added %s as %s\n", email.c_str(),
                made.outcome == auth::Creation::first_admin ? "the first administrator" : std::string(name_of(role)).c_str());
  }
  Task<> set_role(std::string email, Role role) {
    UserId id = co_await known(email);
    if (!co_await auth.accounts.edit(id, {.role = role})) throw Problem(Problem::Kind::internal, "The role was not changed");
    std::printf("%s is %s now; all sessions have ended\n", email.c_str(), std::string(name_of(role)).c_str());
  }
  Task<> reset(std::string email, std::string password) {
    UserId id = co_await known(email);
    co_await auth.accounts.set_password(id, co_await hashed(std::move(password)));
    std::printf("the password of %s was changed; all sessions have ended\n", email.c_str());
  }
  Task<bool> perform(const std::vector<std::string>& words) {
    std::string verb = words.empty() ? "" : words[0];
    if (verb == "list" && words.size() == 1)
      co_await list();
    else if (verb == "add" && (words.size() == 3 || words.size() == 4))
      co_await add(words[1], words[2], role_named(words.size() == 4 ? words[3] : "user"), read_password());
    else if (verb == "role" && words.size() == 3)
      co_await set_role(words[1], role_named(words[2]));
    else if (verb == "reset-password" && words.size() == 2)
      co_await reset(words[1], read_password());
    else
      co_return false;
    co_return true;
  }
};

}  // namespace

/// On PostgreSQL beside a running server, which sees the change within a second; on SQLite while it is stopped.
int user(const Environment& environment, const std::vector<std::string>& words) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  try {
    std::filesystem::create_directories(declared.process.data_dir());
    Loops loops(1);
    loops.start();
    auto db = open_store(declared.process, loops);
    run([&] { return bring_schema(declared.process, *db); });
    auth::KeyRing keys = run([&] { return auth::load_keys(*db, auth::key_sources(declared.auth)); });
    bool understood = false;
    {
      auth::Auth auth(*db, std::move(keys), declared.auth, declared.permissions);
      Desk desk{*db, auth, declared.auth};
      understood = run([&] { return desk.perform(words); });
    }
    run([&] { return db->close(); });
    if (!understood) std::fputs(kUsage.data(), stderr);
    return understood ? 0 : 2;
  } catch (const Problem& p) {
    print_failure(p);
    return 1;
  }
}

}  // namespace antiphon::app
