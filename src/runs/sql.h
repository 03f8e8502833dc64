#pragma once

#include "store/db.h"
#include "store/now.h"

/// The answer log's statements. Times are the database's clock, in milliseconds.
namespace antiphon::runs::sql {

using store::Sql;

/// Whether somebody holds the advisory lock of that number: a process of ours, as long as it lives.
#define ANTIPHON_SESSION_STANDS(key)                                                             \
  "EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND " \
  "((classid::bigint << 32) | objid::bigint) = " key ")"

inline constexpr Sql kCreate{"runs.create", R"(
    INSERT INTO run (run_id, chat_id, message_id, user_id, idem, state, owner, epoch,
                     cancel_requested, attempts, request, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, 1, $6, 1, FALSE, 1, $7, $8, $8))"};

/// The fence: nothing is inserted when the epoch has moved on, and a seq that is taken is a conflict.
inline constexpr Sql kAppend{"runs.append", R"(
    INSERT INTO run_event (run_id, seq, epoch, payload)
    SELECT run_id, $2, epoch, $4 FROM run WHERE run_id = $1 AND epoch = $3)",
                             R"(
    INSERT INTO run_event (run_id, seq, epoch, payload)
    SELECT run_id, $2::bigint, epoch, $4::text FROM run WHERE run_id = $1 AND epoch = $3)"};
/// The same where the seq may be taken, which is no failure then. Not for every append: PostgreSQL logs
/// a record more for each such row.
inline constexpr Sql kAppendIfFree{"runs.append_if_free", R"(
    INSERT INTO run_event (run_id, seq, epoch, payload)
    SELECT run_id, $2, epoch, $4 FROM run WHERE run_id = $1 AND epoch = $3
    ON CONFLICT DO NOTHING)",
                                   R"(
    INSERT INTO run_event (run_id, seq, epoch, payload)
    SELECT run_id, $2::bigint, epoch, $4::text FROM run WHERE run_id = $1 AND epoch = $3
    ON CONFLICT DO NOTHING)"};

inline constexpr Sql kEventEpoch{"runs.event_epoch",
                                 "SELECT epoch AS value FROM run_event WHERE run_id = $1 AND seq = $2"};
inline constexpr Sql kMaxSeq{"runs.max_seq",
                             "SELECT COALESCE(MAX(seq), 0) AS value FROM run_event WHERE run_id = $1"};
inline constexpr Sql kEventsSince{"runs.events_since", R"(
    SELECT seq, payload FROM run_event WHERE run_id = $1 AND seq >= $2 ORDER BY seq)"};

inline constexpr Sql kRemoveEventsOf{
    "runs.remove_events_of",
    "DELETE FROM run_event WHERE run_id IN (SELECT run_id FROM run WHERE user_id = $1)"};
inline constexpr Sql kRemoveRunsOf{
    "runs.remove_of", "DELETE FROM run WHERE user_id = $1 RETURNING run_id, cancel_requested"};

/// The request has no more use, and as it stands between what changes PostgreSQL would log all of it.
inline constexpr Sql kFinish{"runs.finish", R"(
    UPDATE run SET state = $3, updated_at = $4, request = '' WHERE run_id = $1 AND epoch = $2 AND state < 10)"};
/// Goes with kFinish, and fails with all that goes with it when that has not ended the run: a column
/// that may not be null would be.
inline constexpr Sql kLastEvent{"runs.last_event", R"(
    INSERT INTO run_event (run_id, seq, epoch, payload)
    VALUES ($1, $2, (SELECT epoch FROM run WHERE run_id = $1 AND epoch = $3 AND state = $5), $4))"};

#define ANTIPHON_RUN_COLUMNS                                                                   \
  "run_id, chat_id, message_id, user_id, state, owner, epoch, attempts, request, updated_at, " \
  "cancel_requested"
inline constexpr Sql kFind{"runs.find", "SELECT " ANTIPHON_RUN_COLUMNS " FROM run WHERE run_id = $1"};
inline constexpr Sql kFindByKey{
    "runs.find_by_key", "SELECT " ANTIPHON_RUN_COLUMNS " FROM run WHERE user_id = $1 AND idem = $2"};
inline constexpr Sql kLiveOfChat{
    "runs.live_of_chat", "SELECT " ANTIPHON_RUN_COLUMNS " FROM run WHERE chat_id = $1 AND state < 10"};
inline constexpr Sql kLiveOfUser{
    "runs.live_of_user", "SELECT " ANTIPHON_RUN_COLUMNS " FROM run WHERE user_id = $1 AND state < 10"};
inline constexpr Sql kRecentOfUser{"runs.recent_of_user", "SELECT " ANTIPHON_RUN_COLUMNS R"( FROM run
     WHERE user_id = $1 AND (state < 10 OR updated_at >= $2) ORDER BY created_at DESC LIMIT 200)"};
inline constexpr Sql kLive{"runs.live",
                           "SELECT " ANTIPHON_RUN_COLUMNS " FROM run WHERE state < 10 LIMIT 1000"};

inline constexpr Sql kCancelChat{"runs.cancel_chat",
                                 "UPDATE run SET cancel_requested = TRUE WHERE chat_id = $1 AND state "
                                 "< 10 RETURNING " ANTIPHON_RUN_COLUMNS};
inline constexpr Sql kCancel{"runs.cancel",
                             "UPDATE run SET cancel_requested = TRUE WHERE run_id = $1 AND state < 10"};
inline constexpr Sql kOwn{"runs.own",
                          "SELECT run_id, cancel_requested FROM run WHERE owner = $1 AND state < 10"};

/// On SQLite there is one process, so every other owner is gone. On PostgreSQL an owner is gone when
/// its row is, or (only where $3 allows it) when its lease has run out, or when the database has closed
/// its session and its lease has $4 ms left at most, that is, when it has missed a renewal. Whoever's
/// own session is not at this server, either, concludes nothing from others': a standby has taken over.
inline constexpr Sql kOrphans{"runs.orphans", "SELECT " ANTIPHON_RUN_COLUMNS R"(
      FROM run
     WHERE state < 10 AND owner <> $1 AND ($2 IS NULL OR chat_id = $2) AND $3 IN (0, 1) AND $4 >= 0
     LIMIT 50)",
                              "SELECT " ANTIPHON_RUN_COLUMNS R"(
      FROM run
     WHERE state < 10 AND owner <> $1 AND ($2::text IS NULL OR chat_id = $2::text)
       AND NOT EXISTS (
         SELECT 1 FROM node
          WHERE node_id = run.owner
            AND ($3::bigint = 0
                 OR (lease_until >= )" ANTIPHON_MILLIS_POSTGRES R"(
                     AND (session_key IS NULL OR lease_until >= )" ANTIPHON_MILLIS_POSTGRES
                              R"( + $4::bigint
                          OR )" ANTIPHON_SESSION_STANDS("session_key") R"(
                          OR NOT )" ANTIPHON_SESSION_STANDS(
                                  "(SELECT session_key FROM node WHERE node_id = $1)") R"())))
     ORDER BY random()
     LIMIT 50)"};
inline constexpr Sql kTakeOver{"runs.take_over", R"(
    UPDATE run SET epoch = epoch + 1, owner = $3, state = 2, attempts = attempts + 1
     WHERE run_id = $1 AND epoch = $2 AND state < 10)"};
inline constexpr Sql kTaken{"runs.taken", "UPDATE run SET state = 1 WHERE run_id = $1 AND epoch = $2"};

inline constexpr Sql kRegister{"runs.register", R"(
    INSERT INTO node (node_id, name, version, lease_until, started_at)
    VALUES ($1, $2, $3, )" ANTIPHON_MILLIS_SQLITE " + $4, " ANTIPHON_MILLIS_SQLITE ")",
                               R"(
    INSERT INTO node (node_id, name, version, lease_until, started_at)
    VALUES ($1, $2, $3, )" ANTIPHON_MILLIS_POSTGRES " + $4, " ANTIPHON_MILLIS_POSTGRES ")"};
/// The beginning of a beat, on PostgreSQL: how many others hold a lease, and whether the session $3 is
/// one of the server that is written to: after a switch to a standby it may still be one of the old.
inline constexpr std::string_view kRenewed =
    "WITH renewed AS (UPDATE node SET lease_until = " ANTIPHON_MILLIS_POSTGRES
    " + $2::bigint, session_key = CASE WHEN " ANTIPHON_SESSION_STANDS(
        "$3::bigint") " THEN $3::bigint END WHERE node_id = $1 RETURNING session_key IS NOT NULL AS session) "
                      "SELECT EXISTS (SELECT 1 FROM renewed) AS registered, "
                      "COALESCE((SELECT session FROM renewed), FALSE) AS session, "
                      "(SELECT COUNT(*) FROM node WHERE node_id <> $1 AND lease_until "
                      ">= " ANTIPHON_MILLIS_POSTGRES ") AS others,";

/// Questions of the heartbeat. As many as are written here, or else one is to be stopped, or nobody
/// writes it.
inline constexpr Sql kOwnAnyStopped{"",
                                    "SELECT COUNT(*) + COUNT(CASE WHEN cancel_requested THEN 1 END) "
                                    "FROM run WHERE owner = $1 AND state < 10"};
/// How many answers are written by others.
inline constexpr Sql kElsewhere{"", "", "SELECT COUNT(*) FROM run WHERE state < 10 AND owner <> $1"};
/// How many processes that write may have died: have no row, have lost their session, or their lease
/// has run out. Whether they have, kOrphans tells.
inline constexpr Sql kSuspects{"", "", R"(
    SELECT (SELECT COUNT(*) FROM node
             WHERE node_id <> $1
               AND EXISTS (SELECT 1 FROM run WHERE owner = node_id AND state < 10)
               AND (lease_until < )" ANTIPHON_MILLIS_POSTGRES R"(
                    OR (session_key IS NOT NULL AND NOT )" ANTIPHON_SESSION_STANDS("session_key") R"()))
         + (SELECT COUNT(*) FROM run
             WHERE state < 10 AND owner <> $1 AND NOT EXISTS (SELECT 1 FROM node WHERE node_id = owner)))"};

inline constexpr Sql kLeave{"runs.leave", "DELETE FROM node WHERE node_id = $1"};
inline constexpr Sql kForgetNodes{
    "runs.forget_nodes",
    "DELETE FROM node WHERE node_id <> $1 AND NOT EXISTS (SELECT 1 FROM run WHERE owner = node.node_id "
    "AND state < 10)",
    "DELETE FROM node WHERE node_id <> $1 AND lease_until < " ANTIPHON_MILLIS_POSTGRES
    " - 60000 AND NOT EXISTS (SELECT 1 FROM run WHERE owner = node.node_id AND state < 10)"};

inline constexpr Sql kSweepEvents{"runs.sweep_events", R"(
    DELETE FROM run_event
     WHERE run_id IN (SELECT run_id FROM run WHERE state >= 10 AND updated_at < $1 AND updated_at >= $2))"};
/// What was appended while its run was deleted: an append holds no lock on the run, which would cost
/// PostgreSQL a record for each. The first is for runs deleted here, the other for all.
inline constexpr Sql kSweepEventsOf{"runs.sweep_events_of", R"(
    DELETE FROM run_event
     WHERE run_id IN (SELECT value FROM json_each($1))
       AND NOT EXISTS (SELECT 1 FROM run WHERE run.run_id = run_event.run_id))",
                                    R"(
    DELETE FROM run_event
     WHERE run_id = ANY($1::text[])
       AND NOT EXISTS (SELECT 1 FROM run WHERE run.run_id = run_event.run_id))"};
inline constexpr Sql kSweepStrayEvents{"runs.sweep_stray_events", R"(
    DELETE FROM run_event
     WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.run_id = run_event.run_id))"};
inline constexpr Sql kSweepRuns{"runs.sweep_runs",
                                "DELETE FROM run WHERE state >= 10 AND updated_at < $1"};

}  // namespace antiphon::runs::sql
