#include "http/call.h"

#include <gtest/gtest.h>

#include "http/testing.h"
#include "http/text.h"

namespace antiphon::http {
namespace {

TEST(Headers, AreFoundWhateverTheirCase) {
  Headers headers;
  headers.add("X-One", "1");
  headers.add("x-one", "2");

  EXPECT_EQ(headers.get("X-ONE"), "1");
  EXPECT_EQ(headers.get("x-two"), "");
}

TEST(Request, ReadsCookies) {
  Request request;
  request.headers.add("Cookie", "a=1; token=abc=def;tok=no; quoted=\"q\"; empty=");

  EXPECT_EQ(request.cookie("a"), "1");
  EXPECT_EQ(request.cookie("token"), "abc=def");
  EXPECT_EQ(request.cookie("quoted"), "q");
  EXPECT_EQ(request.cookie("empty"), "");
  EXPECT_EQ(request.cookie("oken"), std::nullopt);
  EXPECT_EQ(request.cookie("Token"), std::nullopt);
}

TEST(Text, FindsATokenInAList) {
  EXPECT_TRUE(lists("keep-alive, Upgrade", "upgrade"));
  EXPECT_TRUE(lists("gzip;q=0.5, br", "gzip"));
  EXPECT_FALSE(lists("gzipped", "gzip"));
  EXPECT_FALSE(lists("", "gzip"));
}

struct From {
  std::string_view origin, site, host;
  Origin is;
};

TEST(Origin, IsOurOwnWhenItNamesTheHostWeWereAskedFor) {  // row 90
  std::vector<std::string> allowed = {"*", "https://other.example"};
  for (const From& from : std::vector<From>{
           {"", "", "chat.example", Origin::none},
           {"https://chat.example", "", "chat.example", Origin::same},
           {"http://CHAT.example", "", "chat.example", Origin::same},
           {"http://chat.example:8080", "", "chat.example:8080", Origin::same},
           {"http://chat.example:8080", "", "chat.example", Origin::foreign},
           {"https://chat.example.evil", "", "chat.example", Origin::foreign},
           {"https://evil", "same-origin", "chat.example", Origin::foreign},
           {"null", "same-origin", "null", Origin::foreign},
           {"https://other.example", "", "chat.example", Origin::allowed},
           {"", "same-origin", "chat.example", Origin::same},
           {"", "none", "chat.example", Origin::same},
           {"", "same-site", "chat.example", Origin::foreign},
           {"", "cross-site", "chat.example", Origin::foreign},
       }) {
    Request request;
    request.headers.add("Host", from.host);
    if (!from.origin.empty()) request.headers.add("Origin", from.origin);
    if (!from.site.empty()) request.headers.add("Sec-Fetch-Site", from.site);
    EXPECT_EQ(classify_origin(request, allowed), from.is) << from.origin << from.site;
  }
}

TEST(Events, FrameWhatTheySend) {
  testing::StringStream stream;
  run_to_end([&]() -> Task<> {
    Events events(stream);
    co_await events.send("{\"a\":1}");
    co_await events.send("two\nlines");
    co_await events.raw(": ping\n\n");
    co_await events.done();
  });

  EXPECT_EQ(stream.head_.type, "text/event-stream; charset=utf-8");
  EXPECT_EQ(stream.text_, "data: {\"a\":1}\n\ndata: two\ndata: lines\n\n: ping\n\ndata: [DONE]\n\n");
}

TEST(Events, EndWithTheError) {  // row 113
  EXPECT_EQ(error_event(detail_response(502, "The \"model\" left")),
            "data: {\"error\":{\"message\":\"The \\\"model\\\" left\",\"detail\":\"The \\\"model\\\" "
            "left\"}}\n\n");
  EXPECT_NE(error_event(Response{.body = "not json"}).find("could not be finished"), std::string::npos);
}

}  // namespace
}  // namespace antiphon::http
