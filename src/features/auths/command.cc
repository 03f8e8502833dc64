#include "features/auths/command.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/problem.h"

namespace antiphon::auths {
const std::string_view kUserUsage =
    "antiphon user add EMAIL [NAME] [--role pending|user|admin]\n"
    "antiphon user list\n"
    "antiphon user role EMAIL pending|user|admin\n"
    "antiphon user reset-password EMAIL\n"
    "The password is read from standard input, unless that is a terminal; without one it is made and\n"
    "printed.";

namespace {

CommandResult failed(std::string why) {
  return {1, std::move(why) + "\n"};
}

struct Chosen {
  Secret password;
  std::string note;  ///< Tells the password when we made it.
};
Chosen choose(const Secret& given, const auth::Settings& settings) {
  if (!given.empty()) {
    auth::check_password(settings.password_policy(), given.reveal());
    return {given, ""};
  }
  std::string made = random_hex(12);
  return {Secret(made), "password: " + made + "\n"};
}

bool is_role(const std::string& name) {
  return name == name_of(role_of(name));
}

Task<CommandResult> add(auth::Auth& auth, const auth::Settings& settings, config::Store& config,
                        std::vector<std::string> words, Secret password) {
  std::string role = "user";
  if (auto at = std::ranges::find(words, "--role"); at != words.end() && at + 1 != words.end()) {
    role = *(at + 1);
    words.erase(at, at + 2);
  }
  if (words.empty() || words.size() > 2 || !is_role(role)) co_return failed(std::string(kUserUsage));
  auth::NewAccount form{.name = words.size() > 1 ? words[1] : words[0],
                        .email = auth::normal_email(words[0]),
                        .role = role_of(role)};
  auth::check_email(form.email);
  auth::check_name(form.name);
  Chosen chosen = choose(password, settings);
  form.password_hash = co_await auth.passwords.hash(chosen.password);
  auto close = [&config](store::Connection& tx) {
    return config.set_within(tx, {{.key = "ui.enable_signup", .value = false}});
  };
  auth::Created created = co_await auth.accounts.create(std::move(form), nullptr, close);
  if (!created.account) co_return failed("this e-mail address belongs to an account already");
  co_return CommandResult{0,
                          created.account->email + ": " + created.account->role + "\n" + chosen.note};
}

Task<CommandResult> list(auth::Auth& auth) {
  CommandResult out;
  for (const auth::Account& account : co_await auth.accounts.list())
    out.output += account.role + "\t" + account.email + "\t" + account.name + "\n";
  co_return out;
}

Task<CommandResult> set_role(auth::Auth& auth, std::vector<std::string> words) {
  if (words.size() != 2 || !is_role(words[1])) co_return failed(std::string(kUserUsage));
  std::optional<auth::Account> account = co_await auth.accounts.by_email(words[0]);
  if (!account) co_return failed("there is no such account");
  co_await auth.accounts.edit({account->id}, {.role = role_of(words[1])});
  co_return CommandResult{0, account->email + ": " + words[1] + "\n"};
}

Task<CommandResult> reset_password(auth::Auth& auth, const auth::Settings& settings,
                                   std::vector<std::string> words, Secret password) {
  if (words.size() != 1) co_return failed(std::string(kUserUsage));
  std::optional<auth::Account> account = co_await auth.accounts.by_email(words[0]);
  if (!account) co_return failed("there is no such account");
  Chosen chosen = choose(password, settings);
  co_await auth.accounts.set_password({account->id}, co_await auth.passwords.hash(chosen.password));
  co_return CommandResult{0, account->email + ": password changed, all sessions ended\n" + chosen.note};
}

}  // namespace

Task<CommandResult> user_command(auth::Auth& auth, const auth::Settings& settings,
                                 config::Store& config, std::vector<std::string> words,
                                 Secret password) {
  std::string verb = words.empty() ? "" : words.front();
  if (!words.empty()) words.erase(words.begin());
  if (verb == "add")
    co_return co_await add(auth, settings, config, std::move(words), std::move(password));
  if (verb == "list" && words.empty()) co_return co_await list(auth);
  if (verb == "role") co_return co_await set_role(auth, std::move(words));
  if (verb == "reset-password")
    co_return co_await reset_password(auth, settings, std::move(words), std::move(password));
  co_return failed(std::string(kUserUsage));
}

}  // namespace antiphon::auths
