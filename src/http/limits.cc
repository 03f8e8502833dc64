#include "http/limits.h"

#include <algorithm>
#include <cmath>

#include "http/peers.h"

namespace antiphon::http {
namespace {

constexpr Allowance kAllHashes{.rate = 20, .burst = 100};

/// One letter for the class, one for the kind of caller, and who it is.
std::string key_of(const Call& call, Cost cost) {
  std::string key{static_cast<char>('a' + static_cast<int>(cost))};
  if (call.caller.via != Caller::Via::nothing) return key + "u" + call.caller.id.value;
  auto address = address_of(call.request.remote);
  if (!address) return key + "?" + call.request.remote;
  auto bytes = address->neighbourhood().bytes;
  return key + "x" + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::size_t shard_of(std::string_view key, std::size_t shards) {
  std::size_t sum = 0;  // Spreads; does not have to resist anyone.
  for (unsigned char c : key) sum = sum * 31 + c;
  return sum % shards;
}

int seconds(double wait) {
  return std::max(1, static_cast<int>(std::ceil(wait)));
}

}  // namespace

Allowance Limits::allowance(Cost cost, bool signed_in) {
  switch (cost) {
    case Cost::free:
      return {};
    case Cost::read:
      return signed_in ? Allowance{500, 2000} : Allowance{50, 300};
    case Cost::write:
      return signed_in ? Allowance{100, 500} : Allowance{5, 50};
    case Cost::write_heavy:
      return signed_in ? Allowance{5, 60} : Allowance{0.5, 10};
    case Cost::search:
      return signed_in ? Allowance{20, 100} : Allowance{2, 20};
    case Cost::model:
      return signed_in ? Allowance{20, 200} : Allowance{1, 10};
    case Cost::hash:
      return signed_in ? Allowance{0.5, 10} : Allowance{0.5, 20};
  }
  __builtin_unreachable();
}

Limits::Limits(LimitOptions options)
    : options_(options),
      all_hashes_(kAllHashes.rate * options.scale, kAllHashes.burst * options.scale) {}

int Limits::refuse(const Call& call, Cost cost) {
  return refuse_at(call, cost, TokenBucket::Clock::now());
}

int Limits::refuse_at(const Call& call, Cost cost, TokenBucket::Clock::time_point now) {
  if (cost == Cost::free || options_.scale <= 0) return 0;
  Allowance may = allowance(cost, call.caller.via != Caller::Via::nothing);
  std::string key = key_of(call, cost);
  Shard& shard = shards_[shard_of(key, kShards)];
  {
    std::scoped_lock lock(shard.mutex);
    auto found = shard.buckets.find(key);
    if (found == shard.buckets.end()) {
      make_room(shard, now);
      TokenBucket fresh(may.rate * options_.scale, std::max(1.0, may.burst * options_.scale));
      found = shard.buckets.emplace(std::move(key), Entry{fresh, now}).first;
    }
    found->second.used = now;
    if (!found->second.bucket.take(now)) return seconds(found->second.bucket.wait(now));
  }
  if (cost != Cost::hash) return 0;
  std::scoped_lock lock(hash_mutex_);
  return all_hashes_.take(now) ? 0 : seconds(all_hashes_.wait(now));
}

void Limits::make_room(Shard& shard, TokenBucket::Clock::time_point now) const {
  std::size_t most = std::max<std::size_t>(1, options_.most_buckets / kShards);
  if (shard.buckets.size() < most) return;
  // The slowest bucket is full again within a minute, and then as good as none.
  std::erase_if(shard.buckets,
                [&](auto& entry) { return now - entry.second.used > std::chrono::minutes(1); });
  if (shard.buckets.size() < most) return;
  std::vector<TokenBucket::Clock::time_point> times;
  times.reserve(shard.buckets.size());
  for (const auto& entry : shard.buckets) times.push_back(entry.second.used);
  auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  std::erase_if(shard.buckets, [&](auto& entry) { return entry.second.used <= *middle; });
}

std::size_t Limits::buckets() const {
  std::size_t all = 0;
  for (const Shard& shard : shards_) {
    std::scoped_lock lock(shard.mutex);
    all += shard.buckets.size();
  }
  return all;
}

}  // namespace antiphon::http
