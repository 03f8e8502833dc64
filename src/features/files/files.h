#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "blobs/blobs.h"
#include "features/files/settings.h"
#include "http/caller.h"
#include "http/granted.h"
#include "http/upload.h"
#include "json/dto.h"
#include "json/text.h"
#include "store/db.h"

/// Files of users: a row with what is known of each, and its bytes in a blob.
namespace antiphon::files {

struct File {
  static constexpr std::string_view kKind = "file";

  std::string id;
  std::string user_id;
  std::string filename;  ///< For people: no path is ever made of it.
  std::string blob_id;
  std::int64_t size = 0;
  std::string content_type;  ///< As the sender said; "application/octet-stream" when he did not.
  json::Value metadata;      ///< What the sender said beside the file; object.
  std::string
      status;  ///< Of its text: "pending", "failed", or "completed" when nothing is to be done for it.
  std::optional<std::string> content;  ///< Its text, of at most kContent bytes; where asked for.
  std::optional<std::string> hash;     ///< SHA-256 of the text, hexadecimal.
  std::optional<std::string> error;    ///< Why it failed, for people.
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(File, id, user_id, filename, blob_id, size, content_type, metadata, status, content, hash,
             error, created_at, updated_at)

/// Which files a list is of.
struct Wanted {
  std::string owner = {};  ///< "": everybody's.
  std::string glob = "*";  ///< Of the name; `*` and `?` stand for any characters and for one.
  bool content = false;    ///< With their texts, of the first files as far as kListed goes.
  std::int64_t limit = kPage;
  std::int64_t offset = 0;

  static constexpr std::int64_t kPage = 50;
};

/// What else there is to do for a file that comes, in the transaction that makes its row: where it
/// throws, the row is not there either.
using Place = std::function<Task<>(store::Connection&, File&)>;

class Files {
 public:
  static constexpr std::int64_t kContent = 1 << 20;  ///< Bytes of a file's text.
  static constexpr std::int64_t kListed = 8 << 20;   ///< Characters of texts in one list.
  static constexpr std::int64_t kMostMiB = 1024;     ///< Of a file, where no setting says otherwise.

  /// Tells the sweeper of blobs which are in use.
  Files(store::Db& db, blobs::Blobs& blobs, const Settings& settings);

  /// Bytes a file may have now.
  std::int64_t most_bytes() const;
  /// What a file of the user may have while it comes: most_bytes(), or the room that is left of what he
  /// may keep.
  Task<http::FileLimit> limit(UserId user) const;
  /// Keeps what was sent. Throws Problem: 400 for a name or an ending that may not be, 413 for what
  /// does not fit in what its user may keep, and as Blobs::put() does. A row is there only when all
  /// bytes are durable (S69).
  Task<File> add(const User& me, http::UploadedFilePtr sent, json::Value metadata, Place place = {});

  Task<std::optional<File>> find(std::string id) const;
  /// The file's text; "" when it has none.
  Task<std::string> content(std::string id) const;
  /// The newest first.
  Task<std::vector<File>> list(Wanted wanted) const;
  Task<std::int64_t> count(std::string owner) const;

  /// Replaces the file's text; its bytes stay.
  Task<> set_content(const File& file, std::string text);
  /// Throws 400 as add() does.
  Task<> rename(const File& file, std::string filename);
  /// Its bytes go a day after the last row that has them, by the sweeper.
  Task<> remove(const File& file);
  Task<> remove_everybodys();
  /// All of the user's; part of a transaction.
  static Task<> remove_all(store::Connection& c, const UserId& user);

  /// The bytes of a file that was granted, or a part. Throws as Blobs::open() does, and 503 where they
  /// are gone.
  Task<std::unique_ptr<blobs::Pieces>> open(const File& file, blobs::Range range = {}) const;

 private:
  void check_name(std::string_view name) const;
  /// Bytes that the user may keep more; nothing where it is any number.
  template <class Source>
  Task<std::optional<std::int64_t>> room(Source& source, const std::string& user) const;
  /// Throws 413 unless the user may keep so many bytes more.
  Task<> check_room(store::Connection& c, const std::string& user, std::int64_t bytes) const;
  std::string no_room(std::int64_t room) const;

  store::Db& db_;
  blobs::Blobs& blobs_;
  const Settings& settings_;
};

/// What `me` may do with a file: its owner and administrators everything; who may read a chat that its
/// owner put it into may read it. The one place that decides.
class Guard {
 public:
  /// Whether `me` may read something that `owner` has put the file into.
  using Shown = std::function<Task<bool>(const User& me, std::string owner, std::string id)>;

  explicit Guard(const Files& files, Shown shown = {}) : files_(files), shown_(std::move(shown)) {}

  /// Throws 404 for a file that is missing and for one the caller has no such right to (row 46).
  template <Right R>
  Task<Granted<File, R>> grant(const User& me, std::string id) const {
    co_return Granted<File, R>::after_check(co_await opened(me, std::move(id), R));
  }
  /// As grant(), with nothing in place of the 404.
  Task<std::optional<File>> readable(const User& me, std::string id) const;

 private:
  Task<File> opened(const User& me, std::string id, Right wanted) const;
  Task<std::optional<File>> held(const User& me, std::string id, Right wanted) const;
  Task<bool> may(const User& me, const File& file, Right wanted) const;

  const Files& files_;
  Shown shown_;
};

}  // namespace antiphon::files
