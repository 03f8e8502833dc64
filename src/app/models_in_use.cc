#include "app/models_in_use.h"

#include <boost/json.hpp>

#include "base/problem.h"
#include "json/text.h"

namespace antiphon::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kTopic = "inuse";  ///< node [model…]
constexpr auto kSilence = 5s;

}  // namespace

ModelsInUse::ModelsInUse(bus::Bus& bus, std::string node, std::function<Models()> here)
    : bus_(bus), node_(std::move(node)), here_(std::move(here)) {
  bus_.on(std::string(kTopic), [this](std::string_view body) { hear(body); });
}

void ModelsInUse::hear(std::string_view body) {
  auto parts = bus::parts_of(body);
  if (parts.size() != 2) return;
  Said said{.at = Clock::now()};
  try {
    json::Value models = json::parse_value(parts[1]);
    for (const json::Value& model : models.as_array())
      if (said.models.size() < kMaxModels) said.models.emplace(json::view(model.as_string()));
  } catch (const std::exception&) {
    return;  // Of another version.
  }
  std::scoped_lock lock(mutex_);
  std::erase_if(elsewhere_, [&](const auto& one) { return said.at - one.second.at > kSilence; });
  if (elsewhere_.size() < kMaxNodes || elsewhere_.contains(std::string(parts[0])))
    elsewhere_.insert_or_assign(std::string(parts[0]), std::move(said));
}

ModelsInUse::Models ModelsInUse::all() const {
  Models out = here_();
  std::scoped_lock lock(mutex_);
  for (const auto& [node, said] : elsewhere_)
    if (Clock::now() - said.at <= kSilence) out.insert(said.models.begin(), said.models.end());
  return out;
}

void ModelsInUse::tick() {
  Models now = here_();
  {
    std::scoped_lock lock(mutex_);
    if (now.empty() && last_.empty()) return;
    last_ = now;
  }
  json::Array models;
  for (const std::string& model : now)
    if (models.size() < kMaxModels) models.emplace_back(model);
  bus_.send(kTopic, bus::joined({node_, json::serialize(models)}));
}

}  // namespace antiphon::app
