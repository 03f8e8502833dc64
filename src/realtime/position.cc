#include "realtime/position.h"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace antiphon::realtime {
namespace {

bool key_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool well_formed(std::string_view key, std::size_t longest) {
  return !key.empty() && key.size() <= longest && std::ranges::all_of(key, key_character);
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t out = 0;
  if (text.empty() || text.size() > 19 || text[0] == '-') return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

/// Cuts `text` at the first `mark`; nothing when there is none.
std::optional<std::string_view> cut(std::string_view& text, char mark) {
  std::size_t at = text.find(mark);
  if (at == text.npos) return std::nullopt;
  std::string_view head = text.substr(0, at);
  text.remove_prefix(at + 1);
  return head;
}

std::optional<RunPoint> parse_run(std::string_view text) {
  auto key = cut(text, ':');
  if (!key || !well_formed(*key, 12)) return std::nullopt;
  if (text == "*") return RunPoint{.key = std::string(*key), .ended = true};
  auto seq = cut(text, '.');
  if (!seq) return std::nullopt;
  auto seq_number = number(*seq);
  auto index = number(text);
  if (!seq_number || !index) return std::nullopt;
  return RunPoint{.key = std::string(*key), .seq = *seq_number, .index = *index};
}

}  // namespace

bool Marks::advance(std::int64_t id) {
  auto at = std::ranges::lower_bound(ids_, slot_of(id), {}, slot_of);
  if (at != ids_.end() && slot_of(*at) == slot_of(id)) {
    if (id <= *at) return false;
    *at = id;
    return true;
  }
  ids_.insert(at, id);
  // The one that has been silent for longest: what it wrote is swept long before so many have come.
  if (ids_.size() > kMax) ids_.erase(std::ranges::min_element(ids_));
  return true;
}

std::int64_t Marks::last(std::int64_t slot) const {
  auto at = std::ranges::lower_bound(ids_, slot, {}, slot_of);
  return at != ids_.end() && slot_of(*at) == slot ? *at : 0;
}

void Marks::include(const Marks& other) {
  for (std::int64_t id : other.ids_) advance(id);
}

bool Marks::covers(const Marks& other) const {
  return std::ranges::all_of(other.ids_, [&](std::int64_t id) { return last(slot_of(id)) >= id; });
}

std::optional<Marks> Marks::parse(std::string_view text) {
  Marks out;
  if (text == "0") return out;
  while (!text.empty()) {
    std::size_t plus = text.find('+');
    auto id = number(text.substr(0, plus));
    bool ends_in_plus = plus != text.npos && plus + 1 == text.size();
    if (!id || *id == 0 || ends_in_plus || out.ids_.size() == kMax) return std::nullopt;
    if (!out.ids_.empty() && slot_of(out.ids_.back()) >= slot_of(*id)) return std::nullopt;
    out.ids_.push_back(*id);
    text.remove_prefix(plus == text.npos ? text.size() : plus + 1);
  }
  if (out.ids_.empty()) return std::nullopt;
  return out;
}

std::string Marks::text() const {
  if (ids_.empty()) return "0";
  std::string out;
  for (std::int64_t id : ids_) {
    if (!out.empty()) out += '+';
    out += std::to_string(id);
  }
  return out;
}

bool RunPoint::covers(std::int64_t other_seq, std::int64_t other_index) const {
  return ended || std::tie(seq, index) >= std::tie(other_seq, other_index);
}

std::string run_key(std::string_view run_id) {
  std::string key(run_id.substr(run_id.size() - std::min<std::size_t>(run_id.size(), 12)));
  for (char& c : key)
    if (!key_character(c)) c = '_';
  return key.empty() ? "_" : key;
}

std::optional<Position> Position::parse(std::string_view text) {
  if (text.size() > kMaxText) return std::nullopt;
  auto epoch = cut(text, ';');
  auto outbox = cut(text, '.');
  auto floor = cut(text, ';');
  if (!epoch || !outbox || !floor || !well_formed(*epoch, 32)) return std::nullopt;
  auto marks = Marks::parse(*outbox);
  auto floor_number = number(*floor);
  if (!marks || !floor_number) return std::nullopt;

  Position out{.epoch = std::string(*epoch), .outbox = std::move(*marks), .floor = *floor_number};
  while (!text.empty()) {
    std::size_t comma = text.find(',');
    auto run = parse_run(text.substr(0, comma));
    bool ends_in_comma = comma != text.npos && comma + 1 == text.size();
    if (!run || ends_in_comma || out.runs.size() == kMaxRuns) return std::nullopt;
    if (std::ranges::find(out.runs, run->key, &RunPoint::key) != out.runs.end()) return std::nullopt;
    out.runs.push_back(std::move(*run));
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
  }
  return out;
}

std::string Position::text() const {
  if (!exact) return std::string(kInexact);
  std::string out = epoch + ';' + outbox.text() + '.' + std::to_string(floor) + ';';
  bool first = true;
  for (const RunPoint& run : runs) {
    if (!first) out += ',';
    first = false;
    out += run.key + ':';
    out += run.ended ? "*" : std::to_string(run.seq) + '.' + std::to_string(run.index);
  }
  return out;
}

const RunPoint* Position::find(std::string_view run_id) const {
  std::string key = run_key(run_id);
  auto at = std::ranges::find(runs, key, &RunPoint::key);
  return at == runs.end() ? nullptr : &*at;
}

bool Position::advance_run(std::string_view run_id, std::int64_t seq, std::int64_t index, bool last,
                           std::int64_t now_ms) {
  std::string key = run_key(run_id);
  auto at = std::ranges::find(runs, key, &RunPoint::key);
  if (at == runs.end()) {
    make_room(now_ms);
    at = runs.insert(runs.end(), RunPoint{.key = std::move(key), .seq = seq, .index = index});
  } else {
    // An end that comes before what he has seen: PostgreSQL has lost some of that. He must hear of it.
    bool lost = last && !at->ended;
    if (at->covers(seq, index) && !lost) return false;
    at->seq = seq;
    at->index = index;
  }
  if (last) {
    at->ended = true;
    at->ended_at = now_ms;
  }
  return true;
}

void Position::end_run(std::string_view run_id, std::int64_t now_ms) {
  auto at = std::ranges::find(runs, run_key(run_id), &RunPoint::key);
  if (at == runs.end() || at->ended) return;
  at->ended = true;
  at->ended_at = now_ms;
}

void Position::make_room(std::int64_t now_ms) {
  constexpr std::int64_t kSettled = 5'000;  // Whatever ended before then has arrived.
  if (runs.size() < kMaxRuns) return;
  std::int64_t oldest = now_ms;
  for (const RunPoint& run : runs)
    if (run.ended) oldest = std::min(oldest, run.ended_at);
  if (oldest <= now_ms - kSettled) return fold(now_ms, now_ms - oldest);
  exact = false;
  runs.erase(runs.begin());
}

void Position::fold(std::int64_t now_ms, std::int64_t age_ms) {
  std::int64_t limit = now_ms - age_ms;
  // Logs know the second in which a run ended, so the floor is the end of that second.
  for (const RunPoint& run : runs)
    if (run.ended && run.ended_at <= limit) floor = std::max(floor, (run.ended_at / 1000 + 1) * 1000);
  std::erase_if(runs, [&](const RunPoint& run) { return run.ended && run.ended_at <= limit; });
}

void Position::include(const Position& other) {
  if (other.epoch != epoch) return;
  outbox.include(other.outbox);
  floor = std::max(floor, other.floor);
  for (const RunPoint& theirs : other.runs) {
    auto mine = std::ranges::find(runs, theirs.key, &RunPoint::key);
    if (mine == runs.end()) {
      runs.push_back(theirs);
    } else if (!mine->covers(theirs.seq, theirs.index) || (theirs.ended && !mine->ended)) {
      *mine = theirs;
    }
  }
  if (runs.size() <= kMaxRuns) return;
  exact = false;
  runs.erase(runs.begin(), runs.end() - kMaxRuns);
}

bool Position::covers(const Position& other) const {
  if (other.epoch != epoch) return true;
  if (!outbox.covers(other.outbox) || other.floor > floor) return false;
  return std::ranges::all_of(other.runs, [&](const RunPoint& theirs) {
    auto mine = std::ranges::find(runs, theirs.key, &RunPoint::key);
    if (mine == runs.end()) return false;
    return theirs.ended ? mine->ended : mine->covers(theirs.seq, theirs.index);
  });
}

}  // namespace antiphon::realtime
