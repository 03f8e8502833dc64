// Does the compiler get coroutines right? Shapes of co_await that g++ 12 miscompiles or refuses, and
// their like (docs/adr/0001-clang.md). Every object must be destroyed as often as it was made, in its
// place.
#include <gtest/gtest.h>

#include "base/async.h"
#include "base/loops.h"

namespace antiphon {
namespace {

/// Knows how many of it there are, and notices when it is destroyed twice or was moved as bytes.
class Counted {
 public:
  Counted() { begin(); }
  explicit Counted(std::string t) : text(std::move(t)) { begin(); }
  Counted(const Counted& o) : text(o.text) { begin(); }
  Counted(Counted&& o) noexcept : text(std::move(o.text)) { begin(); }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) noexcept = default;
  ~Counted() {
    if (self_ != this) ++wrong;
    self_ = nullptr;
    --live;
  }
  std::string text = "a text that is too long to be kept inside a string";
  static inline int live = 0, wrong = 0;

 private:
  void begin() {
    self_ = this;
    ++live;
  }
  const Counted* volatile self_;
};

struct Pair {
  Counted first, second;
  int number = 0;
};

Task<int> take(Pair pair) {
  co_await sleep_for(std::chrono::nanoseconds(1));
  co_return pair.number + static_cast<int>(pair.first.text.size() != 0);
}
Task<int> take_reference(const Pair& pair) {
  co_await sleep_for(std::chrono::nanoseconds(1));
  co_return pair.number + static_cast<int>(pair.second.text.size() != 0);
}
Task<int> take_list(std::vector<Counted> list) {
  co_await sleep_for(std::chrono::nanoseconds(1));
  co_return static_cast<int>(list.size());
}
Task<int> take_function(std::function<int()> function) {
  co_await sleep_for(std::chrono::nanoseconds(1));
  co_return function();
}
Task<Counted> give(std::string text = "another text that is too long to be kept inside") {
  co_await sleep_for(std::chrono::nanoseconds(1));
  co_return Counted(std::move(text));
}
Task<Counted> refuse() {
  co_await sleep_for(std::chrono::nanoseconds(1));
  throw std::runtime_error("no");
}
int both(Counted, Counted) {
  return 2;
}

/// Runs the shape, and checks what is left.
template <class Shape>
void expect_clean(Shape shape, int result) {
  Counted::live = Counted::wrong = 0;
  EXPECT_EQ(run(shape), result);
  EXPECT_EQ(Counted::live, 0);
  EXPECT_EQ(Counted::wrong, 0);
}

TEST(Coroutines, AggregatesAsArguments) {
  expect_clean([]() -> Task<int> { co_return co_await take(Pair{Counted(), Counted(), 1}); }, 2);
  expect_clean([]() -> Task<int> { co_return co_await take({Counted(), Counted(), 1}); }, 2);
  expect_clean([]() -> Task<int> { co_return co_await take({.first = Counted("x"), .number = 1}); }, 2);
  expect_clean([]() -> Task<int> { co_return co_await take_reference(Pair{.number = 1}); }, 2);
}

TEST(Coroutines, ListsAsArguments) {
  expect_clean(
      []() -> Task<int> {
        Counted a, b;
        co_return co_await take_list({a, b, Counted()});
      },
      3);
}

TEST(Coroutines, ConditionsAsArguments) {
  for (bool yes : {false, true})
    expect_clean(
        [yes]() -> Task<int> {
          Pair own{.number = 1};
          co_return co_await take_reference(yes ? own : Pair{.number = 1});
        },
        2);
}

TEST(Coroutines, CapturesAsArguments) {
  expect_clean(
      []() -> Task<int> {
        Counted kept;
        co_return co_await take_function([kept, own = Counted()] {
          return static_cast<int>(!kept.text.empty() && !own.text.empty());
        });
      },
      1);
}

TEST(Coroutines, ValuesThatAreAwaitedInsideOthers) {
  expect_clean(
      []() -> Task<int> {
        Pair pair{.first = Counted(), .second = co_await give(), .number = 1};
        std::vector<Pair> list;
        list.push_back(Pair{co_await give(), co_await give(), 2});
        list.push_back({.second = co_await give()});
        co_return pair.number + list.front().number + both(Counted(), co_await give());
      },
      5);
}

TEST(Coroutines, AwaitedRangesAndBindings) {
  expect_clean(
      []() -> Task<int> {
        int letters = 0;
        for (char c : (co_await give("abc")).text) letters += c != ' ';
        auto [first, second, number] = Pair{co_await give("x"), Counted(), 4};
        co_return letters + number;
      },
      7);
}

TEST(Coroutines, ACoroutineWithCapturesOfItsOwn) {
  expect_clean(
      []() -> Task<int> {
        co_return co_await [own = Counted()]() -> Task<int> {
          co_await sleep_for(std::chrono::nanoseconds(1));
          co_return static_cast<int>(!own.text.empty());
        }();
      },
      1);
}

TEST(Coroutines, ExceptionsWhileTemporariesLive) {
  expect_clean(
      []() -> Task<int> {
        int caught = 0;
        try {
          Pair pair{.first = Counted(), .second = co_await refuse()};
          caught = pair.number;
        } catch (const std::runtime_error&) {
          caught = 1;
        }
        try {
          (void)both(Counted(), co_await refuse());
        } catch (const std::runtime_error&) {
          ++caught;
        }
        co_return caught;
      },
      2);
}

}  // namespace
}  // namespace antiphon
