#include "realtime/channel.h"

#include <algorithm>

#include "base/problem.h"
#include "json/text.h"

namespace antiphon::realtime {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLine = "line";      ///< channel number line
constexpr std::string_view kCount = "lines";    ///< channel count: the socket is still here
constexpr std::string_view kClosed = "unread";  ///< channel: nobody reads it any more
constexpr auto kSilence = 10s;                  ///< Without a sign of the socket.
constexpr auto kGap = 3s;                       ///< For lines that were overtaken.
constexpr auto kUnused = 1h;                    ///< Of what is passed on, when its reader died.
constexpr std::size_t kMaxAhead = 4'096;

}  // namespace

Channel::Channel(std::string sid, Here here)
    : sid_(std::move(sid)), here_(std::move(here)), connection_(here_()) {}

Task<json::Value> Channel::next(std::chrono::nanoseconds idle) {
  auto until = Clock::now() + idle;
  for (;;) {
    look_here();
    auto now = Clock::now();
    {
      std::scoped_lock lock(mutex_);
      if (!lines_.empty()) {
        auto [line, bytes] = std::move(lines_.front());
        lines_.pop_front();
        waiting_bytes_ -= bytes;
        co_return std::move(line);
      }
      if (now >= until) fail_locked("The browser that asks this model has sent nothing for too long.");
      if (auto why = broken(now)) throw Problem(Problem::Kind::upstream, *why);
    }
    auto ready = [this] {
      std::scoped_lock lock(mutex_);
      return !lines_.empty() || failure_.has_value();
    };
    co_await changed_.until(ready, std::min<std::chrono::nanoseconds>(1s, until - now));
  }
}

/// A browser that comes back does not know what of its words was lost with the connection.
void Channel::look_here() {
  auto connection = here_();
  if (!connection) return;
  std::scoped_lock lock(mutex_);
  alive_ = Clock::now();
  if (connection != connection_) fail_locked("The browser was cut off. What came before is kept.");
}

std::optional<std::string> Channel::broken(Clock::time_point now) {
  if (failure_) return failure_;
  if (gap_since_ && now - *gap_since_ > kGap)
    return "A part of what the browser sent was lost on its way. What came before it is kept.";
  if (now - alive_ > kSilence)
    return "The browser that asks this model has gone. What came of its answer is kept.";
  return std::nullopt;
}

void Channel::fail(std::string why) {
  {
    std::scoped_lock lock(mutex_);
    fail_locked(std::move(why));
  }
  changed_.notify();
}

void Channel::fail_locked(std::string why) {
  if (!failure_) failure_ = std::move(why);
}

void Channel::push(json::Value line) {
  std::size_t bytes = json::serialize(line).size();
  if (failure_) return;
  if (bytes > kMaxLine || ++count_ > kMaxLines || waiting_bytes_ + bytes > kMaxWaiting) {
    fail_locked("The browser sent more than an answer may hold. What came before is kept.");
    return;
  }
  alive_ = Clock::now();
  waiting_bytes_ += bytes;
  lines_.emplace_back(std::move(line), bytes);
}

void Channel::say(json::Value line) {
  look_here();
  {
    std::scoped_lock lock(mutex_);
    push(std::move(line));
  }
  changed_.notify();
}

void Channel::hear(std::int64_t number, json::Value line) {
  {
    std::scoped_lock lock(mutex_);
    if (number < next_ || ahead_.size() >= kMaxAhead) return;
    ahead_.emplace(number, std::move(line));
    for (auto at = ahead_.begin(); at != ahead_.end() && at->first == next_; at = ahead_.erase(at)) {
      push(std::move(at->second));
      ++next_;
    }
    told_ = std::max(told_, number);
    check_gap();
  }
  changed_.notify();
}

void Channel::hear_alive(std::int64_t count) {
  std::scoped_lock lock(mutex_);
  alive_ = Clock::now();
  told_ = std::max(told_, count);
  check_gap();
}

void Channel::check_gap() {
  if (next_ > told_)
    gap_since_.reset();
  else if (!gap_since_)
    gap_since_ = Clock::now();
}

Channels::Channels(bus::Bus* bus, Holds holds) : bus_(bus), holds_(std::move(holds)) {
  if (!bus_) return;
  bus_->on(std::string(kLine), [this](std::string_view body) {
    std::string_view name = bus::first_part(body);
    auto channel = find(name);
    if (!channel) return;
    auto parts = bus::parts_of(body);
    auto number = parts.size() == 3 ? bus::number_in(parts[1]) : std::nullopt;
    auto line = number ? json::try_parse(parts[2]) : std::nullopt;
    if (line) channel->hear(*number, std::move(*line));
  });
  bus_->on(std::string(kCount), [this](std::string_view body) {
    auto channel = find(bus::first_part(body));
    auto parts = bus::parts_of(body);
    auto count = parts.size() == 2 ? bus::number_in(parts[1]) : std::nullopt;
    if (channel && count) channel->hear_alive(*count);
  });
  bus_->on(std::string(kClosed), [this](std::string_view name) {
    std::scoped_lock lock(mutex_);
    if (auto at = passed_.find(name); at != passed_.end()) passed_.erase(at);
  });
}

std::shared_ptr<Channel> Channels::find(std::string_view name) {
  std::scoped_lock lock(mutex_);
  auto at = open_.find(name);
  return at == open_.end() ? nullptr : at->second;
}

std::shared_ptr<Channel> Channels::open(const std::string& name, std::string sid, UserId user) {
  auto channel = std::make_shared<Channel>(sid, [this, sid, user] { return holds_(sid, user); });
  std::scoped_lock lock(mutex_);
  if (open_.size() >= kMaxOpen)
    throw Problem(Problem::Kind::unavailable, "Too many browsers answer at this moment. Try again.");
  open_.insert_or_assign(name, channel);
  return channel;
}

void Channels::close(const std::string& name) {
  {
    std::scoped_lock lock(mutex_);
    open_.erase(name);
  }
  if (bus_) bus_->send(kClosed, name);
}

void Channels::pass_on(std::string name, std::string sid, UserId user) {
  auto connection = holds_(sid, user);
  std::scoped_lock lock(mutex_);
  if (passed_.size() < kMaxPassed)
    passed_.try_emplace(
        std::move(name),
        Passed{.sid = std::move(sid), .user = std::move(user), .connection = connection});
}

/// A line is missing, for all that is known, where the browser was cut off.
void Channels::look_at(Passed& passed) const {
  auto connection = holds_(passed.sid, passed.user);
  if (!connection || connection == passed.connection) return;
  passed.connection = connection;
  ++passed.count;
}

void Channels::say(const std::string& name, std::string_view sid, json::Value line) {
  if (auto channel = find(name)) {
    if (channel->sid_ == sid) channel->say(std::move(line));
    return;
  }
  std::string text = json::serialize(line);
  std::int64_t number = 0;
  {
    std::scoped_lock lock(mutex_);
    auto at = passed_.find(name);
    if (at == passed_.end() || at->second.sid != sid) return;
    look_at(at->second);
    at->second.used = Clock::now();
    number = ++at->second.count;  // What is too long is missed where it is read.
  }
  if (text.size() <= Channel::kMaxLine)
    bus_->send(kLine, bus::joined({name, std::to_string(number), text}));
}

void Channels::tick() {
  std::scoped_lock lock(mutex_);
  for (auto& [name, one] : passed_) {
    look_at(one);
    if (holds_(one.sid, one.user)) bus_->send(kCount, bus::joined({name, std::to_string(one.count)}));
  }
  std::erase_if(passed_,
                [now = Clock::now()](const auto& entry) { return now - entry.second.used > kUnused; });
}

}  // namespace antiphon::realtime
