#include "client/sse.h"

#include <gtest/gtest.h>

#include "base/problem.h"

namespace antiphon::client {
namespace {

std::vector<std::string> events(SseReader& reader, std::string_view bytes) {
  std::vector<std::string> out;
  reader.feed(bytes);
  while (auto e = reader.next()) out.push_back(e->event + "|" + e->data);
  return out;
}

constexpr std::string_view kStream =
    "\xef\xbb\xbf: hello\n"
    "data: one\n\n"
    "event: delta\r\ndata: two\r\ndata:  lines\r\n\r\n"
    "id: 7\rdata:three\r\r"
    "event: nothing\n\n"
    "data\n\n"
    "data: [DONE]\n\n"
    "data: unfinished";

TEST(SseReader, YieldsTheSameEventsHoweverTheStreamIsCut) {
  const std::vector<std::string> expected = {"|one", "delta|two\n lines", "|three", "|", "|[DONE]"};

  for (std::size_t first = 0; first <= kStream.size(); ++first)
    for (std::size_t second = first; second <= kStream.size(); ++second) {
      SseReader reader;
      std::vector<std::string> got;
      for (std::string_view piece :
           {kStream.substr(0, first), kStream.substr(first, second - first), kStream.substr(second)})
        for (std::string& e : events(reader, piece)) got.push_back(std::move(e));
      ASSERT_EQ(got, expected) << first << " " << second;
      ASSERT_EQ(reader.finish()->data, "unfinished");
      ASSERT_FALSE(reader.finish());
    }
}

TEST(SseReader, YieldsAnEventWithTheByteThatCompletesIt) {
  SseReader reader;
  EXPECT_TRUE(events(reader, "data: x\n").empty());
  EXPECT_EQ(events(reader, "\n").size(), 1u);
  EXPECT_EQ(events(reader, "data: y\r\r").size(), 1u) << "must not wait for an LF after the CR";
  EXPECT_EQ(events(reader, "\ndata: z\n\n").size(), 1u);
}

TEST(SseReader, RefusesAnEventThatNeverEnds) {
  SseReader line(1000), fields(1000);
  EXPECT_THROW(events(line, "data: " + std::string(2000, 'x')), Problem);
  auto many = [&] {
    for (int i = 0; i != 1000; ++i) events(fields, "data: 123456789\n");
  };
  EXPECT_THROW(many(), Problem);
}

TEST(SseReader, KeepsNothingOfWhatWasRead) {
  SseReader reader(1000);
  int count = 0;
  for (int i = 0; i != 100'000; ++i)
    count += static_cast<int>(events(reader, "data: 0123456789\n\n").size());
  EXPECT_EQ(count, 100'000);
}

TEST(LineReader, YieldsTheSameLinesHoweverTheStreamIsCut) {
  constexpr std::string_view kText = "{\"a\":1}\n\n  \n{\"b\":2}\r\n{\"c\":3}";

  for (std::size_t at = 0; at <= kText.size(); ++at) {
    LineReader reader;
    std::vector<std::string> got;
    for (std::string_view piece : {kText.substr(0, at), kText.substr(at)}) {
      reader.feed(piece);
      while (auto line = reader.next()) got.push_back(*line);
    }
    if (auto line = reader.finish()) got.push_back(*line);
    ASSERT_EQ(got, (std::vector<std::string>{"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"})) << at;
  }
}

TEST(LineReader, RefusesALineThatNeverEnds) {
  LineReader reader(1000);
  reader.feed(std::string(2000, 'x'));
  EXPECT_THROW(reader.next(), Problem);
}

}  // namespace
}  // namespace antiphon::client
