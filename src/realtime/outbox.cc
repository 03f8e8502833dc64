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

// 1024 is Marks::kSlots.
constexpr store::Sql kLast{"outbox.last", "SELECT MAX(id) AS value FROM outbox GROUP BY id % 1024"};
/// On SQLite there is one process.
constexpr store::Sql kSlot{"outbox.slot", "SELECT 0 AS value",
                           "SELECT nextval('outbox_slot') AS value"};
constexpr store::Sql kInsert{"outbox.insert", R"(
    INSERT INTO outbox (id, room, name, payload, skip_sid, at)
    VALUES ($1, $2, $3, $4, $5, $6))"};
constexpr store::Sql kSince{"outbox.since", R"(
    SELECT id, room, name, payload, skip_sid
      FROM outbox
     WHERE room IN (SELECT value FROM json_each($2))
       AND NOT EXISTS (SELECT 1 FROM json_each($1) AS seen
                        WHERE seen.value % 1024 = outbox.id % 1024 AND seen.value >= outbox.id)
     ORDER BY id
     LIMIT $3)",
                            R"(
    SELECT id, room, name, payload, skip_sid
      FROM outbox
     WHERE room = ANY($2::text[])
       AND NOT EXISTS (SELECT 1 FROM unnest($1::bigint[]) AS seen
                        WHERE seen % 1024 = outbox.id % 1024 AND seen >= outbox.id)
     ORDER BY id
     LIMIT $3)"};
constexpr store::Sql kOfOthers{"outbox.of_others", "", R"(
    SELECT id, room, name, payload, skip_sid
      FROM outbox
     WHERE id % 1024 <> $2
       AND NOT EXISTS (SELECT 1 FROM unnest($1::bigint[]) AS seen
                        WHERE seen % 1024 = outbox.id % 1024 AND seen >= outbox.id)
     ORDER BY id
     LIMIT $3)"};
constexpr store::Sql kSweep{"outbox.sweep", "DELETE FROM outbox WHERE at < $1"};

constexpr std::int64_t kPage = 1'000;

std::int64_t unix_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

ANTIPHON_DTO(OutboxRow, id, room, name, payload, skip_sid)
ANTIPHON_DTO_DEFINE(OutboxRow)

Outbox::Outbox(store::Db* db, bus::Bus* bus, Release release)
    : db_(db), bus_(bus), release_(std::move(release)) {}

Task<Marks> Outbox::open() {
  Marks marks;
  if (!db_) co_return marks;
  slot_ = (co_await db_->first<LastId>(kSlot)).value().value;
  for (const LastId& last : co_await db_->all<LastId>(kLast)) marks.advance(last.value);
  std::scoped_lock lock(mutex_);
  last_id_ = std::max(last_id_, marks.last(slot_));
  last_shared_ = last_id_;
  heard_ = marks;
  co_return marks;
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
  last_id_ = std::max(last_id_ / Marks::kSlots + 1, unix_micros()) * Marks::kSlots + slot_;
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
    if (node.mapped().fate != Fate::committed) continue;
    release_(next.room, next.event, next.skip_sid);
    share(next);
  }
}

/// Under mutex_.
void Outbox::share(const Entry& entry) {
  std::int64_t previous = std::exchange(last_shared_, entry.id);
  if (!bus_) return;
  bus_->send(kTopic, bus::joined({std::to_string(entry.id), std::to_string(previous), entry.room.name,
                                  entry.event.name, entry.skip_sid, entry.event.payload}));
}

bool Outbox::hear(OutboxRow row, std::int64_t previous) {
  std::scoped_lock lock(mutex_);
  std::int64_t slot = Marks::slot_of(row.id);
  if (slot == slot_ || row.id <= heard_.last(slot)) return true;
  if (previous > heard_.last(slot)) return false;
  heard_.advance(row.id);
  Event event{.name = std::move(row.name), .payload = std::move(row.payload), .outbox = row.id};
  release_({std::move(row.room)}, event, row.skip_sid);
  return true;
}

Task<> Outbox::catch_up() {
  if (!db_ || !bus_ || bus_->alone()) co_return;
  for (bool more = true; more;) {
    store::Integers seen;
    {
      std::scoped_lock lock(mutex_);
      seen = heard_.ids();
    }
    auto rows = co_await db_->all<OutboxRow>(kOfOthers, seen, slot_, kPage);
    more = static_cast<std::int64_t>(rows.size()) == kPage;
    for (OutboxRow& row : rows) (void)hear(std::move(row), 0);
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

Task<std::optional<std::vector<OutboxRow>>> Outbox::since(Marks seen,
                                                          std::vector<std::string> rooms) const {
  if (!db_) co_return std::nullopt;
  auto rows = co_await db_->all<OutboxRow>(kSince, seen.ids(), rooms, kMaxReplay + 1);
  if (static_cast<std::int64_t>(rows.size()) > kMaxReplay) co_return std::nullopt;
  co_return rows;
}

Task<> Outbox::sweep() {
  if (db_) co_await db_->run(kSweep, unix_seconds() - kKeepSeconds);
}

}  // namespace antiphon::realtime
