#include "bus/resp.h"

#include <charconv>

#include "base/problem.h"

namespace antiphon::bus {
namespace {

Problem no_reply() {
  return Problem(Problem::Kind::unavailable, "The server does not answer as Redis does.");
}

std::int64_t number_of(std::string_view text) {
  std::int64_t out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) throw no_reply();
  return out;
}

/// Reads one reply from the front of `rest`; false when its end has not come.
bool take(std::string_view& rest, Reply& out, int depth);

bool take_list(std::string_view& rest, Reply& out, std::int64_t count, int depth) {
  if (count < 0) return true;  // Version 2's absent list.
  if (count > static_cast<std::int64_t>(RespReader::kMaxList)) throw no_reply();
  out.list.resize(static_cast<std::size_t>(count));
  for (Reply& element : out.list)
    if (!take(rest, element, depth + 1)) return false;
  return true;
}

bool take_text(std::string_view& rest, Reply& out, std::int64_t size) {
  if (size < 0) {
    out.kind = Reply::Kind::nothing;
    return true;
  }
  if (size > static_cast<std::int64_t>(RespReader::kMaxText)) throw no_reply();
  auto bytes = static_cast<std::size_t>(size);
  if (rest.size() < bytes + 2) return false;
  if (rest.substr(bytes, 2) != "\r\n") throw no_reply();
  out.text = rest.substr(0, bytes);
  rest.remove_prefix(bytes + 2);
  return true;
}

bool take(std::string_view& rest, Reply& out, int depth) {
  using enum Reply::Kind;
  if (depth > RespReader::kMaxDepth) throw no_reply();
  std::size_t end = rest.find("\r\n");
  if (end == rest.npos) {
    if (rest.size() > RespReader::kMaxText) throw no_reply();
    return false;
  }
  if (end == 0) throw no_reply();
  char type = rest.front();
  std::string_view line = rest.substr(1, end - 1);
  rest.remove_prefix(end + 2);
  switch (type) {
    case '+':
    case ',':  // A floating-point number; nothing we ask for has one that matters.
    case '(':
      out.kind = text;
      out.text = line;
      return true;
    case '-':
      out.kind = error;
      out.text = line;
      return true;
    case ':':
      out.kind = number;
      out.number = number_of(line);
      return true;
    case '#':
      out.kind = number;
      out.number = line == "t" ? 1 : 0;
      return true;
    case '_':
      return true;
    case '$':
    case '=':
      out.kind = text;
      return take_text(rest, out, number_of(line));
    case '!':
      out.kind = error;
      return take_text(rest, out, number_of(line));
    case '*':
    case '~':
      out.kind = list;
      return take_list(rest, out, number_of(line), depth);
    case '>':
      out.kind = push;
      return take_list(rest, out, number_of(line), depth);
    case '%': {
      out.kind = list;
      std::int64_t pairs = number_of(line);
      if (pairs > static_cast<std::int64_t>(RespReader::kMaxList)) throw no_reply();
      return take_list(rest, out, 2 * pairs, depth);
    }
    default:
      throw no_reply();
  }
}

}  // namespace

std::string resp_command(std::span<const std::string_view> words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (std::string_view word : words) {
    out.append("$").append(std::to_string(word.size())).append("\r\n");
    out.append(word).append("\r\n");
  }
  return out;
}

std::optional<Reply> RespReader::next() {
  std::string_view rest = std::string_view(buffer_).substr(read_);
  Reply out;
  if (rest.empty() || !take(rest, out, 0)) {
    buffer_.erase(0, read_);
    read_ = 0;
    if (buffer_.size() > kMaxReply) throw no_reply();
    return std::nullopt;
  }
  read_ = buffer_.size() - rest.size();
  return out;
}

}  // namespace antiphon::bus
