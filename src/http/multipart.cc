#include "http/multipart.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/encode.h"
#include "http/text.h"

namespace antiphon::http {
namespace {

constexpr std::size_t kMostFields = 16;
constexpr std::size_t kMostName = 100;
constexpr std::size_t kMostFilename = 255;

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

/// Of a header field: "form-data; name=\"a\"; …". Nothing when it is not written like that, or names
/// one parameter twice.
struct Parameters {
  std::string value;
  std::vector<std::pair<std::string, std::string>> all;

  static std::optional<Parameters> read(std::string_view text);
  const std::string* find(std::string_view name) const {
    auto found = std::ranges::find(all, name, &std::pair<std::string, std::string>::first);
    return found == all.end() ? nullptr : &found->second;
  }
};

/// A quoted string or a token from the front of `text`. Clients escape a quote and nothing else, and
/// some send a bare backslash.
std::optional<std::string> take_value(std::string_view& text) {
  if (!text.starts_with('"')) {
    std::string_view word = trim(text.substr(0, text.find(';')));
    text.remove_prefix(std::min(text.size(), text.find(';')));
    if (!is_token(word)) return std::nullopt;
    return std::string(word);
  }
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    bool escaped =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escaped) ++i;
    if (text[i] == '"' && !escaped) {
      text = trim(text.substr(i + 1));
      return out;
    }
    out += text[i];
  }
  return std::nullopt;
}

std::optional<Parameters> Parameters::read(std::string_view text) {
  Parameters out;
  out.value = trim(text.substr(0, text.find(';')));
  text.remove_prefix(std::min(text.size(), text.find(';')));
  while (!text.empty()) {
    if (!text.starts_with(';')) return std::nullopt;
    text = trim(text.substr(1));
    std::size_t equals = text.find('=');
    if (equals == text.npos || !is_token(text.substr(0, equals))) return std::nullopt;
    std::string name;
    for (char c : text.substr(0, equals)) name += lower(c);
    text.remove_prefix(equals + 1);
    std::optional<std::string> value = take_value(text);
    if (!value || out.find(name)) return std::nullopt;
    out.all.emplace_back(std::move(name), std::move(*value));
  }
  return out;
}

/// RFC 5987, as some clients send it besides `filename`.
std::optional<std::string> extended(std::string_view text) {
  constexpr std::string_view kUtf8 = "utf-8''";
  if (text.size() < kUtf8.size() || !equal_ignoring_case(text.substr(0, kUtf8.size()), kUtf8))
    return std::nullopt;
  return percent_decode(text.substr(kUtf8.size()));
}

bool take_disposition(std::string_view text, PartHead& head) {
  std::optional<Parameters> said = Parameters::read(text);
  if (!said || !equal_ignoring_case(said->value, "form-data")) return false;
  const std::string* name = said->find("name");
  if (!name || name->empty() || name->size() > kMostName || !valid_utf8(*name) || has_control(*name))
    return false;
  head.name = *name;
  if (const std::string* plain = said->find("filename"))
    head.filename = *plain;
  else if (const std::string* other = said->find("filename*");
           other && !(head.filename = extended(*other)))
    return false;
  return !head.filename || (valid_utf8(*head.filename) && !has_control(*head.filename));
}

/// The lines of a part's head, each without its end.
std::optional<PartHead> read_part_head(std::string_view block) {
  PartHead head;
  bool disposed = false, typed = false;
  std::size_t fields = 0;
  while (!block.empty()) {
    std::size_t end = std::min(block.find("\r\n"), block.size());
    std::string_view line = block.substr(0, end);
    block.remove_prefix(std::min(block.size(), end + 2));
    std::size_t colon = line.find(':');
    if (++fields > kMostFields || colon == line.npos || !is_token(line.substr(0, colon)))
      return std::nullopt;
    std::string_view name = line.substr(0, colon), value = trim(line.substr(colon + 1));
    if (std::ranges::any_of(value, [](char c) { return c != '\t' && has_control({&c, 1}); }))
      return std::nullopt;
    if (equal_ignoring_case(name, "content-disposition")) {
      if (std::exchange(disposed, true) || !take_disposition(value, head)) return std::nullopt;
    } else if (equal_ignoring_case(name, "content-type")) {
      if (std::exchange(typed, true)) return std::nullopt;
      head.type = value;
    } else if (equal_ignoring_case(name, "content-transfer-encoding")) {
      // RFC 7578 has none; what would have to be decoded is not taken for what it is not.
      if (!equal_ignoring_case(value, "binary") && !equal_ignoring_case(value, "8bit") &&
          !equal_ignoring_case(value, "7bit"))
        return std::nullopt;
    }
  }
  if (!disposed) return std::nullopt;
  return head;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  std::optional<Parameters> said = Parameters::read(content_type);
  if (!said || !equal_ignoring_case(said->value, "multipart/form-data")) return std::nullopt;
  const std::string* boundary = said->find("boundary");
  if (!boundary || boundary->empty() || boundary->size() > 70 || boundary->ends_with(' '))
    return std::nullopt;
  bool fine = std::ranges::all_of(*boundary, [](char c) {
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return word || std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
  });
  return fine ? std::optional(*boundary) : std::nullopt;
}

std::optional<std::string> base_name(std::string_view filename) {
  if (std::size_t slash = filename.find_last_of("/\\"); slash != filename.npos)
    filename.remove_prefix(slash + 1);
  bool fine = !filename.empty() && filename != "." && filename != ".." &&
              filename.size() <= kMostFilename && !has_control(filename);
  return fine ? std::optional(std::string(filename)) : std::nullopt;
}

Multipart::Multipart(std::string_view boundary, Sink& sink)
    : delimiter_("\r\n--" + std::string(boundary)), sink_(sink), buffer_("\r\n") {}

std::optional<Refusal> Multipart::take(std::string_view bytes) {
  if (refusal_) return refusal_;
  buffer_ += bytes;
  while (step()) continue;
  buffer_.erase(0, std::exchange(at_, 0));
  return refusal_;
}

bool Multipart::step() {
  switch (state_) {
    case State::first:
      return take_first();
    case State::delimited:
      return take_delimited();
    case State::head:
      return take_head();
    case State::data:
      return take_data();
    case State::done:
      return take_rest();
  }
  __builtin_unreachable();
}

bool Multipart::refuse(int status, std::string_view detail) {
  refusal_ = Refusal{status, detail};
  return false;
}

/// A form begins with its boundary: nobody sends the preamble that a reader would have to skip.
bool Multipart::take_first() {
  std::string_view have = held();
  std::size_t length = std::min(have.size(), delimiter_.size());
  if (have.substr(0, length) != std::string_view(delimiter_).substr(0, length))
    return refuse(400, "The form does not begin with its boundary.");
  if (have.size() < delimiter_.size()) return false;
  at_ += delimiter_.size();
  state_ = State::delimited;
  return true;
}

bool Multipart::take_delimited() {
  std::string_view have = held();
  if (have.size() < 2) return false;
  bool more = have.starts_with("\r\n");
  if (!more && !have.starts_with("--")) return refuse(400, "A boundary of the form goes on.");
  at_ += 2;
  state_ = more ? State::head : State::done;
  if (more && ++parts_ > kMostParts) return refuse(400, "The form has too many parts.");
  return true;
}

bool Multipart::take_head() {
  std::string_view have = held();
  std::size_t end = have.substr(0, kHeadBytes + 4).find("\r\n\r\n");
  if (end == have.npos) {
    if (have.size() >= kHeadBytes + 4) return refuse(431, "The head of a part is too long.");
    return false;
  }
  std::optional<PartHead> head = read_part_head(have.substr(0, end));
  if (!head) return refuse(400, "The head of a part cannot be understood.");
  at_ += end + 4;
  state_ = State::data;
  refusal_ = sink_.begin(std::move(*head));
  return !refusal_;
}

bool Multipart::take_data() {
  std::string_view have = held();
  if (std::size_t end = have.find(delimiter_); end != have.npos) {
    if (!tell(have.substr(0, end))) return false;
    at_ += end + delimiter_.size();
    state_ = State::delimited;
    return true;
  }
  // What is left could be the beginning of a delimiter.
  if (have.size() < delimiter_.size()) return false;
  std::size_t sure = have.size() - delimiter_.size() + 1;
  if (!tell(have.substr(0, sure))) return false;
  at_ += sure;
  return false;
}

/// Nothing follows a form but, from some, a line's end.
bool Multipart::take_rest() {
  if (!std::string_view("\r\n").starts_with(held())) return refuse(400, "Something follows the form.");
  return false;
}

bool Multipart::tell(std::string_view bytes) {
  if (!bytes.empty()) refusal_ = sink_.data(bytes);
  return !refusal_;
}

}  // namespace antiphon::http
