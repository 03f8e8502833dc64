#include "bus/bus.h"

#include <charconv>
#include <cstring>
#include <limits>

#include "base/ids.h"

namespace antiphon::bus {
namespace {

using namespace std::chrono_literals;

constexpr char kSeparator = '\x1e';  // JSON text and ids hold no control characters.
/// Who has just come.
constexpr std::string_view kHello = "hello";
/// Who does not hear what is said over Redis.
constexpr std::string_view kDeaf = "deaf";
/// Whoever comes may not be counted yet: until the next look at the table, and longer.
constexpr auto kAfterHello = 10s;
/// Whoever is deaf says so each second.
constexpr auto kAfterDeaf = 4s;

std::int64_t random_number() {
  std::int64_t out = 0;
  std::memcpy(&out, random_bytes(sizeof out).data(), sizeof out);
  return out;
}

}  // namespace

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  bool first = true;
  for (std::string_view part : parts) {
    if (!std::exchange(first, false)) out += kSeparator;
    out += part;
  }
  return out;
}

void append(std::string& body, std::string_view part) {
  body += kSeparator;
  body += part;
}

std::vector<std::string_view> parts_of(std::string_view body) {
  std::vector<std::string_view> out;
  for (;;) {
    std::size_t at = body.find(kSeparator);
    out.push_back(body.substr(0, at));
    if (at == body.npos) return out;
    body.remove_prefix(at + 1);
  }
}

std::string_view first_part(std::string_view body) {
  return body.substr(0, body.find(kSeparator));
}

std::optional<std::int64_t> number_in(std::string_view part) {
  std::int64_t out = 0;
  auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), out);
  if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
  return out;
}

Bus::Bus(Way way, std::string_view deployment)
    : way_(std::move(way)),
      deployment_(deployment),
      channel_("antiphon_" + std::string(deployment.substr(0, 32))),
      self_(random_hex(6)),
      session_key_(random_number()) {}

void Bus::on(std::string topic, Handler handler) {
  handlers_.insert_or_assign(std::move(topic), std::move(handler));
}

void Bus::on_missed(std::function<void()> handler) {
  missed_.push_back(std::move(handler));
}

void Bus::start() {
  std::scoped_lock starting(starting_);
  if (!way_.url.empty())
    notifier_ = store::notify_over(way_.url, channel_, session_key_,
                                   {.heard = [this](std::string_view message) { heard(message); },
                                    .missed = [this] { missed(); }});
  if (way_.others && way_.redis.wanted()) start_redis();
}

void Bus::start_redis() {
  both_ways(kAfterHello);
  std::scoped_lock lock(sending_);
  redis_ = std::make_unique<Redis>(
      way_.redis, deployment_,
      Redis::Listener{.heard = [this](std::string_view message) { heard(message); },
                      .joined = [this] { say_missed(); },
                      .wanted = [this] { return wanted(); },
                      .unheard = [this](std::string message) { notify(std::move(message)); },
                      .deaf =
                          [this] {
                            if (has_company()) notify(std::string(kDeaf) + " ");
                          },
                      .tick =
                          [this] {
                            std::scoped_lock hearing(hearing_);
                            if (!arrivals_.overdue(Clock::now())) return;
                            for (const auto& handler : missed_) handler();
                          },
                      .changed =
                          [this](const RedisState& state) {
                            {
                              std::scoped_lock changing(state_mutex_);
                              state_ = state;
                            }
                            if (redis_changed_) redis_changed_(state);
                          }});
}

void Bus::stop() {
  if (redis_) redis_->close();
  if (notifier_) notifier_->close();
}

void Bus::send(std::string_view topic, std::string_view body) {
  if ((!notifier_ && !redis_) || !has_company()) return;
  std::string message(topic);
  message += ' ';
  message += body;
  if (!redis_) {
    (void)notify(std::move(message));
    return;
  }
  std::scoped_lock lock(sending_);
  message = with_number(self_, ++number_, message);
  if (!redis_->send(message)) (void)notify(std::move(message));
}

void Bus::company(std::size_t others) {
  auto now = Clock::now();
  if (others != 0) company_until_ = now + kLingers;
  others_ = others == 0 && now < company_until_.load() ? 1 : others;
}

bool Bus::notify(std::string message) {
  bool sent = notifier_ && notifier_->send(std::move(message));
  if (sent) ++by_notify_;
  return sent;
}

/// As many subscriptions as there are replicas: then all have heard. While it is not certain how many
/// there are, no number is enough.
std::size_t Bus::wanted() const {
  if (Clock::now() < both_until_.load()) return std::numeric_limits<std::int64_t>::max();
  return others_ + 1;
}

void Bus::heard(std::string_view text) {
  Numbered numbered = numbered_in(text);
  if (numbered.sender == self_) return;
  std::scoped_lock lock(hearing_);
  if (!numbered.sender.empty() && !arrivals_.take(numbered.sender, numbered.number, Clock::now()))
    return;
  std::string_view message = numbered.message;
  std::size_t none = 0;
  others_.compare_exchange_strong(none, 1);
  std::size_t space = message.find(' ');
  std::string_view topic = message.substr(0, space);
  if (topic == kDeaf) both_ways(kAfterDeaf);
  // Somebody had no connection until now: what he said meanwhile was not heard.
  if (topic == kHello) {
    both_ways(kAfterHello);
    for (const auto& handler : missed_) handler();
  }
  auto handler = handlers_.find(topic);
  if (space == message.npos || handler == handlers_.end()) return;
  handler->second(message.substr(space + 1));
}

void Bus::say_missed() {
  std::scoped_lock lock(hearing_);
  for (const auto& handler : missed_) handler();
}

void Bus::missed() {
  hearing_since_ = Clock::now();
  {
    std::scoped_lock starting(starting_);  // It may be heard before start() is through.
    if (notifier_) (void)notifier_->send(std::string(kHello) + " ");
  }
  say_missed();
}

std::optional<RedisState> Bus::redis() const {
  if (!way_.redis.wanted()) return std::nullopt;
  std::scoped_lock lock(state_mutex_);
  return state_;
}

Traffic Bus::traffic() const {
  Traffic out{.by_notify = by_notify_};
  if (!redis_) return out;
  out.by_redis = redis_->sent();
  out.unheard = redis_->unheard();
  out.heard_redis = redis_->received();
  out.failures = redis_->failures();
  return out;
}

}  // namespace antiphon::bus
