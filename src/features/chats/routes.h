#pragma once

#include <functional>

#include "features/chats/editor.h"
#include "features/chats/sidebar.h"
#include "runs/runs.h"

namespace antiphon::http {
class Router;
}

namespace antiphon::chats {

/// What the HTTP face needs from elsewhere.
struct RouteParts {
  Chats& chats;
  Editor& editor;
  Sidebar& sidebar;
  runs::Runs& runs;
  const Guard& guard;
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

}  // namespace antiphon::chats
