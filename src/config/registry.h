#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/setting.h"

namespace antiphon::config {

/// What the environment said that matters to the operator. Never repeats a value.
struct EnvReport {
  std::vector<std::string> errors;   ///< Values that do not fit: the process must not start.
  std::vector<std::string> ignored;  ///< Variables of Open WebUI that are set and not honoured.
  std::vector<std::string>
      strange;  ///< Misspelt, it seems: "CHATS_PAGE_SIZ: did you mean CHATS_PAGE_SIZE?"
};

/// All groups of the process. Built in main, so that reading main tells what can be set. Not to be
/// added to once it is in use; then any thread.
class Registry {
 public:
  /// Throws std::logic_error when a variable or key is declared already.
  void add(Group& group);

  /// Default < environment. All complaints at once.
  EnvReport load_env(const std::vector<std::pair<std::string, std::string>>& env);

  /// Null when there is none.
  AnySetting* by_env(std::string_view name) const;
  AnySetting* by_key(std::string_view key) const;
  const std::vector<Group*>& groups() const { return groups_; }

  /// By key or variable, as JSON; `otherwise` when nothing of that name is declared.
  json::Value value_of(std::string_view name, json::Value otherwise) const;
  /// Rises whenever any value changes.
  std::uint64_t revision() const;

  /// The value a setting has when the database says nothing: the environment's, else the default.
  const std::shared_ptr<const void>& base(const AnySetting& setting) const;
  /// Whether the environment set it.
  bool from_environment(const AnySetting& setting) const;

  /// docs/settings.md.
  std::string markdown() const;

 private:
  bool take(const AnySetting& setting, std::string_view name, std::string_view text, EnvReport& report);
  void check_groups(EnvReport& report) const;

  std::vector<Group*> groups_;
  std::unordered_map<std::string_view, AnySetting*> by_env_, by_key_;
  std::unordered_map<const AnySetting*, std::shared_ptr<const void>> base_;  ///< From the environment.
};

/// Whether Open WebUI 0.12.4 knows a variable of that name.
bool upstream_knows(std::string_view name);

}  // namespace antiphon::config
