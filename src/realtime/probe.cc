// A server that has nothing but sockets, for tests/realtime: real HTTP, real hub, a database file.
// realtime_probe DATABASE_URL PORT
//
// The token "u" or "u/n" is user u. Control, over HTTP:
//   POST /probe/say?user=u&count=n&every=ms   numbered tokens, each in the log before anybody sees it
//   POST /probe/revoke?token=t    POST /probe/flush    GET /probe/counts    GET
//   /probe/call?sid=s&user=u
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <semaphore>
#include <set>

#include "base/async.h"
#include "base/log.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/scope.h"
#include "base/time.h"
#include "http/bind.h"
#include "http/server.h"
#include "json/dto.h"
#include "json/text.h"
#include "realtime/core.h"
#include "realtime/endpoint.h"
#include "realtime/hub.h"
#include "store/db.h"
#include "store/migrate.h"

namespace antiphon::realtime::probe {

struct Row {
  std::int64_t seq;
};
ANTIPHON_DTO(Row, seq)
ANTIPHON_DTO_DEFINE(Row)

/// The log: one endless run for each user.
class Log final : public Replay {
 public:
  explicit Log(store::Db& db) : db_(db) {}

  Task<> open() {
    co_await db_.script(
        "CREATE TABLE IF NOT EXISTS probe (user_id TEXT, seq BIGINT, PRIMARY KEY (user_id, seq))");
  }

  Task<std::int64_t> last(std::string user) {
    static constexpr store::Sql kLast{
        "probe.last", "SELECT COALESCE(MAX(seq), 0) AS seq FROM probe WHERE user_id = $1"};
    auto row = co_await db_.first<Row>(kLast, user);
    co_return row->seq;
  }
  Task<> append(std::string user, std::int64_t seq) {
    static constexpr store::Sql kAppend{"probe.append",
                                        "INSERT INTO probe (user_id, seq) VALUES ($1, $2)"};
    co_await db_.run(kAppend, user, seq);
  }
  Task<std::optional<std::vector<ReplayedEvent>>> since(Position position, UserId user,
                                                        std::vector<Room>) override {
    static constexpr store::Sql kSince{
        "probe.since", "SELECT seq FROM probe WHERE user_id = $1 AND seq > $2 ORDER BY seq"};
    const RunPoint* seen = position.find(run_of(user.value));
    std::vector<ReplayedEvent> out;
    for (const Row& row : co_await db_.all<Row>(kSince, user, seen ? seen->seq : 0))
      out.push_back({Room::user(user), event(user.value, row.seq)});
    co_return out;
  }
  static std::string run_of(const std::string& user) { return "run" + user; }
  static Event event(const std::string& user, std::int64_t seq) {
    json::Value payload = {{"chat_id", "c"},
                           {"data", {{"type", "response:completion"}, {"data", {{"n", seq}}}}}};
    return Event::of_run(payload, {.id = run_of(user), .seq = seq});
  }

 private:
  store::Db& db_;
};

/// Who is revoked.
struct Guard {
  std::mutex mutex;
  std::set<std::string> revoked;  ///< Guarded by mutex.

  std::optional<Caller> caller(const std::string& token) {
    std::scoped_lock lock(mutex);
    if (token.empty() || token == "bad" || revoked.contains(token)) return std::nullopt;
    Caller out{.via = Caller::Via::session, .role = Role::user};
    out.id.value = token.substr(0, token.find('/'));
    out.name = out.id.value;
    out.token_id = token;
    return out;
  }
  Rules rules() {
    return {
        .verify = [this](std::string token) -> Task<std::optional<Caller>> { co_return caller(token); },
        .renew = [this](Caller c) -> Task<std::optional<Caller>> { co_return caller(c.token_id); },
        .may_join = [](Caller, Room) -> Task<bool> { co_return true; }};
  }
};

struct Api {
  Hub& hub;
  Log& log;
  Guard& guard;
  Scope& scope;
  Loops& loops;

  static std::string arg(const http::Call& call, std::string_view name) {
    return call.request.parameter(name).value_or("");
  }
  Task<http::Response> say(Anyone, http::Call& call) {
    std::string user = arg(call, "user");
    int count = std::stoi(arg(call, "count"));
    std::chrono::milliseconds every(std::stoi(arg(call, "every")));
    scope.start(loops.at(0), "tokens", [this_ = *this, user, count, every]() -> Task<> {
      for (int i = 0; i < count; ++i) {
        std::int64_t seq = co_await this_.log.last(user) + 1;
        co_await this_.log.append(user, seq);
        this_.hub.emit({"user:" + user}, Log::event(user, seq));
        if (every.count() > 0) co_await sleep_for(every);
      }
    });
    co_return http::Response{.body = "{}"};
  }
  Task<http::Response> revoke(Anyone, http::Call& call) {
    std::string token = arg(call, "token");
    {
      std::scoped_lock lock(guard.mutex);
      guard.revoked.insert(token);
    }
    hub.close_session(token);
    co_return http::Response{.body = "{}"};
  }
  Task<http::Response> flush(Anyone, http::Call&) {
    co_await hub.core()->records.flush();
    co_return http::Response{.body = "{}"};
  }
  Task<http::Response> counts(Anyone, http::Call&) {
    HubCounts c = hub.counts();
    json::Value out = {{"signed_in", c.signed_in},
                       {"waiting", c.waiting},
                       {"lost", c.lost},
                       {"polling", c.polling},
                       {"from_memory", c.resumed_from_memory},
                       {"from_log", c.resumed_from_log},
                       {"not_resumed", c.not_resumed},
                       {"refused", c.refused}};
    co_return http::Response{.body = json::serialize(out)};
  }
  Task<http::Response> ask(Anyone, http::Call& call) {
    json::Value question = {{"data", {{"type", "confirmation"}}}};
    auto answer = co_await hub.call(arg(call, "sid"), {arg(call, "user")},
                                    Event::of("events", question), std::chrono::seconds(5));
    co_return http::Response{.body = json::serialize(answer)};
  }
};

void add_events(Hub& hub) {
  hub.on("echo", kNoObject,
         [](Socket&, json::Value value) -> Task<std::optional<json::Value>> { co_return value; });
  hub.on("burst", kNoObject, [](Socket& socket, json::Value count) -> Task<std::optional<json::Value>> {
    for (std::int64_t i = 0; i < count.to_number<std::int64_t>(); ++i)
      socket.emit(Event::of("n", json::Object{{"n", i}, {"text", "Grüße, 世界 🌍"}}));
    co_return true;
  });
  hub.on("bytes", kNoObject, [](Socket& socket, json::Value) -> Task<std::optional<json::Value>> {
    Event event{.name = "bytes",
                .payload = R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])",
                .attachments = {std::string("\x00\x01\xff", 3), "second"}};
    socket.emit(event);
    co_return true;
  });
}

void add_routes(http::Router& router, const Api& api) {
  auto cost = http::Cost::free;
  router.on("POST /probe/say", cost, http::bind<&Api::say>(api));
  router.on("POST /probe/revoke", cost, http::bind<&Api::revoke>(api));
  router.on("POST /probe/flush", cost, http::bind<&Api::flush>(api));
  router.on("GET /probe/counts", cost, http::bind<&Api::counts>(api));
  router.on("GET /probe/call", cost, http::bind<&Api::ask>(api));
}

HubOptions hub_options() {
  HubOptions options;
  if (const char* ms = std::getenv("PROBE_PING_MS")) {
    options.ping_interval = std::chrono::milliseconds(std::stoi(ms));
    options.ping_timeout = options.ping_interval;
  }
  if (const char* bytes = std::getenv("PROBE_RESUME_BYTES"))
    options.resume_bytes = static_cast<std::size_t>(std::stoll(bytes));
  return options;
}

std::counting_semaphore<> ended(0);

int serve(const char* database, const char* port) {
  Loops loops(2);
  loops.start();
  auto db = store::open({.url = database}, loops);
  run([&] { return store::migrate(*db); });
  Log log(*db);
  run([&] { return log.open(); });
  Guard guard;
  Scope scope;
  Hub hub(hub_options(), guard.rules(), loops, db.get(), &log);
  Endpoint endpoint(hub, {.allow_origins = {"https://listed.example"}});
  http::Router router;
  endpoint.add_routes(router);
  add_events(hub);
  add_routes(router, {hub, log, guard, scope, loops});
  http::Server server(
      {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(std::stoi(port))}, router,
      [](const http::Request&) -> Task<Caller> { co_return Caller{}; }, loops);
  endpoint.add_sockets(server);
  run([&] { return hub.start(); });
  server.start();
  std::printf("ready %d\n", server.port());
  std::fflush(stdout);

  ended.acquire();
  run([&] { return scope.close(std::chrono::seconds(2)); });
  run([&] { return hub.stop(std::chrono::seconds(2)); });
  run([&] { return server.drain(std::chrono::seconds(2)); });
  run([&] { return db->close(); });
  loops.stop();
  return 0;
}

}  // namespace antiphon::realtime::probe

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("realtime_probe DATABASE_URL PORT\n", stderr);
    return 2;
  }
  auto end = [](int) { antiphon::realtime::probe::ended.release(); };
  std::signal(SIGTERM, end);
  std::signal(SIGINT, end);
  try {
    return antiphon::realtime::probe::serve(argv[1], argv[2]);
  } catch (const antiphon::Problem& problem) {
    std::fprintf(stderr, "%s %s\n", problem.detail().c_str(), problem.cause().c_str());
    return 1;
  }
}
