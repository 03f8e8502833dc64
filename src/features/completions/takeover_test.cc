#include "features/completions/takeover.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace antiphon::completions {
namespace {

using models::Takeover;

runs::Output output(std::string_view items) {
  runs::Output out;
  out.apply(json::Object{{"type", "chat:completion"},
                         {"data", json::Object{{"output", *json::try_parse(items)}}}});
  return out;
}

constexpr std::string_view kNothing = "[]";
constexpr std::string_view kText =
    R"([{"type":"message","id":"m","content":[{"type":"output_text","text":"Grüße"}]}])";
constexpr std::string_view kThought =
    R"([{"type":"reasoning","id":"r","content":[{"type":"output_text","text":"Hm"}]}])";
constexpr std::string_view kOpenCall =
    R"([{"type":"function_call","id":"f","call_id":"c","name":"x","arguments":"{}"}])";
constexpr std::string_view kRanCall =
    R"([{"type":"function_call","id":"f","call_id":"c","name":"x","arguments":"{}"},
        {"type":"function_call_output","id":"o","call_id":"c","output":[]}])";

TEST(Takeover, DecidesByWhatThereIsAndThePolicy) {
  struct Row {
    std::string_view items;
    Takeup keep, resume, restart;
  };
  const Row table[] = {
      {kNothing, Takeup::ask, Takeup::ask, Takeup::ask},
      {kText, Takeup::keep, Takeup::resume, Takeup::restart},
      {kThought, Takeup::keep, Takeup::resume, Takeup::restart},
      {kOpenCall, Takeup::keep, Takeup::keep, Takeup::keep},
      {kRanCall, Takeup::keep, Takeup::resume, Takeup::keep},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.items);
    runs::Output left = output(row.items);
    Abandoned second{.output = left, .attempts = 2};
    EXPECT_EQ(takeup_of(second, Takeover::keep), row.keep);
    EXPECT_EQ(takeup_of(second, Takeover::resume), row.resume);
    EXPECT_EQ(takeup_of(second, Takeover::restart), row.restart);
    for (Takeover policy : {Takeover::keep, Takeover::resume, Takeover::restart}) {
      EXPECT_EQ(takeup_of({.output = left, .attempts = 2, .attachable = true}, policy), Takeup::attach);
      EXPECT_EQ(takeup_of({.output = left, .attempts = 4, .attachable = true}, policy),
                Takeup::give_up);
      EXPECT_EQ(takeup_of({.output = left, .cancelled = true, .attachable = true}, policy),
                Takeup::stop);
      EXPECT_EQ(takeup_of({.output = left, .user = false, .attachable = true}, policy), Takeup::keep);
      EXPECT_EQ(takeup_of({.output = left, .attempts = 4}, policy), Takeup::give_up);
      EXPECT_EQ(takeup_of({.output = left, .attempts = 2, .user = false}, policy), Takeup::keep);
      EXPECT_EQ(takeup_of({.output = left, .attempts = 4, .cancelled = true}, policy), Takeup::stop);
    }
  }
}

TEST(Takeover, IsToldInTheMessage) {
  json::Value status = takeover_status(Takeup::resume, output(kText), 1'700'000'000);
  EXPECT_EQ(json::text_at(status, "action"), "takeover");
  EXPECT_EQ(json::text_at(status, "policy"), "continue");
  EXPECT_EQ(json::text_at(status, "description"), "The server stopped; continued at 22:13 UTC");
  EXPECT_EQ(json::int_at(status, "offset"), 5);
  EXPECT_EQ(json::int_at(status, "at"), 1'700'000'000);
  EXPECT_EQ(json::text_at(takeover_status(Takeup::restart, output(kText), 0), "policy"), "restart");
}

TEST(Takeover, KnowsThreeWords) {
  EXPECT_EQ(models::takeover_of("keep"), Takeover::keep);
  EXPECT_EQ(models::takeover_of("continue"), Takeover::resume);
  EXPECT_EQ(models::takeover_of("restart"), Takeover::restart);
  EXPECT_FALSE(models::takeover_of("Keep"));
  EXPECT_FALSE(models::takeover_of(""));
}

}  // namespace
}  // namespace antiphon::completions
