#include "cluster/queue.h"

#include "json/dto.h"

namespace antiphon::cluster {

ANTIPHON_DTO(NotifyQueue, used, oldest)
ANTIPHON_DTO_DEFINE(NotifyQueue)

namespace {

// Of other users' sessions only those with pg_monitor see since when.
constexpr store::Sql kQueue{"cluster.notify_queue", "", R"(
    SELECT pg_notification_queue_usage() AS used,
           CASE WHEN pg_notification_queue_usage() > $1 THEN
             coalesce((SELECT string_agg(format('process %s (%s, user %s, database %s), %s s old',
                                              pid, coalesce(nullif(application_name, ''), 'no name'),
                                              usename, datname,
                                              round(extract(epoch FROM clock_timestamp() - xact_start))),
                                       '; ' ORDER BY xact_start)
                       FROM (SELECT * FROM pg_stat_activity
                              WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                                AND xact_start < clock_timestamp() - interval '1 second'
                              ORDER BY xact_start LIMIT 3) AS a), '')
           ELSE '' END AS oldest)"};

}  // namespace

std::string NotifyQueue::sentence() const {
  return "PostgreSQL's queue of notifications is " + std::to_string(static_cast<int>(used * 100)) +
         " % full, because somebody listens in a transaction that does not end. The oldest: " +
         (oldest.empty() ? "a session of another user's (a role with pg_monitor sees which)" : oldest);
}

Task<std::optional<NotifyQueue>> notify_queue(store::Connection& db) {
  if (db.dialect() == store::Dialect::sqlite) co_return std::nullopt;
  co_return co_await db.first<NotifyQueue>(kQueue, NotifyQueue::kMuch);
}

}  // namespace antiphon::cluster
