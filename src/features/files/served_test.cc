#include "features/files/served.h"

#include <gtest/gtest.h>

#include "http/wire.h"

namespace antiphon::files {
namespace {

File a_file(std::string name, std::string type, std::int64_t size = 100) {
  File out;
  out.id = "f";
  out.filename = std::move(name);
  out.content_type = std::move(type);
  out.blob_id = "b10b";
  out.size = size;
  return out;
}

Asked ask(std::string_view range, std::int64_t size = 100,
          std::initializer_list<std::pair<std::string_view, std::string_view>> more = {}) {
  http::Request request;
  if (!range.empty()) request.headers.add("Range", range);
  for (auto [name, value] : more) request.headers.add(name, value);
  return asked(request, a_file("x", "text/plain", size));
}

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

TEST(Served, PartsAreWhatTheRangeSays) {
  struct Case {
    std::string_view range;
    std::int64_t offset, size;
  };
  for (const Case& c : {Case{"bytes=0-0", 0, 1},
                        {"bytes=10-19", 10, 10},
                        {"bytes=90-", 90, 10},
                        {"bytes=90-500", 90, 10},
                        {"bytes=-1", 99, 1},
                        {"bytes=-500", 0, 100},
                        {"Bytes=99-99", 99, 1},
                        {"bytes=0-99999999999999999", 0, 100}}) {
    Asked what = ask(c.range);
    bool huge = c.range.ends_with("99999999");
    EXPECT_EQ(what.kind, Asked::Kind::part) << c.range;
    EXPECT_EQ(what.range.offset, c.offset) << c.range << huge;
    EXPECT_EQ(what.range.size, c.size) << c.range;
  }
}

TEST(Served, WhatIsNoSingleRangeIsTheWhole) {
  for (std::string_view range :
       {"", "bytes=0-1,5-6", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "lines=0-1", "bytes 0-1",
        "bytes=--5", "bytes=+1-2", "bytes=1-2x", "bytes=99999999999999999999-"})
    EXPECT_EQ(ask(range).kind, Asked::Kind::all) << range;
}

TEST(Served, WhatIsNotThereIsUnsatisfiable) {
  EXPECT_EQ(ask("bytes=100-").kind, Asked::Kind::unsatisfiable);
  EXPECT_EQ(ask("bytes=100-200").kind, Asked::Kind::unsatisfiable);
  EXPECT_EQ(ask("bytes=-0").kind, Asked::Kind::unsatisfiable);
  EXPECT_EQ(ask("bytes=0-", 0).kind, Asked::Kind::unsatisfiable);
  http::Response out = head_of(a_file("x", "text/plain"), ask("bytes=100-"), false);
  EXPECT_EQ(out.status, 416);
  EXPECT_EQ(header(out, "Content-Range"), "bytes */100");
}

TEST(Served, ConditionsAreKept) {
  EXPECT_EQ(ask("", 100, {{"If-None-Match", "\"b10b\""}}).kind, Asked::Kind::unchanged);
  EXPECT_EQ(ask("", 100, {{"If-None-Match", "\"x\", W/\"b10b\""}}).kind, Asked::Kind::unchanged);
  EXPECT_EQ(ask("", 100, {{"If-None-Match", "*"}}).kind, Asked::Kind::unchanged);
  EXPECT_EQ(ask("", 100, {{"If-None-Match", "\"b10\""}}).kind, Asked::Kind::all);
  EXPECT_EQ(ask("bytes=0-1", 100, {{"If-Range", "\"b10b\""}}).kind, Asked::Kind::part);
  EXPECT_EQ(ask("bytes=0-1", 100, {{"If-Range", "\"other\""}}).kind, Asked::Kind::all);
  EXPECT_EQ(ask("bytes=0-1", 100, {{"If-Range", "W/\"b10b\""}}).kind, Asked::Kind::all);
}

// rows 19, 24, U16
TEST(Served, OnlyWhatCannotBeAPageIsShown) {
  for (std::string_view type :
       {"image/png", "image/jpeg", "application/pdf", "text/plain", "audio/mpeg", "video/mp4"}) {
    http::Response out = head_of(a_file("a", std::string(type)), {}, false);
    EXPECT_TRUE(out.type.starts_with(type)) << out.type;
    EXPECT_TRUE(header(out, "Content-Disposition").starts_with("inline;")) << type;
    EXPECT_TRUE(header(head_of(a_file("a", std::string(type)), {}, true), "Content-Disposition")
                    .starts_with("attachment;"))
        << type;
  }
  for (std::string_view type :
       {"text/html", "image/svg+xml", "text/xml", "application/xhtml+xml", "message/rfc822",
        "text/javascript", "application/javascript", "image/png+xml", "", "text/plain; x", "video/x"}) {
    http::Response out = head_of(a_file("a.png", std::string(type)), {}, false);
    EXPECT_EQ(out.type, "application/octet-stream") << type;
    EXPECT_TRUE(header(out, "Content-Disposition").starts_with("attachment;")) << type;
  }
  http::Response out = head_of(a_file("a", "text/html"), {}, false);
  EXPECT_EQ(header(out, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header(out, "Content-Security-Policy"), "default-src 'none'; sandbox");
}

// row 25
TEST(Served, ANameIsOneHeaderWhateverIsInIt) {
  EXPECT_EQ(disposition("a b.txt", false), "attachment; filename*=UTF-8''a%20b.txt");
  EXPECT_EQ(disposition("\"\r\nSet-Cookie: a=b;é😀", true),
            "inline; filename*=UTF-8''%22%0D%0ASet-Cookie%3A%20a%3Db%3B%C3%A9%F0%9F%98%80");
}

}  // namespace
}  // namespace antiphon::files
