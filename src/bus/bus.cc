#include "bus/bus.h"

#include <charconv>
#include <cstring>

#include "base/ids.h"

namespace antiphon::bus {
namespace {

constexpr char kSeparator = '\x1e';  // JSON text and ids hold no control characters.
/// Who has just come.
constexpr std::string_view kHello = "hello";

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
      channel_("antiphon_" + std::string(deployment.substr(0, 32))),
      session_key_(random_number()) {}

void Bus::on(std::string topic, Handler handler) {
  handlers_.insert_or_assign(std::move(topic), std::move(handler));
}

void Bus::on_missed(std::function<void()> handler) {
  missed_.push_back(std::move(handler));
}

void Bus::start() {
  if (way_.url.empty()) return;
  notifier_ = store::notify_over(
      way_.url, channel_, session_key_,
      {.heard = [this](std::string_view message) { heard(message); }, .missed = [this] { missed(); }});
}

void Bus::stop() {
  if (notifier_) notifier_->close();
}

void Bus::send(std::string_view topic, std::string_view body) {
  if (!notifier_ || !company_) return;
  std::string message(topic);
  message += ' ';
  message += body;
  (void)notifier_->send(std::move(message));
}

void Bus::heard(std::string_view message) {
  company_ = true;
  std::size_t space = message.find(' ');
  // Somebody had no connection until now: what he said meanwhile was not heard.
  if (message.substr(0, space) == kHello)
    for (const auto& handler : missed_) handler();
  auto handler = handlers_.find(message.substr(0, space));
  if (space == message.npos || handler == handlers_.end()) return;
  handler->second(message.substr(space + 1));
}

void Bus::missed() {
  if (notifier_) (void)notifier_->send(std::string(kHello) + " ");
  for (const auto& handler : missed_) handler();
}

}  // namespace antiphon::bus
