#include "features/configs/documents.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "json/text.h"

namespace antiphon::configs {
namespace {

using json::Object;

/// For text and attributes; what XML has no way to say is left out (row 43).
std::string xml(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n') out += c;
    }
  }
  return out;
}

constexpr std::string_view kChangelog =
    R"({"0.1.0":{"date":"2026-11-24","added":[{"title":"The first version",)"
    R"("content":"Chats, models, accounts and administration.",)"
    R"("raw":"<li>Chats, models, accounts and administration.</li>"}]}})";

}  // namespace

std::string manifest(std::string_view name) {
  Object icon{{"src", "/favicon.svg"}, {"type", "image/svg+xml"}, {"sizes", "any"}, {"purpose", "any"}};
  Object share{{"action", "/"}, {"method", "GET"}, {"params", Object{{"text", "shared"}}}};
  return json::serialize(Object{{"name", name},
                                {"short_name", name},
                                {"description", "Chat with language models."},
                                {"start_url", "/"},
                                {"display", "standalone"},
                                {"background_color", "#16181d"},
                                {"icons", json::Array{std::move(icon)}},
                                {"share_target", std::move(share)}});
}

std::string opensearch(std::string_view name, std::string_view url) {
  if (url.ends_with('/')) url.remove_suffix(1);
  std::string escaped = xml(name), base = xml(url);
  return R"(<?xml version="1.0" encoding="UTF-8"?>)"
         "\n"
         R"(<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">)"
         "\n  <ShortName>" +
         escaped + "</ShortName>\n  <Description>Ask " + escaped +
         "</Description>\n  <InputEncoding>UTF-8</InputEncoding>\n"
         R"(  <Image width="16" height="16" type="image/svg+xml">)" +
         base +
         "/favicon.svg</Image>\n"
         R"(  <Url type="text/html" method="get" template=")" +
         base + "/?q={searchTerms}\"/>\n</OpenSearchDescription>\n";
}

std::string_view changelog() {
  return kChangelog;
}

}  // namespace antiphon::configs
