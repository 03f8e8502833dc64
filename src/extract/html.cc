#include "extract/html.h"

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <unordered_set>
#include <utility>
#include <vector>

namespace antiphon::extract {
namespace {

/// A tree of any depth. Gumbo's own way of giving it back calls itself once a level, so it is never
/// asked to: the memory goes with this.
class Tree {
 public:
  explicit Tree(const std::string& html) {
    GumboOptions options = kGumboDefaultOptions;
    options.userdata = this;
    options.allocator = [](void* tree, std::size_t size) {
      return static_cast<Tree*>(tree)->take(size);
    };
    options.deallocator = [](void* tree, void* memory) { static_cast<Tree*>(tree)->give_back(memory); };
    options.max_errors = 0;
    output_ = gumbo_parse_with_options(&options, html.data(), html.size());
    if (output_ == nullptr) throw Refused(Refusal::damaged);
  }
  ~Tree() {
    for (void* memory : taken_) std::free(memory);
  }
  Tree(const Tree&) = delete;

  const GumboNode* root() const { return output_->document; }

 private:
  void* take(std::size_t size) {
    void* memory = std::malloc(std::max<std::size_t>(size, 1));
    // Gumbo does not look; and it is C, so nothing may be thrown through it.
    if (memory == nullptr) std::_Exit(kNoMemory);
    taken_.insert(memory);
    return memory;
  }
  void give_back(void* memory) {
    if (memory == nullptr) return;
    taken_.erase(memory);
    std::free(memory);
  }

  static constexpr int kNoMemory = 3;
  std::unordered_set<void*> taken_;
  GumboOutput* output_ = nullptr;
};

const GumboVector* children_of(const GumboNode* node) {
  if (node->type == GUMBO_NODE_DOCUMENT) return &node->v.document.children;
  if (node->type == GUMBO_NODE_ELEMENT) return &node->v.element.children;
  return nullptr;
}

bool is_any(GumboTag tag, std::initializer_list<GumboTag> of) {
  return std::ranges::find(of, tag) != of.end();
}

bool unseen(GumboTag tag) {
  return is_any(
      tag, {GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_TEMPLATE, GUMBO_TAG_NOSCRIPT, GUMBO_TAG_TITLE,
            GUMBO_TAG_IFRAME, GUMBO_TAG_OBJECT, GUMBO_TAG_SVG, GUMBO_TAG_SELECT, GUMBO_TAG_DATALIST});
}

bool block(GumboTag tag) {
  return is_any(tag, {GUMBO_TAG_P,          GUMBO_TAG_DIV,    GUMBO_TAG_LI,     GUMBO_TAG_UL,
                      GUMBO_TAG_OL,         GUMBO_TAG_TABLE,  GUMBO_TAG_TR,     GUMBO_TAG_SECTION,
                      GUMBO_TAG_ARTICLE,    GUMBO_TAG_HEADER, GUMBO_TAG_FOOTER, GUMBO_TAG_MAIN,
                      GUMBO_TAG_NAV,        GUMBO_TAG_ASIDE,  GUMBO_TAG_PRE,    GUMBO_TAG_BLOCKQUOTE,
                      GUMBO_TAG_DL,         GUMBO_TAG_DT,     GUMBO_TAG_DD,     GUMBO_TAG_FIGURE,
                      GUMBO_TAG_FIGCAPTION, GUMBO_TAG_FORM,   GUMBO_TAG_HR,     GUMBO_TAG_ADDRESS,
                      GUMBO_TAG_CAPTION,    GUMBO_TAG_H1,     GUMBO_TAG_H2,     GUMBO_TAG_H3,
                      GUMBO_TAG_H4,         GUMBO_TAG_H5,     GUMBO_TAG_H6});
}

int heading_level(GumboTag tag) {
  constexpr std::array kHeadings = {GUMBO_TAG_H1, GUMBO_TAG_H2, GUMBO_TAG_H3,
                                    GUMBO_TAG_H4, GUMBO_TAG_H5, GUMBO_TAG_H6};
  auto at = std::ranges::find(kHeadings, tag);
  return at == kHeadings.end() ? 0 : static_cast<int>(at - kHeadings.begin()) + 1;
}

/// Writes as browsers lay out: spaces are one space but in <pre>, blocks stand on lines of their own.
class Layout {
 public:
  void words(std::string_view text) {
    for (char c : text) {
      bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
      if (preformatted == 0 && space)
        gap_ = true;
      else
        put(c);
    }
  }
  void line() {
    gap_ = false;
    while (out_.ends_with(' ')) out_.pop_back();
    if (!out_.empty() && !out_.ends_with('\n')) out_ += '\n';
  }
  void cell() {
    if (!out_.empty() && !out_.ends_with('\n')) out_ += '\t';
    gap_ = false;
  }
  void item() {
    line();
    out_ += "- ";
  }
  std::string take() {
    line();
    return std::exchange(out_, {});
  }
  std::string_view since(std::size_t at) const {
    return std::string_view(out_).substr(std::min(at, out_.size()));
  }
  std::size_t size() const { return out_.size(); }

  int preformatted = 0;  ///< Depth of <pre>.

 private:
  void put(char c) {
    bool begins = out_.empty() || out_.back() == '\n' || out_.back() == '\t' || out_.back() == ' ';
    if (gap_ && !begins) out_ += ' ';
    gap_ = false;
    out_ += c;
  }
  bool gap_ = false;
  std::string out_;
};

struct Handlers {
  std::function<void(std::string_view)> title;
  std::function<void(std::string text)> text;  ///< Between headings.
  std::function<void(int level, std::string_view)> heading;
};

class Walk {
 public:
  explicit Walk(const Handlers& to) : to_(to) {}

  void all(const GumboNode* root) {
    steps_.push_back({root});
    while (!steps_.empty()) {
      Step& step = steps_.back();
      const GumboVector* children = children_of(step.node);
      if (step.next == 0) enter(step.node, children);
      if (children == nullptr || step.next >= children->length || skips(step.node)) {
        leave(step.node);
        steps_.pop_back();
      } else {
        steps_.push_back({static_cast<const GumboNode*>(children->data[step.next++])});
      }
    }
    to_.text(layout_.take());
  }

 private:
  struct Step {
    const GumboNode* node;
    unsigned next = 0;
  };

  static bool skips(const GumboNode* node) {
    return node->type == GUMBO_NODE_ELEMENT && unseen(node->v.element.tag);
  }

  void enter(const GumboNode* node, const GumboVector* children) {
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
        node->type == GUMBO_NODE_CDATA)
      return layout_.words(node->v.text.text);
    if (node->type != GUMBO_NODE_ELEMENT) return;
    GumboTag tag = node->v.element.tag;
    if (tag == GUMBO_TAG_TITLE && children->length > 0) {
      const auto* text = static_cast<const GumboNode*>(children->data[0]);
      if (text->type == GUMBO_NODE_TEXT && to_.title) to_.title(text->v.text.text);
    }
    if (tag == GUMBO_TAG_BR) layout_.line();
    if (block(tag)) layout_.line();
    if (tag == GUMBO_TAG_LI) layout_.item();
    if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) layout_.cell();
    if (tag == GUMBO_TAG_PRE) ++layout_.preformatted;
    if (heading_level(tag) > 0) {
      to_.text(layout_.take());
      heading_from_ = layout_.size();
    }
  }

  void leave(const GumboNode* node) {
    if (node->type != GUMBO_NODE_ELEMENT) return;
    GumboTag tag = node->v.element.tag;
    if (tag == GUMBO_TAG_PRE) --layout_.preformatted;
    if (int level = heading_level(tag)) to_.heading(level, layout_.since(heading_from_));
    if (block(tag)) layout_.line();
  }

  const Handlers& to_;
  Layout layout_;
  std::size_t heading_from_ = 0;
  std::vector<Step> steps_;
};

/// The encoding a page says it has, where it says so: in its first bytes.
std::string_view declared_encoding(std::string_view html) {
  std::string_view start = html.substr(0, 1024);
  std::size_t at = start.find("charset=");
  if (at == std::string_view::npos) return "";
  start.remove_prefix(at + 8);
  start.remove_prefix(std::min(start.find_first_not_of("\"' "), start.size()));
  return start.substr(0, start.find_first_of("\"' />;\r\n"));
}

}  // namespace

void read_html_text(const std::string& html, Headings& headings, bool titled, Sink& out) {
  Tree tree(html);
  Handlers to;
  if (titled) to.title = [&](std::string_view text) { out.title(squeezed(text)); };
  to.text = [&](std::string text) { out.text(text); };
  to.heading = [&](int level, std::string_view text) {
    headings.enter(level, text);
    out.section(0, headings.path());
  };
  Walk(to).all(tree.root());
}

void read_html(std::string_view bytes, Sink& out) {
  std::string encoding, text = decoded(bytes, declared_encoding(bytes), encoding);
  out.format("html");
  out.encoding(encoding);
  Headings headings;
  read_html_text(text, headings, true, out);
}

std::string text_of_html(const std::string& html) {
  Tree tree(html);
  std::string out;
  Handlers to;
  to.text = [&](std::string text) { out += text; };
  to.heading = [](int, std::string_view) {};
  Walk(to).all(tree.root());
  return out;
}

}  // namespace antiphon::extract
