#include "blobs/blobs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/disk.h"
#include "base/encode.h"
#include "blobs/database.h"
#include "blobs/directory.h"
#include "blobs/spool.h"
#include "store/migrate.h"
#include "store/test_store.h"

namespace antiphon::blobs {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNoGrace = -60;
constexpr store::Sql kReferences{"test.references", R"(
    SELECT r.id AS value FROM reference r WHERE r.id IN (SELECT value FROM json_each($1)))",
                                 "SELECT r.id AS value FROM reference r WHERE r.id = ANY($1)"};

std::string bytes_of(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i != size; ++i) out += static_cast<char>(i * 31 + i / 7000);
  return out;
}

struct Where {
  store::Engine engine;
  bool directory;
};

class BlobsTest : public testing::TestWithParam<Where> {
 protected:
  BlobsTest() : store_(GetParam().engine) {
    run([&] { return store::migrate(*store_.db); });
    fs::create_directories(folder_);
    blobs_ = replica("one");
    run([&] { return backend_->prepare(); });
  }
  ~BlobsTest() override { fs::remove_all(folder_); }

  std::unique_ptr<Blobs> replica(const std::string& node, const std::string& folder = "blobs") {
    std::unique_ptr<Backend> backend;
    if (GetParam().directory)
      backend = std::make_unique<Directory>((folder_ / folder).string(), "deployment");
    else
      backend = std::make_unique<Database>(*store_.db, (folder_ / "spool").string());
    backend_ = backend.get();
    return std::make_unique<Blobs>(*store_.db, std::move(backend), node, metrics_);
  }
  Blob put(const std::string& bytes) {
    return run([&] { return blobs_->put(bytes); });
  }
  std::optional<std::string> read(const BlobId& id) {
    return run([&] { return blobs_->read(id); });
  }
  std::string read(const BlobId& id, Range range) {
    return run([&]() -> Task<std::string> {
      auto pieces = co_await blobs_->open(id, range);
      std::string out;
      for (std::string piece; !(piece = co_await pieces->read()).empty();) out += piece;
      co_return out;
    });
  }
  std::int64_t sweep(std::int64_t grace = kNoGrace) {
    return run([&] { return blobs_->sweep(grace); });
  }
  void script(const std::string& sql) { store_.script(sql); }
  /// Spoils what is stored of a blob: it is cut off, or another byte stands in it.
  void damage(const Blob& blob, bool cut) {
    fs::path file = folder_ / "blobs" / blob.id.value.substr(0, 2) / blob.id.value;
    if (GetParam().directory && cut)
      return fs::resize_file(file, static_cast<std::size_t>(blob.size) / 2);
    if (GetParam().directory) {
      std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << '!';
      return;
    }
    bool postgres = store_->dialect() == store::Dialect::postgres;
    if (cut) return script("DELETE FROM blob_chunk WHERE number > 0");
    std::string other =
        base64("!" + bytes_of(static_cast<std::size_t>(blob.size)).substr(1, kPiece - 1));
    script("UPDATE blob_chunk SET bytes = " +
           (postgres ? "decode('" + other + "', 'base64')" : "'" + other + "'") + " WHERE number = 0");
  }
  std::uint64_t faults(const std::string& kind) {
    return metrics_.counter("antiphon_blob_faults_total", "", {"kind"}).with({kind}).value();
  }

  fs::path folder_ = fs::temp_directory_path() / ("blobs-" + random_hex(6));
  store::Store store_;
  metrics::Registry metrics_;
  Backend* backend_ = nullptr;
  std::unique_ptr<Blobs> blobs_;
};

std::vector<Where> everywhere() {
  std::vector<Where> out;
  for (store::Engine engine : store::engines())
    for (bool directory : {true, false}) out.push_back({engine, directory});
  return out;
}
INSTANTIATE_TEST_SUITE_P(All, BlobsTest, testing::ValuesIn(everywhere()), [](const auto& info) {
  return store::engine_name(info.param.engine) + (info.param.directory ? "Directory" : "Database");
});

TEST_P(BlobsTest, GivesBackWhatItWasGivenOfAnySize) {
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{kPiece}, std::size_t{kPiece} + 1,
                           std::size_t{5} * kPiece + 17}) {
    std::string bytes = bytes_of(size);

    Blob blob = put(bytes);

    EXPECT_EQ(blob.id.value, hex(sha256(bytes)));
    EXPECT_EQ(read(blob.id), bytes) << size;
    EXPECT_EQ(run([&] { return blobs_->stat(blob.id); }).value().size, static_cast<std::int64_t>(size));
  }
}

TEST_P(BlobsTest, ReadsParts) {
  std::string bytes = bytes_of(2 * kPiece + 100);
  Blob blob = put(bytes);

  EXPECT_EQ(read(blob.id, {0, 10}), bytes.substr(0, 10));
  EXPECT_EQ(read(blob.id, {kPiece - 3, 10}), bytes.substr(kPiece - 3, 10));
  EXPECT_EQ(read(blob.id, {2 * kPiece + 90, 500}), bytes.substr(2 * kPiece + 90));
  EXPECT_EQ(read(blob.id, {kPiece, -1}), bytes.substr(kPiece));
  EXPECT_EQ(read(blob.id, {3 * kPiece, 5}), "");
}

TEST_P(BlobsTest, HasTheSameBytesOnce) {
  Blob first = put("the same"), second = put("the same");

  EXPECT_EQ(first.id, second.id);
  EXPECT_TRUE(run([&] { return blobs_->remove(first.id); }));
  EXPECT_FALSE(read(first.id));
  EXPECT_FALSE(run([&] { return blobs_->remove(first.id); }));
}

TEST_P(BlobsTest, IsSeenByTheOtherReplicas) {
  Blob blob = put("shared");
  auto other = replica("two");

  EXPECT_EQ(run([&] { return other->read(blob.id); }), "shared");
}

TEST_P(BlobsTest, TakesNoMoreThanTheLimitAndLeavesNothingOfIt) {
  int pieces = 0;
  Source endless = [&]() -> Task<std::string> {
    ++pieces;
    co_return std::string(100'000, 'x');
  };

  Problem p = store::problem_of([&] { return blobs_->put(endless, 1'000'000); });

  EXPECT_EQ(p.status(), 413);
  EXPECT_EQ(pieces, 11);
  EXPECT_TRUE(fs::is_empty(backend_->spool_folder()));
}

TEST_P(BlobsTest, NeverGivesOutTheEndOfWhatIsDamaged) {
  std::string bytes = bytes_of(3 * kPiece);
  Blob blob = put(bytes);
  damage(blob, false);

  std::string seen;
  Problem p = store::problem_of([&]() -> Task<> {
    auto pieces = co_await blobs_->open(blob.id);
    for (std::string piece; !(piece = co_await pieces->read()).empty();) seen += piece;
  });

  EXPECT_EQ(p.status(), 503);
  EXPECT_LT(seen.size(), bytes.size());
  EXPECT_EQ(faults("bytes"), 1);
  damage(blob, true);
  EXPECT_EQ(store::problem_of([&] { return blobs_->read(blob.id); }).status(), 503);
  EXPECT_EQ(faults("length"), 1);
}

TEST_P(BlobsTest, HealsWhatIsMissingWhenItIsPutAgain) {
  std::string bytes = bytes_of(2 * kPiece);
  Blob blob = put(bytes);
  damage(blob, true);

  put(bytes);

  EXPECT_EQ(read(blob.id), bytes);
}

TEST_P(BlobsTest, DoesNotShowWhatHasNotArrived) {
  std::string id = hex(sha256("never"));
  script("INSERT INTO blob (id, size, state, touched_at, created_at) VALUES ('" + id +
         "', 5, 0, 1, 1)");

  EXPECT_FALSE(read({id}));
  EXPECT_FALSE(run([&] { return blobs_->hold({id}); }));
  EXPECT_EQ(sweep(Blobs::kGrace), 1);
}

TEST_P(BlobsTest, SweepsWhatNobodyRefersToAndIsOld) {
  script("CREATE TABLE reference (id TEXT)");
  blobs_->referenced_by(kReferences);
  Blob used = put("used"), unused = put("unused");
  script("INSERT INTO reference (id) VALUES ('" + used.id.value + "')");

  EXPECT_EQ(sweep(Blobs::kGrace), 0) << "a row may still come to refer to it";
  EXPECT_EQ(sweep(), 1);

  EXPECT_EQ(read(used.id), "used");
  EXPECT_FALSE(read(unused.id));
  EXPECT_FALSE(run([&] { return backend_->has(unused); }));
}

TEST_P(BlobsTest, KeepsWhatIsHeldOrPutAgainWhileItIsSweptFor) {
  Blob held = put("held"), again = put("again");
  script("UPDATE blob SET touched_at = 1");

  EXPECT_TRUE(run([&] { return blobs_->hold(held.id); }));
  put("again");

  EXPECT_EQ(sweep(Blobs::kGrace), 0);
  EXPECT_EQ(read(held.id), "held");
  EXPECT_EQ(read(again.id), "again");
}

TEST_P(BlobsTest, EndsARemovalThatNobodyEndedAndStoresAfterIt) {
  Blob blob = put("half removed");
  script("UPDATE blob SET state = 2, touched_at = 1");

  EXPECT_FALSE(read(blob.id));
  put("half removed");

  EXPECT_EQ(read(blob.id), "half removed");
}

TEST_P(BlobsTest, LosesNothingToSweepersThatRunBesideIt) {
  std::atomic<bool> done = false;
  std::thread sweeper([&] {
    while (!done) sweep(Blobs::kGrace);
  });
  for (int i = 0; i != 30; ++i) {
    script("UPDATE blob SET touched_at = 1 WHERE state = 1");  // Old, so that it may go at any moment.
    Blob blob = put("contended");
    EXPECT_EQ(read(blob.id), "contended");
  }
  done = true;
  sweeper.join();
}

TEST_P(BlobsTest, ForgetsWhatWasLeftLyingByTheDead) {
  if (!GetParam().directory) GTEST_SKIP() << "what goes elsewhere has no name while it arrives";
  fs::path left = fs::path(backend_->spool_folder()) / "left";
  std::ofstream(left) << "half";
  fs::path fresh = fs::path(backend_->spool_folder()) / "fresh";
  std::ofstream(fresh) << "half";
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(25));

  run([&] { return backend_->mark("one", Blobs::kGrace); });

  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(fresh));
}

class PeersTest : public BlobsTest {
 protected:
  void lives(const std::string& node) {
    script("INSERT INTO node (node_id, name, version, lease_until, started_at) VALUES ('" + node +
           "', 'n', '1', 99999999999999, 1)");
  }
};
INSTANTIATE_TEST_SUITE_P(All, PeersTest, testing::ValuesIn(everywhere()), [](const auto& info) {
  return store::engine_name(info.param.engine) + (info.param.directory ? "Directory" : "Database");
});

TEST_P(PeersTest, AgreeWhenTheySeeTheSame) {
  lives("one"), lives("two");
  auto two = replica("two");

  run([&] { return blobs_->start(store_.loops, std::chrono::minutes(0)); });
  EXPECT_NO_THROW(run([&] { return two->start(store_.loops, std::chrono::minutes(0)); }));

  EXPECT_FALSE(run([&] { return blobs_->check(); }));
  run([&] { return two->stop(); });
  run([&] { return blobs_->stop(); });
}

TEST_P(PeersTest, AreRefusedWithFoldersOfTheirOwnUntilTheOtherIsGone) {
  if (!GetParam().directory) GTEST_SKIP() << "the database is one";
  lives("one"), lives("two");
  auto two = replica("two", "elsewhere");
  run([&] { return blobs_->start(store_.loops, std::chrono::minutes(0)); });

  Problem p = store::problem_of([&] { return two->start(store_.loops, std::chrono::minutes(0)); });

  EXPECT_NE(p.detail().find("Mount one folder as DATA_DIR/blobs"), std::string::npos);
  run([&] { return two->stop(); });
  run([&] { return blobs_->stop(); });
  EXPECT_NO_THROW(run([&] { return two->start(store_.loops, std::chrono::minutes(0)); }));
}

TEST_P(PeersTest, AreToldWhenTheyUseDifferentStores) {
  lives("one"), lives("two");
  script("INSERT INTO blob_node (node_id, place, seen_at) VALUES ('two', 'the bucket x', 1)");

  auto found = run([&] { return blobs_->check(); });

  ASSERT_TRUE(found);
  EXPECT_NE(found->what.find("the bucket x"), std::string::npos);
  EXPECT_NE(found->cure.find("STORAGE_PROVIDER"), std::string::npos);
}

}  // namespace
}  // namespace antiphon::blobs
