#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "client/client.h"
#include "http/call.h"

namespace antiphon::realtime {

/// Polling without affinity: a session lives at the replica that opened it, whose name begins its sid;
/// a request that comes to another replica is passed on to that one. Any thread.
class Forward {
 public:
  /// "http://10.0.0.7:8080" of the replica so named; nothing when there is none with a lease.
  using AddressOf = std::function<Task<std::optional<std::string>>(std::string name)>;

  /// `own`: this replica's name, [0-9a-f]{8}.
  Forward(std::string own, client::Client& client, AddressOf address_of);

  /// What sids of this replica begin with.
  const std::string& prefix() const { return prefix_; }

  /// The answer of the replica that holds the session of this sid; nothing when that is this one or
  /// none, when it does not answer, and for what has been passed on before.
  Task<std::optional<http::Response>> pass_on(const http::Request& request, std::string path);

 private:
  Task<std::optional<std::string>> address_of(std::string name);

  static constexpr std::size_t kMaxKnown = 1'000;
  struct Known {
    std::string address;
    std::chrono::steady_clock::time_point at;
  };
  const std::string prefix_;
  client::Client& client_;
  const AddressOf address_of_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  ///< By name. Guarded by mutex_.
};

}  // namespace antiphon::realtime
