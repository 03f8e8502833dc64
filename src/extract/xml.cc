#include "extract/xml.h"

#include "extract/refused.h"

namespace antiphon::extract {
namespace {

struct TooDeep : pugi::xml_tree_walker {
  bool for_each(pugi::xml_node&) override { return depth() <= kMostDepth; }
};

struct Text : pugi::xml_tree_walker {
  std::string all;
  bool for_each(pugi::xml_node& node) override {
    if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) all += node.value();
    return true;
  }
};

}  // namespace

Xml::Xml(std::string text) : text_(std::move(text)) {
  constexpr unsigned kHow = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol |
                            pugi::parse_wconv_attribute | pugi::parse_ws_pcdata;
  auto result = document_.load_buffer_inplace(text_.data(), text_.size(), kHow);
  if (result.status == pugi::status_out_of_memory) throw Refused(Refusal::memory);
  if (!result) throw Refused(Refusal::damaged);
  TooDeep walker;
  if (!document_.traverse(walker)) throw Refused(Refusal::bomb);
}

std::string_view local_name(const char* qualified) {
  std::string_view name = qualified;
  std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child(pugi::xml_node of, std::string_view name) {
  for (pugi::xml_node node : of.children())
    if (is(node, name)) return node;
  return {};
}

std::string_view value(pugi::xml_node of, std::string_view attribute) {
  for (pugi::xml_attribute a : of.attributes())
    if (local_name(a.name()) == attribute) return a.value();
  return "";
}

std::string all_text(pugi::xml_node of) {
  Text walker;
  of.traverse(walker);
  return std::move(walker.all);
}

}  // namespace antiphon::extract
