#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/numbered.h"
#include "bus/redis.h"
#include "store/notify.h"

/// What replicas of one database tell one another. A message is a wake-up: what it speaks of is
/// committed already, or does not matter.
namespace antiphon::bus {

/// The parts of a message's body: texts without the separator, such as ids and JSON.
std::string joined(std::initializer_list<std::string_view> parts);
void append(std::string& body, std::string_view part);
/// Views into `body`.
std::vector<std::string_view> parts_of(std::string_view body);
std::string_view first_part(std::string_view body);
/// A part that is a whole number; nothing when it is none.
std::optional<std::int64_t> number_in(std::string_view part);

/// How other replicas are reached.
struct Way {
  bool others = false;      ///< False: there cannot be any (SQLite).
  std::string url = {};     ///< The database, without a transaction pooler between; "": they are not
                            ///< heard, and what they write is looked for.
  RedisAddress redis = {};  ///< The quick way, while it is there.
};

/// Messages by the way they took, since the start.
struct Traffic {
  std::uint64_t by_redis = 0;     ///< Sent.
  std::uint64_t by_notify = 0;    ///< Sent.
  std::uint64_t unheard = 0;      ///< Of those by Redis, the ones that were said again.
  std::uint64_t heard_redis = 0;  ///< Received, the own ones too.
  std::uint64_t failures = 0;     ///< Connections to Redis that were lost or not made.
};

/// One per process. Any thread, unless said otherwise.
class Bus {
 public:
  /// Called on a thread of the bus, one after the other; must be quick and must not throw.
  using Handler = std::function<void(std::string_view body)>;

  /// `deployment` is the database's own name, [a-z0-9]: processes of other deployments are not heard.
  Bus(Way way, std::string_view deployment);

  /// Before start(). `topic`: letters only.
  void on(std::string topic, Handler handler);
  /// Before start(). Called when messages may have been lost, when another replica comes, and once at
  /// the beginning.
  void on_missed(std::function<void()> handler);
  /// Before start(). Called on a thread of the bus whenever something else is so of Redis.
  void on_redis(std::function<void(const RedisState&)> handler) { redis_changed_ = std::move(handler); }

  void start();
  /// Sends what waits and ends. Blocks for up to two seconds.
  void stop();

  /// The server that is listened to is not the one that is written to: listens at that one.
  void reconnect() {
    if (notifier_) notifier_->reconnect();
  }

  /// Others may have taken this process for dead and said nothing more: it says that it is there, and
  /// what was said is looked for.
  void came_back() { missed(); }

  /// For so long after the last of the others is gone it is spoken to: who only stood still hears it
  /// when he wakes, for PostgreSQL keeps it on his line.
  static constexpr std::chrono::minutes kLingers{5};

  /// To all other replicas; nothing happens while there are none.
  void send(std::string_view topic, std::string_view body = {});
  /// Whether there are other replicas. They say so themselves when they come; whoever tends the table
  /// of nodes says so too. One thread.
  void company(std::size_t others);
  bool has_company() const { return others_ != 0; }

  /// The advisory lock that stands for this process while it hears (store/notify.h).
  std::int64_t session_key() const { return session_key_; }
  /// True when what others say is heard at once; otherwise it has to be looked for.
  bool hears() const { return notifier_ && notifier_->connected(); }
  /// Since when, while it hears.
  std::chrono::steady_clock::time_point hearing_since() const { return hearing_since_; }
  bool alone() const { return !way_.others; }
  /// Nothing when no Redis is wanted.
  std::optional<RedisState> redis() const;
  Traffic traffic() const;

 private:
  using Clock = std::chrono::steady_clock;

  void start_redis();
  bool notify(std::string message);
  void heard(std::string_view text);
  void say_missed();
  void missed();
  void both_ways(Clock::duration time) { both_until_ = Clock::now() + time; }
  std::size_t wanted() const;

  const Way way_;
  const std::string deployment_;
  const std::string channel_;
  const std::string self_;  ///< Whose the numbers are.
  const std::int64_t session_key_;
  std::atomic<std::chrono::steady_clock::time_point> hearing_since_ = {};
  std::map<std::string, Handler, std::less<>> handlers_;
  std::vector<std::function<void()>> missed_;
  std::function<void(const RedisState&)> redis_changed_;
  std::atomic<std::size_t> others_ = 0;
  std::atomic<Clock::time_point> company_until_{};
  std::atomic<Clock::time_point> both_until_{};  ///< Until then everything goes both ways.
  std::atomic<std::uint64_t> by_notify_ = 0;
  std::mutex hearing_;        ///< Two threads hear.
  Arrivals arrivals_;         ///< Guarded by hearing_.
  std::mutex sending_;        ///< Numbers go out in their order.
  std::uint64_t number_ = 0;  ///< Guarded by sending_.
  mutable std::mutex state_mutex_;
  RedisState state_;  ///< Guarded by state_mutex_.
  std::mutex starting_;
  std::unique_ptr<store::Notifier> notifier_;
  std::unique_ptr<Redis> redis_;  // Last: its thread uses what is above.
};

}  // namespace antiphon::bus
