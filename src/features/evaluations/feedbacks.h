#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/caller.h"
#include "http/granted.h"
#include "json/dto.h"
#include "json/text.h"
#include "store/db.h"

/// What users think of answers: their ratings, and what administrators learn from them.
namespace antiphon::evaluations {

/// A row of `feedback`.
struct Feedback {
  static constexpr std::string_view kKind = "feedback";

  std::string id;
  std::string user_id;
  std::int64_t version = 0;
  std::string type;
  std::optional<json::Value> data;
  std::optional<json::Value> meta;
  std::optional<json::Value> snapshot;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};
ANTIPHON_DTO(Feedback, id, user_id, version, type, data, meta, snapshot, created_at, updated_at)

/// A line of a list: without the snapshot, with who it is from.
struct FeedbackLine {
  std::string id;
  std::string user_id;
  std::int64_t version = 0;
  std::string type;
  std::optional<json::Value> data;
  std::optional<json::Value> meta;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::optional<std::string> user_name, user_email, user_role;
  std::optional<std::int64_t> user_active_at, user_updated_at, user_created_at;
};
ANTIPHON_DTO(FeedbackLine, id, user_id, version, type, data, meta, created_at, updated_at, user_name,
             user_email, user_role, user_active_at, user_updated_at, user_created_at)

/// What a client sends.
struct Draft {
  std::string type;
  std::optional<json::Value> data, meta, snapshot;
};

/// How a list is ordered. Anything but the known columns counts as created_at (row 115).
struct Order {
  enum class By { created_at, updated_at, model };
  By by = By::created_at;
  bool descending = true;
  static Order parse(const std::optional<std::string>& by, const std::optional<std::string>& direction);
};

/// A rating as the leaderboard counts it.
struct Vote {
  std::string model_id;
  json::Value data;
  std::optional<json::Value> meta;
};
ANTIPHON_DTO(Vote, model_id, data, meta)

/// A rating of one model, and when.
struct DatedVote {
  json::Value data;
  std::int64_t created_at = 0;
};
ANTIPHON_DTO(DatedVote, data, created_at)

class Feedbacks {
 public:
  explicit Feedbacks(store::Db& db) : db_(db) {}
  static constexpr std::int64_t kPage = 30;
  static constexpr std::int64_t kMostVotes =
      100'000;  ///< The newest; older ones do not count any more.

  struct Listing {
    std::vector<FeedbackLine> lines;
    std::int64_t total = 0;
  };

  Task<Feedback> create(const UserId& owner, const Draft& draft);
  Task<std::optional<Feedback>> find(std::string id) const;
  /// Absent members stay. The version rises.
  Task<> update(const Feedback& feedback, const Draft& draft);
  Task<bool> remove(std::string id);
  /// Whether there were any.
  Task<bool> remove_all();
  /// The same of one user; may be part of a transaction.
  static Task<bool> remove_all_of(store::Connection& c, const UserId& user);
  Task<bool> remove_all_of(const UserId& user) { return remove_all_of(db_, user); }

  /// Of one user or of everybody; of one model or all.
  Task<Listing> list(std::string user_id, std::string model_id, std::int64_t page, Order order) const;
  /// Ids after `after` in order of id, at most kPage: a walk that changes do not disturb.
  Task<std::vector<Feedback>> walk(std::string model_id, std::string after) const;
  Task<std::vector<std::string>> models() const;
  /// Ratings, the oldest first.
  Task<std::vector<Vote>> votes() const;
  /// The same of one model, since then.
  Task<std::vector<DatedVote>> votes_of(std::string model_id, std::int64_t since) const;

 private:
  store::Db& db_;
};

}  // namespace antiphon::evaluations
