#include "features/completions/tools.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <ctime>

#include "base/time.h"

namespace antiphon::completions {

json::Array Toolbox::declarations() const {
  json::Array out;
  for (const Tool& tool : tools_)
    out.emplace_back(json::Object{{"type", "function"},
                                  {"function", json::Object{{"name", tool.name},
                                                            {"description", tool.description},
                                                            {"parameters", tool.parameters}}}});
  return out;
}

const Tool* Toolbox::find(std::string_view name) const {
  for (const Tool& tool : tools_)
    if (tool.name == name) return &tool;
  return nullptr;
}

Tool current_time_tool() {
  return {.name = "get_current_timestamp",
          .description = "Tells the date and time now.",
          .parameters =
              json::Object{
                  {"type", "object"},
                  {"properties",
                   json::Object{{"utc_offset_minutes",
                                 json::Object{{"type", "integer"},
                                              {"description",
                                               "Minutes east of UTC for the local time, e.g. 60."}}}}},
                  {"required", json::Array()}},
          .idempotent = true,
          .run = [](const User&, const json::Value& arguments) -> Task<std::string> {
            std::int64_t offset = json::int_at(arguments, "utc_offset_minutes");
            if (offset < -14 * 60 || offset > 14 * 60) offset = 0;
            std::time_t now = unix_seconds();
            json::Object answer{{"utc", fmt::format("{:%FT%TZ}", fmt::gmtime(now))},
                                {"unix_seconds", now}};
            if (offset != 0)
              answer["local"] = fmt::format("{:%A %FT%T}", fmt::gmtime(now + offset * 60));
            else
              answer["weekday"] = fmt::format("{:%A}", fmt::gmtime(now));
            co_return json::serialize(answer);
          }};
}

}  // namespace antiphon::completions
