#pragma once

#include <string>
#include <vector>

#include "cluster/finding.h"
#include "cluster/keys.h"
#include "config/registry.h"
#include "config/seal.h"
#include "store/db.h"

namespace antiphon::cluster {

/// What this process is to the others.
struct Self {
  std::string name;
  std::string version;
  std::string advertise;         ///< "http://10.0.0.7:8080"
  std::int64_t connections = 0;  ///< To PostgreSQL, all it will have.
};

/// How it reaches PostgreSQL.
struct Route {
  std::string url;
  std::string direct_url;  ///< Empty: there is none.
  bool polls = false;      ///< Needs no connection that keeps its session.
};

/// What stands between this process and PostgreSQL. Before the schema is looked at; blocks.
void check_route(Findings& out, const Route& route);
/// Whether the direct address leads to the same database. Blocks.
Task<> check_direct(Findings& out, const Route& route, store::Db& db);

/// What all replicas must agree on, read only: secret key, sealed values, clock, connections,
/// environment. Where another node speaks against this one, waits until it would be gone if it had been
/// killed.
struct Agreement {
  store::Db& db;
  const Self& self;
  const std::vector<Key>& ring;
  const config::AesSealer* sealer;  ///< Null when the ring is empty.
  const config::Registry& registry;
  bool persistent;  ///< Rows of settings count.
};
Task<Findings> check_agreement(Agreement with);

}  // namespace antiphon::cluster
