#include "http/call.h"

#include <utility>

#include "base/encode.h"
#include "http/text.h"
#include "json/text.h"

namespace antiphon::http {

void Headers::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, value);
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [field, value] : fields_)
    if (equal_ignoring_case(field, name)) return value;
  return {};
}

std::optional<std::string> Request::cookie(std::string_view name) const {
  for (const auto& [field, value] : headers.all()) {
    if (!equal_ignoring_case(field, "cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view pair = trim(take_part(rest, ';'));
      std::size_t equals = pair.find('=');
      if (equals == pair.npos || pair.substr(0, equals) != name) continue;
      std::string_view found = pair.substr(equals + 1);
      if (found.size() >= 2 && found.front() == '"' && found.back() == '"')
        found = found.substr(1, found.size() - 2);
      return std::string(found);
    }
  }
  return std::nullopt;
}

std::optional<std::string> Request::own_cookie(std::string_view name) const {
  std::optional<std::string> own = cookie("__Host-" + std::string(name));
  return own && !own->empty() ? own : cookie(name);
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  auto found = query.find(name);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

Response& Response::header(std::string name, std::string value) & {
  headers.emplace_back(std::move(name), std::move(value));
  return *this;
}
Response&& Response::header(std::string name, std::string value) && {
  headers.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

Response detail_response(int status, std::string_view detail) {
  return {.status = status, .body = "{\"detail\":" + json_quote(detail) + "}"};
}

std::string error_event(const Response& failure) {
  std::string detail = "null";
  std::string message = "The answer could not be finished.";
  if (auto body = json::try_parse(failure.body)) {
    if (const json::Value* found = json::find(*body, "detail")) detail = json::serialize(*found);
    if (std::string_view text = json::text_at(*body, "detail"); !text.empty()) message = text;
  }
  return "data: {\"error\":{\"message\":" + json_quote(message) + ",\"detail\":" + detail + "}}\n\n";
}

Origin classify_origin(const Request& request, const std::vector<std::string>& allowed) {
  std::string_view origin = request.headers.get("origin");
  if (origin.empty()) {
    std::string_view site = request.headers.get("sec-fetch-site");
    if (site.empty()) return Origin::none;
    return site == "same-origin" || site == "none" ? Origin::same : Origin::foreign;
  }
  for (const std::string& one : allowed)
    if (one != "*" && equal_ignoring_case(one, origin)) return Origin::allowed;
  std::size_t scheme = origin.find("://");
  if (scheme == origin.npos) return Origin::foreign;  // "null" above all.
  std::string_view host = request.host.empty() ? request.headers.get("host") : request.host;
  // Browsers leave a default port out of both, so the texts compare.
  return equal_ignoring_case(origin.substr(scheme + 3), host) ? Origin::same : Origin::foreign;
}

Task<> Events::begin() {
  if (std::exchange(begun_, true)) co_return;
  Response head{.type = "text/event-stream; charset=utf-8"};
  head.header("Cache-Control", "no-cache").header("X-Accel-Buffering", "no");
  co_await stream_.begin(std::move(head));
}

Task<> Events::send(std::string_view data) {
  std::string event;
  event.reserve(data.size() + 16);
  // A line break inside the data begins a new "data:" line, else it would end the event.
  while (true) {
    std::size_t end = data.find('\n');
    event.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == data.npos) break;
    data.remove_prefix(end + 1);
  }
  event += '\n';
  co_await raw(event);
}

Task<> Events::raw(std::string_view bytes) {
  co_await begin();
  co_await stream_.write(bytes);
}

Task<> Events::done() {
  co_await raw("data: [DONE]\n\n");
}

}  // namespace antiphon::http
