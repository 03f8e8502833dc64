#pragma once

#include <atomic>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <unordered_map>

#include "base/async.h"
#include "store/counters.h"
#include "store/postgres_connect.h"

namespace antiphon::store {

using PgAnswer = std::vector<PgResult>;

inline constexpr Sql kBegin{"begin", "BEGIN"};

/// What one waiting coroutine wants of the server, and how far it has come. A coroutine that goes
/// away leaves this behind, so its results find their place and are dropped.
struct PgCommand {
  enum class Kind { reads, writes, script };

  Kind kind = Kind::writes;
  bool leased = false;       ///< Of the transaction that has the connection to itself.
  bool then_commit = false;  ///< COMMIT follows, in a group of its own, so that it also ends a failure.
  std::vector<Call> calls = {};  ///< All in one group.
  std::string script = {};
  std::optional<Completion<PgAnswer>> done = {};

  PgAnswer results = {};
  PgResult failure = {};
  std::string_view failed_at = {};
  bool aborted = false;     ///< A neighbour failed first; this never ran.
  bool unprepared = false;  ///< The server lost the prepared statement: do without.
  int tries = 0;
  std::chrono::steady_clock::time_point asked = std::chrono::steady_clock::now();

  /// What it costs those behind it: a write keeps them waiting for the disk.
  int weight() const { return kind == Kind::reads ? 1 : 20; }
  /// The first of a transaction: until it is answered, nothing is lost with the connection.
  bool begins() const { return leased && !calls.empty() && calls.front().sql.name == kBegin.name; }
};
using PgCommandPtr = std::shared_ptr<PgCommand>;

/// One connection in pipeline mode, on one loop. Reads that are asked for in one turn of the loop
/// leave in one group; each write has a group, and so a commit, of its own. Every public function
/// may be called from any thread.
class PgWire final : public std::enable_shared_from_this<PgWire> {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    /// Gives the command to another connection; false when there is none.
    virtual bool reroute(PgWire& from, const PgCommandPtr& command) = 0;
    virtual void want_connection(PgWire& wire) = 0;
    virtual void lease_ended(PgWire& wire) = 0;
  };

  PgWire(Executor executor, std::weak_ptr<Owner> owner, std::shared_ptr<Counters> counters,
         bool prepares);

  const Executor& executor() const { return executor_; }
  bool ready() const { return ready_; }
  /// The weight of the commands that wait here or are under way.
  int load() const { return load_; }

  void submit(PgCommandPtr command);
  /// From now on only commands of the lease run here.
  void begin_lease();
  /// Lets the others in again, after a ROLLBACK where one is due.
  void end_lease(bool roll_back);
  void adopt(PgConnection connection);
  /// No connection could be made: what has waited for longer than three seconds fails.
  void connect_failed(std::string why);
  void shut_down(std::function<void()> done);

 private:
  static constexpr std::size_t kInFlight = 1000;   ///< Commands under way.
  static constexpr std::size_t kWaiting = 10'000;  ///< Commands waiting here.
  static constexpr std::size_t kGroup = 64;        ///< Reads that share a group.
  static constexpr int kTries = 4;                 ///< A restart breaks every connection in turn.
  static constexpr int kPrepared = 512;            ///< Prepared statements of a connection.
  static constexpr std::chrono::seconds kSilence{15};
  static constexpr std::chrono::seconds kReconnect{3};
  using Clock = std::chrono::steady_clock;

  /// What the server will answer next.
  struct Expected {
    enum class Kind { prepare, call, sync, script };
    Kind kind;
    PgCommandPtr command = {};  ///< A sync's: the write that it concludes.
    std::size_t call = 0;
    std::string prepared = {};  ///< The text that is being prepared.
    bool failed = false;
    bool aborted = false;  ///< Never ran.
  };

  void take(PgCommandPtr command);
  void schedule();
  void pump();
  void settle_lease();
  void send_some(std::deque<PgCommandPtr>& queue);
  void send_reads(const std::vector<PgCommandPtr>& reads);
  void send_write(const PgCommandPtr& command);
  void send_script(const PgCommandPtr& command);
  bool prepare(const PgCommandPtr& command, const Call& call);
  bool send_call(const PgCommandPtr& command, std::size_t index);
  bool send_commit(const PgCommandPtr& command);
  bool sync(PgCommandPtr concludes);
  void expect(Expected expected);
  void flush();

  void arm_read();
  void arm_watch();
  void process();
  bool process_one();
  void process_script();
  void receive(PgResult result);
  void end_of_result();
  void pop();
  void conclude(PgCommandPtr command);
  bool try_again(const PgCommandPtr& command);
  void resubmit(const PgCommandPtr& command);
  void forget_prepared(const PgCommand& command);
  void fail(const PgCommandPtr& command, std::string why);
  void fail(const PgCommandPtr& command, std::exception_ptr error);
  void lost(std::string why);
  std::vector<PgCommandPtr> unanswered();

  Executor executor_;
  std::weak_ptr<Owner> owner_;
  std::shared_ptr<Counters> counters_;
  const bool prepares_;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> shut_ = false;  ///< The loop may be gone.
  std::atomic<int> load_ = 0;

  // All below belongs to the loop.
  PgConnection connection_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer watch_;
  std::int64_t generation_ = 0;  ///< Of the connection, so that late handlers know they are late.
  std::deque<PgCommandPtr> pending_;
  std::deque<PgCommandPtr> lease_pending_;
  std::deque<Expected> in_flight_;
  Clock::time_point head_since_ = {};
  std::unordered_map<std::string, std::string> prepared_;  ///< Text to name.
  int names_ = 0;
  bool scheduled_ = false;
  bool writing_ = false;
  bool watching_ = false;
  bool scripting_ = false;  ///< Out of pipeline mode.
  bool lease_ = false;
  bool lease_broken_ = false;  ///< The transaction was lost with the connection it began on.
  bool lease_ending_ = false;
  bool closed_ = false;
  bool answered_ = false;  ///< The head has had a result; its end is still to come.
};

}  // namespace antiphon::store
