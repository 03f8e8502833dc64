// Whatever is asked for, the router finds the route whose pattern it is, with the arguments the path
// has there; and what cookies, forwarded headers and origins say does not go beyond what they are.
#include <boost/json.hpp>

#include "base/fuzzing.h"
#include "http/head.h"
#include "http/peers.h"
#include "http/router.h"
#include "http/text.h"

namespace {

using namespace antiphon;
using namespace antiphon::http;
using fuzzing::must;

/// Shapes of patterns that hide one another.
constexpr std::string_view kRoutes[] = {"GET /",
                                        "GET /api/v1/chats/",
                                        "POST /api/v1/chats/new",
                                        "GET /api/v1/chats/{id}",
                                        "DELETE /api/v1/chats/{id}",
                                        "GET /api/v1/chats/{id}/share",
                                        "POST /api/v1/chats/{id}/messages/{message}",
                                        "GET /api/v1/chats/all/tags",
                                        "GET /api/v1/chats/share/{id}",
                                        "GET /openai/models",
                                        "GET /openai/models/{place}",
                                        "GET /openai/{path...}",
                                        "POST /openai/{path...}",
                                        "GET /openai/{path}/x/{y}/z"};

Router& router() {
  static auto* made = [] {
    auto* r = new Router();
    for (std::string_view route : kRoutes) {
      Endpoint endpoint;
      endpoint.who = Who::anyone;
      endpoint.who_said = true;
      for (char c : route) endpoint.path_args += c == '{';
      r->on(route, Cost::free, std::move(endpoint));
    }
    return r;
  }();
  return *made;
}

/// The pattern with the arguments in place of its {…}.
std::string filled(std::string_view pattern, const std::vector<std::string>& args) {
  std::string out;
  std::size_t next = 0;
  while (!pattern.empty()) {
    std::size_t open = std::min(pattern.find('{'), pattern.size());
    out += pattern.substr(0, open);
    pattern.remove_prefix(open);
    if (pattern.empty()) break;
    must(next < args.size(), "fewer arguments than the pattern has");
    out += args[next++];
    pattern.remove_prefix(pattern.find('}') + 1);
  }
  must(next == args.size(), "more arguments than the pattern has");
  return out;
}

class Nothing final : public Stream {
  Task<> begin(Response) override { co_return; }
  Task<> write(std::string_view) override { co_return; }
  bool gone() const override { return false; }
};

void find(Request& request) {
  Nothing nothing;
  Call call{.request = request, .stream = nothing, .caller = {}};
  std::string allow;
  if (const Route* route = router().find(call, &allow)) {
    must(filled(route->path, call.path_args) == request.path, "a route that is not the path's");
    must(route->method == request.method || (route->method == "GET" && request.method == "HEAD"),
         "a route of another method");
    return;
  }
  must(call.path_args.empty(), "arguments of nothing");
  request.method = allow.substr(0, allow.find(','));
  if (!allow.empty()) must(router().find(call) != nullptr, "an allowed method that has no route");
}

void headers(std::string_view name, std::string_view value) {
  static const TrustedPeers peers({"127.0.0.1", "10.0.0.0/8", "fd00::/8"});
  Request request;
  if (equal_ignoring_case(name, "host") && !is_host(value)) return;  // read_head() refuses it.
  request.headers.add(name, value);
  request.headers.add("Host", "a.example");
  (void)request.cookie("token");
  Origin origin = classify_origin(request, {"https://b.example", "*"});
  must(!equal_ignoring_case(name, "origin") || value.empty() || origin != Origin::none,
       "an origin lost");
  Request from_stranger = request;
  peers.settle(from_stranger, *address_of("203.0.113.9"), "203.0.113.9", false);
  must(from_stranger.remote == "203.0.113.9" && from_stranger.scheme == "http" &&
           !from_stranger.from_proxy,
       "a stranger's word counted");
  peers.settle(request, *address_of("10.1.2.3"), "10.1.2.3", false);
  must(address_of(request.remote).has_value(), "a client without an address");
  must(request.scheme == "http" || request.scheme == "https", "a scheme of its own");
  must(request.host.empty() || is_host(request.host), "a host that is none");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzzing::text_of(data, size);
  std::string_view method = take_part(text, ' '), target = take_part(text, '\n');
  Request request;
  request.method = method;
  if (target.starts_with('/') && !read_target(target, request)) find(request);
  std::string_view name = take_part(text, ':');
  headers(name, trim(take_part(text, '\n')));
  return 0;
}
