#include "auth/limits.h"

#include <arpa/inet.h>

#include <array>
#include <utility>

#include "auth/accounts.h"
#include "auth/jwt.h"
#include "auth/rows.h"
#include "base/encode.h"
#include "base/ids.h"
#include "base/problem.h"
#include "base/time.h"
#include "store/db.h"

namespace antiphon::auth {

struct FailureCounts {
  std::int64_t pair = 0;
  std::int64_t address = 0;
  std::int64_t account = 0;
  std::int64_t oldest = 0;
};
ANTIPHON_DTO(FailureCounts, pair, address, account, oldest)
ANTIPHON_DTO_DEFINE(FailureCounts)

namespace {

using store::Sql;

constexpr Sql kCounts{"limits.counts", R"(
    SELECT (SELECT COUNT(*) FROM sign_in_failure
             WHERE address = $1 AND account = $2 AND at > $3 AND at <= $4) AS pair,
           (SELECT COUNT(*) FROM sign_in_failure WHERE address = $1 AND at > $3 AND at <= $4) AS address,
           (SELECT COUNT(*) FROM sign_in_failure WHERE account = $2 AND at > $3 AND at <= $4) AS account,
           COALESCE((SELECT MIN(at) FROM sign_in_failure
                      WHERE address = $1 AND at > $3 AND at <= $4), 0) AS oldest)"};
constexpr Sql kFailed{"limits.failed",
                      "INSERT INTO sign_in_failure (id, address, account, at) VALUES ($1, $2, $3, $4)"};
constexpr Sql kSucceeded{"limits.succeeded",
                         "DELETE FROM sign_in_failure WHERE address = $1 AND account = $2"};
constexpr Sql kTidy{"limits.tidy", "DELETE FROM sign_in_failure WHERE at <= $1"};

/// Not the address typed in itself: people type passwords there.
std::string account_of(std::string_view email) {
  return hex(sha256(normal_email(email))).substr(0, 32);
}

}  // namespace

std::string SignInLimits::subject_of(std::string_view address) {
  std::string text(address.substr(0, 64));
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    std::array<char, INET_ADDRSTRLEN> v4{};
    inet_ntop(AF_INET, bytes.data() + 12, v4.data(), v4.size());
    return v4.data();
  }
  return hex(all.substr(0, 8)) + "/64";
}

Task<> SignInLimits::check(std::string_view address, std::string_view email) {
  std::int64_t now = unix_seconds();
  // A clock that was set back must not lock anybody out until it is where it was.
  auto counts = co_await db_.first<FailureCounts>(kCounts, subject_of(address), account_of(email),
                                                  now - kWindow, now + kClockLeeway);
  if (!counts) co_return;
  bool over =
      counts->pair >= kPerPair || counts->address >= kPerAddress || counts->account >= kPerAccount;
  if (!over) co_return;
  std::int64_t wait = counts->oldest ? counts->oldest + kWindow - now : 60;
  throw Problem(Problem::Kind::too_many, "Too many failed sign-ins. Please wait and try again.")
      .retry_after(static_cast<int>(std::max<std::int64_t>(1, wait)));
}

Task<> SignInLimits::failed(std::string_view address, std::string_view email) {
  co_await db_.run(kFailed, uuid4(), subject_of(address), account_of(email), unix_seconds());
}

Task<> SignInLimits::succeeded(std::string_view address, std::string_view email) {
  co_await db_.run(kSucceeded, subject_of(address), account_of(email));
}

Task<> SignInLimits::tidy() {
  co_await db_.run(kTidy, unix_seconds() - kWindow);
}

}  // namespace antiphon::auth
