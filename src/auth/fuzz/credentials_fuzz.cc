// What strangers send to say who they are: the Authorization and Cookie headers, and what a key may do.
#include "auth/api_keys.h"
#include "auth/identify.h"
#include "base/fuzzing.h"
#include "http/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace antiphon;
  using fuzzing::must;
  std::string_view text = fuzzing::text_of(data, size);
  std::string_view bearer = http::take_part(text, '\n'), cookie = http::take_part(text, '\n'),
                   scopes = http::take_part(text, '\n'), path = http::take_part(text, '\n');
  http::Request request;
  request.headers.add("Authorization", bearer);
  request.headers.add("Cookie", cookie);
  std::string token = auth::session_token_in(request);
  must(token.empty() || bearer.find(token) != bearer.npos || cookie.find(token) != cookie.npos,
       "a token nobody sent");
  if (auto value = request.own_cookie("token"))
    must(value->find(';') == value->npos && cookie.find("token=") != cookie.npos,
         "another cookie's value");

  std::vector<std::string> list;
  while (!scopes.empty()) list.emplace_back(http::take_part(scopes, ' '));
  bool reads = auth::scopes_allow(list, "GET", path), writes = auth::scopes_allow(list, "POST", path);
  must(reads || !writes, "a key that may write what it may not read");
  if (!list.empty() && path.starts_with("/api/v1/users"))
    must(!writes || std::ranges::find(list, "write") != list.end(),
         "a key that may do more than its scopes");
  return 0;
}
