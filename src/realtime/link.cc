#include "realtime/link.h"

#include <algorithm>

#include "base/async.h"
#include "base/log.h"
#include "base/problem.h"
#include "json/text.h"

namespace antiphon::realtime {
namespace {

constexpr std::string_view kUserJoin = "user-join";

std::string token_in(const json::Value& auth) {
  return std::string(json::text_at(auth, "token"));
}

/// `{user}:{session}:{request}`, and the first part is this user.
bool is_channel_of(std::string_view event, const UserId& user) {
  return std::ranges::count(event, ':') == 2 && event.starts_with(user.value + ":");
}

/// What a list of acknowledgement arguments amounts to: nothing, the one, or all.
json::Value answer_of(const json::Value& data) {
  const json::Array& arguments = data.get_array();
  if (arguments.empty()) return nullptr;
  return arguments.size() == 1 ? arguments.front() : data;
}

}  // namespace

Link::Link(std::shared_ptr<Core> core, std::shared_ptr<Wire> wire, std::string address,
           std::string cookie_token)
    : core_(std::move(core)),
      wire_(std::move(wire)),
      address_(std::move(address)),
      cookie_token_(std::move(cookie_token)) {}

Link::~Link() {
  end_waiting();
}

Task<bool> Link::on_text(std::string_view text) {
  auto packet = socketio::parse(text);
  if (!packet) co_return false;
  switch (assembler_.add(std::move(*packet))) {
    case socketio::Assembler::Outcome::complete:
      co_return co_await take(assembler_.take(), text.size());
    case socketio::Assembler::Outcome::waiting:
      assembling_ = text.size();
      co_return connected_.load();
    case socketio::Assembler::Outcome::broken:
      co_return false;
  }
  co_return false;
}

Task<bool> Link::on_binary(std::string bytes) {
  assembling_ += bytes.size() * sizeof(json::Value);
  switch (assembler_.add_attachment(std::move(bytes))) {
    case socketio::Assembler::Outcome::complete:
      co_return co_await take(assembler_.take(), assembling_);
    case socketio::Assembler::Outcome::waiting:
      co_return true;
    case socketio::Assembler::Outcome::broken:
      co_return false;
  }
  co_return false;
}

Task<bool> Link::take(socketio::Packet packet, std::size_t bytes) {
  if (packet.type == socketio::Type::connect) co_return co_await connect(packet);
  if (!connected_ || packet.name_space != "/" || session_->ended()) co_return false;
  switch (packet.type) {
    case socketio::Type::event:
    case socketio::Type::binary_event:
      co_return co_await take_event(std::move(packet), bytes);
    case socketio::Type::ack:
    case socketio::Type::binary_ack:
      if (session_->signed_in()) session_->answered(*packet.id, answer_of(packet.data));
      co_return true;
    case socketio::Type::disconnect:
      core_->expel(session_);
      co_return false;
    case socketio::Type::connect:
    case socketio::Type::connect_error:
      break;
  }
  co_return false;
}

Task<bool> Link::connect(const socketio::Packet& packet) {
  if (packet.name_space != "/") {
    wire_->send(std::make_shared<const std::string>(
                    socketio::connect_error_frame(packet.name_space, "Invalid namespace")),
                false);
    co_return true;
  }
  if (connected_) co_return false;
  std::string token = token_in(packet.data);
  if (token.empty()) token = cookie_token_;
  offset_ = std::string(json::text_at(packet.data, "offset"));
  auto welcome = co_await core_->welcome(wire_, std::move(token),
                                         std::string(json::text_at(packet.data, "pid")), offset_);
  session_ = welcome.session;
  connected_ = true;
  if (closed_) {
    core_->lost(session_, wire_.get());
    co_return false;
  }
  if (!welcome.arrival) co_return begin_waiting();
  wire_->limit_messages(core_->options.message_bytes);
  co_return co_await queue({.arrival = welcome.arrival});
}

bool Link::begin_waiting() {
  if (!core_->registry.enter_waiting(address_, core_->options.waiting_per_address)) {
    ++core_->counters.refused;
    log::warn("Too many sockets of one address wait for a sign-in", {{"address", address_}});
    core_->expel(session_);
    return false;
  }
  std::scoped_lock lock(mutex_);
  waiting_ = true;
  return true;
}

void Link::end_waiting() {
  std::scoped_lock lock(mutex_);
  if (std::exchange(waiting_, false)) core_->registry.leave_waiting(address_);
}

void Link::on_closed() {
  if (closed_.exchange(true)) return;
  end_waiting();
  room_.notify();
  if (connected_) core_->lost(session_, wire_.get());
}

Task<bool> Link::take_event(socketio::Packet packet, std::size_t bytes) {
  json::Array& data = packet.data.get_array();
  std::string name(json::view(data.front().get_string()));
  // A waiting socket is heard on one subject only (row 92).
  if (!session_->signed_in() && name != kUserJoin) co_return true;
  json::Value argument = data.size() > 1 ? std::move(data[1]) : json::Value(nullptr);
  co_return co_await queue({std::move(name), std::move(argument), packet.id, bytes});
}

Task<bool> Link::queue(Incoming event) {
  bool start = false;
  for (;;) {
    {
      std::scoped_lock lock(mutex_);
      bool fits = queue_.size() < kMaxQueued && queued_bytes_ + event.bytes <= kMaxQueuedBytes;
      if (queue_.empty() || fits) {
        queued_bytes_ += event.bytes;
        queue_.push_back(std::move(event));
        start = !std::exchange(working_, true);
        break;
      }
    }
    if (closed_) co_return false;
    co_await room_.wait();
  }
  if (!start) co_return true;
  co_return core_->scope.start(co_await current_executor(), "socket events",
                               [self = shared_from_this()] { return self->work(); });
}

std::optional<Link::Incoming> Link::next() {
  std::scoped_lock lock(mutex_);
  if (queue_.empty() || closed_) {
    queue_.clear();
    queued_bytes_ = 0;
    working_ = false;
    return std::nullopt;
  }
  Incoming event = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= event.bytes;
  return event;
}

Task<> Link::work() {
  while (auto event = next()) {
    room_.notify();
    try {
      co_await handle(std::move(*event));
    } catch (const Problem& problem) {
      log::warn("A socket's event failed", {{"detail", problem.detail()}, {"cause", problem.cause()}});
    } catch (const std::exception& error) {
      log::error("A socket's event failed", {{"error", error.what()}});
    }
  }
}

Task<> Link::handle(Incoming event) {
  if (event.arrival) {
    co_await core_->tell_signed_in(session_, *event.arrival);
    co_return;
  }
  ++core_->counters.events_in;
  if (event.name == kUserJoin) {
    co_await user_join(event);
    co_return;
  }
  if (!session_->signed_in()) co_return;
  if (auto answer = co_await run_handler(event)) acknowledge(event.ack, *answer);
}

Task<std::optional<json::Value>> Link::run_handler(Incoming& event) {
  Socket socket(core_, session_);
  try {
    auto handler = core_->handlers.find(event.name);
    if (handler != core_->handlers.end())
      co_return co_await handler->second.run(socket, std::move(event.argument));
    if (is_channel_of(event.name, socket.caller().id))
      core_->channels.say(event.name, session_->sid(), std::move(event.argument));
    co_return std::nullopt;
  } catch (const Problem& problem) {
    log::warn("A socket's event failed", {{"event", event.name},
                                          {"detail", problem.detail()},
                                          {"cause", problem.cause()},
                                          {"user", socket.caller().id.value}});
  }
  co_return json::Value(nullptr);
}

Task<> Link::user_join(const Incoming& event) {
  const json::Value* auth = json::find(event.argument, "auth");
  std::string token = auth ? token_in(*auth) : std::string();
  if (token.empty()) token = cookie_token_;
  std::optional<Caller> caller;
  try {
    caller = co_await core_->identify(std::move(token));
  } catch (const Problem& problem) {
    log::warn("A socket could not be signed in",
              {{"detail", problem.detail()}, {"cause", problem.cause()}});
  }
  if (!caller || session_->ended()) {
    acknowledge(event.ack, nullptr);
    co_return;
  }
  json::Object answer{{"id", caller->id.value}, {"name", caller->name}};
  Arrival arrival = co_await core_->sign_in(session_, std::move(*caller), offset_);
  end_waiting();
  wire_->limit_messages(core_->options.message_bytes);
  acknowledge(event.ack, answer);
  co_await core_->tell_signed_in(session_, arrival);
}

void Link::acknowledge(const std::optional<std::uint64_t>& id, const json::Value& value) {
  if (id) session_->send(std::make_shared<const std::string>(socketio::ack_frame(*id, value)));
}

}  // namespace antiphon::realtime
