#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/scope.h"
#include "features/chats/chats.h"
#include "features/completions/chores.h"
#include "features/completions/composer.h"
#include "features/completions/direct.h"
#include "features/completions/documents.h"
#include "features/completions/pictures.h"
#include "features/completions/provider.h"
#include "features/completions/tools.h"
#include "features/completions/turn.h"
#include "jobs/jobs.h"
#include "realtime/hub.h"
#include "runs/runs.h"

namespace antiphon {
class Loops;
}
namespace antiphon::http {
class Router;
}

/// The answer pipeline: from a question to the last word, through the answer log.
/// turn.h reads the request, accept.cc stores the question, answer.cc speaks with the model,
/// composer.h makes events of its chunks, background.cc does titles, tags and follow-ups.
namespace antiphon::completions {

/// What an answer needs to be written, or taken up again by another process. Stored in the run.
struct Plan {
  UserId user;
  std::string chat_id;
  std::string message_id;
  std::string model_id;
  json::Value direct;       ///< The description of a direct model; else null.
  std::string session_id;   ///< Whose browser is asked for a direct model.
  std::string question_id;  ///< The user's message this answers; saved chats.
  bool temporary = false;
  bool continued = false;
  bool first_turn = false;
  bool stream = true;
  bool server_tools = true;
  bool title = false, tags = false, follow_ups = false;
  std::string system;
  std::string guidance;
  json::Array messages;  ///< Temporary chats only; others are read from their rows.
  json::Object provider;
  json::Value params;

  /// What a run's row holds beside its own columns (user, chat, message).
  std::string text() const;
  static std::optional<Plan> parse(std::string_view text);
};

struct Accepted {
  std::string chat_id;
  std::vector<std::string> task_ids;
  std::vector<std::shared_ptr<runs::Run>> runs;  ///< Empty for a repeat.
  std::vector<Plan> plans;
};

/// How an answer ended.
struct Ending {
  runs::State state = runs::State::done;
  std::string error;  ///< For people; empty unless failed or interrupted.
};

class Completions {
 public:
  struct Parts {
    store::Db& db;
    runs::Runs& runs;
    chats::Chats& chats;
    realtime::Hub& hub;
    Provider& provider;
    DirectProvider& direct;
    jobs::Jobs& jobs;
    const Toolbox& tools;
    Loops& loops;
    /// The user as stored now; nothing when gone or not allowed any more (row 80).
    std::function<Task<std::optional<User>>(UserId)> user;
    /// The system prompt of the chat's folder; "" without one.
    std::function<Task<std::string>(const User&, const std::string& folder_id)> folder_prompt;
    /// Whether the user may do what a permission ("chat.temporary") says.
    std::function<Task<bool>(const User&, std::string_view leaf)> permitted;
    std::function<Task<bool>(const User&, std::string folder_id)> may_file;
    /// Pictures of files that messages name.
    Pictures pictures;
    Documents documents;
    /// What an administrator says about titles, tags and follow-ups.
    ChorePolicies chores;
  };
  explicit Completions(Parts parts);

  /// Wires publishing, recovery and job handlers. Before Runs::start and Hub::start.
  void start();
  /// To the user's clients here, by whichever replica it was committed.
  void publish(const runs::RunNames& run, std::int64_t seq, const std::vector<std::string>& events,
               bool last);
  Task<> stop(std::chrono::milliseconds deadline);

  /// Stores question and placeholders and starts the answers. A repeat of the same request (by
  /// `idempotency_key`, or by its message ids) yields the same tasks and starts nothing.
  Task<Accepted> accept(const User& me, Turn turn, std::optional<std::string> idempotency_key);
  /// accept(), and waits for the end: calls with a chat but without a socket. Yields the first answer
  /// as an OpenAI `chat.completion` with the chat's id; throws what it ended with.
  Task<json::Value> accept_and_wait(const User& me, Turn turn,
                                    std::optional<std::string> idempotency_key);

  /// A program's call without a chat: the provider's answer passed on. Yields nothing when it streamed.
  Task<std::optional<http::Response>> plain(const User& me, Turn turn, http::Stream& out);

  /// Stops what is being written in the chat; unfinished messages without a run are closed.
  Task<std::int64_t> stop_chat(const User& me, std::string chat_id);
  /// In a temporary chat only the caller's own: nothing else says whose it is.
  Task<std::vector<std::string>> tasks_of_chat(UserId me, std::string chat_id) const;
  Task<std::vector<std::string>> all_tasks() const;
  /// Of the answers this process is writing; each once.
  std::vector<std::string> models_in_use() const;
  Task<bool> stop_task(std::string run_id) { co_return co_await p_.runs.cancel(std::move(run_id)); }

 private:
  struct Accepting;
  class InUse;
  /// Throws "Model not found" as upstream's clients know it from these routes: 400.
  Task<Model> resolve(const User& me, const Turn& turn, const Wanted& wanted);
  Task<Model> resolve(const User& me, const Plan& plan);
  Provider& provider_of(const json::Value& direct);
  // accept.cc, rights.cc
  Task<std::optional<Accepted>> repeated(const User& me, const Turn& turn,
                                         const std::optional<std::string>& key);
  Task<> obey_permissions(const User& me, Turn& turn);
  Task<> check_again(const User& me, std::string chat_id, std::string question_id);
  Task<> require(const User& me, std::string_view permission);
  Task<chats::Chat> chat_for(const User& me, const Turn& turn);
  Task<> store_turn(const User& me, Accepting& work);
  Task<std::string> system_prompt(const User& me, const Turn& turn, const chats::Chat* chat);
  Task<> ended_elsewhere(std::vector<std::string> run_ids) const;
  void begin(const User& me, Accepted& accepted);
  Task<> answer_from_the_start(User me, std::shared_ptr<runs::Run> run, Plan plan);
  // answer.cc
  Task<> answer(User me, std::shared_ptr<runs::Run> run, Plan plan, json::Array items,
                const runs::Output* left = nullptr, std::shared_ptr<Chunks> going = nullptr);
  Task<Ending> converse(const User& me, runs::Run& run, const Plan& plan, Composer& composer,
                        std::shared_ptr<Chunks> going);
  Task<json::Object> question(const User& me, const Plan& plan, const Model& model,
                              const Composer& composer, const std::function<bool()>& gone);
  Task<json::Array> prompt(const User& me, const Plan& plan, const Composer& composer);
  Task<> round(const User& me, runs::Run& run, const Plan& plan, const Model& model, json::Object body,
               Composer& composer, std::shared_ptr<Chunks> chunks);
  Task<bool> listen(runs::Run& run, Chunks& chunks, Composer& composer, std::string& cursor);
  void abandon(const User& me, const Model& model, std::string cursor);
  Task<> abandon_left(const User& me, const runs::Run& run, const Plan& plan);
  Task<std::shared_ptr<Chunks>> attach(const User& me, runs::Run& run, const Plan& plan);
  Task<> run_tools(const User& me, runs::Run& run, Composer& composer);
  Task<std::string> title_of(std::string chat_id);
  Task<> conclude(runs::Run& run, const Plan& plan, const Composer& composer, Ending ending);
  Task<models::Takeover> policy_for(const User& me, const Plan& plan);
  Task<> tell_takeover(runs::Run& run, const Plan& plan, json::Object status);
  Task<> recover(std::shared_ptr<runs::Run> run, std::vector<runs::LoggedEvent> left);
  // background.cc
  Task<> make_title(const jobs::Job& job);
  Task<> make_tags(const jobs::Job& job);
  Task<> make_follow_ups(const jobs::Job& job);
  Task<json::Value> ask_task_model(const jobs::Job& job, Chore chore);
  // events.cc
  Task<> send_keyframes(realtime::Socket& socket, realtime::Arrival arrival);
  Task<> tell(UserId user, std::string chat_id, std::string message_id, std::string_view type,
              json::Value data);
  void hint(const Plan& plan, std::string_view type, json::Value data);
  Task<> tell_idle(const Plan& plan);

  Parts p_;
  Scope scope_;
  mutable std::mutex mutex_;
  std::multiset<std::string> in_use_;  ///< Models of answers under way. Guarded by mutex_.
};

/// POST /api/chat/completions and its kin, tasks and stop.
void add_routes(http::Router& r, Completions& completions, const chats::Guard& guard);

}  // namespace antiphon::completions
