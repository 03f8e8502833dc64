#include <sys/statvfs.h>

#include <cstdio>
#include <filesystem>

#include "app/application.h"
#include "store/migrate.h"

namespace antiphon::app {
namespace {

/// Prints a line for each check and remembers whether one failed.
struct Report {
  int failures = 0;
  void good(const char* what, const std::string& found) {
    std::printf("ok    %-12s %s\n", what, found.c_str());
  }
  void warn(const char* what, const std::string& cure) {
    std::printf("warn  %-12s %s\n", what, cure.c_str());
  }
  void bad(const char* what, const std::string& cure) {
    std::printf("FAIL  %-12s %s\n", what, cure.c_str());
    ++failures;
  }
  void attempt(const char* what, const std::function<std::string()>& work) {
    try {
      good(what, work());
    } catch (const Problem& p) {
      bool more = !p.cause().empty() && p.cause() != p.detail();
      bad(what, p.detail() + (more ? " (" + p.cause() + ")" : ""));
    } catch (const std::exception& e) {
      bad(what, e.what());
    }
  }
};

std::string check_data_dir(const std::string& folder) {
  std::error_code refused;
  std::filesystem::create_directories(folder, refused);
  if (refused)
    throw Problem(Problem::Kind::unavailable, "DATA_DIR " + folder + " cannot be made (" +
                                                  refused.message() +
                                                  "): choose another folder, or make it");
  std::string probe = folder + "/.antiphon-check";
  std::FILE* file = std::fopen(probe.c_str(), "w");
  if (!file)
    throw Problem(Problem::Kind::unavailable,
                  "DATA_DIR " + folder + " cannot be written: give this user the right to");
  (void)std::fclose(file);
  std::filesystem::remove(probe);
  struct statvfs space{};
  if (statvfs(folder.c_str(), &space) == 0 && space.f_bavail * space.f_frsize < (100ULL << 20))
    throw Problem(Problem::Kind::unavailable,
                  "Less than 100 MB are free in DATA_DIR " + folder + ": make room");
  return folder;
}

}  // namespace

int check(const Environment& environment) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  Report report;
  const Process& process = declared.process;
  report.good("settings", "all variables are understood");
  report.attempt("data folder", [&] { return check_data_dir(process.data_dir()); });
  Loops loops(1);
  loops.start();
  std::unique_ptr<store::Db> db;
  report.attempt("database", [&] {
    db = open_store(process, loops);
    return db->description();
  });
  if (db) {
    bool current = false;
    report.attempt("schema", [&]() -> std::string {
      auto missing = run([&] { return store::missing_migrations(*db); });
      current = missing.empty();
      if (!current && !process.migrations())
        throw Problem(
            Problem::Kind::unavailable,
            "lacks " + missing.front() +
                ": run antiphon migrate, or start one process with ENABLE_DB_MIGRATIONS=True");
      return current ? "current"
                     : std::to_string(missing.size()) + " migration(s) to apply when it starts";
    });
    if (current)
      report.attempt("secret key", [&] {
        auth::KeyRing keys =
            run([&] { return auth::load_keys(*db, auth::key_sources(declared.auth)); });
        return "signs with key " + keys.first().kid;
      });
    run([&] { return db->close(); });
  }
  if (!process.certificate().empty() || !process.certificate_key().empty())
    report.attempt("TLS", [&]() -> std::string {
      if (!std::filesystem::exists(process.certificate()) ||
          !std::filesystem::exists(process.certificate_key()))
        throw Problem(Problem::Kind::invalid,
                      "Set both ANTIPHON_TLS_CERTIFICATE and ANTIPHON_TLS_KEY to PEM files that exist");
      return process.certificate();
    });
  if (process.frontend().size() && !std::filesystem::exists(process.frontend() + "/index.html"))
    report.bad("web client",
               "FRONTEND_BUILD_DIR has no index.html: point it at a built web client, or unset it");
  if (report.failures)
    std::printf("%d check(s) failed\n", report.failures);
  else
    std::puts("ready to serve");
  return report.failures ? 1 : 0;
}

}  // namespace antiphon::app
