#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "store/postgres_wire.h"

namespace antiphon::store {
namespace asio = boost::asio;

void PgWire::adopt(PgConnection connection) {
  auto give = [self = shared_from_this(),
               shared = std::make_shared<PgConnection>(std::move(connection))] {
    if (self->closed_) return;
    self->connection_ = std::move(*shared);
    ++self->generation_;
    self->socket_.assign(PQsocket(self->connection_.get()));
    self->prepared_.clear();
    self->names_ = 0;
    self->writing_ = self->scripting_ = self->answered_ = false;
    self->ready_ = true;
    self->arm_read();
    self->schedule();
  };
  asio::dispatch(executor_, std::move(give));
}

void PgWire::connect_failed(std::string why) {
  asio::dispatch(executor_, [self = shared_from_this(), why = std::move(why)] {
    for (auto* queue : {&self->pending_, &self->lease_pending_}) {
      while (!queue->empty() && Clock::now() - queue->front()->asked > kReconnect) {
        PgCommandPtr command = queue->front();
        queue->pop_front();
        self->fail(command, why);
      }
    }
    self->settle_lease();
  });
}

void PgWire::shut_down(std::function<void()> done) {
  if (shut_) return done();
  asio::dispatch(executor_, [self = shared_from_this(), done = std::move(done)] {
    self->closed_ = true;
    self->lost("the database is closed");
    for (auto* queue : {&self->pending_, &self->lease_pending_}) {
      for (const PgCommandPtr& command : std::exchange(*queue, {}))
        self->fail(command, "the database is closed");
    }
    self->watch_.cancel();
    self->shut_ = true;
    done();
  });
}

void PgWire::arm_read() {
  socket_.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [self = shared_from_this(), generation = generation_](boost::system::error_code error) {
        if (error || generation != self->generation_ || !self->connection_) return;
        if (PQconsumeInput(self->connection_.get()) != 1) {
          self->process();  // What came before the end still counts.
          if (self->connection_) self->lost(PQerrorMessage(self->connection_.get()));
          return;
        }
        self->process();
        if (self->connection_ && generation == self->generation_) self->arm_read();
      });
}

/// A server that has stopped without closing the connection would be waited for without end.
void PgWire::arm_watch() {
  if (watching_) return;
  watching_ = true;
  watch_.expires_after(std::chrono::seconds(1));
  watch_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    self->watching_ = false;
    if (error || self->in_flight_.empty()) return;
    if (!self->scripting_ && Clock::now() - self->head_since_ > kSilence)
      return self->lost("the server has not answered for 15 seconds");
    self->arm_watch();
  });
}

void PgWire::process() {
  while (connection_ && !in_flight_.empty() && process_one()) continue;
  if (connection_ && in_flight_.size() < kInFlight && !(lease_ ? lease_pending_ : pending_).empty())
    schedule();
}

/// False when more has to come from the server first.
bool PgWire::process_one() {
  PGconn* raw = connection_.get();
  if (PQisBusy(raw)) return false;
  PgResult result(PQgetResult(raw));
  bool synced = result && PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC;
  if (result && PQstatus(raw) == CONNECTION_BAD) {
    lost(PQresultErrorMessage(result.get()));
    return false;
  }
  if (synced) {
    if (in_flight_.front().kind != Expected::Kind::sync) {
      lost("the pipeline is out of step");
      return false;
    }
    PgCommandPtr command = in_flight_.front().command;
    pop();
    if (command) conclude(std::move(command));
    return true;
  }
  if (result) {
    receive(std::move(result));
    return true;
  }
  if (!answered_) return false;
  end_of_result();
  return true;
}

void PgWire::receive(PgResult result) {
  Expected& head = in_flight_.front();
  ExecStatusType status = PQresultStatus(result.get());
  answered_ = true;
  if (status == PGRES_FATAL_ERROR) {
    const char* severity = PQresultErrorField(result.get(), PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && std::string_view(severity) != "ERROR")
      return lost(PQresultErrorMessage(result.get()));
    head.failed = true;
    if (head.kind == Expected::Kind::prepare) prepared_.erase(head.prepared);
    // At a sync it is the commit that failed: a deferred constraint, a full disk.
    if (!head.command || head.command->failure) return;
    head.command->failed_at = head.call < head.command->calls.size()
                                  ? head.command->calls[head.call].sql.name
                                  : std::string_view("script");
    head.command->failure = std::move(result);
    return;
  }
  if (status == PGRES_PIPELINE_ABORTED) {
    head.aborted = true;
    if (head.command) head.command->aborted = true;
    return;
  }
  if (head.kind == Expected::Kind::call || head.kind == Expected::Kind::script)
    head.command->results.push_back(std::move(result));
}

void PgWire::end_of_result() {
  Expected& head = in_flight_.front();
  Expected::Kind kind = head.kind;
  answered_ = false;
  if (kind == Expected::Kind::sync) return;  // After a commit that failed; the sync itself follows.
  PgCommandPtr command = head.command;
  if (kind == Expected::Kind::call && !head.aborted) {
    std::string_view name =
        head.call < command->calls.size() ? command->calls[head.call].sql.name : "commit";
    counters_->finished(name, Clock::now() - head_since_, head.failed);
  }
  pop();
  bool read = kind == Expected::Kind::call && command->kind == PgCommand::Kind::reads;
  if (kind == Expected::Kind::script) {
    scripting_ = false;
    if (PQenterPipelineMode(connection_.get()) != 1) lost(PQerrorMessage(connection_.get()));
    if (connection_) schedule();
  }
  if (read || kind == Expected::Kind::script) conclude(std::move(command));
}

void PgWire::pop() {
  in_flight_.pop_front();
  head_since_ = Clock::now();
}

void PgWire::conclude(PgCommandPtr command) {
  if (command->failure || command->aborted) {
    if (try_again(command)) return;
    Problem problem = command->failure ? problem_of(command->failure.get(), command->failed_at)
                                       : Problem(Problem::Kind::internal, "Database error");
    return fail(command, std::make_exception_ptr(std::move(problem)));
  }
  if (command->then_commit && std::string_view(PQcmdStatus(command->results.back().get())) != "COMMIT")
    return fail(command, "the server rolled the transaction back");
  load_ -= command->weight();
  --counters_->waiting;
  if (command->kind == PgCommand::Kind::writes && (!command->leased || command->then_commit)) {
    ++counters_->commits;
    ++counters_->jobs;
  }
  if (command->done) (*command->done)(std::move(command->results));
}

/// What never took effect may simply run again: not within a transaction, whose state is gone.
bool PgWire::try_again(const PgCommandPtr& command) {
  if (command->leased) {
    if (command->failure) forget_prepared(*command);
    return false;
  }
  if (!command->failure) {  // A neighbour's fault. Reads only; the group's culprit is gone now.
    resubmit(command);
    return true;
  }
  std::string_view state = sqlstate(command->failure.get());
  bool stale = (state == "26000" || state == "0A000") && !command->unprepared;
  bool collided = is_collision(state);
  bool read_only = state == "25006";
  if (stale) forget_prepared(*command);
  if (stale) command->unprepared = true;
  if (!stale && !((collided || read_only) && command->tries < 2)) return false;
  ++command->tries;
  resubmit(command);
  // A server that was demoted keeps its connections: ask the address again who may write.
  if (read_only) lost("the server takes no writes");
  return true;
}

void PgWire::forget_prepared(const PgCommand& command) {
  std::string_view state = sqlstate(command.failure.get());
  if (state != "26000" && state != "0A000") return;
  for (const Call& call : command.calls) prepared_.erase(std::string(call.text(Dialect::postgres)));
}

void PgWire::resubmit(const PgCommandPtr& command) {
  command->results.clear();
  command->failure.reset();
  command->aborted = false;
  auto owner = owner_.lock();
  if (owner && !ready_ && owner->reroute(*this, command)) {
    load_ -= command->weight();
    return;
  }
  pending_.push_back(command);
  schedule();
}

void PgWire::fail(const PgCommandPtr& command, std::string why) {
  std::string name = command->calls.empty() ? "script" : std::string(command->calls.front().sql.name);
  if (command->kind != PgCommand::Kind::reads) why += " (whether it took effect is not known)";
  fail(command, std::make_exception_ptr(
                    Problem(Problem::Kind::unavailable, "The database cannot be reached at the moment.")
                        .retry_after(1)
                        .because(name + ": " + why)));
}

void PgWire::fail(const PgCommandPtr& command, std::exception_ptr error) {
  load_ -= command->weight();
  --counters_->waiting;
  if (command->done) command->done->fail(std::move(error));
}

std::vector<PgCommandPtr> PgWire::unanswered() {
  std::vector<PgCommandPtr> commands;
  for (Expected& expected : std::exchange(in_flight_, {}))
    if (expected.command && expected.kind != Expected::Kind::prepare &&
        std::ranges::find(commands, expected.command) == commands.end())
      commands.push_back(std::move(expected.command));
  return commands;
}

void PgWire::lost(std::string why) {
  if (!connection_) return;
  why.erase(why.find_last_not_of('\n') + 1);
  std::vector<PgCommandPtr> commands = unanswered();
  ready_ = answered_ = scripting_ = writing_ = false;
  lease_broken_ = lease_;
  ++generation_;
  if (!closed_) ++counters_->reconnects;
  socket_.release();
  connection_.reset();
  if (!closed_) log::warn("The connection to the database broke", {{"error", why}});
  for (const PgCommandPtr& command : std::exchange(lease_pending_, {})) commands.push_back(command);
  for (const PgCommandPtr& command : commands) {
    bool harmless = command->begins() || (command->kind == PgCommand::Kind::reads && !command->leased);
    if (closed_ || !harmless || ++command->tries >= kTries) {
      fail(command, why);
    } else if (command->leased) {  // Of a transaction that had done nothing yet.
      lease_broken_ = false;
      command->results.clear();
      lease_pending_.push_back(command);
    } else {
      resubmit(command);
    }
  }
  for (const PgCommandPtr& command : std::exchange(pending_, {}))
    closed_ ? fail(command, why) : resubmit(command);
  settle_lease();
  auto owner = owner_.lock();
  if (owner && !closed_) owner->want_connection(*this);
}

}  // namespace antiphon::store
