#include "extract/mail.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <vector>

#include "extract/html.h"
#include "extract/text.h"

namespace antiphon::extract {
namespace {

constexpr int kMostNesting = 8;
constexpr std::size_t kMostParts = 1000;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string from_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                : c >= 'a' && c <= 'z' ? c - 'a' + 26
                : c >= '0' && c <= '9' ? c - '0' + 52
                : c == '+'             ? 62
                : c == '/'             ? 63
                                       : -1;
    if (c == '=') break;
    if (digit < 0) continue;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xff);
  }
  return out;
}

/// `word`: in a header, where _ is a space.
std::string from_quoted_printable(std::string_view text, bool word) {
  auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (word && text[i] == '_') {
      out += ' ';
    } else if (text[i] != '=') {
      out += text[i];
    } else if (i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      // A line that goes on.
      while (i + 1 < text.size() && text[i + 1] != '\n' &&
             std::isspace(static_cast<unsigned char>(text[i + 1])))
        ++i;
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    }
  }
  return out;
}

std::string in_utf8(std::string_view bytes, std::string_view charset) {
  std::string encoding;
  try {
    return decoded(bytes, charset, encoding);
  } catch (const Refused&) {
    return "";
  }
}

/// Headers by their names in small letters; of equal ones the first counts.
using Headers = std::map<std::string, std::string>;

/// What is before the first empty line, and what comes after it.
std::pair<Headers, std::string_view> split(std::string_view message) {
  constexpr std::size_t kMostHeaders = 1000;
  Headers out;
  std::string name, text;
  auto keep = [&] {
    if (!name.empty() && out.size() < kMostHeaders) out.emplace(lower(name), squeezed(text));
    name.clear();
    text.clear();
  };
  while (!message.empty()) {
    std::size_t end = std::min(message.find('\n'), message.size() - 1) + 1;
    std::string_view line = message.substr(0, end);
    message.remove_prefix(end);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      text += line;
      continue;
    }
    keep();
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    name = line.substr(0, colon);
    text = line.substr(colon + 1);
  }
  keep();
  return {std::move(out), message};
}

std::string header(const Headers& headers, const std::string& name) {
  auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

/// `name="x"` of a header such as Content-Type; "" when there is none.
std::string parameter(std::string_view header, std::string_view name) {
  std::string small = lower(header), wanted = std::string(name) + "=";
  for (std::size_t at = small.find(wanted); at != std::string::npos; at = small.find(wanted, at + 1)) {
    if (at > 0 && small[at - 1] != ' ' && small[at - 1] != ';') continue;
    std::string_view rest = header.substr(at + wanted.size());
    if (rest.starts_with('"')) return std::string(rest.substr(1, rest.find('"', 1) - 1));
    return std::string(rest.substr(0, rest.find_first_of("; ")));
  }
  return "";
}

class Reader {
 public:
  void part(std::string_view message, int depth) {
    if (++parts_ > kMostParts || depth > kMostNesting) throw Refused(Refusal::bomb);
    auto [headers, body] = split(message);
    if (depth == 0) top = headers;
    std::string declared = header(headers, "content-type"),
                type = lower(declared.substr(0, declared.find_first_of("; ")));
    std::string disposition = header(headers, "content-disposition");
    std::string name = parameter(disposition, "filename");
    if (name.empty()) name = parameter(declared, "name");
    bool attached = lower(disposition).starts_with("attachment") || !name.empty();
    if (type.starts_with("multipart/")) return parts(body, parameter(declared, "boundary"), depth);
    if (type.empty()) type = "text/plain";
    if (attached || (type != "text/plain" && type != "text/html")) {
      attachments.push_back(name.empty() ? type : decoded_words(name));
      return;
    }
    std::string coding = lower(header(headers, "content-transfer-encoding"));
    std::string bytes = coding == "base64"             ? from_base64(body)
                        : coding == "quoted-printable" ? from_quoted_printable(body, false)
                                                       : std::string(body);
    std::string text = in_utf8(bytes, parameter(declared, "charset"));
    (type == "text/html" ? html : plain) += text + "\n";
  }

  Headers top;
  std::string plain, html;
  std::vector<std::string> attachments;  ///< At most kMostParts.

 private:
  void parts(std::string_view body, const std::string& boundary, int depth) {
    if (boundary.empty()) return;
    std::string mark = "--" + boundary;
    auto next = [&](std::size_t from) {
      // Only at the start of a line.
      std::size_t at = body.find(mark, from);
      while (at != std::string_view::npos && at != 0 && body[at - 1] != '\n')
        at = body.find(mark, at + 1);
      return at;
    };
    std::size_t at = next(0);
    while (at != std::string_view::npos) {
      std::size_t begin = body.find('\n', at + mark.size());
      if (begin == std::string_view::npos || body.substr(at + mark.size()).starts_with("--")) return;
      std::size_t end = next(begin);
      part(body.substr(begin + 1, end == std::string_view::npos ? end : end - begin - 1), depth + 1);
      at = end;
    }
  }

  std::size_t parts_ = 0;
};

}  // namespace

std::string decoded_words(std::string_view header) {
  std::string out;
  bool after_word = false;
  while (!header.empty()) {
    std::size_t at = header.find("=?");
    std::string_view before = header.substr(0, at);
    // Spaces between two words belong to neither.
    if (!after_word || before.find_first_not_of(' ') != std::string_view::npos) out += before;
    if (at == std::string_view::npos) break;
    header.remove_prefix(at);
    std::size_t coding = header.find('?', 2);
    std::size_t text = coding == std::string_view::npos ? coding : header.find('?', coding + 1);
    std::size_t end = text == std::string_view::npos ? text : header.find("?=", text + 1);
    if (end == std::string_view::npos || text != coding + 2) {
      out += "=?";
      header.remove_prefix(2);
      after_word = false;
      continue;
    }
    std::string_view word = header.substr(text + 1, end - text - 1);
    bool base64 = header[coding + 1] == 'B' || header[coding + 1] == 'b';
    out += in_utf8(base64 ? from_base64(word) : from_quoted_printable(word, true),
                   header.substr(2, coding - 2));
    header.remove_prefix(end + 2);
    after_word = true;
  }
  return out;
}

void read_mail(std::string_view bytes, Sink& out) {
  Reader mail;
  mail.part(bytes, 0);
  constexpr std::array kShown = {"From", "To", "Cc", "Date", "Subject"};
  // A text of any kind may end in .eml; a message says who it is from.
  if (!mail.top.contains("from") && !mail.top.contains("subject")) throw Refused(Refusal::damaged);
  out.format("mail");
  out.title(decoded_words(header(mail.top, "subject")));
  out.author(decoded_words(header(mail.top, "from")));
  std::string text;
  for (const char* name : kShown)
    if (std::string value = header(mail.top, lower(name)); !value.empty())
      text += std::string(name) + ": " + decoded_words(value) + "\n";
  text += "\n";
  // Both say the same; where only one does, that.
  bool has_plain = mail.plain.find_first_not_of(" \r\n\t") != std::string::npos;
  text += has_plain || mail.html.empty() ? mail.plain : text_of_html(mail.html);
  for (const std::string& name : mail.attachments) text += "\nAttachment: " + name;
  out.text(text + "\n");
}

}  // namespace antiphon::extract
