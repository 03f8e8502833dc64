#pragma once

#include <string>
#include <string_view>

#include "base/task.h"

namespace antiphon::store {
class Db;
}

namespace antiphon::auth {

/// Slows down guessing passwords. Failures are counted in the database, so replicas agree; only the
/// pair of address and account is locked early, so nobody locks out somebody else (U8, row 85).
/// Any thread.
class SignInLimits {
 public:
  static constexpr int kWindow = 900;       ///< Seconds a failure counts.
  static constexpr int kPerPair = 10;       ///< Failures of one address on one account.
  static constexpr int kPerAddress = 30;    ///< Failures of one address on any account.
  static constexpr int kPerAccount = 1000;  ///< Failures on one account from anywhere.

  explicit SignInLimits(store::Db& db) : db_(db) {}

  /// Throws Problem (429, with Retry-After) when there were too many failures. Before hashing.
  Task<> check(std::string_view address, std::string_view email);
  Task<> failed(std::string_view address, std::string_view email);
  /// Forgets the failures of that pair.
  Task<> succeeded(std::string_view address, std::string_view email);
  /// Deletes what no longer counts.
  Task<> tidy();

  /// What addresses are counted by: an IPv4 address, or the /64 of an IPv6 one.
  static std::string subject_of(std::string_view address);

 private:
  store::Db& db_;
};

}  // namespace antiphon::auth
