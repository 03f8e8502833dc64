#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "base/ids.h"
#include "base/loops.h"
#include "base/problem.h"
#include "json/dto.h"
#include "store/db.h"

/// What the tests of this folder share: an empty database of either engine.
namespace antiphon::store {

enum class Engine { sqlite, memory, postgres };

/// Runs SQL in a database that is there already.
inline void administer(const std::string& url, const std::string& sql) {
  Loops loops(1);
  loops.start();
  auto db = open({.url = url, .connections = 1}, loops);
  run([&] { return db->script(sql); });
  run([&] { return db->close(); });
}

/// A PostgreSQL database of this process alone, beside TEST_DATABASE_URL's: a test that breaks
/// connections breaks no other program's. Empty when the tests shall not use PostgreSQL.
inline const std::string& postgres_url() {
  struct Database {
    Database() {
      const char* url = std::getenv("TEST_DATABASE_URL");
      if (!url || !*url) return;
      beside = url;
      administer(beside, "CREATE DATABASE " + name);
      own = beside + (beside.find('?') == std::string::npos ? "?" : "&") + "dbname=" + name;
    }
    ~Database() {
      if (!own.empty()) administer(beside, "DROP DATABASE " + name + " WITH (FORCE)");
    }
    std::string name = "t" + random_hex(6), beside, own;
  };
  static Database database;
  return database.own;
}

inline std::vector<Engine> engines() {
  std::vector<Engine> all{Engine::sqlite, Engine::memory};
  if (!postgres_url().empty()) all.push_back(Engine::postgres);
  return all;
}

inline std::string engine_name(Engine engine) {
  return engine == Engine::sqlite ? "Sqlite" : engine == Engine::memory ? "Memory" : "Postgres";
}

/// Waits for what another thread brings about; at most twenty seconds.
inline void eventually(const std::function<bool()>& so) {
  for (auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
       !so() && std::chrono::steady_clock::now() < end;)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

/// A place for one database: a folder, or a schema of its own. Removed at the end.
class Place {
 public:
  explicit Place(Engine engine) : engine_(engine), name_("t" + random_hex(6)) {
    if (engine == Engine::sqlite) {
      folder_ = std::filesystem::temp_directory_path() / ("store-" + name_);
      std::filesystem::create_directories(folder_);
    }
    if (engine == Engine::postgres) administer("CREATE SCHEMA " + name_);
  }
  ~Place() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
    if (engine_ == Engine::postgres) administer("DROP SCHEMA " + name_ + " CASCADE");
  }
  std::string url() const {
    if (engine_ == Engine::memory) return "sqlite://:memory:";
    if (engine_ == Engine::sqlite) return "sqlite:///" + (folder_ / "a.db").string();
    const std::string& url = postgres_url();
    return url + (url.find('?') == std::string::npos ? "?" : "&") + "options=-csearch_path%3D" + name_;
  }
  const std::filesystem::path& folder() const { return folder_; }
  std::string file() const { return (folder_ / "a.db").string(); }

  /// Runs SQL in the database as a whole.
  static void administer(const std::string& sql) { store::administer(postgres_url(), sql); }

 private:
  Engine engine_;
  std::string name_;
  std::filesystem::path folder_;
};

/// A database in a place of its own, and the loops it needs.
class Store {
 public:
  explicit Store(Engine engine, int loops = 1, Options options = {})
      : place(engine), loops(loops), options_(std::move(options)) {
    this->loops.start();
    reopen();
  }
  ~Store() { close(); }
  void close() {
    if (db) run([&] { return db->close(); });
    db.reset();
  }
  void reopen() {
    close();
    options_.url = place.url();
    db = open(options_, loops);
  }
  void script(const std::string& sql) {
    run([&] { return db->script(sql); });
  }
  Db* operator->() const { return db.get(); }

  Place place;
  Loops loops;
  std::unique_ptr<Db> db;

 private:
  Options options_;
};

/// Somebody to whom rows may belong, in a migrated database. Does nothing when he is there.
inline void add_user(Store& store, const std::string& id) {
  constexpr Sql kAdd{"test.add_user", R"(
      INSERT INTO "user" (id, name, email, role, profile_image_url, last_active_at, updated_at, created_at)
      VALUES ($1, $1, $1, 'user', '', 0, 0, 0) ON CONFLICT DO NOTHING)"};
  run([&]() -> Task<> { (void)co_await store.db->run(kAdd, id); });
}

/// The Problem that `work` ends with; fails the test when it ends well.
template <class Work>
Problem problem_of(Work work) {
  try {
    run(work);
  } catch (const Problem& p) {
    return p;
  }
  ADD_FAILURE() << "no Problem was thrown";
  return Problem(Problem::Kind::internal, "none");
}

}  // namespace antiphon::store
