#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "vectors/scan.h"

/// scan_bench [ROWS] [DIMENSION] [ROUNDS]: milliseconds an exact search for the nearest ten takes on
/// one thread, median and best.
int main(int argc, char** argv) {
  auto number = [&](int i, std::size_t otherwise) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
  };
  const std::size_t rows = number(1, 50'000), dimension = number(2, 384),
                    rounds = std::max<std::size_t>(number(3, 200), 1);
  std::uint32_t state = 1;  // A generator of its own: the same vectors on every machine.
  auto fill = [&](std::vector<float>& all) {
    for (float& x : all)
      x = static_cast<float>((state = state * 1664525 + 1013904223) >> 8) / (1 << 23) - 1;
  };
  std::vector<float> matrix(rows * dimension), query(dimension);
  fill(matrix);
  fill(query);
  std::vector<double> took;
  for (std::size_t round = 0; round < rounds; ++round) {
    auto began = std::chrono::steady_clock::now();
    if (antiphon::vectors::nearest(matrix, query, 10).size() != std::min<std::size_t>(10, rows))
      return 1;
    took.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
  }
  std::ranges::sort(took);
  fmt::print("{} x {}: median {:.2f} ms, best {:.2f} ms\n", rows, dimension, took[rounds / 2], took[0]);
}
