#include "http/router.h"

#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "base/encode.h"
#include "base/log.h"
#include "base/problem.h"
#include "http/text.h"

namespace antiphon::http {
namespace {

bool is_wildcard(std::string_view segment) {
  return segment.starts_with('{');
}
bool is_rest(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with("...}");
}

/// Upstream's rule, which its clients know: what is wrong with credentials is not spelt out.
constexpr std::string_view kAuthPrefix = "/api/v1/auths/";

Response answer(const Problem& problem, const Request& request) {
  Response out;
  if (problem.status() == 422 && request.path.starts_with(kAuthPrefix))
    out = detail_response(422, "Invalid authentication request.");
  else if (!problem.detail_json().empty())
    out = {.status = problem.status(), .body = "{\"detail\":" + problem.detail_json() + "}"};
  else
    out = detail_response(problem.status(), problem.detail());
  if (problem.retry_after() > 0) out.header("Retry-After", std::to_string(problem.retry_after()));
  return out;
}

void note(const Problem& problem, const Request& request) {
  if (problem.status() < 500 && problem.cause().empty()) return;
  auto level = problem.status() >= 500 ? log::Level::error : log::Level::warn;
  // "Come back later" is no fault, and a flood of it must not wait for whoever reads the log (row 127).
  if (problem.retry_after() > 0 && problem.cause().empty()) level = log::Level::debug;
  log::write(level, "A request was not served",
             {{"request", request.id},
              {"method", request.method},
              {"path", request.path},
              {"status", problem.status()},
              {"detail", problem.detail()},
              {"cause", problem.cause()},
              {"file", problem.where().file_name()},
              {"line", static_cast<std::int64_t>(problem.where().line())}});
}

Response internal_error(const Request& request, std::string_view what) {
  log::error(
      "A request failed",
      {{"request", request.id}, {"method", request.method}, {"path", request.path}, {"error", what}});
  return detail_response(500, "Internal Server Error");
}

bool changes_state(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

Response refuse_origin(const Request& request) {
  std::string_view origin = request.headers.get("origin").substr(0, 200);
  if (origin.empty())
    return detail_response(
        403,
        "A request with the session cookie that changes something must say where it comes from. "
        "Programs send Authorization: Bearer instead of the cookie.");
  std::string text = "Requests from " + std::string(origin) +
                     " are refused. If that is an address of this server, set CORS_ALLOW_ORIGIN=" +
                     std::string(origin) +
                     " or, behind a proxy, list the proxy's address in FORWARDED_ALLOW_IPS.";
  return detail_response(403, text);
}

/// Nothing when the caller may go on. What a flood hits, so it does not throw.
std::optional<Response> refuse_who(Who who, const Caller& caller) {
  if (who == Who::anyone) return std::nullopt;
  if (caller.via == Caller::Via::nothing)
    return detail_response(caller.failure_status,
                           caller.failure.empty() ? "Not authenticated" : caller.failure)
        .header("WWW-Authenticate", "Bearer");
  bool human = who == Who::human || who == Who::pending_human;
  if (human && caller.via != Caller::Via::session)
    return detail_response(403, "A human session is required.");
  if (who == Who::signed_in || who == Who::pending_human) return std::nullopt;
  if (caller.role == Role::pending)
    return detail_response(401, "This account waits for an administrator to let it in.");
  if (who == Who::admin && caller.role != Role::admin)
    return detail_response(401, "Only an administrator may do this.");
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Who who) {
  switch (who) {
    case Who::anyone:
      return "anyone";
    case Who::signed_in:
      return "signed_in";
    case Who::pending_human:
      return "pending_human";
    case Who::user:
      return "user";
    case Who::human:
      return "human";
    case Who::admin:
      return "admin";
  }
  __builtin_unreachable();
}

std::string_view name_of(Cost cost) {
  switch (cost) {
    case Cost::free:
      return "free";
    case Cost::read:
      return "read";
    case Cost::write:
      return "write";
    case Cost::write_heavy:
      return "write_heavy";
    case Cost::search:
      return "search";
    case Cost::model:
      return "model";
    case Cost::hash:
      return "hash";
  }
  __builtin_unreachable();
}

/// A segment of the path.
struct Router::Node {
  using Methods = std::map<std::string, const Route*, std::less<>>;

  std::map<std::string, std::unique_ptr<Node>, std::less<>> exact;
  std::unique_ptr<Node> any;  ///< Of "{id}".
  Methods methods;
  Methods rest;  ///< Of "{rest...}" below here.

  Node& child(std::string_view segment) {
    auto& next = is_wildcard(segment) ? any : exact[std::string(segment)];
    if (!next) next = std::make_unique<Node>();
    return *next;
  }
};

namespace {

using Methods = std::map<std::string, const Route*, std::less<>>;

/// The search for one path. An exact segment is tried before {…}; a dead end goes back, as "all" in
/// /chats/all/tags must not hide /chats/{id}/share.
template <class Node>
struct Search {
  std::string_view method;
  std::vector<std::string>& args;
  std::set<std::string>* allowed;

  const Route* among(const Methods& methods) {
    auto found = methods.find(method);
    if (found == methods.end() && method == "HEAD") found = methods.find(std::string_view("GET"));
    if (found != methods.end()) return found->second;
    if (allowed)
      for (const auto& [name, route] : methods) {
        allowed->insert(name);
        if (name == "GET") allowed->insert("HEAD");
      }
    return nullptr;
  }

  /// `path` begins with the '/' before the segment, or is empty at the end.
  const Route* in(const Node& node, std::string_view path) {
    if (path.empty()) return among(node.methods);
    std::size_t end = path.find('/', 1);
    std::string_view segment = path.substr(1, end == path.npos ? end : end - 1);
    std::string_view tail = end == path.npos ? std::string_view{} : path.substr(end);
    if (auto exact = node.exact.find(segment); exact != node.exact.end())
      if (const Route* found = in(*exact->second, tail)) return found;
    if (node.any && !segment.empty()) {
      args.emplace_back(segment);
      if (const Route* found = in(*node.any, tail)) return found;
      args.pop_back();
    }
    if (node.rest.empty() || path.size() < 2) return nullptr;
    const Route* found = among(node.rest);
    if (found) args.emplace_back(path.substr(1));
    return found;
  }
};

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::on(std::string_view what, Cost cost, Endpoint endpoint, Options options) {
  std::size_t space = what.find(' ');
  if (space == what.npos || what.substr(space + 1, 1) != "/")
    throw std::logic_error(std::string(what) + ": expected \"METHOD /path\"");
  if (!endpoint.who_said) throw std::logic_error(std::string(what) + ": nobody said who may call it");
  Route& route = routes_.emplace_back(Route{.method = std::string(what.substr(0, space)),
                                            .path = std::string(what.substr(space + 1)),
                                            .cost = cost,
                                            .options = options,
                                            .endpoint = std::move(endpoint)});
  Node* node = root_.get();
  Node::Methods* methods = &node->methods;
  int wildcards = 0;
  for (std::string_view rest = std::string_view(route.path).substr(1), last = rest;; last = rest) {
    std::string_view segment = take_part(rest, '/');
    bool more = segment.size() != last.size();
    wildcards += is_wildcard(segment);
    if (is_rest(segment)) {
      if (more) throw std::logic_error(std::string(what) + ": nothing may follow {rest...}");
      methods = &node->rest;
      break;
    }
    node = &node->child(segment);
    methods = &node->methods;
    if (!more) break;
  }
  if (wildcards != route.endpoint.path_args)
    throw std::logic_error(std::string(what) + ": the handler takes " +
                           std::to_string(route.endpoint.path_args) + " path arguments, the path has " +
                           std::to_string(wildcards));
  if (!methods->emplace(route.method, &route).second)
    throw std::logic_error(std::string(what) + ": declared twice");
}

const Route* Router::find(Call& call, std::string* wrong_method) const {
  std::set<std::string> allowed;
  call.path_args.clear();
  Search<Node> search{call.request.method, call.path_args, wrong_method ? &allowed : nullptr};
  const Route* found = search.in(*root_, call.request.path);
  if (!found && wrong_method) {
    wrong_method->clear();
    for (const std::string& method : allowed)
      wrong_method->append(wrong_method->empty() ? "" : ", ").append(method);
  }
  return found;
}

Response Router::no_route(std::string_view allow) {
  if (allow.empty()) return detail_response(404, "Not Found");
  return detail_response(405, "Method Not Allowed").header("Allow", std::string(allow));
}

std::optional<Response> Router::refuse_caller(const Route& route, const Call& call) const {
  if (auto refused = refuse_who(route.endpoint.who, call.caller)) return refused;
  const Request& request = call.request;
  if (call.caller.by_cookie && changes_state(request.method) && request.origin != Origin::same &&
      request.origin != Origin::allowed)
    return refuse_origin(request);
  return std::nullopt;
}

std::optional<Response> Router::refuse(const Route& route, const Call& call) const {
  if (auto refused = refuse_caller(route, call)) return refused;
  if (!limiter_) return std::nullopt;
  int wait = limiter_->refuse(call, route.cost);
  if (wait <= 0) return std::nullopt;
  return detail_response(429, "Too many requests. Try again in " + std::to_string(wait) + " s.")
      .header("Retry-After", std::to_string(wait));
}

Response failure_response(std::exception_ptr failure, const Request& request) {
  try {
    std::rethrow_exception(failure);
  } catch (const ClientGone&) {
    throw;
  } catch (const Problem& problem) {
    note(problem, request);
    return answer(problem, request);
  } catch (const std::exception& error) {
    return internal_error(request, error.what());
  } catch (...) {
    return internal_error(request, "an exception of unknown type");
  }
}

Task<std::optional<Response>> Router::serve(const Route& route, Call& call) const {
  struct Observed {
    Observer* observer;
    const Route& route;
    const Call& call;
    int status = 499;
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    ~Observed() {
      if (observer) observer->served(route, call, status, std::chrono::steady_clock::now() - begun);
    }
  } observed{observer_, route, call};
  std::optional<Response> reply;
  std::exception_ptr failure;
  try {
    reply = refuse(route, call);
    if (!reply) reply = co_await route.endpoint.run(call);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) reply = failure_response(failure, call.request);
  if (reply)
    for (auto& header : call.extra_headers) reply->headers.push_back(std::move(header));
  observed.status = reply ? reply->status : 200;
  co_return reply;
}

}  // namespace antiphon::http
