#include "store/postgres_connect.h"

#include <algorithm>

#include "base/log.h"

namespace antiphon::store {
namespace {

constexpr int kOldest = 130000;

Problem refusal(std::string detail, std::string cause) {
  while (cause.ends_with('\n')) cause.pop_back();
  return Problem(Problem::Kind::unavailable, std::move(detail)).because(std::move(cause));
}

/// libpq keeps the code of such an error to itself; in another language the general message stands.
bool out_of_connections(std::string_view message) {
  for (std::string_view sign :
       {"too many clients", "too many connections", "connection slots are reserved"})
    if (message.find(sign) != std::string_view::npos) return true;
  return false;
}

PGconn* begin_connection(const Url& url) {
  // Ours first: what the URL says of the same keyword counts, as the later one does to libpq.
  std::vector<std::pair<std::string, std::string>> all{{"connect_timeout", "2"},
                                                       {"tcp_user_timeout", "5000"},
                                                       {"keepalives", "1"},
                                                       {"keepalives_idle", "15"},
                                                       {"keepalives_interval", "5"},
                                                       {"keepalives_count", "3"},
                                                       {"target_session_attrs", "read-write"},
                                                       {"client_encoding", "UTF8"},
                                                       {"fallback_application_name", "antiphon"}};
  for (const auto& pair : url.keywords) {
    std::erase_if(all, [&](const auto& own) { return own.first == pair.first; });
    all.push_back(pair);
  }
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : all) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectdbParams(keys.data(), values.data(), 0);
}

void set_up(PGconn* connection) {
  std::string settings = std::string(kSessionLimits) +
                         "; SET idle_in_transaction_session_timeout = '30s'"
                         "; SET client_min_messages = warning";
  PgResult set(PQexec(connection, settings.c_str()));
  if (PQresultStatus(set.get()) != PGRES_COMMAND_OK)
    throw refusal("The database refused its settings.", PQerrorMessage(connection));
}

}  // namespace

PgConnection connect_plainly(const Url& url) {
  PgConnection connection(begin_connection(url));
  if (!connection) throw refusal("The database cannot be reached: out of memory.", "out of memory");
  PGconn* raw = connection.get();
  if (PQstatus(raw) != CONNECTION_OK && out_of_connections(PQerrorMessage(raw)))
    throw refusal(
        "AP-020 PostgreSQL has no connection left for this process. Raise max_connections (or the "
        "limit of "
        "the role or database), lower DATABASE_POOL_SIZE, or run fewer nodes.",
        PQerrorMessage(raw));
  if (PQstatus(raw) != CONNECTION_OK)
    throw refusal(
        "The database cannot be reached. Check DATABASE_URL, that the server runs and that it "
        "may be written to.",
        PQerrorMessage(raw));
  if (PQserverVersion(raw) < kOldest)
    throw refusal("The PostgreSQL server is too old. Use version 13 or newer.",
                  std::to_string(PQserverVersion(raw)));
  const char* encoding = PQparameterStatus(raw, "server_encoding");
  if (!encoding || std::string_view(encoding) != "UTF8")
    throw refusal("The PostgreSQL database must be made with ENCODING 'UTF8'.",
                  encoding ? encoding : "?");
  PQsetNoticeProcessor(
      raw, [](void*, const char* text) { log::debug("PostgreSQL says", {{"notice", text}}); }, nullptr);
  return connection;
}

PgConnection connect(const Url& url) {
  PgConnection connection = connect_plainly(url);
  PGconn* raw = connection.get();
  set_up(raw);
  if (PQsetnonblocking(raw, 1) != 0 || PQenterPipelineMode(raw) != 1)
    throw refusal("The database cannot be used.", PQerrorMessage(raw));
  return connection;
}

PostgresConnector::PostgresConnector(Url url) : url_(std::move(url)) {
  thread_ = std::thread([this] { loop(); });
}

void PostgresConnector::request(Taker taker) {
  std::scoped_lock lock(mutex_);
  wanted_.push_back(std::move(taker));
  changed_.notify_one();
}

void PostgresConnector::close() {
  {
    std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool PostgresConnector::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [&] { return closing_; });
}

void PostgresConnector::loop() {
  std::chrono::milliseconds delay{100};
  for (;;) {
    Taker taker;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return closing_ || !wanted_.empty(); });
      if (closing_) return;
      taker = std::move(wanted_.front());
      wanted_.pop_front();
    }
    PgConnection connection;
    std::string why;
    try {
      connection = connect(url_);
      delay = std::chrono::milliseconds(100);
    } catch (const Problem& p) {
      why = p.cause();
    }
    if (taker(std::move(connection), why)) continue;
    log::warn("The database cannot be reached", {{"error", why}});
    request(std::move(taker));
    if (!pause(delay)) return;
    delay = std::min(delay * 2, std::chrono::milliseconds(2000));
  }
}

}  // namespace antiphon::store
