#include "extract/reply.h"

#include <algorithm>
#include <charconv>

#include "base/encode.h"

namespace antiphon::extract {
namespace {

constexpr std::size_t kHead = 5;

std::string four_bytes(std::uint32_t n) {
  std::string out;
  for (int i = 0; i < 4; ++i) out += static_cast<char>(n >> (8 * i));
  return out;
}

std::uint32_t number_of(std::string_view four) {
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < 4; ++i)
    n |= static_cast<std::uint32_t>(static_cast<unsigned char>(four[i])) << (8 * i);
  return n;
}

bool clean(std::string_view text) {
  if (!valid_utf8(text)) return false;
  return std::ranges::none_of(text, [](char c) {
    auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && c != '\n' && c != '\t') || u == 0x7f;
  });
}

}  // namespace

std::string cleaned(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t n = utf8_sequence(text);
    auto u = static_cast<unsigned char>(text.front());
    if (n == 0) {
      out += "\xEF\xBF\xBD";
      n = 1;
    } else if (text.front() == '\r') {
      if (text.size() == 1 || text[1] != '\n') out += '\n';
    } else if ((u >= 0x20 && u != 0x7f) || u == '\n' || u == '\t') {
      out += text.substr(0, n);
    }
    text.remove_prefix(n);
  }
  return out;
}

void Sink::frame(char kind, std::string_view payload) {
  std::string out(1, kind);
  out += four_bytes(static_cast<std::uint32_t>(payload.size()));
  out += payload;
  write_(out);
}

void Sink::property(char name, std::string_view value) {
  std::string text = cleaned(value.substr(0, kMostValue));
  frame('p', name + std::string(utf8_prefix(text, kMostValue)));
}

void Sink::section(std::int64_t page, std::string_view place) {
  if (++sections_ > kMostSections) throw Enough{};
  std::string text = cleaned(place.substr(0, kMostPlace));
  frame('s', four_bytes(static_cast<std::uint32_t>(page)) + std::string(utf8_prefix(text, kMostPlace)));
}

void Sink::text(std::string_view text) {
  if (text.empty()) return;
  if (sections_ == 0) section(0, "");
  std::string good = cleaned(text);
  std::string_view rest = good;
  bool all = static_cast<std::int64_t>(rest.size()) <= room_;
  if (!all) rest = utf8_prefix(rest, static_cast<std::size_t>(room_));
  room_ -= static_cast<std::int64_t>(rest.size());
  while (!rest.empty()) {
    std::string_view piece = utf8_prefix(rest, kMostFrame);
    frame('t', piece);
    rest.remove_prefix(piece.size());
  }
  if (!all) throw Enough{};
}

void Sink::end(bool cut) {
  frame('z', std::string(1, cut ? '\1' : '\0'));
}

void Sink::refuse(Refusal why) {
  frame('x', std::string(1, static_cast<char>(why)));
}

bool ReplyReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (complete_) return false;
    std::size_t wanted = kHead;
    if (pending_.size() >= kHead) wanted += number_of(std::string_view(pending_).substr(1));
    std::size_t n = std::min(wanted - pending_.size(), bytes.size());
    pending_ += bytes.substr(0, n);
    bytes.remove_prefix(n);
    if (pending_.size() < kHead) continue;
    std::size_t length = number_of(std::string_view(pending_).substr(1));
    if (length > kMostFrame) return false;
    if (pending_.size() < kHead + length) continue;
    if (!take_frame(pending_.front(), std::string_view(pending_).substr(kHead))) return false;
    pending_.clear();
  }
  return true;
}

bool ReplyReader::take_frame(char kind, std::string_view payload) {
  auto& sections = document_.sections;
  switch (kind) {
    case 'p':
      return take_property(payload);
    case 's': {
      if (payload.size() < 4 || payload.size() > 4 + kMostPlace || ++begun_ > kMostSections)
        return false;
      std::uint32_t page = number_of(payload);
      if (page > 10'000'000 || !clean(payload.substr(4))) return false;
      if (!sections.empty() && sections.back().text.empty()) sections.pop_back();
      sections.push_back({.page = static_cast<int>(page), .place = std::string(payload.substr(4))});
      return true;
    }
    case 't':
      room_ -= static_cast<std::int64_t>(payload.size());
      if (sections.empty() || room_ < 0 || !clean(payload)) return false;
      sections.back().text += payload;
      return true;
    case 'z':
      if (payload.size() != 1) return false;
      document_.cut = payload.front() != '\0';
      if (!sections.empty() && sections.back().text.empty()) sections.pop_back();
      return complete_ = true;
    case 'x': {
      if (payload.size() != 1) return false;
      auto why = static_cast<std::uint8_t>(payload.front());
      if (why == 0 || why > static_cast<std::uint8_t>(Refusal::last)) return false;
      refusal_ = static_cast<Refusal>(why);
      return complete_ = true;
    }
    default:
      return false;
  }
}

bool ReplyReader::take_property(std::string_view payload) {
  if (payload.empty() || payload.size() > 1 + kMostValue) return false;
  std::string_view value = payload.substr(1);
  if (!clean(value)) return false;
  switch (payload.front()) {
    case 'f':
      document_.format = value;
      return true;
    case 't':
      document_.title = value;
      return true;
    case 'a':
      document_.author = value;
      return true;
    case 'e':
      document_.encoding = value;
      return true;
    case 'n': {
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), document_.pages);
      return error == std::errc() && end == value.data() + value.size() && document_.pages >= 0;
    }
    default:
      return false;
  }
}

}  // namespace antiphon::extract
