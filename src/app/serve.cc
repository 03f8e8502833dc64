#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "app/application.h"
#include "base/log.h"

namespace antiphon::app {
namespace {

using namespace std::chrono_literals;

/// SIGTERM or SIGINT, remembered from here on. After the first one the next ends the process at once.
class StopSignal {
 public:
  StopSignal() {
    signals_.async_wait([](auto, int) {});
  }
  void wait() {
    context_.run();
    signals_.clear();
  }

 private:
  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_{context_, SIGTERM, SIGINT};
};

/// Ends the process when stopping takes longer, as with a database that hangs. That costs what a kill
/// costs, which is nothing that was stored.
class LastCall {
 public:
  explicit LastCall(std::chrono::seconds patience)
      : thread_([this, patience](const std::stop_token& ended) {
          std::unique_lock lock(mutex_);
          if (changed_.wait_for(lock, ended, patience, [&] { return ended.stop_requested(); })) return;
          log::warn("Ending without waiting any longer");
          std::this_thread::sleep_for(100ms);  // For the thread that writes the log.
          std::_Exit(EXIT_SUCCESS);
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // Last: what it uses is there before it, and after.
};

/// What the parts need after the answers have had their time.
constexpr auto kEndingTakes = 10s;

int run_server(Declared& declared) {
  // Whoever reads the log may go away; we stay.
  std::signal(SIGPIPE, SIG_IGN);
  log::Background log_thread;  // First here and so the last to go.
  auto begun = std::chrono::steady_clock::now();
  make_data_folder(declared.process);
  Loops loops(thread_count(declared.process));
  loops.start();
  cluster::Findings route;
  cluster::check_route(route, route_of(declared.process));
  cluster::insist(route);
  auto db = open_store(declared.process, loops);
  run([&] { return bring_schema(declared.process, *db); });
  auto ring = run([&] { return auth::load_keys(*db, auth::key_sources(declared.auth)); });
  cluster::insist(check_cluster(declared, *db, ring));
  auth::KeyRing keys(std::move(ring));
  std::string deployment = run([&] { return deployment_of(*db); });
  std::string description = db->description();
  App app(declared, std::move(db), std::move(keys), deployment, loops);
  StopSignal stop_signal;
  try {
    run([&] { return app.start(); });
  } catch (...) {
    // What has begun already works with parts that go now, and holds a lease.
    run([&] { return app.stop(0s); });
    loops.stop();
    throw;
  }
  auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  log::info("Ready", {{"address", app.server.address()},
                      {"database", description},
                      {"version", kAntiphonVersion},
                      {"milliseconds", took.count()}});
  stop_signal.wait();
  run([&] { return app.leave(std::chrono::seconds(declared.process.drain_delay_seconds())); });
  std::chrono::seconds budget(declared.process.drain_seconds());
  LastCall last_call(budget + kEndingTakes);
  run([&] { return app.stop(budget); });
  loops.stop();
  return 0;
}

}  // namespace

int serve(const Environment& environment) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  return perform([&] { return run_server(declared); });
}

int migrate(const Environment& environment) {
  Declared declared;
  if (!load(declared, environment)) return 1;
  return perform([&] {
    make_data_folder(declared.process);
    Loops loops(1);
    loops.start();
    auto db = open_store(declared.process, loops);
    store::Upgrade upgrade = upgrade_of(declared.process);
    auto done = run([&] { return store::migrate(*db, upgrade); });
    for (const std::string& name : done) std::printf("applied %s\n", name.c_str());
    for (const std::string& step : run([&] { return store::waiting_contracts(*db, upgrade); }))
      std::printf("%s\n", step.c_str());
    std::printf("%s: up to date\n", db->description().c_str());
    run([&] { return db->close(); });
    return 0;
  });
}

}  // namespace antiphon::app
