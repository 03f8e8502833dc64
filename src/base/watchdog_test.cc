#include "base/watchdog.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/async.h"
#include "base/loops.h"
#include "base/metrics.h"
#include "base/scope.h"

namespace antiphon {
namespace {

using namespace std::chrono_literals;

struct Watched {
  Loops loops{2};
  metrics::Registry registry;
  Scope scope;
  std::unique_ptr<Watchdog> dog;
  Watched() {
    loops.start();
    dog = std::make_unique<Watchdog>(loops, &registry, Watchdog::Limits{.limit = 50ms, .period = 5ms});
  }
  ~Watched() {
    run([&] { return scope.close(10s); });
  }
  void hold(int loop, std::chrono::milliseconds duration) {
    scope.start(loops.at(loop), "hold", [duration]() -> Task<> {
      std::this_thread::sleep_for(duration);
      co_return;
    });
  }
};

TEST(Watchdog, CountsAHeldLoopAndHowLongItTook) {
  Watched w;
  w.hold(1, 200ms);
  for (int i = 0; i != 500 && w.dog->loop(1).stalls == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_GE(w.dog->loop(1).stalls, 1);
  EXPECT_GE(w.dog->loop(1).worst, 150ms);
  EXPECT_NE(w.registry.text().find("antiphon_loop_stalls_total{loop=\"1\"} "), std::string::npos);
}

TEST(Watchdog, SaysWhileALoopDoesNotTurn) {
  Watched w;
  EXPECT_TRUE(w.dog->turning());
  w.hold(0, 600ms);
  bool noticed = false;
  for (int i = 0; i != 60 && !noticed; ++i) {
    std::this_thread::sleep_for(10ms);
    noticed = !w.dog->turning(200ms);
  }
  EXPECT_TRUE(noticed);
  for (int i = 0; i != 500 && !w.dog->turning(200ms); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(w.dog->turning(200ms));
}

}  // namespace
}  // namespace antiphon
