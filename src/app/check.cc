#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>

#include "app/application.h"
#include "extract/extract.h"

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

std::string check_data_folder(const Process& process) {
  make_data_folder(process);
  std::string folder = process.data_dir();
  std::string probe = folder + "/.antiphon-check";
  std::FILE* file = std::fopen(probe.c_str(), "w");
  if (!file)
    throw Problem(Problem::Kind::unavailable, "The folder " + folder +
                                                  " cannot be written: " + std::strerror(errno) +
                                                  ". Check its owner and rights.");
  (void)std::fclose(file);
  std::filesystem::remove(probe);
  struct statvfs space{};
  if (statvfs(folder.c_str(), &space) == 0 && space.f_bavail * space.f_frsize < (100ULL << 20))
    throw Problem(Problem::Kind::unavailable, "Less than 100 MB are free in " + folder + ": make room");
  return folder;
}

/// What reads documents, and whether it can be confined.
void check_documents(const Declared& declared, Report& report) {
  for (const extract::Tool& tool : extract::tools())
    tool.found.empty() ? report.warn("documents", tool.formats + ": not read; install " + tool.package)
                       : report.good("documents", tool.formats + ": read by " + tool.found);
  if (!extract::can_confine_tools())
    report.warn(
        "documents",
        declared.documents.unconfined()
            ? "this kernel has no Landlock, and EXTRACT_UNCONFINED lets PDFs and pictures be read "
              "by programs that can read what the server can"
            : "this kernel has no Landlock: PDFs and pictures are not read");
  report.attempt("documents", [&] {
    extract::Source source(memfd_create("document", MFD_CLOEXEC));
    if (write(source.descriptor(), "text", 4) != 4)
      throw Problem(Problem::Kind::unavailable, "no file in memory can be made");
    (void)extract::Extractor(declared.documents).extract_now(source, "check.txt", "text/plain");
    return "a text was read by a confined process";
  });
}

void show(Report& report, const cluster::Findings& findings) {
  using Level = cluster::Finding::Level;
  for (const cluster::Finding& f : findings.all)
    f.level == Level::good      ? report.good(f.what.c_str(), f.text)
    : f.level == Level::warning ? report.warn(f.what.c_str(), f.text)
                                : report.bad(f.what.c_str(), f.text);
}

/// Whether files can be kept where the settings say.
std::string check_files(Declared& declared, store::Db& db, Loops& loops) {
  auto client = client::make_client(declared.models.client_options(), loops);
  std::string deployment = run([&] { return deployment_of(db); });
  auto kept = blobs::make_backend(declared.blobs, db, client.get(),
                                  blob_options(declared.process, deployment, ""));
  std::exception_ptr failed;
  try {
    run([&] { return kept->prepare(); });
  } catch (...) {
    failed = std::current_exception();
  }
  run([&] { return client->close(); });
  if (failed) std::rethrow_exception(failed);
  return "in " + kept->place();
}

void check_database(Declared& declared, Report& report) {
  Loops loops(1);
  loops.start();
  std::unique_ptr<store::Db> db;
  report.attempt("database", [&] {
    cluster::Findings route;
    cluster::check_route(route, route_of(declared.process));
    show(report, route);
    db = open_store(declared.process, loops);
    return db->description();
  });
  if (!db) return;
  bool current = false;
  report.attempt("schema", [&]() -> std::string {
    auto missing = run([&] { return store::missing_migrations(*db); });
    current = missing.empty();
    if (!current && !declared.process.migrations())
      throw Problem(Problem::Kind::unavailable,
                    "lacks " + missing.front() +
                        ": run antiphon migrate, or start one process with ENABLE_DB_MIGRATIONS=True");
    return current ? "current"
                   : std::to_string(missing.size()) + " migration(s) to apply when it starts";
  });
  if (current)
    for (const std::string& step :
         run([&] { return store::waiting_contracts(*db, upgrade_of(declared.process)); }))
      report.good("schema", step);
  // Without the schema there is nothing to agree on, or nobody.
  if (current)
    report.attempt("cluster", [&] {
      auto ring = run([&] { return auth::load_keys(*db, auth::key_sources(declared.auth)); });
      show(report, check_cluster(declared, *db, ring));
      return declared.process.name_of_node() + " at " + declared.process.address_of_node();
    });
  if (current && db->dialect() == store::Dialect::postgres && declared.redis.address().wanted()) {
    // Never a failure: without it all works.
    auto state = bus::look_at_redis(declared.redis.address(), run([&] { return deployment_of(*db); }));
    bool well = state.trouble == bus::RedisState::Trouble::none;
    well ? report.good("redis", said_of_redis(state)) : report.warn("redis", said_of_redis(state));
  }
  if (current) report.attempt("files", [&] { return check_files(declared, *db, loops); });
  run([&] { return db->close(); });
}

}  // namespace

int check(const Environment& environment) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  return perform([&] {
    Report report;
    const Process& process = declared.process;
    report.good("settings", "all variables are understood");
    report.attempt("data folder", [&] { return check_data_folder(process); });
    check_database(declared, report);
    check_documents(declared, report);
    report.attempt("address", [&] { return http::rehearse(server_options(process, "")); });
    if (!process.frontend().empty())
      report.attempt("web client", [&] { return (void)site_of(process), process.frontend(); });
    constexpr int kFew = 1000;
    if (int room = http::affordable_connections(kFew); room < kFew)
      report.warn("open files", "their limit leaves room for " + std::to_string(room) +
                                    " connections: raise it (ulimit -n, LimitNOFILE)");
    if (report.failures)
      std::printf("%d check(s) failed\n", report.failures);
    else
      std::puts("ready to serve");
    return report.failures ? 1 : 0;
  });
}

}  // namespace antiphon::app
