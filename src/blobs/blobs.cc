#include "blobs/blobs.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/async.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/loops.h"
#include "base/problem.h"
#include "blobs/azure.h"
#include "blobs/database.h"
#include "blobs/directory.h"
#include "blobs/gcs.h"
#include "blobs/objects.h"
#include "blobs/s3.h"
#include "blobs/sql.h"
#include "blobs/verified.h"
#include "json/dto.h"

namespace antiphon::blobs {

struct BlobRow {
  std::string id;
  std::int64_t size = 0;
  std::int64_t state = 0;
};
ANTIPHON_DTO(BlobRow, id, size, state)
ANTIPHON_DTO_DEFINE(BlobRow)

struct ReferenceRow {
  std::string value;
};
ANTIPHON_DTO(ReferenceRow, value)
ANTIPHON_DTO_DEFINE(ReferenceRow)

struct PeerRow {
  std::string node_id;
  std::string name;
  std::string place;
};
ANTIPHON_DTO(PeerRow, node_id, name, place)
ANTIPHON_DTO_DEFINE(PeerRow)

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kStored = 1;
/// A removal is over after so long, or its process has died.
constexpr std::int64_t kRemovalTakes = 600;
/// Bytes gathered before they go to the disk.
constexpr std::size_t kBlock = 1 << 20;

}  // namespace

std::unique_ptr<Backend> make_backend(const Settings& settings, store::Db& db, client::Client* client,
                                      const Options& options) {
  std::string provider = settings.storage_provider();
  if (provider.empty()) provider = db.dialect() == store::Dialect::sqlite ? "local" : "database";
  if (provider == "local") return std::make_unique<Directory>(options.folder, options.deployment);
  auto objects = [&](std::unique_ptr<ObjectServer> server) {
    return std::make_unique<Objects>(std::move(server), *client, options.spool);
  };
  if (provider == "s3" && client) return objects(std::make_unique<S3>(settings));
  if (provider == "gcs" && client) return objects(std::make_unique<Gcs>(settings, *client));
  if (provider == "azure" && client) return objects(std::make_unique<Azure>(settings));
  return std::make_unique<Database>(db, options.spool);
}

Blobs::Blobs(store::Db& db, std::unique_ptr<Backend> backend, std::string node,
             metrics::Registry& metrics)
    : db_(db),
      backend_(std::move(backend)),
      node_(std::move(node)),
      faults_(metrics.counter("antiphon_blob_faults_total",
                              "Reads of files whose bytes were missing or others.", {"kind"})),
      swept_(metrics
                 .counter("antiphon_blobs_swept_total",
                          "Files removed because nothing referred to them any more.")
                 .only()) {}

Task<SpoolPtr> Blobs::spool(Source source, std::int64_t limit) {
  SpoolPtr out;
  std::int64_t size = 0;
  std::string block;
  for (bool last = false; !last;) {
    std::string piece = co_await source();
    last = piece.empty();
    size += static_cast<std::int64_t>(piece.size());
    if (size > limit)
      throw Problem(Problem::Kind::too_large,
                    "A file of more than " + std::to_string(limit) + " bytes is not taken.");
    block += piece;
    if (!last && block.size() < kBlock) continue;
    co_await on_disk([&] {
      if (!out) out = std::make_shared<Spool>(backend_->spool_folder(), backend_->moves());
      out->append(block);
      if (last) out->finish();
    });
    block.clear();
  }
  co_return out;
}

/// Says that the bytes are about to come. One that is just being removed is waited for, five seconds;
/// what a dead process left half removed is removed first.
Task<> Blobs::arrive(const Blob& blob) {
  for (int turn = 0; turn != 50; ++turn) {
    if (co_await db_.run(sql::kArrive, blob.id, blob.size) == 1) co_return;
    if (co_await db_.run(sql::kClaim, blob.id, kRemovalTakes) == 1)
      co_await erase(blob.id);
    else
      co_await sleep_for(100ms);
  }
  throw Problem(Problem::Kind::unavailable,
                "This file is just being removed. Try again in ten minutes.")
      .retry_after(600);
}

Task<Blob> Blobs::put(Source source, std::int64_t limit) {
  SpoolPtr spool = co_await this->spool(std::move(source), limit);
  Blob blob = spool->blob();
  co_await arrive(blob);
  if (!co_await backend_->has(blob)) co_await backend_->store(std::move(spool));
  if (co_await db_.run(sql::kStored, blob.id) != 1)
    throw Problem(Problem::Kind::unavailable, "This file was removed while it arrived. Send it again.");
  co_return blob;
}

Task<Blob> Blobs::put(std::string bytes) {
  auto size = static_cast<std::int64_t>(bytes.size());
  Source once = [&bytes]() -> Task<std::string> { co_return std::exchange(bytes, {}); };
  co_return co_await put(std::move(once), size);
}

Task<bool> Blobs::hold(BlobId id) {
  co_return co_await db_.run(sql::kHold, id) == 1;
}

Task<std::optional<Blob>> Blobs::stat(BlobId id) {
  auto row = co_await db_.first<BlobRow>(sql::kFind, id);
  if (!row || row->state != kStored) co_return std::nullopt;
  co_return Blob{std::move(id), row->size};
}

Task<std::unique_ptr<Pieces>> Blobs::open(BlobId id, Range range) {
  std::optional<Blob> blob = co_await stat(std::move(id));
  if (!blob) co_return nullptr;
  range.offset = std::clamp<std::int64_t>(range.offset, 0, blob->size);
  std::int64_t rest = blob->size - range.offset;
  range.size = range.size < 0 ? rest : std::min(range.size, rest);
  auto bytes = range.size || !blob->size ? co_await backend_->open(*blob, range) : nullptr;
  co_return verified(std::move(bytes), *blob, range, faults_);
}

Task<std::optional<std::string>> Blobs::read(BlobId id, std::int64_t limit) {
  std::optional<Blob> blob = co_await stat(id);
  if (blob && blob->size > limit)
    throw Problem(Problem::Kind::too_large,
                  "A file of more than " + std::to_string(limit) + " bytes is not shown here.");
  auto pieces = co_await open(std::move(id));
  if (!pieces) co_return std::nullopt;
  std::string out;
  for (;;) {
    std::string piece = co_await pieces->read();
    if (piece.empty()) co_return out;
    out += piece;
  }
}

Task<> Blobs::erase(BlobId id) {
  co_await backend_->remove(id);
  co_await db_.run(sql::kGone, id);
}

Task<bool> Blobs::remove(BlobId id) {
  if (co_await db_.run(sql::kClaimNow, id) != 1) co_return false;
  co_await erase(std::move(id));
  co_return true;
}

Task<std::vector<BlobId>> Blobs::unreferenced(std::vector<BlobId> ids) {
  store::Strings all;
  for (const BlobId& id : ids) all.push_back(id.value);
  std::set<std::string> used;
  for (const store::Sql& query : references_)
    for (ReferenceRow& row : co_await db_.all<ReferenceRow>(query, all))
      used.insert(std::move(row.value));
  std::erase_if(ids, [&](const BlobId& id) { return used.contains(id.value); });
  co_return ids;
}

Task<std::int64_t> Blobs::sweep(std::int64_t grace) {
  std::int64_t swept = 0;
  for (std::string after;;) {
    std::vector<BlobId> old;
    for (BlobRow& row : co_await db_.all<BlobRow>(sql::kOld, grace, after))
      old.push_back({std::move(row.id)});
    if (old.empty()) break;
    after = old.back().value;
    for (BlobId& id : co_await unreferenced(std::move(old))) {
      if (scope_.closing()) co_return swept;
      if (co_await db_.run(sql::kClaim, id, grace) != 1) continue;
      co_await erase(std::move(id));
      swept_.add();
      ++swept;
    }
  }
  co_return swept;
}

Task<std::optional<Finding>> Blobs::check() {
  for (const PeerRow& peer : co_await db_.all<PeerRow>(sql::kPeers, node_)) {
    std::string who = "the replica " + peer.node_id.substr(0, 8);
    if (peer.place != backend_->place())
      co_return Finding{
          "This replica keeps files in " + backend_->place() + ", and " + who + " in " + peer.place +
              ", so that neither finds what the other has stored.",
          "Give all replicas the same STORAGE_PROVIDER, and the same bucket or container."};
    if (!co_await backend_->sees(peer.node_id))
      co_return Finding{"This replica and " + who +
                            " each keep files in a folder of their own, so that " +
                            "neither finds what the other has stored.",
                        "Mount one folder as DATA_DIR/blobs on all replicas, or set "
                        "STORAGE_PROVIDER=database or s3 on all of them."};
  }
  co_return std::nullopt;
}

Task<> Blobs::look_around() {
  co_await backend_->mark(node_, kGrace);
  co_await db_.run(sql::kMark, node_, backend_->place());
  co_await db_.run(sql::kForget, kGrace);
}

/// A full disk is no reason not to give out what lies on it.
Task<> Blobs::settle() {
  try {
    co_await backend_->prepare();
    co_await look_around();
  } catch (const Problem& p) {
    if (p.status() != 507) throw;
    log::warn("Files cannot be stored until there is room",
              {{"detail", p.detail()}, {"cause", p.cause()}});
  }
}

Task<> Blobs::start(Loops& loops, std::chrono::minutes sweep_every) {
  co_await settle();
  if (auto found = co_await check())
    throw Problem(Problem::Kind::unavailable, found->what + " " + found->cure);
  scope_.start(loops.at(0), "file sweeper", [this, sweep_every] { return tend(sweep_every); });
}

Task<> Blobs::tend(std::chrono::minutes sweep_every) {
  std::chrono::seconds since_sweep = sweep_every;  // The first is due now.
  constexpr auto kLook = 60s;
  bool warned = false;
  do {
    try {
      co_await look_around();
      auto found = co_await check();
      if (found && !warned)
        log::error("Files are not shared by all replicas",
                   {{"what", found->what}, {"cure", found->cure}});
      warned = found.has_value();
      if (sweep_every.count() && since_sweep >= sweep_every) {
        since_sweep = 0s;
        if (std::int64_t swept = co_await sweep())
          log::info("Removed files that nothing refers to any more", {{"files", swept}});
      }
    } catch (const Problem& p) {
      log::warn("Files could not be looked after", {{"detail", p.detail()}, {"cause", p.cause()}});
    }
    since_sweep += kLook;
  } while (co_await scope_.rest(kLook));
}

Task<> Blobs::stop() {
  (void)co_await scope_.close(5s);
  co_await backend_->unmark(node_);
  co_await db_.run(sql::kUnmark, node_);
}

}  // namespace antiphon::blobs
