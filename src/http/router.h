#pragma once

#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/call.h"
#include "http/upload.h"
#include "json/shape.h"

namespace antiphon::http {

/// What a request may cost, which is what is limited: per caller (user, else address) a bucket for
/// each class, so that a sibling route cannot dodge the limit (row 128).
enum class Cost {
  free,         ///< Static answers: health, version. Never refused.
  read,         ///< A bounded query.
  write,        ///< A bounded write.
  write_heavy,  ///< Copies, imports, whole-chat writes.
  search,       ///< Full-text and lists over everything.
  model,        ///< Makes a provider work.
  hash,         ///< Hashes a password: the dearest thing an anonymous caller can ask.
};

enum class Who { anyone, signed_in, pending_human, user, human, admin };
std::string_view name_of(Who who);
std::string_view name_of(Cost cost);

/// The right a route needs on the object its path names; from `Granted` parameters.
struct ObjectRight {
  std::string_view kind;   ///< "chat", "folder", …
  std::string_view right;  ///< "read", "write", "own"
};

/// A handler with its types erased, and what OpenAPI and the authorization matrix know about it.
struct Endpoint {
  std::function<Task<std::optional<Response>>(Call&)> run;  ///< Nothing: it streamed.
  const json::Shape* query = nullptr;
  const json::Shape* body = nullptr;
  const json::Shape* form = nullptr;  ///< Of the texts beside a file: the route takes an Upload.
  /// Of an Upload: what its file may have now from this caller. May throw a Problem.
  std::function<Task<FileLimit>(const Caller&)> file_limit = {};
  const json::Shape* reply = nullptr;
  std::optional<ObjectRight> object = {};
  Who who = Who::admin;
  bool who_said = false;
  int path_args = 0;
  bool streams = false;
  bool takes_call = false;  ///< Reads what it wants from the Call, so OpenAPI does not know it all.
};

struct Options {
  std::size_t body_limit = 1 << 20;  ///< Bytes; more is 413 before anything is stored.
  std::string_view summary = {};     ///< For OpenAPI.
};

struct Route {
  std::string method;
  std::string path;  ///< "/api/v1/chats/{id}"; "{rest...}" takes the remaining segments.
  Cost cost;
  Options options;
  Endpoint endpoint;
};

/// Decides whether a call may be served now. `retry_after` seconds when not.
class Limiter {
 public:
  virtual ~Limiter() = default;
  /// 0 when the call may go on.
  virtual int refuse(const Call& call, Cost cost) = 0;
};

/// Is told of every call that reached a route, when it has ended. Must be quick; any io thread.
class Observer {
 public:
  virtual ~Observer() = default;
  /// `status` 200 for what streamed, 499 when the client left first.
  virtual void served(const Route& route, const Call& call, int status,
                      std::chrono::nanoseconds took) = 0;
};

/// The answer to a request that ended in an exception, which is logged: a Problem's own, else a 500
/// that says nothing. Rethrows ClientGone.
Response failure_response(std::exception_ptr failure, const Request& request);

class Router {
 public:
  Router();
  ~Router();

  /// Declares a route: `on("GET /api/v1/chats/{id}", Cost::read, bind<&Api::show>(api))`. Throws
  /// std::logic_error when it is declared already, its {…} are not as many as the handler takes, or
  /// nobody said who may call it.
  void on(std::string_view what, Cost cost, Endpoint endpoint, Options options = {});

  /// Null when there is none. `wrong_method` is set when the path exists with other methods, listed
  /// for Allow. Fills call.path_args.
  const Route* find(Call& call, std::string* wrong_method = nullptr) const;

  /// What is answered when there is no route: 405 with Allow when `allow` (find's wrong_method) is not
  /// empty, else 404.
  static Response no_route(std::string_view allow);

  /// What serve() checks first, for callers whose body is not read yet: who calls, and from where.
  std::optional<Response> refuse_caller(const Route& route, const Call& call) const;

  /// Runs the route's handler, after checking who calls and the limiter. Turns every exception into
  /// a response, so it never throws except when the client has gone.
  Task<std::optional<Response>> serve(const Route& route, Call& call) const;

  void limit_by(Limiter& limiter) { limiter_ = &limiter; }
  void observe_by(Observer& observer) { observer_ = &observer; }
  const std::deque<Route>& routes() const { return routes_; }
  /// OpenAPI 3.1, from the routes.
  std::string openapi(std::string_view version = "0.1.0") const;

 private:
  struct Node;
  std::optional<Response> refuse(const Route& route, const Call& call) const;

  std::unique_ptr<Node> root_;
  std::deque<Route> routes_;  ///< A deque, because nodes point into it.
  Limiter* limiter_ = nullptr;
  Observer* observer_ = nullptr;
};

}  // namespace antiphon::http
