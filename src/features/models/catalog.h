#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/async.h"
#include "base/scope.h"
#include "features/models/backend.h"

namespace antiphon {
class Loops;
}

namespace antiphon::models {

/// What all connections offered when last asked. Immutable.
struct Listing {
  std::vector<BaseModelPtr> models;  ///< In order of the connections; each id once.
  std::vector<ConnectionPtr> connections;
  std::uint64_t number = 0;  ///< Rises with every listing.
  /// Null when there is none of that id.
  BaseModelPtr find(std::string_view id) const;

  std::unordered_map<std::string, BaseModelPtr> by_id;
};
using ListingPtr = std::shared_ptr<const Listing>;

/// Keeps the list of all servers' models. The servers are asked all at once, by one flight at a time
/// however many wait; a server that fails keeps what it last had for an hour, so that one bad refresh
/// never shrinks the list. Unfiltered: whoever shows it filters by the caller (row 116). Any thread.
class Catalog {
 public:
  static constexpr auto kKeepLastGood = std::chrono::hours(1);

  /// `backend` yields the one for a kind.
  Catalog(const Settings& settings, std::function<Backend&(Kind)> backend, Loops& loops);
  ~Catalog();

  enum class Wish {
    usual,  ///< What is known; older than the setting says, it is renewed in the background.
    fresh,  ///< Asks the servers and waits for them.
  };
  Task<ListingPtr> get(Wish wish = Wish::usual);

  /// Somebody names a model that is not in the listing of number `seen`: asks the servers, once a
  /// second at most, or waits for whoever asks them. True when there is a newer listing than that.
  Task<bool> look_again(std::uint64_t seen);

  /// The next get() waits for the servers: connections have changed, a model was pulled or deleted.
  void forget();

  /// Ends the flights. Before the loops stop.
  Task<> close();

 private:
  using Clock = std::chrono::steady_clock;
  struct Flight;
  struct Known {
    std::vector<BaseModel> models;
    Clock::time_point at;
  };

  /// Joins the flight under way, or starts one. `done` may be null.
  void fly(std::optional<Completion<ListingPtr>> done);
  Task<> ask_all(std::shared_ptr<Flight> flight);
  Task<> ask(std::shared_ptr<Flight> flight, std::size_t place);
  void land(Flight& flight);
  std::optional<Known> offer(const Flight& flight, std::size_t place) const;
  ListingPtr merge(const Flight& flight);
  std::vector<ConnectionPtr> connections() const;

  const Settings& settings_;
  const std::function<Backend&(Kind)> backend_;
  Loops& loops_;
  Scope scope_;

  std::mutex mutex_;
  // Guarded by mutex_.
  ListingPtr current_;
  Clock::time_point at_;
  Clock::time_point sought_at_ = {};  ///< When somebody named one that was not known.
  bool forgotten_ = true;
  std::uint64_t number_ = 0;
  std::shared_ptr<Flight> flight_;
  bool again_ = false;                                ///< forget() came during the flight.
  std::unordered_map<std::string, Known> last_good_;  ///< By Connection::identity(); those there are.
};

}  // namespace antiphon::models
