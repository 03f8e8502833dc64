#include "http/multipart.h"

#include <gtest/gtest.h>

#include <vector>

namespace antiphon::http {
namespace {

struct Part {
  PartHead head;
  std::string bytes;
};

struct Kept final : Multipart::Sink {
  std::optional<Refusal> begin(PartHead head) override {
    if (head.name == "unwanted") return Refusal{422, "unwanted"};
    parts.push_back({std::move(head), {}});
    return std::nullopt;
  }
  std::optional<Refusal> data(std::string_view bytes) override {
    EXPECT_FALSE(bytes.empty());
    parts.back().bytes += bytes;
    return std::nullopt;
  }
  std::vector<Part> parts;
};

/// The parts when `text` comes in pieces of `size` bytes; the refusal's status instead, 0 when it does
/// not end.
struct Outcome {
  explicit Outcome(std::string_view text, std::size_t size = 1 << 20, std::string_view boundary = "b") {
    Multipart form(boundary, kept);
    for (; !text.empty() && status == 200; text.remove_prefix(std::min(size, text.size())))
      if (auto refusal = form.take(text.substr(0, size))) status = refusal->status;
    if (status == 200 && !form.done()) status = 0;
  }
  Kept kept;
  int status = 200;
  std::vector<Part>& parts = kept.parts;
};

std::string part(std::string head, std::string bytes) {
  return "--b\r\n" + head + "\r\n\r\n" + bytes + "\r\n";
}
std::string field(std::string name, std::string bytes) {
  return part("Content-Disposition: form-data; name=\"" + name + "\"", bytes);
}
int status_of_head(const std::string& head) {
  return Outcome(part(head, "x") + "--b--\r\n").status;
}

TEST(Multipart, TakesAFormApartHoweverItArrives) {
  std::string bytes("one\r\ntwo\r\n--a\r\n-- \0\xff\r\r\n", 22);
  std::string text = field("text", "wörter") +
                     part(
                         "content-disposition:form-data;name=file; filename=\"a \\\"b\\\".gguf\"\r\n"
                         "Content-Type: application/octet-stream\r\nX-Else: what",
                         bytes) +
                     field("empty", "") + "--b--\r\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    Outcome form(text, size);
    ASSERT_EQ(form.status, 200) << size;
    ASSERT_EQ(form.parts.size(), 3u);
    EXPECT_EQ(form.parts[0].head.name, "text");
    EXPECT_EQ(form.parts[0].bytes, "wörter");
    EXPECT_FALSE(form.parts[0].head.filename);
    EXPECT_EQ(form.parts[1].head.name, "file");
    EXPECT_EQ(form.parts[1].head.filename, "a \"b\".gguf");
    EXPECT_EQ(form.parts[1].head.type, "application/octet-stream");
    EXPECT_EQ(form.parts[1].bytes, bytes);
    EXPECT_EQ(form.parts[2].bytes, "");
  }
}

TEST(Multipart, EndsWhereItEnds) {
  EXPECT_EQ(Outcome("--b--").status, 200);
  EXPECT_EQ(Outcome(field("a", "1") + "--b--").status, 200);
  EXPECT_EQ(Outcome(field("a", "1") + "--b--\r\n").status, 200);
  EXPECT_EQ(Outcome(field("a", "1") + "--b--\r\nmore").status, 400);
  EXPECT_EQ(Outcome(field("a", "1")).status, 0);
  EXPECT_EQ(Outcome(field("a", "1") + "--b-").status, 0);
  EXPECT_EQ(Outcome("--b\r\n").status, 0);
}

TEST(Multipart, RefusesWhatTwoReadersCouldReadInTwoWays) {
  EXPECT_EQ(Outcome("preamble\r\n--b--").status, 400);
  EXPECT_EQ(Outcome("--c--").status, 400);
  EXPECT_EQ(Outcome("--b \r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b--").status, 400);
  EXPECT_EQ(Outcome(field("a", "1\r\n--bb")).status, 400);
  EXPECT_EQ(Outcome("--b\nContent-Disposition: form-data; name=a\n\n1\n--b--").status, 400);
  EXPECT_EQ(status_of_head("Content-Disposition: form-data; name=a"), 200);
  for (const char* head :
       {"Content-Type: text/plain", "Content-Disposition: attachment; name=a",
        "Content-Disposition: form-data", "Content-Disposition: form-data; name=\"\"",
        "Content-Disposition: form-data; name=a; name=b", "Content-Disposition: form-data; name=\"a",
        "Content-Disposition: form-data; name=\"a\" b", "Content-Disposition: form-data; name=a b",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
        "Content-Disposition: form-data;\r\n name=\"a\"", "Content-Disposition : form-data; name=a",
        "Content-Disposition: form-data; name=a; filename=\"\x01\"",
        "Content-Disposition: form-data; name=a; filename=\"\xff\"",
        "Content-Disposition: form-data; name=a; filename*=latin1''x",
        "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64",
        "Content-Disposition: form-data; name=a\r\nContent-Type: a\r\nContent-Type: b",
        "Content-Disposition: form-data; name=a\r\nX: \x01",
        "Content-Disposition: form-data; name=\"\xff\""})
    EXPECT_EQ(status_of_head(head), 400) << head;
}

TEST(Multipart, KnowsNamesAsClientsWriteThem) {
  auto name = [](std::string parameter) {
    Outcome form(part("Content-Disposition: form-data; name=a; " + parameter, "") + "--b--");
    return form.status == 200 ? form.parts.front().head.filename.value_or("none") : "refused";
  };
  EXPECT_EQ(name("filename=plain.txt"), "plain.txt");
  EXPECT_EQ(name("filename=\"C:\\fakepath\\x.txt\""), "C:\\fakepath\\x.txt");
  EXPECT_EQ(name("filename*=UTF-8''na%C3%AFve.txt"), "naïve.txt");
  EXPECT_EQ(name("filename=\"naive.txt\"; filename*=UTF-8''na%C3%AFve.txt"), "naive.txt");
  EXPECT_EQ(name("filename=\"\""), "");
}

TEST(Multipart, HasBounds) {
  std::string many;
  for (std::size_t i = 0; i != Multipart::kMostParts; ++i) many += field("a", "1");
  EXPECT_EQ(Outcome(many + "--b--").status, 200);
  EXPECT_EQ(Outcome(many + field("a", "1") + "--b--").status, 400);
  std::string long_head = "Content-Disposition: form-data; name=a\r\nX: ";
  EXPECT_EQ(status_of_head(long_head + std::string(Multipart::kHeadBytes - long_head.size(), 'x')),
            200);
  EXPECT_EQ(status_of_head(long_head + std::string(Multipart::kHeadBytes, 'x')), 431);
  EXPECT_EQ(Outcome("--b\r\n" + std::string(100'000, 'x'), 10).status, 431);
  std::string lines;
  for (int i = 0; i != 20; ++i) lines += "\r\nX: y";
  EXPECT_EQ(status_of_head("Content-Disposition: form-data; name=a" + lines), 400);
}

TEST(Multipart, IsOverOnceItsSinkRefuses) {
  EXPECT_EQ(Outcome(field("unwanted", "x") + "--b--").status, 422);
}

TEST(Multipart, FindsTheBoundary) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=----WebKit7"), "----WebKit7");
  EXPECT_EQ(form_boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a b\""), "a b");
  for (const char* type :
       {"", "application/json", "multipart/mixed; boundary=b", "multipart/form-data",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=\"a\\\"b\""})
    EXPECT_FALSE(form_boundary(type)) << type;
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
}

// row 17
TEST(Multipart, MakesNoPathOfAName) {
  EXPECT_EQ(base_name("model.gguf"), "model.gguf");
  EXPECT_EQ(base_name("../../../etc/cron.d/x"), "x");
  EXPECT_EQ(base_name("..\\..\\x"), "x");
  EXPECT_EQ(base_name("C:\\x"), "x");
  EXPECT_EQ(base_name("/abs"), "abs");
  EXPECT_EQ(base_name("a/../../b"), "b");
  for (const char* name : {"", ".", "..", "a/..", "/", "a\\"}) EXPECT_FALSE(base_name(name)) << name;
  EXPECT_FALSE(base_name(std::string(300, 'x')));
}

}  // namespace
}  // namespace antiphon::http
