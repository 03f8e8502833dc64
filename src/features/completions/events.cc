#include <boost/json.hpp>

#include "base/time.h"
#include "features/completions/completions.h"

namespace antiphon::completions {
namespace {

/// Longer than a client takes to come back.
constexpr std::int64_t kMissedSeconds = 120;
constexpr std::size_t kMostMissed = 32;

/// What clients receive: `events` with this envelope (chat-flow.md §1.3).
json::Value envelope(const std::string& chat_id, const std::string& message_id, json::Value event) {
  json::Object out{{"chat_id", chat_id}, {"message_id", message_id}, {"data", std::move(event)}};
  if (message_id.empty()) out["message_id"] = nullptr;
  return out;
}

/// The same around an event that is text already.
std::string enveloped(const runs::RunNames& run, std::string_view event) {
  std::string out = R"({"chat_id":)";
  json::quote(run.chat_id, out);
  out += R"(,"message_id":)";
  json::quote(run.message_id, out);
  return out.append(R"(,"data":)").append(event).append("}");
}

}  // namespace

Completions::Completions(Parts parts) : p_(std::move(parts)) {}

void Completions::start() {
  p_.runs.on_publish([this](const runs::RunNames& run, std::int64_t seq,
                            const std::vector<std::string>& events,
                            bool last) { publish(run, seq, events, last); });
  p_.runs.on_orphan([this](std::shared_ptr<runs::Run> run, std::vector<runs::LoggedEvent> left) {
    return recover(std::move(run), std::move(left));
  });
  p_.jobs.on("chat.title", [this](const jobs::Job& job) { return make_title(job); });
  p_.jobs.on("chat.tags", [this](const jobs::Job& job) { return make_tags(job); });
  p_.jobs.on("chat.follow_ups", [this](const jobs::Job& job) { return make_follow_ups(job); });
  p_.hub.on_signed_in([this](realtime::Socket& socket, realtime::Arrival arrival) {
    return send_keyframes(socket, arrival);
  });
}

Task<> Completions::stop(std::chrono::milliseconds deadline) {
  (void)co_await scope_.close(deadline);
}

void Completions::publish(const runs::RunNames& run, std::int64_t seq,
                          const std::vector<std::string>& events, bool last) {
  realtime::Room room = realtime::Room::user({run.user_id});
  if (last && events.empty()) p_.hub.run_ended(room, run.run_id);
  for (std::size_t i = 0; i != events.size(); ++i) {
    realtime::Event::Run at{run.run_id, seq, static_cast<std::int64_t>(i) + 1,
                            last && i + 1 == events.size()};
    p_.hub.emit(room, {.payload = enveloped(run, events[i]), .run = std::move(at)});
  }
}

/// Whoever signs in while an answer is being written gets all of it so far; what follows appends.
/// Whoever was here before and cannot be told what he missed gets the ends he may have missed, too.
Task<> Completions::send_keyframes(realtime::Socket& socket, realtime::Arrival arrival) {
  if (arrival == realtime::Arrival::resumed) co_return;
  bool gap = arrival == realtime::Arrival::gap;
  std::string user = socket.caller().id.value;
  auto rows = gap ? co_await p_.runs.recent_of_user(user, unix_seconds() - kMissedSeconds)
                  : co_await p_.runs.live_of_user(user);
  if (rows.size() > kMostMissed) rows.resize(kMostMissed);  // The newest.
  for (const runs::RunRow& row : rows) {
    auto events = co_await p_.runs.events(row.run_id);
    if (events.empty()) continue;
    auto send = [&](json::Value event, bool ended) {
      auto frame = realtime::Event::of_run(envelope(row.chat_id, row.message_id, std::move(event)),
                                           {row.run_id, events.back().seq, events.back().index, ended});
      frame.keyframe = true;
      socket.emit(frame);
    };
    runs::Output output;
    for (const runs::LoggedEvent& e : events) output.apply(e.event);
    if (gap)
      socket.emit(realtime::Event::of(
          "events", envelope(row.chat_id, row.message_id,
                             json::Object{{"type", "chat:reload"}, {"data", json::Object()}})));
    bool ended = row.state >= 10;
    send(json::Object{{"type", "chat:completion"}, {"data", json::Object{{"output", output.items()}}}},
         ended);
    if (ended) send(std::move(events.back().event), true);
  }
}

Task<> Completions::tell(UserId user, std::string chat_id, std::string message_id,
                         std::string_view type, json::Value data) {
  json::Value event = json::Object{{"type", type}, {"data", std::move(data)}};
  co_await p_.hub.publish(
      realtime::Room::user(user),
      realtime::Event::of("events", envelope(chat_id, message_id, std::move(event))));
}

/// For the sidebar and the like: a client that misses one asks again.
void Completions::hint(const Plan& plan, std::string_view type, json::Value data) {
  json::Value event = json::Object{{"type", type}, {"data", std::move(data)}};
  p_.hub.emit(realtime::Room::user(plan.user),
              realtime::Event::of("events", envelope(plan.chat_id, plan.message_id, std::move(event))));
}

Task<> Completions::tell_idle(const Plan& plan) {
  if (!(co_await p_.runs.live_of_chat(plan.chat_id)).empty()) co_return;
  hint(plan, "chat:active", json::Object{{"active", false}, {"folder_id", nullptr}});
}

}  // namespace antiphon::completions
