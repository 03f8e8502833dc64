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

/// Durable events that are not part of an answer: a row each, kept ten minutes. Any thread.
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

  /// `release` is called with committed events, in order of their ids.
  Outbox(store::Db* db, Release release) : db_(db), release_(std::move(release)) {}

  /// Goes on behind the ids that are in the table; yields the last one.
  Task<std::int64_t> open();
  std::shared_ptr<Entry> prepare(Room room, Event event, std::string skip_sid);
  static store::Bound row(const Entry& entry);
  /// Once per entry; later calls are ignored. Releases what nothing older holds back.
  void decide(const std::shared_ptr<Entry>& entry, Fate fate);

  /// Writes the row, then releases it.
  Task<> publish(Room room, Event event, std::string skip_sid);

  /// What `rooms` have had since `id`. Nothing when it is more than anybody should replay.
  Task<std::optional<std::vector<OutboxRow>>> since(std::int64_t id,
                                                    std::vector<std::string> rooms) const;
  Task<> sweep();

  static constexpr std::int64_t kKeepSeconds = 600;
  static constexpr std::int64_t kMaxReplay = 5'000;

 private:
  struct Held {
    std::shared_ptr<Entry> entry;
    Fate fate = Fate::open;
  };
  store::Db* db_;
  Release release_;
  std::mutex mutex_;
  std::int64_t last_id_ = 0;           ///< Guarded by mutex_.
  std::map<std::int64_t, Held> held_;  ///< Guarded by mutex_. As many as transactions are under way.
};

}  // namespace antiphon::realtime
