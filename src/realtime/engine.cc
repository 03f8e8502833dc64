#include "realtime/engine.h"

#include "base/log.h"
#include "base/problem.h"

namespace antiphon::realtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// How long a poll is held while its session is about to leave polling.
constexpr milliseconds kProbePoll{100};
constexpr seconds kProbeTimeout{10};
/// How long a closed polling session keeps its last words for the client's next poll, or for the end of
/// its upgrade.
constexpr seconds kLastWords{10};

Frame frame_of(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

Engine::Engine(std::string sid, std::shared_ptr<Core> core)
    : sid_(std::move(sid)),
      core_(std::move(core)),
      message_limit_(core_->options.waiting_message_bytes),
      next_ping_(Clock::now() + core_->options.ping_interval) {}

void Engine::open(std::string address, std::string cookie_token) {
  link_ =
      std::make_shared<Link>(core_, shared_from_this(), std::move(address), std::move(cookie_token));
}

void Engine::send(Frame frame, bool binary) {
  std::scoped_lock lock(mutex_);
  if (closed_) return;
  if (socket_) return socket_->send(std::move(frame), binary);
  queued_bytes_ += frame->size();
  if (queued_bytes_ > kMaxQueuedBytes) return close_locked();
  queue_.push_back({std::move(frame), binary});
  wake_.notify();
}

void Engine::close() {
  std::scoped_lock lock(mutex_);
  close_locked();
}

void Engine::close_locked() {
  if (closed_) return;
  closed_ = true;
  closed_at_ = Clock::now();
  if (socket_) {
    socket_->close(1000, "");
  } else if (queue_.empty()) {
    // In one body with a Socket.IO packet, the client would close before it has read that.
    queue_.push_back({frame_of("1"), false});
  }
  wake_.notify();
}

void Engine::limit_messages(std::size_t bytes) {
  std::scoped_lock lock(mutex_);
  message_limit_ = bytes;
  if (socket_) socket_->limit_messages(bytes);
}

bool Engine::polling() const {
  std::scoped_lock lock(mutex_);
  return !socket_;
}

std::shared_ptr<Link> Engine::let_go() {
  std::scoped_lock lock(mutex_);
  close_locked();
  if (probe_) probe_->close(1000, "");
  return std::exchange(link_, nullptr);
}

Task<> Engine::run(std::shared_ptr<http::WebSocket> socket) {
  {
    std::scoped_lock lock(mutex_);
    socket_ = socket;
    socket->limit_messages(message_limit_);
  }
  socket->send(
      frame_of(engineio::open_packet({.sid = sid_,
                                      .ping_interval_ms = core_->options.ping_interval.count(),
                                      .ping_timeout_ms = core_->options.ping_timeout.count()})));
  co_await read(std::move(socket));
}

Task<> Engine::run_upgrade(std::shared_ptr<http::WebSocket> socket) {
  auto probe = co_await socket->read();
  if (!probe || probe->binary || probe->bytes != "2probe" || !begin_probe(socket)) {
    socket->close(1002, "");
    co_return;
  }
  auto upgrade = co_await socket->read();
  if (!upgrade || upgrade->binary || upgrade->bytes != "5" || !finish_upgrade(socket)) {
    end_probe(socket.get());
    socket->close(1002, "");
    co_return;
  }
  co_await read(std::move(socket));
}

bool Engine::begin_probe(const std::shared_ptr<http::WebSocket>& socket) {
  std::scoped_lock lock(mutex_);
  if (closed_ || socket_ || probe_) return false;
  probe_ = socket;
  probe_until_ = Clock::now() + kProbeTimeout;
  socket->send(frame_of("3probe"));
  wake_.notify();
  return true;
}

bool Engine::finish_upgrade(const std::shared_ptr<http::WebSocket>& socket) {
  std::scoped_lock lock(mutex_);
  // A client is through with its POSTs before it changes over; one that is not would have two readers.
  if (posting_ || probe_ != socket) return false;
  probe_.reset();
  socket_ = socket;
  socket_->limit_messages(message_limit_);
  for (Out& out : std::exchange(queue_, {})) socket_->send(std::move(out.frame), out.binary);
  queued_bytes_ = 0;
  if (closed_) socket_->close(1000, "");  // It has not polled since, so it hears why here.
  wake_.notify();
  return true;
}

void Engine::end_probe(const http::WebSocket* socket) {
  std::scoped_lock lock(mutex_);
  if (probe_.get() == socket) probe_.reset();
}

Task<> Engine::read(std::shared_ptr<http::WebSocket> socket) {
  try {
    while (auto frame = co_await socket->read())
      if (!co_await on_frame(std::move(*frame))) break;
  } catch (const Problem& problem) {
    log::warn("A socket was closed", {{"detail", problem.detail()}, {"cause", problem.cause()}});
  }
  if (auto link = let_go()) link->on_closed();
}

Task<bool> Engine::on_frame(http::Frame frame) {
  if (frame.binary) return on_packet({engineio::Type::message, std::move(frame.bytes), true});
  auto packet = engineio::parse_frame(frame.bytes);
  return on_packet(packet ? std::move(*packet) : engineio::Packet{});
}

Task<bool> Engine::on_packet(engineio::Packet packet) {
  std::shared_ptr<Link> link;
  {
    std::scoped_lock lock(mutex_);
    if (closed_ || !link_ || packet.data.size() > message_limit_) co_return false;
    heard_ = Clock::now();
    link = link_;
  }
  switch (packet.type) {
    case engineio::Type::pong:
      co_return packet.data == std::string_view();
    case engineio::Type::message:
      if (packet.binary) co_return co_await link->on_binary(std::move(packet.data));
      co_return co_await link->on_text(packet.data);
    case engineio::Type::open:
    case engineio::Type::close:
    case engineio::Type::ping:
    case engineio::Type::upgrade:
    case engineio::Type::noop:
      break;  // Goodbye, or nothing a client says here.
  }
  co_return false;
}

std::string Engine::take_queue_locked() {
  std::string body;
  for (const Out& out : queue_) engineio::append_to_payload(body, *out.frame, out.binary);
  queue_.clear();
  queued_bytes_ = 0;
  return body;
}

Task<std::optional<std::string>> Engine::poll() {
  {
    std::scoped_lock lock(mutex_);
    if (socket_ || (closed_ && queue_.empty())) co_return std::nullopt;
    if (poll_waits_) {
      close_locked();
      co_return std::nullopt;
    }
    poll_waits_ = true;
    heard_ = Clock::now();
  }
  for (bool waited = false;; waited = true) {
    auto patience = std::chrono::nanoseconds(seconds(60));
    {
      std::scoped_lock lock(mutex_);
      bool leave = probe_ && waited;
      if (!queue_.empty() || closed_ || socket_ || leave) {
        poll_waits_ = false;
        std::string body = take_queue_locked();
        co_return body.empty() ? "6" : body;
      }
      if (probe_) patience = kProbePoll;
    }
    // The memory of an earlier wake-up may end this wait at once; that only costs a round.
    (void)co_await wake_.wait(patience);
  }
}

Task<bool> Engine::take(std::string body) {
  {
    std::scoped_lock lock(mutex_);
    if (closed_ || socket_) co_return false;
    if (posting_) {
      close_locked();
      co_return false;
    }
    posting_ = true;
  }
  bool good = false;
  if (auto packets = engineio::parse_payload(body)) {
    try {
      good = true;
      for (auto packet = packets->begin(); good && packet != packets->end(); ++packet)
        good = co_await on_packet(std::move(*packet));
    } catch (const Problem& problem) {
      good = false;
      log::warn("A socket was closed", {{"detail", problem.detail()}, {"cause", problem.cause()}});
    }
  }
  {
    std::scoped_lock lock(mutex_);
    posting_ = false;
    if (good) co_return true;
  }
  if (auto link = let_go()) link->on_closed();
  co_return false;
}

bool Engine::tick(Clock::time_point now) {
  std::shared_ptr<Link> gone;
  bool forget = false;
  {
    std::scoped_lock lock(mutex_);
    const HubOptions& options = core_->options;
    bool silent = ping_sent_ && heard_ < *ping_sent_ && now - *ping_sent_ > options.ping_timeout;
    bool mute = link_ && !link_->connected() && now - opened_ > options.connect_timeout;
    if (silent || mute) close_locked();
    if (probe_ && now > probe_until_) probe_->close(1002, "");
    if (closed_) {
      gone = std::exchange(link_, nullptr);
      forget = socket_ || queue_.empty() || now - closed_at_ > kLastWords;
      if (forget && probe_) probe_->close(1000, "");
    } else if (now >= next_ping_) {
      next_ping_ = now + options.ping_interval;
      ping_sent_ = now;
      static const Frame ping = frame_of("2");
      if (socket_) {
        socket_->send(ping);
      } else {
        queue_.push_back({ping, false});
        wake_.notify();
      }
    }
  }
  if (gone) gone->on_closed();
  return !forget;
}

}  // namespace antiphon::realtime
