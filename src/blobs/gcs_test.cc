#include "blobs/gcs.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <atomic>
#include <filesystem>

#include "base/encode.h"
#include "base/ids.h"
#include "client/test_client.h"
#include "client/test_server.h"
#include "json/json.h"
#include "json/text.h"
#include "store/test_store.h"

/// tests/blackbox/storage.test.mjs stores with an emulator, which asks for no token.
namespace antiphon::blobs {
namespace {

namespace fs = std::filesystem;
using client::TestServer;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string pem_of(const Key& key) {
  std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  long size = BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

bool verifies(const Key& key, std::string_view text, const std::string& signature) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get());
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

class GcsTest : public client::ClientTest {
 protected:
  ~GcsTest() override { fs::remove_all(folder_); }
  std::string account(const std::string& token_uri) const {
    return json::serialize(json::Object{{"type", "service_account"},
                                        {"project_id", "p"},
                                        {"client_email", "me@p.iam"},
                                        {"private_key_id", "k1"},
                                        {"private_key", pem_of(key_)},
                                        {"token_uri", token_uri}});
  }
  /// Objects that are asked for at `server`, which gives the tokens as well.
  Objects at(const TestServer& server) {
    settings_.gcs_bucket.set("files");
    settings_.gcs_emulator.set(server.url(""));
    settings_.gcs_credentials.set(Secret(account(server.url("/token"))));
    return {std::make_unique<Gcs>(settings_, *client_), *client_, folder_.string()};
  }

  Key key_{EVP_RSA_gen(2048), &EVP_PKEY_free};
  fs::path folder_ = fs::temp_directory_path() / ("gcs-" + random_hex(6));
  Settings settings_;
};

TEST_F(GcsTest, AnAccountIsWhatItsFileSays) {
  auto read = service_account(account("https://oauth2.googleapis.com/token"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->client_email, "me@p.iam");
  EXPECT_FALSE(service_account(account("no address")));
  EXPECT_FALSE(service_account("{"));
  EXPECT_FALSE(service_account("[]"));
  EXPECT_FALSE(service_account(R"({"client_email":"a","token_uri":"https://t","private_key":"x"})"));
}

TEST_F(GcsTest, AnAssertionIsSignedAndSaysWhoAndWhatFor) {
  std::string jwt = assertion(*service_account(account("https://t/token")), 1'000);
  std::size_t first = jwt.find('.'), second = jwt.rfind('.');
  auto part = [&](std::size_t from, std::size_t to) {
    return base64url_decode(jwt.substr(from, to - from)).value_or("");
  };
  EXPECT_EQ(part(0, first), R"({"alg":"RS256","typ":"JWT","kid":"k1"})");
  EXPECT_EQ(part(first + 1, second),
            R"({"iss":"me@p.iam","scope":"https://www.googleapis.com/auth/devstorage.read_write",)"
            R"("aud":"https://t/token","iat":1000,"exp":4600})");
  EXPECT_TRUE(verifies(key_, jwt.substr(0, second), part(second + 1, jwt.size())));
}

TEST_F(GcsTest, OneTokenIsForManyObjects) {
  std::atomic<int> tokens = 0;
  std::string object;
  TestServer server([&](TestServer::Peer& peer) {
    if (peer.head.starts_with("POST /token")) {
      EXPECT_TRUE(peer.body.starts_with("grant_type=urn%3Aietf"));
      return peer.reply(200, R"({"access_token":"the-)" + std::to_string(++tokens) +
                                 R"(","expires_in":3599,"token_type":"Bearer"})");
    }
    EXPECT_NE(peer.head.find("authorization: Bearer the-1\r\n"), std::string::npos) << peer.head;
    if (peer.head.starts_with(
            "POST /upload/storage/v1/b/files/o?uploadType=media&name=.antiphon-probe%2F"))
      object = peer.body;
    else
      EXPECT_NE(peer.head.find(" /files/.antiphon-probe/"), std::string::npos) << peer.head;
    peer.reply(peer.head.starts_with("DELETE") ? 204 : 200, peer.head.starts_with("GET") ? object : "");
  });
  Objects gcs = at(server);
  run([&] { return gcs.prepare(); });
  EXPECT_EQ(tokens, 1);
}

TEST_F(GcsTest, ATokenThatIsRunningOutIsTakenAnew) {
  std::atomic<int> tokens = 0;
  TestServer server([&](TestServer::Peer& peer) {
    if (peer.head.starts_with("POST /token"))
      return peer.reply(200,
                        R"({"access_token":"t)" + std::to_string(++tokens) + R"(","expires_in":50})");
    peer.reply(204, "");
  });
  Objects gcs = at(server);
  run([&] { return gcs.remove({std::string(64, 'a')}); });
  run([&] { return gcs.remove({std::string(64, 'b')}); });
  EXPECT_EQ(tokens, 2);
}

TEST_F(GcsTest, AKeyThatGoogleDoesNotTakeIsNamed) {
  TestServer server([&](TestServer::Peer& peer) { peer.reply(400, R"({"error":"invalid_grant"})"); });
  Objects gcs = at(server);
  Problem p = store::problem_of([&] { return gcs.prepare(); });
  EXPECT_NE(p.detail().find("GOOGLE_APPLICATION_CREDENTIALS_JSON"), std::string::npos);
  EXPECT_NE(p.cause().find("invalid_grant"), std::string::npos);
}

}  // namespace
}  // namespace antiphon::blobs
