#include "jobs/jobs.h"

#include "base/async.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/time.h"
#include "json/dto.h"
#include "store/now.h"

namespace antiphon::jobs {

ANTIPHON_DTO(Job, id, kind, payload, attempts)
ANTIPHON_DTO_DEFINE(Job)

namespace {

using namespace std::chrono_literals;
using store::Sql;

constexpr int kAtOnce = 4;
constexpr std::int64_t kLease = 120;
constexpr std::int64_t kAttempts = 4;
constexpr std::int64_t kKeep = 24 * 3600;

/// Jobs that $1 may take at `now`: those that wait, those that are overdue and, among several
/// processes, those whose owner is gone: its row is, or (only where `leases_count`) its lease has run
/// out.
#define ANTIPHON_FREE_SQLITE(now) \
  "state < 2 AND run_at <= " now " AND (state = 0 OR lease_until < " now ")"
#define ANTIPHON_FREE_POSTGRES(now, leases_count)                                      \
  "state < 2 AND run_at <= " now " AND (state = 0 OR lease_until < " now               \
  " OR (owner <> $1 AND NOT EXISTS (SELECT 1 FROM node WHERE node_id = job.owner AND " \
  "(NOT " leases_count " OR lease_until >= " ANTIPHON_MILLIS_POSTGRES "))))"
#define ANTIPHON_FREE_NOW_SQLITE ANTIPHON_FREE_SQLITE("$2")
#define ANTIPHON_FREE_NOW_POSTGRES ANTIPHON_FREE_POSTGRES("$2::bigint", "($3::bigint = 1)")

}  // namespace

/// More than those that may be taken: leases count.
constexpr Sql Jobs::kDue{
    "", "SELECT EXISTS (SELECT 1 FROM job WHERE " ANTIPHON_FREE_SQLITE("unixepoch()") ")",
    "SELECT CAST(EXISTS (SELECT 1 FROM job WHERE " ANTIPHON_FREE_POSTGRES(
        "CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)", "TRUE") ") AS INTEGER)"};

Jobs::Jobs(store::Db& db, Loops& loops, std::string node, std::function<bool()> leases_count,
           std::chrono::seconds look_every)
    : db_(db),
      loops_(loops),
      owner_(std::move(node)),
      leases_count_(std::move(leases_count)),
      look_every_(look_every) {}

void Jobs::on(std::string kind, Handler handler) {
  handlers_[std::move(kind)] = std::move(handler);
}

/// On SQLite there is one process: who had these jobs is gone, and need not be waited for.
Task<> Jobs::release() {
  static constexpr Sql kRelease{"jobs.release",
                                "UPDATE job SET state = 0 WHERE state = 1 AND owner <> $1"};
  if (db_.dialect() == store::Dialect::sqlite) co_await db_.run(kRelease, owner_);
}

void Jobs::start() {
  scope_.start(loops_.at(0), "jobs", [this] { return work(); });
}

Task<> Jobs::stop(std::chrono::milliseconds deadline) {
  scope_.refuse();
  due_.notify();
  (void)co_await scope_.close(deadline);
}

store::Bound Jobs::queueing(std::string_view kind, std::string_view key, const json::Value& payload) {
  static constexpr Sql kQueue{"jobs.queue", R"(
      INSERT INTO job (id, kind, key, state, owner, lease_until, attempts, run_at, payload, created_at)
      VALUES ($1, $2, $3, 0, '', 0, 0, $4, $5, $4) ON CONFLICT DO NOTHING)"};
  return {kQueue, uuid4(), kind, key, unix_seconds(), payload};
}

void Jobs::wake() {
  due_.notify();
}

Task<> Jobs::work() {
  static constexpr Sql kSweep{"jobs.sweep", "DELETE FROM job WHERE state >= 2 AND created_at < $1"};
  bool released = false;
  for (std::int64_t round = 0; !scope_.closing(); ++round) {
    try {
      if (!released) co_await release();
      released = true;
      while (running_ < kAtOnce && !scope_.closing()) {
        auto job = co_await claim();
        if (!job) break;
        ++running_;
        scope_.start(loops_.next(), job->kind, [this, job = std::move(*job)] { return perform(job); });
      }
      if (round % 3600 == 0) co_await db_.run(kSweep, unix_seconds() - kKeep);
    } catch (const Problem& p) {
      log::warn("Background jobs wait for the database", {{"cause", p.cause()}});
    }
    (void)co_await due_.wait(look_every_);
  }
}

Task<std::optional<Job>> Jobs::claim() {
  static constexpr Sql kClaim{"jobs.claim", R"(
      UPDATE job SET state = 1, owner = $1, lease_until = $2 + $4, attempts = attempts + 1
       WHERE id = (SELECT id FROM job WHERE )" ANTIPHON_FREE_NOW_SQLITE R"( ORDER BY run_at LIMIT 1)
      RETURNING id, kind, payload, attempts)",
                              R"(
      UPDATE job SET state = 1, owner = $1, lease_until = $2::bigint + $4::bigint, attempts = attempts + 1
       WHERE id = (SELECT id FROM job WHERE )" ANTIPHON_FREE_NOW_POSTGRES R"( ORDER BY run_at LIMIT 1
                      FOR UPDATE SKIP LOCKED)
      RETURNING id, kind, payload, attempts)"};
  static constexpr Sql kNext{
      "jobs.next",
      "SELECT id, kind, payload, attempts FROM job WHERE " ANTIPHON_FREE_NOW_SQLITE " LIMIT 1",
      "SELECT id, kind, payload, attempts FROM job WHERE " ANTIPHON_FREE_NOW_POSTGRES " LIMIT 1"};
  std::int64_t now = unix_seconds();
  bool leases_count = leases_count_();
  // Looking costs a read; claiming would cost a commit each second.
  if (!co_await db_.first<Job>(kNext, owner_, now, leases_count)) co_return std::nullopt;
  co_return co_await db_.first<Job>(kClaim, owner_, now, leases_count, kLease);
}

Task<> Jobs::perform(Job job) {
  std::string error;
  try {
    if (job.attempts > kAttempts)
      throw Problem(Problem::Kind::internal, "Each process that began it died before its end");
    auto handler = handlers_.find(job.kind);
    if (handler == handlers_.end()) throw not_found("A handler for this kind of job");
    co_await handler->second(job);
  } catch (const Problem& p) {
    error = p.detail() + (p.cause().empty() ? "" : ": " + p.cause());
  } catch (const std::exception& e) {
    error = e.what();
  }
  try {
    co_await settle(job, error);
  } catch (const Problem& p) {
    log::warn("A job's end could not be noted; it will run again",
              {{"job", job.id}, {"kind", job.kind}, {"cause", p.cause()}});
  }
  --running_;
  due_.notify();
}

Task<> Jobs::settle(const Job& job, std::string error) {
  static constexpr Sql kDone{"jobs.done",
                             "UPDATE job SET state = 2, error = NULL WHERE id = $1 AND owner = $2"};
  static constexpr Sql kAgain{
      "jobs.again", "UPDATE job SET state = $3, run_at = $4, error = $5 WHERE id = $1 AND owner = $2"};
  if (error.empty()) {
    co_await db_.run(kDone, job.id, owner_);
    co_return;
  }
  bool over = job.attempts >= kAttempts;
  std::int64_t wait = 5;
  for (std::int64_t i = 1; i < job.attempts; ++i) wait *= 5;
  log::warn(over ? "A background job failed for good" : "A background job failed and will run again",
            {{"kind", job.kind}, {"job", job.id}, {"attempt", job.attempts}, {"error", error}});
  co_await db_.run(kAgain, job.id, owner_, over ? 3 : 0, unix_seconds() + wait, error);
}

}  // namespace antiphon::jobs
