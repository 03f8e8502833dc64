// Documents made to hurt their reader, and readers that were taken over: each ends within its limits,
// says what to do, and the server is as it was (rows 23, 28).
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/async.h"
#include "base/loops.h"
#include "base/problem.h"
#include "base/scope.h"
#include "extract/test_documents.h"
#include "extract/xml.h"

namespace antiphon::extract::testing {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::int64_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::strtoll(line.c_str() + 6, nullptr, 10);
  return 0;
}

/// The detail of the Problem; "read" when there was none.
std::string told(const Extractor& extractor, std::string_view bytes, const std::string& name) {
  try {
    read(extractor, bytes, name);
  } catch (const Problem& p) {
    return p.detail();
  }
  return "read";
}

class Hostile : public ::testing::Test {
 protected:
  /// Refused within 11 seconds and with no more memory of the server's.
  std::string refusal(std::string_view bytes, const std::string& name) {
    auto begun = Clock::now();
    std::int64_t before = resident_kib();
    std::string out = told(extractor, bytes, name);
    EXPECT_LT(Clock::now() - begun, 11s);
    EXPECT_LT(resident_kib() - before, 8 << 10);
    return out;
  }

  Settings settings;
  Extractor extractor{settings};
};

const std::string kMadeAgain = "save it again";

std::string docx_of(const std::string& body) {
  return zip({{"word/document.xml", body}});
}

TEST_F(Hostile, ABombInOnePart) {
  std::string bomb = docx_of("<d><body>" + std::string(63 << 20, ' ') + "</body></d>");
  ASSERT_LT(bomb.size(), 100U << 10);  // A thousand to one.
  EXPECT_THAT(refusal(bomb, "a.docx"), HasSubstr("unpack"));
}

TEST_F(Hostile, ABombThatSaysItIsSmall) {
  std::string bomb =
      zip({{"word/document.xml", "<d><body>" + std::string(63 << 20, ' ') + "</body></d>"}}, 100);
  EXPECT_THAT(refusal(bomb, "a.docx"), HasSubstr("unpack"));
}

TEST_F(Hostile, ABombThatSaysItIsLarge) {
  EXPECT_THAT(refusal(zip({{"word/document.xml", "<d/>"}}, 0xfffffff0), "a.docx"), HasSubstr("unpack"));
}

TEST_F(Hostile, ManyPartsOfModestSize) {
  // 60 sheets of 8 MiB of text that packs 80 to one.
  std::string text;
  for (int i = 0; text.size() < (8U << 20); ++i)
    text += "<c><v>" + std::to_string(i * 7919 % 100'000) + "</v></c>" + std::string(400, ' ');
  Parts parts;
  std::string sheets, relations;
  for (int i = 0; i < 60; ++i) {
    std::string id = std::to_string(i);
    parts.emplace_back("xl/s" + id + ".xml", "<w><sheetData><row>" + text + "</row></sheetData></w>");
    sheets += "<sheet name='s' r:id='r" + id + "'/>";
    relations += "<R Id='r" + id + "' Target='s" + id + ".xml'/>";
  }
  parts.emplace_back("xl/workbook.xml", "<w xmlns:r='r'><sheets>" + sheets + "</sheets></w>");
  parts.emplace_back("xl/_rels/workbook.xml.rels", "<R>" + relations + "</R>");
  EXPECT_THAT(refusal(zip(parts), "a.xlsx"), HasSubstr("unpack"));
}

TEST_F(Hostile, TooManyParts) {
  Parts parts;
  for (int i = 0; i < 10'001; ++i) parts.emplace_back("x" + std::to_string(i), "");
  EXPECT_THAT(refusal(zip(parts), "a.docx"), HasSubstr("unpack"));
}

TEST_F(Hostile, AZipInAZipStaysClosed) {
  std::string inner = zip({{"word/document.xml", "<d><body><p><r><t>inner</t></r></p></body></d>"}});
  EXPECT_THAT(refusal(zip({{"a.docx", inner}}), "a.zip"), HasSubstr("no text in this kind of file"));
  std::string outer = zip({{"word/document.xml", inner}});
  EXPECT_THAT(refusal(outer, "a.docx"), HasSubstr(kMadeAgain));
}

TEST_F(Hostile, ABillionLaughs) {
  std::string xml = "<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'ha'>";
  for (char c = 'b'; c <= 'k'; ++c) {
    std::string before(1, static_cast<char>(c - 1)), ten;
    for (int i = 0; i < 10; ++i) ten += "&" + before + ";";
    xml += "<!ENTITY " + std::string(1, c) + " '" + ten + "'>";
  }
  xml +=
      "<!ENTITY file SYSTEM 'file:///etc/passwd'>]><d><body><p><r><t>&k;&file;</t></r></p></body></d>";
  // What is not expanded is text like any other.
  EXPECT_EQ(text_of(read(extractor, docx_of(xml), "a.docx")), "&k;&file;\n");
}

TEST_F(Hostile, XmlThatNestsDeeply) {
  std::string deep, end;
  for (int i = 0; i < 5'000; ++i) {
    deep += "<p>";
    end += "</p>";
  }
  EXPECT_THAT(refusal(docx_of(deep + end), "a.docx"), HasSubstr("unpack"));
}

TEST_F(Hostile, HtmlThatNestsDeeply) {
  std::string deep, deeper;
  for (int i = 0; i < 10'000; ++i) deep += "<div>";
  for (int i = 0; i < 50; ++i) deeper += deep;
  EXPECT_EQ(text_of(read(extractor, deep + "found", "a.html")), "found\n");
  settings.timeout.set(3);
  EXPECT_THAT(refusal(deeper, "a.html"), HasSubstr("longer than 3 seconds"));
}

TEST_F(Hostile, MailThatNestsDeeply) {
  std::string mail = "From: a\n";
  for (int i = 0; i < 50; ++i) {
    std::string n = std::to_string(i);
    mail += "Content-Type: multipart/mixed; boundary=x" + n + "y\n\n--x" + n + "y\n";
  }
  EXPECT_THAT(refusal(mail, "a.eml"), HasSubstr("unpack"));
}

TEST_F(Hostile, PdfsThatAreBroken) {
  std::string good = pdf({"words"});
  EXPECT_THAT(refusal("%PDF-1.7\n" + std::string(100'000, '\xff'), "a.pdf"), HasSubstr(kMadeAgain));
  EXPECT_THAT(refusal(good.substr(0, 60), "a.pdf"), HasSubstr(kMadeAgain));
  EXPECT_THAT(refusal("%PDF-", "a.pdf"), HasSubstr(kMadeAgain));
  // A page that is its own parent's parent.
  std::string loop =
      "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [2 "
      "0 R] /Count 1000000 "
      ">>\nendobj\ntrailer << /Root 1 0 R /Size 3 >>\n%%EOF\n";
  EXPECT_NE(refusal(loop, "a.pdf"), "read");
}

TEST_F(Hostile, APdfOfAMillionObjects) {
  settings.timeout.set(3);
  std::string objects =
      "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [";
  for (int i = 3; i < 1'000'000; ++i) objects += std::to_string(i) + " 0 R ";
  objects += "] /Count 1000000 >>\nendobj\n";
  for (int i = 3; i < 1'000'000; ++i)
    objects += std::to_string(i) + " 0 obj\n<</Type/Page/Parent 2 0 R>>\nendobj\n";
  EXPECT_NE(refusal(objects + "trailer << /Root 1 0 R /Size 1000001 >>\n%%EOF\n", "a.pdf"), "read");
}

TEST_F(Hostile, APdfWithAPassword) {
  // The password is not empty, and what it opens is not there: it is asked for before anything is read.
  std::string hex;
  for (int i = 0; i < 32; ++i) hex += "41";
  std::string locked =
      pdf({"secret"}, "/ID [<41><41>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + hex +
                          "> /U <" + hex + "> >>");
  EXPECT_THAT(refusal(locked, "a.pdf"), HasSubstr("protected by a password"));
}

TEST_F(Hostile, OfficesThatArePasswordsOrOld) {
  std::string cfb("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
  EXPECT_THAT(refusal(cfb + std::string(1000, '\0'), "a.doc"), HasSubstr(".docx"));
  std::string name;
  for (char c : std::string("EncryptedPackage")) name += std::string{c, '\0'};
  EXPECT_THAT(refusal(cfb + std::string(1000, '\0') + name, "a.docx"), HasSubstr("password"));
}

TEST_F(Hostile, DocumentsCutAnywhere) {
  std::string good = docx_of("<d><body><p><r><t>words words words</t></r></p></body></d>");
  for (std::size_t n = 4; n < good.size(); n += 7)
    EXPECT_THAT(refusal(good.substr(0, n), "a.docx"), HasSubstr(kMadeAgain)) << n;
}

TEST_F(Hostile, BytesChangedAnywhere) {
  std::string good = docx_of("<d><body><p><r><t>words words words</t></r></p></body></d>");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    try {
      read_in_process(bad, "a.docx");
    } catch (const Refused& refused) {
      EXPECT_LE(refused.why(), Refusal::last);
    }
  }
}

TEST_F(Hostile, NamesThatLeadOutOfTheContainer) {
  std::string d = zip(
      {{"../../../../tmp/antiphon-slipped", "x"},
       {"/etc/antiphon-slipped", "x"},
       {"xl/workbook.xml",
        "<w xmlns:r='r'><sheets><sheet name='a' r:id='r1'/><sheet name='b' r:id='r2'/></sheets></w>"},
       {"xl/_rels/workbook.xml.rels",
        "<R><R Id='r1' Target='../../../etc/passwd'/><R Id='r2' Target='file:///etc/passwd'/></R>"}});
  EXPECT_EQ(text_of(read(extractor, d, "../../x.xlsx")), "");
  EXPECT_NE(access("/tmp/antiphon-slipped", F_OK), 0);
  EXPECT_NE(access("/etc/antiphon-slipped", F_OK), 0);
}

TEST_F(Hostile, PicturesOfTooManyPixels) {
  using namespace std::string_literals;
  std::string png =
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\0\0\0\0"s + std::string(100, '\0');
  EXPECT_THAT(refusal(png, "a.png"), HasSubstr("25 million pixels"));
  // It says it is small, and is nothing.
  std::string lies =
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x50\0\0\0\x50\x08\0\0\0\0"s + std::string(100, '\0');
  EXPECT_THAT(refusal(lies, "a.png"), HasSubstr(kMadeAgain));
}

TEST_F(Hostile, TextWithoutEnd) {
  Document d = read(extractor, std::string(40 << 20, 'a'), "a.txt");
  EXPECT_EQ(text_of(d).size(), 16U << 20);
  EXPECT_TRUE(d.cut);
  EXPECT_THAT(refusal(std::string((64 << 20) + 1, 'a'), "a.txt"), HasSubstr("too large"));
}

// --- Workers that were taken over.

struct Misbehaving : public ::testing::Test {
  Settings settings;

  std::string of(const char* how) {
    Extractor extractor(settings, {.arguments = {"misbehave", how}});
    return told(extractor, "x", "a.txt");
  }
  void SetUp() override {
    settings.timeout.set(2);
    settings.max_text.set(1);
  }
};

TEST_F(Misbehaving, WhatIsNoReplyIsRefused) {
  for (const char* how :
       {"garbage", "long-frame", "bad-text", "after-end", "no-end", "crash", "sections"})
    EXPECT_THAT(of(how), HasSubstr("broke down")) << how;
}

TEST_F(Misbehaving, MoreThanTheLimitIsRefusedAtTheLimit) {
  std::int64_t before = resident_kib();
  EXPECT_THAT(of("flood"), HasSubstr("broke down"));
  EXPECT_LT(resident_kib() - before, 8 << 10);
}

TEST_F(Misbehaving, WhoNeverEndsIsEnded) {
  for (const char* how : {"hang", "properties"}) {
    auto begun = Clock::now();
    EXPECT_THAT(of(how), HasSubstr("longer than 2 seconds")) << how;
    EXPECT_LT(Clock::now() - begun, 4s) << how;
  }
  EXPECT_EQ(of("hang-after-end"), "read");
}

/// Children of ours that have ended and were not waited for.
int left_behind() {
  int out = 0;
  while (waitpid(-1, nullptr, WNOHANG) > 0) ++out;
  return out;
}

TEST_F(Misbehaving, WhatItStartedEndsWithIt) {
  // Orphans come to us.
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  EXPECT_THAT(of("children"), HasSubstr("longer than 2 seconds"));
  int ended = 0;
  for (int status = 0; waitpid(-1, &status, 0) > 0; ++ended)
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(ended, 20);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(Misbehaving, ManyInARowLeaveNothing) {
  auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  auto before = descriptors();
  for (int i = 0; i < 50; ++i)
    EXPECT_THAT(of(i % 2 == 0 ? "crash" : "garbage"), HasSubstr("broke down"));
  EXPECT_EQ(descriptors(), before);
  EXPECT_EQ(left_behind(), 0);
}

TEST_F(Misbehaving, TheLineIsBounded) {
  settings.workers.set(1);
  settings.queue.set(2);
  settings.timeout.set(1);
  Extractor extractor(settings, {.arguments = {"misbehave", "hang"}});
  std::atomic<int> busy = 0, slow = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    // The first has begun before the others come.
    if (i == 1) std::this_thread::sleep_for(300ms);
    threads.emplace_back([&] {
      try {
        run([&]() -> Task<int> {
          (void)co_await extractor.extract(source_of("x"), "a.txt", "");
          co_return 0;
        });
      } catch (const Problem& p) {
        ++(p.status() == 503 ? busy : slow);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(slow, 3);
  EXPECT_EQ(busy, 5);
}

TEST_F(Misbehaving, TheServerDoesNotWaitForItToStop) {
  settings.timeout.set(60);
  auto extractor = std::make_unique<Extractor>(settings, Program{.arguments = {"misbehave", "hang"}});
  std::string problem;
  auto begun = Clock::now();
  {
    std::jthread waiter([&] {
      try {
        run([&]() -> Task<int> {
          co_return (co_await extractor->extract(source_of("x"), "a", "")).pages;
        });
      } catch (const Problem& p) {
        problem = p.detail();
      }
    });
    std::this_thread::sleep_for(200ms);
    extractor.reset();
  }
  EXPECT_THAT(problem, HasSubstr("about to stop"));
  EXPECT_LT(Clock::now() - begun, 2s);
}

}  // namespace
}  // namespace antiphon::extract::testing
