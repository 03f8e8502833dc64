#include "blobs/s3.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/disk.h"
#include "base/encode.h"
#include "base/ids.h"
#include "blobs/verified.h"
#include "client/test_client.h"
#include "client/test_server.h"
#include "store/test_store.h"

/// What a server may do to us, by one whose every byte the test decides.
/// tests/blackbox/storage.test.mjs speaks with a real one.
namespace antiphon::blobs {
namespace {

namespace fs = std::filesystem;
using client::TestServer;

class S3Test : public client::ClientTest {
 protected:
  S3Test() {
    fs::create_directories(folder_);
    settings_.storage_provider.set("s3");
    settings_.s3_bucket.set("files");
    settings_.s3_key_prefix.set("/team/a/");
    settings_.s3_access_key.set(Secret("the-id"));
    settings_.s3_secret_key.set(Secret("the-secret"));
  }
  ~S3Test() override { fs::remove_all(folder_); }

  Objects at(const TestServer& server) {
    settings_.s3_endpoint.set(server.url(""));
    return {std::make_unique<S3>(settings_), *client_, folder_.string()};
  }
  SpoolPtr spool(const std::string& bytes) {
    auto out = std::make_shared<Spool>(folder_.string(), false);
    out->append(bytes);
    out->finish();
    return out;
  }
  static Blob blob(const std::string& bytes) {
    return {{hex(sha256(bytes))}, static_cast<std::int64_t>(bytes.size())};
  }
  std::string read(Objects& s3, const Blob& blob, Range range) {
    return run([&]() -> Task<std::string> {
      auto pieces = verified(co_await s3.open(blob, range), blob, range, faults_);
      std::string out;
      for (std::string piece; !(piece = co_await pieces->read()).empty();) out += piece;
      co_return out;
    });
  }

  fs::path folder_ = fs::temp_directory_path() / ("s3-" + random_hex(6));
  Settings settings_;
  metrics::Registry metrics_;
  metrics::Family<metrics::Counter>& faults_ = metrics_.counter("faults", "", {"kind"});
};

TEST_F(S3Test, PutsAnObjectUnderItsIdWithItsHashAndTags) {
  std::string head, body;
  TestServer server([&](TestServer::Peer& peer) {
    head = peer.head, body = peer.body;
    peer.reply(200, "");
  });
  settings_.s3_tagging.set(true);
  Objects s3 = at(server);

  run([&] { return s3.store(spool("the bytes")); });

  std::string id = hex(sha256("the bytes"));
  EXPECT_TRUE(
      head.starts_with("PUT /files/team/a/blobs/" + id.substr(0, 2) + "/" + id + " HTTP/1.1\r\n"))
      << head;
  EXPECT_NE(head.find("x-amz-content-sha256: " + id), std::string::npos);
  EXPECT_NE(head.find("x-amz-tagging: application=antiphon"), std::string::npos);
  EXPECT_NE(head.find("Content-Length: 9"), std::string::npos) << head;
  EXPECT_EQ(body, "the bytes");
}

TEST_F(S3Test, TriesAgainWhatTheServerCouldNotDoAndThenSaysSo) {
  int calls = 0;
  TestServer server([&](TestServer::Peer& peer) { peer.reply(++calls < 3 ? 503 : 200, ""); });
  Objects s3 = at(server);

  run([&] { return s3.store(spool("x")); });
  EXPECT_EQ(calls, 3);

  calls = -10;
  Problem p = store::problem_of([&] { return s3.store(spool("x")); });
  EXPECT_EQ(p.status(), 503);
  EXPECT_NE(p.detail().find("in trouble"), std::string::npos);
}

TEST_F(S3Test, NamesTheSettingThatIsWrong) {
  int status = 403;
  TestServer server([&](TestServer::Peer& peer) { peer.reply(status, "<Error>the-words</Error>"); });
  Objects s3 = at(server);

  Problem key = store::problem_of([&] { return s3.prepare(); });
  EXPECT_NE(key.detail().find("S3_SECRET_ACCESS_KEY"), std::string::npos);
  EXPECT_EQ(key.detail().find("the-words"), std::string::npos);
  EXPECT_NE(key.cause().find("the-words"), std::string::npos);
  status = 404;
  EXPECT_NE(store::problem_of([&] { return s3.prepare(); }).detail().find("S3_BUCKET_NAME"),
            std::string::npos);
  status = 301;
  EXPECT_NE(store::problem_of([&] { return s3.prepare(); }).detail().find("S3_REGION_NAME"),
            std::string::npos);
}

TEST_F(S3Test, RefusesAServerThatDoesNotReadWhatItWasGiven) {
  TestServer server([&](TestServer::Peer& peer) { peer.reply(200, "something else"); });
  Objects s3 = at(server);

  Problem p = store::problem_of([&] { return s3.prepare(); });

  EXPECT_NE(p.detail().find("does not give back"), std::string::npos);
}

TEST_F(S3Test, StartsWhileTheServerIsAway) {
  auto server = std::make_unique<TestServer>([](TestServer::Peer&) {});
  Objects s3 = at(*server);
  server.reset();

  EXPECT_NO_THROW(run([&] { return s3.prepare(); }));
  EXPECT_EQ(store::problem_of([&] { return s3.store(spool("x")); }).status(), 502);
}

TEST_F(S3Test, ReadsWholeAndInParts) {
  std::string bytes = "0123456789", asked;
  TestServer server([&](TestServer::Peer& peer) {
    std::size_t at = peer.head.find("range: ");
    asked = at == std::string::npos ? "" : peer.head.substr(at, peer.head.find('\r', at) - at);
    asked.empty() ? peer.reply(200, bytes) : peer.reply(206, bytes.substr(2, 3));
  });
  Objects s3 = at(server);

  EXPECT_EQ(read(s3, blob(bytes), {0, 10}), bytes);
  EXPECT_EQ(read(s3, blob(bytes), {2, 3}), "234");
  EXPECT_EQ(asked, "range: bytes=2-4");
}

TEST_F(S3Test, TakesNoBytesForOthers) {
  std::string bytes = "0123456789";
  auto fails = [&](const TestServer::Answer& answer) {
    TestServer server(answer);
    Objects s3 = at(server);
    Problem p = store::problem_of([&]() -> Task<> {
      (void)read(s3, blob(bytes), {0, 10});
      co_return;
    });
    EXPECT_GE(p.status(), 502);
  };
  fails([](TestServer::Peer& peer) { peer.reply(200, "0123456788"); });   // Others.
  fails([](TestServer::Peer& peer) { peer.reply(200, "01234"); });        // Fewer.
  fails([](TestServer::Peer& peer) { peer.reply(200, "01234567890"); });  // More.
  fails([](TestServer::Peer& peer) { peer.reply(404, "<Error/>"); });     // None.
  fails([](TestServer::Peer& peer) {                                      // Cut off.
    peer.send("HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n01234");
    peer.close();
  });
  EXPECT_EQ(faults_.with({"bytes"}).value(), 1);
  EXPECT_EQ(faults_.with({"missing"}).value(), 1);
}

TEST_F(S3Test, PutsTheBucketWhereItIsAskedTo) {
  TestServer server([](TestServer::Peer&) {});
  settings_.s3_endpoint.set("https://s3.example.org/base/");
  EXPECT_EQ(S3(settings_).place(), "the bucket https://s3.example.org/base/files/team/a");
  settings_.s3_addressing.set("virtual");
  EXPECT_EQ(S3(settings_).place(), "the bucket https://files.s3.example.org/base/team/a");
  settings_.s3_endpoint.set("");
  settings_.s3_region.set("eu-central-1");
  EXPECT_EQ(S3(settings_).place(), "the bucket https://files.s3.eu-central-1.amazonaws.com/team/a");
  settings_.s3_addressing.set("path");
  EXPECT_EQ(S3(settings_).place(), "the bucket https://s3.eu-central-1.amazonaws.com/files/team/a");
  settings_.s3_accelerate.set(true);
  EXPECT_EQ(S3(settings_).place(), "the bucket https://files.s3-accelerate.amazonaws.com/team/a");
}

}  // namespace
}  // namespace antiphon::blobs
