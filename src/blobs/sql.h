#pragma once

#include "store/db.h"
#include "store/now.h"

/// The statements about which blobs there are. Times are the database's clock, in seconds.
namespace antiphon::blobs::sql {

using store::Sql;

#define ANTIPHON_NOW_SQLITE "CAST(strftime('%s', 'now') AS BIGINT)"
#define ANTIPHON_NOW_POSTGRES "CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)"
#define ANTIPHON_TIMED(name, before, after)                                    \
  Sql {                                                                        \
    name, before ANTIPHON_NOW_SQLITE after, before ANTIPHON_NOW_POSTGRES after \
  }

/// Before the bytes. Changes nothing of one that is being removed.
inline constexpr Sql kArrive{"blobs.arrive", R"(
    INSERT INTO blob (id, size, state, touched_at, created_at)
    SELECT $1, $2, 0, now.at, now.at FROM (SELECT )" ANTIPHON_NOW_SQLITE R"( AS at) AS now WHERE TRUE
    ON CONFLICT (id) DO UPDATE SET touched_at = excluded.touched_at WHERE blob.state < 2)",
                             R"(
    INSERT INTO blob (id, size, state, touched_at, created_at)
    SELECT $1::text, $2::bigint, 0, now.at, now.at FROM (SELECT )" ANTIPHON_NOW_POSTGRES
                             R"( AS at) AS now
    ON CONFLICT (id) DO UPDATE SET touched_at = excluded.touched_at WHERE blob.state < 2)"};
/// After them.
inline constexpr Sql kStored = ANTIPHON_TIMED(
    "blobs.stored", "UPDATE blob SET state = 1, touched_at = ", " WHERE id = $1 AND state < 2");
inline constexpr Sql kHold =
    ANTIPHON_TIMED("blobs.hold", "UPDATE blob SET touched_at = ", " WHERE id = $1 AND state = 1");
inline constexpr Sql kFind{"blobs.find", "SELECT id, size, state FROM blob WHERE id = $1"};

/// Those that nobody has asked to keep for so long, the unfinished and the half removed among them.
inline constexpr Sql kOld =
    ANTIPHON_TIMED("blobs.old", "SELECT id, size, state FROM blob WHERE touched_at < ",
                   " - $1 AND id > $2 ORDER BY id LIMIT 500");
/// Whoever changes the row removes the bytes. Nobody does who looked too early: it has been touched.
inline constexpr Sql kClaim{"blobs.claim",
                            "UPDATE blob SET state = 2, touched_at = " ANTIPHON_NOW_SQLITE
                            " WHERE id = $1 AND touched_at < " ANTIPHON_NOW_SQLITE " - $2",
                            "UPDATE blob SET state = 2, touched_at = " ANTIPHON_NOW_POSTGRES
                            " WHERE id = $1 AND touched_at < " ANTIPHON_NOW_POSTGRES " - $2"};
inline constexpr Sql kClaimNow = ANTIPHON_TIMED(
    "blobs.claim_now", "UPDATE blob SET state = 2, touched_at = ", " WHERE id = $1 AND state < 2");
inline constexpr Sql kGone{"blobs.gone", "DELETE FROM blob WHERE id = $1 AND state = 2"};

inline constexpr Sql kMark{"blobs.mark", R"(
    INSERT INTO blob_node (node_id, place, seen_at)
    SELECT $1, $2, now.at FROM (SELECT )" ANTIPHON_NOW_SQLITE R"( AS at) AS now WHERE TRUE
    ON CONFLICT (node_id) DO UPDATE SET place = excluded.place, seen_at = excluded.seen_at)",
                           R"(
    INSERT INTO blob_node (node_id, place, seen_at)
    SELECT $1::text, $2::text, now.at FROM (SELECT )" ANTIPHON_NOW_POSTGRES R"( AS at) AS now
    ON CONFLICT (node_id) DO UPDATE SET place = excluded.place, seen_at = excluded.seen_at)"};
inline constexpr Sql kUnmark{"blobs.unmark", "DELETE FROM blob_node WHERE node_id = $1"};
inline constexpr Sql kForget =
    ANTIPHON_TIMED("blobs.forget", "DELETE FROM blob_node WHERE seen_at < ", " - $1");
/// The other processes that live: their leases have not run out, by the database's clock.
inline constexpr Sql kPeers{"blobs.peers", R"(
    SELECT n.node_id, n.name, b.place
      FROM node n JOIN blob_node b ON b.node_id = n.node_id
     WHERE n.node_id <> $1
       AND n.lease_until >= )" ANTIPHON_MILLIS_SQLITE R"(
     ORDER BY n.node_id)",
                            R"(
    SELECT n.node_id, n.name, b.place
      FROM node n JOIN blob_node b ON b.node_id = n.node_id
     WHERE n.node_id <> $1
       AND n.lease_until >= )" ANTIPHON_MILLIS_POSTGRES R"(
     ORDER BY n.node_id)"};

#undef ANTIPHON_TIMED
#undef ANTIPHON_NOW_SQLITE
#undef ANTIPHON_NOW_POSTGRES

}  // namespace antiphon::blobs::sql
