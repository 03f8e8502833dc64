#include "features/files/files.h"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/disk.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "http/multipart.h"
#include "http/text.h"

namespace antiphon::files {

ANTIPHON_DTO_DEFINE(File)

struct CountRow {
  std::int64_t count = 0;
};
ANTIPHON_DTO(CountRow, count)
ANTIPHON_DTO_DEFINE(CountRow)

struct ContentRow {
  std::optional<std::string> content;
};
ANTIPHON_DTO(ContentRow, content)
ANTIPHON_DTO_DEFINE(ContentRow)

namespace {

using store::Sql;

#define ANTIPHON_FILE_COLUMNS                                                                       \
  "id, user_id, filename, blob_id, size, content_type, metadata, status, hash, error, created_at, " \
  "updated_at"

constexpr Sql kReferences{"files.blobs", R"(
    SELECT DISTINCT blob_id AS value FROM file WHERE blob_id IN (SELECT value FROM json_each($1)))",
                          "SELECT DISTINCT blob_id AS value FROM file WHERE blob_id = ANY($1)"};

/// Texts are given as long as they and those of the files before are not too much for one answer. Which
/// those are is known by their lengths; the others are not read. A text whose length is not known
/// counts as the longest.
#define ANTIPHON_LISTED(whose, like)                                                                   \
  "WITH page AS (SELECT id, created_at, COALESCE(content_size, CASE WHEN content IS NULL THEN 0"       \
  " ELSE 1048576 END) AS length FROM file WHERE user_id " whose " $1 AND filename " like               \
  " $2 ESCAPE '\\' ORDER BY created_at DESC, id LIMIT $5 OFFSET $6),"                                  \
  " fitting AS (SELECT id AS file_id, CAST(SUM(length) OVER (ORDER BY created_at DESC, id) AS BIGINT)" \
  " AS so_far FROM page) SELECT " ANTIPHON_FILE_COLUMNS                                                \
  ", CASE WHEN $3 AND so_far <= $4 THEN content END AS content FROM fitting JOIN file"                 \
  " ON file.id = fitting.file_id ORDER BY created_at DESC, id"
constexpr Sql kOwn{"files.own", ANTIPHON_LISTED("=", "LIKE"), ANTIPHON_LISTED("=", "ILIKE")};
constexpr Sql kAll{"files.all", ANTIPHON_LISTED("<>", "LIKE"), ANTIPHON_LISTED("<>", "ILIKE")};

/// As LIKE writes it.
std::string pattern_of(std::string_view glob) {
  std::string out;
  for (char c : glob) {
    if (c == '*' && out.ends_with('%') && !out.ends_with("\\%")) continue;
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c == '*' ? '%' : c == '?' ? '_' : c;
  }
  return out;
}

/// "image/png" and the like; what is no media type tells nobody anything.
std::string media_type(std::string_view said) {
  said = http::trim(http::take_part(said, ';'));
  std::size_t slash = said.find('/');
  bool fine = said.size() <= 127 && slash != said.npos && is_token(said.substr(0, slash)) &&
              is_token(said.substr(slash + 1));
  if (!fine) return "application/octet-stream";
  std::string out(said);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string ending_of(std::string_view name) {
  std::size_t dot = name.rfind('.');
  return dot == name.npos ? std::string() : std::string(name.substr(dot + 1));
}

/// The bytes on disk, a piece at a time.
blobs::Source source_of(http::UploadedFilePtr sent) {
  return [sent = std::move(sent), at = std::int64_t{0}]() mutable -> Task<std::string> {
    std::string piece(static_cast<std::size_t>(std::min(blobs::kPiece, sent->size() - at)), '\0');
    if (piece.empty()) co_return piece;
    co_await on_disk([&] {
      ssize_t got = 0;
      do got = ::pread(sent->descriptor(), piece.data(), piece.size(), at);
      while (got < 0 && errno == EINTR);
      if (got <= 0) throw std::system_error(errno, std::generic_category(), "upload");
      piece.resize(static_cast<std::size_t>(got));
    });
    at += static_cast<std::int64_t>(piece.size());
    co_return piece;
  };
}

}  // namespace

Files::Files(store::Db& db, blobs::Blobs& blobs, const Settings& settings)
    : db_(db), blobs_(blobs), settings_(settings) {
  blobs.referenced_by(kReferences);
}

std::int64_t Files::most_bytes() const {
  std::int64_t mib = settings_.max_size().value_or(0);
  return (mib ? mib : kMostMiB) << 20;
}

void Files::check_name(std::string_view name) const {
  auto base = http::base_name(name);
  if (!base || *base != name || !valid_utf8(name))
    throw Problem(Problem::Kind::invalid, "A file's name has 1 to 255 bytes and no folders in it.");
  auto allowed = settings_.extensions.share();
  if (allowed->empty()) return;
  std::string ending = ending_of(name);
  for (std::string_view one : *allowed) {
    if (one.starts_with('.')) one.remove_prefix(1);
    if (http::equal_ignoring_case(one, ending)) return;
  }
  throw Problem(Problem::Kind::invalid, "Files with the ending \"" + ending + "\" are not taken here.");
}

Task<File> Files::add(const User& me, http::UploadedFilePtr sent, json::Value metadata, Place place) {
  static constexpr Sql kInsert{"files.insert", R"(
      INSERT INTO file (id, user_id, filename, blob_id, size, content_type, metadata, status, created_at,
                        updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9))"};
  check_name(sent->name());
  File file;
  file.id = uuid4();
  file.user_id = me.id.value;
  file.filename = sent->name();
  file.content_type = media_type(sent->type());
  file.metadata = std::move(metadata);
  file.status = "completed";
  blobs::Blob blob = co_await blobs_.put(source_of(std::move(sent)), most_bytes());
  file.blob_id = blob.id.value;
  file.size = blob.size;
  file.created_at = file.updated_at = unix_seconds();
  co_await db_.transact([&](store::Connection& c) -> Task<> {
    co_await check_room(c, file.user_id, file.size);
    co_await c.run(kInsert, file.id, file.user_id, file.filename, file.blob_id, file.size,
                   file.content_type, file.metadata, file.status, file.created_at);
    if (place) co_await place(c, file);
  });
  co_return file;
}

/// `source`: the database, or a transaction on it.
template <class Source>
Task<std::optional<std::int64_t>> Files::room(Source& source, const std::string& user) const {
  static constexpr Sql kUsed{
      "files.used", "SELECT COALESCE(SUM(size), 0) AS count FROM file WHERE user_id = $1",
      "SELECT COALESCE(SUM(size), 0)::bigint AS count FROM file WHERE user_id = $1"};
  std::int64_t mib = settings_.quota().value_or(0);
  if (mib == 0) co_return std::nullopt;
  auto used = co_await source.template first<CountRow>(kUsed, user);
  co_return std::max<std::int64_t>((mib << 20) - used->count, 0);
}

std::string Files::no_room(std::int64_t room) const {
  return "Your files may have " + std::to_string(settings_.quota().value_or(0)) +
         " MiB together, and there is room for " + std::to_string(room >> 10) +
         " KiB more. Delete some, or ask an administrator.";
}

Task<http::FileLimit> Files::limit(UserId user) const {
  std::int64_t most = most_bytes();
  auto left = co_await room(db_, user.value);
  if (left && *left < most)
    co_return http::FileLimit{static_cast<std::uint64_t>(*left), no_room(*left)};
  co_return http::FileLimit{.bytes = static_cast<std::uint64_t>(most)};
}

/// Once more when it is kept: others of the same user may have come meanwhile.
Task<> Files::check_room(store::Connection& c, const std::string& user, std::int64_t bytes) const {
  // On PostgreSQL those who send for one user at the same time wait for one another.
  static constexpr Sql kAlone{"files.alone", R"(SELECT 1 AS count FROM "user" WHERE id = $1)",
                              R"(SELECT 1 AS count FROM "user" WHERE id = $1 FOR NO KEY UPDATE)"};
  if (settings_.quota().value_or(0) == 0) co_return;
  (void)co_await c.first<CountRow>(kAlone, user);
  auto left = co_await room(c, user);
  if (left && bytes > *left) throw Problem(Problem::Kind::too_large, no_room(*left));
}

Task<std::optional<File>> Files::find(std::string id) const {
  static constexpr Sql kFind{"files.find", "SELECT " ANTIPHON_FILE_COLUMNS " FROM file WHERE id = $1"};
  co_return co_await db_.first<File>(kFind, id);
}

Task<std::string> Files::content(std::string id) const {
  static constexpr Sql kContent{"files.content", "SELECT content FROM file WHERE id = $1"};
  auto row = co_await db_.first<ContentRow>(kContent, id);
  co_return row ? row->content.value_or("") : std::string();
}

Task<std::vector<File>> Files::list(Wanted wanted) const {
  co_return co_await db_.all<File>(wanted.owner.empty() ? kAll : kOwn, wanted.owner,
                                   pattern_of(wanted.glob), wanted.content, kListed, wanted.limit,
                                   wanted.offset);
}

Task<std::int64_t> Files::count(std::string owner) const {
  static constexpr Sql kOfOne{"files.count_own",
                              "SELECT COUNT(*) AS count FROM file WHERE user_id = $1"};
  static constexpr Sql kOfAll{"files.count_all", "SELECT COUNT(*) AS count FROM file"};
  auto row = owner.empty() ? co_await db_.first<CountRow>(kOfAll)
                           : co_await db_.first<CountRow>(kOfOne, owner);
  co_return row ? row->count : 0;
}

Task<> Files::set_content(const File& file, std::string text) {
  static constexpr Sql kSet{"files.set_content", R"(
      UPDATE file SET content = $2, content_size = LENGTH($2), hash = $3, status = 'completed', updated_at = $4
       WHERE id = $1)"};
  std::string hash = hex(sha256(text));
  if (co_await db_.run(kSet, file.id, text, hash, unix_seconds()) == 0) throw not_found("File");
}

Task<> Files::rename(const File& file, std::string filename) {
  static constexpr Sql kRename{"files.rename",
                               "UPDATE file SET filename = $2, updated_at = $3 WHERE id = $1"};
  check_name(filename);
  if (co_await db_.run(kRename, file.id, filename, unix_seconds()) == 0) throw not_found("File");
}

Task<> Files::remove(const File& file) {
  static constexpr Sql kRemove{"files.remove", "DELETE FROM file WHERE id = $1"};
  co_await db_.run(kRemove, file.id);
}

Task<> Files::remove_everybodys() {
  static constexpr Sql kRemove{"files.remove_everybodys", "DELETE FROM file"};
  co_await db_.run(kRemove);
}

Task<> Files::remove_all(store::Connection& c, const UserId& user) {
  static constexpr Sql kRemove{"files.remove_all", "DELETE FROM file WHERE user_id = $1"};
  co_await c.run(kRemove, user);
}

Task<std::unique_ptr<blobs::Pieces>> Files::open(const File& file, blobs::Range range) const {
  auto pieces = co_await blobs_.open({file.blob_id}, range);
  if (!pieces)
    throw Problem(Problem::Kind::unavailable, "The bytes of this file are not there any more.")
        .because("blob " + file.blob_id + " of file " + file.id);
  co_return pieces;
}

// ---------------------------------------------------------------------------------------------

/// What grants a file to others grants reading it, never more (row 47).
Task<bool> Guard::may(const User& me, const File& file, Right wanted) const {
  if (file.user_id == me.id.value || me.admin()) co_return true;
  co_return wanted == Right::read&& shown_&& co_await shown_(me, file.user_id, file.id);
}

Task<std::optional<File>> Guard::held(const User& me, std::string id, Right wanted) const {
  auto file = co_await files_.find(std::move(id));
  if (file && !co_await may(me, *file, wanted)) file.reset();
  co_return file;
}

Task<File> Guard::opened(const User& me, std::string id, Right wanted) const {
  auto file = co_await held(me, std::move(id), wanted);
  if (!file) throw not_found("File");
  co_return std::move(*file);
}

Task<std::optional<File>> Guard::readable(const User& me, std::string id) const {
  co_return co_await held(me, std::move(id), Right::read);
}

}  // namespace antiphon::files
