// Documents as people have them, read by a worker in its walls.
#include "extract/extract.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "base/loops.h"
#include "base/problem.h"
#include "extract/test_documents.h"
#include "extract/tool.h"

namespace antiphon::extract::testing {
namespace {

using ::testing::HasSubstr;

class Extract : public ::testing::Test {
 protected:
  Document read(std::string_view bytes, const std::string& name, const std::string& type = "") {
    return testing::read(extractor, bytes, name, type);
  }
  std::string refusal(std::string_view bytes, const std::string& name) {
    try {
      read(bytes, name);
    } catch (const Problem& p) {
      EXPECT_EQ(p.status(), 422);
      return p.detail();
    }
    return "it was read";
  }

  Settings settings;
  Extractor extractor{settings};
};

TEST_F(Extract, APdfIsReadByPages) {
  Document d = read(pdf({"Gloria in excelsis", "", "Et in terra pax"}), "mass.pdf");
  EXPECT_EQ(d.format, "pdf");
  EXPECT_EQ(d.title, "A title");
  EXPECT_EQ(d.author, "An author");
  EXPECT_EQ(d.pages, 3);
  ASSERT_EQ(d.sections.size(), 2U);
  EXPECT_EQ(d.sections[0].page, 1);
  EXPECT_EQ(d.sections[0].text, "Gloria in excelsis\n");
  EXPECT_EQ(d.sections[1].page, 3);
  EXPECT_EQ(d.sections[1].text, "Et in terra pax\n");
  EXPECT_FALSE(d.cut);
}

TEST_F(Extract, OnlySoManyPagesAreRead) {
  settings.max_pages.set(2);
  Document d = read(pdf({"one", "two", "three"}), "a.pdf");
  EXPECT_EQ(text_of(d), "one\ntwo\n");
  EXPECT_EQ(d.pages, 3);
  EXPECT_TRUE(d.cut);
}

TEST_F(Extract, APdfOfPicturesSaysSo) {
  EXPECT_THAT(refusal(pdf({"", ""}), "scan.pdf"), HasSubstr("OCR"));
}

TEST_F(Extract, APictureIsReadByItsPixels) {
  std::ifstream file(EXTRACT_TESTDATA "/words.png", std::ios::binary);
  std::string png((std::istreambuf_iterator<char>(file)), {});
  Document d = read(png, "words.png", "image/png");
  EXPECT_EQ(d.format, "picture");
  EXPECT_THAT(text_of(d), HasSubstr("First page of Gloria"));
}

TEST_F(Extract, WhatIsMissingIsSaid) {
  for (const Tool& tool : tools()) EXPECT_NE(tool.found, "") << "install " << tool.package;
  EXPECT_EQ(find_tool("no-such-program"), "");
}

TEST_F(Extract, OfANameTheEndingCountsHoweverItIsSpelled) {
  EXPECT_EQ(read("# One", std::string(5000, 'a') + "\xff\xc3.md").format, "markdown");
}

TEST_F(Extract, ATextOfAnyEncodingIsRead) {
  Document d =
      read("na\xefve caf\xe9, d\xe9j\xe0 vu: l'\xe9t\xe9 o\xf9 les \xe9l\xe8ves \xe9taient pr\xeats",
           "a.txt");
  EXPECT_EQ(text_of(d), "naïve café, déjà vu: l'été où les élèves étaient prêts");
  EXPECT_EQ(d.encoding, "ISO-8859-1");
}

TEST_F(Extract, AWorkbookIsReadByTheWorker) {
  Document d = read(
      zip({{"xl/workbook.xml", "<w xmlns:r='r'><sheets><sheet name='Totals' r:id='r1'/></sheets></w>"},
           {"xl/_rels/workbook.xml.rels", "<R><Relationship Id='r1' Target='worksheets/s.xml'/></R>"},
           {"xl/worksheets/s.xml",
            "<w><sheetData><row><c r='A1'><v>42</v></c></row></sheetData></w>"}}),
      "a.xlsx");
  EXPECT_EQ(d.sections.at(0).place, "Totals");
  EXPECT_EQ(text_of(d), "42\n");
}

TEST_F(Extract, ATaskWaitsForIt) {
  std::string text = run([&]() -> Task<std::string> {
    Document d = co_await extractor.extract(source_of("words"), "a.txt", "text/plain");
    co_return text_of(d);
  });
  EXPECT_EQ(text, "words");
}

}  // namespace
}  // namespace antiphon::extract::testing
