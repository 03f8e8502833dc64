#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

/// XML as documents have it. pugixml knows no entity but the five of XML itself and reads no DTD, so
/// there is nothing that could expand or be fetched.
namespace antiphon::extract {

/// How deep an element may lie. Documents need twenty; whoever goes deeper calls us too often.
inline constexpr int kMostDepth = 256;

/// A parsed part. Not movable: the tree points into the text.
class Xml {
 public:
  /// Throws Refused: damaged for what is no XML, bomb for what nests deeper than kMostDepth.
  explicit Xml(std::string text);
  Xml(const Xml&) = delete;
  /// The first element.
  pugi::xml_node root() const { return document_.document_element(); }

 private:
  std::string text_;
  pugi::xml_document document_;
};

/// The name without the prefix of its namespace, which every writer chooses for himself.
std::string_view local_name(const char* qualified);
inline bool is(pugi::xml_node node, std::string_view name) {
  return local_name(node.name()) == name;
}
/// The first child of that name; none when there is none.
pugi::xml_node child(pugi::xml_node of, std::string_view name);
/// The value of an attribute; "" when there is none.
std::string_view value(pugi::xml_node of, std::string_view attribute);
/// All text in it, however deep.
std::string all_text(pugi::xml_node of);

}  // namespace antiphon::extract
