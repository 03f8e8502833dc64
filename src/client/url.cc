#include "client/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/encode.h"
#include "base/problem.h"
#include "client/address.h"

namespace antiphon::client {
namespace {

struct CloseUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, CloseUrl>;

constexpr unsigned kFlags = CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME;

[[noreturn]] void refuse(std::string why) {
  throw Problem(Problem::Kind::invalid, std::move(why));
}

void check_characters(std::string_view text) {
  if (text.empty()) refuse("The URL is empty.");
  if (text.size() > 8192) refuse("The URL is too long.");
  for (unsigned char c : text)
    if (c <= ' ' || c == 0x7f || c == '\\')
      refuse("The URL contains a space, a control character or a backslash.");
}

/// libcurl takes "http:host", "http:/host" and "http:///host" for "http://host"; others do not.
void check_slashes(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find_first_of("/?#") < colon) return;
  std::string_view rest = text.substr(colon + 1);
  if (!rest.starts_with("//") || rest.starts_with("///")) refuse("This is not a valid URL.");
}

void set(CURLU* url, std::string_view text) {
  check_characters(text);
  check_slashes(text);
  CURLUcode code = curl_url_set(url, CURLUPART_URL, std::string(text).c_str(), kFlags);
  if (code == CURLUE_USER_NOT_ALLOWED) refuse("A URL must not contain a user name or password.");
  if (code != CURLUE_OK) refuse("This is not a valid URL.");
}

std::string part(CURLU* url, CURLUPart what, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, what, &text, flags) != CURLUE_OK || !text) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

Url finish(CURLU* url) {
  Url out;
  out.scheme = part(url, CURLUPART_SCHEME);
  if (out.scheme != "http" && out.scheme != "https")
    refuse("Only http:// and https:// URLs can be used.");
  out.host = part(url, CURLUPART_HOST);
  if (out.host.empty()) refuse("The URL names no host.");
  if (metadata_name(out.host)) refuse("This address must not be used.");
  std::string port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (out.port <= 0) refuse("The URL's port is not valid.");
  curl_url_set(url, CURLUPART_FRAGMENT, nullptr, 0);
  out.text = part(url, CURLUPART_URL);
  out.origin = out.scheme + "://" + out.host + ":" + port;
  return out;
}

}  // namespace

Url parse_url(std::string_view text) {
  UrlHandle url(curl_url());
  set(url.get(), text);
  return finish(url.get());
}

Url join_url(const Url& from, std::string_view location) {
  UrlHandle url(curl_url());
  set(url.get(), from.text);
  set(url.get(), location);
  return finish(url.get());
}

std::vector<Header> without_credentials(const std::vector<Header>& headers) {
  static constexpr std::string_view kHarmless[] = {"accept", "accept-language", "content-type",
                                                   "user-agent"};
  std::vector<Header> out;
  std::copy_if(headers.begin(), headers.end(), std::back_inserter(out), [](const Header& h) {
    return std::any_of(std::begin(kHarmless), std::end(kHarmless),
                       [&](std::string_view name) { return same_name(h.first, name); });
  });
  return out;
}

void check_header(const Header& header) {
  if (!is_token(header.first)) refuse("A header's name is not valid.");
  for (unsigned char c : header.second)
    if ((c < ' ' && c != '\t') || c == 0x7f) refuse("A header's value contains a control character.");
}

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](unsigned char x, unsigned char y) { return lower(x) == lower(y); });
}

}  // namespace antiphon::client
