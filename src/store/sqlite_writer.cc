#include "store/sqlite_writer.h"

#include "base/problem.h"

namespace antiphon::store {

namespace {
std::exception_ptr problem(std::string detail, std::string cause) {
  return std::make_exception_ptr(
      Problem(Problem::Kind::unavailable, std::move(detail)).retry_after(1).because(std::move(cause)));
}
}  // namespace

SqliteWriter::SqliteWriter(const std::string& path, SqlitePatience patience, Counters& counters)
    : patience_(patience),
      counters_(counters),
      handle_(path, SqliteHandle::Mode::read_write, patience, counters) {
  thread_ = std::thread([this] { loop(); });
}

void SqliteWriter::submit(Job job) {
  if (const char* refused = enqueue(job))
    job.done.fail(problem("The database is busy. Try again in a moment.", refused));
  else
    submitted_.notify_one();
}

const char* SqliteWriter::enqueue(Job& job) {
  std::scoped_lock lock(mutex_);
  if (closing_) return "the database is closed";
  if (queue_.size() >= kWaiting) return "10000 writes wait already";
  counters_.waiting.fetch_add(1, std::memory_order_relaxed);
  queue_.push_back(std::move(job));
  return nullptr;
}

void SqliteWriter::close() {
  {
    std::scoped_lock lock(mutex_);
    closing_ = true;
    if (session_) session_->hurry();
  }
  submitted_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::optional<SqliteWriter::Job> SqliteWriter::take(bool wait, bool only_sharing) {
  std::unique_lock lock(mutex_);
  if (wait) submitted_.wait(lock, [&] { return closing_ || !queue_.empty(); });
  if (queue_.empty() || (only_sharing && !queue_.front().shares())) return std::nullopt;
  std::optional<Job> job(std::move(queue_.front()));
  queue_.pop_front();
  return job;
}

void SqliteWriter::loop() {
  while (std::optional<Job> job = take(true, false)) {
    if (job->shares())
      group(std::move(*job));
    else if (job->session && !refused(*job))
      serve(*job);
    else if (job->session)
      answer(*job);
    else
      run_alone(*job);
  }
}

/// A transaction that has not begun when the database closes never does.
bool SqliteWriter::refused(Job& job) {
  std::scoped_lock lock(mutex_);
  if (closing_)
    job.failure = problem("The database is busy. Try again in a moment.", "the database is closed");
  return closing_;
}

/// The time a job has waited behind others counts: else the waits for another program would add up.
void SqliteWriter::begin(const Job& job) {
  if (broken_)
    throw Problem(Problem::Kind::unavailable,
                  "The database cannot save anything until it is restarted.")
        .because("fsync failed earlier: what the disk holds is not known");
  handle_.wait_since(job.asked);
  handle_.script("BEGIN IMMEDIATE", "begin");
}

void SqliteWriter::commit(std::size_t jobs) {
  try {
    handle_.script("COMMIT", "commit");
  } catch (...) {
    broken_ = broken_ || handle_.lost_a_sync();
    throw;
  }
  counters_.commits.fetch_add(1, std::memory_order_relaxed);
  counters_.jobs.fetch_add(static_cast<std::int64_t>(jobs), std::memory_order_relaxed);
}

void SqliteWriter::roll_back() {
  if (!handle_.in_transaction()) return;
  try {
    handle_.script("ROLLBACK", "rollback");
  } catch (const Problem& p) {
    log::error("A rollback failed", {{"cause", p.cause()}});
  }
}

void SqliteWriter::group(Job first) {
  std::vector<Job> jobs;
  jobs.push_back(std::move(first));
  try {
    begin(jobs.front());
  } catch (...) {
    jobs.front().failure = std::current_exception();
    answer(jobs.front());
    return;
  }
  run_in_group(jobs.front());
  while (handle_.in_transaction() && jobs.size() < kGroup) {
    std::optional<Job> next = take(false, true);
    if (!next) break;
    jobs.push_back(std::move(*next));
    run_in_group(jobs.back());
  }
  // Disk full, out of memory and an interruption roll everything back, neighbours included.
  settle(std::move(jobs), handle_.in_transaction());
}

void SqliteWriter::settle(std::vector<Job> jobs, bool intact) {
  if (intact) {
    try {
      commit(jobs.size());
    } catch (...) {
      roll_back();
      intact = false;
      if (jobs.size() == 1) jobs.front().failure = std::current_exception();
    }
  }
  if (!intact)
    for (Job& job : jobs)
      if (!job.failure) replay(job);
  for (Job& job : jobs) answer(job);
}

void SqliteWriter::run_calls(Job& job) {
  job.replies.clear();
  for (const Call& call : job.calls) job.replies.push_back(handle_.run(call));
}

void SqliteWriter::run_in_group(Job& job) {
  // A single statement takes back what it did by itself; a savepoint costs a tenth.
  bool several = job.calls.size() > 1;
  try {
    if (several) handle_.script("SAVEPOINT job", "savepoint");
    run_calls(job);
    if (several) handle_.script("RELEASE job", "savepoint");
  } catch (...) {
    job.failure = std::current_exception();
    if (several && handle_.in_transaction()) forget_savepoint();
  }
}

void SqliteWriter::forget_savepoint() {
  try {
    handle_.script("ROLLBACK TO job; RELEASE job", "savepoint");
  } catch (...) {
    roll_back();  // The neighbours are run again.
  }
}

void SqliteWriter::replay(Job& job) {
  try {
    begin(job);
    run_calls(job);
    commit(1);
  } catch (...) {
    job.failure = std::current_exception();
    roll_back();
  }
}

void SqliteWriter::answer(Job& job) {
  counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
  if (job.failure) return job.done.fail(job.failure);
  job.done(std::move(job.replies));
}

void SqliteWriter::run_alone(Job& job) {
  try {
    if (job.alone) {
      handle_.wait_since(job.asked);
      job.alone(handle_);
    } else {
      begin(job);
      handle_.script(job.script);
      if (handle_.in_transaction()) commit(1);
    }
  } catch (...) {
    job.failure = std::current_exception();
  }
  roll_back();
  answer(job);
}

void SqliteWriter::have_session(std::shared_ptr<SqliteSession> session) {
  std::scoped_lock lock(mutex_);
  session_ = std::move(session);
  if (session_ && closing_) session_->hurry();
}

void SqliteWriter::serve(Job& job) {
  std::shared_ptr<SqliteSession> session = job.session;
  have_session(session);
  try {
    begin(job);
  } catch (...) {
    job.failure = std::current_exception();
  }
  answer(job);
  if (!job.failure) session->end(converse(*session));
  have_session(nullptr);
}

/// Yields what later requests are told.
std::exception_ptr SqliteWriter::converse(SqliteSession& session) {
  auto deadline = std::chrono::steady_clock::now() + patience_.transaction;
  std::exception_ptr failure;
  std::exception_ptr over = problem("The transaction is over.", "asked after its end");
  for (;;) {
    auto request = session.next(deadline);
    if (!request) {
      over = problem("The transaction took too long and was rolled back.",
                     "it kept the writer for too long");
      break;
    }
    if (!obey(*request, failure)) break;
    // What a migration's script takes does not count.
    if (request->kind == SqliteSession::Kind::script)
      deadline = std::chrono::steady_clock::now() + patience_.transaction;
  }
  roll_back();
  return over;
}

/// False when the session ends. After a failure nothing but the end is left, as in PostgreSQL.
bool SqliteWriter::obey(SqliteSession::Request& request, std::exception_ptr& failure) {
  using enum SqliteSession::Kind;
  Reply reply;
  if (!failure) {
    try {
      switch (request.kind) {
        case call:
          reply = handle_.run(request.call);
          break;
        case script:
          handle_.script(request.script);
          break;
        case commit:
          this->commit(1);
          break;
        case abandon:
          break;
      }
    } catch (...) {
      failure = std::current_exception();
    }
  }
  bool last = request.kind == commit || request.kind == abandon;
  if (last) roll_back();
  if (!request.done) return !last;
  if (failure)
    request.done->fail(failure);
  else
    (*request.done)(std::move(reply));
  return !last;
}

}  // namespace antiphon::store
