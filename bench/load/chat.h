#pragma once

#include <string>
#include <vector>

namespace bench {

struct Load {
  int port = 0;
  /// Another replica, 0 for none: each user has a socket there too, and how much later each token comes
  /// there is part of what is printed.
  int elsewhere = 0;
  int answers = 100;
  std::string model = "n200d5";
  double over = 0;                  ///< The starts are spread over so many milliseconds.
  double patience = 60;             ///< Seconds; what has not finished by then has failed.
  std::vector<std::string> tokens;  ///< One a user; the answers go round. None: straight to a provider.
};

/// Asks for the answers, all in new chats, as a browser does: a socket a user, a POST an answer; or,
/// without tokens, as a program that streams from the provider itself. Prints one line of JSON.
int ask(const Load& load);

}  // namespace bench
