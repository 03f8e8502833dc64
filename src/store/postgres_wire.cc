#include "store/postgres_wire.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace antiphon::store {
namespace asio = boost::asio;

PgWire::PgWire(Executor executor, std::weak_ptr<Owner> owner, std::shared_ptr<Counters> counters,
               bool prepares)
    : executor_(executor),
      owner_(std::move(owner)),
      counters_(std::move(counters)),
      prepares_(prepares),
      socket_(executor),
      watch_(executor) {}

void PgWire::submit(PgCommandPtr command) {
  load_ += command->weight();
  if (shut_) return fail(command, "the database is closed");
  asio::dispatch(executor_, [self = shared_from_this(), command = std::move(command)]() mutable {
    self->take(std::move(command));
  });
}

void PgWire::take(PgCommandPtr command) {
  if (closed_) return fail(command, "the database is closed");
  if (command->leased) {
    if (lease_broken_) return fail(command, "the transaction's connection broke");
    lease_pending_.push_back(std::move(command));
    return schedule();
  }
  if (lease_ || (!ready_ && command->tries == 0)) {
    auto owner = owner_.lock();
    if (owner && owner->reroute(*this, command)) {
      load_ -= command->weight();
      return;
    }
  }
  if (pending_.size() >= kWaiting) return fail(command, "10000 statements wait already");
  pending_.push_back(std::move(command));
  schedule();
}

void PgWire::begin_lease() {
  asio::dispatch(executor_, [self = shared_from_this()] {
    self->pump();  // What came before the transaction goes before it.
    self->lease_ = true;
    self->lease_broken_ = self->lease_ending_ = false;
  });
}

void PgWire::end_lease(bool roll_back) {
  if (shut_) return;
  asio::dispatch(executor_, [self = shared_from_this(), roll_back] {
    if (roll_back && self->ready_ && !self->lease_broken_) {
      auto command = std::make_shared<PgCommand>(PgCommand{.leased = true});
      command->calls.push_back({{"rollback", "ROLLBACK"}});
      self->load_ += command->weight();
      ++self->counters_->waiting;
      self->lease_pending_.push_back(std::move(command));
    }
    self->lease_ending_ = true;
    self->pump();
  });
}

/// The lease ends when its last command has been sent: what follows comes after it.
void PgWire::settle_lease() {
  if (!lease_ || !lease_ending_ || !lease_pending_.empty()) return;
  lease_ = lease_broken_ = lease_ending_ = false;
  schedule();
  if (auto owner = owner_.lock()) owner->lease_ended(*this);
}

/// One turn of the loop gathers what is asked for in it.
void PgWire::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  asio::post(executor_, [self = shared_from_this()] {
    self->scheduled_ = false;
    self->pump();
  });
}

void PgWire::pump() {
  if (ready_ && !scripting_) send_some(lease_ ? lease_pending_ : pending_);
  if (connection_) flush();
  settle_lease();
}

void PgWire::send_some(std::deque<PgCommandPtr>& queue) {
  std::vector<PgCommandPtr> reads, writes;
  while (!queue.empty() && in_flight_.size() + reads.size() + writes.size() < kInFlight) {
    PgCommandPtr command = queue.front();
    if (command->kind == PgCommand::Kind::script) break;
    queue.pop_front();
    (command->kind == PgCommand::Kind::reads ? reads : writes).push_back(std::move(command));
  }
  // Preparing has groups of its own: a mistake in one statement must not abort its neighbours.
  for (auto* commands : {&reads, &writes})
    for (const PgCommandPtr& command : *commands)
      for (const Call& call : command->calls)
        if (!prepare(command, call)) break;
  send_reads(reads);
  for (const PgCommandPtr& command : writes) send_write(command);
  bool script = !queue.empty() && queue.front()->kind == PgCommand::Kind::script;
  if (!script || !in_flight_.empty() || !connection_) return;
  PgCommandPtr command = queue.front();
  queue.pop_front();
  send_script(command);
}

bool PgWire::prepare(const PgCommandPtr& command, const Call& call) {
  if (!connection_) return false;
  if (!prepares_ || command->unprepared || names_ == kPrepared) return true;
  std::string text(call.text(Dialect::postgres));
  auto [known, fresh] = prepared_.try_emplace(text);
  if (!fresh) return true;
  known->second = "s" + std::to_string(++names_);
  if (PQsendPrepare(connection_.get(), known->second.c_str(), text.c_str(), 0, nullptr) != 1) {
    lost(PQerrorMessage(connection_.get()));
    return false;
  }
  expect({.kind = Expected::Kind::prepare, .command = command, .prepared = std::move(text)});
  return sync({});
}

void PgWire::send_reads(const std::vector<PgCommandPtr>& reads) {
  for (std::size_t i = 0; i != reads.size(); ++i) {
    if (!connection_) {
      reads[i]->leased ? fail(reads[i], "the connection broke") : resubmit(reads[i]);  // Never sent.
      continue;
    }
    if (send_call(reads[i], 0) && ((i + 1) % kGroup == 0 || i + 1 == reads.size())) sync({});
  }
}

void PgWire::send_write(const PgCommandPtr& command) {
  if (!connection_) return command->leased ? fail(command, "the connection broke") : resubmit(command);
  for (std::size_t i = 0; i != command->calls.size(); ++i)
    if (!send_call(command, i)) return;  // lost() has answered the command.
  if (!command->then_commit) {
    sync(command);
    return;
  }
  if ((command->calls.empty() || sync({})) && send_commit(command)) sync(command);
}

bool PgWire::send_call(const PgCommandPtr& command, std::size_t index) {
  const Call& call = command->calls[index];
  PgArguments arguments(call.args);
  std::string text(call.text(Dialect::postgres));
  auto known = command->unprepared ? prepared_.end() : prepared_.find(text);
  PGconn* raw = connection_.get();
  int sent = known == prepared_.end()
                 ? PQsendQueryParams(raw, text.c_str(), arguments.size(), nullptr, arguments.values(),
                                     nullptr, nullptr, 0)
                 : PQsendQueryPrepared(raw, known->second.c_str(), arguments.size(), arguments.values(),
                                       nullptr, nullptr, 0);
  expect({.kind = Expected::Kind::call, .command = command, .call = index});
  if (sent != 1) lost(PQerrorMessage(raw));
  return sent == 1;
}

bool PgWire::send_commit(const PgCommandPtr& command) {
  int sent = PQsendQueryParams(connection_.get(), "COMMIT", 0, nullptr, nullptr, nullptr, nullptr, 0);
  expect({.kind = Expected::Kind::call, .command = command, .call = command->calls.size()});
  if (sent != 1) lost(PQerrorMessage(connection_.get()));
  return sent == 1;
}

bool PgWire::sync(PgCommandPtr concludes) {
  if (!connection_) return false;
  int sent = PQpipelineSync(connection_.get());
  expect({.kind = Expected::Kind::sync, .command = std::move(concludes)});
  if (sent != 1) lost(PQerrorMessage(connection_.get()));
  return sent == 1;
}

void PgWire::send_script(const PgCommandPtr& command) {
  PGconn* raw = connection_.get();
  scripting_ = true;
  expect({.kind = Expected::Kind::script, .command = command});
  if (PQexitPipelineMode(raw) != 1 || PQsendQuery(raw, command->script.c_str()) != 1)
    lost(PQerrorMessage(raw));
}

void PgWire::expect(Expected expected) {
  if (in_flight_.empty()) head_since_ = Clock::now();
  in_flight_.push_back(std::move(expected));
  arm_watch();
}

void PgWire::flush() {
  if (writing_) return;
  int left = PQflush(connection_.get());
  if (left < 0) return lost(PQerrorMessage(connection_.get()));
  if (left == 0) return;
  writing_ = true;
  socket_.async_wait(
      asio::posix::stream_descriptor::wait_write,
      [self = shared_from_this(), generation = generation_](boost::system::error_code error) {
        if (generation != self->generation_) return;
        self->writing_ = false;
        if (!error && self->connection_) self->flush();
      });
}

}  // namespace antiphon::store
