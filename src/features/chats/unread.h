#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http/caller.h"
#include "store/db.h"

namespace antiphon::chats {

/// What users have not seen yet. A chat is unread when it changed after its owner last looked, and no
/// answer in it is unfinished.
class Unread {
 public:
  explicit Unread(store::Db& db) : db_(db) {}
  using Counts = std::map<std::string, std::int64_t>;

  /// Unread chats that are not archived, by folder; folders without any are left out.
  Task<Counts> by_folder(std::string user_id) const;
  /// The owner has seen the chat now; with `at` 0: has not. False when it is not the owner's.
  Task<bool> mark(std::string user_id, std::string chat_id, std::int64_t at);
  /// All unread chats are read; those in `folders` only, when given. How many they were.
  Task<std::int64_t> mark_all(std::string user_id, std::optional<std::vector<std::string>> folders);

 private:
  store::Db& db_;
};

/// `{folder: count}`, as clients read it; every one of `named` is there.
json::Value to_json(const Unread::Counts& counts, const std::vector<std::string>& named = {});

}  // namespace antiphon::chats
