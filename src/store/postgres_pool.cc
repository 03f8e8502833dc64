#include "store/postgres_pool.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace antiphon::store {
namespace asio = boost::asio;

namespace {

std::exception_ptr busy(std::string cause) {
  return std::make_exception_ptr(
      Problem(Problem::Kind::unavailable, "The database is busy. Try again in a moment.")
          .retry_after(1)
          .because(std::move(cause)));
}

std::string name_of(PGconn* connection) {
  auto text = [](const char* s) { return std::string(s ? s : ""); };
  return "PostgreSQL " + text(PQparameterStatus(connection, "server_version")) + ", " +
         text(PQhost(connection)) + ":" + text(PQport(connection)) + "/" + text(PQdb(connection));
}

}  // namespace

std::shared_ptr<PgPool> PgPool::make(const Url& url, const Options& options, Loops& loops) {
  auto pool = std::make_shared<PgPool>();
  int count = std::clamp(options.connections, 1, 16);
  bool prepares = options.prepared_statements && url.prepared_statements;
  std::vector<PgConnection> connections;
  for (int i = 0; i != count; ++i) {
    connections.push_back(connect(url));
    if (i == 0) pool->server_ = name_of(connections.front().get());
    pool->slots_.push_back(
        {std::make_shared<PgWire>(loops.at(i % loops.size()), pool, pool->counters_, prepares)});
  }
  pool->connector_ = std::make_unique<PostgresConnector>(url);
  // Last: from now on they may break, and the loops are at work already.
  for (int i = 0; i != count; ++i) pool->slots_[i].wire->adopt(std::move(connections[i]));
  return pool;
}

/// Reads keep the first connection, where there are several, and need not wait for others' commits.
int PgPool::cost(const Slot& slot, bool read) const {
  bool reserved = !read && slots_.size() > 1 && &slot == &slots_.front();
  return slot.wire->load() + (reserved ? kReserved : 0) + (slot.leased ? kTaken : 0) +
         (slot.wire->ready() ? 0 : kDisconnected);
}

void PgPool::submit(PgCommandPtr command, const Executor& caller) {
  std::shared_ptr<PgWire> best;
  {
    std::scoped_lock lock(mutex_);
    int least = INT_MAX;
    for (const Slot& slot : slots_) {
      int sum = cost(slot, command->kind == PgCommand::Kind::reads) +
                (slot.wire->executor() == caller ? 0 : kOtherLoop);
      if (closed_ || sum >= least) continue;
      least = sum;
      best = slot.wire;
    }
  }
  if (!best) return command->done->fail(busy("the database is closed"));
  ++counters_->waiting;
  best->submit(std::move(command));
}

bool PgPool::reroute(PgWire& from, const PgCommandPtr& command) {
  std::shared_ptr<PgWire> best;
  {
    std::scoped_lock lock(mutex_);
    for (const Slot& slot : slots_)
      if (slot.wire.get() != &from && !slot.leased && slot.wire->ready() &&
          (!best || slot.wire->load() < best->load()))
        best = slot.wire;
  }
  if (!best) return false;
  best->submit(command);
  return true;
}

void PgPool::want_connection(PgWire& wire) {
  connector_->request([weak = wire.weak_from_this()](PgConnection connection, const std::string& why) {
    auto self = weak.lock();
    if (self && connection)
      self->adopt(std::move(connection));
    else if (self)
      self->connect_failed(why);
    return !self || why.empty();
  });
}

/// Under mutex_.
std::shared_ptr<PgWire> PgPool::free_wire() {
  int most = std::max(1, static_cast<int>(slots_.size()) - 1);
  if (leased_ >= most) return nullptr;
  Slot* best = nullptr;
  for (Slot& slot : slots_)
    if (!slot.leased && (!best || cost(slot, false) < cost(*best, false))) best = &slot;
  best->leased = true;
  ++leased_;
  return best->wire;
}

std::int64_t PgPool::ask_for_lease(Completion<std::shared_ptr<PgWire>> done) {
  std::shared_ptr<PgWire> wire;
  {
    std::scoped_lock lock(mutex_);
    if (!closed_) wire = free_wire();
    if (!wire && !closed_ && waiters_.size() < kLeaseQueue) {
      waiters_.push_back({++last_waiter_, std::move(done)});
      return last_waiter_;
    }
  }
  if (!wire) {
    done.fail(busy("the database is closed, or 1000 transactions wait already"));
    return 0;
  }
  wire->begin_lease();
  done(std::move(wire));
  return 0;
}

/// Only a waiter still in the list gives up, so that no connection is given to nobody.
void PgPool::give_up(std::int64_t id) {
  std::optional<Completion<std::shared_ptr<PgWire>>> done;
  {
    std::scoped_lock lock(mutex_);
    auto at = std::ranges::find(waiters_, id, &Waiter::id);
    if (at == waiters_.end()) return;
    done = std::move(at->done);
    waiters_.erase(at);
  }
  done->fail(busy("all connections have been in transactions for ten seconds"));
}

Task<std::shared_ptr<PgWire>> PgPool::lease() {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  co_return co_await await_result<std::shared_ptr<PgWire>>(
      [&](Completion<std::shared_ptr<PgWire>> done) {
        std::int64_t id = ask_for_lease(std::move(done));
        if (id == 0) return;
        timer.expires_after(kLeaseWait);
        timer.async_wait([self = shared_from_this(), id](boost::system::error_code error) {
          if (!error) self->give_up(id);
        });
      });
}

void PgPool::lease_ended(PgWire& wire) {
  std::optional<Waiter> next;
  {
    std::scoped_lock lock(mutex_);
    auto slot = std::ranges::find(slots_, &wire, [](const Slot& s) { return s.wire.get(); });
    if (waiters_.empty()) {
      slot->leased = false;
      --leased_;
      return;
    }
    next = std::move(waiters_.front());
    waiters_.pop_front();
  }
  wire.begin_lease();
  next->done(wire.shared_from_this());
}

PgPool::~PgPool() {
  close_connector();
  for (const Slot& slot : slots_) slot.wire->shut_down([] {});
}

Task<> PgPool::close() {
  std::deque<Waiter> waiters;
  {
    std::scoped_lock lock(mutex_);
    closed_ = true;
    waiters.swap(waiters_);
  }
  for (Waiter& waiter : waiters) waiter.done.fail(busy("the database is closed"));
  auto began = std::chrono::steady_clock::now();
  auto idle = [this, began] {
    std::scoped_lock lock(mutex_);
    // A transaction that asks for nothing has a second left.
    bool waits = leased_ != 0 && std::chrono::steady_clock::now() - began < std::chrono::seconds(1);
    return !waits && std::ranges::all_of(slots_, [](const Slot& s) { return s.wire->load() == 0; });
  };
  while (!idle() && std::chrono::steady_clock::now() - began < std::chrono::seconds(10))
    co_await sleep_for(std::chrono::milliseconds(5));
  for (const Slot& slot : slots_)
    co_await suspend([&](auto resume) { slot.wire->shut_down(std::move(resume)); });
  close_connector();
}

void PgPool::close_connector() {
  if (connector_) connector_->close();
}

}  // namespace antiphon::store
