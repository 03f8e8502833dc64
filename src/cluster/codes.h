#pragma once

#include <span>
#include <string>
#include <string_view>

namespace antiphon::cluster {

/// A message with a name of its own: what it means, and the cure in one sentence.
struct Code {
  std::string_view id;
  std::string_view title;
  std::string_view meaning;
  std::string_view cure;
};

inline constexpr Code kSecretDiffers{
    "AP-001", "Another secret key",
    "Sessions and sealed settings of one node would be worth nothing to the others.",
    "Use the cluster's value on every node, or keep it in ANTIPHON_SECRET_KEYS while you rotate; one "
    "that "
    "is lost is given up with `antiphon keys forget`."};
inline constexpr Code kSettingsDiffer{
    "AP-002", "Another environment",
    "A request may reach any node, so what it gets would depend on which.",
    "Give every node the same variables, or change the setting on the administration pages, which then "
    "counts everywhere."};
inline constexpr Code kSealedByLostKey{
    "AP-003", "A key is missing that still seals",
    "Values were sealed with a key this node does not have, so they could not be read.",
    "Put the earlier key into ANTIPHON_SECRET_KEYS until the log says that all is sealed again, or "
    "give the "
    "values up with `antiphon keys drop-sealed`."};
inline constexpr Code kClockIsOff{
    "AP-004", "The clock is off",
    "This machine's clock is not the database's; 60 seconds are forgiven where sessions are checked.",
    "Fix NTP on this machine, or on the database's."};
inline constexpr Code kKeyTooNew{
    "AP-005", "A rotation is under way",
    "Nodes prefer different secret keys, so all go on signing with the earlier one.",
    "Start every node with the new key first and the earlier one in ANTIPHON_SECRET_KEYS."};
inline constexpr Code kFileInUse{
    "AP-010", "SQLite is in use", "One process only may have a SQLite database.",
    "Stop the other process, or use DATABASE_URL=postgresql://… to run several."};
inline constexpr Code kNetworkFile{"AP-011", "SQLite on a network file system",
                                   "Its locks cannot be relied on, and files get damaged.",
                                   "Use a local disk, or PostgreSQL."};
inline constexpr Code kSchemaMissing{
    "AP-012", "The schema is not there", "The database lacks a migration this version needs.",
    "Run antiphon migrate, or start one process with ENABLE_DB_MIGRATIONS=True."};
inline constexpr Code kTooManyConnections{
    "AP-020", "Connections do not fit",
    "The nodes together want more connections than PostgreSQL gives, so some would fail at random.",
    "Raise max_connections (or the limit of the role or database), lower DATABASE_POOL_SIZE, or run "
    "fewer "
    "nodes."};
inline constexpr Code kFewConnectionsLeft{"AP-021", "Connections are nearly used up",
                                          "Little is left for another node, a backup or a person.",
                                          "Raise max_connections before adding a node."};
inline constexpr Code kTransactionPooler{
    "AP-031", "A transaction pooler",
    "Statements of one connection reach different server connections, so LISTEN hears nothing.",
    "Set ANTIPHON_PG_DIRECT_URL to an address that leads past the pooler, or ANTIPHON_BUS=poll."};
inline constexpr Code kPoolerForgets{
    "AP-032", "The pooler forgets prepared statements",
    "What is prepared on one server connection is unknown to the next.",
    "Add ?prepared_statement_cache_size=0 to DATABASE_URL, or use PgBouncer 1.21 or newer with "
    "max_prepared_statements."};
inline constexpr Code kDirectUrl{
    "AP-033", "ANTIPHON_PG_DIRECT_URL leads elsewhere",
    "It must reach the database of DATABASE_URL, without a transaction pooler between.",
    "Point it to the PostgreSQL server itself, with the same database's name."};
inline constexpr Code kQueueFills{
    "AP-034", "Notifications pile up",
    "A session that listens stays in a transaction, so PostgreSQL keeps all notifications since. When "
    "its queue is full no application on this server can notify, and replicas find each other's "
    "changes "
    "by looking once a second.",
    "End that transaction with pg_terminate_backend(process), and let "
    "idle_in_transaction_session_timeout "
    "end the next."};
inline constexpr Code kVersionsDiffer{"AP-040", "Two versions",
                                      "Nodes run different versions, as during an upgrade.",
                                      "Bring all nodes to the newest version."};
inline constexpr Code kLeaseLost{
    "AP-041", "The lease has run out",
    "This node could not renew its lease, so others take over its answers.",
    "Look at the log for what keeps it from the database; it recovers by itself."};

inline constexpr Code kRedisUnreachable{
    "AP-050", "Redis is not there",
    "Nothing is lost: what replicas tell one another goes over PostgreSQL, as without Redis.",
    "Look at the server and its address in REDIS_URL, or take the variable away; it is tried again "
    "each "
    "second."};
inline constexpr Code kRedisForbids{
    "AP-051", "Redis does not let us",
    "The user or its ACL is refused, so what replicas tell one another goes over PostgreSQL.",
    "Check user and password in REDIS_URL, and give the user `ACL SETUSER name +@connection +@pubsub "
    "&{PREFIX}:antiphon:* +get +set +expire ~{PREFIX}:antiphon:*` with the prefix of REDIS_KEY_PREFIX "
    "in "
    "its braces."};
inline constexpr Code kRedisShared{
    "AP-052", "Another deployment has the prefix",
    "They do not hear one another, for channels carry the deployment; but perhaps one of the two means "
    "another Redis.",
    "Give each its own REDIS_KEY_PREFIX, or delete the key {PREFIX}:antiphon:owner when the other is "
    "no "
    "more."};
inline constexpr Code kRedisTooOld{
    "AP-053", "Redis is too old",
    "It does not speak version 3 of its protocol, or as a cluster has no sharded channels.",
    "Use Redis 6 or newer, 7 or newer as a cluster, or Valkey; without it PostgreSQL does the same."};

/// All, by number.
std::span<const Code> codes();

/// "AP-004 This machine's clock is … Fix NTP …": what is so here, and the cure. `what` is a sentence.
std::string said(const Code& code, std::string_view what);

/// docs/operate/codes.md.
std::string codes_markdown();

}  // namespace antiphon::cluster
