#include "vectors/scan.h"

#include <algorithm>

namespace antiphon::vectors {
namespace {

using Lanes = float __attribute__((vector_size(64)));
/// The same where it lies among other floats.
struct [[gnu::packed, gnu::may_alias]] Packed {
  Lanes lanes;
};
constexpr std::size_t kLanes = sizeof(Lanes) / sizeof(float);

/// Writes each row's product with `query` to `scores`. Two sums hide what a multiplication takes.
[[gnu::always_inline]] inline void score_rows(const float* rows, std::size_t count, const float* query,
                                              std::size_t n, float* scores) {
  for (std::size_t row = 0; row < count; ++row, rows += n) {
    Lanes even{}, odd{};
    std::size_t i = 0;
    for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
      auto* r = reinterpret_cast<const Packed*>(rows + i);
      auto* q = reinterpret_cast<const Packed*>(query + i);
      even += r[0].lanes * q[0].lanes;
      odd += r[1].lanes * q[1].lanes;
    }
    even += odd;
    float sum = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) sum += even[lane];
    for (; i < n; ++i) sum += rows[i] * query[i];
    scores[row] = sum;
  }
}

using Score = void (*)(const float* rows, std::size_t count, const float* query, std::size_t n,
                       float* scores);

// The same compiled for what the processor may have.
void score_any(const float* rows, std::size_t count, const float* query, std::size_t n, float* scores) {
  score_rows(rows, count, query, n, scores);
}
#ifdef __x86_64__
[[gnu::target("avx2,fma")]] void score_avx2(const float* rows, std::size_t count, const float* query,
                                            std::size_t n, float* scores) {
  score_rows(rows, count, query, n, scores);
}
[[gnu::target("avx512f")]] void score_avx512(const float* rows, std::size_t count, const float* query,
                                             std::size_t n, float* scores) {
  score_rows(rows, count, query, n, scores);
}
#endif

Score best_for_this_processor() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) return score_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return score_avx2;
#endif
  return score_any;
}

}  // namespace

std::vector<Scored> nearest(std::span<const float> rows, std::span<const float> query, std::size_t k) {
  constexpr std::size_t kBlock = 256;
  static const Score score = best_for_this_processor();
  std::vector<Scored> best;  // A heap whose top is the worst of the best.
  if (query.empty() || k == 0) return best;
  float scores[kBlock];
  const std::size_t count = rows.size() / query.size();
  for (std::size_t first = 0; first < count; first += kBlock) {
    const std::size_t some = std::min(kBlock, count - first);
    score(rows.data() + first * query.size(), some, query.data(), query.size(), scores);
    for (std::size_t i = 0; i < some; ++i) {
      Scored one{scores[i], first + i};
      if (best.size() == k) {
        if (!(one < best.front())) continue;
        std::pop_heap(best.begin(), best.end());
        best.pop_back();
      }
      best.push_back(one);
      std::push_heap(best.begin(), best.end());
    }
  }
  std::sort_heap(best.begin(), best.end());
  return best;
}

}  // namespace antiphon::vectors
