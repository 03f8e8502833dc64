#include "features/chats/text.h"

#include <algorithm>

#include "base/encode.h"

namespace antiphon::chats {
namespace {

constexpr char32_t kBroken = 0xFFFD;

/// The character at the start of `text`, which is not empty, taken off it.
char32_t take(std::string_view& text) {
  std::size_t length = utf8_sequence(text);
  if (length == 0) {
    text.remove_prefix(1);
    return kBroken;
  }
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  char32_t c = length == 1 ? byte(0) : byte(0) & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (byte(i) & 0x3Fu);
  text.remove_prefix(length);
  return c;
}

void put(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

bool within(char32_t c, char32_t first, char32_t last) {
  return c >= first && c <= last;
}

/// The base letters of U+00C0 to U+017F; '.' for what is no such letter.
constexpr std::string_view kLatin =
    "aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.y"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkklllllll"
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/// Where capital and small letters alternate, and the capital one is even.
bool paired(char32_t c) {
  return within(c, 0x460, 0x481) || within(c, 0x48A, 0x4BF) || within(c, 0x4D0, 0x52F) ||
         within(c, 0x1E00, 0x1E95) || within(c, 0x1EA0, 0x1EFF) || within(c, 0x3D8, 0x3EF);
}

char32_t small_greek(char32_t c) {
  switch (c) {
    case 0x386:
    case 0x3AC:
      return 0x3B1;
    case 0x388:
    case 0x3AD:
      return 0x3B5;
    case 0x389:
    case 0x3AE:
      return 0x3B7;
    case 0x38A:
    case 0x3AF:
    case 0x390:
    case 0x3AA:
    case 0x3CA:
      return 0x3B9;
    case 0x38C:
    case 0x3CC:
      return 0x3BF;
    case 0x38E:
    case 0x3CD:
    case 0x3B0:
    case 0x3AB:
    case 0x3CB:
      return 0x3C5;
    case 0x38F:
    case 0x3CE:
      return 0x3C9;
    case 0x3C2:
      return 0x3C3;  // The sigma at a word's end.
    default:
      return within(c, 0x391, 0x3A9) && c != 0x3A2 ? c + 0x20 : c;  // U+03A2 is no letter.
  }
}

void put_latin(char32_t c, std::string& out) {
  if (char base = kLatin[c - 0xC0]; base != '.') {
    out += base;
    return;
  }
  switch (c) {
    case 0xC6:
    case 0xE6:
      out += "ae";
      return;
    case 0xDE:
    case 0xFE:
      out += "th";
      return;
    case 0xDF:
      out += "ss";
      return;
    case 0x132:
    case 0x133:
      out += "ij";
      return;
    default:
      put(c, out);  // × and ÷
  }
}

/// Appends `c` folded; nothing for marks that combine with the letter before.
void put_folded(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : static_cast<char>(c);
  } else if (within(c, 0xC0, 0x17F)) {
    if (within(c, 0x152, 0x153))
      out += "oe";
    else
      put_latin(c, out);
  } else if (within(c, 0x300, 0x36F)) {
    return;
  } else if (within(c, 0x386, 0x3CE)) {
    put(small_greek(c), out);
  } else if (within(c, 0x400, 0x42F)) {
    put(c + (c < 0x410 ? 0x50 : 0x20), out);
  } else if (within(c, 0x531, 0x556)) {
    put(c + 0x30, out);
  } else if (within(c, 0xFF21, 0xFF3A) || within(c, 0xFF41, 0xFF5A)) {
    out += static_cast<char>('a' + (c - 0xFF21) % 0x20);  // Full-width Latin.
  } else {
    put(paired(c) ? c | 1 : c, out);
  }
}

/// Neither letter nor digit, so between words.
bool parts(char32_t c) {
  if (c < 0x80) return !(within(c, '0', '9') || within(c, 'a', 'z') || within(c, 'A', 'Z'));
  return within(c, 0x80, 0xA9) || within(c, 0xAB, 0xB4) || within(c, 0xB6, 0xB9) ||
         within(c, 0xBB, 0xBF) || c == 0xD7 || c == 0xF7 || within(c, 0x2000, 0x206F) ||
         within(c, 0x2190, 0x2BFF) || within(c, 0x2E00, 0x2E7F) || within(c, 0x3000, 0x3004) ||
         within(c, 0x3008, 0x3020) || c == 0x30FB || within(c, 0xE000, 0xF8FF) ||
         within(c, 0xFE00, 0xFE0F) || within(c, 0xFE30, 0xFE6F) || within(c, 0xFF01, 0xFF0F) ||
         within(c, 0xFF1A, 0xFF20) || within(c, 0xFF3B, 0xFF40) || within(c, 0xFF5B, 0xFF65) ||
         within(c, 0xFFF0, 0xFFFF) || within(c, 0x1F000, 0x1FFFF) || c >= 0xE0000;
}

/// Written without blanks between words, so each character is found by itself.
bool stands_alone(char32_t c) {
  return within(c, 0xE00, 0xEFF) || within(c, 0x1000, 0x109F) || within(c, 0x1780, 0x17FF) ||
         within(c, 0x3005, 0x3007) || within(c, 0x3040, 0x30FF) || within(c, 0x3400, 0x9FFF) ||
         within(c, 0xF900, 0xFAFF) || within(c, 0x20000, 0x3FFFF);
}

}  // namespace

std::string fold(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    char32_t c = take(text);
    put_folded(c == kBroken || c == 0 ? ' ' : c, out);
  }
  return out;
}

std::string words_of(std::string_view text, std::size_t most) {
  std::string out;
  bool gap = false;
  while (!text.empty() && out.size() < most) {
    char32_t c = take(text);
    if (parts(c)) {
      gap = true;
      continue;
    }
    bool alone = stands_alone(c);
    std::size_t before = out.size();
    if ((gap || alone) && before != 0) out += ' ';
    std::size_t start = out.size();
    put_folded(c, out);
    bool mark = out.size() == start, too_much = out.size() > most;
    if (mark || too_much) out.resize(before);
    if (too_much) break;
    if (!mark) gap = alone;
  }
  return out;
}

std::string snippet(std::string_view text, std::string_view words) {
  constexpr std::size_t kBefore = 40, kLength = 160;
  std::string_view first = words.substr(0, words.find(' '));
  std::string_view from = text;
  std::string_view rest = text.substr(0, kSearchedBytes);
  for (bool fresh = true; !first.empty() && !rest.empty();) {
    std::string_view here = rest;
    char32_t c = take(rest);
    bool alone = stands_alone(c);
    if ((fresh || alone) && !parts(c) &&
        words_of(here.substr(0, 4 * first.size() + 16)).starts_with(first)) {
      from = here;
      break;
    }
    fresh = alone || parts(c);
  }
  std::size_t start = from.data() - text.data();
  start = start > kBefore ? start - kBefore : 0;
  while (start != 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  std::string out(utf8_prefix(text.substr(start), kLength));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out;
}

std::string tag_id(std::string_view name) {
  std::string out;
  for (char c : name) out += c == ' ' ? '_' : (c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c;
  return out;
}

}  // namespace antiphon::chats
