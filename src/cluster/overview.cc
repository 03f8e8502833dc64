#include "cluster/overview.h"

#include <algorithm>
#include <set>

#include "cluster/connections.h"
#include "cluster/environment.h"
#include "cluster/member.h"
#include "cluster/queue.h"
#include "cluster/seals.h"

namespace antiphon::cluster {

ANTIPHON_DTO_DEFINE(ClusterWarning)
ANTIPHON_DTO_DEFINE(NodeView)
ANTIPHON_DTO_DEFINE(DatabaseView)
ANTIPHON_DTO_DEFINE(ClusterFact)
ANTIPHON_DTO_DEFINE(ClusterOverview)

namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    std::size_t comma = list.find(',');
    out.emplace_back(list.substr(0, comma));
    list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
  }
  return out;
}

NodeView view_of(const Node& node, const std::string& own_id) {
  return {.id = node.node_id,
          .name = node.name,
          .version = node.version,
          .address = node.advertise,
          .state = node.state.empty() ? "starting" : node.state,
          .started_at = node.started_at / 1000,
          .lease_ms = std::max<std::int64_t>(node.lease_left, 0),
          .skew_ms = node.skew_ms,
          .connections = node.connections,
          .secret_keys = split(node.secret_keys),
          .here = node.node_id == own_id};
}

void warn(ClusterOverview& out, const Code& code, std::string text) {
  out.warnings.push_back({.code = std::string(code.id),
                          .text = std::move(text),
                          .meaning = std::string(code.meaning),
                          .cure = std::string(code.cure)});
}

void warn_of_nodes(ClusterOverview& out, const std::vector<Node>& nodes) {
  std::set<std::string> versions, preferred;
  for (const Node& node : nodes) {
    versions.insert(node.version);
    preferred.insert(node.secret_keys.substr(0, node.secret_keys.find(',')));
    Skew skew{.ahead = milliseconds(node.skew_ms), .doubt = {}};
    if (skew.exceeds(kSkewWarns)) warn(out, kClockIsOff, node.name + ": " + skew.sentence());
  }
  std::string list;
  for (const std::string& version : versions) list += (list.empty() ? "" : ", ") + version;
  if (versions.size() > 1) warn(out, kVersionsDiffer, "Versions " + list + " run");
  if (preferred.size() > 1)
    warn(out, kKeyTooNew,
         "Not every node prefers the same secret key; " + out.secret_key + " is in use");
}

}  // namespace

Task<ClusterOverview> Member::overview() {
  Node own = own_row();
  std::vector<Node> nodes = co_await living(parts_.db, own.node_id);
  ClusterOverview out;
  out.secret_key = ring_.at(signing_).fingerprint;
  for (const Node& node : nodes) out.nodes.push_back(view_of(node, own.node_id));
  out.database.description = parts_.db.description();
  warn_of_nodes(out, nodes);
  if (auto limits = co_await connection_limits(parts_.db)) {
    std::erase_if(nodes, [&](const Node& n) { return n.node_id == own.node_id; });
    Arithmetic sum(*limits, nodes, self_.connections);
    out.database.connections_wanted = sum.wanted;
    out.database.connections_room = sum.room;
    out.database.arithmetic = sum.text;
    if (sum.nearly()) warn(out, kFewConnectionsLeft, sum.text);
  }
  if (auto queue = co_await notify_queue(parts_.db); queue && queue->fills())
    warn(out, kQueueFills, queue->sentence());
  for (const SealedKind& kind : sealed_kinds())
    for (const SealedRow& row : co_await kind.rows(parts_.db))
      if (!parts_.sealer.sealed_now(row.place, row.sealed)) ++out.sealed_to_redo;
  if (auto lost = co_await unopened(parts_.db, parts_.sealer); !lost.empty())
    warn(out, kSealedByLostKey, complaint(lost));
  for (const auto& look : also_)
    for (ClusterFact& fact : co_await look()) out.facts.push_back(std::move(fact));
  co_return out;
}

}  // namespace antiphon::cluster
