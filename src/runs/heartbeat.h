#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "store/db.h"

namespace antiphon::runs {

/// What a beat found.
struct Beat {
  bool registered = false;  ///< This process has its row; on SQLite always.
  bool session = false;     ///< Its session is one of the server that is written to.
  std::int64_t others = 0;  ///< Processes that hold a lease, without this one.
};

/// One statement a second, in which this process renews its lease and asks what everybody here wants to
/// know of the database. What replicas tell one another is heard at once over the bus; this finds what
/// was not heard, and costs the database one transaction, whoever asks.
class Heartbeat {
 public:
  /// `question`: an expression that yields one whole number, or NULL, which is heard as 0. It may use
  /// $1, this process's node_id. Nobody asks where its text is empty. `heard` must be quick; called
  /// after each beat, one after the other. Before the first beat.
  void ask(const store::Sql& question, std::function<void(std::int64_t)> heard);

  /// `session`: the advisory lock that stands for this process, while it has one. On PostgreSQL the
  /// lease holds for `lease` from now on, by the database's clock; SQLite has one process and no lease.
  Task<Beat> beat(store::Db& db, std::string node_id, std::chrono::milliseconds lease,
                  std::optional<std::int64_t> session);

 private:
  struct Question {
    std::string text, postgres;
    std::function<void(std::int64_t)> heard;
  };
  std::string statement(store::Dialect dialect) const;

  std::vector<Question> questions_;
  std::string statement_;  ///< From the first beat on.
};

}  // namespace antiphon::runs
