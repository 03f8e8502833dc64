#include "realtime/origin.h"

#include <algorithm>

namespace antiphon::realtime {
namespace {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

bool drop_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool drop_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

/// An origin's "host" or "host:port", without a port that goes without saying. "" when it is none.
std::string host_of_origin(std::string_view origin) {
  std::string lower = lower_case(origin);
  std::string_view rest = lower;
  if (drop_prefix(rest, "https://")) {
    drop_suffix(rest, ":443");
  } else if (drop_prefix(rest, "http://")) {
    drop_suffix(rest, ":80");
  } else {
    return {};
  }
  return rest.find_first_of("/?#@ ") == rest.npos ? std::string(rest) : std::string();
}

/// A Host header, likewise. The scheme is not known, so both usual ports go without saying.
std::string host_of_header(std::string_view header) {
  std::string lower = lower_case(header.substr(0, header.find(',')));
  std::string_view host = lower;
  while (drop_suffix(host, " ")) {
  }
  if (!drop_suffix(host, ":443")) drop_suffix(host, ":80");
  return std::string(host);
}

std::string normal(std::string_view origin) {
  std::string out = lower_case(origin);
  while (out.ends_with('/')) out.pop_back();
  return out;
}

}  // namespace

OriginCheck::Verdict OriginCheck::judge(const http::Request& request) const {
  std::string_view origin = request.headers.get("Origin");
  if (origin.empty()) return Verdict::own;
  std::string host = host_of_origin(origin);
  if (!host.empty() && (host == host_of_header(request.headers.get("Host")) ||
                        host == host_of_header(request.headers.get("X-Forwarded-Host"))))
    return Verdict::own;
  std::string wanted = normal(origin);
  if (std::ranges::any_of(allowed_, [&](const std::string& a) { return normal(a) == wanted; }))
    return Verdict::own;
  return std::ranges::find(allowed_, "*") != allowed_.end() ? Verdict::anyone : Verdict::foreign;
}

std::string OriginCheck::cure(std::string_view origin) const {
  std::string list;
  for (const std::string& allowed : allowed_) list += allowed + ";";
  return "CORS_ALLOW_ORIGIN=\"" + list + std::string(origin) + "\"";
}

}  // namespace antiphon::realtime
