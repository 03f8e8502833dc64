#include <boost/json.hpp>

#include "features/tasks/tasks.h"

namespace antiphon::tasks {

using completions::Chore;
using completions::ChorePolicy;

ChorePolicy policy_of(const Settings& s, Chore chore) {
  json::Value params = s.params();
  ChorePolicy policy{.params = params.is_object() ? params.as_object() : json::Object()};
  auto set = [&](bool enabled, std::string prompt) {
    policy.enabled = enabled;
    policy.prompt = std::move(prompt);
  };
  switch (chore) {
    case Chore::title:
      set(s.title(), s.title_prompt());
      break;
    case Chore::tags:
      set(s.tags(), s.tags_prompt());
      break;
    case Chore::follow_ups:
      set(s.follow_ups(), s.follow_up_prompt());
      break;
    case Chore::search_queries:
      set(s.search_queries(), s.query_prompt());
      break;
    case Chore::retrieval_queries:
      set(s.retrieval_queries(), s.query_prompt());
      break;
    case Chore::autocompletion:
      set(s.autocompletion(), s.autocompletion_prompt());
      break;
    case Chore::image_prompt:
      set(true, s.image_prompt());
      break;
    case Chore::emoji:
    case Chore::merged_answer:
      break;
  }
  return policy;
}

}  // namespace antiphon::tasks
