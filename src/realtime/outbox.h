#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "bus/bus.h"
#include "realtime/event.h"
#include "realtime/replay.h"
#include "store/db.h"

namespace antiphon::realtime {

struct OutboxRow {
  std::int64_t id;
  std::string room;
  std::string name;
  std::string payload;
  std::string skip_sid;
};

/// Durable events that are not part of an answer: a row each, kept ten minutes. Each replica writes in
/// the order of its own ids and tells the others, who look for what they did not hear of. Any thread.
class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  enum class Fate { open, committed, withdrawn };
  struct Entry {
    std::int64_t id;
    Room room;
    Event event;
    std::string skip_sid;
    std::shared_ptr<Outbox> outbox;  ///< Until decided.
  };
  using Release = std::function<void(const Room&, const Event&, const std::string& skip_sid)>;

  /// `release` is called with committed events, those of one replica in the order of their ids. `bus`
  /// may be null: then there are no others.
  Outbox(store::Db* db, bus::Bus* bus, Release release);

  /// Takes a slot and goes on behind the ids that are in the table; yields them.
  Task<Marks> open();
  std::shared_ptr<Entry> prepare(Room room, Event event, std::string skip_sid);
  static store::Bound row(const Entry& entry);
  /// Once per entry; later calls are ignored. Releases what nothing older holds back.
  void decide(const std::shared_ptr<Entry>& entry, Fate fate);

  /// Writes the row, then releases it.
  Task<> publish(Room room, Event event, std::string skip_sid);

  /// What `rooms` have had since `id`. Nothing when it is more than anybody should replay.
  Task<std::optional<std::vector<OutboxRow>>> since(Marks seen, std::vector<std::string> rooms) const;
  Task<> sweep();

  /// What another replica has released. False when something of that one was missed before it: then it
  /// is not released either, and catch_up() is due.
  bool hear(OutboxRow row, std::int64_t previous);
  /// Releases what other replicas wrote and was not heard.
  Task<> catch_up();

  static constexpr std::int64_t kKeepSeconds = 600;
  static constexpr std::int64_t kMaxReplay = 5'000;
  static constexpr std::string_view kTopic = "outbox";

 private:
  struct Held {
    std::shared_ptr<Entry> entry;
    Fate fate = Fate::open;
  };
  void share(const Entry& entry);

  store::Db* db_;
  bus::Bus* bus_;
  Release release_;
  std::mutex mutex_;
  std::int64_t slot_ = 0;              ///< Set by open().
  std::int64_t last_id_ = 0;           ///< Guarded by mutex_. Of this replica's.
  std::int64_t last_shared_ = 0;       ///< Guarded by mutex_.
  Marks heard_;                        ///< Guarded by mutex_. Of the others.
  std::map<std::int64_t, Held> held_;  ///< Guarded by mutex_. As many as transactions are under way.
};

}  // namespace antiphon::realtime
