#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/scope.h"
#include "base/signal.h"
#include "bus/bus.h"
#include "runs/runs.h"

namespace antiphon::runs {

/// Brings what one replica commits to the clients of the others, over the bus; and over the log, where
/// the bus had a gap. Each event of a run reaches this process's clients once and in its order. Any
/// thread.
class Relay {
 public:
  struct Parts {
    store::Db& db;
    Runs& runs;
    bus::Bus& bus;
    /// To this process's clients; called under the relay's lock, must not block.
    Runs::Publish publish;
    /// Clients that come from now on have seen the run up to and with row `seq`. Likewise.
    std::function<void(const RunNames&, std::int64_t seq)> track;
    /// Whether a client of the user is here.
    std::function<bool(const std::string& user_id)> watched;
  };
  static constexpr std::string_view kTopic = "run";
  static constexpr std::string_view kLook = "look";
  /// More than this is read from the log instead.
  static constexpr std::size_t kMaxInline = 64 << 10;

  /// Listens to the bus, which is started later.
  explicit Relay(Parts parts);

  void start(Loops& loops);
  Task<> stop();

  /// When this returns, what other replicas write for the user is heard, and what they have written is
  /// known. Before his client is let in.
  Task<> follow(std::string user_id);

  /// Tells the others what was committed here.
  void share(const RunNames& run, std::int64_t seq, const std::vector<std::string>& events, bool last);
  /// This process takes the run over: what was left and not heard goes to its clients first.
  void adopt(const RunNames& run, const std::vector<LoggedEvent>& left);
  /// Another process has taken the run over; `seq`: the last row that this one told. What follows is
  /// read from the log: while this process thought the run was its own, it did not listen.
  void give_up(const RunNames& run, std::int64_t seq);
  /// Others look whether one of their runs is to be stopped, or one of nobody's to be taken up.
  void tell_to_look();
  /// False while others cannot tell this process to look: it must look by itself.
  bool hears() const { return p_.bus.hears() || !p_.bus.has_company(); }

  static constexpr auto kLookOften = std::chrono::milliseconds(150);  ///< While the bus is not heard.

 private:
  struct Heard {
    RunNames names;
    std::int64_t seq = 0;  ///< The last row that went to clients.
    bool reading = false;  ///< The log is being read.
    bool again = false;    ///< Something came meanwhile.
    bool here = false;     ///< This process writes it, or wrote its end: it tells its clients itself.
    bool ended = false;
    std::chrono::steady_clock::time_point since = {};  ///< When it ended; here: when it went on.
  };
  struct Followed {
    bool known = false;
    std::chrono::steady_clock::time_point asked = {};
    std::map<std::string, Heard, std::less<>> runs;
  };

  void note_here(const RunNames& run, std::int64_t seq, bool last);
  void hear(std::string_view body);
  void read_log(Heard& heard);
  Task<> catch_up(RunNames names);
  void publish_left(Heard& heard, const std::vector<LoggedEvent>& events, bool ended);
  Heard* find(const RunNames& names);
  Task<> look_around();
  Task<> look();
  void forget_absent();
  bool any_followed();
  bool any_live();

  Parts p_;
  Loops* loops_ = nullptr;
  Scope scope_;
  Signal missed_;
  std::atomic<bool> look_back_ = false;  ///< Something may not have been heard.
  std::chrono::steady_clock::time_point looked_at_ =
      std::chrono::steady_clock::now();  ///< Of the looking task only.
  std::mutex mutex_;
  std::unordered_map<std::string, Followed> users_;  ///< Guarded by mutex_.
};

}  // namespace antiphon::runs
