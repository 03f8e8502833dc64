#include "features/models/catalog.h"

#include <boost/json.hpp>
#include <optional>

#include "base/log.h"
#include "base/loops.h"
#include "base/problem.h"
#include "features/models/demo.h"

namespace antiphon::models {

namespace {

/// Models of all connections, each id once.
struct Merging {
  std::vector<std::shared_ptr<BaseModel>> models;
  std::unordered_map<std::string, std::size_t> places;

  void add(const BaseModel& m) {
    auto [place, is_new] = places.try_emplace(m.id, models.size());
    if (is_new) {
      models.push_back(std::make_shared<BaseModel>(m));
      return;
    }
    // The same model on several Ollama servers is one, answered by each in turn; of others the first
    // counts.
    BaseModel& first = *models[place->second];
    if (m.kind != Kind::ollama || first.kind != Kind::ollama) return;
    first.connections.push_back(m.connections.front());
    if (json::Value* own = first.shown.if_contains("ollama"); own && own->is_object())
      own->as_object()["urls"].as_array().emplace_back(m.connections.front()->index);
  }
};

}  // namespace

/// One question to all servers.
struct Catalog::Flight {
  std::vector<ConnectionPtr> connections;
  std::vector<std::optional<std::vector<BaseModel>>> answers;  ///< Each written by its own coroutine.
  std::atomic<std::size_t> left = 0;
  std::vector<Completion<ListingPtr>> waiting;  ///< Guarded by mutex_; one a waiting request.
};

BaseModelPtr Listing::find(std::string_view id) const {
  auto found = by_id.find(std::string(id));
  return found == by_id.end() ? nullptr : found->second;
}

Catalog::Catalog(const Settings& settings, std::function<Backend&(Kind)> backend, Loops& loops)
    : settings_(settings), backend_(std::move(backend)), loops_(loops) {}

Catalog::~Catalog() = default;

Task<> Catalog::close() {
  co_await scope_.close(std::chrono::seconds(5));
}

std::vector<ConnectionPtr> Catalog::connections() const {
  std::vector<ConnectionPtr> out;
  auto add = [&](std::vector<ConnectionPtr> more) {
    for (ConnectionPtr& c : more)
      if (c->enabled) out.push_back(std::move(c));
  };
  if (settings_.enable_openai()) add(openai_connections(settings_));
  if (settings_.enable_ollama()) add(ollama_connections(settings_));
  add(local_candidates(settings_));
  return out;
}

Task<ListingPtr> Catalog::get(Wish wish) {
  {
    std::scoped_lock lock(mutex_);
    bool usable = current_ && !forgotten_ && wish == Wish::usual;
    if (usable) {
      bool old =
          Clock::now() - at_ > std::chrono::seconds(settings_.list_seconds()) && !settings_.keep_list();
      if (!old || flight_) co_return current_;
      at_ = Clock::now();  // One background flight a period, however it ends.
    } else {
      wish = Wish::fresh;
    }
  }
  if (wish == Wish::fresh)
    co_return co_await await_result<ListingPtr>([this](Completion<ListingPtr> done) { fly(done); });
  fly(std::nullopt);
  std::scoped_lock lock(mutex_);
  co_return current_;
}

Task<bool> Catalog::look_again(std::uint64_t seen) {
  {
    std::scoped_lock lock(mutex_);
    if (current_ && current_->number > seen) co_return true;
    if (!flight_ && Clock::now() - sought_at_ < std::chrono::seconds(1)) co_return false;
    if (!flight_) sought_at_ = Clock::now();
  }
  (void)co_await get(Wish::fresh);
  co_return true;
}

void Catalog::forget() {
  std::scoped_lock lock(mutex_);
  forgotten_ = true;
  again_ = flight_ != nullptr;
}

void Catalog::fly(std::optional<Completion<ListingPtr>> done) {
  std::shared_ptr<Flight> flight;
  {
    std::scoped_lock lock(mutex_);
    if (flight_) {
      if (done) flight_->waiting.push_back(*done);
      return;
    }
    flight = flight_ = std::make_shared<Flight>();
    flight->connections = connections();
    flight->answers.resize(flight->connections.size());
    if (done) flight->waiting.push_back(*done);
  }
  if (scope_.start(loops_.next(), "models.list", [this, flight] { return ask_all(flight); })) return;
  std::vector<Completion<ListingPtr>> waiting;
  {
    std::scoped_lock lock(mutex_);
    waiting = std::move(flight->waiting);
    flight_ = nullptr;
  }
  for (auto& w : waiting)
    w.fail(std::make_exception_ptr(Problem(Problem::Kind::unavailable, "The server is stopping.")));
}

Task<> Catalog::ask_all(std::shared_ptr<Flight> flight) {
  std::size_t count = flight->connections.size();
  flight->left = count;
  if (count == 0) land(*flight);
  Executor here = co_await current_executor();
  for (std::size_t i = 0; i != count; ++i)
    if (!scope_.start(here, "models.list", [this, flight, i] { return ask(flight, i); }) &&
        --flight->left == 0)
      land(*flight);
}

Task<> Catalog::ask(std::shared_ptr<Flight> flight, std::size_t place) {
  const ConnectionPtr& c = flight->connections[place];
  try {
    flight->answers[place] = co_await backend_(c->kind).list(c);
  } catch (const Problem& p) {
    if (!c->found)
      log::warn("A connection did not list its models", {{"url", c->url}, {"error", p.detail()}});
  } catch (const std::exception& e) {  // Whatever it was: those who wait must not wait for ever.
    log::error("Listing models failed", {{"url", c->url}, {"error", e.what()}});
  }
  if (--flight->left == 0) land(*flight);
}

void Catalog::land(Flight& flight) {
  std::vector<Completion<ListingPtr>> waiting;
  ListingPtr result;
  bool again = false;
  {
    std::scoped_lock lock(mutex_);
    result = merge(flight);
    again = std::exchange(again_, false);
    flight_ = nullptr;
    waiting = std::move(flight.waiting);
    current_ = result;
    at_ = Clock::now();
    forgotten_ = again;
  }
  // What changed during the flight is asked anew, for those who waited too.
  for (auto& w : waiting) again ? fly(w) : w(result);
}

/// Under mutex_. What a connection offers: what it just said, else what it last said.
std::optional<Catalog::Known> Catalog::offer(const Flight& flight, std::size_t place) const {
  if (flight.answers[place]) return Known{*flight.answers[place], Clock::now()};
  auto last = last_good_.find(flight.connections[place]->identity());
  if (last == last_good_.end() || Clock::now() - last->second.at > kKeepLastGood) return std::nullopt;
  return last->second;
}

/// Under mutex_.
ListingPtr Catalog::merge(const Flight& flight) {
  auto out = std::make_shared<Listing>();
  out->number = ++number_;
  out->connections = flight.connections;
  std::unordered_map<std::string, Known> good;
  Merging merging;
  for (std::size_t i = 0; i != flight.connections.size(); ++i) {
    auto known = offer(flight, i);
    if (!known) continue;
    for (const BaseModel& m : known->models) merging.add(m);
    good[flight.connections[i]->identity()] = std::move(*known);
  }
  last_good_ = std::move(good);
  if (merging.models.empty() && settings_.demo()) merging.add(Demo::model());
  for (auto& m : merging.models) out->by_id.emplace(m->id, m);
  out->models.assign(merging.models.begin(), merging.models.end());
  return out;
}

}  // namespace antiphon::models
