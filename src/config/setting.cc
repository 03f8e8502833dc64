#include "config/setting.h"

#include <stdexcept>
#include <utility>

#include "json/text.h"

namespace antiphon::config {

AnySetting::AnySetting(Group& group, About about, std::shared_ptr<const void> fallback)
    : group_(group),
      about_(std::move(about)),
      index_(group.settings_.size()),
      fallback_(std::move(fallback)) {
  group.settings_.push_back(this);
  auto values = std::make_shared<Values>(*group.owner_);
  values->push_back(fallback_);
  group.replace(std::move(values));
}

json::Value AnySetting::to_json() const {
  return to_json(group_.moment()->at(index_).get());
}

Group::Group(std::string_view name) : name_(name), owner_(std::make_shared<const Values>()) {
  current_ = owner_.get();
}

Group::~Group() = default;

std::shared_ptr<const Values> Group::moment() const {
  std::scoped_lock lock(mutex_);
  return owner_;
}

void Group::replace(std::shared_ptr<const Values> values) {
  auto now = std::chrono::steady_clock::now();
  std::scoped_lock lock(mutex_);
  while (!retired_.empty() && retired_.front().first + kGrace < now) retired_.pop_front();
  retired_.emplace_back(now, std::exchange(owner_, std::move(values)));
  current_.store(owner_.get(), std::memory_order_release);
  revision_.fetch_add(1, std::memory_order_release);
}

void Group::publish(
    const std::vector<std::pair<const AnySetting*, std::shared_ptr<const void>>>& changes) {
  auto values = std::make_shared<Values>(*moment());
  for (const auto& [setting, value] : changes) values->at(setting->index()) = value;
  replace(std::move(values));
}

Declaration<json::Value> Group::env_json(std::string_view name, std::string_view fallback) {
  std::optional<json::Value> value = json::try_parse(fallback);
  if (!value) throw std::logic_error("The default of " + std::string(name) + " is not JSON");
  return {this, std::move(*value), {.env = name, .most = kMostJson}};
}

}  // namespace antiphon::config
