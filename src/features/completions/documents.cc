#include "features/completions/documents.h"

#include <boost/json.hpp>

#include "base/encode.h"
#include "json/text.h"

namespace antiphon::completions {
namespace {

/// A name cannot end the line it stands on.
std::string on_one_line(std::string_view name) {
  std::string out;
  for (char c : name.empty() ? std::string_view("without a name") : name)
    out += c == '\n' || c == '\r' ? ' ' : c;
  return out;
}

std::string block_of(std::string_view name, std::string_view text, std::size_t& room) {
  std::string_view part = utf8_prefix(text, room);
  room -= part.size();
  std::string out = "[Attached file: " + on_one_line(name) + "]\n" + std::string(part);
  if (!out.ends_with('\n')) out += '\n';
  if (part.size() < text.size())
    out += "[The rest of this file is not shown to you: it is too long.]\n";
  return out + "[End of the attached file]";
}

}  // namespace

Task<> put_documents(const Documents& documents, const User& me, std::vector<chats::Message>& branch) {
  if (!documents.read) co_return;
  std::size_t room = kMostDocuments;
  for (std::size_t i = branch.size(); i-- != 0;) {
    chats::Message& m = branch[i];
    if (m.role != "user" || !m.files || !m.files->is_array()) continue;
    std::string text = chats::plain_text(m.content);
    json::Array others;
    for (const json::Value& file : m.files->as_array()) {
      std::optional<std::string> read;
      std::string id(json::text_at(file, "id"));
      if (json::text_at(file, "type") == "file" && !id.empty() && room > 0)
        read = co_await documents.read(me, id);
      if (!read) {
        others.push_back(file);
        continue;
      }
      if (!text.empty()) text += "\n\n";
      text += block_of(json::text_at(file, "name"), *read, room);
    }
    if (others.size() == m.files->as_array().size()) continue;
    m.content = text;
    m.files = std::move(others);
  }
}

}  // namespace antiphon::completions
