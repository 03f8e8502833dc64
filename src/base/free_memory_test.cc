#include "base/free_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "base/process_metrics.h"

namespace antiphon {
namespace {

/// Small blocks, all freed but the last one: it holds the whole heap below it.
TEST(FreeMemory, GoesBackToTheSystemThoughOneBlockAboveItIsInUse) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "a sanitizer has an allocator of its own";
#endif
  constexpr std::size_t kBlocks = 200'000, kSize = 1000;
  FreeMemory first;
  first.look();
  std::size_t before = metrics::resident_bytes();
  std::unique_ptr<char[]> last;
  {
    std::vector<std::unique_ptr<char[]>> blocks;
    for (std::size_t i = 0; i != kBlocks; ++i) {
      blocks.push_back(std::make_unique<char[]>(kSize));
      std::memset(blocks.back().get(), 1, kSize);
    }
    last = std::move(blocks.back());
  }
  ASSERT_GT(metrics::resident_bytes(), before + kBlocks * kSize / 2) << "malloc keeps it";
  first.look();
  EXPECT_GT(metrics::resident_bytes(), before + kBlocks * kSize / 2) << "not every time";
  FreeMemory::Clock::time_point later = FreeMemory::Clock::now() + std::chrono::seconds(5);
  first.look(later);
  EXPECT_LT(metrics::resident_bytes(), before + kBlocks * kSize / 4);
}

}  // namespace
}  // namespace antiphon
