#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "http/meter.h"
#include "http/router.h"

namespace antiphon::http {

/// What one caller may do in a class of cost: so many at once, and so many a second ever after.
struct Allowance {
  double rate = 0;
  double burst = 0;
};

struct LimitOptions {
  /// Multiplies every allowance; 0 switches the limits off (benchmarks, tests).
  double scale = 1;
  /// Buckets kept; the oldest go first.
  std::size_t most_buckets = 64 * 1024;
};

/// Token buckets per caller and class of cost: the user when somebody is signed in (whatever the
/// credential), else the address, of which IPv6's /64 count as one. A team of twenty with many tabs
/// never meets them; a stranger's script does. Hashing passwords has one bucket for all on top,
/// because it is the dearest thing a stranger can ask for (rows 85, 127, 128). Any thread.
class Limits final : public Limiter {
 public:
  explicit Limits(LimitOptions options = {});

  int refuse(const Call& call, Cost cost) override;
  /// As refuse, at a given time.
  int refuse_at(const Call& call, Cost cost, TokenBucket::Clock::time_point now);

  std::size_t buckets() const;
  /// What a caller has in a class, before scaling.
  static Allowance allowance(Cost cost, bool signed_in);

 private:
  struct Entry {
    TokenBucket bucket;
    TokenBucket::Clock::time_point used;
  };
  /// A tree and not a hash table: strangers choose the keys (row 126).
  struct Shard {
    mutable std::mutex mutex;
    std::map<std::string, Entry, std::less<>> buckets;  ///< Guarded by mutex.
  };
  static constexpr std::size_t kShards = 16;

  void make_room(Shard& shard, TokenBucket::Clock::time_point now) const;

  LimitOptions options_;
  std::array<Shard, kShards> shards_;
  std::mutex hash_mutex_;
  TokenBucket all_hashes_;  ///< Guarded by hash_mutex_.
};

}  // namespace antiphon::http
