#include <poll.h>

#include "base/ids.h"
#include "store/pooler.h"
#include "store/postgres_connect.h"

namespace antiphon::store {
namespace {

/// Outside of pipeline mode, so that each statement is a round trip and a transaction pooler is free to
/// change the server connection between two.
PgConnection plain_connection(const Url& url) {
  PgConnection connection = connect(url);
  if (PQexitPipelineMode(connection.get()) != 1 || PQsetnonblocking(connection.get(), 0) != 0)
    throw Problem(Problem::Kind::unavailable, "The database cannot be used.")
        .because(PQerrorMessage(connection.get()));
  return connection;
}

PgResult must(PGconn* connection, PGresult* raw) {
  PgResult result(raw);
  ExecStatusType status = PQresultStatus(raw);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw Problem(Problem::Kind::unavailable, "The database refused a check.")
        .because(PQerrorMessage(connection));
  return result;
}

std::string value_of(const PgResult& result) {
  return PQntuples(result.get()) ? PQgetvalue(result.get(), 0, 0) : "";
}

std::string ask(PGconn* connection, const char* sql) {
  return value_of(must(connection, PQexec(connection, sql)));
}

constexpr const char* kBackend = "SELECT pg_backend_pid()";
constexpr int kRounds = 4;

/// Whether the server connection that this client now gets knows the statement. Where none is free
/// within a second, the pool has but one, which does.
bool knows_prepared(PGconn* connection, const std::string& name) {
  constexpr int kPatienceMs = 1000;
  if (PQsendQueryPrepared(connection, name.c_str(), 0, nullptr, nullptr, nullptr, 0) != 1) return false;
  pollfd waiting{.fd = PQsocket(connection), .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, kPatienceMs) != 1 ||
         PQresultStatus(PgResult(PQgetResult(connection)).get()) == PGRES_TUPLES_OK;
}

}  // namespace

/// While one connection is in a transaction, it has the server connection to itself that a pooler would
/// give the other one next: so two connections of ours meet on one, or one of ours on two. Neither can
/// happen without such a pooler.
Pooling probe_pooling(const std::string& text) {
  Url url = parse_url(text);
  if (url.dialect == Dialect::sqlite) return {};
  PgConnection first = plain_connection(url), second = plain_connection(url);
  Pooling found;
  std::string name = "antiphon_probe_" + random_hex(6);
  must(first.get(), PQprepare(first.get(), name.c_str(), kBackend, 0, nullptr));
  for (int i = 0; i < kRounds && !found.by_transaction; ++i) {
    std::string home = ask(first.get(), kBackend);
    must(second.get(), PQexec(second.get(), "BEGIN"));
    found.by_transaction = ask(second.get(), kBackend) == home || ask(first.get(), kBackend) != home;
    if (found.by_transaction && url.prepared_statements)
      found.forgets_prepared = !knows_prepared(first.get(), name);
    must(second.get(), PQexec(second.get(), "COMMIT"));
  }
  return found;
}

std::string ask_once(const std::string& text, const std::string& sql) {
  PgConnection connection = plain_connection(parse_url(text));
  return ask(connection.get(), sql.c_str());
}

}  // namespace antiphon::store
