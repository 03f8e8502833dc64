#include "base/async.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "base/loops.h"
#include "base/scope.h"
#include "base/signal.h"

namespace antiphon {
namespace {

using namespace std::chrono_literals;

TEST(Async, AResultFromAnotherThreadResumesTheCoroutineOnItsOwn) {
  std::thread other;
  auto here = std::this_thread::get_id();

  int got = run([&]() -> Task<int> {
    int value = co_await await_result<int>(
        [&](Completion<int> done) { other = std::thread([done] { done(42); }); });
    EXPECT_EQ(std::this_thread::get_id(), here);
    co_return value;
  });

  other.join();
  EXPECT_EQ(got, 42);
}

TEST(Async, AFailureFromAnotherThreadIsThrownWhereItIsAwaited) {
  auto failing = [&]() -> Task<int> {
    co_return co_await await_result<int>(
        [](Completion<int> done) { done.fail(std::make_exception_ptr(std::runtime_error("no"))); });
  };
  EXPECT_THROW(run(failing), std::runtime_error);
}

TEST(Signal, ANotifyBeforeTheWaitIsNotLost) {
  Signal signal;
  signal.notify();
  EXPECT_TRUE(run([&] { return signal.wait(1s); }));
  EXPECT_FALSE(run([&] { return signal.wait(1ms); }));
}

TEST(Signal, WakesAcrossThreadsEveryTime) {
  Signal there, back;
  Loops loops(1);
  loops.start();
  Scope scope;
  scope.start(loops.at(0), "echo", [&]() -> Task<> {
    for (int i = 0; i != 2000; ++i) {
      EXPECT_TRUE(co_await there.wait(10s));
      back.notify();
    }
  });
  run([&]() -> Task<> {
    for (int i = 0; i != 2000; ++i) {
      there.notify();
      EXPECT_TRUE(co_await back.wait(10s));
    }
    EXPECT_TRUE(co_await scope.close(5s));
  });
}

/// It is told between its look and its wait, and somebody else waits already.
TEST(Signal, OneOfSeveralWhoWaitMissesNothing) {
  Signal signal;
  Loops loops(1);
  loops.start();
  Scope scope;
  std::atomic<bool> over = false;
  scope.start(loops.at(0), "other", [&]() -> Task<> {
    EXPECT_TRUE(co_await signal.until([&] { return over.load(); }, 10s));
  });
  int looks = 0;
  EXPECT_TRUE(run([&] {
    return signal.until(
        [&] {
          if (++looks == 2) signal.notify();  // The second look is the one before the wait.
          return looks > 2;
        },
        10s);
  }));
  EXPECT_EQ(looks, 3);
  EXPECT_FALSE(run([&] { return signal.until([] { return false; }, 1ms); }));
  over = true;
  signal.notify();
  EXPECT_TRUE(run([&] { return scope.close(5s); }));
}

TEST(Signal, TouchesNothingOfALoopThatEndsWhileItNotifies) {
  for (int i = 0; i != 500; ++i) {
    Signal signal;
    std::thread other([&] { signal.notify(); });
    EXPECT_TRUE(run([&] { return signal.wait(10s); }));
    other.join();
  }
}

TEST(Signal, TouchesNothingOfALoopThatTookItsWaiterAlong) {
  Signal signal;
  {
    boost::asio::io_context loop;
    spawn_detached(loop.get_executor(), [&]() -> Task<> { co_await signal.wait(10s); });
    loop.poll();
  }
  signal.notify();
}

TEST(Scope, CloseWaitsForWhatRunsAndRefusesWhatComesLater) {
  Loops loops(1);
  loops.start();
  Scope scope;
  bool finished = false;
  scope.start(loops.at(0), "slow", [&]() -> Task<> {
    co_await sleep_for(30ms);
    finished = true;
  });

  EXPECT_TRUE(run([&] { return scope.close(5s); }));

  EXPECT_TRUE(finished);
  EXPECT_FALSE(scope.start(loops.at(0), "late", []() -> Task<> { co_return; }));
}

TEST(Scope, WhoRestsWakesWhenItCloses) {
  Loops loops(2);
  loops.start();
  Scope scope;
  std::atomic<int> rounds = 0, ended = 0;
  for (int i = 0; i != 2; ++i)
    scope.start(loops.at(i), "keeper", [&]() -> Task<> {
      while (co_await scope.rest(1ms)) ++rounds;
      EXPECT_FALSE(co_await scope.rest(1h));
      ++ended;
    });
  while (rounds < 10) std::this_thread::yield();

  EXPECT_TRUE(run([&] { return scope.close(10s); }));

  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace antiphon
