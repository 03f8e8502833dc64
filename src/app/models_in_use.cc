#include "app/models_in_use.h"

#include <utility>

namespace antiphon::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kTopic = "inuse";  ///< node model…
constexpr auto kSilence = 5s;

}  // namespace

ModelsInUse::ModelsInUse(bus::Bus& bus, std::string node, std::function<Models()> here)
    : bus_(bus), node_(std::move(node)), here_(std::move(here)) {
  bus_.on(std::string(kTopic), [this](std::string_view body) { hear(body); });
}

void ModelsInUse::hear(std::string_view body) {
  auto parts = bus::parts_of(body);
  Said said{.at = Clock::now()};
  for (std::size_t i = 1; i < parts.size() && i <= kMaxModels; ++i) said.models.emplace(parts[i]);
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
  if (!std::exchange(told_some_, !now.empty()) && now.empty()) return;
  std::string body = node_;
  std::size_t count = 0;
  for (const std::string& model : now)
    if (++count <= kMaxModels) bus::append(body, model);
  bus_.send(kTopic, body);
}

}  // namespace antiphon::app
