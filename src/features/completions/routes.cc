#include <algorithm>
#include <boost/json.hpp>

#include "base/problem.h"
#include "features/completions/completions.h"
#include "features/completions/described.h"
#include "http/bind.h"
#include "http/described.h"

namespace antiphon::completions {
namespace {

using http::answering;
using http::bind;
using http::Cost;
using http::taking;

std::optional<std::string> idempotency_key(const http::Request& request) {
  std::string_view given = request.headers.get("Idempotency-Key");
  if (given.empty()) return std::nullopt;
  bool usable =
      given.size() <= 128 && std::ranges::all_of(given, [](char c) { return c >= ' ' && c < 0x7f; });
  if (!usable)
    throw Problem(Problem::Kind::invalid, "Idempotency-Key should be at most 128 printable characters");
  return std::string(given);
}

struct Api {
  Completions& completions;
  const chats::Guard& guard;

  /// One POST a turn: an acknowledgement when the answer goes to a socket, else the answer itself.
  Task<std::optional<http::Response>> complete(const User& me, http::Call& call, json::Value body,
                                               http::Events) {
    Turn turn = Turn::read(body);
    std::optional<std::string> key = idempotency_key(call.request);
    if (turn.kind != Turn::Kind::plain) {
      if (turn.in_request) {
        bool stream = turn.stream;
        json::Value answer = co_await completions.accept_and_wait(me, std::move(turn), key);
        co_return http::json_response(stream ? "null" : json::serialize(answer));
      }
      co_return http::json_response(
          json::serialize(reply(co_await completions.accept(me, std::move(turn), key))));
    }
    co_return co_await completions.plain(me, std::move(turn), call.stream);
  }

  /// Programs of older versions report the end of an answer here; filters, which could change it, there
  /// are none.
  Task<json::Value> completed(const User&, json::Value body) { co_return body; }

  Task<json::Value> tasks_of_chat(const User& me, std::string chat_id) {
    json::Array ids;
    if (co_await may_see(me, chat_id))
      for (std::string& id : co_await completions.tasks_of_chat(me.id, chat_id))
        ids.emplace_back(std::move(id));
    co_return json::Object{{"task_ids", std::move(ids)}};
  }

  Task<json::Value> stop_chat(const User& me, std::string chat_id) {
    std::int64_t stopped = co_await completions.stop_chat(me, chat_id);
    co_return json::Object{{"status", true},
                           {"message", stopped ? "Stopped " + std::to_string(stopped) + " answer(s)."
                                               : std::string("No answer was being written.")}};
  }

  Task<json::Value> all_tasks(const Admin&) {
    json::Array ids;
    for (std::string& id : co_await completions.all_tasks()) ids.emplace_back(std::move(id));
    co_return json::Object{{"tasks", std::move(ids)}};
  }

  Task<json::Value> stop_task(const Admin&, std::string id) {
    bool known = co_await completions.stop_task(id);
    if (!known) throw not_found("Task");
    co_return json::Object{{"status", true}, {"message", "Task " + id + " is being stopped."}};
  }

 private:
  static json::Value reply(const Accepted& accepted) {
    json::Array ids;
    for (const std::string& id : accepted.task_ids) ids.emplace_back(id);
    return json::Object{{"status", true}, {"task_ids", std::move(ids)}, {"chat_id", accepted.chat_id}};
  }

  Task<bool> may_see(const User& me, const std::string& chat_id) {
    if (is_temporary(chat_id)) co_return true;
    co_return co_await guard.may_read(me, chat_id);  // Upstream answers an empty list, not an error.
  }
};

}  // namespace

void add_routes(http::Router& r, Completions& completions, const chats::Guard& guard) {
  Api api{completions, guard};
  http::Options large{.body_limit = 16 << 20,
                      .summary = "Asks a model: one turn of a chat, or a plain call"};
  for (std::string_view path : {"POST /api/chat/completions", "POST /api/v1/chat/completions"})
    r.on(path, Cost::model, taking<CompletionForm>(answering<Started>(bind<&Api::complete>(api))),
         large);
  r.on("POST /api/chat/completed", Cost::read, bind<&Api::completed>(api), {.body_limit = 16 << 20});
  r.on("GET /api/tasks", Cost::read, bind<&Api::all_tasks>(api));
  r.on("POST /api/tasks/stop/{id}", Cost::write, bind<&Api::stop_task>(api));
  r.on("GET /api/tasks/chat/{chat_id}", Cost::read, answering<TaskIds>(bind<&Api::tasks_of_chat>(api)));
  r.on("POST /api/tasks/chat/{chat_id}/stop", Cost::write,
       answering<Stopped>(bind<&Api::stop_chat>(api)));
}

}  // namespace antiphon::completions
