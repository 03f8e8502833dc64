#include "auth/password.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "base/loops.h"
#include "base/problem.h"

namespace antiphon::auth {
namespace {

/// 0 when it is accepted.
int refusal(std::string_view password, PasswordPolicy policy = {}) {
  try {
    check_password(policy, password);
    return 0;
  } catch (const Problem& problem) {
    return problem.status();
  }
}

TEST(Passwords, TheRightOneIsRecognisedAndNoOther) {
  WorkerPool pool(1);
  Passwords passwords(pool);
  std::string hash = run([&] { return passwords.hash(Secret("correct horse 17")); });

  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << hash;
  EXPECT_TRUE(run([&] { return passwords.verify(Secret("correct horse 17"), hash); }));
  EXPECT_FALSE(run([&] { return passwords.verify(Secret("correct horse 18"), hash); }));
  EXPECT_FALSE(run([&] { return passwords.verify(Secret(""), hash); }));
  EXPECT_FALSE(Passwords::outdated(hash));
}

TEST(Passwords, ThoseOfOpenWebUiAreRecognised) {
  WorkerPool pool(1);
  Passwords passwords(pool);
  // "password123x", hashed by Python's bcrypt and argon2-cffi.
  const std::string bcrypt = "$2b$06$8wRfG3o0gYeUlM7hfn5ArOcwpfFRlKhQO/p5l0IHuIijl7blrbO9G";
  const std::string argon2 =
      "$argon2id$v=19$m=65536,t=3,p=4$rltP8BtzeWJ+8Q0MFagihA$"
      "Mk7sx8DIWMsI88ANLpm9ENbrMpCdycLi9a7iM7QCPdc";

  for (const std::string& hash : {bcrypt, argon2}) {
    EXPECT_TRUE(run([&] { return passwords.verify(Secret("password123x"), hash); })) << hash;
    EXPECT_FALSE(run([&] { return passwords.verify(Secret("password123y"), hash); })) << hash;
    EXPECT_TRUE(Passwords::outdated(hash));
  }
}

TEST(Passwords, NothingMatchesWhatIsNoHash) {
  WorkerPool pool(1);
  Passwords passwords(pool);
  for (const char* hash : {"", "*", "plain", "$argon2id$", "$2b$", "$2b$12$", "$1$abc$def",
                           "0b0b7d54-27a5-4a0c-bb0f-2f4f4ab3f7a1"}) {
    EXPECT_FALSE(run([&] { return passwords.verify(Secret(hash), hash); })) << hash;
    EXPECT_FALSE(run([&] { return passwords.verify(Secret(""), hash); })) << hash;
  }
  EXPECT_FALSE(run([&] { return passwords.verify(Secret("x"), std::nullopt); }));
}

// row 127
TEST(Passwords, AFullPoolAnswers503AndLosesNobody) {
  WorkerPool pool(1, 2);
  std::latch busy(1), go(1);
  Loops loops(1);
  loops.start();
  std::atomic<int> finished = 0, refused = 0;
  auto start = [&](std::function<bool()> work) {
    spawn_detached(loops.at(0), [&, work]() -> Task<> {
      try {
        (void)co_await pool.run<bool>(work);
        ++finished;
      } catch (const Problem& problem) {
        EXPECT_EQ(problem.status(), 503);
        EXPECT_GT(problem.retry_after(), 0);
        ++refused;
      }
    });
  };

  start([&] { return busy.count_down(), go.wait(), true; });
  busy.wait();
  for (int i = 0; i < 5; ++i) start([] { return true; });
  while (refused < 3) std::this_thread::yield();
  go.count_down();
  while (finished < 3) std::this_thread::yield();

  EXPECT_EQ(finished, 3);
  EXPECT_EQ(refused, 3);
}

// U9
TEST(Passwords, ShortAndCommonOnesAreRefused) {
  for (const char* bad : {"",          "1",         "1234567",   "12345678",         "password",
                          "Password1", "P@ssw0rd",  "passw0rd!", "qwertyuiop",       "iloveyou2",
                          "11111111",  "abcabcabc", "admin123",  "Welcome2024!",     "1q2w3e4r",
                          "87654321",  "letmein1",  "asdfghjkl", "passwordpassword", "summer2025",
                          "19841984",  "changeme"})
    EXPECT_EQ(refusal(bad), 400) << bad;
  for (const char* good :
       {"correct horse 17", "pass of alice 17", "xk7#qpLw", "Tr0ub4dor&3", "мой пароль"})
    EXPECT_EQ(refusal(good), 0) << good;
}

// row 123
TEST(Passwords, OverlongOnesAreRefusedBeforeAnyWork) {
  EXPECT_EQ(refusal(std::string(1024, 'x') + "y"), 400);
  EXPECT_EQ(refusal("abc de" + std::string(1, '\0') + "fghijk"), 400);
}

TEST(Passwords, ThePatternOfTheOperatorHolds) {
  PasswordPolicy standard{.match_pattern = true, .hint = "Say more"};
  EXPECT_EQ(refusal("lower case only", standard), 400);
  EXPECT_EQ(refusal("Mixed Case 7", standard), 400);
  EXPECT_EQ(refusal("Mixed Case 7!", standard), 0);

  PasswordPolicy own{.match_pattern = true, .pattern = R"(^(?!.*secret)[\w\s]{12,}$)"};
  EXPECT_TRUE(valid_pattern(own.pattern));
  EXPECT_EQ(refusal("twelve letters", own), 0);
  EXPECT_EQ(refusal("too short", own), 400);
  EXPECT_EQ(refusal("my secret letters", own), 400);

  EXPECT_FALSE(valid_pattern("(["));
  EXPECT_FALSE(valid_pattern("a(?<=b)"));
}

// row 121
TEST(Passwords, NoPatternMakesAPasswordExpensive) {
  for (const char* pattern : {"(x|x)*y", "^(x+)+$", "^(x|xx)+y$", "(.*)*y", "^(?=.*y)(x*)*$"}) {
    PasswordPolicy policy{.match_pattern = true, .pattern = pattern};
    auto begun = std::chrono::steady_clock::now();
    (void)refusal("xq" + std::string(1000, 'x'), policy);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1)) << pattern;
  }
}

}  // namespace
}  // namespace antiphon::auth
