#pragma once

#include <libpq-fe.h>

#include <memory>

#include "base/problem.h"
#include "store/work.h"

namespace antiphon::store {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, ClearResult>;

/// A call's arguments as libpq wants them. Points into the Args it was made of.
class PgArguments {
 public:
  explicit PgArguments(const Args& args);
  int size() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }

 private:
  std::vector<std::string> made_;
  std::vector<const char*> values_;
};

/// The rows, for `call.row`; and how many changed.
Reply reply_of(const PGresult* result, const Call& call);

/// SQLSTATE, "" when the server did not give one.
std::string_view sqlstate(const PGresult* result);

/// Deadlocks and serialization failures: the server rolled back what may simply run again.
bool is_collision(std::string_view state);

/// What the statement's failure means. The cause holds the server's words, but not its DETAIL,
/// which repeats people's data.
Problem problem_of(const PGresult* result, std::string_view statement);

}  // namespace antiphon::store
