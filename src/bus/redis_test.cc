#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>

#include "bus/redis_session.h"
#include "bus/testing.h"

namespace antiphon::bus {
namespace {

using namespace std::chrono_literals;
using store::eventually;

TEST(Resp, CommandsAreLengthsAndBytes) {
  std::string_view words[] = {"PUBLISH", "c", "a\r\nb"};
  EXPECT_EQ(resp_command(words), "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$4\r\na\r\nb\r\n");
}

TEST(Resp, RepliesComeWholeHoweverTheBytesCome) {
  std::string bytes =
      ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\na\r\nbc\r\n:2\r\n-NOPERM no\r\n%1\r\n+k\r\n_\r\n";
  RespReader reader;
  std::vector<Reply> replies;
  for (char byte : bytes) {
    reader.add({&byte, 1});
    while (auto reply = reader.next()) replies.push_back(std::move(*reply));
  }
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_EQ(replies[0].kind, Reply::Kind::push);
  EXPECT_EQ(replies[0].list.at(2).text, "a\r\nbc");
  EXPECT_EQ(replies[1].number, 2);
  EXPECT_TRUE(replies[2].is_error("NOPERM"));
  EXPECT_EQ(replies[3].list.size(), 2U);
}

TEST(Resp, WhatIsNoReplyIsRefusedAndCostsNoMemory) {
  std::string deep;
  for (int i = 0; i != 20; ++i) deep += "*1\r\n";
  for (const std::string& bad :
       {std::string("HTTP/1.1 400\r\n"), std::string("*99999999\r\n"), std::string("$999999999999\r\n"),
        std::string(":x\r\n"), std::string("\r\n"), std::string("$2\r\nabcd\r\n"),
        std::string("%9223372036854775807\r\n"), deep}) {
    RespReader reader;
    reader.add(bad);
    EXPECT_THROW((void)reader.next(), Problem) << bad;
  }
}

TEST(RedisUrl, IsTakenApartAsPythonDoes) {
  RedisAddress a = parse_redis_url("rediss://me:p%40ss@[::1]:6390/3?ssl_cert_reqs=none", "REDIS_URL");
  EXPECT_EQ(a.user, "me");
  EXPECT_EQ(a.password, "p@ss");
  EXPECT_EQ(a.server.host, "::1");
  EXPECT_EQ(a.server.port, "6390");
  EXPECT_TRUE(a.tls);
  EXPECT_FALSE(a.verify);
  EXPECT_EQ(parse_redis_url("redis://host", "REDIS_URL").server.text(), "host:6379");
  EXPECT_EQ(parse_redis_url("redis://:secret@host/0", "REDIS_URL").password, "secret");
  EXPECT_EQ(parse_redis_url("unix:///run/redis.sock?db=1", "REDIS_URL").socket, "/run/redis.sock");
  EXPECT_FALSE(parse_redis_url("", "REDIS_URL").wanted());
}

TEST(RedisUrl, WhatIsNoneSaysTheCureAndNotThePassword) {
  for (std::string_view bad : {"host:6379", "http://host", "redis://", "redis://u:hunter2@:1",
                               "redis://u:hunter2@h:port", "redis://u:hunter2%zz@h", "unix://nowhere"})
    try {
      (void)parse_redis_url(bad, "REDIS_URL");
      ADD_FAILURE() << bad;
    } catch (const Problem& p) {
      EXPECT_NE(p.detail().find("REDIS_URL"), std::string::npos);
      EXPECT_NE(p.detail().find("redis://["), std::string::npos);
      EXPECT_EQ(p.detail().find("hunter2"), std::string::npos);
    }
}

TEST(RedisUrl, SentinelsHaveAPortEachOrTheCommonOne) {
  auto all = parse_sentinels(" a, b:1,,", "26379");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].text(), "a:26379");
  EXPECT_EQ(all[1].text(), "b:1");
}

TEST(NumberedTest, ANumberComesBackAndWhatHasNoneIsWhole) {
  std::string text = with_number("0af3", 17, "word #x y");
  Numbered there = numbered_in(text);
  EXPECT_EQ(there.sender, "0af3");
  EXPECT_EQ(there.number, 17U);
  EXPECT_EQ(there.message, "word #x y");
  for (std::string_view plain : {"word a", "", "#", "#a", "#a b", "#a b c", "# 1 c", "#a 0 c"}) {
    EXPECT_TRUE(numbered_in(plain).sender.empty()) << plain;
    EXPECT_EQ(numbered_in(plain).message, plain);
  }
}

TEST(ArrivalsTest, EachComesOnceInWhateverOrder) {
  Arrivals arrivals;
  Arrivals::Clock::time_point now{};
  std::vector<std::uint64_t> taken;
  for (std::uint64_t n : {5U, 7U, 6U, 7U, 5U, 6U, 8U})
    if (arrivals.take("a", n, now)) taken.push_back(n);
  EXPECT_EQ(taken, (std::vector<std::uint64_t>{5, 7, 6, 8}));
  EXPECT_TRUE(arrivals.take("b", 5, now)) << "of each sender";
  EXPECT_FALSE(arrivals.overdue(now + 1h));
}

TEST(ArrivalsTest, WhatComesByNeitherWayIsNoticedOnce) {
  Arrivals arrivals;
  Arrivals::Clock::time_point now{};
  EXPECT_TRUE(arrivals.take("a", 1, now));
  EXPECT_TRUE(arrivals.take("a", 3, now));
  EXPECT_FALSE(arrivals.overdue(now + Arrivals::kPatience / 2));
  EXPECT_TRUE(arrivals.overdue(now + Arrivals::kPatience));
  EXPECT_FALSE(arrivals.overdue(now + 1h));
  EXPECT_TRUE(arrivals.take("a", 2, now + 1h)) << "late, and still new";
  EXPECT_FALSE(arrivals.take("a", 2, now + 1h));
  EXPECT_TRUE(arrivals.take("a", 4, now + 1h));
  EXPECT_FALSE(arrivals.overdue(now + 2h));
}

TEST(ArrivalsTest, OldDoublesStayDoubles) {
  Arrivals arrivals;
  Arrivals::Clock::time_point now{};
  for (std::uint64_t n = 1; n <= 3 * Arrivals::kWindow; ++n) ASSERT_TRUE(arrivals.take("a", n, now));
  for (std::uint64_t n = 1; n <= 3 * Arrivals::kWindow; ++n) ASSERT_FALSE(arrivals.take("a", n, now));
  EXPECT_TRUE(arrivals.take("a", 9 * Arrivals::kWindow, now)) << "a leap";
  EXPECT_TRUE(arrivals.overdue(now + 1h));
}

/// A server of its own in a folder of its own; on a unix socket only.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> options = {}) : options_(std::move(options)) {
    folder_ = std::filesystem::temp_directory_path() / ("antiphon-redis-" + random_hex(6));
    std::filesystem::create_directory(folder_);
    start();
  }
  ~RedisServer() {
    stop();
    std::filesystem::remove_all(folder_);
  }
  static bool installed() { return std::system("command -v redis-server >/dev/null") == 0; }
  void start() {
    std::vector<std::string> words{"redis-server",   "--port", "0", "--unixsocket", socket(),   "--dir",
                                   folder_.string(), "--save", "",  "--logfile",    "redis.log"};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      ::execvp("redis-server", arguments.data());
      ::_exit(127);
    }
    eventually([&] { return answers(); });
  }
  void stop() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    (void)::waitpid(process_, nullptr, 0);
    process_ = 0;
    std::filesystem::remove(socket());
  }
  void signal(int number) const { ::kill(process_, number); }
  std::string socket() const { return (folder_ / "s").string(); }
  RedisAddress address() const { return {.socket = socket()}; }
  /// One command by somebody else.
  Reply tell(std::vector<std::string_view> words) const {
    RedisLine line(address(), {}, 1s);
    return line.ask(words, 1s);
  }

 private:
  bool answers() const {
    try {
      return std::filesystem::exists(socket()) && tell({"PING"}).kind == Reply::Kind::text;
    } catch (const Problem&) {
      return false;  // Its socket is there before it listens.
    }
  }

  std::vector<std::string> options_;
  std::filesystem::path folder_;
  pid_t process_ = 0;
};

class RedisBus : public ::testing::Test {
 protected:
  void SetUp() override {
    if (store::postgres_url().empty()) GTEST_SKIP() << "needs TEST_DATABASE_URL";
    if (!RedisServer::installed()) GTEST_SKIP() << "needs redis-server";
    server_.emplace();
  }
  /// Both know of each other, and that all who listen are counted.
  static void acquaint(Replica& a, Replica& b) {
    eventually([&] { return a.bus.hears() && b.bus.hears(); });
    // After a newcomer everything goes both ways, for a time that is the promise.
    std::this_thread::sleep_for(10'500ms);
    a.bus.company(1);
    b.bus.company(1);
  }
  static std::vector<std::string> say(Replica& from, int count, const std::string& what) {
    std::vector<std::string> said;
    for (int i = 0; i != count; ++i) {
      said.push_back(what + std::to_string(i));
      from.bus.send("word", said.back());
    }
    return said;
  }
  static std::vector<std::string> sorted(std::vector<std::string> all) {
    std::ranges::sort(all);
    return all;
  }
  std::optional<RedisServer> server_;
  const std::string deployment_ = random_hex(8);
};

TEST_F(RedisBus, WhileAllHearItPostgresIsNotAsked) {
  Replica a(deployment_, server_->address()), b(deployment_, server_->address());
  acquaint(a, b);
  ASSERT_TRUE(a.has_redis() && b.has_redis());
  std::uint64_t before = a.bus.traffic().by_notify;
  auto said = say(a, 500, "w");
  eventually([&] { return b.heard().size() == said.size(); });
  EXPECT_EQ(b.heard(), said);
  EXPECT_TRUE(a.heard().empty());
  EXPECT_EQ(a.bus.traffic().by_notify, before);
  EXPECT_EQ(a.bus.traffic().by_redis, 500U);
}

TEST_F(RedisBus, WhoComesIsHeardOfBothWaysAndOnce) {
  Replica a(deployment_, server_->address());
  eventually([&] { return a.has_redis() && a.bus.hears(); });
  Replica b(deployment_, server_->address());
  eventually([&] { return a.bus.has_company() && b.has_redis(); });
  auto said = say(a, 100, "w");
  eventually([&] { return a.bus.traffic().by_notify >= 100 && b.heard().size() >= 100; });
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(sorted(b.heard()), sorted(said));
}

TEST_F(RedisBus, WhoHearsNoRedisHearsItAllTheSame) {
  Replica a(deployment_, server_->address()), b(deployment_, RedisAddress{.socket = "/nowhere"});
  acquaint(a, b);
  EXPECT_EQ(b.bus.redis()->trouble, RedisState::Trouble::unreachable);
  auto said = say(a, 100, "w");
  auto back = say(b, 100, "v");
  eventually([&] { return b.heard().size() == 100 && a.heard().size() == 100; });
  EXPECT_EQ(b.heard(), said);
  EXPECT_EQ(a.heard(), back);
}

TEST_F(RedisBus, AKilledServerLosesNothing) {
  Replica a(deployment_, server_->address()), b(deployment_, server_->address());
  acquaint(a, b);
  std::vector<std::string> said;
  for (int i = 0; i != 600; ++i) {
    said.push_back(std::to_string(i));
    a.bus.send("word", said.back());
    if (i == 200) server_->stop();
    if (i == 400) server_->start();
    std::this_thread::sleep_for(1ms);
  }
  // What the server had taken and not passed on nobody has; then it is told that the database knows.
  eventually([&] { return b.heard().size() >= said.size() - 1; });
  eventually([&] { return a.has_redis() && b.has_redis(); });
  EXPECT_GE(b.missed, 3);
  auto heard = sorted(b.heard());
  EXPECT_TRUE(std::ranges::adjacent_find(heard) == heard.end()) << "none twice";
  EXPECT_GE(heard.size(), said.size() - 1);
}

TEST_F(RedisBus, AStalledServerCostsAFifthOfASecond) {
  Replica a(deployment_, server_->address()), b(deployment_, server_->address());
  acquaint(a, b);
  server_->signal(SIGSTOP);
  auto at = std::chrono::steady_clock::now();
  auto said = say(a, 50, "w");
  eventually([&] { return b.heard().size() == said.size(); });
  auto took = std::chrono::steady_clock::now() - at;
  server_->signal(SIGCONT);
  EXPECT_LT(took, 1s);
  eventually([&] { return a.has_redis() && b.has_redis(); });
  EXPECT_TRUE(a.has_redis() && b.has_redis()) << a.bus.redis()->text << "; " << b.bus.redis()->text;
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(b.heard(), said) << "not twice, although the server passes them on in the end";
}

TEST_F(RedisBus, OtherDeploymentsAreNotHeardAndAreNamed) {
  Replica a(deployment_, server_->address(), false);
  eventually([&] { return a.has_redis(); });
  Replica stranger(random_hex(8), server_->address(), false);
  eventually([&] { return stranger.has_redis(); });
  EXPECT_EQ(a.bus.redis()->trouble, RedisState::Trouble::none);
  EXPECT_EQ(stranger.bus.redis()->trouble, RedisState::Trouble::shared);
  EXPECT_NE(stranger.bus.redis()->text.find(deployment_), std::string::npos);
  a.bus.company(1);
  a.bus.send("word", "private");
  eventually([&] { return a.bus.traffic().heard_redis == 1; });
  std::this_thread::sleep_for(100ms);
  EXPECT_TRUE(stranger.heard().empty());
}

TEST_F(RedisBus, WithoutNotifyRedisAloneCarriesIt) {
  Replica a(deployment_, server_->address(), false), b(deployment_, server_->address(), false);
  eventually([&] { return a.has_redis() && b.has_redis(); });
  a.bus.company(1);
  a.bus.send("word", "through a pooler");
  eventually([&] { return b.heard().size() == 1; });
  EXPECT_EQ(b.heard(), std::vector<std::string>{"through a pooler"});
  EXPECT_FALSE(b.bus.hears()) << "nothing vouches for it, so the tables are still looked at";
}

TEST_F(RedisBus, AnAclThatForbidsIsNamed) {
  server_->tell({"ACL", "SETUSER", "quiet", "on", ">pw", "+@all", "~*", "resetchannels"});
  server_->tell({"ACL", "SETUSER", "narrow", "on", ">pw", "+@connection", "+@pubsub",
                 "&{open-webui}:antiphon:*", "+get", "+set", "+expire", "~{open-webui}:antiphon:*"});
  RedisAddress address = server_->address();
  address.password = "pw";
  address.user = "quiet";
  RedisState state = look_at_redis(address, deployment_);
  EXPECT_EQ(state.trouble, RedisState::Trouble::forbidden);
  EXPECT_NE(state.text.find("NOPERM"), std::string::npos) << state.text;
  address.password = "wrong";
  EXPECT_EQ(look_at_redis(address, deployment_).trouble, RedisState::Trouble::forbidden);
  address.user = "narrow";
  address.password = "pw";
  state = look_at_redis(address, deployment_);
  EXPECT_EQ(state.trouble, RedisState::Trouble::none) << "what the cure says is enough: " << state.text;
}

TEST_F(RedisBus, AFullServerServesStill) {
  server_->tell({"CONFIG", "SET", "maxmemory", "1"});
  RedisState state = look_at_redis(server_->address(), deployment_);
  EXPECT_EQ(state.trouble, RedisState::Trouble::none) << state.text;
}

}  // namespace
}  // namespace antiphon::bus
