// What people type into the search box: it always becomes an expression the index takes, and never an
// operator of the index's own. Folding and cutting keep text what it was.
#include "base/encode.h"
#include "base/fuzzing.h"
#include "base/loops.h"
#include "features/chats/sidebar.h"
#include "features/chats/text.h"
#include "store/db.h"

namespace {

using namespace antiphon;
using namespace antiphon::chats;
using fuzzing::must;

/// The index as the migration makes it.
class Index {
 public:
  Index() : loops_(1) {
    loops_.start();
    db_ = store::open({.url = "sqlite://:memory:"}, loops_);
    run([&]() -> Task<> {
      co_await db_->script("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61')");
    });
  }
  void ask(const std::string& expression) {
    static constexpr store::Sql kAsk{"fuzz.ask", "SELECT text FROM words WHERE words MATCH $1"};
    run_to_end([&]() -> Task<> { (void)co_await db_->run(kAsk, expression); });
  }

 private:
  Loops loops_;
  std::unique_ptr<store::Db> db_;
};

/// Words in quotation marks, with `between` between and `end` at the end; nothing else.
void must_be_phrases(std::string_view text, char mark, std::string_view between, std::string_view end) {
  if (text.empty()) return;
  must(text.ends_with(end), "an expression without its end");
  text.remove_suffix(end.size());
  while (!text.empty()) {
    must(text.front() == mark, "a word without quotation marks");
    std::size_t close = text.find(mark, 1);
    must(close != text.npos && close > 1, "a phrase that does not end, or holds nothing");
    for (unsigned char c : text.substr(1, close - 1))
      must(c == ' ' || c >= 0x80 || std::isalnum(c), "a sign inside a phrase");
    text.remove_prefix(close + 1);
    if (text.empty()) break;
    must(text.starts_with(between), "phrases that are not parted");
    text.remove_prefix(between.size());
  }
}

void text_functions(std::string_view text) {
  std::string words = words_of(text, 100);
  must(words.size() <= 100 && valid_utf8(words), "words that are too long or no UTF-8");
  must(words_of(words, 100) == words, "words that are not words");
  must(valid_utf8(fold(text)), "folded text that is no UTF-8");
  std::string_view short_text = utf8_prefix(text, 10);
  must(text.starts_with(short_text) && short_text.size() <= 10, "a cut that does not cut");
  must(snippet(text, words).size() <= 160, "a long snippet");
  must(tag_id(text).size() == text.size(), "a tag of another length");
}

/// What is left for the index names no operator; a parser that took one too late would find it now.
void operators(const SearchQuery& query) {
  for (const auto* names : {&query.tags, &query.folders})
    for (const std::string& name : *names)
      must(!name.empty() && valid_utf8(name) && name.find(' ') == name.npos, "an operator of words");
  if (query.tags.size() == 16 || query.folders.size() == 16) return;  // The rest are words.
  SearchQuery again = SearchQuery::parse(query.words);
  must(again.words == query.words, "words that are no words");
  must(again.tags.empty() && again.folders.empty() && !again.untagged && !again.pinned &&
           !again.archived && !again.shared,
       "an operator among the words");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto* index = new Index();
  std::string_view text = fuzzing::text_of(data, size);
  text_functions(text);
  SearchQuery query = SearchQuery::parse(text);
  must(valid_utf8(query.words), "words that are no UTF-8");
  must(query.tags.size() <= 16 && query.folders.size() <= 16, "too many operators");
  operators(query);
  must_be_phrases(query.fts5(), '"', " ", "*");
  must_be_phrases(query.tsquery(), '\'', " & ", ":*");
  must(query.fts5().empty() == query.tsquery().empty(), "one index would find what the other does not");
  if (std::string expression = query.fts5(); !expression.empty()) index->ask(expression);
  return 0;
}
