#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace antiphon::app {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// Serves until SIGTERM or SIGINT, then drains. The exit code: 0, or 1 when it could not start; why is
/// printed, with the cure.
int serve(const Environment& environment);

/// Checks what serve() would, without serving; a line each.
int check(const Environment& environment);

/// Upgrades the database and says what it did.
int migrate(const Environment& environment);

/// `antiphon user …`, and its forms, a line each.
std::string user_usage();
int user(const Environment& environment, const std::vector<std::string>& words);

/// `antiphon keys …`: the secret keys the cluster knows; gives up what is lost.
std::string keys_usage();
int keys(const Environment& environment, const std::vector<std::string>& words);

/// `antiphon extract FILE`: prints the text of a document as the server reads it, with marks of pages.
int extract(const Environment& environment, const std::string& path);

/// The table of messages with a code, as Markdown.
int codes();

/// The manual of settings, as Markdown.
int settings();

/// The API's description.
int openapi();

/// Every route and every event of sockets with what it declares about itself, a line each, tabs
/// between: what the authorization matrix is made from.
int routes();

}  // namespace antiphon::app
