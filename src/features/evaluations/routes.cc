#include "features/evaluations/routes.h"

#include <boost/json.hpp>
#include <cmath>

#include "base/problem.h"
#include "base/time.h"
#include "config/admin_page.h"
#include "features/evaluations/leaderboard.h"
#include "http/bind.h"

namespace antiphon::evaluations {

struct FeedbackForm {
  json::Text<1, 100> type;
  std::optional<json::Value> data, meta, snapshot;
};
ANTIPHON_DTO(FeedbackForm, type, data, meta, snapshot)
ANTIPHON_DTO_DEFINE(FeedbackForm)

struct FeedbackQuery {
  std::optional<std::int64_t> page;
  std::optional<std::string> order_by, direction, model_id;
};
ANTIPHON_DTO(FeedbackQuery, page, order_by, direction, model_id)
ANTIPHON_DTO_DEFINE(FeedbackQuery)

struct HistoryQuery {
  json::Number<30, 0, 366> days;  ///< 0 is as far back as can be.
};
ANTIPHON_DTO(HistoryQuery, days)
ANTIPHON_DTO_DEFINE(HistoryQuery)

struct FeedbackId {
  std::string id, user_id;
  std::int64_t created_at, updated_at;
};
ANTIPHON_DTO(FeedbackId, id, user_id, created_at, updated_at)
ANTIPHON_DTO_DEFINE(FeedbackId)

namespace {

using http::bind;
using http::Body;
using http::Cost;
using http::Query;

/// A snapshot may hold a chat.
constexpr http::Options kWithSnapshot{.body_limit = 16 << 20};

template <class T>
json::Value or_null(const std::optional<T>& value) {
  return value ? json::Value(*value) : json::Value(nullptr);
}

json::Value view(const FeedbackLine& f) {
  json::Value user(nullptr);
  if (f.user_name)
    user = json::Object{{"id", f.user_id},
                        {"name", *f.user_name},
                        {"email", or_null(f.user_email)},
                        {"role", or_null(f.user_role)},
                        {"last_active_at", or_null(f.user_active_at)},
                        {"updated_at", or_null(f.user_updated_at)},
                        {"created_at", or_null(f.user_created_at)}};
  return json::Object{{"id", f.id},
                      {"user_id", f.user_id},
                      {"version", f.version},
                      {"type", f.type},
                      {"data", or_null(f.data)},
                      {"meta", or_null(f.meta)},
                      {"created_at", f.created_at},
                      {"updated_at", f.updated_at},
                      {"user", std::move(user)}};
}

json::Value view(const Feedbacks::Listing& listing) {
  json::Array items;
  for (const FeedbackLine& line : listing.lines) items.push_back(view(line));
  return json::Object{{"items", std::move(items)}, {"total", listing.total}};
}

Draft draft_of(const FeedbackForm& form) {
  json::Faults faults;
  auto check = [&](std::string_view name, const std::optional<json::Value>& member) {
    if (member && !member->is_object())
      faults.push_back({.type = name == "data" ? "model_attributes_type" : "dict_type",
                        .loc = json::serialize(json::Array{"body", name}),
                        .message = "Input should be an object",
                        .input = "null",
                        .context = {}});
  };
  check("data", form.data);
  check("meta", form.meta);
  check("snapshot", form.snapshot);
  if (!faults.empty()) json::refuse(faults);
  return {form.type.value, form.data, form.meta, form.snapshot};
}

struct Api {
  RouteParts p;
  using Owned = Granted<Feedback, Right::own>;

  /// Its author's, and administrators'.
  template <class G>
  Task<G> grant(const User& me, std::string id) {
    auto feedback = co_await p.feedbacks.find(std::move(id));
    if (!feedback || (feedback->user_id != me.id.value && !me.admin())) throw not_found("Feedback");
    co_return G::after_check(std::move(*feedback));
  }

  Task<Feedback> create(const User& me, Body<FeedbackForm> form) {
    if (!co_await p.permitted(me, "chat.rate_response"))
      throw Problem(Problem::Kind::forbidden, "You may not rate answers. Ask an administrator.");
    co_return co_await p.feedbacks.create(me.id, draft_of(form));
  }
  Task<Feedback> show(const User&, Owned feedback) { co_return *feedback; }
  Task<Feedback> update(const User&, Owned feedback, Body<FeedbackForm> form) {
    co_await p.feedbacks.update(*feedback, draft_of(form));
    auto now = co_await p.feedbacks.find(feedback->id);
    if (!now) throw not_found("Feedback");
    co_return std::move(*now);
  }
  Task<bool> remove(const User&, Owned feedback) {
    co_return co_await p.feedbacks.remove(feedback->id);
  }

  Task<json::Value> mine(const User& me, Query<FeedbackQuery> q) {
    co_return view(
        co_await p.feedbacks.list(me.id.value, "", q.page.value_or(1), {.by = Order::By::updated_at}));
  }
  Task<bool> remove_mine(const User& me) { co_return co_await p.feedbacks.remove_all_of(me.id); }

  Task<json::Value> list(const Admin&, Query<FeedbackQuery> q) {
    co_return view(co_await p.feedbacks.list("", q.model_id.value_or(""), q.page.value_or(1),
                                             Order::parse(q.order_by, q.direction)));
  }
  Task<std::vector<FeedbackId>> ids(const Admin&) {
    std::vector<FeedbackId> out;
    for (std::string after;;) {
      auto some = co_await p.feedbacks.walk("", after);
      for (const Feedback& f : some) out.push_back({f.id, f.user_id, f.created_at, f.updated_at});
      if (some.size() < Feedbacks::kPage || out.size() >= 100'000) co_return out;
      after = some.back().id;
    }
  }
  /// Written piece by piece: snapshots are large.
  Task<> export_all(const Admin&, Query<FeedbackQuery> q, http::Call& call) {
    if (!p.may_export())
      throw Problem(Problem::Kind::forbidden, "Exports are turned off here.").answering(401);
    co_await call.stream.begin({});
    std::string gap = "[";
    for (std::string after;;) {
      auto some = co_await p.feedbacks.walk(q.model_id.value_or(""), after);
      for (const Feedback& f : some) {
        co_await call.stream.write(gap + json::dump(f));
        gap = ",";
      }
      if (some.size() < Feedbacks::kPage) break;
      after = some.back().id;
    }
    co_await call.stream.write(gap == "[" ? "[]" : "]");
  }
  Task<bool> remove_all(const Admin&) { co_return co_await p.feedbacks.remove_all(); }
  Task<std::vector<std::string>> models(const Admin&) { co_return co_await p.feedbacks.models(); }

  /// Searching the leaderboard by topic needs embeddings, which are not there yet: `query` is ignored.
  Task<json::Value> leaderboard(const Admin&) {
    json::Array entries;
    for (const Standing& s : standings(co_await p.feedbacks.votes())) {
      json::Array tags;
      for (const auto& [tag, count] : s.tags)
        tags.push_back(json::Object{{"tag", tag}, {"count", count}});
      entries.push_back(json::Object{{"model_id", s.model_id},
                                     {"rating", std::llround(s.rating)},
                                     {"won", s.won},
                                     {"lost", s.lost},
                                     {"count", s.won + s.lost},
                                     {"top_tags", std::move(tags)}});
    }
    co_return json::Object{{"entries", std::move(entries)}};
  }

  Task<json::Value> history(const Admin&, std::string model_id, Query<HistoryQuery> q) {
    std::int64_t now = unix_seconds(), days = q.days == 0 ? 366 : std::int64_t(q.days);
    json::Array entries;
    for (const Day& day :
         evaluations::history(co_await p.feedbacks.votes_of(model_id, now - days * 86'400), now, days))
      entries.push_back(json::Object{{"date", day.date}, {"won", day.won}, {"lost", day.lost}});
    co_return json::Object{{"model_id", model_id}, {"history", std::move(entries)}};
  }

  config::AdminPage page() { return {p.config, {p.settings.arena, p.settings.arena_models}}; }
  Task<json::Value> show_config(const Admin&) { co_return page().show(); }
  /// Null leaves a setting as it is, as upstream has it.
  Task<json::Value> change_config(const Admin&, json::Value form) {
    json::Object given;
    if (form.is_object())
      for (const auto& [key, value] : form.as_object())
        if (!value.is_null()) given[key] = value;
    co_return co_await page().change(json::Value(std::move(given)));
  }
};

}  // namespace

void add_routes(http::Router& r, const RouteParts& parts) {
  Api api{parts};
  auto on = [&](std::string_view method, std::string_view path, Cost cost, http::Endpoint e,
                http::Options o = {}) {
    r.on(std::string(method) + " /api/v1/evaluations" + std::string(path), cost, std::move(e), o);
  };
  on("GET", "/config", Cost::read, bind<&Api::show_config>(api));
  on("POST", "/config", Cost::write, bind<&Api::change_config>(api));
  on("GET", "/leaderboard", Cost::search, bind<&Api::leaderboard>(api));
  on("GET", "/leaderboard/{model_id}/history", Cost::search, bind<&Api::history>(api));
  on("GET", "/feedbacks/models", Cost::read, bind<&Api::models>(api));
  on("GET", "/feedbacks/list", Cost::read, bind<&Api::list>(api));
  on("GET", "/feedbacks/all/ids", Cost::search, bind<&Api::ids>(api));
  on("GET", "/feedbacks/all/export", Cost::search, bind<&Api::export_all>(api));
  on("DELETE", "/feedbacks/all", Cost::write_heavy, bind<&Api::remove_all>(api));
  on("GET", "/feedbacks/user", Cost::read, bind<&Api::mine>(api));
  on("DELETE", "/feedbacks", Cost::write_heavy, bind<&Api::remove_mine>(api));
  on("POST", "/feedback", Cost::write, bind<&Api::create>(api), kWithSnapshot);
  on("GET", "/feedback/{id}", Cost::read, bind<&Api::show>(api));
  on("POST", "/feedback/{id}", Cost::write, bind<&Api::update>(api), kWithSnapshot);
  on("DELETE", "/feedback/{id}", Cost::write, bind<&Api::remove>(api));
}

}  // namespace antiphon::evaluations
