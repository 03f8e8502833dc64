#include "realtime/event.h"

#include "json/text.h"

namespace antiphon::realtime {

Event Event::of(std::string name, const json::Value& payload) {
  return Event{.name = std::move(name), .payload = json::serialize(payload)};
}

Event Event::of_run(const json::Value& payload, Run run) {
  return Event{.payload = json::serialize(payload), .run = std::move(run)};
}

}  // namespace antiphon::realtime
