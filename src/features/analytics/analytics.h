#pragma once

#include <functional>

#include "features/analytics/dto.h"
#include "features/analytics/settings.h"
#include "store/db.h"

namespace antiphon::http {
class Router;
}

/// How much models are used, for administrators. What counts is answers: a question that was never
/// answered used no model.
namespace antiphon::analytics {

class Analytics {
 public:
  explicit Analytics(store::Db& db) : db_(db) {}
  static constexpr std::int64_t kMostModels = 1000;
  static constexpr std::int64_t kMostStretches = 1500;

  /// The most used first.
  Task<ModelUses> models(SpanQuery q) const;
  Task<UserUses> users(UsersQuery q) const;
  Task<Summary> summary(SpanQuery q) const;
  Task<TokenUses> tokens(SpanQuery q) const;
  /// Stretch by stretch, those without answers too: the last kMostStretches of the span, which is the
  /// last 30 days when nothing is said. Throws 422 for a granularity that is none.
  Task<Stretches> daily(DailyQuery q, std::int64_t now) const;
  /// Questions and answers, the latest first.
  Task<std::vector<MessageRow>> messages(MessagesQuery q) const;
  /// `words`: whether first_message may be told.
  Task<ModelChats> chats(std::string model_id, ModelChatsQuery q, bool words) const;
  /// The tags of chats the model answered in since then, the most frequent first; at most 20.
  Task<std::vector<TagCount>> tags(std::string model_id, std::int64_t since) const;

 private:
  store::Db& db_;
};

struct RouteParts {
  Analytics& analytics;
  const Settings& settings;
  /// What was thought of a model, day by day until now.
  std::function<Task<std::vector<VotesOfDay>>(std::string model_id, std::int64_t days)> votes;
  std::function<bool()> chat_access;  ///< ENABLE_ADMIN_CHAT_ACCESS
};
void add_routes(http::Router& router, const RouteParts& parts);

}  // namespace antiphon::analytics
