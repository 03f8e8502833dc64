#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/task.h"
#include "http/caller.h"
#include "json/text.h"

namespace antiphon::completions {

/// Something the server does for a model. Runs with the caller's rights; its arguments were written by
/// a model and count as an attacker's input (row 55).
struct Tool {
  std::string name;
  std::string description;
  json::Value parameters;   ///< JSON Schema of the arguments.
  bool idempotent = false;  ///< May be run again after a crash between intent and result.
  std::function<Task<std::string>(const User& me, const json::Value& arguments)> run;
};

/// The tools of the process. Filled by main; later read-only.
class Toolbox {
 public:
  void add(Tool tool) { tools_.push_back(std::move(tool)); }
  /// OpenAI's `tools` list; empty when there are none.
  json::Array declarations() const;
  const Tool* find(std::string_view name) const;
  bool empty() const { return tools_.empty(); }

 private:
  std::vector<Tool> tools_;
};

/// The time now, in UTC and in the zone asked for.
Tool current_time_tool();

}  // namespace antiphon::completions
