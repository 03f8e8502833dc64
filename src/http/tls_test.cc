#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "base/problem.h"
#include "http/testing_server.h"

namespace antiphon::http {
namespace {

using testing::header_in;
using testing::Rig;
using testing::status_of;
using namespace std::chrono_literals;

/// A certificate for "localhost" that lives as long as the test, with its key.
class Certificate {
 public:
  Certificate() : folder_(std::filesystem::temp_directory_path() / ("antiphon-tls-" + random_hex(8))) {
    std::filesystem::create_directory(folder_);
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    write(key_file(),
          [&](FILE* out) { PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
    write(locked_key_file(), [&](FILE* out) {
      PEM_write_PrivateKey(out, key, EVP_aes_256_cbc(), nullptr, 0, nullptr, const_cast<char*>("word"));
    });
    write(file(), [&](FILE* out) { PEM_write_X509(out, certificate); });
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~Certificate() { std::filesystem::remove_all(folder_); }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string file() const { return folder_ / "cert.pem"; }
  std::string key_file() const { return folder_ / "key.pem"; }
  std::string locked_key_file() const { return folder_ / "locked.pem"; }

 private:
  static void write(const std::string& path, const std::function<void(FILE*)>& put) {
    FILE* out = std::fopen(path.c_str(), "w");
    put(out);
    std::fclose(out);
  }
  std::filesystem::path folder_;
};

/// A blocking TLS client. `most` bounds the version it speaks.
class TlsWire {
 public:
  explicit TlsWire(std::uint16_t port, int most = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_max_proto_version(context_, most);
    bio_ = BIO_new_ssl_connect(context_);
    BIO_set_conn_hostname(bio_, ("127.0.0.1:" + std::to_string(port)).c_str());
    shaken_ = BIO_do_handshake(bio_) == 1;
  }
  ~TlsWire() {
    BIO_free_all(bio_);
    SSL_CTX_free(context_);
  }
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;

  bool shaken() const { return shaken_; }
  void send(std::string_view bytes) { BIO_write(bio_, bytes.data(), static_cast<int>(bytes.size())); }
  /// All until `mark` has come, or the server has closed.
  std::string read_until(std::string_view mark) {
    std::string all, some(64 * 1024, '\0');
    for (std::size_t from = 0; all.find(mark, from) == all.npos;) {
      int got = BIO_read(bio_, some.data(), static_cast<int>(some.size()));
      if (got <= 0) break;
      from = all.size() > mark.size() ? all.size() - mark.size() : 0;
      all.append(some, 0, static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  SSL_CTX* context_;
  BIO* bio_;
  bool shaken_ = false;
};

ServerOptions secured(const Certificate& certificate) {
  ServerOptions options = Rig::quick();
  options.certificate_file = certificate.file();
  options.key_file = certificate.key_file();
  options.header_timeout = options.write_timeout = options.body_idle_timeout = 5s;
  options.keep_alive_timeout = 5s;
  return options;
}

TEST(Tls, ServesRequestsStreamsAndLargeBodies) {
  Certificate certificate;
  Rig rig(secured(certificate));
  rig.start();
  TlsWire wire(rig.port());
  ASSERT_TRUE(wire.shaken());

  wire.send(Rig::get("/health"));
  std::string reply = wire.read_until("true}");
  EXPECT_EQ(status_of(reply), 200);
  EXPECT_EQ(header_in(reply, "Strict-Transport-Security"), "max-age=31536000");
  wire.send(Rig::post("/echo", std::string(200'000, 'x')));
  EXPECT_NE(wire.read_until("|127.0.0.1|https|h").find("|https|"), std::string::npos);
  TlsWire streaming(rig.port());
  streaming.send(Rig::get("/stream"));
  EXPECT_NE(streaming.read_until("\r\n0\r\n\r\n").find("data: two"), std::string::npos);
  streaming.send(Rig::get("/big", "Connection: close\r\n"));
  EXPECT_GT(streaming.read_until("never").size(), 8u << 20);
}

TEST(Tls, CarriesWebSockets) {
  Certificate certificate;
  Rig rig(secured(certificate));
  rig.start();
  TlsWire wire(rig.port());

  wire.send(Rig::get("/ws",
                     "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  EXPECT_EQ(status_of(wire.read_until("\r\n\r\n")), 101);
  wire.send(std::string_view("\x81\x85\0\0\0\0hello", 11));
  EXPECT_EQ(wire.read_until("hello"), "\x81\x05hello");
}

TEST(Tls, SpeaksNoOldVersions) {
  Certificate certificate;
  Rig rig(secured(certificate));
  rig.start();

  EXPECT_TRUE(TlsWire(rig.port(), TLS1_2_VERSION).shaken());
  EXPECT_FALSE(TlsWire(rig.port(), TLS1_1_VERSION).shaken());
  EXPECT_EQ(status_of(rig.say(Rig::get("/health"))), 0);
}

TEST(Tls, DoesNotWaitForAHandshakeForEver) {  // row 108
  Certificate certificate;
  ServerOptions options = secured(certificate);
  options.header_timeout = 300ms;
  Rig rig(options);
  rig.start();
  testing::Wire wire(rig.port());

  EXPECT_EQ(wire.read_all(3s), "");
  EXPECT_TRUE(wire.closed());
}

/// What a start with this key is refused with.
std::string refusal(const Certificate& certificate, const std::string& key_file) {
  ServerOptions options = secured(certificate);
  options.key_file = key_file;
  Rig rig(options);
  try {
    rig.start();
    return "";
  } catch (const Problem& problem) {
    return problem.detail();
  }
}

TEST(Tls, SaysWhichFileIsWrong) {
  EXPECT_TRUE(refusal(Certificate(), "/nowhere/key.pem").contains("/nowhere/key.pem"));
}

TEST(Tls, AsksNobodyForThePasswordOfALockedKey) {
  Certificate certificate;
  std::string said = refusal(certificate, certificate.locked_key_file());

  EXPECT_TRUE(said.contains("locked.pem")) << said;
  EXPECT_FALSE(said.contains("UI routines")) << said;
}

}  // namespace
}  // namespace antiphon::http
