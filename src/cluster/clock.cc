#include "cluster/clock.h"

#include "base/time.h"
#include "json/dto.h"
#include "store/db.h"
#include "store/now.h"

namespace antiphon::cluster {

struct Moment {
  std::int64_t millis = 0;
};
ANTIPHON_DTO(Moment, millis)
ANTIPHON_DTO_DEFINE(Moment)

namespace {

constexpr store::Sql kNow{"cluster.now", "SELECT " ANTIPHON_MILLIS_POSTGRES " AS millis"};
constexpr int kTries = 3;

}  // namespace

bool Skew::exceeds(milliseconds limit) const {
  return std::chrono::abs(ahead) - doubt > limit;
}

std::string Skew::sentence() const {
  return "This machine's clock is " + duration_words(std::chrono::abs(ahead)) +
         (ahead < milliseconds(0) ? " behind" : " ahead of") + " the database's";
}

Task<std::optional<Skew>> measure_skew(store::Connection& db) {
  if (db.dialect() == store::Dialect::sqlite) co_return std::nullopt;
  std::optional<Skew> best;
  for (int i = 0; i < kTries; ++i) {
    milliseconds here(unix_millis());
    auto asked = std::chrono::steady_clock::now();
    std::optional<Moment> there = co_await db.first<Moment>(kNow);
    auto half = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - asked) / 2;
    if (there && (!best || half < best->doubt))
      best = Skew{.ahead = here + half - milliseconds(there->millis), .doubt = half};
  }
  co_return best;
}

std::string duration_words(milliseconds time) {
  constexpr int kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
  std::int64_t left = time.count();
  std::string out;
  auto take = [&](std::int64_t unit, const char* name) {
    if (std::int64_t n = left / unit)
      out.append(out.empty() ? "" : " ").append(std::to_string(n)).append(name);
    left %= unit;
  };
  take(kHour, " h");
  take(kMinute, " min");
  take(kSecond, " s");
  if (out.empty() || time.count() < 10 * kSecond) take(1, " ms");
  return out.empty() ? "0 ms" : out;
}

}  // namespace antiphon::cluster
