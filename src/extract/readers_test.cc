// What the readers make of well-formed documents.
#include <gmock/gmock.h>

#include "extract/container.h"
#include "extract/format.h"
#include "extract/mail.h"
#include "extract/test_documents.h"
#include "extract/text.h"
#include "extract/tool.h"

namespace antiphon::extract::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> places(const Document& d) {
  std::vector<std::string> out;
  out.reserve(d.sections.size());
  for (const Section& s : d.sections) out.push_back(s.place);
  return out;
}

TEST(Text, ByteOrderMarksSayWhatItIs) {
  using namespace std::string_literals;
  std::string utf16 = "\xff\xfe"s + "h\0i\0 \0\xac\x20"s;
  Document d = read_in_process(utf16, "a.txt");
  EXPECT_EQ(text_of(d), "hi €");
  EXPECT_EQ(d.encoding, "UTF-16LE");
  EXPECT_EQ(text_of(read_in_process("\xfe\xff\0h\0i"s, "a.txt")), "hi");
  EXPECT_EQ(text_of(read_in_process("\xef\xbb\xbfhi", "a.txt")), "hi");
  EXPECT_EQ(text_of(read_in_process("\xff\xfe\0\0h\0\0\0"s, "a.txt")), "h");
}

TEST(Text, JapaneseWithoutAMarkIsRecognised) {
  std::string shift_jis =
      "\x93\xfa\x96\x7b\x8c\xea\x82\xcc\x95\xb6\x8f\x91\x82\xf0\x93\xc7\x82\xdd\x8e\xe6\x82\xe9\x8e\x8e"
      "\x8c\xb1\x82\xc5\x82\xb7\x81\x42";
  Document d = read_in_process(shift_jis, "a.txt");
  EXPECT_EQ(d.encoding, "Shift_JIS");
  EXPECT_EQ(text_of(d), "日本語の文書を読み取る試験です。");
}

TEST(Text, LinesEndAlikeAndControlsGo) {
  EXPECT_EQ(text_of(read_in_process("a\r\nb\rc\x07"
                                    "d" +
                                        std::string(100, 'x'),
                                    "a.c")),
            "a\nb\ncd" + std::string(100, 'x'));
}

TEST(Text, AProgramIsNoText) {
  std::string program(
      "\x7f"
      "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3e\0\1\0\0\0",
      24);
  EXPECT_THROW(read_in_process(program, "a.txt"), Refused);
}

TEST(Text, FormulasInCsvStayText) {
  std::string csv = "name,sum\n=1+1,\"=HYPERLINK(\"\"http://x\"\")\"\n+cmd|' /C calc'!A0,@x\n";
  Document d = read_in_process(csv, "a.csv");
  EXPECT_EQ(d.format, "csv");
  EXPECT_EQ(text_of(d), csv);
}

TEST(Text, MoreThanTheLimitIsLeftOut) {
  Document d = read_in_process(std::string(1000, 'a') + "é", "a.txt", 1001);
  EXPECT_EQ(text_of(d), std::string(1000, 'a'));
  EXPECT_TRUE(d.cut);
}

TEST(Markdown, HeadingsAreSections) {
  Document d =
      read_in_process("before\n# One\na\n```\n# no heading\n```\n## Two\nb\n# Three\nc\n", "a.md");
  EXPECT_THAT(places(d), ElementsAre("", "One", "One > Two", "Three"));
  EXPECT_EQ(d.sections[1].text, "# One\na\n```\n# no heading\n```\n");
}

TEST(Html, TheTextPeopleSee) {
  Document d = read_in_process(
      "<!doctype html><title>A  page</title><style>p{}</style><script>alert(1)</script>"
      "<p>Before <b>all</b><h1>One</h1><p>a<br>b</p><ul><li>x<li>y</ul><pre>  k\n  l</pre>"
      "<h2>Two</h2><table><tr><td>1<td>2</tr></table>&lt;i&gt;",
      "a.html");
  EXPECT_EQ(d.title, "A page");
  EXPECT_THAT(places(d), ElementsAre("", "One", "One > Two"));
  EXPECT_EQ(d.sections[0].text, "Before all\n");
  EXPECT_EQ(d.sections[1].text, "One\na\nb\n- x\n- y\n  k\n  l\n");
  EXPECT_EQ(d.sections[2].text, "Two\n1\t2\n<i>\n");
}

TEST(Html, ItSaysItsEncoding) {
  Document d = read_in_process("<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2", "a.html");
  EXPECT_EQ(text_of(d), "Привет\n");
  EXPECT_EQ(d.encoding, "windows-1251");
}

TEST(Docx, HeadingsTablesAndNotes) {
  std::string body =
      "<w:document xmlns:w='w'><w:body>"
      "<w:p><w:pPr><w:pStyle w:val='H1'/></w:pPr><w:r><w:t>One</w:t></w:r></w:p>"
      "<w:p><w:r><w:t xml:space='preserve'>a "
      "</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
      "<w:ins><w:r><w:t>b</w:t><w:tab/><w:t>c</w:t></w:r></w:ins></w:p>"
      "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>item</w:t></w:r></w:p>"
      "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>2</w:t></w:r></"
      "w:p></w:tc></w:tr></w:tbl>"
      "<w:p><w:pPr><w:pStyle w:val='H2'/></w:pPr><w:r><w:t>Two</w:t></w:r></w:p>"
      "</w:body></w:document>";
  Document d = read_in_process(
      zip({{"word/document.xml", body},
           {"word/styles.xml",
            "<w:styles><w:style w:styleId='H1'><w:name w:val='heading 1'/></w:style>"
            "<w:style w:styleId='H2'><w:name w:val='Own'/><w:pPr><w:outlineLvl "
            "w:val='1'/></w:pPr></w:style></w:styles>"},
           {"word/footnotes.xml",
            "<w:footnotes><w:footnote><w:p><w:r><w:t>a "
            "note</w:t></w:r></w:p></w:footnote></w:footnotes>"},
           {"docProps/core.xml", "<c><dc:title>T</dc:title><dc:creator>A</dc:creator></c>"}}),
      "a.docx");
  EXPECT_EQ(d.format, "docx");
  EXPECT_EQ(d.title, "T");
  EXPECT_EQ(d.author, "A");
  EXPECT_THAT(places(d), ElementsAre("One", "One > Two"));
  EXPECT_EQ(d.sections[0].text, "One\na b\tc\n- item\n1\t2\n");
  EXPECT_EQ(d.sections[1].text, "Two\na note\n");
}

TEST(Xlsx, RowsOfEachSheet) {
  Document d = read_in_process(
      zip({{"xl/workbook.xml",
            "<w xmlns:r='r'><sheets><sheet name='B' r:id='r2'/><sheet name='A &amp; C' "
            "r:id='r1'/></sheets></w>"},
           {"xl/_rels/workbook.xml.rels",
            "<R><Relationship Id='r1' Target='worksheets/s1.xml'/>"
            "<Relationship Id='r2' Target='/xl/worksheets/s2.xml'/></R>"},
           {"xl/sharedStrings.xml",
            "<sst><si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r><rPh><t>!</t></rPh></si></"
            "sst>"},
           {"xl/styles.xml",
            "<s><numFmts><numFmt numFmtId='164' formatCode='yyyy\\-mm'/></numFmts>"
            "<cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/></cellXfs></s>"},
           {"xl/worksheets/s1.xml",
            "<w><sheetData><row><c r='A1' t='s'><v>1</v></c><c r='C1' "
            "t='b'><v>1</v></c></row></sheetData></w>"},
           {"xl/worksheets/s2.xml",
            "<w><sheetData><row><c r='A1' t='inlineStr'><is><t>in</t></is></c><c r='B1' "
            "s='1'><v>45292</v></c>"
            "<c r='C1' s='2'><v>45292.5</v></c><c "
            "r='D1'><f>SUM(1)</f><v>3.5</v></c></row></sheetData></w>"}}),
      "a.xlsx");
  EXPECT_THAT(places(d), ElementsAre("B", "A & C"));
  EXPECT_EQ(d.sections[0].text, "in\t2024-01-01\t2024-01-01 12:00\t3.5\n");
  EXPECT_EQ(d.sections[1].text, "two\t\tTRUE\n");
}

TEST(Pptx, SlidesInOrderWithTheirNotes) {
  auto slide = [](const std::string& title, const std::string& text) {
    return "<p:sld><p:cSld><p:spTree><p:sp><p:nvSpPr><p:nvPr><p:ph "
           "type='title'/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>" +
           title + "</a:t></a:r></a:p></p:txBody></p:sp><p:sp><p:txBody><a:p><a:r><a:t>" + text +
           "</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>";
  };
  Document d =
      read_in_process(zip({{"ppt/presentation.xml",
                            "<p xmlns:r='r'><p:sldIdLst><p:sldId id='1' r:id='b'/><p:sldId id='2' "
                            "r:id='a'/></p:sldIdLst></p>"},
                           {"ppt/_rels/presentation.xml.rels",
                            "<R><Relationship Id='a' Target='slides/slide1.xml'/><Relationship Id='b' "
                            "Target='slides/slide2.xml'/></R>"},
                           {"ppt/slides/slide1.xml", slide("First made", "x")},
                           {"ppt/slides/slide2.xml", slide("Shown first", "y")},
                           {"ppt/slides/_rels/slide1.xml.rels",
                            "<R><Relationship Id='n' Target='../notesSlides/notesSlide1.xml'/></R>"},
                           {"ppt/notesSlides/notesSlide1.xml", slide("said", "beside")}}),
                      "a.pptx");
  EXPECT_EQ(d.pages, 2);
  EXPECT_THAT(places(d), ElementsAre("Shown first", "First made"));
  EXPECT_EQ(d.sections[0].text, "Shown first\ny\n");
  EXPECT_EQ(d.sections[1].page, 2);
  EXPECT_EQ(d.sections[1].text, "First made\nx\nsaid\nbeside\n");
}

TEST(OpenDocument, TextSheetsAndSlides) {
  auto document = [](const std::string& kind, const std::string& body) {
    return zip({{"mimetype", "application/vnd.oasis.opendocument." + kind},
                {"content.xml", "<o:c xmlns:o='o'><o:body>" + body + "</o:body></o:c>"},
                {"meta.xml",
                 "<o:m><o:meta><dc:title>T</dc:title><m:initial-creator>A</m:initial-creator></"
                 "o:meta></o:m>"}});
  };
  Document text = read_in_process(document("text",
                                           "<o:text><t:h t:outline-level='1'>One</t:h><t:p>a<t:s "
                                           "t:c='2'/><t:span>b</t:span> c</t:p></o:text>"),
                                  "a.odt");
  EXPECT_EQ(text.title + text.author, "TA");
  EXPECT_EQ(text.sections.at(0).place, "One");
  EXPECT_EQ(text.sections[0].text, "One\na  b c\n");
  Document sheets = read_in_process(
      document("spreadsheet",
               "<o:spreadsheet><table:table "
               "table:name='S'><table:table-row><table:table-cell><t:p>1</t:p></table:table-cell>"
               "<table:table-cell "
               "table:number-columns-repeated='2'/><table:table-cell><t:p>2</t:p></table:table-cell></"
               "table:table-row>"
               "<table:table-row table:number-rows-repeated='1048576'><table:table-cell "
               "table:number-columns-repeated='16384'/>"
               "</table:table-row></table:table></o:spreadsheet>"),
      "a.ods");
  EXPECT_EQ(sheets.sections.at(0).place, "S");
  EXPECT_EQ(text_of(sheets), "1\t\t\t2\n");
  Document slides =
      read_in_process(document("presentation",
                               "<o:presentation><d:page "
                               "d:name='p1'><d:frame><t:p>x</t:p></d:frame></d:page></o:presentation>"),
                      "a.odp");
  EXPECT_EQ(slides.sections.at(0).page, 1);
  EXPECT_EQ(slides.sections[0].place, "p1");
}

TEST(Epub, ChaptersInTheOrderTheyAreRead) {
  Document d = read_in_process(
      zip({{"META-INF/container.xml",
            "<c><rootfiles><rootfile full-path='OEBPS/book.opf'/></rootfiles></c>"},
           {"OEBPS/book.opf",
            "<p><metadata><dc:title>T</dc:title><dc:creator>A</dc:creator></metadata><manifest>"
            "<item id='a' href='one%20a.xhtml'/><item id='b' href='two.xhtml'/></manifest>"
            "<spine><itemref idref='b'/><itemref idref='a'/></spine></p>"},
           {"OEBPS/one a.xhtml", "<html><body><h1>One</h1><p>x</p></body></html>"},
           {"OEBPS/two.xhtml", "<html><body><p>first</p></body></html>"}}),
      "a.epub");
  EXPECT_EQ(d.title + d.author, "TA");
  EXPECT_EQ(text_of(d), "first\nOne\nx\n");
  EXPECT_THAT(places(d), ElementsAre("", "One"));
}

TEST(Mail, HeadersTextAndNamesOfAttachments) {
  std::string mail =
      "From: =?UTF-8?B?R8O8bnRlcg==?= <g@x.io>\r\nTo: b@x.io\r\nSubject: =?ISO-8859-1?Q?Caf=E9?=\r\n "
      "=?UTF-8?Q?_au_lait?=\r\n"
      "Content-Type: multipart/mixed; boundary=\"m\"\r\n\r\npreamble\r\n--m\r\n"
      "Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; "
      "charset=ISO-8859-1\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\nH=E9llo =\r\nworld\r\n--a\r\nContent-Type: "
      "text/html\r\n\r\n<p>html</p>\r\n--a--\r\n"
      "--m\r\nContent-Type: application/pdf; name=\"../../etc/x.pdf\"\r\nContent-Disposition: "
      "attachment\r\n\r\nJVBERi0=\r\n--m--\r\n";
  Document d = read_in_process(mail, "a.eml");
  EXPECT_EQ(d.format, "mail");
  EXPECT_EQ(d.title, "Café au lait");
  EXPECT_THAT(text_of(d),
              HasSubstr("From: Günter <g@x.io>\nTo: b@x.io\nSubject: Café au lait\n\nHéllo world"));
  EXPECT_THAT(text_of(d), HasSubstr("Attachment: ../../etc/x.pdf"));
  EXPECT_THAT(text_of(d), Not(HasSubstr("html")));
}

TEST(Mail, HtmlWhereThereIsNothingElse) {
  Document d = read_in_process(
      "From: a\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: "
      "base64\n\nPHA+SGk8c2NyaXB0PmE8L3NjcmlwdD48L3A+\n",
      "a.eml");
  EXPECT_THAT(text_of(d), HasSubstr("\nHi\n"));
}

TEST(Names, StayInTheContainer) {
  EXPECT_EQ(part_name("ppt/slides", "../media/x"), "ppt/media/x");
  EXPECT_EQ(part_name("a", "../../../etc/passwd"), "");
  EXPECT_EQ(part_name("a", "/etc/passwd"), "etc/passwd");
}

TEST(Format, OfTheShortestDocuments) {
  for (std::string_view begin : {"", "R", "RIFF", "RIFF1234", "RIFF1234WEB", "BM", "II*", "%PDF", "PK"})
    EXPECT_EQ(format_of(begin, "", ""), Format::text) << begin;
}

TEST(Pixels, OfEachKindOfPicture) {
  using namespace std::string_literals;
  EXPECT_EQ(pixels_of("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\2"s), 512U);
  EXPECT_EQ(pixels_of("\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x11\x08\0\3\0\5\3\0\0\0"s), 15U);
  EXPECT_EQ(pixels_of("GIF89a\3\0\4\0\0\0\0"s), 12U);
  EXPECT_EQ(pixels_of("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\3\0\0\0\xfe\xff\xff\xff\1\0\x18\0"s), 6U);
  EXPECT_EQ(pixels_of("II*\0\x08\0\0\0\2\0\0\1\3\0\1\0\0\0\7\0\0\0\1\1\3\0\1\0\0\0\3\0\0\0"s), 21U);
  EXPECT_EQ(pixels_of("RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\4\0\0\1\0\0"s), 10U);
}

TEST(Pdf, WhatPdfinfoPrints) {
  PdfInfo info = pdf_info("Title:          A: b\nAuthor:  x\nPages:          12\nEncrypted: no\n");
  EXPECT_EQ(info.title, "A: b");
  EXPECT_EQ(info.pages, 12);
  EXPECT_TRUE(pdf_info("Command Line Error: Incorrect password\n").password);
  EXPECT_EQ(pdf_info("Pages: 99999999999999999999\n").pages, 0);
}

}  // namespace
}  // namespace antiphon::extract::testing
