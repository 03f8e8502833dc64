#include "http/core.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/ids.h"
#include "base/time.h"
#include "http/wire.h"

namespace antiphon::http {
namespace {

/// File descriptors that are not for clients: databases, providers, files.
constexpr int kReservedFiles = 256;

}  // namespace

int affordable_connections(int wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  auto needed = static_cast<rlim_t>(wanted) + kReservedFiles;
  if (limit.rlim_cur < needed) {
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    (void)setrlimit(RLIMIT_NOFILE, &limit);  // Asked again below, so a refusal shows.
    (void)getrlimit(RLIMIT_NOFILE, &limit);
  }
  auto files = static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 24));
  return static_cast<int>(std::clamp<std::int64_t>(files - kReservedFiles, 16, wanted));
}

void Connection::join(std::shared_ptr<LoopState> loop) {
  loop_ = std::move(loop);
  loop_->add(*this);
}
Connection::~Connection() {
  if (loop_) loop_->remove(*this);
}

LoopState::LoopState(LoopExecutor executor) : executor_(executor), id_prefix_(random_hex(6)) {}

void LoopState::add(Connection& connection) {
  connection.next_ = first_;
  connection.previous_ = nullptr;
  if (first_) first_->previous_ = &connection;
  first_ = &connection;
}

void LoopState::remove(Connection& connection) {
  if (connection.previous_)
    connection.previous_->next_ = connection.next_;
  else
    first_ = connection.next_;
  if (connection.next_) connection.next_->previous_ = connection.previous_;
}

void LoopState::tick(bool draining) {
  Clock::time_point now = Clock::now();
  for (Connection* one = first_; one;) {
    Connection* next = one->next_;
    one->tick(now, draining);
    one = next;
  }
}

void LoopState::abort_all() {
  for (Connection* one = first_; one;) {
    Connection* next = one->next_;
    one->abort();
    one = next;
  }
}

std::string_view LoopState::date() {
  std::int64_t now = unix_seconds();
  if (now != date_second_) {
    date_second_ = now;
    date_ = http_date(now);
  }
  return date_;
}

std::string LoopState::next_request_id() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string id = id_prefix_;
  std::uint32_t n = ++id_;
  for (int shift = 28; shift >= 0; shift -= 4) id += kDigits[n >> shift & 15];
  return id;
}

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  release();
  core_ = std::move(other.core_);
  peer_ = other.peer_;
  counted_ = other.counted_;
  return *this;
}

void Ticket::release() {
  if (core_) core_->leave(peer_, counted_);
  core_.reset();
}

Core::Core(ServerOptions opts, const Router& routes, Identify who)
    : options(std::move(opts)),
      router(routes),
      identify(std::move(who)),
      peers(options.trusted_proxies),
      head_limits{.block = options.header_limit},
      most_(affordable_connections(options.max_connections)) {}

std::chrono::milliseconds Core::tick_every() const {
  auto shortest = std::min({options.header_timeout, options.body_idle_timeout, options.write_timeout,
                            options.keep_alive_timeout});
  return std::clamp(shortest / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(250));
}

std::optional<Ticket> Core::admit(const Address& peer) {
  if (connections.fetch_add(1) >= most_) {
    --connections;
    return std::nullopt;
  }
  // A proxy, and whatever runs on this machine, speaks for many.
  bool counted = !peers.trusts(peer) && (options.limit_loopback || !peer.is_loopback());
  if (counted) {
    std::scoped_lock lock(mutex_);
    int& here = by_address_[peer.neighbourhood()];
    if (here >= options.max_connections_per_address) {
      --connections;
      return std::nullopt;
    }
    ++here;
  }
  return Ticket(shared_from_this(), peer, counted);
}

std::optional<BodyShare> Core::share_body(std::size_t bytes) {
  auto size = static_cast<std::int64_t>(bytes);
  BodyShare share(body_bytes_, size);  // Gives back on every way out.
  if ((body_bytes_ += size) > options.max_body_memory) return std::nullopt;
  return share;
}

void Core::leave(const Address& peer, bool counted) {
  --connections;
  if (!counted) return;
  std::scoped_lock lock(mutex_);
  auto here = by_address_.find(peer.neighbourhood());
  if (here != by_address_.end() && --here->second == 0) by_address_.erase(here);
}

}  // namespace antiphon::http
