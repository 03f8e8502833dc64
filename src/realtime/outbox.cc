#include "realtime/outbox.h"

#include <algorithm>

#include "base/time.h"
#include "json/dto.h"
#include "json/json.h"

namespace antiphon::realtime {
namespace {

struct LastId {
  std::int64_t value;
};
ANTIPHON_DTO(LastId, value)
ANTIPHON_DTO_DEFINE(LastId)

constexpr store::Sql kLast{"outbox.last", "SELECT COALESCE(MAX(id), 0) AS value FROM outbox"};
constexpr store::Sql kInsert{"outbox.insert", R"(
    INSERT INTO outbox (id, room, name, payload, skip_sid, at)
    VALUES ($1, $2, $3, $4, $5, $6))"};
constexpr store::Sql kSince{"outbox.since", R"(
    SELECT id, room, name, payload, skip_sid
      FROM outbox
     WHERE id > $1
       AND room IN (SELECT value FROM json_each($2))
     ORDER BY id
     LIMIT $3)",
                            R"(
    SELECT id, room, name, payload, skip_sid
      FROM outbox
     WHERE id > $1
       AND room = ANY($2::text[])
     ORDER BY id
     LIMIT $3)"};
constexpr store::Sql kSweep{"outbox.sweep", "DELETE FROM outbox WHERE at < $1"};

std::int64_t unix_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

ANTIPHON_DTO(OutboxRow, id, room, name, payload, skip_sid)
ANTIPHON_DTO_DEFINE(OutboxRow)

Task<std::int64_t> Outbox::open() {
  if (!db_) co_return 0;
  auto last = co_await db_->first<LastId>(kLast);
  std::scoped_lock lock(mutex_);
  last_id_ = std::max(last_id_, last ? last->value : 0);
  co_return last_id_;
}

std::shared_ptr<Outbox::Entry> Outbox::prepare(Room room, Event event, std::string skip_sid) {
  auto entry = std::make_shared<Entry>();
  entry->room = std::move(room);
  entry->event = std::move(event);
  entry->event.run.reset();
  entry->event.attachments.clear();
  entry->skip_sid = std::move(skip_sid);
  entry->outbox = shared_from_this();
  std::scoped_lock lock(mutex_);
  last_id_ = std::max(last_id_ + 1, unix_micros());
  entry->id = entry->event.outbox = last_id_;
  held_.emplace(entry->id, Held{entry});
  return entry;
}

store::Bound Outbox::row(const Entry& entry) {
  return {kInsert,        entry.id,      entry.room.name, entry.event.name, entry.event.payload,
          entry.skip_sid, unix_seconds()};
}

void Outbox::decide(const std::shared_ptr<Entry>& entry, Fate fate) {
  // The lock is held while events go out: that is what keeps their order.
  std::scoped_lock lock(mutex_);
  auto held = held_.find(entry->id);
  if (held == held_.end() || held->second.fate != Fate::open) return;
  held->second.fate = fate;
  while (!held_.empty() && held_.begin()->second.fate != Fate::open) {
    auto node = held_.extract(held_.begin());
    const Entry& next = *node.mapped().entry;
    if (node.mapped().fate == Fate::committed) release_(next.room, next.event, next.skip_sid);
  }
}

Task<> Outbox::publish(Room room, Event event, std::string skip_sid) {
  struct Undecided {
    Outbox& outbox;
    std::shared_ptr<Entry> entry;
    ~Undecided() { outbox.decide(entry, Fate::withdrawn); }
  } undecided{*this, prepare(std::move(room), std::move(event), std::move(skip_sid))};
  if (db_) {
    std::vector<store::Bound> rows;
    rows.push_back(row(*undecided.entry));
    co_await db_->batch(std::move(rows));
  }
  decide(undecided.entry, Fate::committed);
}

Task<std::optional<std::vector<OutboxRow>>> Outbox::since(std::int64_t id,
                                                          std::vector<std::string> rooms) const {
  if (!db_) co_return std::nullopt;
  auto rows = co_await db_->all<OutboxRow>(kSince, id, rooms, kMaxReplay + 1);
  if (static_cast<std::int64_t>(rows.size()) > kMaxReplay) co_return std::nullopt;
  co_return rows;
}

Task<> Outbox::sweep() {
  if (db_) co_await db_->run(kSweep, unix_seconds() - kKeepSeconds);
}

}  // namespace antiphon::realtime
