#include "cluster/nodes.h"

#include "store/now.h"

namespace antiphon::cluster {

ANTIPHON_DTO_DEFINE(Node)

namespace {

using store::Sql;

constexpr Sql kLiving{"cluster.living", R"(
    SELECT node_id, name, version, advertise, state, started_at, 0 AS lease_left, connections, skew_ms,
           secret_keys, settings
      FROM node
     WHERE node_id = $1)",
                      R"(
    SELECT node_id, name, version, advertise, state, started_at,
           lease_until - )" ANTIPHON_MILLIS_POSTGRES R"( AS lease_left,
           connections, skew_ms, secret_keys, settings
      FROM node
     WHERE lease_until >= )" ANTIPHON_MILLIS_POSTGRES R"( OR node_id = $1
     ORDER BY started_at, node_id
     LIMIT 1000)"};

constexpr Sql kDescribe{"cluster.describe", R"(
    UPDATE node SET name = $2, version = $3, advertise = $4, state = $5, connections = $6, skew_ms = $7,
                    secret_keys = $8, settings = $9
     WHERE node_id = $1)"};

}  // namespace

Task<std::vector<Node>> living(store::Connection& db, std::string own_id) {
  co_return co_await db.all<Node>(kLiving, own_id);
}

Task<bool> describe(store::Connection& db, Node node) {
  co_return co_await db.run(kDescribe, node.node_id, node.name, node.version, node.advertise,
                            node.state, node.connections, node.skew_ms, node.secret_keys,
                            node.settings) == 1;
}

}  // namespace antiphon::cluster
