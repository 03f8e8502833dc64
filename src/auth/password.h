#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/task.h"
#include "base/worker_pool.h"

namespace antiphon::auth {

inline constexpr std::size_t kMinPassword = 8;
inline constexpr std::size_t kMaxPassword = 1024;

/// What a password must be, beyond what always holds: 8 to 1024 bytes and none of those
/// everybody tries first (U9, row 123).
struct PasswordPolicy {
  bool match_pattern = false;  ///< ENABLE_PASSWORD_VALIDATION
  std::string pattern = {};    ///< Empty: a lower and an upper case letter, a digit and a sign.
  std::string hint = {};       ///< Said when the pattern does not match.
};

/// Throws Problem (400) that says what is wrong with `password`.
void check_password(const PasswordPolicy& policy, std::string_view password);

/// False when the pattern is nothing that we understand: lookaheads at the start, then a POSIX
/// extended expression; \d, \w and \s may be used in both.
bool valid_pattern(const std::string& pattern);
/// Whether `password` is as `pattern` says. An invalid pattern matches nothing.
bool matches_pattern(const std::string& pattern, const std::string& password);

/// True for what is on the list of common passwords, or is one with digits or signs added.
bool common_password(std::string_view password);

/// Hashes and verifies, on threads of its own (row 127). Any thread.
class Passwords {
 public:
  explicit Passwords(WorkerPool& pool) : pool_(pool) {}

  /// Throws 503 when the pool is full: before anything else is done for a password.
  void check_room() { pool_.check_room(); }

  /// argon2id with 19 MiB, two passes. Throws 503 when the pool is full.
  Task<std::string> hash(Secret password);

  /// Whether `password` is the one of `hash`: argon2 or, of imported accounts, bcrypt. Without a
  /// hash it takes as long as with one of ours, and is false (row 84). Throws 503 when full.
  Task<bool> verify(Secret password, std::optional<std::string> hash);

  /// True for hashes made otherwise than hash() makes them now.
  static bool outdated(std::string_view hash);

 private:
  WorkerPool& pool_;
};

}  // namespace antiphon::auth
