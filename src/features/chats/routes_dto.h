#pragma once

#include "auth/grants.h"
#include "json/dto.h"

/// Forms and queries of /api/v1/chats.
namespace antiphon::chats {

struct ListQuery {
  std::optional<std::int64_t> page;
  json::Flag<false> include_pinned;
  json::Flag<false> include_folders;
  std::optional<std::string> sort_by, sort_dir;
  std::optional<std::string> query, order_by, direction;
};
ANTIPHON_DTO(ListQuery, page, include_pinned, include_folders, sort_by, sort_dir, query, order_by,
             direction)

struct SearchForm {
  std::string text;
  std::optional<std::int64_t> page;
};
ANTIPHON_DTO(SearchForm, text, page)

struct ChatForm {
  json::Value chat;
  std::optional<json::Value> variables;
  std::optional<std::string> folder_id;
};
ANTIPHON_DTO(ChatForm, chat, variables, folder_id)

struct ImportForm {
  json::Value chat;
  std::optional<json::Value> variables;
  std::optional<std::string> folder_id;
  std::optional<json::Value> meta;
  std::optional<bool> pinned, archived;
  std::optional<std::int64_t> created_at, updated_at;
};
ANTIPHON_DTO(ImportForm, chat, variables, folder_id, meta, pinned, archived, created_at, updated_at)

struct ImportsForm {
  std::vector<ImportForm> chats;
};
ANTIPHON_DTO(ImportsForm, chats)

struct MessageForm {
  std::optional<std::string> content;
  std::optional<json::Value> voice;
};
ANTIPHON_DTO(MessageForm, content, voice)

struct EventForm {
  std::string type;
  json::Value data;
};
ANTIPHON_DTO(EventForm, type, data)

struct ForkForm {
  std::optional<std::string> message_id;
};
ANTIPHON_DTO(ForkForm, message_id)

struct CloneForm {
  std::optional<std::string> title;
};
ANTIPHON_DTO(CloneForm, title)

struct ShareForm {
  std::optional<std::string> share_mode;
};
ANTIPHON_DTO(ShareForm, share_mode)

struct AccessForm {
  std::vector<auth::Grant> access_grants;
  std::optional<std::string> share_mode;
};
ANTIPHON_DTO(AccessForm, access_grants, share_mode)

struct UsageQuery {
  json::Number<1, 1, 1'000'000> page;
  json::Number<50, 1, 100> items_per_page;
};
ANTIPHON_DTO(UsageQuery, page, items_per_page)

struct CompactForm {
  std::optional<std::string> model;
};
ANTIPHON_DTO(CompactForm, model)

/// The answer to a tool call that waits for one.
struct ResolveForm {
  std::string call_id;
  std::string action;
};
ANTIPHON_DTO(ResolveForm, call_id, action)

struct FolderIdForm {
  std::optional<std::string> folder_id;
};
ANTIPHON_DTO(FolderIdForm, folder_id)

struct TagForm {
  std::string name;
};
ANTIPHON_DTO(TagForm, name)

struct TagFilter {
  std::string name;
  std::optional<std::int64_t> skip, limit;
};
ANTIPHON_DTO(TagFilter, name, skip, limit)

/// A page of one branch, for clients that do not need the whole chat.
struct BranchQuery {
  /// The branch goes through this message and on, at each fork to the newest; nothing, or one that is
  /// gone: the chat's current branch.
  std::optional<std::string> leaf;
  std::optional<std::string>
      until;  ///< It ends in this message: for the page before one that is known.
  json::Number<100, 1, 1000> limit;
};
ANTIPHON_DTO(BranchQuery, leaf, until, limit)

/// Goes to the branch through this message.
struct BranchForm {
  std::string leaf;
  json::Number<100, 1, 1000> limit;
};
ANTIPHON_DTO(BranchForm, leaf, limit)

}  // namespace antiphon::chats
