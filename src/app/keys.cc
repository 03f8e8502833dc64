#include <cstdio>

#include "app/application.h"
#include "base/time.h"
#include "cluster/codes.h"
#include "cluster/seals.h"
#include "store/migrate.h"

namespace antiphon::app {
namespace {

int list_keys(store::Db& db) {
  for (const cluster::ClusterKey& key : run([&] { return cluster::cluster_keys(db); }))
    std::printf("%s\t%s\t%s\tset by %s in %s\n", key.fingerprint.c_str(),
                key.signs ? "in use" : "earlier", date_text(key.since).c_str(), key.set_by.c_str(),
                key.source.c_str());
  return 0;
}

int forget(store::Db& db, const std::string& fingerprint) {
  if (!run([&] { return cluster::forget_key(db, fingerprint); }))
    throw Problem(Problem::Kind::not_found,
                  "The cluster knows no key " + fingerprint + ". `antiphon keys list` lists them.");
  std::printf("%s: forgotten; the next process to start brings the key in use\n", fingerprint.c_str());
  return 0;
}

int drop_sealed(const Declared& declared, store::Db& db) {
  auth::KeyRing ring(run([&] { return auth::load_keys(db, auth::key_sources(declared.auth)); }));
  config::AesSealer sealer(sealing_keys(ring));
  std::size_t dropped = run([&] { return cluster::drop_unopened(db, sealer); });
  std::printf("%zu value(s) that no key opens are deleted\n", dropped);
  return 0;
}

}  // namespace

std::string keys_usage() {
  return "antiphon keys list                  the secret keys there have been, by fingerprint\n"
         "antiphon keys forget FINGERPRINT    for a key that is lost or has leaked: ends its sessions\n"
         "antiphon keys drop-sealed           deletes sealed values that no key opens any more\n";
}

int keys(const Environment& environment, const std::vector<std::string>& words) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  return perform([&] {
    auto is = [&](const char* name, std::size_t count) {
      return words.size() == count && words.front() == name;
    };
    if (!is("list", 1) && !is("forget", 2) && !is("drop-sealed", 1))
      throw Problem(Problem::Kind::invalid, "keys: what shall be done?\n" + keys_usage());
    make_data_folder(declared.process);
    Loops loops(1);
    loops.start();
    auto db = open_store(declared.process, loops);
    if (auto missing = run([&] { return store::missing_migrations(*db); }); !missing.empty())
      throw Problem(Problem::Kind::unavailable,
                    "The database lacks " + missing.front() + ". Run antiphon migrate.");
    int code = is("list", 1)     ? list_keys(*db)
               : is("forget", 2) ? forget(*db, words.back())
                                 : drop_sealed(declared, *db);
    run([&] { return db->close(); });
    return code;
  });
}

int codes() {
  std::fputs(cluster::codes_markdown().c_str(), stdout);
  return 0;
}

}  // namespace antiphon::app
