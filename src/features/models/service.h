#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "auth/access.h"
#include "config/store.h"
#include "features/models/backend.h"
#include "features/models/demo.h"
#include "features/models/settings.h"
#include "features/models/view.h"

namespace antiphon {
class Loops;
namespace blobs {
class Blobs;
}
namespace http {
class Router;
}
}  // namespace antiphon

/// Models: what the connected servers offer, what administrators and users make of it, who may use
/// which, and how one is asked.
///
///     Target target = co_await models.resolve(me, "gpt-5");
///     auto chunks = co_await models.stream(target, body, asker(me, chat_id));
///     while (auto chunk = co_await chunks->next()) …
namespace antiphon::models {

class Models {
 public:
  struct Parts {
    store::Db& db;
    const Settings& settings;
    Backend& openai;
    Backend& ollama;
    auth::Access& access;
    auth::Principals& principals;
    const auth::Settings& auth_settings;
    config::Store& store;
    Loops& loops;
    blobs::Blobs& blobs;
  };
  explicit Models(Parts parts);

  /// `{"data":[…]}`: what the caller may use. The cache behind it is everybody's; the choice is made
  /// anew for each caller (row 116).
  Task<std::string> list_text(const User& me, bool refresh);
  /// What servers offer, for administrators.
  Task<std::string> base_list_text();

  /// Nothing when there is no such model, or the caller may not use it, or what it is made of.
  Task<std::optional<Target>> find(const User& me, std::string model_id);
  /// As find(); throws Problem "Model not found": 403, or 404 for administrators, who are told.
  Task<Target> resolve(const User& me, std::string model_id);
  /// One that is answered by the connection at `place` of its kind: the id may be the server's own.
  /// Throws as resolve().
  Task<Target> resolve_at(const User& me, std::string model_id, Kind kind, int place);
  /// The servers' own models of a kind that the caller may use.
  Task<std::vector<BaseModelPtr>> usable(const User& me, Kind kind);
  /// The model that writes titles, tags and follow-ups of a chat with `target`.
  Task<Target> task_model(const User& me, Target target);

  /// Asks the model. `body` is OpenAI's, without model and stream; the target's parameters are not
  /// applied: see features/models/params.h. Throws as Backend does.
  Task<std::unique_ptr<ChunkStream>> stream(Target target, json::Object body, Asker asker);
  Task<std::unique_ptr<ChunkStream>> resume(Target target, std::string cursor, Asker asker);
  Task<> abandon(Target target, std::string cursor, Asker asker);
  Task<json::Value> complete(Target target, json::Object body, Asker asker);
  /// Answers a program; `body` may say `stream`. See Backend::pass_on().
  Task<std::optional<http::Response>> pass_on(Target target, json::Object body, Asker asker,
                                              http::Stream& out);

  /// Id and name of all that somebody may use, whoever asks.
  Task<std::vector<std::pair<std::string, std::string>>> usable_by(Reader who);
  Task<Reader> reader(const User& me) const;
  /// The row, when the caller has the right to it; else throws Problem "Model not found" with `status`.
  Task<RegisteredPtr> registered(const User& me, std::string id, Right right, int status = 401);
  Task<std::shared_ptr<const View>> view(Catalog::Wish wish = Catalog::Wish::usual);

  Rows& rows() { return rows_; }
  Catalog& catalog() { return catalog_; }
  const Parts& parts() const { return p_; }

  /// Before the loops stop.
  Task<> close() { return catalog_.close(); }

 private:
  /// Without a grant: an administrator, or whoever asks while access is not controlled.
  bool uses_everything(bool admin) const;
  Backend& backend(Kind kind);
  Task<std::optional<Target>> find_in(std::shared_ptr<const View> all, const User& me,
                                      std::string model_id);
  Target target_of(const Item& item);

  Parts p_;
  Demo demo_;
  Rows rows_;
  Catalog catalog_;
  std::atomic<unsigned> turn_ = 0;

  std::mutex mutex_;
  std::shared_ptr<const View> view_;  ///< Guarded by mutex_.
  std::shared_ptr<const config::Values>
      moment_;  ///< The settings it was built with. Guarded by mutex_.
};

/// /api/models, /api/v1/models/….
void add_routes(http::Router& router, Models& models);

}  // namespace antiphon::models
