#include "blobs/s3.h"

#include <charconv>
#include <utility>

#include "base/async.h"
#include "base/disk.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/time.h"
#include "client/url.h"

namespace antiphon::blobs {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kNoBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::chrono::milliseconds kWaits[] = {200ms, 800ms};
constexpr std::size_t kMostAnswer = 64 << 10;

bool passing(int status) {
  return status == 429 || status >= 500;
}

std::string without_slashes(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  while (text.starts_with('/')) text.erase(0, 1);
  return text;
}

std::string cure_for(int status) {
  if (status == 403)
    return "it refuses the key: check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, what the key may do, and "
           "this machine's clock";
  if (status == 404) return "the bucket is not there: check S3_BUCKET_NAME and S3_ENDPOINT_URL";
  if (status >= 300 && status < 400)
    return "the bucket is elsewhere: check S3_REGION_NAME and S3_ENDPOINT_URL";
  if (status == 507) return "it is full: make room there";
  if (passing(status)) return "it is in trouble: try again later";
  return "it does not take the request: check S3_REGION_NAME, S3_ENDPOINT_URL and S3_ADDRESSING_STYLE";
}

/// `answer` is for the operator: the server's own words.
[[noreturn]] void refuse(int status, std::string_view answer) {
  throw Problem(Problem::Kind::unavailable, "The file storage (S3) answers " + std::to_string(status) +
                                                ": " + cure_for(status) + ".")
      .because(std::string(utf8_prefix(answer, 500)))
      .answering(status == 507 ? 507 : 503);
}

class BodyPieces final : public Pieces {
 public:
  explicit BodyPieces(std::unique_ptr<client::Incoming> body) : body_(std::move(body)) {}
  Task<std::string> read() override { return body_->read(); }

 private:
  std::unique_ptr<client::Incoming> body_;
};

std::string endpoint_of(const Settings& s, const std::string& region) {
  if (std::string own = s.s3_endpoint(); !own.empty()) return own;
  return s.s3_accelerate() ? "https://s3-accelerate.amazonaws.com"
                           : "https://s3." + region + ".amazonaws.com";
}

bool bucket_in_host(const Settings& s) {
  if (s.s3_accelerate() || s.s3_addressing() == "virtual") return true;
  bool may = s.s3_bucket().find_first_of("._ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
  return s.s3_addressing() != "path" && s.s3_endpoint().empty() && may;
}

}  // namespace

S3::S3(const Settings& s, client::Client& client, std::string spool_folder)
    : client_(client),
      spool_folder_(std::move(spool_folder)),
      credentials_{s.s3_access_key().reveal(), s.s3_secret_key(), s.s3_session_token().reveal()},
      region_(s.s3_region().empty() ? "us-east-1" : s.s3_region()),
      tagging_(s.s3_tagging()) {
  std::string endpoint = endpoint_of(s, region_);
  client::Url url = client::parse_url(endpoint);
  std::string port =
      url.port == (url.scheme == "https" ? 443 : 80) ? "" : ":" + std::to_string(url.port);
  std::size_t path = endpoint.find('/', endpoint.find("://") + 3);
  if (path != endpoint.npos) path_ = without_slashes(endpoint.substr(path));
  if (!path_.empty()) path_ = "/" + path_;
  host_ = (bucket_in_host(s) ? s.s3_bucket() + "." : "") + url.host + port;
  if (!bucket_in_host(s)) path_ += "/" + s.s3_bucket();
  if (std::string prefix = without_slashes(s.s3_key_prefix()); !prefix.empty()) path_ += "/" + prefix;
  root_ = url.scheme + "://" + host_ + path_;
}

std::string S3::name_of(const BlobId& id) const {
  return "/blobs/" + id.value.substr(0, 2) + "/" + id.value;
}

client::Request S3::request(std::string method, const std::string& name, std::string_view hash,
                            Headers headers) const {
  std::string path = path_ + name;
  Signed what{.method = method,
              .host = host_,
              .path = path,
              .payload_sha256 = hash,
              .headers = std::move(headers)};
  client::Request out{.method = method,
                      .url = root_ + name,
                      .headers = sign(what, credentials_, region_, unix_seconds())};
  out.reach = client::Reach::admin_configured;
  out.stall_timeout = 60s;
  out.max_body = kMostAnswer;
  out.called = "the file storage (S3)";
  return out;
}

Task<client::Response> S3::ask(client::Request request) {
  for (std::size_t turn = 0;; ++turn) {
    bool last = turn == std::size(kWaits);
    try {
      client::Response response = co_await client_.fetch(request);
      if (last || !passing(response.status)) co_return response;
    } catch (const Problem& p) {
      if (last || p.kind() != Problem::Kind::upstream) throw;
    }
    co_await sleep_for(kWaits[turn]);
  }
}

Task<> S3::prepare() {
  co_await on_disk([this] { make_folder(spool_folder_); });
  try {
    co_await try_out();
  } catch (const Problem& p) {
    // A server that is away comes back, and chats go on without it. A wrong setting does not cure
    // itself.
    if (p.kind() != Problem::Kind::upstream) throw;
    log::warn("The file storage (S3) cannot be reached: files and pictures are not there until it is",
              {{"place", place()}, {"detail", p.detail()}, {"cause", p.cause()}});
  }
}

/// Whether what is written can be read at once, and removed.
Task<> S3::try_out() {
  std::string name = "/.antiphon-probe/" + random_hex(8), bytes = random_hex(16);
  client::Request put = request("PUT", name, hex(sha256(bytes)));
  put.body = bytes;
  client::Response done = co_await ask(std::move(put));
  if (done.status != 200) refuse(done.status, done.body);
  client::Response got = co_await ask(request("GET", name, kNoBody));
  if (got.status != 200) refuse(got.status, got.body);
  if (got.body != bytes)
    throw Problem(
        Problem::Kind::unavailable,
        "The file storage (S3) does not give back what it was just given: use one whose reads "
        "see every write, or STORAGE_PROVIDER=database.");
  client::Response gone = co_await ask(request("DELETE", name, kNoBody));
  if (gone.status != 200 && gone.status != 204) refuse(gone.status, gone.body);
}

Task<bool> S3::has(Blob blob) {
  client::Response found = co_await ask(request("HEAD", name_of(blob.id), kNoBody));
  if (found.status == 404) co_return false;
  if (found.status != 200) refuse(found.status, found.body);
  co_return found.header("content-length") == std::to_string(blob.size);
}

Task<> S3::store(SpoolPtr spool) {
  const Blob& blob = spool->blob();
  if (blob.size > kMostBytes)
    throw Problem(Problem::Kind::too_large, "A file of more than 5 GiB cannot be kept in S3.");
  Headers tags;
  if (tagging_) tags.emplace_back("x-amz-tagging", "application=antiphon");
  client::Request put = request("PUT", name_of(blob.id), blob.id.value, std::move(tags));
  put.file = client::FileBody{spool->descriptor(), blob.size, spool};
  client::Response done = co_await ask(std::move(put));
  if (done.status != 200) refuse(done.status, done.body);
}

Task<std::unique_ptr<Pieces>> S3::open(Blob blob, Range range) {
  Headers headers;
  bool part = range.size != blob.size;
  if (part)
    headers.emplace_back("range", "bytes=" + std::to_string(range.offset) + "-" +
                                      std::to_string(range.offset + range.size - 1));
  for (std::size_t turn = 0;; ++turn) {
    client::Request get = request("GET", name_of(blob.id), kNoBody, headers);
    get.max_body = static_cast<std::size_t>(std::max<std::int64_t>(range.size, kMostAnswer));
    bool last = turn == std::size(kWaits);
    try {
      auto body = co_await client_.open(std::move(get));
      if (body->status() == 404) co_return nullptr;
      if (body->status() == (part ? 206 : 200)) co_return std::make_unique<BodyPieces>(std::move(body));
      if (last || !passing(body->status())) refuse(body->status(), co_await body->read());
    } catch (const Problem& p) {
      if (last || p.kind() != Problem::Kind::upstream) throw;
    }
    co_await sleep_for(kWaits[turn]);
  }
}

Task<> S3::remove(BlobId id) {
  client::Response gone = co_await ask(request("DELETE", name_of(id), kNoBody));
  bool fine = gone.status == 200 || gone.status == 204 || gone.status == 404;
  if (!fine) refuse(gone.status, gone.body);
}

}  // namespace antiphon::blobs
