#pragma once

#include <functional>

#include "config/store.h"
#include "features/chats/editor.h"
#include "features/chats/settings.h"
#include "features/chats/sharing.h"
#include "features/chats/sidebar.h"
#include "features/chats/unread.h"
#include "features/folders/folders.h"
#include "runs/runs.h"

namespace antiphon::http {
class Router;
}

namespace antiphon::chats {

/// What the HTTP face needs from elsewhere.
struct RouteParts {
  store::Db& db;
  Chats& chats;
  Editor& editor;
  Sidebar& sidebar;
  Unread& unread;
  Sharing& sharing;
  runs::Runs& runs;
  const Guard& guard;
  const Settings& settings;
  config::Store& config;
  /// Whether the user may do what this permission names ("chat.delete", "chat.share" …).
  std::function<Task<bool>(const User&, std::string_view permission)> permitted;
  /// Whether statistics may be exported, for Open WebUI's community site.
  std::function<bool()> community;
  /// Whether the user may put chats into the folder.
  std::function<Task<bool>(const User&, std::string folder_id)> may_file;
  /// Tells the owner's other windows that the list changed.
  std::function<void(const UserId&, const std::string& chat_id)> changed;
  /// Passes an event on to the owner's sockets (POST …/event).
  std::function<void(const UserId&, json::Value envelope)> emit;
};

void add_routes(http::Router& r, const RouteParts& parts);

/// Takes the chats out of these folders: the owner's are deleted, stopping what is being written there,
/// or moved to the top; those of others are moved.
Task<> empty_folders(const RouteParts& parts, const User& me, std::vector<std::string> folder_ids,
                     bool and_delete);
/// A page of everybody's chats in the folder, which the caller has the right to see.
Task<json::Object> chats_in_folder(const RouteParts& parts, const User& me, std::string folder_id,
                                   folders::SharedQuery query);

}  // namespace antiphon::chats
