#include "realtime/calls.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/scope.h"
#include "base/time.h"
#include "json/dto.h"
#include "json/text.h"
#include "realtime/session.h"

namespace antiphon::realtime {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::string_view kQuestion =
    "question";  ///< id sid user milliseconds channel name stored words
constexpr std::string_view kWhether = "whether";  ///< id holder: is it still being asked?
constexpr std::string_view kState = "asking";     ///< id holder "open"|"gone"
constexpr std::string_view kAnswer = "answer";    ///< id stored words
constexpr std::string_view kThanks = "thanks";    ///< id: the asker needs it no more

constexpr std::string_view kIsOpen = "open";
constexpr std::string_view kIsGone = "gone";

constexpr std::size_t kShort = 16 << 10;  ///< Longer texts stand in the database.
constexpr auto kAgain = 700ms;            ///< Until it is said again.
constexpr auto kFind = 2s;                ///< For the one who holds the socket to say so.
constexpr auto kSilence = 6s;             ///< Who has said nothing for so long has died.
constexpr std::int64_t kKept = 600;       ///< Seconds, for long texts.

constexpr store::Sql kPut{"realtime_letter.put",
                          "INSERT INTO realtime_letter (id, body, at) VALUES ($1, $2, $3)"};
constexpr store::Sql kTake{"realtime_letter.take",
                           "DELETE FROM realtime_letter WHERE id = $1 RETURNING body"};
constexpr store::Sql kSweep{"realtime_letter.sweep", "DELETE FROM realtime_letter WHERE at < $1"};

struct Letter {
  std::string body;
};
ANTIPHON_DTO(Letter, body)
ANTIPHON_DTO_DEFINE(Letter)

/// Takes the first part off; what follows is not looked at.
std::string_view take(std::string_view& body) {
  std::string_view part = bus::first_part(body);
  body.remove_prefix(std::min(part.size() + 1, body.size()));
  return part;
}

json::Value gone() {
  return error_answer("The browser that was asked has gone.");
}

}  // namespace

struct Calls::Asking {
  std::string sid;
  UserId user;
  milliseconds timeout;
  std::string name;
  Text words;
};

Calls::Calls(bus::Bus* bus, store::Db* db, std::string node, Scope& scope, Loops& loops, Here here)
    : bus_(bus),
      db_(db),
      node_(node.empty() ? random_hex(8) : std::move(node)),
      scope_(scope),
      loops_(loops),
      here_(std::move(here)) {
  if (!bus_) return;
  bus_->on(std::string(kQuestion), [this](std::string_view body) { hear_question(body); });
  bus_->on(std::string(kWhether), [this](std::string_view body) { hear_whether(body); });
  bus_->on(std::string(kState), [this](std::string_view body) { hear_state(body); });
  bus_->on(std::string(kAnswer), [this](std::string_view body) { hear_answer(body); });
  bus_->on(std::string(kThanks), [this](std::string_view body) {
    std::scoped_lock lock(mutex_);
    if (auto at = held_.find(body); at != held_.end()) held_.erase(at);
  });
}

// --- who asks ---

Task<std::optional<json::Value>> Calls::ask(std::string sid, UserId user, Event event,
                                            milliseconds timeout, std::string channel) {
  if (!bus_ || !bus_->has_company()) co_return std::nullopt;
  auto until = Clock::now() + timeout;
  std::string id = random_hex(16);
  auto open = std::make_shared<Open>();
  {
    std::scoped_lock lock(mutex_);
    if (stopping_) co_return std::nullopt;
    if (open_.size() >= kMaxOpen)
      co_return error_answer("Too many browsers are being asked at this moment.");
    open->heard = Clock::now();
    open_.emplace(id, open);
  }
  std::optional<json::Value> out;
  try {
    Text words = co_await put(id + "q", std::move(event.payload));
    std::string question = bus::joined({id, sid, user.value, std::to_string(timeout.count()), channel,
                                        event.name, words.stored ? "1" : "", words.words});
    out = co_await wait_for(id, open, std::move(question), until);
  } catch (const Problem& problem) {
    log::warn("A browser at another replica could not be asked",
              {{"cause", problem.cause()}, {"detail", problem.detail()}});
    out = error_answer(problem.detail());
  }
  {
    std::scoped_lock lock(mutex_);
    open_.erase(id);
  }
  bus_->send(kThanks, id);
  co_return out;
}

Task<std::optional<json::Value>> Calls::wait_for(const std::string& id,
                                                 const std::shared_ptr<Open>& open,
                                                 std::string question, Clock::time_point until) {
  auto find_until = std::min<Clock::time_point>(until, Clock::now() + kFind);
  for (;;) {
    auto now = Clock::now();
    std::optional<Text> answer;
    std::string holder;
    {
      std::scoped_lock lock(mutex_);
      if (open->answer) answer = std::move(open->answer);
      if (!answer && (open->gone || stopping_ || silent(*open, now))) co_return gone();
      holder = open->holder;
    }
    if (answer) co_return json::parse_value(co_await get(std::move(*answer)));
    if (holder.empty() && now >= find_until) co_return std::nullopt;
    if (now >= until) co_return error_answer("The browser did not answer in time.");
    if (holder.empty())
      bus_->send(kQuestion, question);
    else
      bus_->send(kWhether, bus::joined({id, holder}));
    auto settled = [this, open] {
      std::scoped_lock lock(mutex_);
      return open->settled() || stopping_;
    };
    co_await open->changed.until(settled, std::min<Clock::duration>(kAgain, until - now));
  }
}

/// While nothing is heard here, nobody's silence says anything.
bool Calls::silent(const Open& open, Clock::time_point now) const {
  if (open.holder.empty() || !bus_->hears()) return false;
  return now - std::max(open.heard, bus_->hearing_since()) > kSilence;
}

void Calls::hear_state(std::string_view body) {
  auto parts = bus::parts_of(body);
  if (parts.size() != 3) return;
  std::shared_ptr<Open> open;
  {
    std::scoped_lock lock(mutex_);
    auto at = open_.find(std::string(parts[0]));
    if (at == open_.end()) return;
    open = at->second;
    if (open->holder.empty()) open->holder = parts[1];
    if (open->holder != parts[1]) return;
    open->heard = Clock::now();
    if (parts[2] == kIsGone) open->gone = true;
  }
  open->changed.notify();
}

void Calls::hear_answer(std::string_view body) {
  std::string id(take(body));
  std::shared_ptr<Open> open;
  {
    std::scoped_lock lock(mutex_);
    auto at = open_.find(id);
    if (at == open_.end()) return;
    open = at->second;
    bool stored = !take(body).empty();
    if (!open->answer) open->answer = Text{stored, std::string(body)};
  }
  open->changed.notify();
}

// --- who holds the socket ---

void Calls::hear_question(std::string_view body) {
  std::string id(take(body));
  Asking asking{.sid = std::string(take(body)), .user = {std::string(take(body))}};
  if (!here_.holds(asking.sid, asking.user)) return;
  auto timeout = bus::number_in(take(body));
  if (!timeout) return;
  asking.timeout = milliseconds(*timeout);
  std::string channel(take(body));
  asking.name = take(body);
  asking.words.stored = !take(body).empty();
  asking.words.words = body;
  if (!hold(id, Clock::now() + asking.timeout)) {
    return say_how(id);  // It was asked before, and the reply not heard.
  }
  if (!channel.empty()) here_.pass_on(std::move(channel), asking.sid, asking.user);
  bus_->send(kState, bus::joined({id, node_, kIsOpen}));
  scope_.start(loops_.next(), "a question of another replica",
               [this, id, asking = std::move(asking)] { return answer(id, asking); });
}

/// False when it is held already, or too many are.
bool Calls::hold(const std::string& id, Clock::time_point until) {
  std::scoped_lock lock(mutex_);
  if (stopping_ || held_.contains(id)) return false;
  if (held_.size() >= kMaxHeld)
    std::erase_if(held_, [now = Clock::now()](const auto& one) { return one.second.until < now; });
  if (held_.size() >= kMaxHeld) return false;
  held_.emplace(id, Held{.until = until});
  return true;
}

void Calls::hear_whether(std::string_view body) {
  auto parts = bus::parts_of(body);
  if (parts.size() == 2 && parts[1] == node_) say_how(parts[0]);
}

void Calls::say_how(std::string_view id) {
  std::optional<Text> answer;
  bool open = false;
  {
    std::scoped_lock lock(mutex_);
    auto at = held_.find(id);
    open = at != held_.end();
    if (open) answer = at->second.answer;
  }
  if (answer)
    say_answer(id, *answer);
  else
    bus_->send(kState, bus::joined({id, node_, open ? kIsOpen : kIsGone}));
}

Task<> Calls::answer(std::string id, Asking asking) {
  Text said;
  try {
    Event event{.name = asking.name, .payload = co_await get(std::move(asking.words))};
    auto value = co_await here_.ask(asking.sid, asking.user, std::move(event), asking.timeout);
    said = co_await put(id + "a", json::serialize(value ? *value : gone()));
  } catch (const Problem& problem) {
    said = {.words = json::serialize(error_answer(problem.detail()))};
  }
  {
    std::scoped_lock lock(mutex_);
    auto at = held_.find(id);
    if (at == held_.end()) co_return;  // The asker has gone.
    at->second.answer = said;
  }
  say_answer(id, said);
}

void Calls::say_answer(std::string_view id, const Text& answer) {
  bus_->send(kAnswer, bus::joined({id, answer.stored ? "1" : "", answer.words}));
}

// --- texts ---

Task<Calls::Text> Calls::put(std::string id, std::string words) {
  if (words.size() <= kShort) co_return Text{.words = std::move(words)};
  if (words.size() > kMaxText || !db_)
    throw Problem(Problem::Kind::too_large, "This is too long for a browser at another replica.");
  co_await db_->run(kPut, id, words, unix_seconds());
  co_return Text{.stored = true, .words = std::move(id)};
}

Task<std::string> Calls::get(Text text) {
  if (!text.stored) co_return std::move(text.words);
  auto letter = db_ ? co_await db_->first<Letter>(kTake, text.words) : std::nullopt;
  if (!letter) throw Problem(Problem::Kind::unavailable, "What was said is not there any more.");
  co_return std::move(letter->body);
}

Task<> Calls::sweep() {
  if (db_) co_await db_->run(kSweep, unix_seconds() - kKept);
}

void Calls::stop() {
  std::map<std::string, std::shared_ptr<Open>> open;
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
    open = open_;
  }
  for (const auto& [id, one] : open) one->changed.notify();
}

}  // namespace antiphon::realtime
