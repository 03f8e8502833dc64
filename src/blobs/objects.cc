#include "blobs/objects.h"

#include <utility>

#include "base/async.h"
#include "base/disk.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/problem.h"

namespace antiphon::blobs {
namespace {

using namespace std::chrono_literals;

constexpr const char* kNoBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::chrono::milliseconds kWaits[] = {200ms, 800ms};
constexpr std::size_t kMostAnswer = 64 << 10;

bool passing(int status) {
  return status == 429 || status >= 500;
}

bool is_done(int status) {
  return status == 200 || status == 201;
}

bool is_gone(int status) {
  return status == 200 || status == 202 || status == 204;
}

std::string cure_for(int status, const ObjectServer::Cures& check) {
  if (status == 401 || status == 403) return "it refuses the key: check " + check.key;
  if (status == 404) return "the bucket is not there: check " + check.bucket;
  if (status >= 300 && status < 400) return "the bucket is elsewhere: check " + check.address;
  if (status == 507) return "it is full: make room there";
  if (passing(status)) return "it is in trouble: try again later";
  return "it does not take the request: check " + check.address;
}

std::string name_of(const BlobId& id) {
  return "/blobs/" + id.value.substr(0, 2) + "/" + id.value;
}

class BodyPieces final : public Pieces {
 public:
  explicit BodyPieces(std::unique_ptr<client::Incoming> body) : body_(std::move(body)) {}
  Task<std::string> read() override { return body_->read(); }

 private:
  std::unique_ptr<client::Incoming> body_;
};

}  // namespace

std::string header_value(Range range) {
  return "bytes=" + std::to_string(range.offset) + "-" + std::to_string(range.offset + range.size - 1);
}

std::string path_in(std::string_view address) {
  std::size_t at = address.find('/', address.find("://") + 3);
  std::string path = at == address.npos ? "" : without_slashes(std::string(address.substr(at)));
  return path.empty() ? path : "/" + path;
}

std::string without_slashes(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  while (text.starts_with('/')) text.erase(0, 1);
  return text;
}

Objects::Objects(std::unique_ptr<ObjectServer> server, client::Client& client, std::string spool_folder)
    : server_(std::move(server)),
      client_(client),
      spool_folder_(std::move(spool_folder)),
      called_("file storage (" + std::string(server_->called()) + ")") {}

/// `answer` is for the operator: the server's own words.
void Objects::refuse(int status, std::string_view answer) const {
  throw Problem(Problem::Kind::unavailable, "The " + called_ + " answers " + std::to_string(status) +
                                                ": " + cure_for(status, server_->cures()) + ".")
      .because(std::string(utf8_prefix(answer, 500)))
      .answering(status == 507 ? 507 : 503);
}

Task<client::Request> Objects::request(Wanted wanted) {
  client::Request out = co_await server_->request(std::move(wanted));
  out.reach = client::Reach::admin_configured;
  out.stall_timeout = 60s;
  out.max_body = kMostAnswer;
  out.called = "the " + called_;
  co_return out;
}

Task<client::Response> Objects::ask(Wanted wanted, std::string body,
                                    std::optional<client::FileBody> file) {
  for (std::size_t turn = 0;; ++turn) {
    bool last = turn == std::size(kWaits);
    try {
      client::Request next = co_await request(wanted);
      next.body = body;
      next.file = file;
      client::Response response = co_await client_.fetch(std::move(next));
      if (last || !passing(response.status)) co_return response;
    } catch (const Problem& p) {
      if (last || p.kind() != Problem::Kind::upstream) throw;
    }
    co_await sleep_for(kWaits[turn]);
  }
}

Task<> Objects::prepare() {
  co_await on_disk([this] { make_folder(spool_folder_); });
  try {
    co_await try_out();
  } catch (const Problem& p) {
    // A server that is away comes back, and chats go on without it. A wrong setting does not cure
    // itself.
    if (p.kind() != Problem::Kind::upstream) throw;
    log::warn("The " + called_ + " cannot be reached: files and pictures are not there until it is",
              {{"place", place()}, {"detail", p.detail()}, {"cause", p.cause()}});
  }
}

/// Whether what is written can be read at once, and removed.
Task<> Objects::try_out() {
  std::string name = "/.antiphon-probe/" + random_hex(8), bytes = random_hex(16);
  client::Response done =
      co_await ask({"PUT", name, hex(sha256(bytes)), static_cast<std::int64_t>(bytes.size())}, bytes);
  if (!is_done(done.status)) refuse(done.status, done.body);
  client::Response got = co_await ask({"GET", name, kNoBody});
  if (got.status != 200) refuse(got.status, got.body);
  if (got.body != bytes)
    throw Problem(Problem::Kind::unavailable,
                  "The " + called_ +
                      " does not give back what it was just given: use one whose reads "
                      "see every write, or STORAGE_PROVIDER=database.");
  client::Response gone = co_await ask({"DELETE", name, kNoBody});
  if (!is_gone(gone.status)) refuse(gone.status, gone.body);
}

Task<bool> Objects::has(Blob blob) {
  client::Response found = co_await ask({"HEAD", name_of(blob.id), kNoBody});
  if (found.status == 404) co_return false;
  if (found.status != 200) refuse(found.status, found.body);
  co_return found.header("content-length") == std::to_string(blob.size);
}

Task<> Objects::store(SpoolPtr spool) {
  const Blob& blob = spool->blob();
  if (blob.size > server_->most_bytes())
    throw Problem(Problem::Kind::too_large, "A file of more than " +
                                                std::to_string(server_->most_bytes() >> 20) +
                                                " MiB cannot be kept in the " + called_ + ".");
  client::Response done = co_await ask({"PUT", name_of(blob.id), blob.id.value, blob.size}, {},
                                       client::FileBody{spool->descriptor(), blob.size, spool});
  if (!is_done(done.status)) refuse(done.status, done.body);
}

Task<std::unique_ptr<Pieces>> Objects::open(Blob blob, Range range) {
  Wanted wanted{"GET", name_of(blob.id), kNoBody};
  bool part = range.size != blob.size;
  if (part) wanted.range = range;
  for (std::size_t turn = 0;; ++turn) {
    bool last = turn == std::size(kWaits);
    try {
      client::Request get = co_await request(wanted);
      get.max_body = static_cast<std::size_t>(std::max<std::int64_t>(range.size, kMostAnswer));
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

Task<> Objects::remove(BlobId id) {
  client::Response gone = co_await ask({"DELETE", name_of(id), kNoBody});
  if (!is_gone(gone.status) && gone.status != 404) refuse(gone.status, gone.body);
}

}  // namespace antiphon::blobs
