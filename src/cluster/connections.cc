#include "cluster/connections.h"

#include <algorithm>
#include <map>

namespace antiphon::cluster {

ANTIPHON_DTO_DEFINE(ConnectionLimits)

namespace {

constexpr store::Sql kLimits{"cluster.connection_limits", "", R"(
    SELECT current_setting('max_connections')::bigint AS most,
           current_setting('superuser_reserved_connections')::bigint
             + coalesce(current_setting('reserved_connections', true)::bigint, 0) AS reserved,
           (SELECT datconnlimit::bigint FROM pg_database WHERE datname = current_database()) AS of_database,
           (SELECT rolconnlimit::bigint FROM pg_roles WHERE rolname = current_user) AS of_role,
           (SELECT count(*) FROM pg_stat_activity
             WHERE backend_type = 'client backend'
               AND NOT (datname = current_database() AND application_name = 'antiphon')) AS others)"};

}  // namespace

Task<std::optional<ConnectionLimits>> connection_limits(store::Connection& db) {
  if (db.dialect() == store::Dialect::sqlite) co_return std::nullopt;
  co_return co_await db.first<ConnectionLimits>(kLimits);
}

Arithmetic::Arithmetic(const ConnectionLimits& limits, const std::vector<Node>& others,
                       std::int64_t own)
    : room(limits.most - limits.reserved), wanted(own), foreign(limits.others) {
  text = "max_connections " + std::to_string(limits.most) + " - " + std::to_string(limits.reserved) +
         " reserved = " + std::to_string(room);
  auto narrower = [&](std::int64_t limit, const char* whose) {
    if (limit < 0 || limit >= room) return;
    room = limit;
    text.append(", of which ").append(whose).append(" may have ").append(std::to_string(limit));
  };
  narrower(limits.of_database, "the database");
  narrower(limits.of_role, "the role");
  std::map<std::int64_t, int> by_size;
  for (const Node& node : others) ++by_size[node.connections];
  text += "; ";
  for (const auto& [size, count] : by_size) {
    wanted += size * count;
    text +=
        std::to_string(count) + (count == 1 ? " node × " : " nodes × ") + std::to_string(size) + " + ";
  }
  text += std::to_string(own) + " of this node = " + std::to_string(wanted);
}

void judge(Findings& out, const Arithmetic& sum) {
  const std::string what = "connections";
  if (!sum.fits())
    out.refuse(what, kTooManyConnections, "The nodes' connections do not fit: " + sum.text);
  else if (sum.nearly())
    out.warn(what, kFewConnectionsLeft,
             "The nodes' connections hardly fit: " + sum.text + ", and " + std::to_string(sum.foreign) +
                 " are others'");
  else
    out.good(what, sum.text);
}

}  // namespace antiphon::cluster
