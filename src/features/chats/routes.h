#pragma once

#include <functional>

#include "config/store.h"
#include "features/chats/editor.h"
#include "features/chats/settings.h"
#include "features/chats/sharing.h"
#include "features/chats/sidebar.h"
#include "features/chats/unread.h"
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
  /// Whether the folder is the user's.
  std::function<Task<bool>(const User&, std::string folder_id)> owns_folder;
  /// Tells the owner's other windows that the list changed.
  std::function<void(const UserId&, const std::string& chat_id)> changed;
  /// Passes an event on to the owner's sockets (POST …/event).
  std::function<void(const UserId&, json::Value envelope)> emit;
};

void add_routes(http::Router& r, const RouteParts& parts);

/// Takes the owner's chats out of these folders: deletes them, stopping what is being written there, or
/// moves them to the top.
Task<> empty_folders(const RouteParts& parts, const User& me, std::vector<std::string> folder_ids,
                     bool and_delete);

}  // namespace antiphon::chats
