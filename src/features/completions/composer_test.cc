#include "features/completions/composer.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

namespace antiphon::completions {
namespace {

struct Recorded {
  std::vector<json::Value> events;
  Composer composer{[this](json::Value e) { events.push_back(std::move(e)); }, TagScanner()};

  void content(std::string_view text) { chunk({{"content", text}}); }
  void chunk(json::Object delta, json::Value finish = nullptr) {
    composer.take(
        json::Object{{"choices", json::Array{json::Object{{"delta", std::move(delta)},
                                                          {"finish_reason", std::move(finish)}}}}});
  }
  /// What a client that applied every event holds.
  runs::Output replayed() const {
    runs::Output out;
    for (const json::Value& e : events) out.apply(e);
    return out;
  }
};

TEST(Composer, AClientThatAppliesTheEventsHoldsWhatTheServerHolds) {
  Recorded r;
  r.chunk({{"role", "assistant"}});
  r.chunk({{"reasoning_content", "let me "}});
  r.chunk({{"reasoning_content", "think"}});
  r.content("Hello ");
  r.content("world");
  r.chunk({}, "stop");
  r.composer.end_round();

  EXPECT_EQ(r.composer.output().text(), "Hello world");
  EXPECT_EQ(r.replayed().text(), "Hello world");
  ASSERT_EQ(r.replayed().items().size(), 2u);
  EXPECT_EQ(json::text_at(r.replayed().items()[0], "type"), "reasoning");
  EXPECT_EQ(runs::item_text(r.replayed().items()[0]), "let me think");
  EXPECT_EQ(json::text_at(r.replayed().items()[0], "status"), "completed");
  EXPECT_EQ(r.composer.finish_reason(), "stop");
}

json::Array interrupted() {
  return {json::Object{{"type", "reasoning"}, {"id", "r"}, {"status", "completed"}},
          json::Object{
              {"type", "message"},
              {"id", "m"},
              {"status", "incomplete"},
              {"content", json::Array{json::Object{{"type", "output_text"}, {"text", "one two"}}}}}};
}

TEST(Composer, WhatContinuesHasNoSeamThoughTheModelThinksAgain) {
  for (bool by_tag : {false, true}) {
    std::vector<json::Value> events;
    Composer composer([&](json::Value e) { events.push_back(std::move(e)); }, TagScanner(),
                      interrupted());
    composer.continue_text();
    auto chunk = [&](std::string_view key, std::string_view text) {
      composer.take(
          json::Object{{"choices", json::Array{json::Object{{"delta", json::Object{{key, text}}}}}}});
    };
    if (by_tag)
      chunk("content", "<think>again</think>\n\n three");
    else
      chunk("reasoning_content", "again");
    if (!by_tag) chunk("content", " three");
    composer.end_round();

    runs::Output client;
    client.apply(
        json::Object{{"type", "chat:completion"}, {"data", json::Object{{"output", interrupted()}}}});
    for (const json::Value& e : events) client.apply(e);
    EXPECT_EQ(client.text(), "one two three");
    EXPECT_EQ(composer.output().text(), "one two three");
    ASSERT_EQ(client.items().size(), 3u);
    EXPECT_EQ(runs::item_text(client.items()[2]), "again");
    EXPECT_EQ(json::text_at(composer.output().items()[1], "status"), "completed");
  }
}

TEST(Composer, TagsInTheTextBecomeAReasoningItem) {
  Recorded r;
  for (std::string_view piece : {"<th", "ink>deep", " thought</thi", "nk>\n\nAnswer"}) r.content(piece);
  r.composer.end_round();

  ASSERT_EQ(r.replayed().items().size(), 2u);
  EXPECT_EQ(runs::item_text(r.replayed().items()[0]), "deep thought");
  EXPECT_EQ(r.replayed().text(), "Answer");
}

TEST(Composer, TheSameTextIsTheSameAnswerHoweverItIsCut) {
  for (std::string_view whole :
       {"  indented", "\n\n  indented\n", "<think>x</think>\n \n  y", " \n<think>x"}) {
    Recorded at_once;
    at_once.content(whole);
    at_once.composer.end_round();
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
      Recorded r;
      r.content(whole.substr(0, cut));
      r.content(whole.substr(cut));
      r.composer.end_round();
      EXPECT_EQ(r.composer.output().text(), at_once.composer.output().text()) << cut;
      EXPECT_EQ(r.composer.output().items().size(), at_once.composer.output().items().size()) << cut;
    }
  }
  Recorded r;
  r.content("\n\n  indented");
  EXPECT_EQ(r.composer.output().text(), "  indented");
}

TEST(Composer, AThoughtBeforeATagIsClosed) {
  Recorded r;
  r.chunk({{"reasoning_content", "one"}});
  r.content("<think>two</think>three");
  r.composer.end_round();
  ASSERT_EQ(r.replayed().items().size(), 3u);
  for (const json::Value& item : r.composer.output().items())
    EXPECT_EQ(json::text_at(item, "status"), "completed");
}

TEST(Composer, TakesUpWhatAnotherProcessLeft) {
  Recorded r;
  r.composer =
      Composer([&](json::Value e) { r.events.push_back(std::move(e)); }, TagScanner(), interrupted());
  r.composer.take_up(json::Object{{"prompt_tokens", 5}});
  EXPECT_TRUE(r.composer.resumes());
  EXPECT_FALSE(r.composer.begun());
  r.content(" three");
  EXPECT_TRUE(r.composer.begun());
  r.composer.end_round();
  EXPECT_EQ(r.composer.output().text(), "one two three");
  EXPECT_EQ(json::int_at(r.composer.usage(), "prompt_tokens"), 5);
}

// Wherever it was cut, what is read on makes the same answer as if nobody had died.
TEST(Composer, ReadsOnInTheMiddleOfWhateverItWas) {
  auto whole = [](std::size_t cut) {
    std::vector<json::Object> pieces{{{"reasoning_content", "so "}},
                                     {{"reasoning_content", "so"}},
                                     {{"content", "one"}},
                                     {{"content", " <think>two"}}};
    for (const char* id : {"c1", "c2"})
      pieces.push_back(
          {{"tool_calls", json::Array{json::Object{
                              {"id", id},
                              {"index", 3},
                              {"function", json::Object{{"name", "f"}, {"arguments", "{}"}}}}}}});
    auto r = std::make_unique<Recorded>();
    r->composer.leave_tags();
    for (std::size_t i = 0; i != pieces.size(); ++i) {
      if (i == cut) {
        json::Array left = r->replayed().items();
        Recorded* p = r.get();
        r->composer = Composer([p](json::Value e) { p->events.push_back(std::move(e)); }, TagScanner(),
                               std::move(left));
        r->composer.read_on(nullptr);
        r->composer.leave_tags();
      }
      r->chunk(pieces[i]);
    }
    r->composer.end_round();
    EXPECT_EQ(r->composer.calls().size(), 2u) << cut;
    std::string out;
    for (const json::Value& item : r->replayed().items())
      out += std::string(json::text_at(item, "type")) + ":" + runs::item_text(item) + "|";
    return out;
  };
  std::string expected = "reasoning:so so|message:one <think>two|function_call:|function_call:|";
  for (std::size_t cut = 0; cut != 7; ++cut) EXPECT_EQ(whole(cut), expected) << cut;
}

TEST(Composer, ClosesTheThoughtsThatAnotherProcessLeft) {
  Recorded r;
  r.chunk({{"reasoning_content", "hm"}});
  json::Array left = r.composer.output().items();
  r.composer = Composer([&](json::Value e) { r.events.push_back(std::move(e)); }, TagScanner(), left);
  r.composer.take_up(nullptr);
  EXPECT_EQ(json::text_at(r.composer.output().items()[0], "status"), "incomplete");
  EXPECT_EQ(json::text_at(r.replayed().items()[0], "status"), "incomplete");
  EXPECT_FALSE(r.composer.begun());
  EXPECT_FALSE(r.composer.resumes());
}

// What a message holds may have been written by a client.
TEST(Composer, GoesOnFromWhateverThereWas) {
  for (std::string_view text : {R"(["x", 1, null])", R"([{"type":"message"}])", R"([{}, {"id":""}])"}) {
    Recorded r;
    r.composer = Composer([&](json::Value e) { r.events.push_back(std::move(e)); }, TagScanner(),
                          json::parse_value(text).as_array());
    r.composer.continue_text();
    r.content("<think>a</think>b");
    r.composer.end_round();
    EXPECT_EQ(r.composer.output().text(), "b") << text;
  }
}

TEST(Composer, ToolCallsArriveInPiecesAndAreAnsweredInOrder) {
  Recorded r;
  auto call = [](int index, json::Object function, json::Value id = nullptr) {
    return json::Object{
        {"tool_calls",
         json::Array{json::Object{{"index", index}, {"id", id}, {"function", std::move(function)}}}}};
  };
  r.chunk(call(0, {{"name", "get_time"}, {"arguments", ""}}, "call_1"));
  r.chunk(call(0, {{"arguments", "{\"zone\":"}}));
  r.chunk(call(1, {{"name", "other"}, {"arguments", "{}"}}, "call_2"));
  r.chunk(call(0, {{"arguments", "\"UTC\"}"}}));
  r.chunk({}, "tool_calls");
  r.composer.end_round();

  auto calls = r.composer.calls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, R"({"zone":"UTC"})");
  EXPECT_EQ(calls[1].name, "other");
  for (const ToolCall& c : calls) r.composer.tool_result(c, "done");
  EXPECT_TRUE(r.composer.calls().empty());
  EXPECT_EQ(r.replayed().items().size(), 4u);
  EXPECT_EQ(json::text_at(r.replayed().items()[3], "call_id"), "call_2");
}

/// Arguments and name of each call, told apart as the pieces of `chunks` allow.
std::vector<std::pair<std::string, std::string>> calls_of(std::string_view chunks) {
  Recorded r;
  for (const json::Value& piece : json::parse_value(chunks).as_array())
    r.chunk({{"tool_calls", json::Array{piece}}});
  r.composer.end_round();
  std::vector<std::pair<std::string, std::string>> out, told;
  for (const ToolCall& c : r.composer.calls()) {
    EXPECT_FALSE(c.call_id.empty());
    out.emplace_back(c.name, c.arguments);
  }
  for (const json::Value& item : r.replayed().items())
    told.emplace_back(json::text_at(item, "name"), json::text_at(item, "arguments"));
  EXPECT_EQ(told, out) << "what clients hold";
  return out;
}

TEST(Composer, CallsAreToldApartHoweverTheProviderNumbersThem) {
  const std::vector<std::pair<std::string, std::string>> kTwo{{"a", R"({"x":1})"}, {"b", R"({"y":2})"}};
  for (std::string_view chunks :
       {// No numbers: by id.
        R"([{"id":"1","function":{"name":"a","arguments":"{\"x\""}},
               {"id":"1","function":{"arguments":":1}"}},
               {"id":"2","function":{"name":"b","arguments":"{\"y\":2}"}}])",
        // Neither numbers nor ids: whoever brings a name is the next.
        R"([{"function":{"name":"a","arguments":"{\"x\""}},{"function":{"arguments":":1}"}},
               {"function":{"name":"b","arguments":"{\"y\":2}"}}])",
        // The same number for all, and ids.
        R"([{"index":0,"id":"1","function":{"name":"a","arguments":"{\"x\":1}"}},
               {"index":0,"id":"2","function":{"name":"b","arguments":"{\"y\""}},
               {"index":0,"function":{"arguments":":2}"}}])",
        // The id in every piece; name and id late; arguments that are an object.
        R"([{"index":0,"id":"1","function":{"name":"a"}},
               {"index":0,"id":"1","function":{"name":"a","arguments":{"x":1}}},
               {"index":7,"function":{"arguments":"{\"y\":2}"}},
               {"index":7,"id":"2","function":{"name":"b","arguments":null}}])"})
    EXPECT_EQ(calls_of(chunks), kTwo) << chunks;
}

TEST(Composer, MoreCallsThanAnyoneNeedsAreLeftOut) {
  Recorded r;
  for (int i = 0; i != 1000; ++i)
    r.chunk({{"tool_calls",
              json::Array{json::Object{
                  {"index", i}, {"function", json::Object{{"name", "f"}, {"arguments", "{}"}}}}}}});
  r.composer.end_round();
  ASSERT_EQ(r.composer.calls().size(), 128u);
  EXPECT_EQ(r.composer.calls().back().arguments, "{}");
}

TEST(Composer, IsFullBeforeItFillsTheMemory) {
  Recorded long_one;
  std::string mebibyte(1 << 20, 'x');
  for (int i = 0; i != 8; ++i) long_one.content(mebibyte);
  EXPECT_FALSE(long_one.composer.full());
  long_one.content("x");
  EXPECT_TRUE(long_one.composer.full());
  Recorded restless;
  for (int i = 0; i != 600; ++i) {
    EXPECT_EQ(restless.composer.full(), i > 512);
    restless.chunk({{"reasoning", "r"}});
    restless.content("x");
  }
  Recorded counting;
  for (int i = 0; i != 1000; ++i)
    counting.composer.take(
        json::Object{{"usage", json::Object{{"k" + std::to_string(i), 1}, {"prompt_tokens", i}}}});
  counting.composer.end_round();
  EXPECT_LT(counting.composer.usage().as_object().size(), 80u);
  EXPECT_EQ(json::int_at(counting.composer.usage(), "prompt_tokens"), 999);
}

TEST(Composer, OfSeveralChoicesOneIsTheAnswer) {
  Recorded r;
  for (std::string_view text : {"one ", "two"})
    for (int index : {0, 1, 2}) {
      json::Object choice{{"index", index}, {"delta", json::Object{{"content", text}}}};
      r.composer.take(json::Object{{"choices", json::Array{std::move(choice)}}});
    }
  EXPECT_EQ(r.composer.output().text(), "one two");
  Recorded whole;
  whole.composer.take_whole(json::parse_value(
      R"({"choices":[{"index":1,"message":{"content":"first"}},{"index":0,"message":{"content":"x"}}]})"));
  EXPECT_EQ(whole.composer.output().text(), "first");
}

TEST(Composer, ContentInPartsIsTextAndThoughts) {  // Mistral.
  Recorded r;
  r.chunk({{"content",
            json::parse_value(R"([{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}])")}});
  r.chunk({{"content", json::parse_value(R"([{"type":"text","text":"Yes"},7,{"type":"image_url"}])")}});
  r.content(".");
  r.composer.end_round();
  EXPECT_EQ(r.composer.output().text(), "Yes.");
  ASSERT_EQ(r.replayed().items().size(), 2u);
  EXPECT_EQ(runs::item_text(r.replayed().items()[0]), "hm");
}

TEST(Composer, AThoughtThatWasNotClosedEndsWithItsRound) {
  Recorded r;
  r.content("<think>I need the time");
  r.chunk(
      {{"tool_calls", json::Array{json::parse_value(
                          R"({"index":0,"id":"1","function":{"name":"time","arguments":"{}"}})")}}});
  r.composer.end_round();
  r.composer.tool_result(r.composer.calls().front(), "noon");
  r.content("It is noon.");
  r.composer.end_round();
  EXPECT_EQ(r.composer.output().text(), "It is noon.");
}

TEST(Composer, UsageIsNormalisedAndSummedOverRounds) {
  Recorded r;
  for (int round : {1, 2}) {
    for (int so_far : {1, 2, 4})  // Some count on in every chunk.
      r.composer.take(json::Object{
          {"usage", json::Object{{"prompt_tokens", 3},
                                 {"completion_tokens", so_far},
                                 {"prompt_tokens_details", json::Object{{"cached_tokens", 2}}}}}});
    r.composer.end_round();
    EXPECT_EQ(json::int_at(r.composer.usage(), "prompt_tokens"), 3 * round);
    EXPECT_EQ(json::int_at(r.composer.usage(), "input_tokens"), 3 * round);
    EXPECT_EQ(json::int_at(r.composer.usage(), "total_tokens"), 7 * round);
    EXPECT_EQ(json::int_at(*json::find(r.composer.usage(), "prompt_tokens_details"), "cached_tokens"),
              2 * round);
  }
  EXPECT_EQ(r.events.size(), 2u) << "told once a round";
}

TEST(Composer, UsageIsFoundWhereProvidersPutIt) {
  for (std::string_view text :
       {R"({"choices":[{"delta":{},"usage":{"prompt_tokens":3,"completion_tokens":4}}]})",
        R"({"choices":[],"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":4}}})",
        R"({"choices":[{"delta":{}}],"timings":{"prompt_n":3,"predicted_n":4,"predicted_ms":1.5}})",
        R"({"choices":null,"usage":{"input_tokens":3,"output_tokens":4}})"}) {
    Recorded r;
    r.composer.take(json::parse_value(text));
    r.composer.end_round();
    EXPECT_EQ(json::int_at(r.composer.usage(), "total_tokens"), 7) << text;
  }
}

TEST(Composer, UsageBeyondAllNumbersStopsAtTheLargest) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  Recorded r;
  json::Value usage =
      json::Object{{"usage", json::Object{{"prompt_tokens", kMost}, {"completion_tokens", kMost}}}};
  for (int round = 0; round != 2; ++round) {
    r.composer.take(usage);
    r.composer.end_round();
  }
  EXPECT_EQ(json::int_at(r.composer.usage(), "total_tokens"), kMost);
}

TEST(Composer, OddChunksChangeNothing) {  // A hostile model server.
  Recorded r;
  for (std::string_view text :
       {"null", "[]", "{}", R"({"choices":{}})", R"({"choices":[7]})", R"({"choices":[{"delta":[]}]})",
        R"({"choices":[{"delta":{"content":5,"tool_calls":{"a":1}}}],"usage":7})",
        R"({"event":{"type":"execute","data":{"code":"x"}}})"})  // row 31
    r.composer.take(json::parse_value(text));
  r.composer.end_round();
  EXPECT_TRUE(r.events.empty());
}

}  // namespace
}  // namespace antiphon::completions
