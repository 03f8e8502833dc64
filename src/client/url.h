#pragma once

#include <string>
#include <string_view>

#include "client/client.h"

/// URLs as libcurl reads them: the parser that connects is the parser that decides (row 3). Pure.
namespace antiphon::client {

struct Url {
  std::string text;    ///< Normalised; what libcurl is given.
  std::string origin;  ///< "https://host:443"
  std::string scheme, host;
  int port = 0;
};

/// Throws Problem(invalid): not http or https, white space, control characters or backslashes
/// anywhere, a user name or password, no host, or the name of a cloud metadata service.
Url parse_url(std::string_view text);

/// Where a `Location` leads from `from`; the same checks.
Url join_url(const Url& from, std::string_view location);

/// What of `headers` may go to another origin than the one it was meant for (row 9): no credential
/// does, under whatever name, so only harmless ones by name.
std::vector<Header> without_credentials(const std::vector<Header>& headers);

/// Throws Problem(invalid) for a name that is no token or a value with a control character.
void check_header(const Header& header);

/// Compares names of headers.
bool same_name(std::string_view a, std::string_view b);

}  // namespace antiphon::client
