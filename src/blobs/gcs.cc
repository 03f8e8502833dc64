#include "blobs/gcs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <utility>

#include "base/encode.h"
#include "base/problem.h"
#include "base/time.h"
#include "client/url.h"
#include "json/dto.h"
#include "json/json.h"
#include "json/text.h"

namespace antiphon::blobs {

ANTIPHON_DTO(ServiceAccount, client_email, private_key_id, private_key, token_uri)
ANTIPHON_DTO_DEFINE(ServiceAccount)

/// What the token's server answers.
struct Token {
  std::string access_token;
  std::int64_t expires_in = 0;
};
ANTIPHON_DTO(Token, access_token, expires_in)
ANTIPHON_DTO_DEFINE(Token)

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kScope = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr std::int64_t kAssertionSeconds = 3'600;  ///< Google takes no longer ones.
constexpr std::int64_t kEarly = 60;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key key_of(const std::string& pem) {
  std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
}

std::string rs256(const std::string& pem, std::string_view text) {
  Key key = key_of(pem);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  std::string out;
  bool good = key &&
              EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
              EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1;
  out.resize(size);
  good = good && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                                bytes, text.size()) == 1;
  if (!good) throw Problem(Problem::Kind::internal, "The service account's key cannot sign.");
  out.resize(size);
  return out;
}

}  // namespace

std::optional<ServiceAccount> service_account(std::string_view text) {
  try {
    auto account = json::parse<ServiceAccount>(text);
    bool whole = !account.client_email.empty() && account.token_uri.starts_with("http");
    Key key = key_of(account.private_key);
    if (!whole || !key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return std::nullopt;
    return account;
  } catch (const Problem&) {
    return std::nullopt;
  }
}

std::string assertion(const ServiceAccount& account, std::int64_t now) {
  json::Object header{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", account.private_key_id}};
  json::Object claims{{"iss", account.client_email},
                      {"scope", kScope},
                      {"aud", account.token_uri},
                      {"iat", now},
                      {"exp", now + kAssertionSeconds}};
  std::string text = base64url(json::serialize(header)) + "." + base64url(json::serialize(claims));
  return text + "." + base64url(rs256(account.private_key, text));
}

Gcs::Gcs(const Settings& s, client::Client& client)
    : client_(client), account_(service_account(s.gcs_credentials().reveal())) {
  std::string emulator = without_slashes(s.gcs_emulator());
  std::string host = emulator.empty() ? "https://storage.googleapis.com" : emulator;
  root_ = host + "/" + s.gcs_bucket();
  upload_ = host + "/upload/storage/v1/b/" + s.gcs_bucket() + "/o?uploadType=media&name=";
}

ObjectServer::Cures Gcs::cures() const {
  return {.key =
              "GOOGLE_APPLICATION_CREDENTIALS_JSON, what the account may do with the bucket, and this "
              "machine's clock",
          .bucket = "GCS_BUCKET_NAME",
          .address = "GCS_BUCKET_NAME"};
}

Task<std::string> Gcs::token() {
  std::int64_t now = unix_seconds();
  {
    std::scoped_lock lock(mutex_);
    if (now < token_until_) co_return token_.reveal();
  }
  // Two that ask at once are given a token each.
  client::Request ask{.method = "POST", .url = account_->token_uri};
  ask.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
  ask.body = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" +
             assertion(*account_, now);
  ask.reach = client::Reach::admin_configured;
  ask.total_timeout = 20s;
  ask.max_body = 64 << 10;
  ask.called = "Google's server for tokens";
  client::Response answer = co_await client_.fetch(std::move(ask));
  if (answer.status == 429 || answer.status >= 500)
    throw Problem(Problem::Kind::upstream, "Google gives no token at the moment: try again later.")
        .because(std::to_string(answer.status) + " " + std::string(utf8_prefix(answer.body, 500)));
  if (answer.status != 200)
    throw Problem(Problem::Kind::unavailable,
                  "Google gives no token for the file storage: check " + cures().key + ".")
        .because(std::to_string(answer.status) + " " + std::string(utf8_prefix(answer.body, 500)));
  auto given = json::parse<Token>(answer.body);
  std::scoped_lock lock(mutex_);
  token_ = Secret(given.access_token);
  token_until_ = now + given.expires_in - kEarly;
  co_return given.access_token;
}

Task<client::Request> Gcs::request(Wanted wanted) {
  bool put = wanted.method == "PUT";
  client::Request out{
      .method = put ? "POST" : std::string(wanted.method),
      .url = put ? upload_ + percent_encode(wanted.name.substr(1)) : root_ + wanted.name};
  if (account_) out.headers.emplace_back("authorization", "Bearer " + co_await token());
  if (put) out.headers.emplace_back("content-type", "application/octet-stream");
  if (wanted.range) out.headers.emplace_back("range", header_value(*wanted.range));
  co_return out;
}

}  // namespace antiphon::blobs
