#include "realtime/session.h"

#include <algorithm>

#include "base/time.h"
#include "json/text.h"
#include "realtime/socketio.h"

namespace antiphon::realtime {
namespace {

/// While a replay is read, this much may come in before the client has to start afresh.
constexpr std::size_t kMaxWaitingBytes = 4 << 20;

bool ends_with_offset(const std::string& frame, std::string_view offset) {
  return frame.size() > offset.size() + 4 && frame.ends_with("\"]") &&
         std::string_view(frame).substr(frame.size() - offset.size() - 2, offset.size()) == offset &&
         frame[frame.size() - offset.size() - 3] == '"';
}

}  // namespace

json::Value error_answer(std::string_view why) {
  return json::Object{{"error", why}};
}

const Frame& FrameCache::frame(const std::string& offset) {
  auto at = std::ranges::find(frames_, offset, &std::pair<std::string, Frame>::first);
  if (at == frames_.end()) {
    auto text =
        socketio::event_frame(event_.name, event_.payload, offset, {}, event_.attachments.size());
    at = frames_.emplace(frames_.end(), offset, std::make_shared<const std::string>(std::move(text)));
  }
  return at->second;
}

const std::vector<Frame>& FrameCache::attachments() {
  if (attachments_.empty())
    for (const std::string& bytes : event_.attachments)
      attachments_.push_back(std::make_shared<const std::string>(bytes));
  return attachments_;
}

Session::Session(std::string sid, std::string pid, std::shared_ptr<RingBudget> budget)
    : sid_(std::move(sid)), pid_(std::move(pid)), budget_(std::move(budget)) {}

Session::~Session() {
  drop_ring();
}

std::optional<Caller> Session::owner() const {
  std::scoped_lock lock(mutex_);
  return owner_;
}

void Session::set_owner(Caller caller) {
  std::scoped_lock lock(mutex_);
  owner_ = std::move(caller);
}

bool Session::signed_in() const {
  std::scoped_lock lock(mutex_);
  return owner_ && live_;
}

bool Session::owned_by(const UserId& user) const {
  std::scoped_lock lock(mutex_);
  return owner_ && owner_->id == user;
}

bool Session::has_token(std::string_view token_id) const {
  std::scoped_lock lock(mutex_);
  return owner_ && owner_->token_id == token_id;
}

void Session::attach(const Door& door) {
  std::scoped_lock lock(mutex_);
  if (ended_) return door.wire->close();
  open_locked(door);
}

void Session::open_locked(const Door& door) {
  ++connections_;
  auto former = std::exchange(wire_, door.wire);
  live_ = false;
  idle_since_ = Clock::now();
  if (former && former != wire_) former->close();
  if (door.hello) wire_->send(door.hello, false);
}

bool Session::detach(const Wire* wire) {
  std::scoped_lock lock(mutex_);
  if (wire_.get() != wire) return false;
  wire_.reset();
  live_ = false;
  idle_since_ = Clock::now();
  return true;
}

bool Session::attached() const {
  std::scoped_lock lock(mutex_);
  return wire_ != nullptr;
}

std::optional<std::uint64_t> Session::connection() const {
  std::scoped_lock lock(mutex_);
  return wire_ ? std::optional(connections_) : std::nullopt;
}

bool Session::polling() const {
  std::scoped_lock lock(mutex_);
  return wire_ && wire_->polling();
}

Clock::time_point Session::idle_since() const {
  std::scoped_lock lock(mutex_);
  return idle_since_;
}

void Session::send(const Frame& frame) {
  std::scoped_lock lock(mutex_);
  if (wire_ && !ended_) wire_->send(frame, false);
}

void Session::hang_up() {
  std::scoped_lock lock(mutex_);
  if (wire_) wire_->close();
}

std::shared_ptr<Wire> Session::end(const Frame& last) {
  std::scoped_lock lock(mutex_);
  if (last && wire_ && !ended_) wire_->send(last, false);
  ended_ = true;
  live_ = false;
  drop_ring();
  waiting_.clear();
  fail_questions();
  return std::exchange(wire_, nullptr);
}

bool Session::ended() const {
  std::scoped_lock lock(mutex_);
  return ended_;
}

void Session::begin(Position now) {
  std::scoped_lock lock(mutex_);
  start_ = now;
  position_ = std::move(now);
  drop_ring();
  ring_whole_ = true;
  replaying_ = false;
  live_ = wire_ != nullptr && !ended_;
}

void Session::include(const Position& seen) {
  std::scoped_lock lock(mutex_);
  for (const RunPoint& run : seen.runs) {
    // One it follows already, by another room, it follows from where it is.
    if (position_.runs.size() >= Position::kMaxRuns || position_.find(run.key)) continue;
    position_.runs.push_back(run);
    if (start_.runs.size() < Position::kMaxRuns) start_.runs.push_back(run);
  }
}

void Session::run_ended(std::string_view run_id) {
  std::scoped_lock lock(mutex_);
  position_.end_run(run_id, unix_millis());
}

bool Session::deliver(FrameCache& cache) {
  std::scoped_lock lock(mutex_);
  if (ended_) return false;
  if (!replaying_) return deliver_locked(cache);
  if (!cache.event().replayable()) return false;
  waiting_bytes_ += cache.event().payload.size();
  if (waiting_bytes_ <= kMaxWaitingBytes)
    waiting_.push_back(std::make_shared<const Event>(cache.event()));
  return true;
}

/// Whether the event is new to this client; if so, it is no longer.
bool Session::accept(const Event& event) {
  if (event.keyframe && event.run) {
    const RunPoint* seen = position_.find(event.run->id);
    bool further = seen && !event.run->last && seen->covers(event.run->seq, event.run->index + 1);
    if (further) return false;
    position_.advance_run(event.run->id, event.run->seq, event.run->index, event.run->last,
                          unix_millis());
    return true;
  }
  if (event.run)
    return position_.advance_run(event.run->id, event.run->seq, event.run->index, event.run->last,
                                 unix_millis());
  return position_.advance_outbox(event.outbox);
}

bool Session::deliver_locked(FrameCache& cache) {
  const Event& event = cache.event();
  if (!event.replayable()) {
    if (!live_) return false;
    wire_->send(cache.frame({}), false);
    for (const Frame& bytes : cache.attachments()) wire_->send(bytes, true);
    return true;
  }
  if (!accept(event)) return false;
  position_.fold(unix_millis());
  const Frame& frame = cache.frame(position_.text());
  keep(frame);
  if (live_) wire_->send(frame, false);
  return true;
}

void Session::keep(const Frame& frame) {
  if (!ring_) ring_ = std::make_unique<std::deque<Kept>>();
  ring_->push_back({frame, Clock::now()});
  ring_used_ += frame->size();
  budget_->used += static_cast<std::int64_t>(frame->size());
  std::size_t limit = budget_->limit();
  while (ring_used_ > limit) drop_oldest();
}

void Session::drop_oldest() {
  ring_used_ -= ring_->front().frame->size();
  budget_->used -= static_cast<std::int64_t>(ring_->front().frame->size());
  ring_->pop_front();
  ring_whole_ = false;
}

void Session::drop_ring() {
  budget_->used -= static_cast<std::int64_t>(ring_used_);
  ring_used_ = 0;
  ring_.reset();
}

/// Where in the ring the client's part begins; nothing when that is not in it.
std::optional<std::size_t> Session::first_missed(std::string_view offset) const {
  std::size_t count = ring_ ? ring_->size() : 0;
  if (offset == Position::kInexact) return std::nullopt;
  auto said = Position::parse(offset);
  if (!said || start_.covers(*said)) {
    if (!ring_whole_) return std::nullopt;
    return 0;
  }
  for (std::size_t i = count; i > 0; --i)
    if (ends_with_offset(*(*ring_)[i - 1].frame, offset)) return i;
  // What the client has seen may have left the ring long ago, without anything having come since.
  if (offset == position_.text()) return count;
  return std::nullopt;
}

bool Session::resume_from_ring(std::string_view offset, const std::optional<Door>& door) {
  std::scoped_lock lock(mutex_);
  if (ended_ || replaying_ || (!door && !wire_)) return false;
  auto first = first_missed(offset);
  if (!first) return false;
  if (door) open_locked(*door);
  for (std::size_t i = *first; ring_ && i < ring_->size(); ++i) wire_->send((*ring_)[i].frame, false);
  live_ = true;
  return true;
}

bool Session::begin_replay(Position from) {
  std::scoped_lock lock(mutex_);
  if (replaying_ || ended_) return false;
  position_ = std::move(from);
  // All that ended before now is either seen already or about to be replayed.
  for (RunPoint& run : position_.runs)
    if (run.ended && run.ended_at == 0) run.ended_at = unix_millis();
  drop_ring();
  ring_whole_ = false;
  live_ = false;
  replaying_ = true;
  waiting_.clear();
  waiting_bytes_ = 0;
  return true;
}

bool Session::finish_replay(const std::vector<Event>& missed, const std::optional<Door>& door) {
  std::scoped_lock lock(mutex_);
  replaying_ = false;
  auto came_meanwhile = std::exchange(waiting_, {});
  if (waiting_bytes_ > kMaxWaitingBytes || ended_ || (!door && !wire_)) return false;
  if (door) open_locked(*door);
  live_ = true;
  for (const Event& event : missed) {
    FrameCache cache(event);
    deliver_locked(cache);
  }
  for (const auto& event : came_meanwhile) {
    FrameCache cache(*event);
    deliver_locked(cache);
  }
  return true;
}

void Session::cancel_replay() {
  std::scoped_lock lock(mutex_);
  replaying_ = false;
  waiting_.clear();
}

Position Session::start() const {
  std::scoped_lock lock(mutex_);
  return start_;
}

void Session::set_start(Position start) {
  std::scoped_lock lock(mutex_);
  start_ = std::move(start);
}

Position Session::position_at(std::string_view offset) const {
  std::scoped_lock lock(mutex_);
  Position out = start_;
  if (auto said = Position::parse(offset)) out.include(*said);
  return out;
}

void Session::forget_recent() {
  std::scoped_lock lock(mutex_);
  drop_ring();
  ring_whole_ = false;
}

void Session::drop_older_than(Clock::time_point limit) {
  std::scoped_lock lock(mutex_);
  if (!ring_ || !live_) return;
  while (!ring_->empty() && ring_->front().at < limit) drop_oldest();
  if (ring_->empty()) ring_.reset();
}

bool Session::ask(const Event& event, std::uint64_t& id,
                  Completion<std::optional<json::Value>> answer) {
  std::scoped_lock lock(mutex_);
  if (!wire_ || !live_ || ended_ || questions_.size() >= kMaxQuestions) return false;
  id = next_question_++;
  questions_.emplace(id, std::move(answer));
  wire_->send(
      std::make_shared<const std::string>(socketio::event_frame(event.name, event.payload, {}, id)),
      false);
  return true;
}

void Session::answered(std::uint64_t id, json::Value value) {
  std::unique_lock lock(mutex_);
  auto question = questions_.extract(id);
  lock.unlock();
  if (question) question.mapped()(std::move(value));
}

void Session::give_up(std::uint64_t id, std::string_view why) {
  answered(id, error_answer(why));
}

void Session::give_up_all() {
  std::scoped_lock lock(mutex_);
  fail_questions();
}

void Session::fail_questions() {
  for (auto& [id, answer] : questions_) answer(error_answer("The browser that was asked has gone."));
  questions_.clear();
}

}  // namespace antiphon::realtime
