#include "app/application.h"

namespace antiphon::app {

cluster::Self self_of(const Process& process) {
  bool postgres = process.store_url().starts_with("postgres");
  int listening = process.polls() ? 0 : 1;
  return {.name = process.name_of_node(),
          .version = std::string(kAntiphonVersion),
          .advertise = process.address_of_node(),
          .connections = postgres ? process.pool_size() + listening : 0};
}

cluster::Route route_of(const Process& process) {
  return {.url = process.store_url(), .direct_url = process.direct_url(), .polls = process.polls()};
}

std::vector<cluster::Key> shared_keys(const std::vector<auth::RingKey>& ring) {
  std::vector<cluster::Key> out;
  out.reserve(ring.size());
  for (const auth::RingKey& key : ring) out.push_back({key.fingerprint(), key.source, key.secret});
  return out;
}

std::vector<Secret> sealing_keys(const auth::KeyRing& ring) {
  std::vector<Secret> out;
  for (const auto& key : ring.keys()) out.push_back(ring.derived(key, auth::Purpose::sealing));
  return out;
}

cluster::Findings check_cluster(const Declared& declared, store::Db& db,
                                const std::vector<auth::RingKey>& ring) {
  cluster::Self self = self_of(declared.process);
  cluster::Route route = route_of(declared.process);
  std::vector<cluster::Key> keys = shared_keys(ring);
  std::optional<config::AesSealer> sealer;
  if (!ring.empty()) sealer.emplace(sealing_keys(auth::KeyRing(ring)));
  cluster::Findings findings = run([&] {
    return cluster::check_agreement({.db = db,
                                     .self = self,
                                     .ring = keys,
                                     .sealer = sealer ? &*sealer : nullptr,
                                     .registry = declared.registry,
                                     .persistent = declared.process.persistent_config()});
  });
  run([&] { return cluster::check_direct(findings, route, db); });
  return findings;
}

}  // namespace antiphon::app
