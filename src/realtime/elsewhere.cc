#include "realtime/elsewhere.h"

#include <algorithm>

#include "base/ids.h"

namespace antiphon::realtime {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kMembers = "members";  ///< node room ask users…
constexpr std::string_view kLife = "alive";       ///< node
constexpr std::string_view kEnd = "left";         ///< node
constexpr auto kSayLife = 2s;
constexpr auto kSilence = 8s;
constexpr std::size_t kMaxNodes = 1'000;

}  // namespace

Elsewhere::Elsewhere(bus::Bus* bus, std::string node, std::function<Users(const Room&)> here)
    : bus_(bus), node_(node.empty() ? random_hex(8) : std::move(node)), here_(std::move(here)) {
  if (!bus_) return;
  bus_->on(std::string(kMembers), [this](std::string_view body) { hear_members(body); });
  bus_->on(std::string(kLife), [this](std::string_view node) { hear_life(node); });
  bus_->on(std::string(kEnd), [this](std::string_view node) { hear_end(std::string(node)); });
  bus_->on_missed([this] { ask_again(); });
}

void Elsewhere::told(const Room& room) {
  Users users = here_(room);
  {
    std::scoped_lock lock(mutex_);
    if (users.empty()) {
      said_.erase(room.name);
      others_.erase(room.name);
    } else if (said_.contains(room.name) || said_.size() < kMaxRooms) {
      said_.insert_or_assign(room.name, users);
    }
  }
  say(room, users, !users.empty());
}

Elsewhere::Users Elsewhere::in(const Room& room) const {
  Users out;
  std::scoped_lock lock(mutex_);
  auto at = others_.find(room.name);
  if (at != others_.end())
    for (const auto& [node, users] : at->second) out.insert(users.begin(), users.end());
  return out;
}

void Elsewhere::say(const Room& room, const Users& users, bool ask) {
  if (!bus_ || left_ || !bus_->has_company()) return;
  std::string body = bus::joined({node_, room.name, ask ? "1" : ""});
  std::size_t count = 0;
  for (const std::string& user : users)
    if (++count <= kMaxUsers) bus::append(body, user);
  bus_->send(kMembers, body);
}

void Elsewhere::hear_members(std::string_view body) {
  auto parts = bus::parts_of(body);
  if (parts.size() < 3 || parts[0] == node_) return;
  hear_life(parts[0]);
  Room room{std::string(parts[1])};
  Users users, mine;
  for (std::size_t i = 3; i < parts.size() && users.size() < kMaxUsers; ++i) users.emplace(parts[i]);
  bool changed = false;
  {
    std::scoped_lock lock(mutex_);
    auto said = said_.find(room.name);
    if (said == said_.end()) return;  // Nobody here wants to know.
    mine = said->second;
    auto& known = others_[room.name][std::string(parts[0])];
    changed = known != users;
    known = std::move(users);
  }
  if (!parts[2].empty()) say(room, mine, false);
  if (changed && changed_) changed_(room);
}

void Elsewhere::hear_life(std::string_view node) {
  std::scoped_lock lock(mutex_);
  if (lives_.size() < kMaxNodes || lives_.contains(node))
    lives_.insert_or_assign(std::string(node), Clock::now());
}

void Elsewhere::hear_end(const std::string& node) {
  std::vector<Room> rooms;
  {
    std::scoped_lock lock(mutex_);
    lives_.erase(node);
    for (auto& [room, nodes] : others_)
      if (auto at = nodes.find(node); at != nodes.end()) {
        if (!at->second.empty()) rooms.push_back({room});
        nodes.erase(at);
      }
  }
  for (const Room& room : rooms)
    if (changed_) changed_(room);
}

void Elsewhere::ask_again() {
  std::map<std::string, Users> said;
  {
    std::scoped_lock lock(mutex_);
    said = said_;
    for (auto& [node, heard] : lives_) heard = Clock::now();  // They may have spoken meanwhile.
  }
  for (const auto& [room, users] : said) say({room}, users, true);
}

void Elsewhere::tick() {
  bool alive = false;
  std::vector<std::string> dead;
  std::map<std::string, Users> said;
  {
    std::scoped_lock lock(mutex_);
    auto now = Clock::now();
    // Of whom nobody knows anything, nobody has to know that he lives.
    alive = now >= next_life_ && !said_.empty();
    if (alive) next_life_ = now + kSayLife;
    for (const auto& [node, heard] : lives_)
      if (now - heard > kSilence) dead.push_back(node);
    said = said_;
  }
  if (alive && bus_ && !left_) bus_->send(kLife, node_);
  for (const std::string& node : dead) hear_end(node);
  for (const auto& [name, before] : said) {
    Room room{name};
    if (here_(room) == before) continue;
    told(room);  // Somebody has gone without a word.
    if (changed_) changed_(room);
  }
}

void Elsewhere::leave() {
  left_ = true;  // Whoever asks now is not told of anybody.
  if (bus_) bus_->send(kEnd, node_);
}

}  // namespace antiphon::realtime
