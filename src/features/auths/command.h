#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/auth.h"
#include "base/task.h"
#include "config/store.h"

namespace antiphon::auths {

/// What `antiphon user …` printed, and its exit code.
struct CommandResult {
  int code = 0;
  std::string output;
};

/// The forms of `antiphon user`, a line each.
extern const std::string_view kUserUsage;

/// Runs `add EMAIL [NAME] [--role ROLE]`, `list`, `role EMAIL ROLE` or `reset-password EMAIL`. A
/// password is taken from `password`, or made and printed when that is empty: words of a command line
/// are seen by all users of a machine. Works beside a running server, which notices within a second.
Task<CommandResult> user_command(auth::Auth& auth, const auth::Settings& settings,
                                 config::Store& config, std::vector<std::string> words,
                                 Secret password);

}  // namespace antiphon::auths
