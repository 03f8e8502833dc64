#include "store/url.h"

#include <gtest/gtest.h>

#include "base/problem.h"
#include "store/work.h"

namespace antiphon::store {
namespace {

TEST(Url, TakesOpenWebUisSpellingsOfSqlite) {
  EXPECT_EQ(parse_url("sqlite:///data/webui.db").path, "data/webui.db");
  EXPECT_EQ(parse_url("sqlite:////app/backend/data/webui.db").path, "/app/backend/data/webui.db");
  EXPECT_EQ(parse_url("sqlite+aiosqlite:////a.db?timeout=3").path, "/a.db");
  for (const char* memory : {"sqlite://:memory:", "sqlite:///:memory:", "sqlite://", "sqlite:///"})
    EXPECT_EQ(parse_url(memory).path, ":memory:") << memory;
}

TEST(Url, TakesOpenWebUisSpellingsOfPostgres) {
  for (const char* scheme : {"postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg",
                             "postgresql+psycopg", "postgres+pg8000"}) {
    Url url = parse_url(std::string(scheme) + "://me:p%40ss@db.example:5433/chat?sslmode=require");
    EXPECT_EQ(url.dialect, Dialect::postgres);
    EXPECT_EQ(url.keyword("user"), "me");
    EXPECT_EQ(url.keyword("password"), "p@ss");
    EXPECT_EQ(url.keyword("host"), "db.example");
    EXPECT_EQ(url.keyword("port"), "5433");
    EXPECT_EQ(url.keyword("dbname"), "chat");
    EXPECT_EQ(url.keyword("sslmode"), "require");
    EXPECT_TRUE(url.prepared_statements);
  }
}

TEST(Url, TakesPasswordsThatNobodyEncoded) {
  Url url = parse_url("postgresql://me:a@b/c:d#e@host/db");

  EXPECT_EQ(url.keyword("password"), "a@b/c:d#e");
  EXPECT_EQ(url.keyword("host"), "host");
}

TEST(Url, TakesSeveralHostsAddressesAndSockets) {
  Url many = parse_url("postgresql://u@one:1,two,[::1]:3/db");
  EXPECT_EQ(many.keyword("host"), "one,two,::1");
  EXPECT_EQ(many.keyword("port"), "1,,3");

  EXPECT_EQ(parse_url("postgresql://u@%2Fvar%2Frun/db").keyword("host"), "/var/run");
  EXPECT_EQ(parse_url("postgresql:///db?host=/var/run").keyword("host"), "/var/run");
}

TEST(Url, UnderstandsWhatPythonsDriversCallThings) {
  Url url =
      parse_url("postgresql+asyncpg://h/d?ssl=require&prepared_statement_cache_size=0&pool_size=5");

  EXPECT_EQ(url.keyword("sslmode"), "require");
  EXPECT_FALSE(url.prepared_statements);
  EXPECT_EQ(url.keyword("pool_size"), "");
}

TEST(Url, RefusesOthersWithoutRepeatingThePassword) {
  for (const char* bad : {"", "webui.db", "mysql://me:secret@h/d",
                          "sqlite+sqlcipher:///a.db?key=secret", "sqlite://host/secret"}) {
    try {
      parse_url(bad);
      ADD_FAILURE() << bad;
    } catch (const Problem& p) {
      EXPECT_EQ((p.detail() + p.cause()).find("secret"), std::string::npos) << p.detail();
      EXPECT_NE(p.detail().find("DATABASE_URL"), std::string::npos);
    }
  }
}

TEST(OnlyReads, TellsReadsFromWrites) {
  for (const char* read : {"SELECT 1", "\n   SELECT updated_at, deleted FROM chat",
                           "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1)", "select 1"})
    EXPECT_TRUE(only_reads(read)) << read;
  for (const char* write :
       {"", "INSERT INTO a VALUES (1)", "WITH a AS (DELETE FROM b RETURNING *) SELECT * FROM a",
        "SELECT * FROM a FOR UPDATE", "SELECT * FROM a FOR NO KEY UPDATE",
        "SELECT * FROM a FOR KEY SHARE", "SELECT nextval('a')", "SELECT pg_notify('a', 'b')",
        "SELECT set_config('a', 'b', true)", "SELECT pg_advisory_xact_lock(1)",
        "-- SELECT\nDELETE FROM a", "SELECT 1 INTO a", "BEGIN", "PRAGMA x",
        "EXPLAIN ANALYZE DELETE FROM a"})
    EXPECT_FALSE(only_reads(write)) << write;
}

}  // namespace
}  // namespace antiphon::store
