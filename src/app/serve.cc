#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "app/application.h"
#include "base/log.h"
#include "store/migrate.h"

namespace antiphon::app {
namespace {

void wait_for_signal() {
  boost::asio::io_context context(1);
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([](auto, int) {});
  context.run();
}

int run_server(Declared& declared) {
  log::Background log_thread;  // First here and so the last to go.
  auto begun = std::chrono::steady_clock::now();
  std::filesystem::create_directories(declared.process.data_dir());
  Loops loops(thread_count(declared.process));
  loops.start();
  auto db = open_store(declared.process, loops);
  run([&] { return bring_schema(declared.process, *db); });
  auth::KeyRing keys = run([&] { return auth::load_keys(*db, auth::key_sources(declared.auth)); });
  std::string deployment = run([&] { return deployment_of(*db); });
  std::string description = db->description();
  App app(declared, std::move(db), std::move(keys), deployment, loops);
  try {
    run([&] { return app.start(); });
  } catch (...) {
    // What has begun already works with parts that go now, and holds a lease.
    run([&] { return app.stop(std::chrono::seconds(0)); });
    loops.stop();
    throw;
  }
  auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  std::string host = declared.process.host() == "0.0.0.0" ? "localhost" : declared.process.host();
  log::info("Ready", {{"address",
                       fmt::format("http{}://{}:{}", declared.process.certificate().empty() ? "" : "s",
                                   host, app.server.port())},
                      {"database", description},
                      {"version", ANTIPHON_VERSION},
                      {"milliseconds", took.count()}});
  wait_for_signal();
  run([&] { return app.stop(std::chrono::seconds(declared.process.drain_seconds())); });
  loops.stop();
  return 0;
}

}  // namespace

int serve(const Environment& environment) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  try {
    return run_server(declared);
  } catch (const Problem& p) {
    print_failure(p);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "antiphon: could not start: %s\n", e.what());
  }
  return 1;
}

int migrate(const Environment& environment) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  try {
    std::filesystem::create_directories(declared.process.data_dir());
    Loops loops(1);
    loops.start();
    auto db = open_store(declared.process, loops);
    auto done = run([&] { return store::migrate(*db); });
    for (const std::string& name : done) std::printf("applied %s\n", name.c_str());
    std::printf("%s: up to date\n", db->description().c_str());
    run([&] { return db->close(); });
    return 0;
  } catch (const Problem& p) {
    print_failure(p);
    return 1;
  }
}

}  // namespace antiphon::app
