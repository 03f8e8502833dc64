#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

namespace antiphon::log {
namespace {

/// stderr as a pipe, while it lives.
class Piped {
 public:
  Piped() : former_(dup(2)) {
    EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0);
    dup2(ends_[1], 2);
    close(ends_[1]);
  }
  ~Piped() {
    restore();
    close(ends_[0]);
  }
  void restore() {
    if (former_ < 0) return;
    dup2(former_, 2);
    close(former_);
    former_ = -1;
  }
  /// Until `wanted` has come, or nothing more does.
  std::string read_until(std::string_view wanted) {
    std::string out;
    std::array<char, 65536> some;
    for (ssize_t size = 1; size > 0 && out.find(wanted) == out.npos;) {
      size = read(ends_[0], some.data(), some.size());
      if (size > 0) out.append(some.data(), static_cast<std::size_t>(size));
    }
    return out;
  }

 private:
  int former_;
  std::array<int, 2> ends_{};
};

// row 127: what is said under attack must not depend on who reads the log.
TEST(Log, AReaderThatStopsHoldsUpNobody) {
  Piped err;
  std::string said;
  std::chrono::steady_clock::duration took;
  {
    Background background;
    auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 60'000; ++i)  // Six megabytes: more than pipe and queue hold.
      warn("A line", {{"number", i}, {"padding", std::string(80, 'x')}});
    took = std::chrono::steady_clock::now() - begun;
    said = err.read_until("Lines of the log were left out");
  }

  EXPECT_LT(took, std::chrono::seconds(5));
  EXPECT_NE(said.find("number=0 "), std::string::npos);
  EXPECT_NE(said.find("Lines of the log were left out  lines="), std::string::npos);
}

TEST(Log, EveryLineLeavesBeforeTheEnd) {
  Piped err;
  {
    Background background;
    for (int i = 0; i < 100; ++i) info("Counted", {{"number", i}});
  }
  info("At once");
  std::string said = err.read_until("At once");

  EXPECT_NE(said.find("number=99\n"), std::string::npos);
}

}  // namespace
}  // namespace antiphon::log
