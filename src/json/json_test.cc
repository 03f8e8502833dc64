#include "json/json.h"

#include <gtest/gtest.h>

#include "base/problem.h"
#include "json/dto.h"
#include "json/text.h"

namespace antiphon::json {
namespace {

enum class Voice { alto, bass, default_ };
BOOST_DESCRIBE_ENUM(Voice, alto, bass, default_)

struct Singer;
struct Note {
  Text<1, 5> name;
  Number<60, 0, 127> pitch;
  Flag<true> loud;
};
ANTIPHON_DTO(Note, name, pitch, loud)
ANTIPHON_DTO_DEFINE(Note)

struct Song {
  std::string title;
  std::vector<Note> notes;
  std::optional<std::string> folder_id;
  std::optional<Value> meta;
  Patch<std::int64_t> tempo;
  Defaulted<Voice> voice{Voice::default_};
  Defaulted<std::vector<std::string>> tags;
  std::map<std::string, double> weights;
  Rest rest;
};
ANTIPHON_DTO(Song, title, notes, folder_id, meta, tempo, voice, tags, weights, rest)
ANTIPHON_DTO_DEFINE(Song)

struct Strict {
  std::int64_t n;
  double d;
  bool b;
  std::string s;
  Value any;
  Voice voice;
  List<std::int64_t, 2> few;
};
ANTIPHON_DTO(Strict, n, d, b, s, any, voice, few)
ANTIPHON_DTO_DEFINE(Strict)

struct Tree {
  std::string name;
  std::vector<Tree> children;
};
ANTIPHON_DTO(Tree, name, children)
ANTIPHON_DTO_DEFINE(Tree)

/// The detail of the 422 that `text` earns as a T.
template <class T>
std::string faults_of(std::string_view text) {
  try {
    parse<T>(text);
    return "none";
  } catch (const Problem& p) {
    EXPECT_EQ(p.status(), 422);
    EXPECT_TRUE(try_parse(p.detail_json())) << p.detail_json();
    return p.detail_json();
  }
}

TEST(Json, AValueGoesThroughItsStructUnchanged) {
  const char* text =
      R"({"title":"T","notes":[{"name":"c","pitch":48,"loud":false}],"folder_id":null,"meta":{"k":[1]},"tempo":90,)"
      R"("voice":"alto","tags":["x"],"weights":{"a\"b":0.5},"extra":{"y":1},"z\n":2})";
  EXPECT_EQ(dump(parse<Song>(text)), text);
}

TEST(Json, AbsentMembersTakeTheirDefaults) {
  Song song = parse<Song>(R"({"title":"T","notes":[{"name":"c"}],"weights":{}})");
  EXPECT_EQ(song.notes[0].pitch, 60);
  EXPECT_TRUE(song.notes[0].loud);
  EXPECT_EQ(song.voice, Voice::default_);
  EXPECT_FALSE(song.meta);
  EXPECT_FALSE(song.tempo.present());
  EXPECT_EQ(
      dump(song),
      R"({"title":"T","notes":[{"name":"c","pitch":60,"loud":true}],"folder_id":null,"meta":null,)"
      R"("voice":"default","tags":[],"weights":{}})");
}

TEST(Json, APatchTellsAbsentFromNull) {
  EXPECT_FALSE(parse<Song>(R"({"title":"","notes":[],"weights":{}})").tempo.present());
  EXPECT_TRUE(parse<Song>(R"({"title":"","notes":[],"weights":{},"tempo":null})").tempo.null());
  EXPECT_EQ(*parse<Song>(R"({"title":"","notes":[],"weights":{},"tempo":7})").tempo, 7);
}

TEST(Json, FaultsAreWordedAndAddressedAsFastApiDoes) {
  EXPECT_EQ(faults_of<Note>(R"({})"),
            R"([{"type":"missing","loc":["body","name"],"msg":"Field required","input":{}}])");
  EXPECT_EQ(
      faults_of<Song>(R"({"title":3,"notes":[{"name":"c","pitch":"x"}],"weights":{"a":"b"}})"),
      R"([{"type":"string_type","loc":["body","title"],"msg":"Input should be a valid string","input":3},)"
      R"({"type":"int_parsing","loc":["body","notes",0,"pitch"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"},)"
      R"({"type":"float_parsing","loc":["body","weights","a"],"msg":"Input should be a valid number, unable to parse string as a number","input":"b"}])");
  EXPECT_EQ(faults_of<Note>("[]"),
            R"([{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid )"
            R"(dictionary or object to extract fields from","input":[]}])");
  EXPECT_EQ(
      faults_of<Note>(R"({"name":""})"),
      R"([{"type":"string_too_short","loc":["body","name"],"msg":"String should have at least 1 character",)"
      R"("input":"","ctx":{"min_length":1}}])");
  EXPECT_EQ(
      faults_of<Note>(R"({"name":"c","pitch":128})"),
      R"([{"type":"less_than_equal","loc":["body","pitch"],"msg":"Input should be less than or equal to 127",)"
      R"("input":128,"ctx":{"le":127}}])");
}

TEST(Json, NoBodyIsAMissingBody) {
  const char* missing = R"([{"type":"missing","loc":["body"],"msg":"Field required","input":null}])";
  EXPECT_EQ(faults_of<Note>(""), missing);
  EXPECT_EQ(faults_of<Note>("null"), missing);
}

TEST(Json, ConvertsWhatPydanticConverts) {
  const char* text = R"({"n":"42","d":3,"b":"on","s":"x","any":null,"voice":"bass","few":[true,2.0]})";
  Strict got = parse<Strict>(text);
  EXPECT_EQ(got.n, 42);
  EXPECT_EQ(got.d, 3.0);
  EXPECT_TRUE(got.b);
  EXPECT_EQ(got.few.value, (std::vector<std::int64_t>{1, 2}));
}

TEST(Json, RefusesWhatPydanticRefuses) {
  auto types = [](std::string_view text) {
    std::string out;
    Value list = parse_value(faults_of<Strict>(text));
    for (const Value& f : list.as_array()) out.append(text_at(f, "type")).append(" ");
    return out;
  };
  EXPECT_EQ(types(R"({"n":1.5,"d":"x","b":2,"s":1,"voice":"tenor","few":[1,2,3]})"),
            "int_from_float float_parsing bool_parsing string_type missing literal_error too_long ");
  EXPECT_EQ(types(R"({"n":null,"d":[],"b":null,"s":null,"any":1,"voice":null,"few":{}})"),
            "int_type float_type bool_type string_type literal_error list_type ");
  EXPECT_EQ(types(R"({"n":18446744073709551615,"d":1,"b":1,"s":"","any":1,"voice":"alto","few":[]})"),
            "int_parsing_size ");
}

TEST(Json, LengthsCountCharacters) {
  EXPECT_EQ(parse<Note>(R"({"name":"😀😀😀😀😀"})").name.value.size(), 20u);
  EXPECT_NE(faults_of<Note>(R"({"name":"😀😀😀😀😀a"})"), "none");
}

TEST(Json, AnswersToHugeFaultyInputStaySmall) {
  std::string list = "{\"title\":\"t\",\"weights\":{},\"notes\":[0";
  for (int i = 0; i != 5'000; ++i) list += ",0";
  EXPECT_LT(faults_of<Song>(list + "]}").size(), 30'000u);
  EXPECT_LT(faults_of<Note>(R"({"name":")" + std::string(1'000'000, 'x') + "\"}").size(), 1'000u);
}

TEST(Json, BoundsTheMembersItKeepsUnread) {
  std::string text = R"({"title":"t","weights":{},"notes":[])";
  for (std::size_t i = 0; i <= kMaxRestMembers; ++i) text += ",\"k" + std::to_string(i) + "\":1";
  EXPECT_NE(faults_of<Song>(text + "}"), "none");
}

TEST(Json, QueriesBecomeListsWhereListsAreAsked) {
  std::multimap<std::string, std::string, std::less<>> query{
      {"n", "1"},   {"n", "2"},        {"d", ".5"},  {"b", "false"}, {"s", "x"},
      {"any", "y"}, {"voice", "alto"}, {"few", "3"}, {"few", "4"},   {"stranger", "!"}};
  Strict got{};
  accept(shape<Strict>(), &got, from_query(shape<Strict>(), query), "query");
  EXPECT_EQ(got.n, 2);
  EXPECT_EQ(got.few.value, (std::vector<std::int64_t>{3, 4}));
}

TEST(Json, SchemasReferToOneAnother) {
  Components components;
  EXPECT_EQ(serialize(schema(shape<std::vector<Song>>(), components)),
            R"({"type":"array","items":{"$ref":"#/components/schemas/Song"}})");
  ASSERT_TRUE(components.schemas.contains("Note"));
  EXPECT_EQ(
      serialize(components.schemas["Note"]),
      R"({"title":"Note","type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":5},)"
      R"("pitch":{"type":"integer","minimum":0,"maximum":127},"loud":{"type":"boolean"}},"required":["name"]})");
  EXPECT_TRUE(bool_at(components.schemas["Song"], "additionalProperties"));
}

TEST(Json, ASchemaMayContainItself) {
  Components components;
  schema(shape<Tree>(), components);
  EXPECT_EQ(serialize(*find(components.schemas["Tree"], {"properties", "children"})),
            R"({"type":"array","items":{"$ref":"#/components/schemas/Tree"}})");
}

}  // namespace
}  // namespace antiphon::json
