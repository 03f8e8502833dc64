#include "features/files/processing.h"

#include <boost/json.hpp>

#include "base/async.h"
#include "base/disk.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/time.h"
#include "blobs/spool.h"

namespace antiphon::files {
namespace {

using namespace std::chrono_literals;
using store::Sql;

constexpr std::string_view kKind = "file.text";
/// Of jobs::Jobs.
constexpr std::int64_t kLastAttempt = 4;
constexpr std::string_view kBroken = "The text of this file could not be read. Please send it again.";

/// Models look at pictures themselves.
bool has_text(const File& file) {
  for (std::string_view kind : {"image/", "audio/", "video/"})
    if (file.content_type.starts_with(kind)) return false;
  return true;
}

/// Sections one after the other, as much as a file's text may have.
std::string joined(const extract::Document& document) {
  constexpr std::string_view kRest = "\n[The rest of this document was left out: it is too long.]\n";
  std::string out;
  for (const extract::Section& section : document.sections) {
    if (!out.empty()) out += '\n';
    out += section.text;
  }
  auto most = static_cast<std::size_t>(Files::kContent);
  if (out.size() <= most && !document.cut) return out;
  out.resize(utf8_prefix(out, std::min(out.size(), most - kRest.size())).size());
  return out += kRest;
}

/// Whether another attempt may do better.
bool may_pass(const Problem& p) {
  return p.kind() == Problem::Kind::unavailable || p.kind() == Problem::Kind::upstream;
}

}  // namespace

Processing::Processing(Parts parts) : p_(std::move(parts)) {
  p_.jobs.on(std::string(kKind), [this](const jobs::Job& job) { return perform(job); });
}

Task<> Processing::begin(store::Connection& c, File& file) const {
  static constexpr Sql kPending{"files.pending",
                                "UPDATE file SET status = 'pending', error = NULL WHERE id = $1"};
  if (!has_text(file)) co_return;
  co_await c.run(kPending, file.id);
  co_await c.run_bound(
      jobs::Jobs::queueing(kKind, "file.text:" + file.id, json::Object{{"file", file.id}}));
  file.status = "pending";
}

Task<std::optional<File>> Processing::wait(std::string id, std::chrono::seconds patience) const {
  auto until = std::chrono::steady_clock::now() + patience;
  auto file = co_await p_.files.find(id);
  while (file && file->status == "pending" && std::chrono::steady_clock::now() < until) {
    co_await sleep_for(200ms);
    file = co_await p_.files.find(id);
  }
  co_return file;
}

Task<std::optional<std::string>> Processing::text(const Guard& guard, const User& me,
                                                  std::string id) const {
  auto file = co_await guard.readable(me, id);
  if (file) file = co_await wait(std::move(id), kAsked);
  if (!file) co_return std::nullopt;
  std::string out = co_await p_.files.content(file->id);
  if (out.empty()) co_return std::nullopt;
  co_return out;
}

Task<> Processing::perform(const jobs::Job& job) {
  auto file = co_await p_.files.find(std::string(json::text_at(job.payload, "file")));
  bool last = job.attempts >= kLastAttempt;
  // What a last attempt left behind may be failed already.
  if (!file || (file->status != "pending" && !last)) co_return;
  // If this process dies of it there is nobody to say so afterwards.
  if (last) co_await fail(file->id, std::string(kBroken));
  std::optional<Problem> problem;
  try {
    co_await p_.files.set_content(*file, co_await text_of(*file));
  } catch (const Problem& p) {
    problem = p;
  }
  if (!problem) co_return;
  if (may_pass(*problem) && !last) throw *problem;
  log::info("A file has no text", {{"file", file->id}, {"why", problem->detail()}});
  co_await fail(file->id, problem->detail());
}

Task<std::string> Processing::text_of(const File& file) {
  blobs::SpoolPtr spool;
  co_await on_disk([&] { spool = std::make_shared<blobs::Spool>(p_.spool, false); });
  auto pieces = co_await p_.files.open(file);
  for (std::string piece = co_await pieces->read(); !piece.empty(); piece = co_await pieces->read())
    co_await on_disk([&] { spool->append(piece); });
  // Opened once more, to be read only.
  auto document = co_await p_.extractor.extract(
      extract::Source::file("/proc/self/fd/" + std::to_string(spool->descriptor())), file.filename,
      file.content_type);
  co_return joined(document);
}

Task<> Processing::fail(const std::string& id, const std::string& error) {
  static constexpr Sql kFailed{
      "files.failed",
      "UPDATE file SET status = 'failed', error = $2 WHERE id = $1 AND status <> 'completed'"};
  co_await p_.db.run(kFailed, id, error);
}

}  // namespace antiphon::files
