#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "features/chats/dto.h"
#include "http/caller.h"

/// Documents that messages name: their texts go along when a model is asked, with the rights that who
/// asks has then (row 49).
namespace antiphon::completions {

struct Documents {
  /// The text of a file; nothing for one he may not read, or that has none.
  std::function<Task<std::optional<std::string>>(const User& me, std::string file_id)> read;
};

/// Bytes of documents that go along in one call.
inline constexpr std::size_t kMostDocuments = 512 << 10;

/// Appends the texts of documents to the messages that name them, the latest message first. What goes
/// beyond kMostDocuments is cut off, and says so; what cannot be read stays as it is named.
Task<> put_documents(const Documents& documents, const User& me, std::vector<chats::Message>& branch);

}  // namespace antiphon::completions
