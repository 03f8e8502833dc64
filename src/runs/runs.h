#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/beat.h"
#include "base/scope.h"
#include "base/signal.h"
#include "base/task.h"
#include "json/types.h"
#include "runs/heartbeat.h"
#include "store/db.h"

namespace antiphon {
class Loops;
}

/// The answer log. A run is one answer being written; its owner is the process that writes it. Every
/// event is committed to `run_event` before anybody sees it; the log's primary key fences an owner
/// that lost its run; whoever finds a run without a living owner may take it over and end it.
/// docs/adr/0004-answer-log.md has the rules and where they come from.
namespace antiphon::runs {

enum class State : std::int64_t {
  queued = 0,
  running = 1,
  taken_over = 2,
  done = 10,
  failed = 11,
  cancelled = 12,
  interrupted = 13,
};

struct NewRun {
  std::string run_id;
  std::string chat_id;  ///< "temporary:…" for chats that are not kept.
  std::string message_id;
  std::string user_id;
  std::optional<std::string> idempotency_key;
  std::string request;  ///< JSON: what takes this run up again after its owner died.
  /// Nobody's yet: another process takes it up at once, as this one is about to end (hands_over()).
  bool for_others = false;
};

/// What a run is called by those who follow it.
struct RunNames {
  std::string run_id;
  std::string chat_id;
  std::string message_id;
  std::string user_id;
};

/// A row of `run`.
struct RunRow {
  std::string run_id;
  std::string chat_id;
  std::string message_id;
  std::string user_id;
  std::int64_t state;
  std::string owner;
  std::int64_t epoch;
  std::int64_t attempts;
  std::string request;
  std::int64_t updated_at = 0;  ///< Unix seconds; of an ended run, when it ended.
  bool cancel_requested = false;

  RunNames names() const { return {run_id, chat_id, message_id, user_id}; }
};

class Runs;
class Relay;

/// A run this process owns. One coroutine writes; cancel() may come from any thread.
class Run : public std::enable_shared_from_this<Run> {
 public:
  const std::string& id() const { return row_.run_id; }
  const std::string& chat_id() const { return row_.chat_id; }
  const std::string& message_id() const { return row_.message_id; }
  const std::string& user_id() const { return row_.user_id; }
  std::int64_t attempts() const { return row_.attempts; }
  RunNames names() const { return row_.names(); }

  /// Queues an event for the log; consecutive text deltas merge. It is published to clients after
  /// its commit, never before.
  void emit(json::Value event);

  /// Does `work`, which emits what one piece of a provider's answer amounts to and yields the cursor
  /// behind it, and puts both into one row: text and cursor never disagree. A cursor that moves without
  /// an event waits for the next; the first one makes a row of its own. Empty: there is none any more.
  /// `work` must neither wait nor throw.
  void emit_with_cursor(const std::function<std::string()>& work);
  /// Keeps what is emitted from here on for finish(), and the cursor where it is: the last piece of an
  /// answer and its end are one row, so that whoever takes it up before is told the end once more.
  void hold();
  /// Where the provider's answer is taken up behind the events that the run was taken over with; empty
  /// when nobody has noted that.
  const std::string& cursor() const { return left_cursor_; }

  /// Waits while more than 256 KiB are not yet committed: back-pressure to the provider.
  Task<> room();

  /// Waits until everything emitted so far is committed. Throws when the run was fenced.
  Task<> committed();

  /// Ends the run in one transaction: the last event, `with` (the message row, usage …) and the
  /// state. Repeats for as long as the database is away (0.1 to 5 s apart); the log keeps the text
  /// meanwhile. False when the run was fenced: somebody else has ended it.
  Task<bool> finish(State state, std::optional<json::Value> last_event, std::vector<store::Bound> with);

  /// Waits until finish() is through, or the run was fenced.
  Task<> ended();

  /// Asks the writer to stop. Any thread.
  void cancel();
  bool cancelled() const { return cancelled_; }
  /// True when another owner has the run: stop, and say nothing to anybody.
  bool fenced() const { return fenced_; }
  /// Called once, at once when cancelled already; to close the provider's connection. Any thread.
  void on_cancel(std::function<void()> action);

 private:
  friend class Runs;
  Run(Runs& runs, RunRow row, std::int64_t next_seq);

  Runs& runs_;
  RunRow row_;
  std::mutex mutex_;
  std::vector<json::Value> pending_;  ///< Guarded by mutex_. Not yet in a commit.
  std::size_t pending_bytes_ = 0;     ///< Guarded by mutex_.
  bool urgent_ = true;                ///< Guarded by mutex_. The first event goes out at once.
  bool finishing_ = false;            ///< Guarded by mutex_. The log writer leaves pending_ alone.
  bool held_ = false;         ///< Guarded by mutex_. It leaves it alone until the cursor has followed.
  bool passed_over_ = false;  ///< Guarded by mutex_. It would have written, but for that.
  bool noted_ = false;        ///< Guarded by mutex_. A cursor is in the log, or on its way there.
  std::optional<std::string> cursor_;  ///< Guarded by mutex_. For the next row.
  std::string left_cursor_;            ///< Since the start.
  std::int64_t next_seq_;              ///< Of the log writer's only.
  struct Kept {
    std::int64_t seq;
    std::string payload;
    std::chrono::steady_clock::time_point at;
  };
  std::deque<Kept> kept_;                ///< Guarded by mutex_. The last rows; see Runs::offer_again.
  std::size_t kept_bytes_ = 0;           ///< Guarded by mutex_.
  std::int64_t emitted_ = 0;             ///< Guarded by mutex_. Events ever queued.
  std::int64_t committed_ = 0;           ///< Guarded by mutex_. Events durable.
  std::function<void()> cancel_action_;  ///< Guarded by mutex_.
  Signal progress_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> fenced_ = false;
  std::atomic<bool> ended_ = false;
};

/// An event as the log holds it.
struct LoggedEvent {
  std::int64_t seq;
  std::int64_t index;  ///< Within its row.
  json::Value event;
};

struct Options {
  std::string node_name;
  std::string version;
  std::chrono::milliseconds beat = kBeat;  ///< Between commits of what is not urgent.
  std::chrono::milliseconds lease{5'000};
  /// Between two beats, while an answer is written somewhere and the others are heard.
  std::chrono::milliseconds keeper_period{1'250};
};

/// All runs of this process. One instance, built by main; any thread.
class Runs {
 public:
  /// Called with committed events as JSON text, in order of seq for a run; `last`: the run has ended
  /// with them.
  using Publish = std::function<void(const RunNames&, std::int64_t seq,
                                     const std::vector<std::string>& events, bool last)>;
  /// Called with a run taken over from a dead owner and the events it left; ends it or goes on. It
  /// is cancelled already when its stop was asked for before.
  using Recover = std::function<Task<>(std::shared_ptr<Run>, std::vector<LoggedEvent>)>;

  Runs(store::Db& db, Options options, Loops& loops);
  ~Runs();

  void on_publish(Publish publish) { publish_ = std::move(publish); }
  void on_orphan(Recover recover) { recover_ = std::move(recover); }
  /// The way to the clients of other replicas; before start().
  void relay_by(Relay& relay) { relay_ = &relay; }
  /// The database's lock that stands for this process as long as it lives.
  struct Session {
    std::int64_t key;
    std::chrono::steady_clock::time_point since;
  };
  /// Nothing while it has none.
  /// `elsewhere` is told when that lock is at another server than the one that is written to. Before
  /// start().
  void session_by(std::function<std::optional<Session>()> key, std::function<void()> elsewhere) {
    session_ = std::move(key);
    elsewhere_ = std::move(elsewhere);
  }
  /// For whoever wants to know something of the database every second; before start().
  Heartbeat& heartbeat() { return heartbeat_; }
  /// How many other processes hold a lease; told with every beat. Before start().
  void on_company(std::function<void(std::size_t others)> tell) { company_ = std::move(tell); }
  /// Before start(). Called when no beat succeeded for longer than the lease: for the others this
  /// process was dead meanwhile.
  void on_return(std::function<void()> tell) { return_ = std::move(tell); }

  /// Registers this process and starts the log writer, the lease and the search for orphans.
  Task<> start();
  /// Waits for live runs until `deadline`, then cancels them; hands the rest over by ending the
  /// lease, so that another process (or the next start) takes them up at once.
  Task<> stop(std::chrono::milliseconds deadline);

  /// The statement that creates the run: part of the transaction that accepts the question.
  /// Conflict when the message has a live run, or the idempotency key is taken.
  store::Bound creating(const NewRun& run) const;
  /// Whether new runs are for others: this process ends, and there are some.
  bool hands_over() const { return draining_ && others_ != 0; }
  /// After that transaction committed a run for others: they look at once.
  void give_away();
  /// After that transaction committed: the live run.
  std::shared_ptr<Run> begin(const NewRun& run);
  /// Does the `work` that writes a run. However it stops, a run that has not ended by then is given up,
  /// so that it is taken over and does not stay of unknown fate.
  Task<> write(std::shared_ptr<Run> run, std::function<Task<>()> work);

  /// The run that answered this request before, for idempotent repeats.
  Task<std::optional<RunRow>> find_by_key(std::string user_id, std::string key) const;
  Task<std::vector<RunRow>> live_of_chat(std::string chat_id) const;
  Task<std::optional<RunRow>> find(std::string run_id) const;
  Task<std::vector<RunRow>> live_of_user(std::string user_id) const;
  Task<std::vector<RunRow>> live() const;
  /// Live ones, and those that ended at `since` (Unix seconds) or later; the newest 200.
  Task<std::vector<RunRow>> recent_of_user(std::string user_id, std::int64_t since) const;
  /// What the log holds after (seq, index); everything for (0, 0). At most 64 MiB.
  /// `cursor`, where somebody wants it, becomes the latest that was noted behind them.
  Task<std::vector<LoggedEvent>> events(std::string run_id, std::int64_t after_seq = 0,
                                        std::int64_t after_index = 0,
                                        std::string* cursor = nullptr) const;

  /// Asks for a stop, whoever owns the run, and yields the runs concerned.
  Task<std::vector<RunRow>> cancel_chat(std::string chat_id);
  Task<bool> cancel(std::string run_id);
  /// Stops what this process writes for the user.
  void cancel_here(const std::string& user_id);

  /// Forgets the user's runs; part of the transaction that deletes him. What is being written is fenced
  /// by that: its owner stops and says nothing. What it appends meanwhile goes within seconds.
  Task<> remove_all(store::Connection& c, const std::string& user_id);

  /// Takes over what has no living owner in this chat: any reader may (rule 4).
  Task<> adopt_orphans(std::optional<std::string> chat_id = {});

  /// Whether a lease that has run out means a death: after an outage of the database all look so, until
  /// the others have renewed theirs. On PostgreSQL; SQLite has one process.
  bool steady() const;

  std::int64_t live_here() const;
  /// What others write, as of the latest beat.
  std::int64_t live_elsewhere() const { return live_elsewhere_; }
  /// Somebody is heard to write: who has rested until now, because nobody did, looks.
  void busy_elsewhere();
  /// Whether this process writes the run.
  bool is_here(const std::string& run_id) const { return live_run(run_id) != nullptr; }
  /// Looks at once whether one of ours is to be stopped, or one of nobody's to be taken up.
  void look() { look_.notify(); }
  const std::string& node_id() const { return node_id_; }
  std::int64_t commits() const { return commits_; }
  std::int64_t rows() const { return rows_; }

 private:
  friend class Run;
  struct Slice;
  Task<> write_log();
  std::vector<Slice> take_pending(bool round);
  Task<> commit(std::vector<Slice> slices);
  Task<> offer_again();
  void give_up(const Run& run);
  void keep(Run& run, std::int64_t seq, std::string payload) const;
  Task<bool> was_committed(const Slice& slice) const;
  void settle(Slice& slice, bool committed);
  void wake(std::shared_ptr<Run> run, bool urgent);
  void publish(const Run& run, std::int64_t seq, const std::vector<std::string>& events,
               bool last) const;
  Task<> tend();
  Task<> beat();
  bool deaf() const;
  std::chrono::nanoseconds period() const;
  std::chrono::nanoseconds glance() const;
  std::chrono::milliseconds unbroken() const;
  Task<> sweep(bool all);
  Task<> sweep_removed();
  Task<> sweep_stray_events();
  Task<> mind_own();
  Task<bool> take_over(RunRow row);
  Task<bool> take_over_at_once(RunRow row);
  bool being_taken(const std::string& run_id) const;
  Task<std::int64_t> mark_takeover(const RunRow& row);
  std::shared_ptr<Run> live_run(const std::string& run_id) const;
  std::vector<std::shared_ptr<Run>> live_runs() const;
  void forget(const std::string& run_id);
  Task<bool> finish_once(Run& run, State state, const std::string& payload,
                         const std::vector<store::Bound>& with);

  store::Db& db_;
  Options options_;
  Loops& loops_;
  std::string node_id_;
  Publish publish_;
  Recover recover_;
  std::function<void(std::size_t)> company_;
  std::function<void()> return_;
  std::function<std::optional<Session>()> session_;
  std::function<void()> elsewhere_;
  Relay* relay_ = nullptr;
  std::atomic<std::int64_t> offered_at_ =
      0;  ///< Connections made again until offer_again() last went through.
  std::atomic<bool> draining_ = false;
  std::atomic<std::size_t> others_ = 0;  ///< Other processes that hold a lease.
  Scope scope_;
  Signal work_;  ///< Something waits to be committed.
  Signal look_;  ///< The keeper shall look now.
  Heartbeat heartbeat_;
  std::atomic<std::int64_t> live_elsewhere_ = 0;
  std::int64_t own_ = 0;       ///< What the latest beat found of our own. Of the tending task only.
  std::int64_t suspects_ = 0;  ///< And of those that may have died. Of the tending task only.
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Run>> live_;  ///< Guarded by mutex_.
  std::vector<std::shared_ptr<Run>> waiting_;  ///< With events for the next round. Guarded by mutex_.
  std::vector<std::shared_ptr<Run>> urgent_;   ///< With events for the next commit. Guarded by mutex_.
  std::atomic<std::int64_t> commits_ = 0;
  std::atomic<std::int64_t> rows_ = 0;
  /// Since when the database has answered without a break. Written by the tending task.
  std::atomic<std::chrono::steady_clock::time_point> contact_since_ = {};
  std::atomic<std::chrono::steady_clock::time_point> renewed_at_ = {};
  /// Seen since when. Of the tending task only.
  std::unordered_map<std::string, std::chrono::steady_clock::time_point> strays_;
  std::unordered_set<std::string> taking_;  ///< Being taken over. Guarded by mutex_.
  /// Runs deleted with their users, and how often they are still looked after. Guarded by mutex_.
  std::vector<std::pair<std::string, int>> removed_;
};

}  // namespace antiphon::runs
