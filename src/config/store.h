#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "config/registry.h"
#include "config/seal.h"
#include "store/db.h"

namespace antiphon {
class Scope;
}

namespace antiphon::config {

/// One setting's new value. Null `value` with `reset` takes the row away, so that the environment or
/// the default counts again.
struct Change {
  std::string key;  ///< "ui.enable_signup"
  json::Value value;
  bool reset = false;
};

/// The settings as the database has them, shared by all replicas: Open WebUI's table
/// `config(key, value, updated_at)`. Environment < database, as upstream; but a row exists only once
/// somebody has changed the setting, so the environment counts until then. Any thread.
class Store {
 public:
  /// `persistent` false (ENABLE_PERSISTENT_CONFIG=False): the rows do not count, and a change lasts
  /// until this process ends. `sealer` may be null: then settings with secrets cannot be stored.
  Store(store::Db& db, Registry& registry, const Sealer* sealer, bool persistent = true);
  ~Store();

  /// Reads the rows; logs each that does not fit or does not open, and goes on without it. Once, before
  /// serving; after migrating.
  Task<> load();

  /// Validates everything, writes everything in one transaction, applies it here, tells the listeners.
  /// Throws a Problem (400) that names what does not fit, and one that answers 412 when
  /// `expected_version` is not the database's. Yields the new version.
  Task<std::int64_t> set(std::vector<Change> changes,
                         std::optional<std::int64_t> expected_version = {});

  /// As set(), but written with the caller's transaction; call refresh() after it. Without persistence
  /// it does nothing, and set() is all there is.
  Task<> set_within(store::Connection& tx, std::vector<Change> changes);

  /// Rises with every write by any replica; what this process has applied. 0 before load().
  std::int64_t version() const;
  /// `"<version>"`, quotes included.
  std::string etag() const;

  /// Called after changes are applied here, whoever made them, with the keys that changed. On an io
  /// thread; must be quick, must not throw. Register before serving.
  void on_change(std::function<void(const std::vector<std::string>& keys)> callback);

  /// Called after a change was written by this process. Register before serving.
  void on_written(std::function<void()> callback);

  /// Applies what other replicas wrote; one statement when nothing was.
  Task<> refresh();
  /// Yields version() as the database has it, for whoever asks several things at once.
  static const store::Sql kCurrent;

  /// Every row, unsealed: for export. The rows no setting of ours reads are there too.
  Task<json::Value> export_rows();
  /// Writes rows as export_rows() gave them: those of ours validated, others as they are.
  Task<> import_rows(const json::Value& rows);

  Registry& registry() const;
  bool persistent() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The version an If-Match header asks for; nothing for "" and "*". Throws a Problem (400) for what is
/// no ETag of ours.
std::optional<std::int64_t> version_of(std::string_view if_match);

}  // namespace antiphon::config
