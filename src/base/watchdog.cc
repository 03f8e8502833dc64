#include "base/watchdog.h"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "base/log.h"
#include "base/loops.h"
#include "base/metrics.h"

namespace antiphon {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

std::int64_t nanos() {
  return std::chrono::duration_cast<nanoseconds>(Clock::now().time_since_epoch()).count();
}
std::int64_t millis(nanoseconds n) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(n).count();
}

/// A loop that has not answered for so long is logged while it is still stuck.
constexpr nanoseconds kStuck = std::chrono::seconds(2);
/// At most one line per loop in this time; the others are counted only.
constexpr nanoseconds kQuiet = std::chrono::seconds(1);

}  // namespace

struct Watchdog::State {
  struct One {
    int index = 0;
    Executor executor;
    std::atomic<std::int64_t> asked = 0;  ///< When; 0 while no question is open.
    std::atomic<std::int64_t> stalls = 0;
    std::atomic<std::int64_t> worst = 0;
    std::int64_t logged = 0;  ///< By the loop only.
    bool told_stuck = false;  ///< By the watchdog's thread only.
    metrics::Counter* counter = nullptr;
  };

  Limits limits;
  std::deque<One> loops;
  metrics::Histogram* lag = nullptr;
  std::mutex mutex;
  std::condition_variable stop;
  bool stopping = false;  ///< Guarded by mutex.
  std::thread thread;

  static void ask(const std::shared_ptr<State>& self, One& one);
  void answered(One& one);
  void look(One& one);
};

void Watchdog::State::ask(const std::shared_ptr<State>& self, One& one) {
  one.asked = nanos();
  one.told_stuck = false;
  boost::asio::post(one.executor, [self, &one] { self->answered(one); });
}

void Watchdog::State::answered(One& one) {
  std::int64_t now = nanos();
  nanoseconds took(now - one.asked.exchange(0));
  if (lag) lag->observe(std::chrono::duration<double>(took).count());
  if (took <= limits.limit) return;
  ++one.stalls;
  if (one.counter) one.counter->add();
  if (took.count() > one.worst) one.worst = took.count();
  if (one.logged && nanoseconds(now - one.logged) < kQuiet) return;
  one.logged = now;
  log::warn("An event loop was held up",
            {{"loop", one.index}, {"milliseconds", millis(took)}, {"times", one.stalls.load()}});
}

void Watchdog::State::look(One& one) {
  std::int64_t asked = one.asked;
  if (!asked || one.told_stuck || nanoseconds(nanos() - asked) < kStuck) return;
  one.told_stuck = true;
  log::error("An event loop is stuck",
             {{"loop", one.index}, {"milliseconds", millis(nanoseconds(nanos() - asked))}});
}

Watchdog::Watchdog(Loops& loops, metrics::Registry* registry, Limits limits)
    : state_(std::make_shared<State>()) {
  state_->limits = limits;
  for (int i = 0; i != loops.size(); ++i) {
    State::One& one = state_->loops.emplace_back();
    one.index = i;
    one.executor = loops.at(i);
    if (registry)
      one.counter = &registry
                         ->counter("antiphon_loop_stalls_total",
                                   "Times an event loop was held up beyond the limit.", {"loop"})
                         .with({std::to_string(i)});
  }
  if (registry)
    state_->lag = &registry
                       ->histogram("antiphon_loop_lag_seconds",
                                   "How long an event loop takes to answer.", metrics::seconds())
                       .only();
  state_->thread = std::thread([state = state_] {
    std::unique_lock lock(state->mutex);
    while (!state->stop.wait_for(lock, state->limits.period, [&] { return state->stopping; }))
      for (State::One& one : state->loops) one.asked ? state->look(one) : State::ask(state, one);
  });
}

Watchdog::~Watchdog() {
  {
    std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->stop.notify_all();
  state_->thread.join();
}

Watchdog::Loop Watchdog::loop(int index) const {
  const State::One& one = state_->loops.at(static_cast<std::size_t>(index));
  std::int64_t asked = one.asked;
  return {.stalls = one.stalls,
          .worst = nanoseconds(one.worst),
          .waiting = nanoseconds(asked ? nanos() - asked : 0)};
}

bool Watchdog::turning(nanoseconds patience) const {
  for (std::size_t i = 0; i != state_->loops.size(); ++i)
    if (loop(static_cast<int>(i)).waiting > patience) return false;
  return true;
}

}  // namespace antiphon
