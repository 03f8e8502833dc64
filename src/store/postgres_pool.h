#pragma once

#include "base/loops.h"
#include "store/postgres_wire.h"

namespace antiphon::store {

/// The connections, and which of them a transaction has to itself. Any thread.
class PgPool final : public PgWire::Owner, public std::enable_shared_from_this<PgPool> {
 public:
  /// Connects all; throws what connect() throws.
  static std::shared_ptr<PgPool> make(const Url& url, const Options& options, Loops& loops);
  ~PgPool() override;

  /// Gives the command to the connection with the least to do; the caller's own loop is preferred.
  void submit(PgCommandPtr command, const Executor& caller);

  /// Waits for a connection to have alone, at most ten seconds; throws `unavailable`. All but one
  /// may be taken at a time (the one, when there is one). Give it back with PgWire::end_lease.
  Task<std::shared_ptr<PgWire>> lease();

  /// Lets nothing new in, waits for what runs at most ten seconds and disconnects.
  Task<> close();

  Counters& counters() { return *counters_; }
  const std::string& server() const { return server_; }

 private:
  static constexpr std::size_t kLeaseQueue = 1000;
  static constexpr std::chrono::seconds kLeaseWait{10};
  // What speaks against a connection, in reads.
  static constexpr int kOtherLoop = 4;
  static constexpr int kReserved = 200;
  static constexpr int kDisconnected = 100'000;
  static constexpr int kTaken = 1'000'000;

  struct Slot {
    std::shared_ptr<PgWire> wire;
    bool leased = false;
  };
  struct Waiter {
    std::int64_t id;
    Completion<std::shared_ptr<PgWire>> done;
  };

  bool reroute(PgWire& from, const PgCommandPtr& command) override;
  void want_connection(PgWire& wire) override;
  void lease_ended(PgWire& wire) override;

  int cost(const Slot& slot, bool read) const;
  std::shared_ptr<PgWire> free_wire();
  std::int64_t ask_for_lease(Completion<std::shared_ptr<PgWire>> done);
  void give_up(std::int64_t waiter);
  void close_connector();

  std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();  ///< The wires may outlive us.
  std::string server_;
  std::unique_ptr<PostgresConnector> connector_;
  std::mutex mutex_;
  std::vector<Slot> slots_;       ///< The wires never change; `leased` is guarded by mutex_.
  int leased_ = 0;                ///< Guarded by mutex_.
  std::deque<Waiter> waiters_;    ///< Guarded by mutex_.
  std::int64_t last_waiter_ = 0;  ///< Guarded by mutex_.
  bool closed_ = false;           ///< Guarded by mutex_.
};

}  // namespace antiphon::store
