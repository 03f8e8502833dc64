#include "vectors/builtin.h"

#include <cmath>

#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::vectors {
namespace {

using store::Engine;
using store::problem_of;

const Binding kMini{"test/mini", 2};

/// A vector of unit length, at `degrees` from the first axis.
std::vector<float> at(double degrees) {
  double angle = degrees * std::acos(-1) / 180;
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

Item item(std::string file, std::int64_t position, double degrees, std::string hash = "h") {
  std::string text = file + std::to_string(position) + hash;
  return {std::move(file), position, std::move(hash), text, {{"page", position}}, at(degrees)};
}

/// A replica: a store of its own. On PostgreSQL its connections are its own, too; SQLite has one owner.
struct Replica {
  explicit Replica(store::Store& first, std::size_t memory = Builtin::kMemory) {
    if (first.place.url().starts_with("postgres"))
      own = store::open({.url = first.place.url()}, first.loops);
    vectors = std::make_unique<Builtin>(own ? *own : *first.db, pool, memory);
  }
  ~Replica() {
    if (own) run([&] { return own->close(); });
  }
  std::string open(std::string collection, Binding binding = kMini) {
    return run([&] { return vectors->open(collection, binding); });
  }
  void put(const std::string& index, std::vector<Item> items, Binding binding = kMini) {
    run([&] { return vectors->put(index, binding, items); });
  }
  void remove(std::string collection, std::string file, std::int64_t from = 0) {
    run([&] { return vectors->remove_file(collection, file, from); });
  }
  std::int64_t count(std::string collection) {
    return run([&] { return vectors->count(collection); });
  }
  std::vector<Hit> hits(store::Strings readable, double degrees, std::size_t k = 10,
                        Binding binding = kMini) {
    return run([&] { return vectors->query({Readable(readable), binding, at(degrees), k}); });
  }
  /// The texts of the hits.
  store::Strings found(store::Strings readable, double degrees, std::size_t k = 10) {
    store::Strings texts;
    for (Hit& hit : hits(std::move(readable), degrees, k)) texts.push_back(hit.text);
    return texts;
  }

  WorkerPool pool{1};
  std::unique_ptr<store::Db> own;
  std::unique_ptr<Builtin> vectors;
};

class BuiltinTest : public testing::TestWithParam<Engine> {
 protected:
  BuiltinTest() : db(GetParam(), 2) {
    run([&]() -> Task<> { (void)co_await store::migrate(*db.db); });
  }
  store::Store db;
  Replica a{db}, b{db};
};

TEST_P(BuiltinTest, FindsTheNearestAndGivesBackWhatItWasGiven) {
  std::string index = a.open("c");
  a.put(index, {item("f", 0, 0), item("f", 1, 30), item("g", 0, 90)});
  auto hits = a.hits({"c"}, 20, 2);
  ASSERT_EQ(hits.size(), 2u);
  EXPECT_EQ(hits[0].text, "f1h");
  EXPECT_EQ(hits[0].file, "f");
  EXPECT_EQ(hits[0].position, 1);
  EXPECT_EQ(hits[0].collection, "c");
  EXPECT_EQ(hits[0].data, (json::Value{{"page", 1}}));
  EXPECT_NEAR(hits[0].score, std::cos(10 * std::acos(-1) / 180), 1e-6);
  EXPECT_EQ(hits[1].text, "f0h");
  EXPECT_EQ(a.count("c"), 3);
}

TEST_P(BuiltinTest, SearchesOnlyWhatMayBeRead) {
  a.put(a.open("mine"), {item("f", 0, 0)});
  a.put(a.open("shared"), {item("g", 0, 10)});
  a.put(a.open("theirs"), {item("h", 0, 5)});
  EXPECT_EQ(a.found({"mine", "shared", "none"}, 5), (store::Strings{"f0h", "g0h"}));
  EXPECT_TRUE(a.found({}, 0).empty());
}

TEST_P(BuiltinTest, IsWrittenAgainWithoutDoubling) {
  std::string index = a.open("c");
  EXPECT_EQ(a.open("c"), index);
  for (int time = 0; time < 2; ++time) a.put(index, {item("f", 0, 0), item("f", 1, 90)});
  EXPECT_EQ(a.count("c"), 2);
  // Another hash is another content; the same hash is left alone, whatever comes with it.
  a.put(index, {item("f", 0, 180, "new")});
  Item same = item("f", 1, 0);
  same.text = "ignored";
  a.put(index, {same});
  EXPECT_EQ(a.found({"c"}, 180), (store::Strings{"f0new", "f1h"}));
  EXPECT_EQ(a.count("c"), 2);
}

TEST_P(BuiltinTest, ForgetsAFileOrItsEnd) {
  a.put(a.open("c"), {item("f", 0, 0), item("f", 1, 1), item("f", 2, 2), item("g", 0, 90)});
  EXPECT_EQ(a.found({"c"}, 0).size(), 4u);
  a.remove("c", "f", 1);
  EXPECT_EQ(a.found({"c"}, 0), (store::Strings{"f0h", "g0h"}));
  a.remove("c", "f");
  EXPECT_EQ(a.found({"c"}, 0), store::Strings{"g0h"});
  run([&] { return a.vectors->drop("c"); });
  EXPECT_TRUE(a.found({"c"}, 0).empty());
  EXPECT_EQ(a.count("c"), 0);
}

TEST_P(BuiltinTest, RefusesAnotherEmbedder) {  // S72
  std::string index = a.open("c");
  a.put(index, {item("f", 0, 0)});
  for (const Binding& other : {Binding{"test/other", 2}, Binding{"test/mini", 3}}) {
    EXPECT_EQ(problem_of([&] { return b.vectors->open("c", other); }).kind(), Problem::Kind::conflict);
  }
  Binding other{"test/other", 2};
  EXPECT_EQ(problem_of([&] { return b.vectors->put(index, other, {item("x", 0, 0)}); }).kind(),
            Problem::Kind::conflict);
  EXPECT_EQ(problem_of([&] { return b.vectors->query({Readable({"c"}), other, at(0), 1}); }).kind(),
            Problem::Kind::conflict);
  EXPECT_EQ(a.count("c"), 1);
}

TEST_P(BuiltinTest, RefusesVectorsThatAreNone) {
  std::string index = a.open("c");
  for (std::vector<float> bad : {std::vector<float>{1}, {1, 1}, {0, 0}, {NAN, 0}, {1, 0, 0}}) {
    Item wrong = item("f", 1, 0);
    wrong.vector = bad;
    EXPECT_EQ(problem_of([&] { return a.vectors->put(index, kMini, {item("f", 0, 0), wrong}); }).kind(),
              Problem::Kind::invalid);
    EXPECT_EQ(problem_of([&] { return a.vectors->query({Readable({"c"}), kMini, bad, 1}); }).kind(),
              Problem::Kind::invalid);
  }
  EXPECT_EQ(a.count("c"), 0);
}

TEST_P(BuiltinTest, ShowsAReplicaWhatAnotherWroteAtOnce) {
  std::string index = a.open("c");
  a.put(index, {item("f", 0, 0)});
  EXPECT_EQ(b.found({"c"}, 0), store::Strings{"f0h"});
  a.put(index, {item("f", 1, 10)});
  EXPECT_EQ(b.found({"c"}, 0), (store::Strings{"f0h", "f1h"})) << "what was added";
  a.put(index, {item("f", 0, 90, "new")});
  EXPECT_EQ(b.found({"c"}, 0), (store::Strings{"f1h", "f0new"})) << "what was changed";
  b.remove("c", "f", 1);
  EXPECT_EQ(a.found({"c"}, 0), store::Strings{"f0new"}) << "what was removed";
  a.put(index, {item("f", 1, 20)});
  EXPECT_EQ(b.found({"c"}, 0), (store::Strings{"f1h", "f0new"})) << "what came back";
}

TEST_P(BuiltinTest, TakesTheNextIndexAsAWholeAndNoHalfOne) {
  a.put(a.open("c"), {item("old", 0, 0)});
  Binding next{"test/next", 2};
  std::string half = run([&] { return a.vectors->begin_rebuild("c", next); });
  a.put(half, {item("half", 0, 0)}, next);
  // The process that built it is gone; everybody still searches the old one, and another begins anew.
  EXPECT_EQ(b.found({"c"}, 0), store::Strings{"old0h"});
  std::string whole = run([&] { return b.vectors->begin_rebuild("c", next); });
  EXPECT_EQ(problem_of([&] { return a.vectors->put(half, next, {item("half", 1, 0)}); }).kind(),
            Problem::Kind::conflict);
  EXPECT_EQ(problem_of([&] { return a.vectors->finish_rebuild("c", half); }).kind(),
            Problem::Kind::conflict);
  EXPECT_EQ(a.found({"c"}, 0), store::Strings{"old0h"}) << "a refused switch leaves the live one";
  b.put(whole, {item("new", 0, 0), item("gone", 0, 0)}, next);
  b.remove("c", "gone");
  run([&] { return b.vectors->finish_rebuild("c", whole); });
  EXPECT_EQ(problem_of([&] { return a.vectors->query({Readable({"c"}), kMini, at(0), 1}); }).kind(),
            Problem::Kind::conflict);
  auto hits = a.hits({"c"}, 0, 10, next);
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0].text, "new0h");
  EXPECT_EQ(problem_of([&] { return b.vectors->finish_rebuild("c", whole); }).kind(),
            Problem::Kind::conflict);
}

TEST_P(BuiltinTest, ReadsMoreThanAPage) {
  std::string index = a.open("c");
  std::vector<Item> items;
  for (int i = 0; i < 2500; ++i)
    items.push_back(item("f" + std::to_string(i % 7), i, i * 180.0 / 2500));
  a.put(index, items);
  EXPECT_EQ(b.found({"c"}, 0, 1), store::Strings{"f00h"});
  EXPECT_EQ(b.hits({"c"}, 180, 1000).size(), 1000u);
  EXPECT_EQ(b.found({"c"}, 90, 1), store::Strings{"f41250h"});
}

TEST_P(BuiltinTest, HoldsNoMoreMemoryThanItMay) {
  const std::size_t one = 2 * sizeof(float) + 300;
  Replica small(db, 3 * one);
  for (std::string c : {"c", "d", "e"}) {
    small.put(small.open(c), {item(c, 0, 0), item(c, 1, 90)});
    EXPECT_EQ(small.found({c}, 0, 1), store::Strings{c + "0h"});
    EXPECT_EQ(small.vectors->memory_used(), 2 * one);
  }
  EXPECT_EQ(small.found({"c", "d", "e"}, 0).size(), 6u) << "one after the other";
  small.put(small.open("c"), {item("x", 0, 0), item("x", 1, 0)});
  EXPECT_EQ(problem_of([&] { return small.vectors->query({Readable({"c"}), kMini, at(0), 1}); }).kind(),
            Problem::Kind::unavailable);
}

INSTANTIATE_TEST_SUITE_P(Engines, BuiltinTest, testing::ValuesIn(store::engines()),
                         [](const auto& info) { return store::engine_name(info.param); });

}  // namespace
}  // namespace antiphon::vectors
