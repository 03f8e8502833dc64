#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  bool others = false;   ///< False: there cannot be any (SQLite).
  std::string url = {};  ///< The database, without a transaction pooler between; "": they are not
                         ///< heard, and what they write is looked for.
};

/// One per process. Any thread, unless said otherwise.
class Bus {
 public:
  /// Called on the bus's thread, one after the other; must be quick and must not throw.
  using Handler = std::function<void(std::string_view body)>;

  /// `deployment` is the database's own name, [a-z0-9]: processes of other deployments are not heard.
  Bus(Way way, std::string_view deployment);

  /// Before start(). `topic`: letters only.
  void on(std::string topic, Handler handler);
  /// Before start(). Called when messages may have been lost, when another replica comes, and once at
  /// the beginning.
  void on_missed(std::function<void()> handler);

  void start();
  /// Sends what waits and ends. Blocks for up to two seconds.
  void stop();

  /// The server that is listened to is not the one that is written to: listens at that one.
  void reconnect() {
    if (notifier_) notifier_->reconnect();
  }

  /// To all other replicas; nothing happens while there are none.
  void send(std::string_view topic, std::string_view body = {});
  /// Whether there are other replicas. They say so themselves when they come; whoever tends the table
  /// of nodes says so too.
  void company(bool others) { company_ = others; }
  bool has_company() const { return company_; }

  /// The advisory lock that stands for this process while it hears (store/notify.h).
  std::int64_t session_key() const { return session_key_; }
  /// True when what others say is heard at once; otherwise it has to be looked for.
  bool hears() const { return notifier_ && notifier_->connected(); }
  bool alone() const { return !way_.others; }

 private:
  void heard(std::string_view message);
  void missed();

  const Way way_;
  const std::string channel_;
  const std::int64_t session_key_;
  std::map<std::string, Handler, std::less<>> handlers_;
  std::vector<std::function<void()>> missed_;
  std::atomic<bool> company_ = false;
  std::unique_ptr<store::Notifier> notifier_;
};

}  // namespace antiphon::bus
